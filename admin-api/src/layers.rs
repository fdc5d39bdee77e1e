//! What happens around every handler: log line, metrics, headers, deadlines, panics.

use std::{any::Any, sync::Arc, time::Instant};

use axum::{
    body::HttpBody as _,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{app::App, auth::ActorName, error::Problem, routes::SEQ_HEADER};

/// The longest body that is read to its end even where nobody asks for it, in bytes. The connection
/// of a refused longer one ends, and the client must know, or it sends its next request into nothing.
const READ_TO_ITS_END: u64 = 16 << 10;

/// Logs and counts a request, and adds the headers that every answer has.
pub(crate) async fn observe(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let is_long = request.body().size_hint().upper().is_none_or(|bytes| bytes > READ_TO_ITS_END);
    let actor = ActorName::default();
    request.extensions_mut().insert(actor.clone());
    let mut response = match refuse_token_in_query(request.uri()) {
        Err(problem) => problem.into_response(),
        Ok(()) => next.run(request).await,
    };
    let status = response.status();
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if is_long && !status.is_success() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    app.host.count_request(route, status.as_u16());
    log(&method, route, &response, &actor, started);
    response
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
pub(crate) async fn loaded(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if app.index.load().is_loaded() {
        return next.run(request).await;
    }
    let reason = app.host.readiness().reason;
    Problem::unavailable("loading", reason.as_deref().unwrap_or("loading")).into_response()
}

/// Ends a request that takes too long.
pub(crate) async fn deadline(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let limit = app.limits.request_timeout;
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("no answer within {} seconds", limit.as_secs());
            Problem::unavailable("timeout", detail).into_response()
        }
    }
}

/// The answer to a request whose handler panicked.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
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
