//! What happens around every handler: log line, metrics, headers, deadlines, panics.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    body::HttpBody as _,
    extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use dnsbl_types::{Name, Subject};
use futures_util::FutureExt as _;
use tracing::field::display;

use crate::{
    anonymous,
    app::App,
    auth::{Asker, Client, Peer},
    error::Problem,
    extract::unslash,
    host, idempotency,
    routes::SEQ_HEADER,
    throttle::ThrottleDecision,
    url_tokens::{self, TokenInUrl},
};

/// The longest body that is read to its end even where nobody asks for it, in bytes. The connection
/// of a refused longer one ends, and the client must know, or it sends its next request into nothing.
const READ_TO_ITS_END: u64 = 16 << 10;

/// The policy of a group of routes.
#[derive(Clone, Copy)]
pub(crate) struct RoutePolicy {
    /// Whether they answer from the index, and are refused while it is being loaded.
    pub(crate) requires_index: bool,
    /// Whether they end after [`Limits::request_timeout`](crate::Limits::request_timeout).
    pub(crate) has_deadline: bool,
}

/// The layer around every handler. One layer does all of it: each costs about as much as a change
/// of a listing needs to be read.
pub(crate) async fn request_layer(
    State((app, policy)): State<(Arc<App>, RoutePolicy)>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    let params = RawPathParams::from_request_parts(&mut parts, &()).await;
    let about = params.map_or_else(|_| About::default(), |params| About::read(&params));
    let mut request = Request::from_parts(parts, body);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let is_long = request.body().size_hint().upper().is_none_or(|bytes| bytes > READ_TO_ITS_END);
    let client = client(&app, &request);
    let asker = Asker::default();
    request.extensions_mut().insert(asker.clone());
    request.extensions_mut().insert(client);
    let answer = AssertUnwindSafe(answer(&app, policy, request, next)).catch_unwind().await;
    let mut response = match answer {
        Ok(answer) => answer.unwrap_or_else(IntoResponse::into_response),
        Err(panic) => panicked(panic.as_ref()),
    };
    add_headers(&mut response, is_long);
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let status = response.status();
    app.server.count_request(route, status.as_u16());
    if status.is_client_error() {
        let token = asker.0.get().map_or("", |token| &token.record.name);
        app.server.count_refusal(token, status.as_u16());
    }
    log(&app, &LogLine { method, route, about, client, asker, started }, &response);
    response
}

/// Who asks: the peer, or behind a proxy that is believed whoever that one names.
fn client(app: &App, request: &Request) -> Client {
    let peer = request.extensions().get::<Peer>().map(|Peer(peer)| peer.ip().to_canonical());
    // A proxy that names nobody asks for itself, as for its own health checks.
    Client(peer.map(|peer| {
        anonymous::client(peer, request.headers(), &app.limits.load().proxies).unwrap_or(peer)
    }))
}

async fn answer(
    app: &Arc<App>,
    policy: RoutePolicy,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    url_tokens::refuse(request.uri()).inspect_err(|found| warn_of(app, found))?;
    host::check(&app.limits.load(), app.tester.as_deref(), &request)?;
    if policy.requires_index {
        require_index(app)?;
    }
    let run = idempotency::run(app, request, next, !policy.has_deadline);
    if !policy.has_deadline {
        return run.await;
    }
    let limit = app.limits.load().request_timeout;
    tokio::time::timeout(limit, run).await.unwrap_or_else(|_| {
        let detail = format!("no answer within {} seconds", limit.as_secs());
        Err(Problem::unavailable("timeout", detail))
    })
}

/// Adds the headers that every answer has.
fn add_headers(response: &mut Response, is_long: bool) {
    let refused = !response.status().is_success();
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if is_long && refused {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// The parts of a request's log line beside the answer's.
struct LogLine<'a> {
    method: Method,
    route: &'a str,
    about: About,
    client: Client,
    asker: Asker,
    started: Instant,
}

/// The zone and the subject that a path names, in canonical form.
#[derive(Debug, Default, PartialEq, Eq)]
struct About {
    zone: Option<Name>,
    subject: Option<Subject>,
}

impl About {
    /// Whatever is neither zone nor subject is left out: it may be anything, also a secret.
    fn read<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut about = Self::default();
        for (name, text) in parts {
            match name {
                "zone" => about.zone = text.parse().ok(),
                "subject" => about.subject = unslash(text).parse().ok(),
                _ => {}
            }
        }
        about
    }
}

/// One line a request; paths as they come, queries, headers and bodies stay out of it.
///
/// Fields that are not known are left out, so that a line says what is there. A refusal for want of a
/// token or a scope is a warning, and names who asked: guessing leaves a trace, and can be shut out.
fn log(app: &App, line: &LogLine<'_>, response: &Response) {
    let status = response.status();
    let LogLine { method, route, about, started, .. } = line;
    let client = line.client.0.map(display);
    let record = line.asker.0.get().map(|token| &token.record);
    let actor = record.map(|record| record.name.as_str());
    let token = record.map(|record| record.id.as_str());
    let (zone, subject) = (about.zone.as_ref().map(display), about.subject.as_ref().map(display));
    let ms = started.elapsed().as_millis() as u64;
    let header = response.headers().get(SEQ_HEADER).and_then(|seq| seq.to_str().ok());
    let seq: Option<u64> = header.and_then(|seq| seq.parse().ok());
    let status_code = status.as_u16();
    // Logins come by the thousand, and what they grant has a line of its own.
    let is_frequent = *route == "/v1/check" || route.starts_with("/v1/logins");
    let reads = matches!(*method, Method::GET | Method::HEAD) || is_frequent;
    macro_rules! line {
        ($level:ident, $text:literal) => {
            tracing::$level!(
                status = status_code,
                client,
                %method,
                route,
                zone,
                subject,
                actor,
                token,
                seq,
                ms,
                $text
            )
        };
    }
    // Without a token it is a limit of failed tries.
    let is_try = status == StatusCode::TOO_MANY_REQUESTS && record.is_none();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => warn_unless_throttled(app, || {
            line!(warn, "request refused");
        }),
        _ if is_try => warn_unless_throttled(app, || line!(warn, "request refused")),
        _ if reads => line!(debug, "request"),
        _ => line!(info, "request"),
    }
}

/// Writes lines of what strangers can cause, some of them a second.
fn warn_unless_throttled(app: &App, write: impl FnOnce()) {
    if let ThrottleDecision::Write { left_out } = app.refusals.judge(Instant::now()) {
        if left_out > 0 {
            tracing::warn!(left_out, "more requests were refused than are logged");
        }
        write();
    }
}

/// Names the token by its public part, so that it can be revoked: whatever lies between has logged all of it.
fn warn_of(app: &App, found: &TokenInUrl) {
    if let Some(id) = &found.id {
        warn_unless_throttled(app, || {
            tracing::warn!(token = id, "a token came in a URL: rotate or revoke it");
        });
    }
}

/// Refuses what needs the index while it is being loaded.
fn require_index(app: &App) -> Result<(), Problem> {
    if app.index.load().is_loaded() {
        return Ok(());
    }
    let reason = app.server.readiness().reason;
    Err(Problem::unavailable("loading", reason.as_deref().unwrap_or("loading")))
}

/// The answer to a request whose handler panicked.
fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("-"), "a request's handler panicked");
    Problem::internal().into_response()
}

/// The answer where there is no such route.
pub(crate) async fn no_route(uri: Uri) -> Problem {
    let Some(subject) = torn_subject(uri.path()) else {
        let detail = "there is nothing at this path; /openapi.json describes what there is, to holders of a token";
        return Problem::not_found("no-such-route", detail);
    };
    let other = subject.replace('/', "_");
    let encoded = subject.replace('/', "%2F");
    let detail = format!(
        "the path ends in {subject}, and the length of a prefix is not a part of the path: it is sent as {encoded}; where it was sent so, something between here and there decodes the path (nginx does where proxy_pass ends in a URI, even /): let it pass the path as it is, or write {other}, which nothing changes"
    );
    Problem::not_found("no-such-route", detail).with("write", other)
}

/// A subject whose `%2F` has become a part of the path.
fn torn_subject(path: &str) -> Option<String> {
    let mut parts = path.split('/').skip(1);
    if parts.next() != Some("v1") {
        return None;
    }
    let rest: Vec<&str> = match parts.next() {
        Some("zones") if parts.nth(1) == Some("listings") => parts.collect(),
        Some("relay-opt-outs") => parts.collect(),
        _ => return None,
    };
    let text = rest.join("/");
    // Only what is a prefix: it is repeated in the answer.
    let subject: Subject = text.parse().ok()?;
    (rest.len() == 2).then(|| subject.net().map(|net| net.to_string()))?
}

/// The answer to a method that a route does not have.
pub(crate) async fn no_method(method: Method) -> Problem {
    let detail = format!("{method} is not possible here; the header Allow says what is");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_names_zone_and_subject_and_nothing_else() {
        let about = |zone: &str, subject: &str| {
            let about = About::read([("zone", zone), ("subject", subject), ("id", "x")]);
            let About { zone, subject } = about;
            [zone.map(|zone| zone.to_string()), subject.map(|subject| subject.to_string())]
        };
        let some = |text: &str| Some(text.to_owned());
        let zone = some("bl.example.org");
        for subject in ["192.0.2.0/24", "192.0.2.0_24", "::ffff:192.0.2.0/120"] {
            let told = about("BL.example.org", subject);
            assert_eq!(told, [zone.clone(), some("192.0.2.0/24")], "{subject}");
        }
        let secret = format!("dnsbl_{}_{}", "0".repeat(16), "1".repeat(64));
        for text in [&secret, "\n\u{1b}[31m", ""] {
            assert_eq!(about(text, text), [None, None], "{text:?}");
        }
    }

    #[test]
    fn a_subject_that_was_decoded_on_its_way_is_known_by_its_look() {
        let at = "/v1/zones/bl.example.org/listings";
        assert_eq!(torn_subject(&format!("{at}/192.0.2.0/24")).as_deref(), Some("192.0.2.0/24"));
        assert_eq!(torn_subject(&format!("{at}/2001:db8::/32")).as_deref(), Some("2001:db8::/32"));
        let opt_out = "/v1/relay-opt-outs/198.51.100.0/24";
        assert_eq!(torn_subject(opt_out).as_deref(), Some("198.51.100.0/24"));
        for path in
            ["/v2", "/v1/zones/a/b/192.0.2.0/24", "/v1/zones/z/listings/a/b", "/v1/x/192.0.2.0/24"]
        {
            assert_eq!(torn_subject(path), None, "{path}");
        }
    }
}
