//! Writing down what an undo needs: rows as they were before, and as they are after.

use std::sync::Arc;

use rocksdb::Options;

use crate::{
    StoreError,
    db::UnnamedSegment,
    format::{
        codec, key,
        key::{SegmentKey, ZoneId},
        row::{ListingRow, Provenance, Row},
        schema,
        undo::KeptRows,
        value::WriteStamp,
    },
    import::{folder::Folder, order::Order, tables::Tables},
    read::state::Segment,
};

/// What an undo needs of a change of one source, in segments that no record names yet.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) before: Option<KeptSide>,
    pub(crate) after: Option<KeptSide>,
}

/// One side of it.
pub(crate) struct KeptSide {
    pub(crate) rows: UnnamedSegment,
    /// Of rows that have none of their own; `None`: that of the change.
    stamp: Option<Arc<WriteStamp>>,
    bytes: u64,
}

impl KeptSide {
    /// How a record names it, given the stamp of the change.
    pub(crate) fn named(&self, of_change: &Arc<WriteStamp>) -> KeptRows {
        let stamp = self.stamp.as_ref().unwrap_or(of_change).clone();
        KeptRows { segment: self.rows.key().segment, stamp, bytes: self.bytes }
    }
}

/// A side while it is written.
pub(crate) struct SideWriter<'a> {
    rows: UnnamedSegment,
    tables: Tables<'a>,
    /// The segment whose plain addresses need no stamp of their own; `None`: that of the change.
    base: Option<(SegmentKey, Arc<WriteStamp>)>,
    bytes: u64,
}

impl<'a> SideWriter<'a> {
    /// A side whose rows mostly were, or will be, in a segment.
    pub(crate) fn new(
        order: &Order,
        zone: ZoneId,
        (options, folder): (&'a Options, &'a Folder),
        base: Option<&Segment>,
    ) -> Self {
        let rows = UnnamedSegment::new(&order.db, schema::UNDO_ROWS, zone);
        let tables = Tables::new(schema::UNDO_ROWS, options, folder, rows.key());
        let base = base.map(|segment| (segment.key, segment.stamp.clone()));
        Self { rows, tables, base, bytes: 0 }
    }

    /// Keeps a plain address that goes into the change's own segment.
    pub(crate) fn keep_host(&mut self, addr: u32) -> Result<(), StoreError> {
        self.bytes += size_of::<u16>() as u64;
        self.tables.put_host(addr)
    }

    /// Keeps a row of the change's own segment.
    pub(crate) fn keep_new(&mut self, subject: &[u8], row: &ListingRow) -> Result<(), StoreError> {
        match key::read_host(subject).filter(|_| row.is_plain_of_segment()) {
            Some(addr) => self.keep_host(addr),
            None => self.put(subject, row.clone()),
        }
    }

    /// Keeps a row of a segment that is there.
    pub(crate) fn keep_old(
        &mut self,
        subject: &[u8],
        segment: &Segment,
        row: &ListingRow,
    ) -> Result<(), StoreError> {
        let is_base = self.base.as_ref().is_some_and(|(base, _)| *base == segment.key);
        match key::read_host(subject).filter(|_| is_base && row.is_plain_of_segment()) {
            Some(addr) => self.keep_host(addr),
            None => {
                let stamp = Provenance::Own(row.provenance.stamp(&segment.stamp));
                self.put(subject, row.clone().with_provenance(stamp))
            }
        }
    }

    fn put(&mut self, subject: &[u8], row: ListingRow) -> Result<(), StoreError> {
        let row = codec::encode(&Row::Listing(Box::new(row)));
        let key = self.tables.put_row(subject, &row)?;
        self.bytes += (key.len() + row.len()) as u64;
        Ok(())
    }

    /// Makes the rows part of the database; `None` where there are none.
    pub(crate) fn finish(self, db: &rocksdb::DB) -> Result<Option<KeptSide>, StoreError> {
        let Self { rows, tables, base, bytes } = self;
        tables.finish(db)?;
        let stamp = base.map(|(_, stamp)| stamp);
        Ok((bytes > 0).then_some(KeptSide { rows, stamp, bytes }))
    }
}
