//! `/v1/tokens`: who may do what.

use std::sync::Arc;

use admin_api_types as api;
use axum::{
    Json as AxumJson,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
};
use dnsbl_store::{ChangeError, MintedToken, Operation, OperationResult, TokenRecord};
use dnsbl_types::{Source, UnixTime};
use serde::Deserialize;

use super::{SEQ_HEADER, changed};
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Json, Nothing, Params, Path, flag, parse},
    scopes::{TOKENS_ADMIN, TokensAdmin},
    sources::{token_name, token_sources},
    v1::{time, token},
};

/// How many tokens went: the one that was named, and those that were made with it.
const REVOKED_HEADER: HeaderName = HeaderName::from_static("dnsbl-revoked");

/// How sure the caller is.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteTokenQuery {
    /// `1`: also where nobody is left who may make tokens.
    #[serde(default, deserialize_with = "flag")]
    force: bool,
    /// `1`: answer as if it were done, and change nothing.
    #[serde(default, deserialize_with = "flag")]
    dry_run: bool,
}

/// Lists all tokens, without their secrets.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", security(("token" = ["tokens:admin"])),
    responses((status = 200, body = api::Tokens), (status = "default", body = api::Problem)))]
pub(crate) async fn list_tokens(
    _: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
) -> Result<AxumJson<api::Tokens>, Problem> {
    let records = app.read(|reader| Ok(reader.tokens()?)).await?;
    let tokens = records.iter().map(token::write).collect();
    Ok(AxumJson(api::Tokens { tokens }))
}

/// Makes a token; the answer is the only one that shows it.
///
/// It has no scope and no source that the token in use does not have, ends with it at the latest, and
/// goes with it. No other live token has its name (409).
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", security(("token" = ["tokens:admin"])),
    request_body = api::TokenBody,
    responses((status = 201, body = api::Token), (status = "default", body = api::Problem)))]
pub(crate) async fn create_token(
    caller: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Json(body): Json<api::TokenBody>,
) -> Result<Response, Problem> {
    if body.expires_in.is_some() {
        app.require_sound_clock()?;
    }
    let now = UnixTime::now();
    parse::<Source>("name", &body.name)?;
    let name = token_name(&body.name).map_err(Problem::refused)?;
    let expires_at = time::expiry(body.expires_at.as_deref(), body.expires_in, now)?;
    let expires_at = within(caller.token(), expires_at)?;
    let scopes = scopes(&caller, &body.scopes)?;
    let mut minted = MintedToken::mint(random()?, name.to_string(), scopes, now, expires_at);
    minted.record.sources = token_sources(&body.sources).map_err(Problem::refused)?;
    minted.record.parent = Some(caller.token().id.clone());
    caller.sources().cover(&minted.record)?;
    let mut made = token::write(&minted.record);
    let change = Operation::PutToken(minted.record);
    let done = app.change(caller.actor(), change).await?;
    made.token = Some(minted.text.reveal().to_owned());
    Ok(changed(StatusCode::CREATED, done.seq, made))
}

/// Revokes a token, and those that were made with it.
///
/// Only one that has no scope and no source beyond those of the token in use. Where nobody would be left
/// who may make tokens, `force=1` says that this is meant (409).
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens", security(("token" = ["tokens:admin"])),
    params(DeleteTokenQuery, ("id" = String, Path, description = "Its public part")),
    responses((status = 204, description = "Revoked", headers(
            ("DNSBL-Revoked" = u64, description = "How many went: it, and those that were made with it"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn delete_token(
    caller: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    Params(query): Params<DeleteTokenQuery>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    subordinate(&caller, &app, &id).await?;
    let keep = (!query.force).then_some(TOKENS_ADMIN);
    let change = Operation::DeleteToken { id, keep };
    let committed = app.change_or_try(caller.actor(), change, query.dry_run).await?;
    let done = committed.map_err(|err| match err {
        ChangeError::LastToken(scope) => Problem::from(err).because(format!(
            "nobody would be left who may make tokens (scope {scope}); make another token with `dnsbl-server token create` while the server is stopped, or send force=1"
        )),
        err => err.into(),
    })?;
    let OperationResult::Count(revoked) = done.result else {
        return Err(Problem::internal());
    };
    let headers =
        [(SEQ_HEADER, HeaderValue::from(done.seq)), (REVOKED_HEADER, HeaderValue::from(revoked))];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Gives a token another secret; the old one counts no more. The answer is the only one that shows it.
///
/// What was made with the token stays, so a secret is changed this way and not with a new token.
#[utoipa::path(post, path = "/v1/tokens/{id}/rotate", tag = "tokens",
    security(("token" = ["tokens:admin"])),
    params(("id" = String, Path, description = "Its public part")),
    responses((status = 200, body = api::Token), (status = "default", body = api::Problem)))]
pub(crate) async fn rotate_token(
    caller: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let minted = subordinate(&caller, &app, &id).await?.renewed(random()?);
    let mut renewed = token::write(&minted.record);
    let done = app.change(caller.actor(), Operation::PutToken(minted.record)).await?;
    renewed.token = Some(minted.text.reveal().to_owned());
    Ok(changed(StatusCode::OK, done.seq, renewed))
}

/// A token that the caller may change: its own, or one that has no scope and no source that it lacks.
async fn subordinate(
    caller: &Caller<TokensAdmin>,
    app: &App,
    id: &str,
) -> Result<TokenRecord, Problem> {
    let id = id.to_owned();
    let found = app.read(move |reader| Ok(reader.token(&id)?)).await?;
    let token = found.ok_or_else(|| Problem::from(ChangeError::NoToken))?;
    if token.id != caller.token().id {
        for scope in &token.scopes {
            caller.require(scope)?;
        }
        caller.sources().cover(&token)?;
    }
    Ok(token)
}

/// The end of a token that is made with another one: that one's at the latest.
fn within(parent: &TokenRecord, asked: Option<UnixTime>) -> Result<Option<UnixTime>, Problem> {
    match (asked, parent.expires_at) {
        (Some(asked), Some(end)) if asked > end => {
            let end = time::write(end);
            let detail =
                format!("it would outlive the token that makes it, which expires at {end}");
            Err(Problem::refused(detail).with("expires_at", end))
        }
        (asked, end) => Ok(asked.or(end)),
    }
}

/// The scopes in their order; all of them known, and the caller's own.
fn scopes(caller: &Caller<TokensAdmin>, asked: &[String]) -> Result<Vec<String>, Problem> {
    if asked.is_empty() {
        return Err(Problem::refused("scopes: a token without any can do nothing"));
    }
    for scope in asked {
        if !api::SCOPES.contains(&scope.as_str()) {
            let known = api::SCOPES.join(", ");
            let detail = format!("scopes: {scope:?} is none of {known}");
            return Err(Problem::refused(detail));
        }
        caller.require(scope)?;
    }
    let known = api::SCOPES.iter().map(ToString::to_string);
    Ok(known.filter(|scope| asked.contains(scope)).collect())
}

fn random() -> Result<[u8; MintedToken::RANDOM], Problem> {
    let mut bytes = [0; MintedToken::RANDOM];
    getrandom::fill(&mut bytes).map_err(|err| {
        tracing::error!(%err, "the system gives no random bytes");
        Problem::internal()
    })?;
    Ok(bytes)
}
