//! A group of changes, decided one after the other and written as one batch.

use std::{
    collections::{BTreeSet, HashMap},
    sync::atomic::{AtomicU32, Ordering},
};

use dnsbl_types::{
    Entry, Listing, ListingBody, Name, Serial, Source, Subject, TestEntry, UnixTime, Zone, ZoneKind,
};
use rocksdb::{DB, WriteBatch};

use crate::{
    Actor, Change, ChangeError, Done, LogEntry, Op, Outcome, Precondition, Sources, StoreError,
    ZoneRecord, codec,
    import::StagedSegments,
    key,
    key::{SegmentId, SegmentKey, ZoneId},
    log,
    scan::{AtSubject, View, cf},
    schema,
    state::{self, Segment, ZoneState, Zones},
    value::{Row, Said, Written, written},
};

/// What the writer knows without asking the database.
pub(crate) struct Ledger {
    pub(crate) zones: Zones,
    pub(crate) head: u64,
    pub(crate) epoch: u64,
    pub(crate) next_zone: u32,
}

/// What a change does to the index.
pub(crate) enum Effect {
    PutZone(Name),
    RemoveZone(Name),
    Entries {
        zone: Name,
        subject: Subject,
        entries: Vec<Entry>,
    },
    /// Every subject of a segment that was committed.
    Segment {
        zone: Name,
        segment: SegmentKey,
    },
}

/// Changes on their way into one batch.
pub(crate) struct Group<'a> {
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) writes: Writes<'a>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) now: UnixTime,
    pub(crate) staged: &'a StagedSegments,
    next_segment: &'a AtomicU32,
    touched: BTreeSet<Name>,
}

/// The batch, and the rows as it will leave them.
pub(crate) struct Writes<'a> {
    pub(crate) db: &'a DB,
    pub(crate) batch: WriteBatch,
    rows: HashMap<Vec<u8>, Option<Row>>,
}

impl Writes<'_> {
    /// A row as the changes so far leave it.
    pub(crate) fn row(
        &self,
        segment: SegmentKey,
        subject: &[u8],
    ) -> Result<Option<Row>, StoreError> {
        let key = segment.row(subject);
        if let Some(row) = self.rows.get(&key) {
            return Ok(row.clone());
        }
        let value = self.db.get_pinned_cf(cf(self.db, schema::LISTINGS), &key)?;
        value.map(|bytes| codec::decode("listing", &bytes)).transpose()
    }

    /// Writes a row over `old`.
    pub(crate) fn put_row(
        &mut self,
        segment: &mut Segment,
        subject: &[u8],
        old: Option<&Row>,
        row: Row,
    ) {
        let key = segment.key.row(subject);
        self.put_expiry(&key, old, false);
        self.put_expiry(&key, Some(&row), true);
        self.batch.put_cf(cf(self.db, schema::LISTINGS), &key, codec::encode(&row));
        self.rows.insert(key, Some(row));
        segment.rows += u64::from(old.is_none());
    }

    /// Deletes a row that is there.
    pub(crate) fn delete_row(&mut self, segment: &mut Segment, subject: &[u8], old: &Row) {
        let key = segment.key.row(subject);
        self.put_expiry(&key, Some(old), false);
        self.batch.delete_cf(cf(self.db, schema::LISTINGS), &key);
        self.rows.insert(key, None);
        segment.rows = segment.rows.saturating_sub(1);
    }

    fn put_expiry(&mut self, key: &[u8], row: Option<&Row>, present: bool) {
        let Some(Row::Says(said)) = row else { return };
        let Some(at) = said.expires_at else { return };
        let (family, key) = (cf(self.db, schema::EXPIRY), key::expiry(at, key));
        if present { self.batch.put_cf(family, key, []) } else { self.batch.delete_cf(family, key) }
    }
}

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

impl<'a> Group<'a> {
    pub(crate) fn new(
        db: &'a DB,
        ledger: &'a mut Ledger,
        next_segment: &'a AtomicU32,
        staged: &'a StagedSegments,
        now: UnixTime,
    ) -> Self {
        let writes = Writes { db, batch: WriteBatch::default(), rows: HashMap::new() };
        Self {
            ledger,
            writes,
            effects: Vec::new(),
            now,
            staged,
            next_segment,
            touched: BTreeSet::new(),
        }
    }

    /// Decides one change. An error means that it has no effect at all.
    pub(crate) fn decide(&mut self, actor: &Actor, change: Change) -> Result<Done, ChangeError> {
        match change {
            Change::PutZone { zone, serial_floor } => self.put_zone(actor, *zone, serial_floor),
            Change::DeleteZone(origin) => self.delete_zone(actor, &origin),
            Change::PutListing { zone, subject, source, body, precondition } => {
                self.put_listing(actor, &zone, subject, &source, &body, &precondition)
            }
            Change::DeleteListing { zone, subject, sources, precondition } => {
                self.delete_listing(actor, &zone, &subject, &sources, &precondition)
            }
            Change::CommitImport { staged, mode, dry_run } => {
                self.commit_import(actor, &staged, mode, dry_run)
            }
            Change::PutToken(token) => Ok(self.put_token(actor, &token)),
            Change::DeleteToken(id) => self.delete_token(actor, &id),
            Change::Sweep => self.sweep(),
            Change::Fold => self.fold(),
            Change::CompactLog { before, max_bytes } => self.compact_log(before, max_bytes),
        }
    }

    fn put_zone(
        &mut self,
        actor: &Actor,
        zone: Zone,
        floor: Option<Serial>,
    ) -> Result<Done, ChangeError> {
        let origin = zone.origin.clone();
        let existing = self.ledger.zones.get(&origin);
        let previous = existing.map(|state| Box::new(state.zone.as_ref().clone()));
        if let Some(state) = existing {
            let holds_rows = state.segments.iter().any(|segment| segment.rows > 0);
            if state.zone.kind != zone.kind && holds_rows {
                return Err(ChangeError::KindInUse(origin));
            }
            let lifts = floor.is_some_and(|floor| floor.is_after(state.serial));
            if *state.zone == zone && !lifts {
                let record = Box::new(record(state));
                return Ok(self.unchanged(Outcome::Zone { created: false, record }));
            }
        }
        let mut state = match existing {
            Some(state) => state.clone(),
            None => self.new_zone(&zone)?,
        };
        state.zone = zone.clone().into();
        state.serial = state.serial.next_at_least(floor);
        self.writes.batch.put_cf(
            cf(self.writes.db, schema::ZONES),
            origin.wire(),
            codec::encode(&state.zone_value()),
        );
        let record = Box::new(record(&state));
        let created = previous.is_none();
        self.ledger.zones.insert(origin.clone(), state);
        self.touched.insert(origin.clone());
        self.effects.push(Effect::PutZone(origin));
        let seq = self.append(actor, vec![Op::PutZone { zone: Box::new(zone), previous }]);
        Ok(Done { seq, outcome: Outcome::Zone { created, record } })
    }

    /// A zone that goes on with the serial of the last zone of that name.
    fn new_zone(&mut self, zone: &Zone) -> Result<ZoneState, StoreError> {
        let id = ZoneId(self.ledger.next_zone);
        self.ledger.next_zone += 1;
        let before = state::read_state_value(&View::new(self.writes.db), &zone.origin)?;
        Ok(ZoneState {
            id,
            zone: zone.clone().into(),
            serial: Serial(before.map_or(0, |state| state.serial)),
            listings: 0,
            exclusions: 0,
            segments: Vec::new(),
        })
    }

    fn delete_zone(&mut self, actor: &Actor, origin: &Name) -> Result<Done, ChangeError> {
        let state =
            self.ledger.zones.remove(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        let (db, batch) = (self.writes.db, &mut self.writes.batch);
        let (start, end) = (state.id.0.to_be_bytes(), state.id.0.saturating_add(1).to_be_bytes());
        batch.delete_cf(cf(db, schema::ZONES), origin.wire());
        batch.delete_range_cf(cf(db, schema::SEGMENTS), start, end);
        batch.delete_range_cf(cf(db, schema::LISTINGS), start, end);
        let last = ZoneState {
            serial: state.serial.next(),
            listings: 0,
            exclusions: 0,
            segments: vec![],
            ..state
        };
        batch.put_cf(
            cf(db, schema::META),
            state::state_key(origin),
            codec::encode(&last.state_value()),
        );
        self.effects.push(Effect::RemoveZone(origin.clone()));
        let previous = Box::new(last.zone.as_ref().clone());
        let seq = self.append(actor, vec![Op::DeleteZone { previous }]);
        Ok(Done { seq, outcome: Outcome::Count(1) })
    }

    fn put_listing(
        &mut self,
        actor: &Actor,
        origin: &Name,
        subject: Subject,
        source: &Source,
        body: &ListingBody,
        precondition: &Precondition,
    ) -> Result<Done, ChangeError> {
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
            return Ok(self.unchanged(Outcome::Listing { created: false, listing }));
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
        let seq = self.append(actor, vec![op]);
        Ok(Done { seq, outcome: Outcome::Listing { created, listing: Box::new(listing) } })
    }

    fn write_listing(
        &mut self,
        origin: &Name,
        listing: &Listing,
        old: &OfSource,
    ) -> Result<(), ChangeError> {
        let row = Row::Says(Box::new(Said::new(&listing.body, Some(written(listing)))));
        let subject = key::subject(&listing.subject);
        let state =
            self.ledger.zones.get_mut(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        if let Some(said) = old.said() {
            state.count(said.exclusion(), -1);
        }
        state.count(listing.body.exclusion, 1);
        let newest = state.segment_of(&listing.source).map(|segment| segment.key);
        for segment in state.segments.iter_mut().filter(|segment| segment.source == listing.source)
        {
            let there = old.rows.iter().find(|(key, _)| *key == segment.key).map(|(_, row)| row);
            if Some(segment.key) == newest {
                self.writes.put_row(segment, &subject, there, row.clone());
            } else if let Some(there) = there {
                self.writes.delete_row(segment, &subject, there);
            }
        }
        self.refresh(origin, &listing.subject)
    }

    fn delete_listing(
        &mut self,
        actor: &Actor,
        origin: &Name,
        subject: &Subject,
        sources: &Sources,
        precondition: &Precondition,
    ) -> Result<Done, ChangeError> {
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
        let removed = ops.len() as u64;
        self.refresh(origin, subject)?;
        let seq = self.append(actor, ops);
        Ok(Done { seq, outcome: Outcome::Count(removed) })
    }

    fn remove_rows(
        &mut self,
        origin: &Name,
        subject: &Subject,
        old: &OfSource,
    ) -> Result<(), ChangeError> {
        let subject = key::subject(subject);
        let state =
            self.ledger.zones.get_mut(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        if let Some(said) = old.said() {
            state.count(said.exclusion(), -1);
        }
        for (key, row) in &old.rows {
            if let Some(segment) = state.segment_mut(*key) {
                self.writes.delete_row(segment, &subject, row);
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

    fn put_token(&mut self, actor: &Actor, token: &crate::TokenRecord) -> Done {
        self.writes.batch.put_cf(cf(self.writes.db, schema::TOKENS), &token.id, token.encode());
        let op = Op::PutToken {
            id: token.id.clone(),
            name: token.name.clone(),
            scopes: token.scopes.clone(),
        };
        Done { seq: self.append(actor, vec![op]), outcome: Outcome::Count(1) }
    }

    fn delete_token(&mut self, actor: &Actor, id: &str) -> Result<Done, ChangeError> {
        let reader = crate::Reader { view: View::new(self.writes.db), now: self.now };
        let token = reader.token(id)?.ok_or(ChangeError::NoToken)?;
        self.writes.batch.delete_cf(cf(self.writes.db, schema::TOKENS), id);
        let op = Op::DeleteToken { id: token.id, name: token.name };
        Ok(Done { seq: self.append(actor, vec![op]), outcome: Outcome::Count(1) })
    }

    pub(crate) fn zone(&self, origin: &Name) -> Result<&ZoneState, ChangeError> {
        self.ledger.zones.get(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))
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
        self.add_segment(origin, Segment { key, source: source.clone(), written, rows: 0 })
    }

    /// Adds the newest segment of a zone.
    pub(crate) fn add_segment(
        &mut self,
        origin: &Name,
        segment: Segment,
    ) -> Result<(), ChangeError> {
        let value = codec::encode(&segment.value());
        self.writes.batch.put_cf(cf(self.writes.db, schema::SEGMENTS), segment.key.bytes(), value);
        let state =
            self.ledger.zones.get_mut(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        state.segments.insert(0, segment);
        state.segments.sort_by_key(|segment| std::cmp::Reverse(segment.key));
        Ok(())
    }

    /// Tells the index what is now said about a subject.
    fn refresh(&mut self, origin: &Name, subject: &Subject) -> Result<(), ChangeError> {
        let state = self.zone(origin)?;
        let mut at = AtSubject { subject: key::subject(subject), rows: Vec::new() };
        let mut decided = Vec::new();
        for segment in &state.segments {
            if let Some(row) = self.writes.row(segment.key, &at.subject)? {
                at.add(&mut decided, segment, row);
            }
        }
        let entries = at.rows.iter().map(|(_, said)| said.entry()).collect::<Result<_, _>>()?;
        self.effects.push(Effect::Entries {
            zone: origin.clone(),
            subject: subject.clone(),
            entries,
        });
        Ok(())
    }

    /// Writes a log entry with its audit records and moves the serials of its zones.
    pub(crate) fn append(&mut self, actor: &Actor, ops: Vec<Op>) -> u64 {
        let seq = self.ledger.head + 1;
        self.ledger.head = seq;
        let zones: BTreeSet<&Name> = ops.iter().filter_map(Op::zone).collect();
        for origin in zones {
            let settings_only = ops.iter().all(|op| matches!(op, Op::PutZone { .. }));
            if let Some(state) = self.ledger.zones.get_mut(origin).filter(|_| !settings_only) {
                state.serial = state.serial.next();
                self.touched.insert(origin.clone());
            }
        }
        let db = self.writes.db;
        for (i, op) in ops.iter().enumerate() {
            let key = [seq.to_be_bytes().as_slice(), &(i as u32).to_be_bytes()].concat();
            let record = codec::encode(&op.audit(seq, self.now, actor));
            self.writes.batch.put_cf(cf(db, schema::AUDIT), key, record);
        }
        let entry = LogEntry {
            seq,
            epoch: self.ledger.epoch,
            at: self.now,
            actor: actor.name.clone(),
            ops,
        };
        self.writes.batch.put_cf(cf(db, schema::LOG), seq.to_be_bytes(), log::encode_entry(&entry));
        seq
    }

    /// Marks a zone whose counts change though no entry touches it.
    pub(crate) fn touch(&mut self, origin: &Name) {
        self.touched.insert(origin.clone());
    }

    pub(crate) fn unchanged(&self, outcome: Outcome) -> Done {
        Done { seq: self.ledger.head, outcome }
    }

    /// The finished batch with the states of the zones it touches, and what the index must learn.
    pub(crate) fn finish(mut self) -> (WriteBatch, Vec<Effect>, BTreeSet<Name>) {
        let meta = cf(self.writes.db, schema::META);
        for origin in &self.touched {
            if let Some(state) = self.ledger.zones.get(origin) {
                self.writes.batch.put_cf(
                    meta,
                    state::state_key(origin),
                    codec::encode(&state.state_value()),
                );
            }
        }
        (self.writes.batch, self.effects, self.touched)
    }
}

/// A zone as changes answer with it; expired rows still count until they are swept.
fn record(state: &ZoneState) -> ZoneRecord {
    ZoneRecord {
        zone: state.zone.as_ref().clone(),
        serial: state.serial,
        listings: state.listings,
        exclusions: state.exclusions,
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
