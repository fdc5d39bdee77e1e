//! `/v1/subscribers`: who may ask for more than others, or at all.

use std::sync::Arc;

use admin_api_types as api;
use axum::{
    Json as AxumJson,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use dnsbl_store::{
    ChangeError, Operation, OperationResult, Precondition, SubscriberFilter, SubscriberRecord,
};
use dnsbl_types::{AccessKey, Subscriber, SubscriberId, SubscriberKey, UnixTime};
use serde::Deserialize;

use super::{changed, gone};
use crate::{
    app::{App, Changed},
    auth::Caller,
    error::Problem,
    extract::{DryRun, Json, Nothing, Params, Path, limit, parse, zone},
    precondition::{self, etag},
    random::random,
    rights::{PermittedZone, ZoneRights},
    scopes::{SubscribersRead, SubscribersWrite},
    v1::subscriber,
};

/// For how many seconds an old key counts yet where nothing else is asked for.
const OVERLAP: u64 = 86_400;
/// The most.
const MAX_OVERLAP: u64 = 30 * 86_400;

/// Which subscribers, and which page of them.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SubscribersQuery {
    /// Those that may ask this zone.
    zone: Option<String>,
    /// Those with this name, in whatever case.
    name: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// Lists subscribers, without their keys.
///
/// A token for some zones sees those that may ask these alone, so that a page may be short while `next` is not null.
#[utoipa::path(get, path = "/v1/subscribers", tag = "subscribers",
    security(("token" = ["subscribers:read"])), params(SubscribersQuery),
    responses((status = 200, body = api::SubscriberPage), (status = "default", body = api::Problem)))]
pub(crate) async fn list_subscribers(
    caller: Caller<SubscribersRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<SubscribersQuery>,
) -> Result<AxumJson<api::SubscriberPage>, Problem> {
    let limit = limit(query.limit)?;
    let named = query.zone.map(|name| zone(&caller, &name)).transpose()?;
    let zone = named.map(PermittedZone::into_name);
    let filter = SubscriberFilter { name: query.name, zone };
    let after = query.cursor.map(|cursor| parse("cursor", &cursor)).transpose()?;
    let permit = app.scans.take(caller.token_id())?;
    let read = app.read(move |reader| {
        let _permit = permit;
        Ok(reader.subscribers(&filter, after, limit + 1)?)
    });
    let mut found = read.await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|last| last.subscriber.id.to_string());
    let now = UnixTime::now();
    let seen =
        found.iter().filter(|found| caller.rights().permit_subscriber(&found.subscriber).is_ok());
    let subscribers = seen.map(|found| subscriber::write(&found.subscriber, now)).collect();
    Ok(AxumJson(api::SubscriberPage { subscribers, next }))
}

/// Makes a subscriber; the answer is the only one that shows its key.
///
/// 409: another live subscriber has the name, or another subscriber to one of the zones has the network.
#[utoipa::path(post, path = "/v1/subscribers", tag = "subscribers",
    security(("token" = ["subscribers:write"])), params(DryRun), request_body = api::SubscriberBody,
    responses((status = 201, body = api::Subscriber, headers(
            ("ETag" = String, description = "Its entity tag"),
            ("Location" = String, description = "Where it is"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn create_subscriber(
    caller: Caller<SubscribersWrite>,
    State(app): State<Arc<App>>,
    Params(DryRun { dry_run }): Params<DryRun>,
    Json(body): Json<api::SubscriberBody>,
) -> Result<Response, Problem> {
    if body.expires_in.is_some() {
        app.require_sound_clock()?;
    }
    let now = UnixTime::now();
    let id = SubscriberId(u64::from_be_bytes(random()?));
    let mut made = subscriber::read(body, id, now)?;
    if !made.is_live(now) {
        return Err(Problem::refused("expires_at: it would have expired already"));
    }
    // Whoever is recognized by its networks has a key too, which nobody knows: it may need one later.
    let key = AccessKey::from_random(random()?);
    made.keys = vec![SubscriberKey { digest: key.digest(), created_at: now, until: None }];
    let takes_key = made.recognition.takes_key();
    let (subscriber, precondition) = (Box::new(made), Precondition::Absent);
    let change = Operation::PutSubscriber { subscriber, precondition };
    let done = app.change_or_dry_run(caller.permit(change)?, dry_run).await?;
    let location = [(header::LOCATION, format!("/v1/subscribers/{id}"))];
    let made = shown(StatusCode::CREATED, done, (takes_key && !dry_run).then_some(&key))?;
    Ok((location, made).into_response())
}

/// Shows a subscriber, without its keys.
#[utoipa::path(get, path = "/v1/subscribers/{id}", tag = "subscribers",
    security(("token" = ["subscribers:read"])),
    params(("id" = String, Path, description = "Its number"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags, or *")),
    responses((status = 200, body = api::Subscriber, headers(("ETag" = String, description = "Its entity tag"))),
        (status = 304, description = "It is as it was"),
        (status = "default", body = api::Problem)))]
pub(crate) async fn find_subscriber(
    caller: Caller<SubscribersRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = find(&app, read_id(&id)?).await?;
    caller.rights().permit_subscriber(&found.subscriber)?;
    let etag = etag(found.revision);
    if precondition::has(&headers, &etag)? {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let body = subscriber::write(&found.subscriber, UnixTime::now());
    Ok(([(header::ETAG, etag)], AxumJson(body)).into_response())
}

/// Replaces the terms of a subscriber; what is left out gets its default. Its keys stay.
///
/// 409: another live subscriber has the name, or another subscriber to one of the zones has the network.
#[utoipa::path(put, path = "/v1/subscribers/{id}", tag = "subscribers",
    security(("token" = ["subscribers:write"])),
    params(DryRun, ("id" = String, Path, description = "Its number"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, or *")),
    request_body = api::SubscriberBody,
    responses((status = 200, body = api::Subscriber, headers(("ETag" = String, description = "Its entity tag"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn put_subscriber(
    caller: Caller<SubscribersWrite>,
    State(app): State<Arc<App>>,
    Params(DryRun { dry_run }): Params<DryRun>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<api::SubscriberBody>,
) -> Result<Response, Problem> {
    let (id, precondition) = (read_id(&id)?, of_existing(&headers)?);
    if body.expires_in.is_some() {
        app.require_sound_clock()?;
    }
    let now = UnixTime::now();
    let mut put = subscriber::read(body, id, now)?;
    let (found, precondition) = as_it_is(&app, &caller, id, precondition).await?;
    if !put.is_live(now) {
        // What has ended already may keep the time when it did.
        let before = found.expires_at;
        put.expires_at = put.expires_at.filter(|_| put.expires_at == before).or(Some(now));
    }
    let change = Operation::PutSubscriber { subscriber: Box::new(put), precondition };
    let done = app.change_or_dry_run(caller.permit(change)?, dry_run).await?;
    shown(StatusCode::OK, done, None)
}

/// Deletes a subscriber: the next question with its key is denied.
#[utoipa::path(delete, path = "/v1/subscribers/{id}", tag = "subscribers",
    security(("token" = ["subscribers:write"])),
    params(DryRun, ("id" = String, Path, description = "Its number"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, or *")),
    responses((status = 204, description = "Deleted"), (status = "default", body = api::Problem)))]
pub(crate) async fn delete_subscriber(
    caller: Caller<SubscribersWrite>,
    State(app): State<Arc<App>>,
    Params(DryRun { dry_run }): Params<DryRun>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (id, precondition) = (read_id(&id)?, of_existing(&headers)?);
    let (found, precondition) = as_it_is(&app, &caller, id, precondition).await?;
    let change = Operation::DeleteSubscriber { id, precondition };
    let permitted = caller.rights().permit_for_subscriber(caller.actor(), &found, change)?;
    let done = app.change_or_dry_run(permitted, dry_run).await?;
    Ok(gone(done.seq))
}

/// Gives a subscriber another key; the answer is the only one that shows it.
///
/// The keys that it has count until the overlap ends. 409: it has four keys that count, or is recognized by its
/// networks alone.
#[utoipa::path(post, path = "/v1/subscribers/{id}/rotate", tag = "subscribers",
    security(("token" = ["subscribers:write"])),
    params(DryRun, ("id" = String, Path, description = "Its number"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, or *")),
    request_body = api::RotateBody,
    responses((status = 200, body = api::Subscriber, headers(("ETag" = String, description = "Its entity tag"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn rotate_subscriber(
    caller: Caller<SubscribersWrite>,
    State(app): State<Arc<App>>,
    Params(DryRun { dry_run }): Params<DryRun>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<api::RotateBody>,
) -> Result<Response, Problem> {
    let (id, precondition) = (read_id(&id)?, of_existing(&headers)?);
    let overlap = body.overlap.unwrap_or(OVERLAP);
    if overlap > MAX_OVERLAP {
        let detail = format!("overlap: {overlap} is more than {MAX_OVERLAP} seconds (30 days)");
        return Err(Problem::refused(detail));
    }
    if overlap > 0 {
        app.require_sound_clock()?;
    }
    let key = AccessKey::from_random(random()?);
    let digest = key.digest();
    let (found, precondition) = as_it_is(&app, &caller, id, precondition).await?;
    let change = Operation::RotateSubscriber { id, digest, overlap, precondition };
    let permitted = caller.rights().permit_for_subscriber(caller.actor(), &found, change)?;
    let done = app.change_or_dry_run(permitted, dry_run).await?;
    shown(StatusCode::OK, done, (!dry_run).then_some(&key))
}

async fn find(app: &App, id: SubscriberId) -> Result<SubscriberRecord, Problem> {
    let found = app.read(move |reader| Ok(reader.subscriber(id)?)).await?;
    found.ok_or_else(|| ChangeError::NoSubscriber.into())
}

/// A subscriber that the token may change. A token for some zones changes it as it was found: who gives it other zones
/// meanwhile is not overtaken.
async fn as_it_is(
    app: &App,
    caller: &Caller<SubscribersWrite>,
    id: SubscriberId,
    asked: Precondition,
) -> Result<(Subscriber, Precondition), Problem> {
    let SubscriberRecord { subscriber, revision } = find(app, id).await?;
    caller.rights().permit_subscriber(&subscriber)?;
    let is_for_all = matches!(caller.rights().zones(), ZoneRights::All);
    let precondition = match &asked {
        Precondition::Matches(tags) if !is_for_all && tags.is_empty() => {
            Precondition::matches(revision)
        }
        _ => asked,
    };
    Ok((subscriber, precondition))
}

/// The number in a path; what is none names no subscriber.
fn read_id(text: &str) -> Result<SubscriberId, Problem> {
    text.parse().map_err(|_| ChangeError::NoSubscriber.into())
}

/// The condition on a subscriber that must be there.
fn of_existing(headers: &HeaderMap) -> Result<Precondition, Problem> {
    match precondition::read(headers)? {
        Precondition::None => Ok(Precondition::Matches(Vec::new())),
        Precondition::Absent => Err(Problem::malformed(
            "If-None-Match: the server numbers subscribers; POST /v1/subscribers makes one",
        )),
        precondition => Ok(precondition),
    }
}

/// The answer to a change: the subscriber as it now is, and its new key where it has one.
fn shown(status: StatusCode, done: Changed, key: Option<&AccessKey>) -> Result<Response, Problem> {
    let OperationResult::Subscriber(record) = done.result else {
        return Err(Problem::internal());
    };
    let mut body = subscriber::write(&record.subscriber, UnixTime::now());
    body.key = key.map(|key| key.reveal().to_owned());
    let etag = [(header::ETAG, etag(record.revision))];
    Ok((etag, changed(status, done.seq, body)).into_response())
}
