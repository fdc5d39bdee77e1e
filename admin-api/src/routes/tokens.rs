//! `/v1/tokens`: who may do what.

use std::sync::Arc;

use admin_api_types as api;
use axum::{
    Json as AxumJson,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use dnsbl_rights::{NotPermitted, sources::token_name};
use dnsbl_store::{
    Authenticated, ChangeError, MintedToken, Operation, OperationResult, Precondition, Reader,
    TokenRecord, TokenUse,
};
use dnsbl_types::{Source, UnixTime};
use serde::Deserialize;

use super::{SEQ_HEADER, changed};
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Json, Nothing, Params, Path, flag, parse},
    precondition::{self, etag},
    random::random,
    rights::{Rights, ZoneRights},
    scopes::{TOKENS_ADMIN, TokensAdmin},
    v1::{
        time,
        token::{self, AskedToken},
    },
};

/// How many tokens went: the one that was named, and those that were made with it.
const REVOKED_HEADER: HeaderName = HeaderName::from_static("dnsbl-revoked");
/// For how many seconds an old secret may count yet.
const MAX_OVERLAP: u64 = 30 * 86_400;
/// How often a change is tried where others change the same token meanwhile.
const TRIES: usize = 8;

/// How sure the caller is.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ForceQuery {
    /// `1`: also where nobody is left who may make tokens.
    #[serde(default, deserialize_with = "flag")]
    force: bool,
    /// `1`: answer as if it were done, and change nothing.
    #[serde(default, deserialize_with = "flag")]
    dry_run: bool,
}

/// Lists all tokens, without their secrets; a token for some zones sees those that may do no more than itself.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", security(("token" = ["tokens:admin"])),
    responses((status = 200, body = api::Tokens), (status = "default", body = api::Problem)))]
pub(crate) async fn list_tokens(
    caller: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
) -> Result<AxumJson<api::Tokens>, Problem> {
    let read = app.read(|reader| Ok((reader.tokens()?, reader.token_uses()?)));
    let (mut records, uses) = read.await?;
    records.retain(|record| require_sight(&caller, record).is_ok());
    let shown = |record: &TokenRecord| {
        let kept = uses.iter().find(|used| used.token == record.id);
        app.shown_token(record, kept)
    };
    Ok(AxumJson(api::Tokens { tokens: records.iter().map(shown).collect() }))
}

/// Shows a token, without its secrets.
#[utoipa::path(get, path = "/v1/tokens/{id}", tag = "tokens", security(("token" = ["tokens:admin"])),
    params(("id" = String, Path, description = "Its public part"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags, or *")),
    responses((status = 200, body = api::Token, headers(("ETag" = String, description = "Its entity tag"))),
        (status = 304, description = "It is as it was, whenever it was last used"),
        (status = "default", body = api::Problem)))]
pub(crate) async fn find_token(
    caller: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let read = app.read(move |reader| Ok((find(reader, &id)?, reader.token_use(&id)?)));
    let (record, kept) = read.await?;
    require_sight(&caller, &record)?;
    let etag = etag(record.revision);
    if precondition::has(&headers, &etag)? {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let shown = app.shown_token(&record, kept.as_ref());
    Ok(([(header::ETAG, etag)], AxumJson(shown)).into_response())
}

/// Makes a token; the answer is the only one that shows it.
///
/// It has nothing that the token in use does not have, ends with it at the latest, and goes with it. No other live token
/// has its name (409).
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", security(("token" = ["tokens:admin"])),
    request_body = api::TokenBody,
    responses((status = 201, body = api::Token, headers(
            ("ETag" = String, description = "Its entity tag"),
            ("Location" = String, description = "Where it is"))),
        (status = "default", body = api::Problem)))]
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
    let (name, terms) = body.into_terms();
    let name = token_name(&name).map_err(Problem::refused)?;
    let asked = asked(&caller, &terms, now)?;
    let minted =
        MintedToken::mint(random()?, name.to_string(), asked.scopes, now, asked.expires_at);
    let MintedToken { mut record, text } = minted;
    (record.sources, record.terms) = (asked.sources, asked.terms);
    record.parent = Some(caller.token().id.clone());
    let done = app.change(caller.permit(Operation::PutToken(record))?).await?;
    let OperationResult::Token(record) = done.result else {
        return Err(Problem::internal());
    };
    let mut made = app.shown_token(&record, None);
    made.token = Some(text.reveal().to_owned());
    let headers = [
        (header::ETAG, etag(record.revision)),
        (header::LOCATION, format!("/v1/tokens/{}", record.id)),
    ];
    Ok((headers, changed(StatusCode::CREATED, done.seq, made)).into_response())
}

/// Replaces what a token may do; what is left out gets its default. Name and secrets stay.
///
/// It has nothing that the token in use, or the one that it was made with, does not have. What was made with it loses what it
/// loses. Where nobody would be left who may make tokens, `force=1` says that this is meant (409).
#[utoipa::path(put, path = "/v1/tokens/{id}", tag = "tokens", security(("token" = ["tokens:admin"])),
    params(ForceQuery, ("id" = String, Path, description = "Its public part"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, or *")),
    request_body = api::TokenTermsBody,
    responses((status = 200, body = api::Token, headers(("ETag" = String, description = "Its entity tag"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn put_token(
    caller: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    Params(query): Params<ForceQuery>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<api::TokenTermsBody>,
) -> Result<Response, Problem> {
    if body.expires_in.is_some() {
        app.require_sound_clock()?;
    }
    let precondition = of_existing(&headers)?;
    let (shown, record, seq) = change(&app, &caller, &id, &precondition, |found, above, others| {
        let now = UnixTime::now();
        let AskedToken { scopes, sources, terms, expires_at } = asked(&caller, &body, now)?;
        let mut record = found.clone();
        (record.scopes, record.sources) = (scopes, sources);
        (record.terms, record.expires_at) = (terms, expires_at);
        caller.rights().cover(&record)?;
        if let Some(above) = above {
            let beyond = |err: NotPermitted| {
                Problem::from(err)
                    .hint("; it was made with another one, and has nothing that that one lacks")
            };
            above.cover(&record).map_err(beyond)?;
            within(above.expires_at(), record.expires_at)?;
        }
        let may_make = |token: &TokenRecord| token.has(TOKENS_ADMIN) && token.is_live(now);
        if !query.force && may_make(found) && !may_make(&record) && !others.iter().any(may_make) {
            return Err(last_token(ChangeError::LastToken(TOKENS_ADMIN)));
        }
        Ok((record, None))
    })
    .await?;
    let etag = [(header::ETAG, etag(record.revision))];
    Ok((etag, changed(StatusCode::OK, seq, shown)).into_response())
}

/// Revokes a token, and those that were made with it.
///
/// Only one that has no scope and no source beyond those of the token in use. Where nobody would be left
/// who may make tokens, `force=1` says that this is meant (409).
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens", security(("token" = ["tokens:admin"])),
    params(ForceQuery, ("id" = String, Path, description = "Its public part")),
    responses((status = 204, description = "Revoked", headers(
            ("DNSBL-Revoked" = u64, description = "How many went: it, and those that were made with it"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn delete_token(
    caller: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    Params(query): Params<ForceQuery>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let of = id.clone();
    let token = app.read(move |reader| find(reader, &of)).await?;
    let keep = (!query.force).then_some(TOKENS_ADMIN);
    let delete = Operation::DeleteToken { id, keep };
    let permitted = caller.rights().permit_for_token(caller.actor(), &token, delete)?;
    let done = app.change_or_try(permitted, query.dry_run).await?.map_err(last_token)?;
    let OperationResult::Count(revoked) = done.result else {
        return Err(Problem::internal());
    };
    let headers =
        [(SEQ_HEADER, HeaderValue::from(done.seq)), (REVOKED_HEADER, HeaderValue::from(revoked))];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Gives a token another secret. The answer is the only one that shows it.
///
/// Those that it has count until the overlap ends. What was made with the token stays, so a secret is changed this way and
/// not with a new token. 409: it has four secrets that count.
#[utoipa::path(post, path = "/v1/tokens/{id}/rotate", tag = "tokens",
    security(("token" = ["tokens:admin"])),
    params(("id" = String, Path, description = "Its public part"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, or *")),
    request_body = api::RotateTokenBody,
    responses((status = 200, body = api::Token, headers(("ETag" = String, description = "Its entity tag"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn rotate_token(
    caller: Caller<TokensAdmin>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<api::RotateTokenBody>,
) -> Result<Response, Problem> {
    let precondition = of_existing(&headers)?;
    let overlap = body.overlap.unwrap_or(0);
    if overlap > MAX_OVERLAP {
        let detail = format!("overlap: {overlap} is more than {MAX_OVERLAP} seconds (30 days)");
        return Err(Problem::refused(detail));
    }
    if overlap > 0 {
        app.require_sound_clock()?;
    }
    let random = random()?;
    let (shown, record, seq) = change(&app, &caller, &id, &precondition, |found, _, _| {
        let rotated = found.clone().rotated(random, overlap, UnixTime::now());
        let MintedToken { record, text } = rotated.ok_or_else(too_many_secrets)?;
        Ok((record, Some(text.reveal().to_owned())))
    })
    .await?;
    let etag = [(header::ETAG, etag(record.revision))];
    Ok((etag, changed(StatusCode::OK, seq, shown)).into_response())
}

/// Changes a token that the caller may change, as `decide` says of it as it is, of what those above it may do, and of all
/// others; tried again where somebody else changes it meanwhile, unless the caller means one state of it.
async fn change(
    app: &App,
    caller: &Caller<TokensAdmin>,
    id: &str,
    precondition: &Precondition,
    decide: impl Fn(
        &TokenRecord,
        Option<&Rights>,
        &[TokenRecord],
    ) -> Result<(TokenRecord, Option<String>), Problem>,
) -> Result<(api::Token, TokenRecord, u64), Problem> {
    for _ in 0..TRIES {
        let id = id.to_owned();
        let read = app.read(move |reader| {
            let found = find(reader, &id)?;
            let ancestors = reader.ancestors(&found)?.unwrap_or_default();
            let mut others = reader.tokens()?;
            others.retain(|other| other.id != found.id);
            Ok((found, rights_above(ancestors), others, reader.token_use(&id)?))
        });
        let (found, above, others, kept) = read.await?;
        if !precondition.holds(Some(found.revision)) {
            return Err(ChangeError::Precondition.into());
        }
        require_subordinate(caller, &found)?;
        let (record, secret) = decide(&found, above.as_ref(), &others)?;
        let change = Operation::PutToken(record.clone());
        let permitted = match caller.token().id == found.id {
            // Of its own rights it may have no more, as `decide` has seen to.
            true => caller.rights().permit_for_token(caller.actor(), &record, change)?,
            false => caller.permit(change)?,
        };
        let done = match app.change_or(permitted).await? {
            Err(ChangeError::Precondition) => continue,
            done => done?,
        };
        let OperationResult::Token(record) = done.result else {
            return Err(Problem::internal());
        };
        let mut shown = app.shown_token(&record, kept.as_ref());
        shown.token = secret;
        return Ok((shown, *record, done.seq));
    }
    Err(Problem::unavailable("busy", "others change this token again and again"))
}

/// What the tokens above one have in common.
fn rights_above(mut ancestors: Vec<TokenRecord>) -> Option<Rights> {
    if ancestors.is_empty() {
        return None;
    }
    let token = ancestors.remove(0);
    Some(Rights::of(&Authenticated { token, ancestors, until: None }))
}

fn find(reader: &Reader<'_>, id: &str) -> Result<TokenRecord, Problem> {
    Ok(reader.token(id)?.ok_or(ChangeError::NoToken)?)
}

/// Refuses a token that the caller may not change: neither its own, nor one that may do no more.
fn require_subordinate(caller: &Caller<TokensAdmin>, token: &TokenRecord) -> Result<(), Problem> {
    if token.id == caller.token().id { Ok(()) } else { Ok(caller.rights().cover(token)?) }
}

/// Refuses to show a token: who may see all zones sees all tokens.
fn require_sight(caller: &Caller<TokensAdmin>, token: &TokenRecord) -> Result<(), Problem> {
    match caller.rights().zones() {
        ZoneRights::All => Ok(()),
        ZoneRights::Only(_) => require_subordinate(caller, token),
    }
}

impl App {
    /// A token as it is shown, with its last use: the one that the store has, unless there was one since.
    fn shown_token(&self, record: &TokenRecord, kept: Option<&TokenUse>) -> api::Token {
        let last = self.tokens.meters().last(&record.id);
        token::write(record, last.as_ref().or(kept), UnixTime::now())
    }
}

/// What a body asks for, with the caller's own terms where it asks for none.
fn asked(
    caller: &Caller<TokensAdmin>,
    body: &api::TokenTermsBody,
    now: UnixTime,
) -> Result<AskedToken, Problem> {
    let asked = token::read(body, now)?;
    asked.scopes.iter().try_for_each(|scope| caller.require(scope))?;
    Ok(AskedToken {
        expires_at: within(caller.rights().expires_at(), asked.expires_at)?,
        terms: caller.rights().inherited(asked.terms),
        ..asked
    })
}

/// The end of a token below another one: that one's at the latest.
fn within(above: Option<UnixTime>, asked: Option<UnixTime>) -> Result<Option<UnixTime>, Problem> {
    match (asked, above) {
        (Some(asked), Some(end)) if asked > end => {
            let end = time::write(end);
            let detail =
                format!("it would outlive the token that makes it, which expires at {end}");
            Err(Problem::refused(detail).with("expires_at", end))
        }
        (asked, end) => Ok(asked.or(end)),
    }
}

/// The condition on a token that must be there.
fn of_existing(headers: &HeaderMap) -> Result<Precondition, Problem> {
    match precondition::read(headers)? {
        Precondition::Absent => Err(Problem::malformed(
            "If-None-Match: the server makes the ids of tokens; POST /v1/tokens makes one",
        )),
        precondition => Ok(precondition),
    }
}

fn last_token(err: ChangeError) -> Problem {
    match err {
        ChangeError::LastToken(scope) => Problem::from(err).because(format!(
            "nobody would be left who may make tokens (scope {scope}); make another token with `dnsbl-server token create` while the server is stopped, or send force=1"
        )),
        err => err.into(),
    }
}

fn too_many_secrets() -> Problem {
    let detail = format!(
        "the token has {} secrets that count, which is the most; wait until an old one ends, or end them all at once with an overlap of 0",
        TokenRecord::MAX_SECRETS
    );
    Problem::new(StatusCode::CONFLICT, "too-many-secrets", detail)
}
