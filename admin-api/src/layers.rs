//! What happens around every handler: log line, metrics, headers, deadlines, panics.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    body::HttpBody as _,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;

use crate::{app::App, auth::ActorName, error::Problem, routes::SEQ_HEADER};

/// The longest body that is read to its end even where nobody asks for it, in bytes. The connection
/// of a refused longer one ends, and the client must know, or it sends its next request into nothing.
const READ_TO_ITS_END: u64 = 16 << 10;

/// What holds for the routes of a group.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// They answer from the index, so they are refused while it is being loaded.
    pub(crate) need_index: bool,
    /// They end after [`Limits::request_timeout`](crate::Limits::request_timeout).
    pub(crate) are_quick: bool,
}

/// What stands around every handler. One layer does all of it: each costs about as much as a change
/// of a listing needs to be read.
pub(crate) async fn around(
    State((app, rules)): State<(Arc<App>, Rules)>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let is_long = request.body().size_hint().upper().is_none_or(|bytes| bytes > READ_TO_ITS_END);
    let actor = ActorName::default();
    request.extensions_mut().insert(actor.clone());
    let answer = AssertUnwindSafe(answer(&app, rules, request, next)).catch_unwind().await;
    let mut response = match answer {
        Ok(answer) => answer.unwrap_or_else(IntoResponse::into_response),
        Err(panic) => panicked(panic.as_ref()),
    };
    add_headers(&mut response, is_long);
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let status = response.status();
    app.host.count_request(route, status.as_u16());
    if status.is_client_error() {
        app.host.count_refusal(actor.0.get().map_or("", String::as_str), status.as_u16());
    }
    log(&method, route, &response, &actor, started);
    response
}

async fn answer(
    app: &App,
    rules: Rules,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    refuse_token_in_query(request.uri())?;
    if rules.need_index {
        require_index(app)?;
    }
    if !rules.are_quick {
        return Ok(next.run(request).await);
    }
    let limit = app.limits.request_timeout;
    tokio::time::timeout(limit, next.run(request)).await.map_err(|_| {
        let detail = format!("no answer within {} seconds", limit.as_secs());
        Problem::unavailable("timeout", detail)
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

/// One line a request; paths, queries, headers and bodies stay out of it.
fn log(method: &Method, route: &str, response: &Response, actor: &ActorName, started: Instant) {
    let status = response.status().as_u16();
    let actor = actor.0.get().map_or("-", String::as_str);
    let ms = started.elapsed().as_millis() as u64;
    let seq = response.headers().get(SEQ_HEADER);
    let seq = seq.and_then(|seq| seq.to_str().ok()).unwrap_or("-");
    let reads = matches!(*method, Method::GET | Method::HEAD) || route == "/v1/check";
    if reads {
        tracing::debug!(%method, route, status, actor, ms, "request");
    } else {
        tracing::info!(%method, route, status, actor, seq, ms, "request");
    }
}

/// URLs end up in logs and histories, so a secret has no place in them.
fn refuse_token_in_query(uri: &Uri) -> Result<(), Problem> {
    let mut names =
        uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split('=').next());
    if names.any(|name| matches!(name, "token" | "access_token")) {
        return Err(Problem::malformed(
            "a token does not belong in a URL: send the header `Authorization: Bearer TOKEN`, and revoke this token",
        ));
    }
    Ok(())
}

/// Refuses what needs the index while it is being loaded.
fn require_index(app: &App) -> Result<(), Problem> {
    if app.index.load().is_loaded() {
        return Ok(());
    }
    let reason = app.host.readiness().reason;
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
    let mut parts = uri.path().split('/').skip(1);
    let is_listing = parts.next() == Some("v1")
        && parts.next() == Some("zones")
        && parts.nth(1) == Some("listings");
    let hint = if is_listing {
        "; a subject is percent-encoded, as in 192.0.2.0%2F24"
    } else {
        "; /openapi.json describes what there is"
    };
    Problem::not_found("no-such-route", format!("there is nothing at this path{hint}"))
}

/// The answer to a method that a route does not have.
pub(crate) async fn no_method(method: Method) -> Problem {
    let detail = format!("{method} is not possible here; the header Allow says what is");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}
