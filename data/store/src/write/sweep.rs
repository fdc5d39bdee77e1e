//! Removing what has expired.
//!
//! Readers do not see expired rows, swept or not; the sweep makes the removal a change like any
//! other, with a log entry and a new serial, and gives the room back. It goes on where it stopped: what
//! it deleted stays among the keys of RocksDB for a while, and is not walked over again.

use std::collections::HashMap;

use dnsbl_types::Name;
use rocksdb::ReadOptions;

use crate::{
    ChangeError, StoreError,
    format::{
        key::{self, SegmentKey, ZoneId},
        schema,
    },
    write::{
        allowlist, listings, operation::OperationResult, state::SweepPlace,
        transaction::Transaction,
    },
};

/// Rows that one step removes at most: other changes wait meanwhile, some milliseconds.
const STEP: usize = 100;
/// Expiries that one step reads at most. Those of imports that are on their way are passed over.
const READ: usize = 10 * STEP;

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

/// Removes up to [`STEP`] expired rows; the result counts the expiries that were read.
pub(crate) fn sweep(transaction: &mut Transaction<'_>) -> Result<OperationResult, ChangeError> {
    match allowlist::sweep(transaction)? {
        0 => {}
        entries => return Ok(OperationResult::Count(entries)),
    }
    let Found { mut due, read, next } = find_due(transaction)?;
    let place = transaction.sweep_place().clone();
    if read == 0 && (place.checked || place.from <= next) {
        transaction.set_sweep_place(SweepPlace { checked: true, ..place });
        return Ok(OperationResult::Count(0));
    }
    let origins = origins(transaction);
    due.sort_by(|a, b| origins.get(&a.segment.zone).cmp(&origins.get(&b.segment.zone)));
    for row in due {
        if let Some(origin) = origins.get(&row.segment.zone) {
            let subject = key::read_subject(&row.subject)?;
            listings::expire(transaction, origin, &subject, row.segment, row.at)?;
        }
        transaction.delete(schema::EXPIRY, row.key);
    }
    transaction.put(schema::META, key::SWEPT, next.clone());
    transaction.set_sweep_place(SweepPlace { from: next, checked: true });
    Ok(OperationResult::Count(read as u64))
}

/// The rows that expired first, those that are being staged left out.
fn find_due(transaction: &Transaction<'_>) -> Result<Found, StoreError> {
    let place = transaction.sweep_place();
    let end = key::expiry_after(transaction.now);
    let mut found = Found { due: Vec::new(), read: 0, next: end.to_vec() };
    let mut options = ReadOptions::default();
    options.set_iterate_upper_bound(end);
    let mut iter = transaction.view.iter(schema::EXPIRY, options);
    iter.seek(if place.checked { place.from.as_slice() } else { &[] });
    while let Some(key) = iter.key() {
        if found.due.len() == STEP || found.read == READ {
            found.next = key.to_vec();
            break;
        }
        found.read += 1;
        let expiry = key::read_expiry(key)?;
        if !transaction.db.is_staged(expiry.segment) {
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

/// The names of the zones.
fn origins(transaction: &Transaction<'_>) -> HashMap<ZoneId, Name> {
    let zones = transaction.state.zones.iter();
    zones.map(|(origin, state)| (state.id, origin.clone())).collect()
}
