//! A batch on its way, and the rows as it will leave them.

use std::collections::HashMap;

use rocksdb::{DB, WriteBatch};

use crate::{
    StoreError, codec,
    key::{self, SegmentKey},
    scan::cf,
    schema,
    state::Segment,
    value::Row,
};

/// The batch, and the rows as it will leave them.
pub(crate) struct Writes<'a> {
    pub(crate) db: &'a DB,
    pub(crate) batch: WriteBatch,
    pub(crate) rows: HashMap<Vec<u8>, Option<Row>>,
}

impl Writes<'_> {
    /// A row as the changes so far leave it.
    pub(crate) fn row(
        &self,
        segment: SegmentKey,
        subject: &[u8],
    ) -> Result<Option<Row>, StoreError> {
        let key = segment.row(subject);
        if let Some(row) = self.rows.get(&key) {
            return Ok(row.clone());
        }
        let value = self.db.get_pinned_cf(cf(self.db, schema::LISTINGS), &key)?;
        value.map(|bytes| codec::decode("listing", &bytes)).transpose()
    }

    /// Writes a row over `old`.
    pub(crate) fn put_row(
        &mut self,
        segment: &mut Segment,
        subject: &[u8],
        old: Option<&Row>,
        row: Row,
    ) {
        let key = segment.key.row(subject);
        self.put_expiry(&key, old, false);
        self.put_expiry(&key, Some(&row), true);
        self.batch.put_cf(cf(self.db, schema::LISTINGS), &key, codec::encode(&row));
        self.rows.insert(key, Some(row));
        segment.rows += u64::from(old.is_none());
    }

    /// Deletes a row that is there.
    pub(crate) fn delete_row(&mut self, segment: &mut Segment, subject: &[u8], old: &Row) {
        let key = segment.key.row(subject);
        self.put_expiry(&key, Some(old), false);
        self.batch.delete_cf(cf(self.db, schema::LISTINGS), &key);
        self.rows.insert(key, None);
        segment.rows = segment.rows.saturating_sub(1);
    }

    fn put_expiry(&mut self, key: &[u8], row: Option<&Row>, present: bool) {
        let Some(Row::Says(said)) = row else { return };
        let Some(at) = said.expires_at else { return };
        let (family, key) = (cf(self.db, schema::EXPIRY), key::expiry(at, key));
        if present { self.batch.put_cf(family, key, []) } else { self.batch.delete_cf(family, key) }
    }
}
