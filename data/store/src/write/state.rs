//! What the writer knows without asking the database.

use std::{collections::HashMap, sync::Arc};

use dnsbl_types::{Name, UnixTime, Zone};
use rocksdb::DB;

use crate::{
    StoreError,
    format::{
        allow_entry::AllowRecord,
        key::{self, SegmentKey},
    },
    read::{
        allowlist,
        reader::Reader,
        state::{self, Zones},
        subscribers, undo,
    },
};

/// The state after the last change.
#[derive(Debug)]
pub(crate) struct WriterState {
    pub(crate) zones: Zones,
    /// The last sequence number.
    pub(crate) head: u64,
    pub(crate) epoch: u64,
    /// The id of the next zone that is made.
    pub(crate) next_zone: u32,
    /// How many subscribers there are.
    pub(crate) subscribers: u64,
    pub(crate) allowlist: AllowlistState,
    pub(crate) sweep: SweepPlace,
    pub(crate) compaction: Option<Compaction>,
    /// The zones of which the second copy is known to be as they are.
    pub(crate) copies: HashMap<Name, Copied>,
}

/// What is known of the allow entries.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AllowlistState {
    pub(crate) count: usize,
    /// Invariant: none of them expires before this.
    pub(crate) first_expiry: Option<UnixTime>,
}

impl AllowlistState {
    /// That of some entries.
    pub(crate) fn of(records: &[AllowRecord]) -> Self {
        let first_expiry = records.iter().filter_map(|record| record.entry.expires_at).min();
        Self { count: records.len(), first_expiry }
    }
}

/// What the second copy of a zone rests on.
pub(crate) type Copied = (Arc<Zone>, Vec<SegmentKey>);

/// Where the sweep of expired rows goes on.
#[derive(Clone, Debug)]
pub(crate) struct SweepPlace {
    /// Invariant: no expiry lies before this key, but of imports that are on their way.
    pub(crate) from: Vec<u8>,
    /// Whether all of it was looked at since the start: an older release may have left expiries behind.
    pub(crate) checked: bool,
}

/// A compaction of a source's segments that has begun.
#[derive(Clone, Debug)]
pub(crate) struct Compaction {
    pub(crate) origin: Name,
    pub(crate) lower: SegmentKey,
    pub(crate) upper: SegmentKey,
    /// Whether rows move from the upper to the lower segment.
    pub(crate) down: bool,
    /// What lies before this subject has moved.
    pub(crate) from: Vec<u8>,
    /// Rows that have moved since it was at the front.
    pub(crate) moved: u64,
}

impl WriterState {
    /// The state as the database has it.
    pub(crate) fn read(db: &DB) -> Result<Self, StoreError> {
        let reader = Reader::new(db, UnixTime(0));
        let zones = state::read_zones(&reader.view)?;
        let ids = zones.values().map(|state| state.id.0);
        // What is kept for an undo knows its zone by the id, also when that zone is gone.
        let kept = undo::read_segments(&reader.view)?;
        let ids = ids.chain(kept.iter().map(|key| key.zone.0));
        let next_zone = ids.map(|id| id + 1).max().unwrap_or(1);
        let next_zone = next_zone.max(state::read_free(&reader.view, key::FREE_ZONE)?);
        Ok(Self {
            zones,
            head: reader.head()?,
            epoch: reader.epoch()?,
            next_zone,
            subscribers: subscribers::count(&reader.view)?,
            allowlist: AllowlistState::of(&allowlist::below(&reader.view, &[])?),
            sweep: SweepPlace { from: state::read_swept(&reader.view)?, checked: false },
            compaction: None,
            copies: HashMap::new(),
        })
    }

    /// The state as the database has it, after a write that failed: whatever was decided on what any segment
    /// said before is decided again.
    pub(crate) fn read_again(&self, db: &DB) -> Result<Self, StoreError> {
        let mut state = Self::read(db)?;
        for segment in state.zones.values_mut().flat_map(|zone| &mut zone.segments) {
            segment.changed = state.head;
        }
        // An id that was used once is not used again.
        state.next_zone = state.next_zone.max(self.next_zone);
        Ok(state)
    }
}
