//! `/openapi.json`: the API's own description.

use std::sync::Arc;

use admin_api_types as api;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        RefOr,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use crate::{app::App, auth::Caller, error::Problem, scopes::Anyone};

/// What the description says besides the operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "DNS block list",
        description = "Zones, listings, imports, exports and the change feed of a DNS block list. Errors are RFC 9457 problems, times are RFC 3339 in UTC. Every change answers with `DNSBL-Seq`, the sequence number from which on DNS shows it."
    ),
    components(schemas(api::Problem, api::WebhookMessage)),
    modifiers(&BearerToken)
)]
pub(crate) struct Description;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", scheme);
    }
}

/// The description as JSON.
pub(crate) fn to_json(description: &utoipa::openapi::OpenApi) -> String {
    let mut description = description.clone();
    name_problems(&mut description);
    description.to_json().unwrap_or_else(|err| {
        tracing::error!(%err, "the API's description can't be written");
        "{}".into()
    })
}

/// Gives every error its media type (RFC 9457 section 3), which operations need not repeat.
fn name_problems(description: &mut utoipa::openapi::OpenApi) {
    for item in description.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            let errors = operation.responses.responses.get_mut("default");
            if let Some(RefOr::T(errors)) = errors
                && let Some(body) = errors.content.shift_remove("application/json")
            {
                errors.content.insert("application/problem+json".into(), body);
            }
        }
    }
}

/// Shows this description.
#[utoipa::path(get, path = "/openapi.json", tag = "health", security(("token" = []), ()),
    responses((status = 200, body = Object), (status = "default", body = api::Problem)))]
pub(crate) async fn show_openapi(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    if !app.limits.load().openapi_open {
        Caller::<Anyone>::from_request_parts(&mut request.into_parts().0, &app).await?;
    }
    let json = app.openapi.get().cloned().unwrap_or_default();
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}
