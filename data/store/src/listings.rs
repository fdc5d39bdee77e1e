//! Changes of listings.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use dnsbl_types::{Listing, ListingBody, Name, Source, Subject, TestEntry, Zone, ZoneKind};

use crate::{
    Actor, ChangeError, Done, Op, Outcome, Precondition, Sources, StoreError,
    group::{Effect, Group},
    key::{self, SegmentId, SegmentKey},
    row::{Origin, Row, Said},
    scan::AtSubject,
    state::{Segment, ZoneState},
    value::{Written, written},
};

/// What a source has said of a subject, in its segments, newest first.
struct OfSource {
    rows: Vec<(SegmentKey, Row)>,
    /// What counts now, if anything: live and not a tombstone.
    live: Option<Listing>,
}

impl OfSource {
    /// What the newest row says, even if it has expired.
    fn said(&self) -> Option<&Said> {
        match self.rows.first() {
            Some((_, Row::Says(said))) => Some(said),
            _ => None,
        }
    }
}

/// A listing that was put, and what the log will say of it.
pub(crate) struct Put {
    /// `None` where nothing had to change.
    pub(crate) op: Option<Op>,
    pub(crate) created: bool,
    pub(crate) listing: Box<Listing>,
}

impl Group<'_> {
    pub(crate) fn put_listing(
        &mut self,
        actor: &Actor,
        origin: &Name,
        subject: Subject,
        source: &Source,
        body: &ListingBody,
        precondition: &Precondition,
    ) -> Result<Done, ChangeError> {
        let Put { op, created, listing } =
            self.put_of_source(actor, origin, subject, source, body, precondition)?;
        let outcome = Outcome::Listing { created, listing };
        Ok(match op {
            Some(op) => Done { seq: self.append(actor, vec![op]), outcome },
            None => self.unchanged(outcome),
        })
    }

    /// Puts a listing; its log entry is up to the caller.
    pub(crate) fn put_of_source(
        &mut self,
        actor: &Actor,
        origin: &Name,
        subject: Subject,
        source: &Source,
        body: &ListingBody,
        precondition: &Precondition,
    ) -> Result<Put, ChangeError> {
        let state = self.zone(origin)?;
        check_subject(&state.zone, &subject)?;
        if TestEntry::named_by(&state.zone, &subject).is_some() {
            return Err(ChangeError::TestEntry);
        }
        let old = self.of_source(state, source, &subject)?;
        if !precondition.holds(old.live.as_ref().map(|listing| listing.seq)) {
            return Err(ChangeError::Precondition);
        }
        if let Some(listing) = old.live.as_ref().filter(|listing| listing.body == *body) {
            let listing = Box::new(listing.clone());
            return Ok(Put { op: None, created: false, listing });
        }
        self.ensure_segment(actor, origin, source)?;
        let listing = Listing {
            listed_at: old.live.as_ref().map_or(self.now, |listing| listing.listed_at),
            updated_at: self.now,
            listed_by: actor.name.clone(),
            seq: self.ledger.head + 1,
            subject,
            source: source.clone(),
            body: body.clone(),
        };
        self.write_listing(origin, &listing, &old)?;
        let created = old.live.is_none();
        let op = Op::Put {
            zone: origin.clone(),
            listing: Box::new(listing.clone()),
            previous: old.live.map(Box::new),
        };
        Ok(Put { op: Some(op), created, listing: Box::new(listing) })
    }

    fn write_listing(
        &mut self,
        origin: &Name,
        listing: &Listing,
        old: &OfSource,
    ) -> Result<(), ChangeError> {
        let row = Row::Says(Box::new(Said::new(&listing.body, Origin::Own(written(listing)))));
        let subject = key::subject(&listing.subject);
        let state =
            self.ledger.zones.get_mut(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        if let Some(said) = old.said() {
            state.count(said.exclusion(), -1);
        }
        state.count(listing.body.exclusion, 1);
        let mut row = Some(row);
        for segment in state.segments.iter_mut().filter(|segment| segment.source == listing.source)
        {
            segment.changed = listing.seq;
            let there = old.rows.iter().find(|(key, _)| *key == segment.key).map(|(_, row)| row);
            if let Some(row) = row.take() {
                // The newest segment comes first.
                self.writes.put_row(segment, &subject, there, row)?;
            } else if let Some(there) = there {
                self.writes.delete_row(segment, &subject, there)?;
            }
        }
        self.refresh(origin, &listing.subject)
    }

    pub(crate) fn delete_listing(
        &mut self,
        actor: &Actor,
        origin: &Name,
        subject: &Subject,
        sources: &Sources,
        precondition: &Precondition,
    ) -> Result<Done, ChangeError> {
        let ops = self.delete_of_sources(origin, subject, sources, precondition)?;
        let removed = ops.len() as u64;
        let seq = self.append(actor, ops);
        Ok(Done { seq, outcome: Outcome::Count(removed) })
    }

    /// Removes at least one listing; the log entry is up to the caller.
    pub(crate) fn delete_of_sources(
        &mut self,
        origin: &Name,
        subject: &Subject,
        sources: &Sources,
        precondition: &Precondition,
    ) -> Result<Vec<Op>, ChangeError> {
        let state = self.zone(origin)?;
        if TestEntry::named_by(&state.zone, subject).is_some() {
            return Err(ChangeError::TestEntry);
        }
        let sources: Vec<Source> = match sources {
            Sources::One(source) => vec![source.clone()],
            Sources::All => state
                .segments
                .iter()
                .map(|segment| segment.source.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        };
        let mut ops = Vec::new();
        let mut found = Vec::new();
        for source in sources {
            let old = self.of_source(state, &source, subject)?;
            let Some(previous) = old.live.clone() else {
                continue;
            };
            if !precondition.holds(Some(previous.seq)) {
                return Err(ChangeError::Precondition);
            }
            ops.push(Op::Delete {
                zone: origin.clone(),
                previous: Box::new(previous),
                expired: false,
            });
            found.push(old);
        }
        if ops.is_empty() {
            let refused = !precondition.holds(None);
            return Err(if refused { ChangeError::Precondition } else { ChangeError::NoListing });
        }
        for old in &found {
            self.remove_rows(origin, subject, old)?;
        }
        self.refresh(origin, subject)?;
        Ok(ops)
    }

    fn remove_rows(
        &mut self,
        origin: &Name,
        subject: &Subject,
        old: &OfSource,
    ) -> Result<(), ChangeError> {
        let subject = key::subject(subject);
        let seq = self.ledger.head + 1;
        let state =
            self.ledger.zones.get_mut(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        if let Some(said) = old.said() {
            state.count(said.exclusion(), -1);
        }
        for (key, row) in &old.rows {
            if let Some(segment) = state.segment_mut(*key) {
                segment.changed = seq;
                self.writes.delete_row(segment, &subject, row)?;
            }
        }
        Ok(())
    }

    /// Removes what a source says of a subject because it has expired; its log operation.
    pub(crate) fn expire(
        &mut self,
        origin: &Name,
        subject: &Subject,
        source: &Source,
    ) -> Result<Option<Op>, ChangeError> {
        let state = self.zone(origin)?;
        let old = self.of_source(state, source, subject)?;
        let Some(segment) =
            old.rows.first().and_then(|(key, _)| state.segments.iter().find(|s| s.key == *key))
        else {
            return Ok(None);
        };
        let Some(said) = old.said().filter(|said| !said.is_live(self.now)) else {
            return Ok(None);
        };
        let previous = Box::new(said.listing(subject.clone(), segment)?);
        self.remove_rows(origin, subject, &old)?;
        self.refresh(origin, subject)?;
        Ok(Some(Op::Delete { zone: origin.clone(), previous, expired: true }))
    }

    /// What a source says of a subject, as the changes so far leave it.
    fn of_source(
        &self,
        state: &ZoneState,
        source: &Source,
        subject: &Subject,
    ) -> Result<OfSource, StoreError> {
        let key = key::subject(subject);
        let mut rows = Vec::new();
        let mut live = None;
        for segment in state.segments_of(source) {
            let Some(row) = self.writes.row(segment.key, &key)? else {
                continue;
            };
            if let (true, Row::Says(said)) = (rows.is_empty(), &row) {
                live = Some(said.listing(subject.clone(), segment)?)
                    .filter(|_| said.is_live(self.now));
            }
            rows.push((segment.key, row));
        }
        Ok(OfSource { rows, live })
    }

    /// Makes sure that a source has a segment to write to.
    fn ensure_segment(
        &mut self,
        actor: &Actor,
        origin: &Name,
        source: &Source,
    ) -> Result<(), ChangeError> {
        let state = self.zone(origin)?;
        if state.segment_of(source).is_some() {
            return Ok(());
        }
        check_sources(state, source)?;
        let key = SegmentKey {
            zone: state.id,
            segment: SegmentId(self.next_segment.fetch_add(1, Ordering::Relaxed)),
        };
        let written = Written {
            listed_at: self.now.0,
            updated_at: self.now.0,
            listed_by: actor.name.clone(),
            seq: self.ledger.head + 1,
        };
        let changed = written.seq;
        self.add_segment(origin, Segment { key, source: source.clone(), written, rows: 0, changed })
    }

    /// Tells the index what is now said about a subject.
    fn refresh(&mut self, origin: &Name, subject: &Subject) -> Result<(), ChangeError> {
        let state = self.zone(origin)?;
        let mut at = AtSubject { subject: key::subject(subject), rows: Vec::new() };
        let mut decided = Vec::new();
        for segment in &state.segments {
            if let Some(row) = self.writes.row(segment.key, &at.subject)? {
                at.add(&mut decided, segment, row.said());
            }
        }
        let entries = at.rows.iter().filter_map(|(_, said)| said.entry().transpose());
        let entries = entries.collect::<Result<_, _>>()?;
        self.effects.push(Effect::Entries {
            zone: origin.clone(),
            subject: subject.clone(),
            entries,
        });
        Ok(())
    }
}

/// Whether a zone can list a subject at all.
pub(crate) fn check_subject(zone: &Zone, subject: &Subject) -> Result<(), ChangeError> {
    match (zone.kind, subject) {
        (ZoneKind::Ip, Subject::V4(_) | Subject::V6(_)) => Ok(()),
        (ZoneKind::Domain, Subject::Domain(domain)) => {
            // A wildcard needs room for one more label of one octet.
            let below = if domain.is_wildcard() { 2 } else { 0 };
            let len = below + domain.name().wire().len() - 1 + zone.origin.wire().len();
            if len <= Name::MAX_LEN { Ok(()) } else { Err(ChangeError::SubjectTooLong) }
        }
        _ => Err(ChangeError::WrongKind),
    }
}

pub(crate) fn check_sources(state: &ZoneState, source: &Source) -> Result<(), ChangeError> {
    let sources = state.count_sources();
    let full = sources >= ZoneState::MAX_SOURCES && state.segment_of(source).is_none();
    if full { Err(ChangeError::TooManySources(sources)) } else { Ok(()) }
}
