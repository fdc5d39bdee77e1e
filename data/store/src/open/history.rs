//! Finding audit records by their subject, where an older release wrote them.

use rocksdb::{DB, ReadOptions, WriteBatch};

use crate::{
    StoreError,
    format::{
        audit, history_key,
        schema::{self, cf, synced},
    },
};

/// Keys of one write.
const BATCH: usize = 10_000;

/// Writes the keys by which the audit records are found, unless that was done.
pub(crate) fn complete(db: &DB) -> Result<(), StoreError> {
    let meta = cf(db, schema::META);
    if db.get_pinned_cf(meta, schema::HISTORY_WHOLE)?.is_some() {
        return Ok(());
    }
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    options.set_readahead_size(256 << 10);
    let mut iter = db.raw_iterator_cf_opt(cf(db, schema::AUDIT), options);
    iter.seek_to_first();
    let mut writes = WriteBatch::default();
    while let Some((key, value)) = iter.item() {
        // One that can't be read is none that can be shown.
        let record = audit::decode(value).ok().filter(|_| history_key::is_record(key));
        let subject = record.and_then(|record| {
            history_key::subject_of_record(&record.action, record.subject.as_deref())
        });
        if let Some(subject) = subject {
            writes.put_cf(cf(db, schema::HISTORY), history_key::of(&subject, key), b"");
        }
        if writes.len() >= BATCH {
            db.write(std::mem::take(&mut writes))?;
        }
        iter.next();
    }
    iter.status()?;
    writes.put_cf(meta, schema::HISTORY_WHOLE, b"");
    Ok(db.write_opt(writes, &synced())?)
}
