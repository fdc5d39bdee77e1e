//! A batch on its way, and the rows as it will leave them.

use std::{
    cell::RefCell,
    collections::{HashMap, hash_map::Entry},
};

use rocksdb::{DB, WriteBatch};

use crate::{
    StoreError, codec, hosts,
    key::{self, SegmentKey},
    row::{Row, Said},
    scan::{cf, find_row},
    schema,
    state::Segment,
};

/// What stands beside the key of a row that expires, so that counting need not read the row.
pub(crate) fn expiry_value(said: &Said) -> [u8; 1] {
    [said.exclusion().into()]
}

/// Whether a row that expires is an exclusion; `None` where an older release wrote its expiry.
pub(crate) fn read_expiry_value(value: &[u8]) -> Option<bool> {
    value.first().map(|flag| *flag != 0)
}

/// The batch, and the rows as it will leave them.
pub(crate) struct Writes<'a> {
    pub(crate) db: &'a DB,
    pub(crate) batch: WriteBatch,
    /// Rows that were read or written, since most are asked for again.
    rows: RefCell<HashMap<Vec<u8>, Option<Row>>>,
    /// Blocks that lose addresses, by segment and /16.
    blocks: HashMap<(SegmentKey, u16), Vec<u16>>,
    /// The first key among the expiries that the batch adds.
    first_expiry: Option<Vec<u8>>,
}

impl<'a> Writes<'a> {
    pub(crate) fn new(db: &'a DB) -> Self {
        let (rows, blocks) = (RefCell::default(), HashMap::new());
        Self { db, batch: WriteBatch::default(), rows, blocks, first_expiry: None }
    }

    /// A row as the changes so far leave it.
    pub(crate) fn row(
        &self,
        segment: SegmentKey,
        subject: &[u8],
    ) -> Result<Option<Row>, StoreError> {
        let key = segment.row(subject);
        if let Some(row) = self.rows.borrow().get(&key) {
            return Ok(row.clone());
        }
        let listings = cf(self.db, schema::LISTINGS);
        let row = find_row(segment, subject, |key| Ok(self.db.get_pinned_cf(listings, key)?))?;
        self.rows.borrow_mut().insert(key, row.clone());
        Ok(row)
    }

    /// Writes a row over `old`.
    pub(crate) fn put_row(
        &mut self,
        segment: &mut Segment,
        subject: &[u8],
        old: Option<&Row>,
        row: Row,
    ) -> Result<(), StoreError> {
        if let Some(old) = old {
            self.take_host(segment.key, subject, old)?;
        }
        let key = segment.key.row(subject);
        self.put_expiry(&key, old, false);
        self.put_expiry(&key, Some(&row), true);
        self.batch.put_cf(cf(self.db, schema::LISTINGS), &key, codec::encode(&row));
        self.rows.get_mut().insert(key, Some(row));
        segment.rows += u64::from(old.is_none());
        Ok(())
    }

    /// Deletes a row that is there.
    pub(crate) fn delete_row(
        &mut self,
        segment: &mut Segment,
        subject: &[u8],
        old: &Row,
    ) -> Result<(), StoreError> {
        let key = segment.key.row(subject);
        if !self.take_host(segment.key, subject, old)? {
            self.put_expiry(&key, Some(old), false);
            self.batch.delete_cf(cf(self.db, schema::LISTINGS), &key);
        }
        self.rows.get_mut().insert(key, None);
        segment.rows = segment.rows.saturating_sub(1);
        Ok(())
    }

    /// Takes a row out of its block, if it is in one.
    fn take_host(
        &mut self,
        segment: SegmentKey,
        subject: &[u8],
        old: &Row,
    ) -> Result<bool, StoreError> {
        let in_block = matches!(old, Row::Says(said) if said.is_plain_of_segment());
        let Some((net, low)) = key::read_host(subject).filter(|_| in_block).map(hosts::split)
        else {
            return Ok(false);
        };
        let place = match self.blocks.entry((segment, net)) {
            Entry::Occupied(mut block) => {
                let there = block.get().binary_search(&low);
                return Ok(there.map(|at| block.get_mut().remove(at)).is_ok());
            }
            Entry::Vacant(place) => place,
        };
        let listings = cf(self.db, schema::LISTINGS);
        let Some(block) = self.db.get_pinned_cf(listings, segment.hosts(net))? else {
            return Ok(false);
        };
        let mut lows = Vec::new();
        hosts::decode(&block, &mut lows)?;
        let Ok(at) = lows.binary_search(&low) else { return Ok(false) };
        lows.remove(at);
        place.insert(lows);
        Ok(true)
    }

    fn put_expiry(&mut self, key: &[u8], row: Option<&Row>, present: bool) {
        let Some(Row::Says(said)) = row else { return };
        let Some(at) = said.expires_at else { return };
        let (family, key) = (cf(self.db, schema::EXPIRY), key::expiry(at, key));
        if present {
            self.batch.put_cf(family, &key, expiry_value(said));
            self.has_expiry(key);
        } else {
            self.batch.delete_cf(family, key);
        }
    }

    /// Takes note of an expiry that is there once the batch is written.
    pub(crate) fn has_expiry(&mut self, key: Vec<u8>) {
        if self.first_expiry.as_ref().is_none_or(|first| key < *first) {
            self.first_expiry = Some(key);
        }
    }

    /// The first key among the expiries that the batch adds.
    pub(crate) fn first_expiry(&self) -> Option<&[u8]> {
        self.first_expiry.as_deref()
    }

    /// The whole batch.
    pub(crate) fn finish(mut self) -> WriteBatch {
        let listings = cf(self.db, schema::LISTINGS);
        for ((segment, net), lows) in self.blocks {
            let key = segment.hosts(net);
            if lows.is_empty() {
                self.batch.delete_cf(listings, key);
            } else {
                self.batch.put_cf(listings, key, hosts::encode(&lows));
            }
        }
        self.batch
    }
}
