//! `/v1/webhooks`: servers of others that are told of changes.

use std::sync::Arc;

use admin_api_types as api;
use axum::{
    Json as AxumJson,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use dnsbl_webhooks::{
    Asked, Draft, Overlap, Secret, Webhook, WebhookId, WebhookView, WebhooksError,
};

use super::{changed, gone};
use crate::{
    app::App,
    auth::Caller,
    carrying,
    error::Problem,
    extract::{Json, Nothing, Params, Path},
    precondition,
    random::random,
    rights::ZoneRights,
    scopes::{CHANGES_READ, WebhooksRead, WebhooksWrite},
    v1::webhook,
};

/// Lists the webhooks, and what came of each, without their secrets.
///
/// A token for some zones sees those that it made alone.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", security(("token" = ["webhooks:read"])),
    responses((status = 200, body = api::Webhooks), (status = "default", body = api::Problem)))]
pub(crate) async fn list_webhooks(
    caller: Caller<WebhooksRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
) -> AxumJson<api::Webhooks> {
    let webhooks = app.webhooks.list();
    let seen = webhooks.iter().filter(|view| is_for(&caller, &view.webhook));
    AxumJson(api::Webhooks { webhooks: seen.map(|view| webhook::write(view, None)).collect() })
}

/// Makes a webhook; the answer is the only one that shows a secret that the server made.
///
/// It is told what the token may see, each time that it is told something, and needs `changes:read`.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", security(("token" = ["webhooks:write"])),
    request_body = api::WebhookBody,
    responses((status = 201, body = api::Webhook, headers(("Location" = String, description = "Where it is"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn create_webhook(
    caller: Caller<WebhooksWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Json(body): Json<api::WebhookBody>,
) -> Result<Response, Problem> {
    let draft = draft(&caller, &body)?;
    let made = draft.secret.is_none();
    let secret = secret_or_new(draft.secret.clone())?;
    let id = WebhookId::of_random(random()?);
    let location = [(header::LOCATION, format!("/v1/webhooks/{id}"))];
    let done = app.webhooks.create(id, draft, secret.clone(), asked(&caller)).await?;
    carrying::committed();
    let body = webhook::write(&done.view, made.then_some(&secret));
    Ok((location, changed(StatusCode::CREATED, done.seq, body)).into_response())
}

/// Shows a webhook, and what came of it, without its secrets.
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", security(("token" = ["webhooks:read"])),
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, body = api::Webhook), (status = "default", body = api::Problem)))]
pub(crate) async fn find_webhook(
    caller: Caller<WebhooksRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
) -> Result<AxumJson<api::Webhook>, Problem> {
    Ok(AxumJson(webhook::write(&find(&caller, &app, &id)?, None)))
}

/// Replaces what a webhook is told to do, and tries it at once; what is left out gets its default.
///
/// From then on it is told what this token may see. Its secrets stay unless one is given, and it goes on where it is unless
/// `after` says where it begins anew.
#[utoipa::path(put, path = "/v1/webhooks/{id}", tag = "webhooks", security(("token" = ["webhooks:write"])),
    params(("id" = String, Path, description = "Its id")), request_body = api::WebhookBody,
    responses((status = 200, body = api::Webhook), (status = "default", body = api::Problem)))]
pub(crate) async fn put_webhook(
    caller: Caller<WebhooksWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<api::WebhookBody>,
) -> Result<Response, Problem> {
    precondition::refuse(&headers, "a webhook has no entity tag")?;
    let id = find(&caller, &app, &id)?.webhook.id.clone();
    let done = app.webhooks.put(id, draft(&caller, &body)?, asked(&caller)).await?;
    carrying::committed();
    Ok(changed(StatusCode::OK, done.seq, webhook::write(&done.view, None)))
}

/// Deletes a webhook: it is told nothing more.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks", security(("token" = ["webhooks:write"])),
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204, description = "Deleted"), (status = "default", body = api::Problem)))]
pub(crate) async fn delete_webhook(
    caller: Caller<WebhooksWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = find(&caller, &app, &id)?.webhook.id.clone();
    let seq = app.webhooks.delete(id, asked(&caller)).await?;
    carrying::committed();
    Ok(gone(seq))
}

/// Gives a webhook another secret; the answer is the only one that shows one that the server made.
///
/// Messages are signed with those that it has, too, until the overlap ends. 409: three secrets count already.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate", tag = "webhooks", security(("token" = ["webhooks:write"])),
    params(("id" = String, Path, description = "Its id")), request_body = Option<api::RotateWebhookBody>,
    responses((status = 200, body = api::Webhook), (status = "default", body = api::Problem)))]
pub(crate) async fn rotate_webhook(
    caller: Caller<WebhooksWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
    Json(body): Json<api::RotateWebhookBody>,
) -> Result<Response, Problem> {
    let overlap = match body.overlap {
        None => Overlap::USUAL,
        Some(seconds) => Overlap::seconds(seconds).ok_or_else(|| {
            let most = Overlap::MOST;
            Problem::refused(format!("overlap: {seconds} is more than {most} seconds (30 days)"))
        })?,
    };
    let id = find(&caller, &app, &id)?.webhook.id.clone();
    let given = webhook::secret(body.secret.as_deref())?;
    let made = given.is_none();
    let secret = secret_or_new(given)?;
    let done = app.webhooks.rotate(id, secret.clone(), overlap, asked(&caller)).await?;
    carrying::committed();
    let body = webhook::write(&done.view, made.then_some(&secret));
    Ok(changed(StatusCode::OK, done.seq, body))
}

/// What a body asks for, if the token may see what it would be told.
fn draft(caller: &Caller<WebhooksWrite>, body: &api::WebhookBody) -> Result<Draft, Problem> {
    caller.require(CHANGES_READ)?;
    let draft = webhook::read(body)?;
    for zone in &draft.zones {
        caller.rights().zones().permit(zone)?;
    }
    Ok(draft)
}

fn asked(caller: &Caller<WebhooksWrite>) -> Asked {
    let token = caller.token_id().to_owned();
    Asked { actor: caller.actor(), token, carried: carrying::carried() }
}

/// A webhook that the token made, or any where it may see all zones.
fn find<S>(caller: &Caller<S>, app: &App, id: &str) -> Result<WebhookView, Problem> {
    // What is no id names no webhook.
    let none = || Problem::not_found("no-such-webhook", format!("there is no webhook {id:?}"));
    let view = app.webhooks.find(&id.parse().map_err(|_| none())?)?;
    if !is_for(caller, &view.webhook) {
        caller.rights().require_every_zone("another token's webhook")?;
    }
    Ok(view)
}

fn is_for<S>(caller: &Caller<S>, webhook: &Webhook) -> bool {
    webhook.token == caller.token_id() || matches!(caller.rights().zones(), ZoneRights::All)
}

fn secret_or_new(given: Option<Secret>) -> Result<Secret, Problem> {
    match given {
        Some(secret) => Ok(secret),
        None => Ok(Secret::of_random(random()?)),
    }
}

impl From<WebhooksError> for Problem {
    fn from(err: WebhooksError) -> Self {
        match err {
            WebhooksError::NotFound(_) => Self::not_found("no-such-webhook", err),
            WebhooksError::TooMany | WebhooksError::Forbidden(_) => Self::refused(err),
            WebhooksError::TooManySecrets => {
                Self::new(StatusCode::CONFLICT, "too-many-secrets", err)
            }
            WebhooksError::Ahead { head, .. } => Self::malformed(err).with("head", head),
            WebhooksError::Compacted { .. } => Self::new(StatusCode::GONE, "compacted", err),
            WebhooksError::Change(err) => err.into(),
            WebhooksError::Store(err) => err.into(),
            WebhooksError::Stopping => Self::stopping(),
            WebhooksError::Document(_) => {
                tracing::error!(%err, "a record of a webhook");
                Self::internal()
            }
        }
    }
}
