//! `/v1/zones/{zone}/listings/{subject}`: what each source says of a subject.

use std::sync::Arc;

use axum::{
    Json as AxumJson,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use dnsbl_store::{Change, Outcome, Precondition, Sources};
use dnsbl_types::{Guard, Listing, ListingBody, Name, Source, Subject, TestEntry, UnixTime};
use serde::Deserialize;

use super::{changed, created, gone};
use crate::{
    app::App,
    auth::{Caller, ListingsRead, ListingsWrite, SOURCES_ALL},
    error::Problem,
    extract::{Json, Params, Path, lifted, parse, zone_and_subject},
    precondition::{self, etag},
    v1::{
        listing::{ListingIn, ListingOut, SubjectOut, effective_codes},
        problem::ProblemOut,
    },
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
    /// The source; left out: the token's name.
    source: Option<String>,
    /// `special-use`, `short-prefix` or both with a comma; needs guards:override.
    r#override: Option<String>,
}

/// Whose listing.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// The source; left out: the token's name; `*`: all, which needs sources:all.
    source: Option<String>,
}

/// Shows what is said of a subject itself; what covers it is named where nothing is.
#[utoipa::path(get, path = "/v1/zones/{zone}/listings/{subject}", tag = "listings",
    security(("token" = ["listings:read"])),
    params(FindQuery, ("zone" = String, Path, description = "Where"),
        ("subject" = String, Path, description = "Address, prefix or domain, percent-encoded"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags, or *")),
    responses((status = 200, body = SubjectOut, headers(("ETag" = String, description = "Where there is one listing"))),
        (status = 304, description = "It is as it was, and has return codes of its own"),
        (status = "default", body = ProblemOut)))]
pub(crate) async fn find_listing(
    _: Caller<ListingsRead>,
    State(app): State<Arc<App>>,
    Path(path): Path<(String, String)>,
    Params(query): Params<FindQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (origin, subject) = zone_and_subject(&path)?;
    let source: Option<Source> = query.source.map(|name| parse("source", &name)).transpose()?;
    let at = (origin.clone(), subject.clone());
    let found = app.read(move |reader| {
        let zone = reader.settings(&at.0)?.ok_or_else(|| Problem::no_zone(&at.0))?;
        Ok((zone, reader.listings_of(&at.0, &at.1)?))
    });
    let (zone, mut listings) = found.await?;
    let others: Vec<String> = listings.iter().map(|l| l.source.to_string()).collect();
    listings.retain(|listing| source.as_ref().is_none_or(|source| listing.source == *source));
    let etag = match listings.as_slice() {
        [] => return Err(absent(&app, &origin, &subject).with("sources", others)),
        [one] => Some(etag(one.seq)),
        _ => None,
    };
    if let Some(etag) = etag.as_ref().filter(|_| rests_on_itself(&listings))
        && precondition::has(&headers, etag)?
    {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag.as_str())]).into_response());
    }
    let codes = effective_codes(&listings, &zone);
    let body = SubjectOut {
        subject: subject.to_string(),
        return_codes: codes.iter().map(ToString::to_string).collect(),
        listings: listings.iter().map(ListingOut::from).collect(),
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
#[utoipa::path(put, path = "/v1/zones/{zone}/listings/{subject}", tag = "listings",
    security(("token" = ["listings:write"])),
    params(PutQuery, ("zone" = String, Path, description = "Where"),
        ("subject" = String, Path, description = "Address, prefix or domain, percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, or *"),
        ("If-None-Match" = Option<String>, Header, description = "*")),
    request_body = ListingIn,
    responses((status = 200, description = "Changed, or as it was", body = ListingOut),
        (status = 201, description = "Listed", body = ListingOut),
        (status = "default", body = ProblemOut)))]
pub(crate) async fn put_listing(
    caller: Caller<ListingsWrite>,
    State(app): State<Arc<App>>,
    Path(path): Path<(String, String)>,
    Params(query): Params<PutQuery>,
    headers: HeaderMap,
    Json(listing): Json<ListingIn>,
) -> Result<Response, Problem> {
    let (zone, subject) = zone_and_subject(&path)?;
    let source = caller.source(query.source.as_deref())?;
    let lifted = lifted(&caller, query.r#override.as_deref())?;
    check_echo(&listing, &subject, &source)?;
    if listing.expires_in.is_some() {
        app.require_sound_clock()?;
    }
    let body = listing.into_body(UnixTime::now())?;
    if !body.exclusion {
        check_guards(&app, &zone, &subject, &lifted)?;
    }
    let change = Change::PutListing {
        zone,
        subject,
        source,
        body,
        precondition: precondition::read(&headers)?,
    };
    let done = app.change(caller.actor(), change).await?;
    let Outcome::Listing { created: new, listing } = done.outcome else {
        return Err(Problem::internal());
    };
    let etag = [(header::ETAG, etag(listing.seq))];
    Ok((etag, changed(created(new), done.seq, ListingOut::from(&*listing))).into_response())
}

/// Delists a subject, as far as one source listed it.
#[utoipa::path(delete, path = "/v1/zones/{zone}/listings/{subject}", tag = "listings",
    security(("token" = ["listings:write"])),
    params(DeleteQuery, ("zone" = String, Path, description = "Where"),
        ("subject" = String, Path, description = "Address, prefix or domain, percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, or *")),
    responses((status = 204, description = "Delisted"), (status = "default", body = ProblemOut)))]
pub(crate) async fn delete_listing(
    caller: Caller<ListingsWrite>,
    State(app): State<Arc<App>>,
    Path(path): Path<(String, String)>,
    Params(query): Params<DeleteQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (zone, subject) = zone_and_subject(&path)?;
    let (sources, precondition) = delete_condition(&caller, query.source.as_deref(), &headers)?;
    let (at, of) = (zone.clone(), subject.clone());
    let whose = sources.clone();
    let change = Change::DeleteListing { zone, subject, sources, precondition };
    match app.change_or(caller.actor(), change).await? {
        Ok(done) => Ok(gone(done.seq)),
        Err(dnsbl_store::ChangeError::NoListing) => Err(not_deleted(&app, &at, &of, &whose).await),
        Err(err) => Err(err.into()),
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
        precondition => Ok((Sources::One(caller.source(source)?), precondition)),
    }
}

/// A body that was read back and edited must belong to the listing that is put.
fn check_echo(listing: &ListingIn, subject: &Subject, source: &Source) -> Result<(), Problem> {
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

/// Nothing is said of the subject itself; tells what covers it.
fn absent(app: &App, origin: &Name, subject: &Subject) -> Problem {
    let now = UnixTime::now();
    let covering = app.in_zone(origin, |snapshot, zone| {
        let covering = snapshot
            .zone(origin)
            .and_then(|zone| zone.covering(subject, now).into_iter().find(|c| c != subject));
        (covering, TestEntry::named_by(zone, subject).is_some())
    });
    let (covering, is_test) = match covering {
        Ok(found) => found,
        Err(problem) => return problem,
    };
    let detail = match &covering {
        _ if is_test => format!(
            "{subject} is a test entry of RFC 5782 section 5: it always exists and is no listing"
        ),
        Some(covering) => format!("{subject} has no such listing; {covering} covers it"),
        None => format!("{subject} has no such listing, and nothing covers it"),
    };
    let covering = covering.map(|covering| covering.to_string());
    Problem::new(StatusCode::NOT_FOUND, "not-listed", detail).with("covering", covering)
}

/// Nothing was there to delete; tells who lists it, what covers it and how to take it out.
async fn not_deleted(app: &App, origin: &Name, subject: &Subject, whose: &Sources) -> Problem {
    let at = (origin.clone(), subject.clone());
    let listings = app.read(move |reader| Ok(reader.listings_of(&at.0, &at.1)?)).await;
    let listings = match listings {
        Ok(listings) => listings,
        Err(problem) => return problem,
    };
    let others: Vec<String> = listings.iter().map(|l| l.source.to_string()).collect();
    let problem = absent(app, origin, subject);
    let how = format!("PUT it with {{\"exclusion\":true}} to take {subject} out of what covers it");
    let by = match whose {
        Sources::One(source) => source.to_string(),
        Sources::All => "*".into(),
    };
    problem.with("source", by).with("sources", others).with("exclude", how)
}
