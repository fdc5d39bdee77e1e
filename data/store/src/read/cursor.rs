//! A walk through the rows of one segment, in the order of subjects.

use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{
        block, codec,
        key::{self, HostKey, SegmentKey},
        row::{self, ListingRow, Row},
        schema,
    },
    read::{
        state::Segment,
        view::{Iter, StoredRow, View},
    },
};

/// So many rows are walked over before RocksDB is asked to seek, which costs as much as some of them.
const STEPS: usize = 8;

/// A place among the rows of a segment; the addresses in its blocks are rows like all others here.
pub(crate) struct Cursor<'a> {
    pub(crate) segment: &'a Segment,
    hosts: Hosts<'a>,
    rows: Rows<'a>,
    /// Whether the blocks have the next subject.
    on_host: bool,
}

/// How much will be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Some rows: what is read stays in the cache.
    Some,
    /// A whole segment: it is read ahead and past the cache.
    All,
}

impl Reading {
    /// Options to read up to a key. Checksums are verified either way.
    pub(crate) fn options(self, end: impl Into<Vec<u8>>) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(end);
        if self == Self::All {
            options.fill_cache(false);
            options.set_readahead_size(256 << 10);
        }
        options
    }
}

impl<'a> Cursor<'a> {
    /// A place at the first subject that is not before `from`.
    pub(crate) fn new(
        view: &'a View<'_>,
        segment: &'a Segment,
        from: &[u8],
        reading: Reading,
    ) -> Result<Self, StoreError> {
        Self::in_family(schema::LISTINGS, view, segment, from, reading)
    }

    /// The same where the segment lies in another family.
    pub(crate) fn in_family(
        family: &str,
        view: &'a View<'_>,
        segment: &'a Segment,
        from: &[u8],
        reading: Reading,
    ) -> Result<Self, StoreError> {
        let (key, end) = (segment.key, segment.key.end());
        let mut cursor = Self {
            segment,
            hosts: Hosts {
                iter: view.iter(family, reading.options(key.rows())),
                segment: key,
                net: 0,
                lows: Vec::new(),
                at: 0,
                key: HostKey::default(),
            },
            rows: Rows {
                iter: view.iter(family, reading.options(end)),
                key: Vec::new(),
                segment: key,
            },
            on_host: false,
        };
        cursor.hosts.find(from)?;
        cursor.rows.find(from)?;
        cursor.settle();
        Ok(cursor)
    }

    /// The subject here; `None` behind the last.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        if self.on_host { Some(&self.hosts.key) } else { self.rows.key() }
    }

    /// The row here.
    pub(crate) fn stored(&self) -> Result<StoredRow, StoreError> {
        let row = match self.on_host {
            true => Row::Listing(Box::default()),
            false => codec::decode("listing", self.rows.value())?,
        };
        Ok(StoredRow { row, in_block: self.on_host })
    }

    /// The listing of the row here; `None` for a tombstone.
    ///
    /// What does not decide answers is left out where `whole` is false, which is cheaper.
    pub(crate) fn listing(&self, whole: bool) -> Result<Option<ListingRow>, StoreError> {
        if self.on_host {
            return Ok(Some(ListingRow::default()));
        }
        if whole {
            Ok(self.stored()?.row.into_listing())
        } else {
            row::decode_answer(self.rows.value())
        }
    }

    /// Whether the subject here is an address in a block.
    pub(crate) fn is_on_host(&self) -> bool {
        self.on_host
    }

    /// Takes the addresses from here on that are below `bound`, as far as one block has them and no row
    /// comes between.
    pub(crate) fn take_hosts(&mut self, bound: u64, out: &mut Vec<u32>) -> Result<(), StoreError> {
        let bound = self.rows.key().map_or(bound, |key| bound.min(key::hosts_before(key)));
        self.hosts.take(bound, out)?;
        self.settle();
        Ok(())
    }

    /// Goes to the next subject.
    pub(crate) fn next(&mut self) -> Result<(), StoreError> {
        if self.on_host {
            self.hosts.next()?;
        } else {
            self.rows.next()?;
        }
        self.settle();
        Ok(())
    }

    /// Goes on to the first subject that is not before `from`.
    pub(crate) fn seek(&mut self, from: &[u8]) -> Result<(), StoreError> {
        if self.key().is_some_and(|key| key < from) {
            self.hosts.seek(from)?;
            self.rows.seek(from)?;
            self.settle();
        }
        Ok(())
    }

    fn settle(&mut self) {
        self.on_host = match (self.hosts.key(), self.rows.key()) {
            (Some(host), Some(row)) => host < row,
            (host, _) => host.is_some(),
        };
    }
}

/// A place among the addresses in blocks.
struct Hosts<'a> {
    iter: Iter<'a>,
    segment: SegmentKey,
    net: u16,
    lows: Vec<u16>,
    at: usize,
    /// The address here, if there is one.
    key: HostKey,
}

impl Hosts<'_> {
    fn key(&self) -> Option<&[u8]> {
        (self.at < self.lows.len()).then_some(&self.key)
    }

    fn next(&mut self) -> Result<(), StoreError> {
        self.at += 1;
        if self.at >= self.lows.len() {
            self.iter.next();
            self.read()?;
        }
        self.settle();
        Ok(())
    }

    /// Takes the addresses of the block that are below `bound`.
    fn take(&mut self, bound: u64, out: &mut Vec<u32>) -> Result<(), StoreError> {
        let (net, rest) = (self.net, &self.lows[self.at..]);
        let count = rest.partition_point(|&low| u64::from(block::join(net, low)) < bound);
        out.extend(rest[..count].iter().map(|&low| block::join(net, low)));
        self.at += count;
        if self.at >= self.lows.len() && !self.lows.is_empty() {
            self.iter.next();
            self.read()?;
        }
        self.settle();
        Ok(())
    }

    /// Goes on to `from`: within the block, in the next one, or by a search.
    fn seek(&mut self, from: &[u8]) -> Result<(), StoreError> {
        if self.key().is_none_or(|key| key >= from) {
            return Ok(());
        }
        let Some((net, low)) = key::first_host(from).map(block::split) else {
            self.lows.clear();
            return Ok(());
        };
        if self.net < net {
            self.iter.next();
            self.read()?;
            if !self.lows.is_empty() && self.net < net {
                return self.find(from);
            }
        }
        self.skip_to(net, low)
    }

    /// Searches from anywhere.
    fn find(&mut self, from: &[u8]) -> Result<(), StoreError> {
        let Some((net, low)) = key::first_host(from).map(block::split) else {
            self.lows.clear();
            return Ok(());
        };
        self.iter.seek(self.segment.hosts(net));
        self.read()?;
        self.skip_to(net, low)
    }

    fn skip_to(&mut self, net: u16, low: u16) -> Result<(), StoreError> {
        if self.net == net {
            self.at += self.lows[self.at..].partition_point(|&there| there < low);
            if self.at >= self.lows.len() && !self.lows.is_empty() {
                self.iter.next();
                self.read()?;
            }
        }
        self.settle();
        Ok(())
    }

    /// Reads the block at the iterator.
    fn read(&mut self) -> Result<(), StoreError> {
        self.at = 0;
        self.lows.clear();
        match self.iter.item() {
            Some((key, value)) => {
                self.net = key::read_hosts(key)?;
                block::decode(value, &mut self.lows)
            }
            // The end and a read error look alike to an iterator.
            None => Ok(self.iter.status()?),
        }
    }

    fn settle(&mut self) {
        if let Some(&low) = self.lows.get(self.at) {
            self.key = key::host(block::join(self.net, low));
        }
    }
}

/// A place among the rows proper.
struct Rows<'a> {
    iter: Iter<'a>,
    segment: SegmentKey,
    /// The subject here; empty behind the last.
    key: Vec<u8>,
}

impl Rows<'_> {
    fn key(&self) -> Option<&[u8]> {
        (!self.key.is_empty()).then_some(&self.key)
    }

    fn value(&self) -> &[u8] {
        self.iter.value().unwrap_or_default()
    }

    fn next(&mut self) -> Result<(), StoreError> {
        self.iter.next();
        self.read()
    }

    fn seek(&mut self, from: &[u8]) -> Result<(), StoreError> {
        for _ in 0..STEPS {
            if self.key().is_none_or(|key| key >= from) {
                return Ok(());
            }
            self.next()?;
        }
        if self.key().is_some_and(|key| key < from) { self.find(from) } else { Ok(()) }
    }

    fn find(&mut self, from: &[u8]) -> Result<(), StoreError> {
        self.iter.seek(self.segment.row(from).max(self.segment.rows()));
        self.read()
    }

    fn read(&mut self) -> Result<(), StoreError> {
        self.key.clear();
        match self.iter.key() {
            Some(key) => self.key.extend_from_slice(&key[SegmentKey::LEN..]),
            None => self.iter.status()?,
        }
        Ok(())
    }
}
