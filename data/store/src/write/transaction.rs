//! A change while it is decided: it reads what earlier changes leave, and gathers in a [`Plan`] what it would
//! write. Nothing is written before all of it is decided, so an error leaves nothing behind.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use dnsbl_types::{AllowEntry, Entry, Fork, Name, Subject, Subscriber, UnixTime};

use crate::{
    Actor, ChangeError, Op, StoreError,
    db::{Db, UnnamedSegment},
    format::{
        block, codec,
        document::{self, Document, DocumentId, DocumentKind},
        document_key,
        key::{self, SegmentId, SegmentKey, ZoneId},
        row::{self, Row},
        schema,
        token::TokenRecord,
    },
    read::{
        state::{Segment, ZoneState},
        tokens,
        view::{StoredRow, View},
    },
    write::state::{AllowlistState, Compaction, SweepPlace, WriterState},
};

/// A change while it is decided.
pub(crate) struct Transaction<'a> {
    pub(crate) db: &'a Arc<Db>,
    pub(crate) view: &'a View<'a>,
    pub(crate) actor: &'a Actor,
    pub(crate) now: UnixTime,
    /// What the changes before leave.
    pub(crate) state: &'a WriterState,
    pub(crate) overlay: &'a Overlay,
    plan: Plan,
}

/// Rows as changes that are not written yet leave them; what is not here is as in the database.
#[derive(Default)]
pub(crate) struct Overlay {
    pub(crate) rows: HashMap<Vec<u8>, Option<Row>>,
    /// Blocks that lose addresses.
    pub(crate) blocks: HashMap<BlockPlace, Vec<u16>>,
    pub(crate) documents: HashMap<Vec<u8>, Option<Document>>,
    pub(crate) tokens: Option<Tokens>,
}

/// Segment and /16 of a block of addresses.
pub(crate) type BlockPlace = (SegmentKey, u16);

/// All tokens by their ids.
pub(crate) type Tokens = BTreeMap<String, TokenRecord>;

/// What a change does, decided: writing it down can't fail.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) edits: Vec<Edit>,
    pub(crate) blocks: HashMap<BlockPlace, BlockEdit>,
    /// Zones as they will be; `None` where one goes.
    pub(crate) zones: BTreeMap<Name, Option<ZoneState>>,
    pub(crate) rows: HashMap<Vec<u8>, Option<Row>>,
    pub(crate) documents: HashMap<Vec<u8>, Option<Document>>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) next_zone: Option<u32>,
    /// How many subscribers there will be.
    pub(crate) subscribers: Option<u64>,
    pub(crate) allowlist: Option<AllowlistState>,
    pub(crate) sweep: Option<SweepPlace>,
    pub(crate) compaction: Option<Option<Compaction>>,
    /// The first key among the expiries that are new.
    pub(crate) first_expiry: Option<Vec<u8>>,
    /// Segments of imports that become visible.
    pub(crate) named: Vec<UnnamedSegment>,
    pub(crate) effects: Vec<Effect>,
    /// What the entry of the log says; no entry where there is none.
    pub(crate) ops: Vec<Op>,
}

/// A row of the database that is written or deleted.
pub(crate) enum Edit {
    Put(&'static str, Vec<u8>, Vec<u8>),
    Delete(&'static str, Vec<u8>),
    /// All keys from the first to before the second.
    DeleteRange(&'static str, Vec<u8>, Vec<u8>),
    /// Forgets what was to become of the blocks of a zone.
    ForgetBlocks(ZoneId),
}

/// Addresses that a block loses.
#[derive(Default)]
pub(crate) struct BlockEdit {
    /// The block as the database has it; `None` where an earlier change has edited it already.
    pub(crate) read: Option<Vec<u16>>,
    pub(crate) taken: Vec<u16>,
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
    /// A subscriber as it was and as it is.
    Subscriber {
        old: Option<Box<Subscriber>>,
        new: Option<Box<Subscriber>>,
    },
    /// An allow entry as it is, or as it was.
    Allow {
        entry: Box<AllowEntry>,
        is_gone: bool,
    },
    /// What segments that were committed say, written to a fork of the index before.
    Join {
        fork: Box<dyn Fork>,
        /// The zones, and the subjects of each that have changed since the fork was made, which are read anew.
        zones: BTreeMap<Name, BTreeSet<Subject>>,
    },
    /// Every subject of a segment that was committed.
    Segment {
        zone: Name,
        segment: SegmentKey,
    },
}

impl<'a> Transaction<'a> {
    /// A change of which nothing is decided yet.
    pub(crate) fn new(
        db: &'a Arc<Db>,
        view: &'a View<'a>,
        state: &'a WriterState,
        overlay: &'a Overlay,
        actor: &'a Actor,
        now: UnixTime,
    ) -> Self {
        Self { db, view, actor, now, state, overlay, plan: Plan::default() }
    }

    /// The sequence number of the change, if anything has to change.
    pub(crate) fn seq(&self) -> u64 {
        self.state.head + 1
    }

    /// The plan. The serial of each zone that its entry is about moves once, if new settings have not moved it.
    pub(crate) fn into_plan(self) -> Plan {
        let Plan { mut zones, ops, .. } = self.plan;
        for op in &ops {
            let planned = op.zone().and_then(|origin| Some((origin, zones.get_mut(origin)?)));
            if let Some((origin, Some(zone))) = planned
                && self.state.zones.get(origin).is_some_and(|before| before.serial == zone.serial)
            {
                zone.serial = zone.serial.next();
            }
        }
        Plan { zones, ops, ..self.plan }
    }

    /// Adds to the entry of the log.
    pub(crate) fn log(&mut self, op: Op) {
        self.plan.ops.push(op);
    }

    /// Adds to what the index must learn.
    pub(crate) fn show(&mut self, effect: Effect) {
        self.plan.effects.push(effect);
    }

    pub(crate) fn put(&mut self, family: &'static str, key: impl Into<Vec<u8>>, value: Vec<u8>) {
        self.plan.edits.push(Edit::Put(family, key.into(), value));
    }

    pub(crate) fn delete(&mut self, family: &'static str, key: impl Into<Vec<u8>>) {
        self.plan.edits.push(Edit::Delete(family, key.into()));
    }

    pub(crate) fn delete_range(
        &mut self,
        family: &'static str,
        from: impl Into<Vec<u8>>,
        to: impl Into<Vec<u8>>,
    ) {
        self.plan.edits.push(Edit::DeleteRange(family, from.into(), to.into()));
    }

    // Zones.

    /// A zone as the operations so far leave it.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub(crate) fn zone(&self, origin: &Name) -> Result<&ZoneState, ChangeError> {
        self.find_zone(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))
    }

    /// The same; `None` if there is none.
    pub(crate) fn find_zone(&self, origin: &Name) -> Option<&ZoneState> {
        match self.plan.zones.get(origin) {
            Some(planned) => planned.as_ref(),
            None => self.state.zones.get(origin),
        }
    }

    /// All zones, as the operations so far leave them, in no order.
    pub(crate) fn zones(&self) -> impl Iterator<Item = &ZoneState> {
        let planned = self.plan.zones.values().flatten();
        let is_planned = |origin: &Name| self.plan.zones.contains_key(origin);
        let others = self.state.zones.iter().filter(move |(origin, _)| !is_planned(origin));
        planned.chain(others.map(|(_, state)| state))
    }

    /// Leaves a zone so.
    pub(crate) fn set_zone(&mut self, state: ZoneState) {
        self.plan.zones.insert(state.zone.origin.clone(), Some(state));
    }

    /// Leaves no zone of that name, and nothing of the rows of the one that was.
    pub(crate) fn remove_zone(&mut self, origin: &Name, id: ZoneId) {
        let next = self.plan.next_zone.unwrap_or(self.state.next_zone);
        self.put(schema::META, key::FREE_ZONE, next.to_be_bytes().into());
        self.plan.zones.insert(origin.clone(), None);
        self.plan.blocks.retain(|(segment, _), _| segment.zone != id);
        self.plan.edits.push(Edit::ForgetBlocks(id));
    }

    /// The id of a zone that is new.
    pub(crate) fn new_zone_id(&mut self) -> ZoneId {
        let id = self.plan.next_zone.unwrap_or(self.state.next_zone);
        self.plan.next_zone = Some(id + 1);
        ZoneId(id)
    }

    /// A segment id that no other has, higher than all before it.
    pub(crate) fn new_segment_id(&self) -> SegmentId {
        self.db.next_segment()
    }

    /// Adds a segment to a zone; its place among the others.
    pub(crate) fn add_segment(&mut self, state: &mut ZoneState, segment: Segment) -> usize {
        self.put(schema::SEGMENTS, segment.key.bytes(), codec::encode(&segment.value()));
        let place = state.segments.partition_point(|other| other.key > segment.key);
        state.segments.insert(place, segment);
        place
    }

    /// Makes the rows of a change of many listings those of a segment of its zone.
    pub(crate) fn name_segment(
        &mut self,
        state: &mut ZoneState,
        segment: Segment,
        rows: UnnamedSegment,
    ) {
        self.add_segment(state, segment);
        self.plan.named.push(rows);
    }

    /// Keeps the rows that an undo will need: a record names them.
    pub(crate) fn name_kept(&mut self, rows: UnnamedSegment) {
        self.plan.named.push(rows);
    }

    // Rows.

    /// A row as the operations so far leave it.
    pub(crate) fn row(
        &self,
        segment: SegmentKey,
        subject: &[u8],
    ) -> Result<Option<StoredRow>, StoreError> {
        let key = segment.row(subject);
        let changed = self.plan.rows.get(&key).or_else(|| self.overlay.rows.get(&key));
        match changed {
            Some(row) => Ok(row.clone().map(|row| StoredRow { row, in_block: false })),
            None => self.view.row(segment, subject),
        }
    }

    /// Writes a row over `old`.
    pub(crate) fn put_row(
        &mut self,
        segment: &mut Segment,
        subject: &[u8],
        old: Option<&StoredRow>,
        row: Row,
    ) -> Result<(), StoreError> {
        let key = segment.key.row(subject);
        if let Some(old) = old {
            self.take_host(segment.key, subject, old)?;
            self.delete_expiry(&key, &old.row);
        }
        if let Some((at, listing)) = row.listing().and_then(|row| Some((row.expires_at?, row))) {
            let expiry = key::expiry(at, &key);
            self.put(schema::EXPIRY, expiry.clone(), row::expiry_value(listing).into());
            self.expires(expiry);
        }
        self.put(schema::LISTINGS, key.clone(), codec::encode(&row));
        self.plan.rows.insert(key, Some(row));
        segment.rows += u64::from(old.is_none());
        Ok(())
    }

    /// Deletes a row that is there.
    pub(crate) fn delete_row(
        &mut self,
        segment: &mut Segment,
        subject: &[u8],
        old: &StoredRow,
    ) -> Result<(), StoreError> {
        let key = segment.key.row(subject);
        if !self.take_host(segment.key, subject, old)? {
            self.delete_expiry(&key, &old.row);
            self.delete(schema::LISTINGS, key.clone());
        }
        self.plan.rows.insert(key, None);
        segment.rows = segment.rows.saturating_sub(1);
        Ok(())
    }

    /// Takes note of the key of an expiry that is new.
    pub(crate) fn expires(&mut self, key: Vec<u8>) {
        if self.plan.first_expiry.as_ref().is_none_or(|first| key < *first) {
            self.plan.first_expiry = Some(key);
        }
    }

    fn delete_expiry(&mut self, key: &[u8], row: &Row) {
        if let Some(at) = row.listing().and_then(|row| row.expires_at) {
            self.delete(schema::EXPIRY, key::expiry(at, key));
        }
    }

    /// Takes an address out of its block, if it is in one.
    fn take_host(
        &mut self,
        segment: SegmentKey,
        subject: &[u8],
        old: &StoredRow,
    ) -> Result<bool, StoreError> {
        let host = key::read_host(subject).filter(|_| old.in_block);
        let Some((net, low)) = host.map(block::split) else { return Ok(false) };
        let place = (segment, net);
        if !self.plan.blocks.contains_key(&place) {
            let read = match self.overlay.blocks.contains_key(&place) {
                true => None,
                false => Some(self.read_block(segment, net)?),
            };
            self.plan.blocks.insert(place, BlockEdit { read, taken: Vec::new() });
        }
        self.plan.blocks.entry(place).or_default().taken.push(low);
        Ok(true)
    }

    fn read_block(&self, segment: SegmentKey, net: u16) -> Result<Vec<u16>, StoreError> {
        let mut lows = Vec::new();
        if let Some(block) = self.view.find(schema::LISTINGS, &segment.hosts(net))? {
            block::decode(&block, &mut lows)?;
        }
        Ok(lows)
    }

    // Documents.

    /// A document as the operations so far leave it.
    pub(crate) fn document(
        &self,
        kind: &DocumentKind,
        id: &DocumentId,
    ) -> Result<Option<Document>, StoreError> {
        let key = document_key::of_document(kind, id);
        if let Some(changed) =
            self.plan.documents.get(&key).or_else(|| self.overlay.documents.get(&key))
        {
            return Ok(changed.clone());
        }
        let value = self.view.find(schema::DOCUMENTS, &key)?;
        value.map(|bytes| document::decode(kind.clone(), id.clone(), &bytes)).transpose()
    }

    /// Writes a document over `old`, or deletes that, with the index rows.
    pub(crate) fn set_document(
        &mut self,
        key: Vec<u8>,
        old: Option<&Document>,
        new: Option<&Document>,
    ) {
        for key in old.into_iter().flat_map(document_key::of_index) {
            self.delete(schema::DOCUMENT_INDEX, key);
        }
        for key in new.into_iter().flat_map(document_key::of_index) {
            self.put(schema::DOCUMENT_INDEX, key, Vec::new());
        }
        match new {
            Some(document) => self.put(schema::DOCUMENTS, key.clone(), document::encode(document)),
            None => self.delete(schema::DOCUMENTS, key.clone()),
        }
        self.plan.documents.insert(key, new.cloned());
    }

    // Tokens.

    /// All tokens, as the operations so far leave them, to be given back to
    /// [`set_tokens`](Self::set_tokens) if they change.
    pub(crate) fn tokens(&self) -> Result<Tokens, StoreError> {
        match self.plan.tokens.as_ref().or(self.overlay.tokens.as_ref()) {
            Some(tokens) => Ok(tokens.clone()),
            None => {
                let tokens = tokens::read_all(self.view)?;
                Ok(tokens.into_iter().map(|token| (token.id.clone(), token)).collect())
            }
        }
    }

    /// Leaves the tokens so.
    pub(crate) fn set_tokens(&mut self, tokens: Tokens) {
        self.plan.tokens = Some(tokens);
    }

    // Subscribers.

    /// Leaves so many subscribers.
    pub(crate) fn set_subscribers(&mut self, count: u64) {
        self.plan.subscribers = Some(count);
    }

    // Allow entries.

    /// What is known of them, as the operations so far leave it.
    pub(crate) fn allowlist(&self) -> AllowlistState {
        self.plan.allowlist.unwrap_or(self.state.allowlist)
    }

    /// Leaves the allow entries so.
    pub(crate) fn set_allowlist(&mut self, allowlist: AllowlistState) {
        self.plan.allowlist = Some(allowlist);
    }

    // Housekeeping.

    /// Where the sweep goes on, as the operations so far leave it.
    pub(crate) fn sweep_place(&self) -> &SweepPlace {
        self.plan.sweep.as_ref().unwrap_or(&self.state.sweep)
    }

    pub(crate) fn set_sweep_place(&mut self, place: SweepPlace) {
        self.plan.sweep = Some(place);
    }

    /// The compaction that has begun, as the operations so far leave it.
    pub(crate) fn compaction(&self) -> Option<&Compaction> {
        self.plan.compaction.as_ref().unwrap_or(&self.state.compaction).as_ref()
    }

    pub(crate) fn set_compaction(&mut self, compaction: Option<Compaction>) {
        self.plan.compaction = Some(compaction);
    }
}
