//! The size of the change log: that of its entries, added up, since RocksDB's own figures do not see what was
//! cut off before.

use dnsbl_types::UnixTime;
use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{log::read_seq, schema},
    read::{reader::Reader, view::Iter},
};

/// Bytes that are read ahead when entries are counted.
const AHEAD: usize = 256 << 10;

/// How large the newest entries of the log are, so that each is read once to be counted.
#[derive(Debug, Default)]
pub struct LogSize {
    /// The first entry that is counted.
    from: u64,
    /// The first behind those that are counted.
    to: u64,
    bytes: u64,
}

impl Reader<'_> {
    /// The first entry of the log that is to stay where those written before a time go, and those beyond so
    /// many bytes (of entries, before compression), newest first. The last one always stays.
    ///
    /// The first call reads up to `max_bytes`, later ones with the same `size` what has come since.
    pub fn floor_of_log(
        &self,
        size: &mut LogSize,
        before: UnixTime,
        max_bytes: u64,
    ) -> Result<u64, StoreError> {
        let (first, head) = (self.log_floor()?, self.head()?);
        let young = self.floor_by_age(first, head, before)?;
        let large = size.floor(self, young, head, max_bytes)?;
        Ok(young.max(large).min(head))
    }

    /// The first entry that is young enough, found by halving: entries lie in the order of time.
    fn floor_by_age(&self, first: u64, head: u64, before: UnixTime) -> Result<u64, StoreError> {
        let (mut low, mut high) = (first, head);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.log_entry(middle)? {
                Some(entry) if entry.at >= before => high = middle,
                _ => low = middle + 1,
            }
        }
        Ok(low)
    }

    fn sizes(&self) -> Iter<'_> {
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        options.set_readahead_size(AHEAD);
        self.view.iter(schema::LOG, options)
    }
}

impl LogSize {
    /// The first of the newest entries that take at most `max_bytes`, not before `first`.
    fn floor(
        &mut self,
        reader: &Reader<'_>,
        first: u64,
        head: u64,
        max_bytes: u64,
    ) -> Result<u64, StoreError> {
        if self.to > head + 1 || self.from < reader.log_floor()? {
            // Another history, or nothing counted yet.
            *self = Self { from: head + 1, to: head + 1, bytes: 0 };
        }
        self.add_new(reader)?;
        self.drop_old(reader, first, max_bytes)?;
        self.add_old(reader, first, max_bytes)?;
        Ok(self.from)
    }

    fn add_new(&mut self, reader: &Reader<'_>) -> Result<(), StoreError> {
        let mut iter = reader.sizes();
        iter.seek(self.to.to_be_bytes());
        while let Some((key, value)) = iter.item() {
            self.to = read_seq(key)? + 1;
            self.bytes += size(key, value);
            iter.next();
        }
        Ok(iter.status()?)
    }

    /// Stops counting what is too old, and what is too much.
    fn drop_old(
        &mut self,
        reader: &Reader<'_>,
        first: u64,
        max_bytes: u64,
    ) -> Result<(), StoreError> {
        if self.from >= first && self.bytes <= max_bytes {
            return Ok(());
        }
        let mut iter = reader.sizes();
        iter.seek(self.from.to_be_bytes());
        while let Some((key, value)) = iter.item() {
            if self.from >= first && self.bytes <= max_bytes {
                break;
            }
            self.from = read_seq(key)? + 1;
            self.bytes = self.bytes.saturating_sub(size(key, value));
            iter.next();
        }
        Ok(iter.status()?)
    }

    /// Counts older entries, as many as there is room for.
    fn add_old(
        &mut self,
        reader: &Reader<'_>,
        first: u64,
        max_bytes: u64,
    ) -> Result<(), StoreError> {
        if self.from <= first {
            return Ok(());
        }
        let mut iter = reader.sizes();
        iter.seek_for_prev((self.from - 1).to_be_bytes());
        while let Some((key, value)) = iter.item() {
            let (seq, bytes) = (read_seq(key)?, self.bytes + size(key, value));
            if seq < first || bytes > max_bytes {
                break;
            }
            (self.from, self.bytes) = (seq, bytes);
            iter.prev();
        }
        Ok(iter.status()?)
    }
}

fn size(key: &[u8], value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}
