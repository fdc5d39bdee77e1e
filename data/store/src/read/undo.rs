//! Reading what is kept for undoing changes of many listings.

use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{
        key::SegmentKey,
        log::read_seq,
        schema,
        undo::{self, UndoRecord},
    },
    read::{reader::Reader, view::View},
};

/// The size of what is kept for undoing one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeptSize {
    pub(crate) seq: u64,
    pub(crate) bytes: u64,
}

impl Reader<'_> {
    /// The change that made an import, a purge or an undo of many listings, by its id: the newest, as far as what an
    /// undo needs is still kept.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn change_of_import(&self, id: &str) -> Result<Option<u64>, StoreError> {
        let mut found = None;
        each(&self.view, |seq, record| {
            found = if record.id == id { Some(seq) } else { found };
        })?;
        Ok(found)
    }

    /// The first change of many listings of which what an undo needs is to stay, where at most so many bytes are kept,
    /// newest first; the newest always stays.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn floor_of_undo(&self, max_bytes: u64) -> Result<u64, StoreError> {
        let mut sizes: Vec<KeptSize> = Vec::new();
        each(&self.view, |seq, record| {
            let segments = record.parts.iter().flat_map(|part| part.segments());
            let bytes = segments.map(|(_, bytes)| bytes).sum();
            sizes.push(KeptSize { seq, bytes });
        })?;
        let (mut floor, mut sum) = (u64::MAX, 0u64);
        for KeptSize { seq, bytes } in sizes.into_iter().rev() {
            sum = sum.saturating_add(bytes);
            if sum > max_bytes && floor != u64::MAX {
                break;
            }
            floor = seq;
        }
        Ok(if floor == u64::MAX { 0 } else { floor })
    }
}

/// The record of a change.
pub(crate) fn read(view: &View<'_>, seq: u64) -> Result<Option<UndoRecord>, StoreError> {
    let value = view.find(schema::UNDO, &seq.to_be_bytes())?;
    value.map(|bytes| undo::decode(&bytes)).transpose()
}

/// All records, the oldest first.
pub(crate) fn each(
    view: &View<'_>,
    mut visit: impl FnMut(u64, UndoRecord),
) -> Result<(), StoreError> {
    let mut iter = view.iter(schema::UNDO, ReadOptions::default());
    iter.seek_to_first();
    while let Some((key, value)) = iter.item() {
        visit(read_seq(key)?, undo::decode(value)?);
        iter.next();
    }
    iter.status()
}

/// All segments that records name.
pub(crate) fn read_segments(view: &View<'_>) -> Result<Vec<SegmentKey>, StoreError> {
    let mut segments = Vec::new();
    each(view, |_, record| {
        let parts = record.parts.iter();
        segments.extend(parts.flat_map(|part| part.segments()).map(|(key, _)| key));
    })?;
    Ok(segments)
}
