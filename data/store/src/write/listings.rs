//! Changes of listings.
//!
//! All segments are asked for the subject first; from these rows follow which rows change, what the log
//! says, and what the index must learn.

use std::{collections::BTreeSet, sync::Arc};

use dnsbl_types::{Entry, Listing, ListingBody, Name, Source, Subject, TestEntry, Zone, ZoneKind};

use crate::{
    ChangeError, Op, StoreError,
    format::{
        key::{self, SegmentKey},
        row::{ListingRow, Provenance, Row},
        value::WriteStamp,
    },
    read::{
        state::{Segment, ZoneState},
        view::StoredRow,
    },
    write::{
        freeze,
        operation::{OperationResult, Precondition, Sources},
        transaction::{Effect, Transaction},
    },
};

/// A zone, and what its segments say of a subject.
struct AtSubject {
    zone: ZoneState,
    subject: Subject,
    /// The subject as it stands in keys.
    key: Vec<u8>,
    /// The row of each segment, in the order of segments.
    rows: Vec<Option<StoredRow>>,
}

pub(crate) fn put(
    transaction: &mut Transaction<'_>,
    origin: &Name,
    subject: Subject,
    source: &Source,
    body: ListingBody,
    precondition: &Precondition,
) -> Result<OperationResult, ChangeError> {
    let zone = transaction.zone(origin)?;
    check_subject(&zone.zone, &subject)?;
    check_no_test_entry(&zone.zone, &subject)?;
    freeze::check(zone, source)?;
    let mut at = AtSubject::read(transaction, origin, &subject)?;
    let old = at.live(source, transaction)?;
    if !precondition.holds(old.as_ref().map(|listing| listing.seq)) {
        return Err(ChangeError::Precondition);
    }
    let created = old.is_none();
    if let Some(listing) = old.as_ref().filter(|listing| listing.body == body) {
        return Ok(OperationResult::Listing { created, listing: Box::new(listing.clone()) });
    }
    if !body.exclusion {
        check_phase(&at.zone.zone)?;
    }
    let now = transaction.now;
    let listing = Listing {
        listed_at: old.as_ref().map_or(now, |listing| listing.listed_at),
        updated_at: now,
        listed_by: transaction.actor.name.clone(),
        seq: transaction.seq(),
        subject,
        source: source.clone(),
        body,
    };
    at.put(transaction, &listing)?;
    at.leave(transaction)?;
    let listing = Box::new(listing);
    let previous = old.map(Box::new);
    transaction.log(Op::Put { zone: origin.clone(), listing: listing.clone(), previous });
    Ok(OperationResult::Listing { created, listing })
}

pub(crate) fn delete(
    transaction: &mut Transaction<'_>,
    origin: &Name,
    subject: &Subject,
    sources: &Sources,
    precondition: &Precondition,
) -> Result<OperationResult, ChangeError> {
    check_no_test_entry(&transaction.zone(origin)?.zone, subject)?;
    let mut at = AtSubject::read(transaction, origin, subject)?;
    let sources = match sources {
        Sources::One(source) => {
            freeze::check(&at.zone, source)?;
            BTreeSet::from([source.clone()])
        }
        Sources::All => at.zone.segments.iter().map(|segment| segment.source.clone()).collect(),
    };
    let mut removed = Vec::new();
    for source in sources {
        removed.extend(at.live(&source, transaction)?);
    }
    let mut tags = removed.iter().map(|listing| listing.seq);
    let holds = match removed.is_empty() {
        true => precondition.holds(None),
        false => tags.all(|tag| precondition.holds(Some(tag))),
    };
    if !holds {
        return Err(ChangeError::Precondition);
    }
    let count = removed.len() as u64;
    for previous in removed {
        freeze::check(&at.zone, &previous.source)?;
        at.remove(transaction, &previous.source)?;
        let previous = Box::new(previous);
        transaction.log(Op::Delete { zone: origin.clone(), previous, expired: false });
    }
    if count > 0 {
        at.leave(transaction)?;
    }
    Ok(OperationResult::Count(count))
}

/// The listing of a subject by a source that counts now, if any.
pub(crate) fn find(
    transaction: &Transaction<'_>,
    origin: &Name,
    subject: &Subject,
    source: &Source,
) -> Result<Option<Listing>, ChangeError> {
    let at = AtSubject::read(transaction, origin, subject)?;
    Ok(at.live(source, transaction)?)
}

/// Makes a listing what it was, or removes it.
pub(crate) fn restore(
    transaction: &mut Transaction<'_>,
    origin: &Name,
    subject: &Subject,
    source: &Source,
    was: Option<Listing>,
) -> Result<(), ChangeError> {
    let mut at = AtSubject::read(transaction, origin, subject)?;
    let is = at.live(source, transaction)?.map(Box::new);
    let zone = origin.clone();
    match was.map(Box::new) {
        Some(was) => {
            at.put(transaction, &was)?;
            at.leave(transaction)?;
            transaction.log(Op::Put { zone, listing: was, previous: is });
        }
        None => {
            at.remove(transaction, source)?;
            at.leave(transaction)?;
            let expired = false;
            is.into_iter().for_each(|previous| {
                transaction.log(Op::Delete { zone: zone.clone(), previous, expired });
            });
        }
    }
    Ok(())
}

/// Removes the listing of a segment's source because it has expired, unless another took its place.
pub(crate) fn expire(
    transaction: &mut Transaction<'_>,
    origin: &Name,
    subject: &Subject,
    segment: SegmentKey,
    expires_at: u64,
) -> Result<(), ChangeError> {
    let mut at = AtSubject::read(transaction, origin, subject)?;
    let Some(place) = at.zone.segments.iter().position(|other| other.key == segment) else {
        return Ok(());
    };
    let due = at.rows[place].as_ref().and_then(|found| found.row.listing());
    if due.and_then(|row| row.expires_at) != Some(expires_at) {
        return Ok(());
    }
    let source = at.zone.segments[place].source.clone();
    let Some((segment, row)) = at.newest(&source) else { return Ok(()) };
    if row.is_live(transaction.now) {
        return Ok(());
    }
    let previous = Box::new(segment.listing(subject.clone(), row)?);
    at.remove(transaction, &source)?;
    at.leave(transaction)?;
    transaction.log(Op::Delete { zone: origin.clone(), previous, expired: true });
    Ok(())
}

impl AtSubject {
    fn read(
        transaction: &Transaction<'_>,
        origin: &Name,
        subject: &Subject,
    ) -> Result<Self, ChangeError> {
        let zone = transaction.zone(origin)?.clone();
        let key = key::subject(subject);
        let rows = zone.segments.iter().map(|segment| transaction.row(segment.key, &key));
        let rows = rows.collect::<Result<_, _>>()?;
        Ok(Self { zone, subject: subject.clone(), key, rows })
    }

    /// The rows of a source, newest first.
    fn rows_of(&self, source: &Source) -> impl Iterator<Item = (&Segment, &Row)> {
        let rows = self.zone.segments.iter().zip(&self.rows);
        rows.filter(move |(segment, _)| segment.source == *source)
            .filter_map(|(segment, found)| Some((segment, &found.as_ref()?.row)))
    }

    /// What the newest row of a source says, even if it has expired; `None` for a tombstone.
    fn newest(&self, source: &Source) -> Option<(&Segment, &ListingRow)> {
        let (segment, row) = self.rows_of(source).next()?;
        Some((segment, row.listing()?))
    }

    /// The listing of a source that counts now, if any.
    fn live(
        &self,
        source: &Source,
        transaction: &Transaction<'_>,
    ) -> Result<Option<Listing>, StoreError> {
        let newest = self.newest(source).filter(|(_, row)| row.is_live(transaction.now));
        newest.map(|(segment, row)| segment.listing(self.subject.clone(), row)).transpose()
    }

    /// Makes a listing that of its source: in the newest segment, and in no other.
    fn put(
        &mut self,
        transaction: &mut Transaction<'_>,
        listing: &Listing,
    ) -> Result<(), ChangeError> {
        self.ensure_segment(transaction, &listing.source)?;
        let replaced = self.newest(&listing.source).map(|(_, row)| row.exclusion());
        if let Some(exclusion) = replaced {
            self.zone.count(exclusion, -1);
        }
        self.zone.count(listing.body.exclusion, 1);
        let provenance = Provenance::Own(WriteStamp::of(listing));
        let mut row = Some(Row::Listing(Box::new(ListingRow::new(&listing.body, provenance))));
        let segments = self.zone.segments.iter_mut().zip(&mut self.rows);
        for (segment, found) in segments.filter(|(segment, _)| segment.source == listing.source) {
            segment.changed = transaction.seq();
            let old = found.take();
            if let Some(row) = row.take() {
                transaction.put_row(segment, &self.key, old.as_ref(), row.clone())?;
                *found = Some(StoredRow { row, in_block: false });
            } else if let Some(old) = old {
                transaction.delete_row(segment, &self.key, &old)?;
            }
        }
        Ok(())
    }

    /// Removes all rows of a source.
    fn remove(
        &mut self,
        transaction: &mut Transaction<'_>,
        source: &Source,
    ) -> Result<(), StoreError> {
        let removed = self.newest(source).map(|(_, row)| row.exclusion());
        if let Some(exclusion) = removed {
            self.zone.count(exclusion, -1);
        }
        let segments = self.zone.segments.iter_mut().zip(&mut self.rows);
        for (segment, found) in segments.filter(|(segment, _)| segment.source == *source) {
            if let Some(old) = found.take() {
                segment.changed = transaction.seq();
                transaction.delete_row(segment, &self.key, &old)?;
            }
        }
        Ok(())
    }

    /// Makes sure that a source has a segment to write to.
    fn ensure_segment(
        &mut self,
        transaction: &mut Transaction<'_>,
        source: &Source,
    ) -> Result<(), ChangeError> {
        if self.zone.segment_of(source).is_some() {
            return Ok(());
        }
        check_sources(&self.zone, source)?;
        let key = SegmentKey { zone: self.zone.id, segment: transaction.new_segment_id() };
        let stamp = WriteStamp {
            listed_at: transaction.now.0,
            updated_at: transaction.now.0,
            listed_by: transaction.actor.name.clone(),
            seq: transaction.seq(),
        };
        let changed = stamp.seq;
        let stamp = Arc::new(stamp);
        let segment = Segment { key, source: source.clone(), stamp, rows: 0, changed };
        let place = transaction.add_segment(&mut self.zone, segment);
        self.rows.insert(place, None);
        Ok(())
    }

    /// Leaves the zone so, and shows the index what is now said of the subject.
    fn leave(self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        let mut decided: Vec<&Source> = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        for (segment, found) in self.zone.segments.iter().zip(&self.rows) {
            let Some(found) = found.as_ref().filter(|_| !decided.contains(&&segment.source)) else {
                continue;
            };
            decided.push(&segment.source);
            entries.extend(found.row.listing().map(ListingRow::entry).transpose()?.flatten());
        }
        let (zone, subject) = (self.zone.zone.origin.clone(), self.subject);
        transaction.show(Effect::Entries { zone, subject, entries });
        transaction.set_zone(self.zone);
        Ok(())
    }
}

fn check_no_test_entry(zone: &Zone, subject: &Subject) -> Result<(), ChangeError> {
    let named = TestEntry::named_by(zone, subject);
    if named.is_some() { Err(ChangeError::TestEntry) } else { Ok(()) }
}

/// Checks that more may be listed in a zone.
pub(crate) fn check_phase(zone: &Zone) -> Result<(), ChangeError> {
    if zone.phase.takes_listings() {
        return Ok(());
    }
    let (zone, is_retired) = (zone.origin.clone(), zone.phase.retirement().is_some());
    Err(ChangeError::TakesNoListings { zone, is_retired })
}

/// Checks that a zone can list a subject at all.
pub(crate) fn check_subject(zone: &Zone, subject: &Subject) -> Result<(), ChangeError> {
    match (zone.kind, subject) {
        (ZoneKind::Ip | ZoneKind::Allow(_), Subject::V4(_) | Subject::V6(_)) => Ok(()),
        (ZoneKind::Domain, Subject::Domain(domain)) => {
            // A wildcard needs room for one more label of one octet.
            let below = if domain.is_wildcard() { 2 } else { 0 };
            let len = below + domain.name().wire().len() - 1 + zone.origin.wire().len();
            if len <= Name::MAX_LEN { Ok(()) } else { Err(ChangeError::SubjectTooLong) }
        }
        _ => Err(ChangeError::WrongKind),
    }
}

/// Checks that a zone may have listings of a source.
fn check_sources(state: &ZoneState, source: &Source) -> Result<(), ChangeError> {
    let sources = state.count_sources();
    let full = sources >= ZoneState::MAX_SOURCES && state.segment_of(source).is_none();
    if full { Err(ChangeError::TooManySources(sources)) } else { Ok(()) }
}
