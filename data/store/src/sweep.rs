//! Removing what has expired.
//!
//! Readers do not see expired rows, swept or not; the sweep makes the removal a change like any
//! other, with a log entry and a new serial, and gives the room back. It goes on where it stopped: what
//! it deleted stays among the keys of RocksDB for a while, and is not walked over again.

use std::collections::{BTreeMap, HashMap};

use dnsbl_types::{Name, Source, Subject};
use rocksdb::ReadOptions;

use crate::{
    Actor, ChangeError, Done, Op, Outcome, StoreError,
    group::Group,
    key::{self, SegmentKey, ZoneId},
    row::Row,
    scan::{View, cf},
    schema,
};

/// Rows that one step removes at most: other changes wait meanwhile, some milliseconds.
const STEP: usize = 100;
/// Expiries that one step reads at most. Those of imports that are on their way are passed over.
const READ: usize = 10 * STEP;

/// The key in `meta` of the place where the sweep goes on.
pub(crate) const SWEPT: &[u8] = b"swept";

/// Where the sweep goes on.
pub(crate) struct Swept {
    /// Invariant: no expiry lies before this key, but of imports that are on their way.
    from: Vec<u8>,
    /// Whether all of it was looked at since the start: an older release may have left expiries behind.
    checked: bool,
}

impl Swept {
    /// The place that was kept.
    pub(crate) fn read(view: &View<'_>) -> Result<Self, StoreError> {
        Ok(Self { from: swept(view)?, checked: false })
    }

    /// The first key that may be there.
    pub(crate) fn from(&self) -> &[u8] {
        &self.from
    }

    /// Goes back to an expiry that is new; false if it lies ahead.
    pub(crate) fn goes_back_to(&mut self, expiry: &[u8]) -> bool {
        let back = expiry < self.from.as_slice();
        if back {
            self.from = expiry.into();
        }
        back
    }
}

/// The first key among the expiries of a state that may be there.
pub(crate) fn swept(view: &View<'_>) -> Result<Vec<u8>, StoreError> {
    Ok(view.find(schema::META, SWEPT)?.map(|key| key.to_vec()).unwrap_or_default())
}

/// A row that is due.
struct Due {
    key: Vec<u8>,
    segment: SegmentKey,
    subject: Vec<u8>,
    at: u64,
}

/// What a step has found.
struct Found {
    due: Vec<Due>,
    /// Expiries that were read.
    read: usize,
    /// Where the next step goes on.
    next: Vec<u8>,
}

impl Group<'_> {
    /// Removes up to [`STEP`] expired rows; the outcome counts the expiries that were read.
    pub(crate) fn sweep(&mut self) -> Result<Done, ChangeError> {
        let Found { due, read, next } = self.due()?;
        if read == 0 && (self.ledger.swept.checked || self.ledger.swept.from <= next) {
            self.ledger.swept.checked = true;
            return Ok(self.unchanged(Outcome::Count(0)));
        }
        let origins = self.origins(&due);
        let mut ops: BTreeMap<Name, Vec<Op>> = BTreeMap::new();
        for row in &due {
            if let Some(origin) = origins.get(&row.segment.zone)
                && let Some((subject, source)) = self.named_by(origin, row)?
            {
                let op = self.expire(origin, &subject, &source)?;
                ops.entry(origin.clone()).or_default().extend(op);
            }
            self.writes.batch.delete_cf(cf(self.writes.db, schema::EXPIRY), &row.key);
        }
        for (zone, ops) in ops {
            self.touch(&zone);
            if !ops.is_empty() {
                self.append(&Actor::server(), ops);
            }
        }
        self.writes.batch.put_cf(cf(self.writes.db, schema::META), SWEPT, &next);
        self.ledger.swept = Swept { from: next, checked: true };
        Ok(self.unchanged(Outcome::Count(read as u64)))
    }

    /// The rows that expired first, those that are being staged left out.
    fn due(&self) -> Result<Found, StoreError> {
        let view = View::new(self.writes.db);
        let swept = &self.ledger.swept;
        let end = key::expiry_after(self.now);
        let mut found = Found { due: Vec::new(), read: 0, next: end.to_vec() };
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(end);
        let mut iter = view.iter(schema::EXPIRY, options);
        iter.seek(if swept.checked { swept.from.as_slice() } else { &[] });
        while let Some(key) = iter.key() {
            if found.due.len() == STEP || found.read == READ {
                found.next = key.to_vec();
                break;
            }
            found.read += 1;
            let expiry = key::read_expiry(key)?;
            if !self.staged.contains(expiry.segment) {
                found.due.push(Due {
                    segment: expiry.segment,
                    subject: expiry.subject.to_vec(),
                    at: expiry.at.0,
                    key: key.to_vec(),
                });
            }
            iter.next();
        }
        iter.status()?;
        Ok(found)
    }

    /// The names of the zones that have something due.
    fn origins(&self, due: &[Due]) -> HashMap<ZoneId, Name> {
        let mut origins: HashMap<ZoneId, Option<Name>> =
            due.iter().map(|row| (row.segment.zone, None)).collect();
        for (origin, state) in &self.ledger.zones {
            if let Some(name) = origins.get_mut(&state.id) {
                *name = Some(origin.clone());
            }
        }
        origins.into_iter().filter_map(|(id, name)| Some((id, name?))).collect()
    }

    /// What expires, if the row is still the one that was to.
    fn named_by(&self, origin: &Name, due: &Due) -> Result<Option<(Subject, Source)>, ChangeError> {
        let state = self.zone(origin)?;
        let Some(segment) = state.segments.iter().find(|s| s.key == due.segment) else {
            return Ok(None);
        };
        let source = segment.source.clone();
        let row = self.writes.row(due.segment, &due.subject)?;
        let same = matches!(&row, Some(Row::Says(said)) if said.expires_at == Some(due.at));
        Ok(if same { Some((key::read_subject(&due.subject)?, source)) } else { None })
    }
}
