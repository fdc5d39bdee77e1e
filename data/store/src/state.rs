//! What the writer knows of every zone without asking the database.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use dnsbl_types::{Name, Serial, Source, Zone};
use rocksdb::ReadOptions;

use crate::{
    StoreError, codec,
    key::{SegmentId, SegmentKey, ZoneId},
    scan::View,
    schema,
    value::{CopyValue, SegmentValue, StateValue, Written, ZoneValue},
};

/// A segment of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) key: SegmentKey,
    pub(crate) source: Source,
    /// Of rows that do not say otherwise.
    pub(crate) written: Written,
    /// Rows, tombstones included.
    pub(crate) rows: u64,
    /// The last change of what its source says that touched it, since the store was opened.
    pub(crate) changed: u64,
}

impl Segment {
    pub(crate) fn value(&self) -> SegmentValue {
        SegmentValue { source: self.source.to_string(), written: self.written.clone() }
    }
}

/// A zone and what is known of its rows.
#[derive(Clone, Debug)]
pub(crate) struct ZoneState {
    pub(crate) id: ZoneId,
    pub(crate) zone: Arc<Zone>,
    pub(crate) serial: Serial,
    pub(crate) listings: u64,
    pub(crate) exclusions: u64,
    /// Newest first.
    pub(crate) segments: Vec<Segment>,
}

impl ZoneState {
    /// The most sources that a zone may have listings of.
    pub(crate) const MAX_SOURCES: usize = 256;

    /// The segment that takes direct writes of a source.
    pub(crate) fn segment_of(&self, source: &Source) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.source == *source)
    }

    /// The segments of a source, newest first.
    pub(crate) fn segments_of<'a>(
        &'a self,
        source: &'a Source,
    ) -> impl Iterator<Item = &'a Segment> {
        self.segments.iter().filter(move |segment| segment.source == *source)
    }

    /// Whether what a source says has changed since change `seq`. Expiry counts, folding does not.
    pub(crate) fn changed_since(&self, source: &Source, seq: u64) -> bool {
        self.segments_of(source).any(|segment| segment.changed > seq)
    }

    pub(crate) fn segment_mut(&mut self, key: SegmentKey) -> Option<&mut Segment> {
        self.segments.iter_mut().find(|segment| segment.key == key)
    }

    pub(crate) fn count_sources(&self) -> usize {
        let mut sources: Vec<&Source> =
            self.segments.iter().map(|segment| &segment.source).collect();
        sources.sort_unstable();
        sources.dedup();
        sources.len()
    }

    /// Counts a row in or out.
    pub(crate) fn count(&mut self, exclusion: bool, by: i64) {
        let count = if exclusion { &mut self.exclusions } else { &mut self.listings };
        *count = count.saturating_add_signed(by);
    }

    pub(crate) fn state_value(&self) -> StateValue {
        StateValue {
            serial: self.serial.0,
            listings: self.listings,
            exclusions: self.exclusions,
            rows: self
                .segments
                .iter()
                .map(|segment| (segment.key.segment.0, segment.rows))
                .collect(),
        }
    }

    pub(crate) fn copy_value(&self) -> CopyValue {
        let segments = self.segments.iter().map(|s| (s.key.segment.0, s.value()));
        CopyValue { zone: self.zone_value(), segments: segments.collect() }
    }

    pub(crate) fn zone_value(&self) -> ZoneValue {
        ZoneValue { id: self.id.0, settings: (&*self.zone).into() }
    }
}

/// The key of the second copy of what `zones` and `segments` say of a zone.
pub(crate) fn copy_key(origin: &Name) -> Vec<u8> {
    [COPY, origin.wire()].concat()
}

/// What the keys of second copies begin with.
pub(crate) const COPY: &[u8] = b"copy/";

/// All zones, by origin.
pub(crate) type Zones = BTreeMap<Name, ZoneState>;

/// The key under which a zone's serial and counts are kept.
pub(crate) fn state_key(origin: &Name) -> Vec<u8> {
    [b"state/", origin.wire()].concat()
}

/// Reads the serial and counts of a zone that is or was.
pub(crate) fn read_state_value(
    view: &View<'_>,
    origin: &Name,
) -> Result<Option<StateValue>, StoreError> {
    let value = view.find(schema::META, &state_key(origin))?;
    value.map(|bytes| codec::decode("zone state", &bytes)).transpose()
}

/// Reads all zones with their segments.
pub(crate) fn read_zones(view: &View<'_>) -> Result<Zones, StoreError> {
    let mut segments = read_all_segments(view)?;
    let mut zones = Zones::new();
    let mut iter = view.iter(schema::ZONES, ReadOptions::default());
    iter.seek_to_first();
    while let Some(value) = iter.value() {
        let value: ZoneValue = codec::decode("zone", value)?;
        let of_zone = segments.remove(&ZoneId(value.id)).unwrap_or_default();
        let state = zone_state(view, value, of_zone)?;
        zones.insert(state.zone.origin.clone(), state);
        iter.next();
    }
    iter.status()?;
    Ok(zones)
}

/// Reads one zone with its segments.
pub(crate) fn read_zone(view: &View<'_>, origin: &Name) -> Result<Option<ZoneState>, StoreError> {
    let Some(value) = view.find(schema::ZONES, origin.wire())? else {
        return Ok(None);
    };
    let value: ZoneValue = codec::decode("zone", &value)?;
    let segments = read_segments(view, ZoneId(value.id))?;
    zone_state(view, value, segments).map(Some)
}

/// Segments as they stand in the database, oldest first.
type StoredSegments = Vec<(SegmentKey, SegmentValue)>;

fn zone_state(
    view: &View<'_>,
    value: ZoneValue,
    segments: StoredSegments,
) -> Result<ZoneState, StoreError> {
    let zone = Zone::try_from(value.settings)?;
    let state = read_state_value(view, &zone.origin)?.unwrap_or_default();
    let newest_first = segments.into_iter().rev();
    Ok(ZoneState {
        id: ZoneId(value.id),
        serial: Serial(state.serial),
        listings: state.listings,
        exclusions: state.exclusions,
        segments: newest_first
            .map(|(key, value)| segment(key, value, &state))
            .collect::<Result<_, _>>()?,
        zone: Arc::new(zone),
    })
}

fn read_segments(view: &View<'_>, zone: ZoneId) -> Result<StoredSegments, StoreError> {
    let mut segments = Vec::new();
    let mut iter = view.iter(schema::SEGMENTS, ReadOptions::default());
    iter.seek(zone.0.to_be_bytes());
    while let Some((key, value)) = iter.item() {
        let key = SegmentKey::read(key)?;
        if key.zone != zone {
            break;
        }
        segments.push((key, codec::decode("segment", value)?));
        iter.next();
    }
    iter.status()?;
    Ok(segments)
}

fn read_all_segments(view: &View<'_>) -> Result<HashMap<ZoneId, StoredSegments>, StoreError> {
    let mut segments: HashMap<ZoneId, StoredSegments> = HashMap::new();
    let mut iter = view.iter(schema::SEGMENTS, ReadOptions::default());
    iter.seek_to_first();
    while let Some((key, value)) = iter.item() {
        let key = SegmentKey::read(key)?;
        segments.entry(key.zone).or_default().push((key, codec::decode("segment", value)?));
        iter.next();
    }
    iter.status()?;
    Ok(segments)
}

fn segment(
    key: SegmentKey,
    value: SegmentValue,
    state: &StateValue,
) -> Result<Segment, StoreError> {
    let rows = state.rows.iter().find(|(id, _)| SegmentId(*id) == key.segment);
    Ok(Segment {
        key,
        source: crate::value::source(&value.source)?,
        written: value.written,
        rows: rows.map_or(0, |(_, rows)| *rows),
        changed: 0,
    })
}
