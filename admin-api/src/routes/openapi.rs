//! `/openapi.json`: the API's own description.

use std::sync::{Arc, LazyLock};

use admin_api_types as api;
use axum::{
    Extension,
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

use crate::{
    app::App,
    auth::Caller,
    description,
    error::Problem,
    routes::{
        export::{ExportName, TriggerName},
        import::Mode,
        search::{Kind, Match},
    },
    scopes::Anyone,
};

/// What the description says besides the operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "DNS block list",
        description = "Zones, listings, imports, exports and the change feed of a DNS block list. Errors are RFC 9457 problems, times are RFC 3339 in UTC. Every change answers with `DNSBL-Seq`, the sequence number from which on DNS shows it."
    ),
    components(schemas(api::Problem, api::WebhookMessage, api::WebhookChanges, ExportName, Kind, Match, Mode, TriggerName)),
    tags(
        (name = "zones", description = "Block lists, their settings, and who says what in them"),
        (name = "listings", description = "What is listed: one by one, searched, exported, purged"),
        (name = "imports", description = "Files into zones"),
        (name = "feeds", description = "Lists that are fetched again and again"),
        (name = "allowlist", description = "What is not listed, whatever is said of it"),
        (name = "reports", description = "What those report who may not list, and what is decided"),
        (name = "removal requests", description = "Who wants to be listed no more, and what comes of it"),
        (name = "review", description = "What waits for a reviewer: claiming it, and deciding"),
        (name = "relay tests", description = "Tests of hosts for open relaying, and who wants none"),
        (name = "logins", description = "POP before SMTP: logins, and what they grant"),
        (name = "subscribers", description = "Who may ask by key or network, and how much they ask"),
        (name = "changes", description = "The change log: following it, and taking changes back"),
        (name = "webhooks", description = "Servers of others that are told of changes"),
        (name = "audit", description = "Who did what"),
        (name = "tokens", description = "Who may use this API, for what"),
        (name = "server", description = "Backups, and reading the configuration again"),
        (name = "health", description = "How the server is, and this description"),
        (name = "problems", description = "What each type of problem means, and what to do"),
    ),
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
pub(crate) fn to_json(mut description: utoipa::openapi::OpenApi) -> String {
    name_problems(&mut description);
    let complete = serde_json::to_value(&description).and_then(description::complete);
    complete.map_or_else(
        |err| {
            tracing::error!(%err, "the API's description can't be written");
            "{}".into()
        },
        |description| description.to_string(),
    )
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
    Extension(description): Extension<&'static LazyLock<String>>,
    request: Request,
) -> Result<Response, Problem> {
    if !app.limits.load().openapi_open {
        Caller::<Anyone>::from_request_parts(&mut request.into_parts().0, &app).await?;
    }
    Ok(([(header::CONTENT_TYPE, "application/json")], description.as_str()).into_response())
}
