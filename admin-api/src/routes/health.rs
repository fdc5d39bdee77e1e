//! `/healthz`, `/readyz` and `/metrics`: how the server is.

use std::sync::Arc;

use admin_api_types as api;
use axum::{
    Json as AxumJson,
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    scopes::{Anyone, MetricsRead},
    v1::time,
};

/// Tells that the process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "It does", body = String)))]
pub(crate) async fn show_health() -> &'static str {
    "ok\n"
}

/// Tells whether the server does all that it is there for; to holders of a token also what exactly failed.
#[utoipa::path(get, path = "/readyz", tag = "health", security((), ("token" = [])),
    responses((status = 200, body = api::Readiness), (status = 503, body = api::Readiness)))]
pub(crate) async fn show_readiness(State(app): State<Arc<App>>, request: Request) -> Response {
    let readiness = app.server.readiness();
    let mut parts = request.into_parts().0;
    // The words of a failure name files, which are nobody else's business.
    let detail = match readiness.detail {
        Some(detail) if parts.headers.contains_key(header::AUTHORIZATION) => {
            let caller = Caller::<Anyone>::from_request_parts(&mut parts, &app).await;
            let caller = caller.ok();
            caller
                .filter(|caller| caller.rights().require_every_zone("this").is_ok())
                .map(|_| detail)
        }
        _ => None,
    };
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let (started, uptime) = app.started();
    let body = api::Readiness {
        ready: readiness.ready,
        reason: readiness.reason,
        detail,
        head_seq: *app.head.borrow(),
        version: env!("CARGO_PKG_VERSION").into(),
        started_at: time::write(started),
        uptime_seconds: uptime.as_secs(),
    };
    (status, AxumJson(body)).into_response()
}

/// Shows metrics as Prometheus text.
#[utoipa::path(get, path = "/metrics", tag = "health", security(("token" = ["metrics:read"]), ()),
    responses((status = 200, body = String, content_type = "text/plain"), (status = "default", body = api::Problem)))]
pub(crate) async fn show_metrics(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    if !app.limits.load().metrics_open {
        let mut parts = request.into_parts().0;
        let caller = Caller::<MetricsRead>::from_request_parts(&mut parts, &app).await?;
        caller.rights().require_every_zone("this")?;
    }
    let server = app.server.clone();
    let text = app.block(move || Ok(server.metrics_text())).await?;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, text).into_response())
}
