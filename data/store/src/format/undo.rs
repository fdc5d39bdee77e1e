//! What an undo needs of a change of many listings: what each source said before of the subjects that changed, and
//! what it said after. The rows lie in segments of a family of their own, which no zone names.

use std::sync::Arc;

use dnsbl_types::{Name, Source, UnixTime};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    format::{
        codec,
        key::{SegmentId, SegmentKey, ZoneId},
        value::{self, WriteStamp},
    },
};

/// The record of a change of many listings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UndoRecord {
    /// When it was made.
    pub(crate) at: UnixTime,
    /// The id by which people know it.
    pub(crate) id: String,
    /// One for each source of each zone.
    pub(crate) parts: Vec<UndoPart>,
}

/// What a change did to one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UndoPart {
    pub(crate) zone: ZoneId,
    pub(crate) origin: Name,
    pub(crate) source: Source,
    /// What was said before of the subjects that changed.
    pub(crate) before: Option<KeptRows>,
    /// What was said after.
    pub(crate) after: Option<KeptRows>,
}

/// Rows that are kept for an undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptRows {
    pub(crate) segment: SegmentId,
    /// Of rows that have none of their own.
    pub(crate) stamp: Arc<WriteStamp>,
    /// About how many bytes they take.
    pub(crate) bytes: u64,
}

impl UndoPart {
    /// The segments that it rests on.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (SegmentKey, u64)> {
        let sides = self.before.iter().chain(&self.after);
        sides.map(|kept| (SegmentKey { zone: self.zone, segment: kept.segment }, kept.bytes))
    }
}

/// A record as it is written.
#[derive(Serialize, Deserialize)]
struct RecordValue {
    at: u64,
    id: String,
    parts: Vec<PartValue>,
}

#[derive(Serialize, Deserialize)]
struct PartValue {
    zone: u32,
    origin: String,
    source: String,
    before: Option<KeptValue>,
    after: Option<KeptValue>,
}

#[derive(Serialize, Deserialize)]
struct KeptValue {
    segment: u32,
    stamp: WriteStamp,
    bytes: u64,
}

impl From<&KeptRows> for KeptValue {
    fn from(kept: &KeptRows) -> Self {
        let KeptRows { segment, stamp, bytes } = kept;
        Self { segment: segment.0, stamp: (**stamp).clone(), bytes: *bytes }
    }
}

impl From<KeptValue> for KeptRows {
    fn from(KeptValue { segment, stamp, bytes }: KeptValue) -> Self {
        Self { segment: SegmentId(segment), stamp: Arc::new(stamp), bytes }
    }
}

/// A record's value.
pub(crate) fn encode(record: &UndoRecord) -> Vec<u8> {
    let parts = record.parts.iter().map(|part| PartValue {
        zone: part.zone.0,
        origin: part.origin.to_string(),
        source: part.source.to_string(),
        before: part.before.as_ref().map(KeptValue::from),
        after: part.after.as_ref().map(KeptValue::from),
    });
    codec::encode(&RecordValue { at: record.at.0, id: record.id.clone(), parts: parts.collect() })
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(bytes: &[u8]) -> Result<UndoRecord, StoreError> {
    let RecordValue { at, id, parts } = codec::decode("undo record", bytes)?;
    let parts = parts.into_iter().map(|part| {
        Ok(UndoPart {
            zone: ZoneId(part.zone),
            origin: value::name(&part.origin)?,
            source: value::source(&part.source)?,
            before: part.before.map(KeptRows::from),
            after: part.after.map(KeptRows::from),
        })
    });
    Ok(UndoRecord { at: UnixTime(at), id, parts: parts.collect::<Result<_, StoreError>>()? })
}
