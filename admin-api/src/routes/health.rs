//! `/healthz`, `/readyz` and `/metrics`: how the server is.

use std::sync::Arc;

use axum::{
    Json as AxumJson,
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Anyone, Caller, MetricsRead},
    error::Problem,
    v1::{problem::ProblemOut, time},
};

/// Whether the server does all that it is there for.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadinessOut {
    /// It does.
    ready: bool,
    /// Why it does not.
    reason: Option<String>,
    /// What exactly failed; null without a token.
    detail: Option<String>,
    /// The last change that is visible.
    head_seq: u64,
    /// The release.
    version: &'static str,
    /// Since when it runs.
    started_at: String,
    /// For how many seconds it has run.
    uptime_seconds: u64,
}

/// Tells that the process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "It does", body = String)))]
pub(crate) async fn show_health() -> &'static str {
    "ok\n"
}

/// Tells whether the server does all that it is there for; to holders of a token also what exactly failed.
#[utoipa::path(get, path = "/readyz", tag = "health", security((), ("token" = [])),
    responses((status = 200, body = ReadinessOut), (status = 503, body = ReadinessOut)))]
pub(crate) async fn show_readiness(State(app): State<Arc<App>>, request: Request) -> Response {
    let readiness = app.host.readiness();
    let mut parts = request.into_parts().0;
    // The words of a failure name files, which are nobody else's business.
    let detail = match readiness.detail {
        Some(detail) if parts.headers.contains_key(header::AUTHORIZATION) => {
            let caller = Caller::<Anyone>::from_request_parts(&mut parts, &app).await;
            caller.ok().map(|_| detail)
        }
        _ => None,
    };
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let (started, uptime) = app.started();
    let body = ReadinessOut {
        ready: readiness.ready,
        reason: readiness.reason,
        detail,
        head_seq: *app.head.borrow(),
        version: env!("CARGO_PKG_VERSION"),
        started_at: time::write(started),
        uptime_seconds: uptime.as_secs(),
    };
    (status, AxumJson(body)).into_response()
}

/// Shows metrics as Prometheus text.
#[utoipa::path(get, path = "/metrics", tag = "health", security(("token" = ["metrics:read"]), ()),
    responses((status = 200, body = String, content_type = "text/plain"), (status = "default", body = ProblemOut)))]
pub(crate) async fn show_metrics(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    if !app.limits.metrics_open {
        Caller::<MetricsRead>::from_request_parts(&mut request.into_parts().0, &app).await?;
    }
    let host = app.host.clone();
    let text = app.block(move || Ok(host.metrics_text())).await?;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, text).into_response())
}
