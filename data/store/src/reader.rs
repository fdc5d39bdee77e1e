//! Reading listings: one, all about a subject, pages, and everything.

use dnsbl_types::{Listing, Name, Source, Subject, UnixTime};

use crate::{
    StoreError, ZoneRecord,
    cursor::Reading,
    key,
    scan::{AtSubject, View},
    schema,
    state::{self, ZoneState},
};

/// One state of the store. Expired listings are absent from everything it says.
pub struct Reader<'a> {
    pub(crate) view: View<'a>,
    pub(crate) now: UnixTime,
}

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
    /// Its last source.
    pub source: Source,
}

impl Filter {
    /// Everything.
    pub fn all() -> Self {
        Self { subject: SubjectMatch::Any, source: None, tag: None }
    }

    fn admits(&self, listing: &Listing) -> bool {
        let by_subject = match &self.subject {
            SubjectMatch::Any => true,
            SubjectMatch::Exact(subject) => listing.subject == *subject,
            SubjectMatch::Covering(subject) => listing.subject.covers(subject),
            SubjectMatch::Covered(subject) => subject.covers(&listing.subject),
            SubjectMatch::Overlap(subject) => {
                subject.covers(&listing.subject) || listing.subject.covers(subject)
            }
        };
        by_subject
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
        self.record(&state).map(Some)
    }

    /// All zones, by name.
    pub fn zones(&self) -> Result<Vec<ZoneRecord>, StoreError> {
        state::read_zones(&self.view)?.into_values().map(|state| self.record(&state)).collect()
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

    /// A page of at most `limit` listings, in the order of their keys, and where it ended if there may be more.
    pub fn page(
        &self,
        origin: &Name,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Listing>, Option<Cursor>), StoreError> {
        let mut page = Vec::new();
        let mut next = None;
        self.visit(origin, filter, after, Reading::Some, |listing| {
            if page.len() == limit {
                next = page.last().map(|last: &Listing| Cursor {
                    subject: last.subject.clone(),
                    source: last.source.clone(),
                });
                return false;
            }
            page.push(listing);
            true
        })?;
        Ok((page, next))
    }

    /// Visits listings in the order of their keys until `visit` returns false.
    pub fn each(
        &self,
        origin: &Name,
        filter: &Filter,
        after: Option<&Cursor>,
        visit: impl FnMut(Listing) -> bool,
    ) -> Result<(), StoreError> {
        self.visit(origin, filter, after, Reading::All, visit)
    }

    fn visit(
        &self,
        origin: &Name,
        filter: &Filter,
        after: Option<&Cursor>,
        reading: Reading,
        mut visit: impl FnMut(Listing) -> bool,
    ) -> Result<(), StoreError> {
        let Some(state) = self.state(origin)? else {
            return Ok(());
        };
        let passed = |listing: &Listing| {
            let key = (key::subject(&listing.subject), &listing.source);
            after.is_some_and(|cursor| key <= (key::subject(&cursor.subject), &cursor.source))
        };
        for listing in self.wider(&state, filter)? {
            if !passed(&listing) && filter.admits(&listing) && !visit(listing) {
                return Ok(());
            }
        }
        let Some((start, end)) = range(filter) else {
            return Ok(());
        };
        let start = after.map_or(start.clone(), |cursor| start.max(key::subject(&cursor.subject)));
        let mut scan = self.view.scan(&state.segments, &start, end.as_deref(), reading)?;
        while let Some(at) = scan.next()? {
            at.retain_live(self.now);
            for listing in listings(at)? {
                let is_wider = matches!(&filter.subject, SubjectMatch::Overlap(subject) if listing.subject != *subject && listing.subject.covers(subject));
                if !is_wider && !passed(&listing) && filter.admits(&listing) && !visit(listing) {
                    return Ok(());
                }
            }
        }
        Ok(())
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
        let mut at = AtSubject { subject: key::subject(subject), rows: Vec::new() };
        let mut decided = Vec::new();
        for segment in &state.segments {
            if let Some(row) = self.view.row(segment.key, &at.subject)? {
                at.add(&mut decided, segment, row.said());
            }
        }
        at.retain_live(self.now);
        listings(&at)
    }

    fn state(&self, origin: &Name) -> Result<Option<ZoneState>, StoreError> {
        state::read_zone(&self.view, origin)
    }

    fn record(&self, state: &ZoneState) -> Result<ZoneRecord, StoreError> {
        let (listings, exclusions) = self.count_expired(state)?;
        Ok(ZoneRecord {
            listings: state.listings.saturating_sub(listings),
            exclusions: state.exclusions.saturating_sub(exclusions),
            serial: state.serial,
            zone: state.zone.as_ref().clone(),
        })
    }

    /// Expired rows that were not swept yet; a moment's worth.
    fn count_expired(&self, state: &ZoneState) -> Result<(u64, u64), StoreError> {
        let mut counts = (0, 0);
        let mut iter = self.view.iter(schema::EXPIRY, rocksdb::ReadOptions::default());
        iter.seek_to_first();
        while let Some(found) = iter.key().map(key::read_expiry).transpose()? {
            if found.at > self.now {
                break;
            }
            if found.segment.zone == state.id {
                let subject = key::read_subject(&found.subject)?;
                if let Some(exclusion) = self.expired_at(state, &subject, found.segment)? {
                    *if exclusion { &mut counts.1 } else { &mut counts.0 } += 1;
                }
            }
            iter.next();
        }
        iter.status()?;
        Ok(counts)
    }

    /// Whether the row that decides for its source here has expired; true for an exclusion.
    fn expired_at(
        &self,
        state: &ZoneState,
        subject: &Subject,
        segment: key::SegmentKey,
    ) -> Result<Option<bool>, StoreError> {
        let subject = key::subject(subject);
        let Some(source) = state.segments.iter().find(|s| s.key == segment).map(|s| &s.source)
        else {
            return Ok(None);
        };
        for newer in state.segments_of(source) {
            match self.view.row(newer.key, &subject)? {
                None => continue,
                Some(crate::row::Row::Says(said))
                    if newer.key == segment && !said.is_live(self.now) =>
                {
                    return Ok(Some(said.exclusion()));
                }
                Some(_) => return Ok(None),
            }
        }
        Ok(None)
    }
}

fn listings(at: &AtSubject<'_>) -> Result<Vec<Listing>, StoreError> {
    let subject = key::read_subject(&at.subject)?;
    let listings = at.rows.iter().map(|(segment, said)| said.listing(subject.clone(), segment));
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
