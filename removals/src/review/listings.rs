//! Listings that somebody has made one by one, and that never expire (RFC 6471 section 2.2.1).

use std::collections::HashSet;

use dnsbl_store::{Actor, Cursor, Filter, Reader};
use dnsbl_types::{Listing, Name, Source, UnixTime, ZoneKind};
use relay_tester::service::SOURCE as TESTER;

use super::{
    error::ReviewError,
    position::Position,
    queue::{self, Part, is_wanted},
};
use crate::{
    Item, ItemId, ListingKey, Matter,
    record::{self, kept},
};

/// Listings that are looked at for one page.
const MOST_SCANNED: usize = 10_000;
/// Listings that are read at a time.
const CHUNK: usize = 500;

/// What is listed by parts of the server rests on more than somebody's word.
const PARTS: [&str; 5] = [TESTER, Source::LOGINS, Source::REPORTS, Source::REMOVALS, Actor::SERVER];

/// Sources of imports, by zone.
type Imported = HashSet<(String, String)>;

/// At most `limit` listings behind one.
pub(super) fn page(
    reader: &Reader<'_>,
    admits: &impl Fn(&Name) -> bool,
    is_claimed: Option<bool>,
    after: Option<&ListingKey>,
    limit: usize,
    now: UnixTime,
) -> Result<Part, ReviewError> {
    let imported = imported(reader)?;
    let mut part = Part { items: Vec::new(), next: None, is_cut: false };
    let mut scanned = 0;
    for (zone, source) in sources(reader, &imported, admits)? {
        let is_before = |key: &ListingKey| (&zone, &source) < (&key.zone, &key.source);
        if after.is_some_and(is_before) {
            continue;
        }
        let is_at = |key: &&ListingKey| (&zone, &source) == (&key.zone, &key.source);
        let mut cursor = after
            .filter(is_at)
            .map(|key| Cursor { subject: key.subject.clone(), source: Some(key.source.clone()) });
        let filter = Filter { source: Some(source.clone()), ..Filter::all() };
        loop {
            let page = reader.page(&zone, &filter, cursor.as_ref(), CHUNK, || false)?;
            for listing in page.listings {
                scanned += 1;
                let key = key_of(&zone, &listing);
                let item = item(reader, key.clone(), listing, now)?;
                part.items.extend(item.filter(|item| is_wanted(item, admits, is_claimed)));
                if part.items.len() == limit || scanned == MOST_SCANNED {
                    part.next = Some(Position::Listing(Some(key)));
                    part.is_cut = true;
                    return Ok(part);
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(part)
}

/// A listing, if it waits.
pub(super) fn find(
    reader: &Reader<'_>,
    key: &ListingKey,
    now: UnixTime,
) -> Result<Option<Item>, ReviewError> {
    let is_list = |zone: &dnsbl_types::Zone| !matches!(zone.kind, ZoneKind::Allow(_));
    let is_list = reader.settings(&key.zone)?.is_some_and(|zone| is_list(&zone));
    if !is_list || !is_manual(&key.zone, &key.source, &imported(reader)?) {
        return Ok(None);
    }
    let mut listings = reader.listings_of(&key.zone, &key.subject)?.into_iter();
    match listings.find(|listing| listing.source == key.source) {
        Some(listing) => item(reader, key.clone(), listing, now),
        None => Ok(None),
    }
}

fn item(
    reader: &Reader<'_>,
    key: ListingKey,
    listing: Listing,
    now: UnixTime,
) -> Result<Option<Item>, ReviewError> {
    if listing.body.exclusion || listing.body.expires_at.is_some() {
        return Ok(None);
    }
    let (zone, id) = (key.zone.clone(), ItemId::Listing(key));
    let mark = reader.document(&record::MARK, &record::item_id(&id)?)?;
    let mark = mark.and_then(|document| kept(&document, record::read_mark));
    if mark.is_some_and(|mark| mark.is_kept && mark.seq == listing.seq) {
        return Ok(None);
    }
    let revision = listing.seq;
    let matter = Matter::Listing { zone, listing: Box::new(listing) };
    queue::item(reader, id, revision, matter, now).map(Some)
}

fn key_of(zone: &Name, listing: &Listing) -> ListingKey {
    let (subject, source) = (listing.subject.clone(), listing.source.clone());
    ListingKey { zone: zone.clone(), subject, source }
}

/// The sources of zones that people list by, in order.
fn sources(
    reader: &Reader<'_>,
    imported: &Imported,
    admits: &impl Fn(&Name) -> bool,
) -> Result<Vec<(Name, Source)>, ReviewError> {
    let mut found = Vec::new();
    for record in reader.zones()? {
        let zone = &record.zone;
        if matches!(zone.kind, ZoneKind::Allow(_)) || !admits(&zone.origin) {
            continue;
        }
        let sources = reader.sources(&zone.origin)?.unwrap_or_default().into_iter();
        let sources = sources.map(|record| record.source);
        let manual = sources.filter(|source| is_manual(&zone.origin, source, imported));
        found.extend(manual.map(|source| (zone.origin.clone(), source)));
    }
    found.sort_unstable();
    Ok(found)
}

fn is_manual(zone: &Name, source: &Source, imported: &Imported) -> bool {
    !PARTS.contains(&source.as_str())
        && !imported.contains(&(zone.to_string(), source.as_str().to_owned()))
}

fn imported(reader: &Reader<'_>) -> Result<Imported, ReviewError> {
    let imports = reader.last_imports()?.into_iter();
    Ok(imports.map(|(zone, source, _)| (zone, source)).collect())
}
