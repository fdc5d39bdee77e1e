//! A view of the database: everything that is read of it is read through one.

use rocksdb::{DB, DBPinnableSlice, DBRawIterator, ReadOptions, Snapshot};

use crate::{
    StoreError,
    format::{
        block, codec,
        key::{self, SegmentKey},
        row::Row,
        schema::{self, cf},
    },
};

/// A view of the database.
pub(crate) struct View<'a> {
    db: &'a DB,
    /// The state that is seen; `None` for the newest at any time.
    snapshot: Option<Snapshot<'a>>,
}

/// A row, and how it lies in the database.
#[derive(Clone, Debug)]
pub(crate) struct StoredRow {
    pub(crate) row: Row,
    /// Whether it is an address in a block, and no row of its own.
    pub(crate) in_block: bool,
}

impl<'a> View<'a> {
    /// The database as it is now.
    pub(crate) fn snapshot(db: &'a DB) -> Self {
        Self { db, snapshot: Some(db.snapshot()) }
    }

    /// The database as it is at each read: for who writes it, and needs no snapshot.
    pub(crate) fn latest(db: &'a DB) -> Self {
        Self { db, snapshot: None }
    }

    /// A value.
    pub(crate) fn find(
        &self,
        family: &str,
        key: &[u8],
    ) -> Result<Option<DBPinnableSlice<'_>>, StoreError> {
        #[cfg(test)]
        fault::strike()?;
        let family = cf(self.db, family);
        Ok(match &self.snapshot {
            Some(snapshot) => snapshot.get_pinned_cf(family, key)?,
            None => self.db.get_pinned_cf(family, key)?,
        })
    }

    /// A place in a family; it is nowhere yet.
    pub(crate) fn iter(&self, family: &str, options: ReadOptions) -> Iter<'_> {
        let family = cf(self.db, family);
        let rows = match &self.snapshot {
            Some(snapshot) => snapshot.raw_iterator_cf_opt(family, options),
            None => self.db.raw_iterator_cf_opt(family, options),
        };
        Iter {
            rows,
            #[cfg(test)]
            struck: false,
        }
    }

    /// The row of a segment for a subject: one of its own, else an address in the block where it would be.
    pub(crate) fn row(
        &self,
        segment: SegmentKey,
        subject: &[u8],
    ) -> Result<Option<StoredRow>, StoreError> {
        if let Some(value) = self.find(schema::LISTINGS, &segment.row(subject))? {
            let row = codec::decode("listing", &value)?;
            return Ok(Some(StoredRow { row, in_block: false }));
        }
        let Some((net, low)) = key::read_host(subject).map(block::split) else { return Ok(None) };
        let Some(block) = self.find(schema::LISTINGS, &segment.hosts(net))? else {
            return Ok(None);
        };
        let listed = block::contains(&block, low)?;
        let plain = || StoredRow { row: Row::Listing(Box::default()), in_block: true };
        Ok(listed.then(plain))
    }
}

/// A place in a family of the database. Behind the last key, and where a read has failed, it is nowhere:
/// [`status`](Self::status) tells the two apart.
pub(crate) struct Iter<'a> {
    rows: DBRawIterator<'a>,
    #[cfg(test)]
    struck: bool,
}

impl Iter<'_> {
    pub(crate) fn seek(&mut self, key: impl AsRef<[u8]>) {
        self.rows.seek(key);
        self.moved();
    }

    pub(crate) fn seek_for_prev(&mut self, key: impl AsRef<[u8]>) {
        self.rows.seek_for_prev(key);
        self.moved();
    }

    pub(crate) fn seek_to_first(&mut self) {
        self.rows.seek_to_first();
        self.moved();
    }

    pub(crate) fn seek_to_last(&mut self) {
        self.rows.seek_to_last();
        self.moved();
    }

    pub(crate) fn next(&mut self) {
        self.rows.next();
        self.moved();
    }

    pub(crate) fn prev(&mut self) {
        self.rows.prev();
        self.moved();
    }

    pub(crate) fn item(&self) -> Option<(&[u8], &[u8])> {
        #[cfg(test)]
        if self.struck {
            return None;
        }
        self.rows.item()
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.item().map(|(key, _)| key)
    }

    pub(crate) fn value(&self) -> Option<&[u8]> {
        self.item().map(|(_, value)| value)
    }

    /// # Errors
    ///
    /// If a read has failed.
    pub(crate) fn status(&self) -> Result<(), StoreError> {
        #[cfg(test)]
        if self.struck {
            return Err(fault::error());
        }
        Ok(self.rows.status()?)
    }

    #[cfg(not(test))]
    #[inline(always)]
    fn moved(&mut self) {}

    #[cfg(test)]
    fn moved(&mut self) {
        self.struck |= fault::strike().is_err();
    }
}

/// Reads that fail when they are told to.
#[cfg(test)]
pub(crate) mod fault {
    use std::cell::Cell;

    use crate::StoreError;

    thread_local! {
        static READS_LEFT: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// Makes one read of this thread fail, after so many that succeed; `None`: none fails.
    pub(crate) fn after(reads: Option<u64>) {
        READS_LEFT.set(reads);
    }

    /// Whether the read that was to fail has come.
    pub(crate) fn has_struck() -> bool {
        READS_LEFT.get().is_none()
    }

    pub(super) fn strike() -> Result<(), StoreError> {
        match READS_LEFT.get() {
            Some(0) => {
                READS_LEFT.set(None);
                Err(error())
            }
            left => {
                READS_LEFT.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }

    pub(super) fn error() -> StoreError {
        StoreError::unreadable("page", "this read was to fail")
    }
}
