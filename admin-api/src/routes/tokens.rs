//! `/v1/tokens`: who may do what.

use std::sync::Arc;

use axum::{Json as AxumJson, extract::State, http::StatusCode, response::Response};
use dnsbl_store::{Change, MintedToken};
use dnsbl_types::{Source, UnixTime};

use super::{changed, gone};
use crate::{
    app::App,
    auth::{Caller, SCOPES, TokensAdmin},
    error::Problem,
    extract::{Json, Nothing, Params, Path, parse},
    v1::{
        problem::ProblemOut,
        time,
        token::{TokenIn, TokenOut, TokensOut},
    },
};

/// Lists all tokens, without their secrets.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", security(("token" = ["tokens:admin"])),
    responses((status = 200, body = TokensOut), (status = "default", body = ProblemOut)))]
pub(crate) async fn list_tokens(
    _: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
) -> Result<AxumJson<TokensOut>, Problem> {
    let records = app.read(|reader| Ok(reader.tokens()?)).await?;
    let tokens = records.iter().map(TokenOut::from).collect();
    Ok(AxumJson(TokensOut { tokens }))
}

/// Makes a token; the answer is the only one that shows it.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", security(("token" = ["tokens:admin"])),
    request_body = TokenIn,
    responses((status = 201, body = TokenOut), (status = "default", body = ProblemOut)))]
pub(crate) async fn create_token(
    caller: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Json(body): Json<TokenIn>,
) -> Result<Response, Problem> {
    if body.expires_in.is_some() {
        app.require_sound_clock()?;
    }
    let now = UnixTime::now();
    let name: Source = parse("name", &body.name)?;
    let expires_at = time::expiry(body.expires_at.as_deref(), body.expires_in, now)?;
    let scopes = scopes(&caller, &body.scopes)?;
    let minted = MintedToken::mint(random()?, name.to_string(), scopes, now, expires_at);
    let mut token = TokenOut::from(&minted.record);
    let change = Change::PutToken(minted.record);
    let done = app.change(caller.actor(), change).await?;
    token.token = Some(minted.text.reveal().to_owned());
    Ok(changed(StatusCode::CREATED, done.seq, token))
}

/// Revokes a token.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens", security(("token" = ["tokens:admin"])),
    params(("id" = String, Path, description = "Its public part")),
    responses((status = 204, description = "Revoked"), (status = "default", body = ProblemOut)))]
pub(crate) async fn delete_token(
    caller: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let done = app.change(caller.actor(), Change::DeleteToken(id)).await?;
    Ok(gone(done.seq))
}

/// The scopes in their order; all of them known, and the caller's own.
fn scopes(caller: &Caller<TokensAdmin>, asked: &[String]) -> Result<Vec<String>, Problem> {
    if asked.is_empty() {
        return Err(Problem::refused("scopes: a token without any can do nothing"));
    }
    for scope in asked {
        if !SCOPES.contains(&scope.as_str()) {
            let known = SCOPES.join(", ");
            let detail = format!("scopes: {scope:?} is none of {known}");
            return Err(Problem::refused(detail));
        }
        caller.require(scope)?;
    }
    let known = SCOPES.iter().map(ToString::to_string);
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
