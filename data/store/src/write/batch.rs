//! A batch: changes that are decided one after the other and written together.

use std::{collections::BTreeSet, sync::Arc};

use dnsbl_types::{Name, UnixTime};
use rocksdb::WriteBatch;

use crate::{
    Actor, ChangeError, LogEntry,
    db::Db,
    format::{
        audit, block, codec, history_key,
        idempotency::{self, Remembered},
        key,
        key::SegmentKey,
        log::encode_entry,
        schema::{self, cf},
    },
    read::view::View,
    write::{
        decide::decide,
        operation::{Carried, Change, Committed, Operation, Terms},
        state::WriterState,
        transaction::{Edit, Effect, Overlay, Plan, Transaction},
    },
};

/// Changes on their way to the disk.
pub(crate) struct Batch<'a> {
    db: &'a Arc<Db>,
    state: &'a mut WriterState,
    now: UnixTime,
    overlay: Overlay,
    writes: WriteBatch,
    effects: Vec<Effect>,
    /// Zones whose serial or counts change.
    touched: BTreeSet<Name>,
    first_expiry: Option<Vec<u8>>,
}

/// A finished batch.
pub(crate) struct Finished {
    pub(crate) writes: WriteBatch,
    /// What the index must learn.
    pub(crate) effects: Vec<Effect>,
    /// Zones whose serial or counts change.
    pub(crate) touched: BTreeSet<Name>,
}

impl<'a> Batch<'a> {
    /// An empty one.
    pub(crate) fn new(db: &'a Arc<Db>, state: &'a mut WriterState, now: UnixTime) -> Self {
        Self {
            db,
            state,
            now,
            overlay: Overlay::default(),
            writes: WriteBatch::default(),
            effects: Vec::new(),
            touched: BTreeSet::new(),
            first_expiry: None,
        }
    }

    /// Decides a change and adds it; nothing of it where it is only tried.
    ///
    /// # Errors
    ///
    /// If it can't be made; nothing of it is added.
    pub(crate) fn add(&mut self, change: Change, terms: Terms) -> Result<Committed, ChangeError> {
        let Change { actor, operations } = change;
        if operations.len() > 1 && operations.iter().any(Operation::stands_alone) {
            return Err(ChangeError::NotAlone);
        }
        let view = View::latest(&self.db.rocks);
        let mut transaction = self.transaction(&view, &actor);
        let results = operations
            .into_iter()
            .map(|operation| decide(&mut transaction, operation))
            .collect::<Result<_, _>>()?;
        let mut plan = transaction.into_plan();
        if terms.dry_run {
            return Ok(Committed { seq: self.state.head, results });
        }
        if let Some(Carried { request, fingerprint }) = terms.carried {
            let seq = self.state.head + u64::from(!plan.ops.is_empty());
            let known = Remembered { fingerprint, at: self.now, seq, answer: None };
            let value = idempotency::encode(&known);
            plan.edits.push(Edit::Put(schema::IDEMPOTENCY, request.key(), value));
        }
        Ok(Committed { seq: self.apply(&actor, plan), results })
    }

    /// A change that sees what those in the batch leave.
    pub(crate) fn transaction<'t>(
        &'t self,
        view: &'t View<'t>,
        actor: &'t Actor,
    ) -> Transaction<'t> {
        Transaction::new(self.db, view, self.state, &self.overlay, actor, self.now)
    }

    /// Adds what was decided; the number of its entry, or that of the last one where it has none.
    pub(crate) fn apply(&mut self, actor: &Actor, plan: Plan) -> u64 {
        for edit in plan.edits {
            self.edit(edit);
        }
        for (place, edit) in plan.blocks {
            let block = self.overlay.blocks.entry(place);
            let block = block.or_insert_with(|| edit.read.unwrap_or_default());
            for low in edit.taken {
                if let Ok(at) = block.binary_search(&low) {
                    block.remove(at);
                }
            }
        }
        for (origin, zone) in plan.zones {
            match zone {
                Some(zone) => {
                    self.touched.insert(origin.clone());
                    self.state.zones.insert(origin, zone);
                }
                None => {
                    self.touched.remove(&origin);
                    self.state.zones.remove(&origin);
                }
            }
        }
        self.overlay.rows.extend(plan.rows);
        self.overlay.documents.extend(plan.documents);
        self.overlay.tokens = plan.tokens.or(self.overlay.tokens.take());
        self.state.next_zone = plan.next_zone.unwrap_or(self.state.next_zone);
        self.state.allowlist = plan.allowlist.unwrap_or(self.state.allowlist);
        self.state.subscribers = plan.subscribers.unwrap_or(self.state.subscribers);
        if let Some(place) = plan.sweep {
            self.state.sweep = place;
        }
        if let Some(compaction) = plan.compaction {
            self.state.compaction = compaction;
        }
        let first = self.first_expiry.iter().chain(&plan.first_expiry).min().cloned();
        self.first_expiry = first;
        for segment in plan.named {
            segment.set_named();
        }
        self.effects.extend(plan.effects);
        if !plan.ops.is_empty() {
            self.state.head += 1;
            let (seq, epoch, at) = (self.state.head, self.state.epoch, self.now);
            let Actor { name, token, .. } = actor.clone();
            self.log(actor, &LogEntry { seq, epoch, at, actor: name, token, ops: plan.ops });
        }
        self.state.head
    }

    fn edit(&mut self, edit: Edit) {
        let db = &self.db.rocks;
        match edit {
            Edit::Put(family, key, value) => self.writes.put_cf(cf(db, family), key, value),
            Edit::Delete(family, key) => self.writes.delete_cf(cf(db, family), key),
            Edit::DeleteRange(family, from, to) => {
                self.writes.delete_range_cf(cf(db, family), from, to);
            }
            Edit::ForgetBlocks(zone) => {
                self.overlay.blocks.retain(|(segment, _), _| segment.zone != zone);
            }
        }
    }

    /// Writes an entry of the log with its audit records.
    fn log(&mut self, actor: &Actor, entry: &LogEntry) {
        let db = &self.db.rocks;
        let seq = entry.seq.to_be_bytes();
        for (i, op) in entry.ops.iter().enumerate().filter(|(_, op)| !op.is_step()) {
            let key = history_key::record(entry.seq, i as u32);
            let record = audit::encode(op, entry.seq, entry.at, actor);
            self.writes.put_cf(cf(db, schema::AUDIT), key, record);
            if let Some(subject) = history_key::subject(op) {
                let key = history_key::of(subject, &key);
                self.writes.put_cf(cf(db, schema::HISTORY), key, b"");
            }
        }
        self.writes.put_cf(cf(db, schema::LOG), seq, encode_entry(entry));
    }

    /// The whole batch, with what stands for the state of the zones that it touches.
    pub(crate) fn finish(mut self) -> Finished {
        let db = &self.db.rocks;
        for ((segment, net), lows) in self.overlay.blocks.drain() {
            let key = segment.hosts(net);
            match lows.is_empty() {
                true => self.writes.delete_cf(cf(db, schema::LISTINGS), key),
                false => self.writes.put_cf(cf(db, schema::LISTINGS), key, block::encode(&lows)),
            }
        }
        self.write_states();
        self.write_copies();
        let sweep = &mut self.state.sweep;
        if let Some(first) = self.first_expiry.filter(|first| *first < sweep.from) {
            self.writes.put_cf(cf(db, schema::META), key::SWEPT, &first);
            sweep.from = first;
        }
        Finished { writes: self.writes, effects: self.effects, touched: self.touched }
    }

    fn write_states(&mut self) {
        let meta = cf(&self.db.rocks, schema::META);
        for origin in &self.touched {
            if let Some(state) = self.state.zones.get(origin) {
                let value = codec::encode(&state.state_value());
                self.writes.put_cf(meta, key::state(origin), value);
            }
        }
    }

    /// Writes the second copies of zones that have other settings or segments than before.
    fn write_copies(&mut self) {
        let meta = cf(&self.db.rocks, schema::META);
        for effect in &self.effects {
            if let Effect::RemoveZone(origin) = effect {
                self.writes.delete_cf(meta, key::copy(origin));
                self.state.copies.remove(origin);
            }
        }
        for origin in &self.touched {
            let Some(state) = self.state.zones.get(origin) else { continue };
            let segments: Vec<SegmentKey> = state.segments.iter().map(|s| s.key).collect();
            let is_known = self.state.copies.get(origin).is_some_and(|(zone, copied)| {
                Arc::ptr_eq(zone, &state.zone) && *copied == segments
            });
            if !is_known {
                let copy = state.copy_value().encode();
                self.writes.put_cf(meta, key::copy(origin), copy);
                self.state.copies.insert(origin.clone(), (state.zone.clone(), segments));
            }
        }
    }
}
