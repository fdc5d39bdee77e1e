//! `/v1/zones/{zone}/listings/{subject}`: what each source says of a subject.

use std::sync::Arc;

use admin_api_types as api;
use axum::{
    Json as AxumJson,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use dnsbl_store::{Operation, OperationResult, Precondition, Sources};
use dnsbl_types::{Guard, Listing, ListingBody, Name, Source, Subject, TestEntry, UnixTime};
use serde::Deserialize;

use super::{changed, created, gone};
use crate::{
    allow,
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Json, Params, Path, flag, lifted, parse, zone_and_subject},
    precondition::{self, etag},
    scopes::{ListingsRead, ListingsWrite, SOURCES_ALL},
    standing::{EXCLUDED, NOW_LISTED, STILL_LISTED, Standing, is_listed},
    v1::listing::{self, effective_codes},
    warning,
};

/// Whose listing.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FindQuery {
    /// One source; left out: all of them.
    source: Option<String>,
}

/// Whose listing, and which guards do not hold.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PutQuery {
    /// The source; left out: the token's name. Another needs `sources:all`, or a token made for it.
    source: Option<String>,
    /// `special-use`, `short-prefix`, `public-suffix` or several with commas; needs guards:override.
    r#override: Option<String>,
    /// `1`: answer as if it were done, and change nothing.
    #[serde(default, deserialize_with = "flag")]
    dry_run: bool,
}

/// Whose listing.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// The source; left out: the token's name. Another needs `sources:all`, or a token made for it; `*` is
    /// all of them, and needs `sources:all`.
    source: Option<String>,
    /// `1`: answer as if it were done, and change nothing.
    #[serde(default, deserialize_with = "flag")]
    dry_run: bool,
}

/// Shows what is said of a subject itself; what covers it is named where nothing is.
#[utoipa::path(get, path = "/v1/zones/{zone}/listings/{subject}", tag = "listings",
    security(("token" = ["listings:read"])),
    params(FindQuery, ("zone" = String, Path, description = "Where"),
        ("subject" = String, Path, description = "Address, prefix or domain, percent-encoded"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags, or *")),
    responses((status = 200, body = api::Subject, headers(("ETag" = String, description = "Where there is one listing"))),
        (status = 304, description = "It is as it was, and has return codes of its own"),
        (status = "default", body = api::Problem)))]
pub(crate) async fn find_listing(
    caller: Caller<ListingsRead>,
    State(app): State<Arc<App>>,
    Path(path): Path<(String, String)>,
    Params(query): Params<FindQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (origin, subject) = zone_and_subject(&caller, &path)?;
    let origin = origin.into_name();
    allow::require_sight(&app, &caller, &origin)?;
    let source: Option<Source> = query.source.map(|name| parse("source", &name)).transpose()?;
    let at = (origin.clone(), subject.clone());
    let found = app.read(move |reader| {
        let zone = reader.settings(&at.0)?.ok_or_else(|| Problem::no_zone(&at.0))?;
        Ok((zone, reader.listings_of(&at.0, &at.1)?))
    });
    let (zone, mut listings) = found.await?;
    listings.retain(|listing| source.as_ref().is_none_or(|source| listing.source == *source));
    let etag = match listings.as_slice() {
        [] => return Err(absent(&app, &origin, &subject).await),
        [one] => Some(etag(one.seq)),
        _ => None,
    };
    if let Some(etag) = etag.as_ref().filter(|_| rests_on_itself(&listings))
        && precondition::has(&headers, etag)?
    {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag.as_str())]).into_response());
    }
    let codes = effective_codes(&listings, &zone);
    let body = api::Subject {
        subject: subject.to_string(),
        return_codes: codes.iter().map(ToString::to_string).collect(),
        listings: listings.iter().map(listing::write).collect(),
    };
    Ok((etag.map(|etag| [(header::ETAG, etag)]), AxumJson(body)).into_response())
}

/// Whether what is shown of listings changes only when they do: their tags know nothing of the zone's
/// return codes.
fn rests_on_itself(listings: &[Listing]) -> bool {
    let of_its_own = |body: &ListingBody| body.exclusion || !body.return_codes.is_empty();
    listings.iter().all(|listing| of_its_own(&listing.body))
}

/// Lists a subject, or changes what the source says of it.
///
/// Doing it again changes nothing. `If-Match` and `If-None-Match: *` are about the source's listing.
/// Where an exclusion keeps the subject out all the same, `DNSBL-Excluded` names it and its sources.
#[utoipa::path(put, path = "/v1/zones/{zone}/listings/{subject}", tag = "listings",
    security(("token" = ["listings:write"])),
    params(PutQuery, ("zone" = String, Path, description = "Where"),
        ("subject" = String, Path, description = "Address, prefix or domain, percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, or *"),
        ("If-None-Match" = Option<String>, Header, description = "*")),
    request_body = api::ListingBody,
    responses((status = 200, description = "Changed, or as it was", body = api::Warned<api::Listing>),
        (status = 201, description = "Listed", body = api::Warned<api::Listing>),
        (status = "default", body = api::Problem)))]
pub(crate) async fn put_listing(
    caller: Caller<ListingsWrite>,
    State(app): State<Arc<App>>,
    Path(path): Path<(String, String)>,
    Params(query): Params<PutQuery>,
    headers: HeaderMap,
    Json(body): Json<api::ListingBody>,
) -> Result<Response, Problem> {
    let (zone, subject) = zone_and_subject(&caller, &path)?;
    caller.rights().prefixes().permit(&subject)?;
    let zone = zone.into_name();
    let source = caller.source(query.source.as_deref())?;
    let lifted = lifted(&caller, query.r#override.as_deref())?;
    check_echo(&body, &subject, &source)?;
    if body.expires_in.is_some() {
        app.require_sound_clock()?;
    }
    let body = listing::read(body, UnixTime::now())?;
    if !body.exclusion {
        allow::refuse_listing(&app, &zone)?;
        check_guards(&app, &zone, &subject, &lifted)?;
    }
    let warnings = warning::of_listing(&subject, &body);
    let (at, of, exclusion) = (zone.clone(), subject.clone(), body.exclusion);
    let change = Operation::PutListing {
        zone,
        subject,
        source,
        body: Box::new(body),
        precondition: precondition::read(&headers)?,
    };
    let done = app.change_or_dry_run(caller.permit(change)?, query.dry_run).await?;
    let OperationResult::Listing { created: new, listing: put } = done.result else {
        return Err(Problem::internal());
    };
    let etag = [(header::ETAG, etag(put.seq))];
    let body = api::Warned { resource: listing::write(&put), warnings };
    let answer = (etag, changed(created(new), done.seq, body)).into_response();
    Ok(if exclusion || query.dry_run {
        answer
    } else {
        and_what_excludes(&app, &at, &of, answer).await
    })
}

/// Delists a subject, as far as one source listed it.
///
/// Where DNS goes on listing it, or something inside it, `DNSBL-Still-Listed` names what does and the
/// sources; where an exclusion went and DNS lists it now, `DNSBL-Now-Listed` does.
#[utoipa::path(delete, path = "/v1/zones/{zone}/listings/{subject}", tag = "listings",
    security(("token" = ["listings:write"])),
    params(DeleteQuery, ("zone" = String, Path, description = "Where"),
        ("subject" = String, Path, description = "Address, prefix or domain, percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, or *")),
    responses((status = 204, description = "Deleted", headers(
            ("DNSBL-Still-Listed" = String, description = "What lists it all the same, as in `\"192.0.2.0/24\";by=\"feed drop\"`"),
            ("DNSBL-Now-Listed" = String, description = "What lists it now that an exclusion went"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn delete_listing(
    caller: Caller<ListingsWrite>,
    State(app): State<Arc<App>>,
    Path(path): Path<(String, String)>,
    Params(query): Params<DeleteQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (zone, subject) = zone_and_subject(&caller, &path)?;
    caller.rights().prefixes().permit(&subject)?;
    let zone = zone.into_name();
    let (sources, precondition) = delete_condition(&caller, query.source.as_deref(), &headers)?;
    if sources == Sources::All && allow::is_allow_zone(&app, &zone) {
        return Err(Problem::refused(
            "source=* would revoke what logins granted: DELETE /v1/grants/{zone}/{address} does that",
        ));
    }
    let (at, of) = (zone.clone(), subject.clone());
    let whose = sources.clone();
    let was_listed = match is_listed(&app.index.load(), &at, &of) {
        Some(listed) => listed,
        None => standing(&app, &at, &of).await?.is_listed(),
    };
    let change = Operation::DeleteListing { zone, subject, sources, precondition };
    let done = app.change_or_dry_run(caller.permit(change)?, query.dry_run).await?;
    match done.result {
        OperationResult::Count(0) => Err(not_deleted(&app, &at, &of, &whose).await),
        _ if query.dry_run => Ok(gone(done.seq)),
        _ => Ok(and_what_stays(&app, &at, &of, was_listed, gone(done.seq)).await),
    }
}

fn delete_condition(
    caller: &Caller<ListingsWrite>,
    source: Option<&str>,
    headers: &HeaderMap,
) -> Result<(Sources, Precondition), Problem> {
    if source == Some("*") {
        caller.require(SOURCES_ALL)?;
        precondition::refuse(headers, "source=* is about all of them")?;
        return Ok((Sources::All, Precondition::None));
    }
    match precondition::read(headers)? {
        Precondition::Absent => {
            Err(Problem::malformed("If-None-Match: what does not exist can't be deleted"))
        }
        precondition => Ok((Sources::One(caller.source_to_delete(source)?), precondition)),
    }
}

/// A body that was read back and edited must belong to the listing that is put.
fn check_echo(
    listing: &api::ListingBody,
    subject: &Subject,
    source: &Source,
) -> Result<(), Problem> {
    if let Some(text) = &listing.subject
        && parse::<Subject>("subject", text)? != *subject
    {
        let detail = format!("subject: {text} is not the subject of the path, {subject}");
        return Err(Problem::malformed(detail));
    }
    match &listing.source {
        Some(text) if text != source.as_str() => Err(Problem::malformed(format!(
            "source: the body says {text}, the request {source}; add ?source={text} if that is meant"
        ))),
        _ => Ok(()),
    }
}

/// A test entry that is listed is left to the store, which says so.
fn check_guards(
    app: &App,
    origin: &Name,
    subject: &Subject,
    lifted: &[Guard],
) -> Result<(), Problem> {
    let test = app.in_zone(origin, |_, zone| TestEntry::named_by(zone, subject))?;
    match test {
        Some(TestEntry::Listed(_)) => Ok(()),
        _ => Ok(Guard::check(subject, lifted)?),
    }
}

/// Where a subject stands now.
async fn standing(app: &App, origin: &Name, subject: &Subject) -> Result<Standing, Problem> {
    let (index, origin, subject) = (app.index.clone(), origin.clone(), subject.clone());
    app.read(move |reader| {
        let snapshot = index.load();
        let zone = snapshot.zone(&origin).ok_or_else(|| Problem::no_zone(&origin))?;
        Ok(Standing::look(zone, &subject, reader, UnixTime::now())?)
    })
    .await
}

/// What was asked for is not there; tells who else lists the subject, and what covers it.
async fn absent(app: &App, origin: &Name, subject: &Subject) -> Problem {
    let standing = match standing(app, origin, subject).await {
        Ok(standing) => standing,
        Err(problem) => return problem,
    };
    let detail = format!("{subject} {}", standing.describe());
    Problem::not_found("not-listed", detail).with_facts(&standing.facts())
}

/// Nothing was there to delete; tells how to delist it all the same.
async fn not_deleted(app: &App, origin: &Name, subject: &Subject, whose: &Sources) -> Problem {
    let delete = "DELETE with ?source=NAME deletes what another source says, source=* what all say";
    let exclude =
        format!("PUT it with {{\"exclusion\":true}} to take {subject} out of what covers it");
    let by = match whose {
        Sources::One(source) => source.to_string(),
        Sources::All => "*".into(),
    };
    let problem = absent(app, origin, subject).await;
    problem.with("source", by).with("delete", delete).with("exclude", exclude)
}

/// Tells what a deletion did not change: that DNS lists the subject all the same.
async fn and_what_stays(
    app: &App,
    origin: &Name,
    subject: &Subject,
    was_listed: bool,
    mut answer: Response,
) -> Response {
    // The deletion is done, so nothing that goes wrong here may look as if it were not.
    if is_listed(&app.index.load(), origin, subject) == Some(false) {
        return answer;
    }
    if let Ok(standing) = standing(app, origin, subject).await
        && let Some(value) = standing.listed_header()
    {
        let is_new = !was_listed && standing.is_listed();
        let header = if is_new { NOW_LISTED } else { STILL_LISTED };
        answer.headers_mut().insert(header, value);
    }
    answer
}

/// Tells that a listing has no effect, where an exclusion keeps its subject out.
async fn and_what_excludes(
    app: &App,
    origin: &Name,
    subject: &Subject,
    mut answer: Response,
) -> Response {
    let is_out = match is_listed(&app.index.load(), origin, subject) {
        Some(listed) => !listed,
        // Of a prefix only those that already cover it could tell, and it decides for itself.
        None => false,
    };
    if is_out
        && let Ok(standing) = standing(app, origin, subject).await
        && let Some(value) = standing.excluded_header()
    {
        answer.headers_mut().insert(EXCLUDED, value);
    }
    answer
}
