//! `/v1/allowlist`: what is not listed, whatever listings, imports and ranges say.

use std::sync::Arc;

use admin_api_types as api;
use axum::{
    Json as AxumJson,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use dnsbl_store::{AllowRecord, ChangeError, Operation, OperationResult, Precondition};
use dnsbl_types::{Guard, Name, Subject, UnixTime};
use serde::Deserialize;

use super::{changed, created, gone};
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Json, Params, Path, lifted, limit, parse, unslash},
    precondition::{self, etag},
    scopes::{AllowlistRead, AllowlistWrite},
    v1::allow_entry,
};

/// What stands for all zones where a zone could stand.
const EVERY_ZONE: &str = "*";

/// Which entries, and which page of them.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AllowlistQuery {
    /// Those of this zone; `*`: those of all zones.
    zone: Option<String>,
    /// Those that cover this address, prefix or domain.
    subject: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// Of which zone.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScopeQuery {
    /// The zone that it holds for; left out: all of them.
    zone: Option<String>,
}

/// Of which zone, and which guards do not hold.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PutQuery {
    /// The zone that it holds for; left out: all of them.
    zone: Option<String>,
    /// `short-prefix`, `public-suffix` or both with a comma; needs guards:override.
    r#override: Option<String>,
}

/// Lists allow entries; a token for some zones sees those of these, and those of all zones.
#[utoipa::path(get, path = "/v1/allowlist", tag = "allowlist",
    security(("token" = ["allowlist:read"])), params(AllowlistQuery),
    responses((status = 200, body = api::AllowEntryPage), (status = "default", body = api::Problem)))]
pub(crate) async fn list_allow_entries(
    caller: Caller<AllowlistRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<AllowlistQuery>,
) -> Result<AxumJson<api::AllowEntryPage>, Problem> {
    let limit = limit(query.limit)?;
    let subject: Option<Subject> = query.subject.map(|text| parse("subject", &text)).transpose()?;
    let zone = match query.zone.as_deref() {
        None => None,
        Some(zone) => Some(read_zone(Some(zone))?),
    };
    let named = zone.iter().flatten();
    named.into_iter().try_for_each(|zone| caller.rights().zones().permit(zone).map(drop))?;
    let mut after = query.cursor.as_deref().map(read_cursor).transpose()?;
    let zones = caller.rights().zones().clone();
    let is_sought = move |record: &AllowRecord| {
        let entry = &record.entry;
        // What holds in all zones holds in those of the token, too.
        entry.zone.as_ref().is_none_or(|zone| zones.has(zone))
            && zone.as_ref().is_none_or(|zone| entry.zone == *zone)
            && subject.as_ref().is_none_or(|subject| entry.subject.covers(subject))
    };
    let permit = app.scans.take(caller.token_id())?;
    let read = app.read(move |reader| {
        let _permit = permit;
        let mut found: Vec<AllowRecord> = Vec::new();
        loop {
            let at = after.as_ref().map(|(zone, subject)| (zone.as_ref(), subject));
            let page = reader.allow_entries(at, PAGE)?;
            let is_last = page.len() < PAGE;
            after =
                page.last().map(|record| (record.entry.zone.clone(), record.entry.subject.clone()));
            found.extend(page.into_iter().filter(&is_sought));
            if is_last || found.len() > limit {
                return Ok(found);
            }
        }
    });
    let mut found = read.await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(write_cursor);
    Ok(AxumJson(api::AllowEntryPage {
        entries: found.iter().map(allow_entry::write).collect(),
        next,
    }))
}

/// Entries that are read at once.
const PAGE: usize = 1_000;

/// Shows an allow entry.
#[utoipa::path(get, path = "/v1/allowlist/{subject}", tag = "allowlist",
    security(("token" = ["allowlist:read"])),
    params(ScopeQuery, ("subject" = String, Path, description = "Address, prefix or domain, percent-encoded"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags, or *")),
    responses((status = 200, body = api::AllowEntry, headers(("ETag" = String, description = "Its entity tag"))),
        (status = 304, description = "It is as it was"),
        (status = "default", body = api::Problem)))]
pub(crate) async fn find_allow_entry(
    caller: Caller<AllowlistRead>,
    State(app): State<Arc<App>>,
    Path(subject): Path<String>,
    Params(query): Params<ScopeQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (zone, subject) = (read_zone(query.zone.as_deref())?, read_subject(&subject)?);
    zone.iter().try_for_each(|zone| caller.rights().zones().permit(zone).map(drop))?;
    let read = app.read(move |reader| Ok(reader.allow_entry(zone.as_ref(), &subject)?));
    let record = read.await?.ok_or_else(|| Problem::from(ChangeError::NoAllowEntry))?;
    let etag = etag(record.revision);
    if precondition::has(&headers, &etag)? {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    Ok(([(header::ETAG, etag)], AxumJson(allow_entry::write(&record))).into_response())
}

/// Makes an allow entry, or replaces one: from the answer on the subject, and all that it covers, is not listed.
///
/// It wins over listings of any length, imports and ranges, in one zone or in all. Test entries are answered all the same.
#[utoipa::path(put, path = "/v1/allowlist/{subject}", tag = "allowlist",
    security(("token" = ["allowlist:write"])),
    params(PutQuery, ("subject" = String, Path, description = "Address, prefix or domain, percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, or *"),
        ("If-None-Match" = Option<String>, Header, description = "*")),
    request_body = api::AllowEntryBody,
    responses((status = 200, description = "Changed, or as it was", body = api::AllowEntry),
        (status = 201, description = "Made", body = api::AllowEntry),
        (status = "default", body = api::Problem)))]
pub(crate) async fn put_allow_entry(
    caller: Caller<AllowlistWrite>,
    State(app): State<Arc<App>>,
    Path(subject): Path<String>,
    Params(query): Params<PutQuery>,
    headers: HeaderMap,
    Json(body): Json<api::AllowEntryBody>,
) -> Result<Response, Problem> {
    let (zone, subject) = (read_zone(query.zone.as_deref())?, read_subject(&subject)?);
    let mut lifted = lifted(&caller, query.r#override.as_deref())?;
    // What sends no mail may be promised not to be listed.
    lifted.push(Guard::SpecialUse);
    Guard::check(&subject, &lifted)?;
    if body.expires_in.is_some() {
        app.require_sound_clock()?;
    }
    let entry = allow_entry::read(body, zone, subject, &caller.token().name, UnixTime::now())?;
    let precondition = precondition::read(&headers)?;
    let change = Operation::PutAllow { entry: Box::new(entry), precondition };
    let done = app.change(caller.permit(change)?).await?;
    let OperationResult::AllowEntry { created: new, record } = done.result else {
        return Err(Problem::internal());
    };
    let etag = [(header::ETAG, etag(record.revision))];
    Ok((etag, changed(created(new), done.seq, allow_entry::write(&record))).into_response())
}

/// Deletes an allow entry: what is said of the subject counts again.
#[utoipa::path(delete, path = "/v1/allowlist/{subject}", tag = "allowlist",
    security(("token" = ["allowlist:write"])),
    params(ScopeQuery, ("subject" = String, Path, description = "Address, prefix or domain, percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, or *")),
    responses((status = 204, description = "Deleted"), (status = "default", body = api::Problem)))]
pub(crate) async fn delete_allow_entry(
    caller: Caller<AllowlistWrite>,
    State(app): State<Arc<App>>,
    Path(subject): Path<String>,
    Params(query): Params<ScopeQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (zone, subject) = (read_zone(query.zone.as_deref())?, read_subject(&subject)?);
    let precondition = match precondition::read(&headers)? {
        Precondition::Absent => {
            return Err(Problem::malformed("If-None-Match: what does not exist can't be deleted"));
        }
        precondition => precondition,
    };
    let change = Operation::DeleteAllow { zone, subject, precondition };
    Ok(gone(app.change(caller.permit(change)?).await?.seq))
}

fn read_zone(text: Option<&str>) -> Result<Option<Name>, Problem> {
    match text {
        None | Some(EVERY_ZONE) => Ok(None),
        Some(zone) => parse("zone", zone).map(Some),
    }
}

fn read_subject(text: &str) -> Result<Subject, Problem> {
    parse("subject", &unslash(text))
}

fn write_cursor(record: &AllowRecord) -> String {
    let zone = record.entry.zone.as_ref().map_or_else(|| EVERY_ZONE.into(), Name::to_string);
    format!("{zone} {}", record.entry.subject)
}

fn read_cursor(text: &str) -> Result<(Option<Name>, Subject), Problem> {
    let wrong = || Problem::malformed("cursor: is not one that this server gave");
    let (zone, subject) = text.split_once(' ').ok_or_else(wrong)?;
    let zone = read_zone(Some(zone)).map_err(|_| wrong())?;
    Ok((zone, subject.parse().map_err(|_| wrong())?))
}
