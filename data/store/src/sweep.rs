//! Removing what has expired, and the oldest log entries.
//!
//! Readers do not see expired rows, swept or not; the sweep makes the removal a change like any
//! other, with a log entry and a new serial, and gives the room back.

use std::collections::BTreeMap;

use dnsbl_types::{Name, Source, Subject, UnixTime};
use rocksdb::ReadOptions;

use crate::{
    Actor, ChangeError, Done, Op, Outcome, Reader, StoreError,
    group::Group,
    key::{self, Expiry},
    row::Row,
    scan::{View, cf},
    schema,
};

/// Rows that one sweep removes at most.
pub(crate) const SWEEP: usize = 1000;

impl Group<'_> {
    /// Removes up to [`SWEEP`] expired rows; the outcome counts them.
    pub(crate) fn sweep(&mut self) -> Result<Done, ChangeError> {
        let mut ops: BTreeMap<Name, Vec<Op>> = BTreeMap::new();
        let due = self.due()?;
        for expiry in &due {
            if let Some((zone, subject, source)) = self.named_by(expiry)? {
                let op = self.expire(&zone, &subject, &source)?;
                ops.entry(zone).or_default().extend(op);
            }
            let row = expiry.segment.row(&expiry.subject);
            let expiries = cf(self.writes.db, schema::EXPIRY);
            self.writes.batch.delete_cf(expiries, key::expiry(expiry.at.0, &row));
        }
        for (zone, ops) in ops {
            self.touch(&zone);
            if !ops.is_empty() {
                self.append(&Actor::server(), ops);
            }
        }
        Ok(self.unchanged(Outcome::Count(due.len() as u64)))
    }

    /// The rows that expired first, those that are being staged left out.
    fn due(&self) -> Result<Vec<Expiry>, StoreError> {
        let view = View::new(self.writes.db);
        let mut due = Vec::new();
        let mut iter = view.iter(schema::EXPIRY, ReadOptions::default());
        iter.seek_to_first();
        while let Some(expiry) = iter.key().map(key::read_expiry).transpose()? {
            if expiry.at > self.now || due.len() == SWEEP {
                break;
            }
            if !self.staged.contains(expiry.segment) {
                due.push(expiry);
            }
            iter.next();
        }
        iter.status()?;
        Ok(due)
    }

    /// What expires, if the row is still the one that was to.
    fn named_by(
        &mut self,
        expiry: &Expiry,
    ) -> Result<Option<(Name, Subject, Source)>, ChangeError> {
        let of_zone = self.ledger.zones.iter().find(|(_, state)| state.id == expiry.segment.zone);
        let Some((zone, state)) = of_zone else {
            return Ok(None);
        };
        let Some(segment) = state.segments.iter().find(|s| s.key == expiry.segment) else {
            return Ok(None);
        };
        let (zone, source) = (zone.clone(), segment.source.clone());
        let row = self.writes.row(expiry.segment, &expiry.subject)?;
        let same = matches!(&row, Some(Row::Says(said)) if said.expires_at == Some(expiry.at.0));
        Ok(if same { Some((zone, key::read_subject(&expiry.subject)?, source)) } else { None })
    }

    /// Drops log entries from before a time or beyond a size, never the last one.
    pub(crate) fn compact_log(
        &mut self,
        before: UnixTime,
        max_bytes: u64,
    ) -> Result<Done, ChangeError> {
        let reader = Reader { view: View::new(self.writes.db), now: self.now };
        let first = reader.log_floor()?;
        let floor =
            self.floor_by_age(&reader, first, before)?.max(self.floor_by_size(first, max_bytes)?);
        let floor = floor.min(self.ledger.head);
        if floor <= first {
            return Ok(self.unchanged(Outcome::Count(0)));
        }
        let db = self.writes.db;
        self.writes.batch.delete_range_cf(
            cf(db, schema::LOG),
            0u64.to_be_bytes(),
            floor.to_be_bytes(),
        );
        self.writes.batch.put_cf(cf(db, schema::META), b"log_floor", floor.to_be_bytes());
        Ok(self.unchanged(Outcome::Count(floor - first)))
    }

    /// The first entry that is young enough, found by halving: entries lie in the order of time.
    fn floor_by_age(
        &self,
        reader: &Reader<'_>,
        first: u64,
        before: UnixTime,
    ) -> Result<u64, StoreError> {
        let (mut low, mut high) = (first, self.ledger.head);
        while low < high {
            let middle = low + (high - low) / 2;
            match reader.log_entry(middle)? {
                Some(entry) if entry.at >= before => high = middle,
                _ => low = middle + 1,
            }
        }
        Ok(low)
    }

    /// Drops the share of the entries that is too much, as if all were of one size.
    fn floor_by_size(&self, first: u64, max_bytes: u64) -> Result<u64, StoreError> {
        let size = |property| -> Result<u64, StoreError> {
            let family = cf(self.writes.db, schema::LOG);
            Ok(self.writes.db.property_int_value_cf(family, property)?.unwrap_or(0))
        };
        let bytes =
            size("rocksdb.estimate-live-data-size")? + size("rocksdb.cur-size-active-mem-table")?;
        let entries = u128::from(self.ledger.head.saturating_sub(first));
        let excess = u128::from(bytes.saturating_sub(max_bytes));
        Ok(first + (entries * excess / u128::from(bytes.max(1))) as u64)
    }
}
