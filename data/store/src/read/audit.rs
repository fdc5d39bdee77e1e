//! Reading the audit records.

use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{
        audit::{AuditRecord, decode},
        schema,
    },
    read::reader::Reader,
};

/// Some audit records, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// Those that were asked for; those of one change stay together.
    pub records: Vec<AuditRecord>,
    /// The change before which to go on; `None` where there is nothing more.
    pub next: Option<u64>,
}

impl Reader<'_> {
    /// About `limit` audit records before change `seq` that `admits` takes, newest first. At most about
    /// `look_at` records are read for a page, which may therefore be empty and yet not the last.
    pub fn audit_before(
        &self,
        seq: u64,
        limit: usize,
        look_at: usize,
        admits: impl Fn(&AuditRecord) -> bool,
    ) -> Result<AuditPage, StoreError> {
        let (mut records, mut last, mut seen) = (Vec::new(), None, 0);
        let mut iter = self.view.iter(schema::AUDIT, ReadOptions::default());
        iter.seek_for_prev(seq.to_be_bytes());
        while let Some(value) = iter.value() {
            let record = decode(value)?;
            let full = records.len() >= limit || seen >= look_at;
            if full && last != Some(record.seq) {
                return Ok(AuditPage { records, next: last });
            }
            (last, seen) = (Some(record.seq), seen + 1);
            records.extend(admits(&record).then_some(record));
            iter.prev();
        }
        iter.status()?;
        Ok(AuditPage { records, next: None })
    }
}
