//! Reading the change log.

use std::collections::{BTreeMap, BTreeSet};

use dnsbl_types::{Name, Subject, UnixTime};
use rocksdb::ReadOptions;

use crate::{
    Op, StoreError,
    format::{
        log::{LogEntry, decode_entry, read_seq},
        schema,
    },
    read::{reader::Reader, view::View},
};

/// Bytes of the log that are read at once, about. Documents make entries large.
const READ_BYTES: usize = 4 << 20;

impl Reader<'_> {
    /// The last sequence number; 0 before the first change.
    pub fn head(&self) -> Result<u64, StoreError> {
        let mut iter = self.view.iter(schema::LOG, ReadOptions::default());
        iter.seek_to_last();
        let head = iter.key().map(read_seq).transpose()?;
        iter.status()?;
        Ok(head.unwrap_or(0))
    }

    /// The history this is.
    pub fn epoch(&self) -> Result<u64, StoreError> {
        let value = self.view.find(schema::META, b"epoch")?;
        value.map_or(Ok(1), |bytes| read_seq(&bytes))
    }

    /// When the last backup was handed over whole; `None` where none was.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn last_backup(&self) -> Result<Option<UnixTime>, StoreError> {
        let value = self.view.find(schema::META, schema::LAST_BACKUP)?;
        value.map(|bytes| read_seq(&bytes).map(UnixTime)).transpose()
    }

    /// The oldest entry that is still there; 1 before any compaction.
    pub fn log_floor(&self) -> Result<u64, StoreError> {
        read_floor(&self.view)
    }

    /// At most `limit` entries after `seq`, fewer where they are large, none only behind the last; `None` if
    /// some of those were compacted away.
    pub fn log_after(&self, seq: u64, limit: usize) -> Result<Option<Vec<LogEntry>>, StoreError> {
        self.log_within(seq, limit, READ_BYTES)
    }

    /// The same up to so many bytes, and then the rest of an entry.
    pub(crate) fn log_within(
        &self,
        seq: u64,
        limit: usize,
        bytes: usize,
    ) -> Result<Option<Vec<LogEntry>>, StoreError> {
        if seq.saturating_add(1) < self.log_floor()? {
            return Ok(None);
        }
        let (mut entries, mut read) = (Vec::new(), 0);
        let mut iter = self.view.iter(schema::LOG, ReadOptions::default());
        iter.seek(seq.saturating_add(1).to_be_bytes());
        while let Some((key, value)) = iter.item().filter(|_| entries.len() < limit && read < bytes)
        {
            read += value.len();
            entries.push(decode_entry(read_seq(key)?, value)?);
            iter.next();
        }
        iter.status()?;
        Ok(Some(entries))
    }

    /// One entry, if it is still there.
    pub fn log_entry(&self, seq: u64) -> Result<Option<LogEntry>, StoreError> {
        let value = self.view.find(schema::LOG, &seq.to_be_bytes())?;
        value.map(|bytes| decode_entry(seq, &bytes)).transpose()
    }
}

/// The subjects of some zones that changed after a change; `None` where these or the changes are more than so many,
/// or changed more than the log tells.
pub(crate) fn touched_since<'a>(
    view: &View<'_>,
    zones: impl IntoIterator<Item = &'a Name>,
    seq: u64,
    most: usize,
) -> Result<Option<BTreeMap<Name, BTreeSet<Subject>>>, StoreError> {
    let mut touched: BTreeMap<_, _> =
        zones.into_iter().map(|origin| (origin.clone(), BTreeSet::new())).collect();
    let (mut looked, mut found) = (0, 0);
    let mut iter = view.iter(schema::LOG, ReadOptions::default());
    iter.seek(seq.saturating_add(1).to_be_bytes());
    while let Some((key, value)) = iter.item() {
        let next = read_seq(key)?;
        looked += 1;
        // Entries that were dropped say nothing any more.
        if looked > most || next != seq + looked as u64 {
            return Ok(None);
        }
        for op in decode_entry(next, value)?.ops {
            let Some(subjects) = op.zone().and_then(|origin| touched.get_mut(origin)) else {
                continue;
            };
            match op {
                Op::Put { listing, .. } | Op::Delete { previous: listing, .. } => {
                    found += usize::from(subjects.insert(listing.subject));
                }
                Op::PutZone { previous: Some(_), .. }
                | Op::PutSource { .. }
                | Op::PutAllow { .. }
                | Op::DeleteAllow { .. } => {}
                // A zone that is new, too: whoever has not seen it has nothing of it.
                _ => return Ok(None),
            }
        }
        if found > most {
            return Ok(None);
        }
        iter.next();
    }
    iter.status()?;
    Ok(Some(touched))
}

/// The oldest entry that is still there; 1 before any was dropped.
pub(crate) fn read_floor(view: &View<'_>) -> Result<u64, StoreError> {
    let value = view.find(schema::META, b"log_floor")?;
    value.map_or(Ok(1), |bytes| read_seq(&bytes))
}
