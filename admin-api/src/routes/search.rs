//! `/v1/search` and `/v1/zones/{zone}/listings`: searching, a page at a time.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use admin_api_types as api;
use axum::{Json as AxumJson, extract::State};
use dnsbl_store::{Cursor, ExpiryMatch, Filter, Reader, SubjectMatch, TimeSpan};
use dnsbl_types::{Name, Source, Subject};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::{
    allow,
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Params, Path, flag, limit, parse, zone},
    scopes::ListingsRead,
    v1::{listing, search::write_found, time},
};

/// The most zones that one search names.
const MAX_ZONES: usize = 100;
/// The longest text that is looked for, in bytes.
const MAX_TEXT: usize = 200;

/// Which listings of which zones, and which page of them.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Zones, with commas between them, at most 100. Left out: all that the token may see, but no allow zones.
    zone: Option<String>,
    /// Address, prefix or domain; left out: all.
    subject: Option<String>,
    /// How listings relate to the subject. Default `exact`.
    r#match: Option<Match>,
    /// Of one source.
    source: Option<String>,
    /// With one tag.
    tag: Option<String>,
    /// Answered with this return code, be it the listing's own or the zone's.
    code: Option<String>,
    /// With this text in the reason, be it the listing's own or the zone's; capitals don't matter.
    reason: Option<String>,
    /// Written last by the token of this name, or by this part of the server.
    author: Option<String>,
    /// Listings only, or exclusions only.
    kind: Option<Kind>,
    /// First listed by its source at this time or later (RFC 3339).
    listed_from: Option<String>,
    /// First listed by its source before this time.
    listed_until: Option<String>,
    /// Last changed at this time or later.
    changed_from: Option<String>,
    /// Last changed before this time.
    changed_until: Option<String>,
    /// Expires at this time or later.
    expires_from: Option<String>,
    /// Expires before this time.
    expires_until: Option<String>,
    /// `1`: never expires.
    #[serde(default, deserialize_with = "flag")]
    never_expires: bool,
    /// `1`: how many there are, and nothing else.
    #[serde(default, deserialize_with = "flag")]
    count: bool,
    /// `next` of the page before, with all else as it was.
    cursor: Option<String>,
    /// 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// What is said of a subject.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// That it is listed.
    Listing,
    /// That it is not, whatever covers it.
    Exclusion,
}

/// Which listings of a zone, and which page of them.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ZoneSearchQuery {
    /// Address, prefix or domain; left out: all.
    subject: Option<String>,
    /// How listings relate to the subject. Default `exact`.
    r#match: Option<Match>,
    /// Of one source.
    source: Option<String>,
    /// With one tag.
    tag: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// The relation of listings to a subject.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Match {
    /// Of the subject itself.
    Exact,
    /// Of the subject and of what covers it.
    Covering,
    /// Of the subject and of what it covers.
    Covered,
    /// All of these.
    Overlap,
}

/// Searches the listings of several zones, or counts them.
///
/// What is found comes zone by zone, in the order of subjects and sources. A search looks for a moment and answers with what it has
/// found by then: a page may be short or empty, and a count too low, while `next` is not null. A cursor names a place in that order,
/// so what stood all the time is found once, whatever is written between two pages.
#[utoipa::path(get, path = "/v1/search", tag = "listings", security(("token" = ["listings:read"])),
    params(SearchQuery),
    responses((status = 200, body = api::SearchResult), (status = "default", body = api::Problem)))]
pub(crate) async fn search_zones(
    caller: Caller<ListingsRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<SearchQuery>,
) -> Result<AxumJson<api::SearchResult>, Problem> {
    let limit = limit(query.limit)?;
    let from = query.cursor.as_deref().map(read_place).transpose()?;
    let (filter, is_count) = (query.filter()?, query.count);
    let zones = query.zones(&app, &caller)?;
    let permit = app.scans.take(caller.token_id())?;
    let slice = app.limits.load().search_slice;
    let gone = CancellationToken::new();
    let _reader = gone.clone().drop_guard();
    let result = app.read(move |reader| {
        let _permit = permit;
        let begun = Instant::now();
        let stop = || begun.elapsed() >= slice || gone.is_cancelled();
        match is_count {
            true => {
                count(reader, &zones, &filter, from.as_ref(), stop).map(api::SearchResult::Count)
            }
            false => page(reader, &zones, &filter, from.as_ref(), limit, stop)
                .map(api::SearchResult::Page),
        }
    });
    Ok(AxumJson(result.await?))
}

/// A place in a search over several zones.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    zone: Name,
    /// Where in the zone; `None` at its beginning.
    cursor: Option<Cursor>,
}

/// The zones from a place on, each with the cursor to begin at.
fn zones_from<'z>(
    zones: &'z BTreeSet<Name>,
    from: Option<&'z Place>,
) -> impl Iterator<Item = (&'z Name, Option<&'z Cursor>)> {
    let rest = zones.iter().filter(move |zone| from.is_none_or(|from| **zone >= from.zone));
    rest.map(move |zone| {
        let place = from.filter(|from| from.zone == *zone);
        (zone, place.and_then(|place| place.cursor.as_ref()))
    })
}

fn page(
    reader: &Reader<'_>,
    zones: &BTreeSet<Name>,
    filter: &Filter,
    from: Option<&Place>,
    limit: usize,
    stop: impl Fn() -> bool,
) -> Result<api::SearchPage, Problem> {
    let mut listings = Vec::new();
    for (i, (zone, cursor)) in zones_from(zones, from).enumerate() {
        if listings.len() == limit || i > 0 && stop() {
            let next = write_place(&Place { zone: zone.clone(), cursor: None });
            return Ok(api::SearchPage { listings, next: Some(next) });
        }
        let page = reader.page(zone, filter, cursor, limit - listings.len(), &stop)?;
        listings.extend(page.listings.iter().map(|found| write_found(zone, found)));
        if page.next.is_some() {
            let next = write_place(&Place { zone: zone.clone(), cursor: page.next });
            return Ok(api::SearchPage { listings, next: Some(next) });
        }
    }
    Ok(api::SearchPage { listings, next: None })
}

fn count(
    reader: &Reader<'_>,
    zones: &BTreeSet<Name>,
    filter: &Filter,
    from: Option<&Place>,
    stop: impl Fn() -> bool,
) -> Result<api::SearchCount, Problem> {
    let mut count = 0;
    let cut = |count, zone: &Name, cursor| {
        let next = write_place(&Place { zone: zone.clone(), cursor });
        api::SearchCount { count, exact: false, next: Some(next) }
    };
    for (i, (zone, cursor)) in zones_from(zones, from).enumerate() {
        if i > 0 && stop() {
            return Ok(cut(count, zone, None));
        }
        let counted = reader.count(zone, filter, cursor, &stop)?;
        count += counted.count;
        if counted.next.is_some() {
            return Ok(cut(count, zone, counted.next));
        }
    }
    Ok(api::SearchCount { count, exact: true, next: None })
}

/// Searches the listings of a zone.
///
/// A search looks for a moment and answers with what it has found by then: a page may be short or empty
/// while `next` is not null.
#[utoipa::path(get, path = "/v1/zones/{zone}/listings", tag = "listings",
    security(("token" = ["listings:read"])),
    params(ZoneSearchQuery, ("zone" = String, Path, description = "Where")),
    responses((status = 200, body = api::ListingPage), (status = "default", body = api::Problem)))]
pub(crate) async fn search_listings(
    caller: Caller<ListingsRead>,
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Params(query): Params<ZoneSearchQuery>,
) -> Result<AxumJson<api::ListingPage>, Problem> {
    let origin = zone(&caller, &name)?.into_name();
    allow::require_sight(&app, &caller, &origin)?;
    let limit = limit(query.limit)?;
    let cursor = query.cursor.as_deref().map(read_cursor).transpose()?;
    let filter = query.filter()?;
    let permit = app.scans.take(caller.token_id())?;
    let slice = app.limits.load().search_slice;
    let gone = CancellationToken::new();
    let _reader = gone.clone().drop_guard();
    let search = move |reader: &Reader<'_>| {
        let _permit = permit;
        if reader.settings(&origin)?.is_none() {
            return Err(Problem::no_zone(&origin));
        }
        let begun = Instant::now();
        let stop = || begun.elapsed() >= slice || gone.is_cancelled();
        Ok(reader.page(&origin, &filter, cursor.as_ref(), limit, stop)?)
    };
    let page = app.read(search).await?;
    Ok(AxumJson(api::ListingPage {
        listings: page.listings.iter().map(listing::write).collect(),
        next: page.next.as_ref().map(write_cursor),
    }))
}

impl ZoneSearchQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let source = self.source.as_deref();
        Ok(Filter {
            subject: subject_match(self.subject.as_deref(), self.r#match)?,
            source: source.map(|name| parse("source", name)).transpose()?,
            tag: self.tag.clone(),
            ..Filter::all()
        })
    }
}

impl SearchQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let source = self.source.as_deref();
        let code = self.code.as_deref();
        Ok(Filter {
            subject: subject_match(self.subject.as_deref(), self.r#match)?,
            source: source.map(|name| parse("source", name)).transpose()?,
            tag: self.tag.clone(),
            code: code.map(|code| parse("code", code)).transpose()?,
            reason: self.reason.as_deref().map(text).transpose()?,
            author: self.author.clone(),
            exclusion: self.kind.map(|kind| matches!(kind, Kind::Exclusion)),
            listed: span("listed", &self.listed_from, &self.listed_until)?,
            changed: span("changed", &self.changed_from, &self.changed_until)?,
            expiry: self.expiry()?,
        })
    }

    fn expiry(&self) -> Result<ExpiryMatch, Problem> {
        let span = span("expires", &self.expires_from, &self.expires_until)?;
        match (self.never_expires, span == TimeSpan::ALWAYS) {
            (true, true) => Ok(ExpiryMatch::Never),
            (true, false) => {
                Err(Problem::malformed("never_expires: what never expires does so at no time"))
            }
            (false, true) => Ok(ExpiryMatch::Any),
            (false, false) => Ok(ExpiryMatch::Within(span)),
        }
    }

    /// The zones to be searched, by name.
    fn zones(&self, app: &App, caller: &Caller<ListingsRead>) -> Result<BTreeSet<Name>, Problem> {
        let Some(named) = &self.zone else {
            let snapshot = app.index.load();
            let settings = snapshot.zones().map(|zone| zone.settings());
            let lists = settings.filter(|zone| zone.kind.grant_terms().is_none());
            let seen = lists.filter(|zone| caller.rights().zones().has(&zone.origin));
            return Ok(seen.map(|zone| zone.origin.clone()).collect());
        };
        let mut zones = BTreeSet::new();
        for name in named.split(',') {
            let origin = zone(caller, name.trim())?.into_name();
            allow::require_sight(app, caller, &origin)?;
            app.in_zone(&origin, |_, _| ())?;
            zones.insert(origin);
            if zones.len() > MAX_ZONES {
                return Err(Problem::refused(format!("zone: more than {MAX_ZONES} are named")));
            }
        }
        Ok(zones)
    }
}

fn subject_match(text: Option<&str>, how: Option<Match>) -> Result<SubjectMatch, Problem> {
    let subject: Option<Subject> = text.map(|text| parse("subject", text)).transpose()?;
    match (subject, how) {
        (None, None) => Ok(SubjectMatch::Any),
        (None, Some(_)) => Err(Problem::malformed("match: needs subject")),
        (Some(subject), None | Some(Match::Exact)) => Ok(SubjectMatch::Exact(subject)),
        (Some(subject), Some(Match::Covering)) => Ok(SubjectMatch::Covering(subject)),
        (Some(subject), Some(Match::Covered)) => Ok(SubjectMatch::Covered(subject)),
        (Some(subject), Some(Match::Overlap)) => Ok(SubjectMatch::Overlap(subject)),
    }
}

fn text(text: &str) -> Result<String, Problem> {
    match text.len() {
        1..=MAX_TEXT => Ok(text.to_owned()),
        _ => Err(Problem::malformed(format!("reason: a text has 1 to {MAX_TEXT} bytes"))),
    }
}

fn span(what: &str, from: &Option<String>, until: &Option<String>) -> Result<TimeSpan, Problem> {
    let read = |end: &str, text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| time::read(&format!("{what}_{end}"), text)).transpose()
    };
    Ok(TimeSpan { from: read("from", from)?, to: read("until", until)? })
}

/// What no source is called.
const EVERY_SOURCE: &str = "*";

fn write_cursor(cursor: &Cursor) -> String {
    to_hex(&cursor_words(cursor))
}

fn read_cursor(text: &str) -> Result<Cursor, Problem> {
    from_hex(text).as_deref().and_then(read_cursor_words).ok_or_else(not_ours)
}

fn write_place(place: &Place) -> String {
    match &place.cursor {
        Some(cursor) => to_hex(&format!("{} {}", place.zone, cursor_words(cursor))),
        None => to_hex(&place.zone.to_string()),
    }
}

fn read_place(text: &str) -> Result<Place, Problem> {
    let words = from_hex(text).ok_or_else(not_ours)?;
    let (zone, cursor) = match words.split_once(' ') {
        Some((zone, cursor)) => (zone, Some(read_cursor_words(cursor).ok_or_else(not_ours)?)),
        None => (words.as_str(), None),
    };
    Ok(Place { zone: zone.parse().map_err(|_| not_ours())?, cursor })
}

fn cursor_words(cursor: &Cursor) -> String {
    let source = cursor.source.as_ref().map_or(EVERY_SOURCE, Source::as_str);
    format!("{} {source}", cursor.subject)
}

fn read_cursor_words(words: &str) -> Option<Cursor> {
    let (subject, source) = words.split_once(' ')?;
    let source = match source {
        EVERY_SOURCE => None,
        source => Some(source.parse().ok()?),
    };
    Some(Cursor { subject: subject.parse().ok()?, source })
}

fn to_hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<String> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16));
    String::from_utf8(pairs.collect::<Result<Vec<u8>, _>>().ok()?).ok()
}

fn not_ours() -> Problem {
    Problem::malformed("cursor: is not one that this server gave")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_others_are_refused() {
        for source in [Some("feed".parse().unwrap()), None] {
            let cursor = Cursor { subject: "*.example.com".parse().unwrap(), source };
            assert_eq!(read_cursor(&write_cursor(&cursor)).unwrap(), cursor);
        }
        for text in ["", "x", "zz", "+1", "ä", "31323334", "ff20ff"] {
            assert!(read_cursor(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_place_is_read_back_and_others_are_refused() {
        let zone: Name = "bl.example.org".parse().unwrap();
        let cursor = Cursor { subject: "192.0.2.0/24".parse().unwrap(), source: None };
        for cursor in [None, Some(cursor)] {
            let place = Place { zone: zone.clone(), cursor };
            assert_eq!(read_place(&write_place(&place)).unwrap(), place);
        }
        for text in ["", "x", "ff20ff", "20", "612062"] {
            assert!(read_place(text).is_err(), "{text}");
        }
    }
}
