//! Remembering requests: that one was carried out is written with its change, the answer right after, beside the log.

use dnsbl_types::UnixTime;
use rocksdb::WriteBatch;

use crate::{
    StoreError,
    db::Db,
    format::{
        idempotency::{self, Remembered, RequestId},
        schema::{self, cf},
    },
    read::{idempotency::read_old, view::View},
};

/// Keeps what is known of a request.
pub(crate) fn keep(db: &Db, request: &RequestId, known: &Remembered) -> Result<(), StoreError> {
    let mut batch = WriteBatch::default();
    let family = cf(&db.rocks, schema::IDEMPOTENCY);
    batch.put_cf(family, request.key(), idempotency::encode(known));
    db.write_beside(batch)
}

/// Forgets requests that were carried out before a time, and those of a token beyond so many, the oldest first; how
/// many these were.
pub(crate) fn forget(db: &Db, before: UnixTime, most: usize) -> Result<usize, StoreError> {
    let old = read_old(&View::snapshot(&db.rocks), before, most)?;
    if old.is_empty() {
        return Ok(0);
    }
    let mut batch = WriteBatch::default();
    let family = cf(&db.rocks, schema::IDEMPOTENCY);
    old.iter().for_each(|key| batch.delete_cf(family, key));
    db.write_beside(batch)?;
    Ok(old.len())
}
