//! A group of changes, decided one after the other and written as one batch.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::AtomicU32,
};

use dnsbl_types::{Entry, Name, Subject, UnixTime};
use rocksdb::{DB, WriteBatch};

use crate::{
    Actor, Change, ChangeError, Done, LogEntry, Op, Outcome, TokenRecord, audit, codec,
    entry::encode_entry,
    import::StagedSegments,
    key::SegmentKey,
    scan::cf,
    schema,
    state::{self, Segment, ZoneState, Zones},
    writes::Writes,
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
    pub(crate) next_segment: &'a AtomicU32,
    pub(crate) touched: BTreeSet<Name>,
    /// The tokens as the changes so far leave them, once one of them was about tokens.
    pub(crate) tokens: Option<BTreeMap<String, TokenRecord>>,
}

impl<'a> Group<'a> {
    pub(crate) fn new(
        db: &'a DB,
        ledger: &'a mut Ledger,
        next_segment: &'a AtomicU32,
        staged: &'a StagedSegments,
        now: UnixTime,
    ) -> Self {
        let writes = Writes::new(db);
        Self {
            ledger,
            writes,
            effects: Vec::new(),
            now,
            staged,
            next_segment,
            touched: BTreeSet::new(),
            tokens: None,
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
            Change::Together(parts) => self.together(actor, parts),
            Change::CommitImport(staged) => self.commit_import(actor, *staged),
            Change::PutToken(token) => self.put_token(actor, token),
            Change::DeleteToken { id, keep } => self.delete_token(actor, &id, keep),
            Change::Sweep => self.sweep(),
            Change::Fold => self.fold(),
            Change::CompactLog { before, max_bytes } => self.compact_log(before, max_bytes),
        }
    }

    pub(crate) fn zone(&self, origin: &Name) -> Result<&ZoneState, ChangeError> {
        self.ledger.zones.get(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))
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
            let record = audit::encode(op, seq, self.now, actor);
            self.writes.batch.put_cf(cf(db, schema::AUDIT), key, record);
        }
        let entry = LogEntry {
            seq,
            epoch: self.ledger.epoch,
            at: self.now,
            actor: actor.name.clone(),
            token: actor.token.clone(),
            ops,
        };
        self.writes.batch.put_cf(cf(db, schema::LOG), seq.to_be_bytes(), encode_entry(&entry));
        seq
    }

    /// Marks a zone whose counts change though no entry touches it.
    pub(crate) fn touch(&mut self, origin: &Name) {
        self.touched.insert(origin.clone());
    }

    /// Forgets what was to be written and shown.
    pub(crate) fn drop_writes(&mut self) {
        self.writes = Writes::new(self.writes.db);
        self.effects.clear();
        self.touched.clear();
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
        (self.writes.finish(), self.effects, self.touched)
    }
}
