//! Reading listings: one, all about a subject, pages, and everything.

use std::{cmp::Ordering, collections::HashMap};

use dnsbl_types::{Listing, Name, Source, Subject, Zone};

use crate::{
    StoreError,
    format::{
        key::{self, Expiry, ZoneId},
        row, schema,
    },
    read::{
        cursor::Reading,
        reader::Reader,
        scan::{Scan, SubjectRows},
        state::{self, ZoneRecord, ZoneState},
        view::Iter,
    },
};

/// Which subjects a search is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectMatch {
    /// All.
    Any,
    /// This one.
    Exact(Subject),
    /// Those that cover it, itself included.
    Covering(Subject),
    /// Those that it covers, itself included.
    Covered(Subject),
    /// Both.
    Overlap(Subject),
}

/// Which listings a search is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Of which subjects.
    pub subject: SubjectMatch,
    /// By which source; any if left out.
    pub source: Option<Source>,
    /// With which tag; any if left out.
    pub tag: Option<String>,
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Its last subject.
    pub subject: Subject,
    /// Its last source; `None` behind all of them.
    pub source: Option<Source>,
}

impl Cursor {
    fn has_passed(&self, listing: &Listing) -> bool {
        let order = key::subject(&listing.subject).cmp(&key::subject(&self.subject));
        order.is_lt()
            || (order.is_eq()
                && self.source.as_ref().is_none_or(|source| listing.source <= *source))
    }
}

/// A page of listings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What was found, in the order of keys.
    pub listings: Vec<Listing>,
    /// Where it ended, if there may be more.
    pub next: Option<Cursor>,
}

/// How a visit of listings ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visited {
    /// All were visited.
    All,
    /// The visitor wanted no more.
    Enough,
    /// It was told to stop behind this subject.
    Stopped(Subject),
}

/// Subjects that are looked at before a visit asks again whether it shall stop. Addresses of which there is
/// nothing else to say are passed over much faster, and count as one for each so many.
const LOOK: usize = 256;

impl SubjectMatch {
    /// Whether a subject is one of these.
    pub fn admits(&self, subject: &Subject) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(sought) => subject == sought,
            Self::Covering(sought) => subject.covers(sought),
            Self::Covered(sought) => sought.covers(subject),
            Self::Overlap(sought) => sought.covers(subject) || subject.covers(sought),
        }
    }
}

impl Filter {
    /// Everything.
    pub fn all() -> Self {
        Self { subject: SubjectMatch::Any, source: None, tag: None }
    }

    fn admits(&self, listing: &Listing) -> bool {
        self.subject.admits(&listing.subject)
            && self.source.as_ref().is_none_or(|source| listing.source == *source)
            && self.tag.as_ref().is_none_or(|tag| listing.body.tags.contains(tag))
    }
}

impl Reader<'_> {
    /// A zone.
    pub fn zone(&self, origin: &Name) -> Result<Option<ZoneRecord>, StoreError> {
        let Some(state) = self.state(origin)? else {
            return Ok(None);
        };
        let due = self.due_in(&state)?;
        Ok(Some(record(&state, due)))
    }

    /// The settings of a zone, without its counts.
    pub fn settings(&self, origin: &Name) -> Result<Option<Zone>, StoreError> {
        Ok(self.state(origin)?.map(|state| state.zone.as_ref().clone()))
    }

    /// All zones, by name.
    pub fn zones(&self) -> Result<Vec<ZoneRecord>, StoreError> {
        let zones: Vec<ZoneState> = state::read_zones(&self.view)?.into_values().collect();
        let due = self.due_in_each(&zones)?;
        let due = |state: &ZoneState| due.get(&state.id).copied().unwrap_or_default();
        Ok(zones.iter().map(|state| record(state, due(state))).collect())
    }

    /// What each source says of a subject.
    pub fn listings_of(
        &self,
        origin: &Name,
        subject: &Subject,
    ) -> Result<Vec<Listing>, StoreError> {
        let Some(state) = self.state(origin)? else {
            return Ok(Vec::new());
        };
        self.listings_at(&state, subject)
    }

    /// A page of at most `limit` listings, in the order of their keys. It ends early, maybe empty, once `stop`
    /// says so, which is asked after some hundred subjects each: what a page costs is up to the caller, who
    /// goes on at `next`.
    pub fn page(
        &self,
        origin: &Name,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: usize,
        stop: impl FnMut() -> bool,
    ) -> Result<Page, StoreError> {
        let mut page = Page::default();
        // What has few tags may be far apart.
        let reading = if filter.tag.is_some() { Reading::All } else { Reading::Some };
        let visited = self.visit(origin, filter, after, reading, stop, |listing| {
            let goes_on = page.listings.len() < limit;
            if goes_on {
                page.listings.push(listing);
            }
            goes_on
        })?;
        page.next = match visited {
            Visited::All => None,
            Visited::Enough => page.listings.last().map(|last| Cursor {
                subject: last.subject.clone(),
                source: Some(last.source.clone()),
            }),
            Visited::Stopped(subject) => Some(Cursor { subject, source: None }),
        };
        Ok(page)
    }

    /// Visits listings in the order of their keys until `visit` returns false, or `stop` says so, which is
    /// asked after some hundred subjects each.
    pub fn each(
        &self,
        origin: &Name,
        filter: &Filter,
        stop: impl FnMut() -> bool,
        visit: impl FnMut(Listing) -> bool,
    ) -> Result<Visited, StoreError> {
        self.visit(origin, filter, None, Reading::All, stop, visit)
    }

    fn visit(
        &self,
        origin: &Name,
        filter: &Filter,
        after: Option<&Cursor>,
        reading: Reading,
        mut stop: impl FnMut() -> bool,
        mut visit: impl FnMut(Listing) -> bool,
    ) -> Result<Visited, StoreError> {
        let Some(mut state) = self.state(origin)? else {
            return Ok(Visited::All);
        };
        if let Some(source) = &filter.source {
            state.segments.retain(|segment| segment.source == *source);
        }
        let passed = |listing: &Listing| after.is_some_and(|cursor| cursor.has_passed(listing));
        for listing in self.wider(&state, filter)? {
            if !passed(&listing) && filter.admits(&listing) && !visit(listing) {
                return Ok(Visited::Enough);
            }
        }
        let Some((start, end)) = range(filter) else {
            return Ok(Visited::All);
        };
        let start = after.map_or(start.clone(), |cursor| start.max(key::subject(&cursor.subject)));
        let mut scan = Scan::new(&self.view, &state.segments, &start, end.as_deref(), reading)?;
        let (mut looked, mut untagged) = (0, Vec::new());
        loop {
            let last = if filter.tag.is_some() && scan.take_hosts(&mut untagged)?.is_some() {
                looked += 1 + untagged.len() / LOOK;
                let last = untagged.last().copied().unwrap_or_default();
                untagged.clear();
                key::host(last).to_vec()
            } else {
                let Some(at) = scan.next()? else { return Ok(Visited::All) };
                looked += 1;
                at.retain_live(self.now);
                for listing in listings(at)? {
                    let is_wider = matches!(&filter.subject, SubjectMatch::Overlap(subject) if listing.subject != *subject && listing.subject.covers(subject));
                    if !is_wider && !passed(&listing) && filter.admits(&listing) && !visit(listing)
                    {
                        return Ok(Visited::Enough);
                    }
                }
                if looked < LOOK {
                    continue;
                }
                at.subject.clone()
            };
            if looked >= LOOK {
                looked = 0;
                if stop() {
                    return Ok(Visited::Stopped(key::read_subject(&last)?));
                }
            }
        }
    }

    /// Listings of subjects that cover what the filter asks for, where they lie outside its range.
    fn wider(&self, state: &ZoneState, filter: &Filter) -> Result<Vec<Listing>, StoreError> {
        let (subject, itself) = match &filter.subject {
            SubjectMatch::Covering(subject) => (subject, true),
            SubjectMatch::Overlap(subject) => (subject, false),
            _ => return Ok(Vec::new()),
        };
        let covering = std::iter::successors(Some(subject.clone()), Subject::parent);
        let mut found = Vec::new();
        for covering in covering.skip(usize::from(!itself)) {
            found.extend(self.listings_at(state, &covering)?);
        }
        found
            .sort_by_cached_key(|listing| (key::subject(&listing.subject), listing.source.clone()));
        Ok(found)
    }

    fn listings_at(
        &self,
        state: &ZoneState,
        subject: &Subject,
    ) -> Result<Vec<Listing>, StoreError> {
        let mut at = SubjectRows { subject: key::subject(subject), rows: Vec::new() };
        let mut decided = Vec::new();
        for segment in &state.segments {
            if let Some(found) = self.view.row(segment.key, &at.subject)? {
                at.add(&mut decided, segment, found.row.into_listing());
            }
        }
        at.retain_live(self.now);
        listings(&at)
    }

    fn state(&self, origin: &Name) -> Result<Option<ZoneState>, StoreError> {
        state::read_zone(&self.view, origin)
    }

    /// Rows of a zone that have expired and were not swept yet.
    fn due_in(&self, state: &ZoneState) -> Result<Due, StoreError> {
        let mut due = Due::default();
        let mut iter = self.expiries()?;
        while let Some((key, value)) = iter.item() {
            let expiry = key::read_expiry(key)?;
            let at = expiry.at.0;
            match expiry.segment.zone.cmp(&state.id) {
                Ordering::Equal => {
                    due.add(self.expired(state, &expiry, value)?);
                    iter.next();
                }
                // The rows of a second lie by zone.
                Ordering::Less => iter.seek(key::expiry_in(at, state.id)),
                Ordering::Greater => iter.seek(key::expiry_in(at.saturating_add(1), state.id)),
            }
        }
        iter.status()?;
        Ok(due)
    }

    /// The same for all zones.
    fn due_in_each(&self, zones: &[ZoneState]) -> Result<HashMap<ZoneId, Due>, StoreError> {
        let mut iter = self.expiries()?;
        let mut due = HashMap::new();
        if iter.key().is_none() {
            iter.status()?;
            return Ok(due);
        }
        let states: HashMap<ZoneId, &ZoneState> =
            zones.iter().map(|state| (state.id, state)).collect();
        while let Some((key, value)) = iter.item() {
            let expiry = key::read_expiry(key)?;
            if let Some(state) = states.get(&expiry.segment.zone) {
                let expired = self.expired(state, &expiry, value)?;
                due.entry(state.id).or_insert_with(Due::default).add(expired);
            }
            iter.next();
        }
        iter.status()?;
        Ok(due)
    }

    /// A walk through what has expired and was not swept yet.
    fn expiries(&self) -> Result<Iter<'_>, StoreError> {
        let mut options = rocksdb::ReadOptions::default();
        options.set_iterate_upper_bound(key::expiry_after(self.now));
        let mut iter = self.view.iter(schema::EXPIRY, options);
        iter.seek(state::read_swept(&self.view)?);
        Ok(iter)
    }

    /// Whether a row that has expired is what its source says; true for an exclusion.
    fn expired(
        &self,
        state: &ZoneState,
        expiry: &Expiry<'_>,
        value: &[u8],
    ) -> Result<Option<bool>, StoreError> {
        let Some(segment) = state.segments.iter().find(|s| s.key == expiry.segment) else {
            return Ok(None);
        };
        let newer = state.segments_of(&segment.source).take_while(|s| s.key != segment.key);
        for newer in newer {
            if self.view.row(newer.key, expiry.subject)?.is_some() {
                return Ok(None);
            }
        }
        if let Some(exclusion) = row::read_expiry_value(value) {
            return Ok(Some(exclusion));
        }
        let row = self.view.row(segment.key, expiry.subject)?;
        let listing = row.and_then(|found| found.row.into_listing());
        Ok(listing.filter(|row| !row.is_live(self.now)).map(|row| row.exclusion()))
    }
}

/// A zone without what is due.
fn record(state: &ZoneState, due: Due) -> ZoneRecord {
    ZoneRecord {
        listings: state.listings.saturating_sub(due.listings),
        exclusions: state.exclusions.saturating_sub(due.exclusions),
        serial: state.serial,
        zone: state.zone.as_ref().clone(),
        frozen: state.frozen.keys().cloned().collect(),
    }
}

/// How many rows have expired and were not swept yet.
#[derive(Clone, Copy, Default)]
struct Due {
    listings: u64,
    exclusions: u64,
}

impl Due {
    /// Counts one; true for an exclusion.
    fn add(&mut self, expired: Option<bool>) {
        match expired {
            Some(true) => self.exclusions += 1,
            Some(false) => self.listings += 1,
            None => {}
        }
    }
}

fn listings(at: &SubjectRows<'_>) -> Result<Vec<Listing>, StoreError> {
    let subject = key::read_subject(&at.subject)?;
    let listings = at.rows.iter().map(|(segment, row)| segment.listing(subject.clone(), row));
    let mut listings = listings.collect::<Result<Vec<_>, _>>()?;
    listings.sort_by(|a, b| a.source.cmp(&b.source));
    Ok(listings)
}

/// The keys among which a filter's subjects lie; `None` if there are none but the wider ones.
fn range(filter: &Filter) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    match &filter.subject {
        SubjectMatch::Any => Some((Vec::new(), None)),
        SubjectMatch::Covering(_) => None,
        SubjectMatch::Exact(subject) => {
            let key = key::subject(subject);
            Some((key.clone(), Some(key)))
        }
        SubjectMatch::Covered(subject) | SubjectMatch::Overlap(subject) => {
            let (start, end) = key::covered_range(subject);
            Some((start, Some(end)))
        }
    }
}
