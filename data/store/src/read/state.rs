//! Zones and their segments, as they are kept in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use dnsbl_types::{Listing, Name, Serial, Source, Subject, Zone};
use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{
        codec,
        freeze::{self, Frozen},
        key::{self, SegmentId, SegmentKey, ZoneId},
        row::ListingRow,
        schema,
        value::{self, CopyValue, SegmentValue, StateValue, WriteStamp, ZoneValue},
    },
    read::view::View,
};

/// A zone as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRecord {
    /// Its settings.
    pub zone: Zone,
    /// Its serial.
    pub serial: Serial,
    /// How many listings it has, expired ones left out.
    pub listings: u64,
    /// How many exclusions it has, expired ones left out.
    pub exclusions: u64,
    /// The sources that take no writes, by name.
    pub frozen: Vec<Source>,
}

/// A segment of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) key: SegmentKey,
    pub(crate) source: Source,
    /// Of rows that have none of their own. Each change of a zone copies its segments, but not this.
    pub(crate) stamp: Arc<WriteStamp>,
    /// Rows, tombstones included.
    pub(crate) rows: u64,
    /// The last change of what its source says that touched it, since the store was opened.
    pub(crate) changed: u64,
}

impl Segment {
    /// The listing that a row of this segment is.
    pub(crate) fn listing(
        &self,
        subject: Subject,
        row: &ListingRow,
    ) -> Result<Listing, StoreError> {
        row.listing(subject, &self.source, &self.stamp)
    }

    pub(crate) fn value(&self) -> SegmentValue {
        SegmentValue { source: self.source.to_string(), stamp: (*self.stamp).clone() }
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
    /// The sources that take no writes.
    pub(crate) frozen: Arc<Frozen>,
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

    /// Whether what a source says has changed since change `seq`. Expiry counts, compaction does not.
    pub(crate) fn changed_since(&self, source: &Source, seq: u64) -> bool {
        self.segments_of(source).any(|segment| segment.changed > seq)
    }

    /// The place of a segment among the zone's.
    pub(crate) fn place_of(&self, key: SegmentKey) -> Option<usize> {
        self.segments.iter().position(|segment| segment.key == key)
    }

    pub(crate) fn segment(&self, key: SegmentKey) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.key == key)
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

/// All zones, by origin.
pub(crate) type Zones = BTreeMap<Name, ZoneState>;

/// Reads the serial and counts of a zone that is or was.
pub(crate) fn read_state_value(
    view: &View<'_>,
    origin: &Name,
) -> Result<Option<StateValue>, StoreError> {
    let value = view.find(schema::META, &key::state(origin))?;
    value.map(|bytes| codec::decode("zone state", &bytes)).transpose()
}

/// Reads all zones with their segments.
pub(crate) fn read_zones(view: &View<'_>) -> Result<Zones, StoreError> {
    let mut segments = read_all_segments(view)?;
    let mut zones = Zones::new();
    let mut iter = view.iter(schema::ZONES, ReadOptions::default());
    iter.seek_to_first();
    while let Some(value) = iter.value() {
        let value = ZoneValue::decode(value)?;
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
    let value = ZoneValue::decode(&value)?;
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
        frozen: Arc::new(read_frozen(view, &zone.origin)?),
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
        source: value::source(&value.source)?,
        stamp: Arc::new(value.stamp),
        rows: rows.map_or(0, |(_, rows)| *rows),
        changed: 0,
    })
}

/// The first id that is free by what is noted under a key; 0 where nothing is.
pub(crate) fn read_free(view: &View<'_>, key: &[u8]) -> Result<u32, StoreError> {
    let found = view.find(schema::META, key)?;
    let id = found.as_deref().and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    Ok(id.unwrap_or(0))
}

/// The frozen sources of a zone.
fn read_frozen(view: &View<'_>, origin: &Name) -> Result<Frozen, StoreError> {
    let mut frozen = Frozen::new();
    let from = key::frozen(origin);
    let mut options = ReadOptions::default();
    options.set_iterate_upper_bound([&from[..], &[u8::MAX]].concat());
    let mut iter = view.iter(schema::META, options);
    iter.seek(from);
    while let Some(value) = iter.value() {
        let (_, source, freeze) = freeze::decode(value)?;
        frozen.insert(source, freeze);
        iter.next();
    }
    iter.status()?;
    Ok(frozen)
}

/// The first key among the expiries that may be there: what lies before was swept.
pub(crate) fn read_swept(view: &View<'_>) -> Result<Vec<u8>, StoreError> {
    Ok(view.find(schema::META, key::SWEPT)?.map(|key| key.to_vec()).unwrap_or_default())
}
