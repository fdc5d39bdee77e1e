//! What the store can tell of the list in numbers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use dnsbl_store::{LogEntry, Op, Reader, StoreError};
use dnsbl_types::{Name, UnixTime};

use crate::{
    reading::{Failure, Reading},
    zones,
};

/// Entries of the log that are counted at most; the counts say since when they hold.
const MAX_ENTRIES: u64 = 20_000;
/// Entries that are read at once.
const CHUNK: usize = 500;
/// Seconds for which numbers are shown again.
const FRESH_FOR: u64 = 300;
const DAY: u64 = 24 * 3600;
/// Days that are shown, today included.
const DAYS: u64 = 7;

/// The numbers of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    /// When they were counted.
    pub(crate) at: UnixTime,
    /// By zone.
    pub(crate) zones: Vec<ZoneStats>,
    /// Since when additions and removals are counted.
    pub(crate) since: Option<UnixTime>,
    /// By day of UTC, the oldest first; a day without any is left out.
    pub(crate) days: Vec<DayStats>,
}

/// The numbers of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZoneStats {
    pub(crate) origin: Name,
    pub(crate) listings: u64,
    pub(crate) exclusions: u64,
}

/// The numbers of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DayStats {
    /// When it began.
    pub(crate) began: UnixTime,
    pub(crate) added: u64,
    pub(crate) removed: u64,
}

/// The numbers that were counted last: visitors can't have them counted at will.
#[derive(Debug, Default)]
pub(crate) struct StatsCache {
    last: Mutex<Option<Arc<Stats>>>,
    counting: tokio::sync::Mutex<()>,
}

impl StatsCache {
    fn fresh(&self, now: UnixTime) -> Option<Arc<Stats>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().filter(|stats| now.0.abs_diff(stats.at.0) < FRESH_FOR)
    }

    fn keep(&self, stats: &Arc<Stats>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(stats.clone());
    }
}

/// The numbers, counted anew where the last are old.
///
/// # Errors
/// The store can't be read, or the index is not there yet.
pub(crate) async fn collect(
    reading: &Reading,
    cache: &StatsCache,
    now: UnixTime,
) -> Result<Arc<Stats>, Failure> {
    if let Some(stats) = cache.fresh(now) {
        return Ok(stats);
    }
    let _counting = cache.counting.lock().await;
    if let Some(stats) = cache.fresh(now) {
        return Ok(stats);
    }
    let origins: Vec<Name> = {
        let snapshot = reading.index.load();
        if !snapshot.is_loaded() {
            return Err(Failure::NotNow);
        }
        let zones = zones::shown(&snapshot, &reading.settings);
        zones.into_iter().map(|zone| zone.origin().clone()).collect()
    };
    let stats = Arc::new(reading.read(now, move |reader| count(reader, &origins, now)).await?);
    cache.keep(&stats);
    Ok(stats)
}

fn count(reader: &Reader<'_>, origins: &[Name], now: UnixTime) -> Result<Stats, StoreError> {
    let mut zones = Vec::new();
    for record in reader.zones()? {
        if origins.contains(&record.zone.origin) {
            let (listings, exclusions) = (record.listings, record.exclusions);
            zones.push(ZoneStats { origin: record.zone.origin.clone(), listings, exclusions });
        }
    }
    let head = reader.head()?;
    let mut after = reader.log_floor()?.saturating_sub(1).max(head.saturating_sub(MAX_ENTRIES));
    let first_day = UnixTime((now.0 / DAY).saturating_sub(DAYS - 1) * DAY);
    let mut days = BTreeMap::new();
    let mut since = None;
    while let Some(entries) = reader.log_after(after, CHUNK)?.filter(|entries| !entries.is_empty())
    {
        for entry in &entries {
            after = entry.seq;
            if entry.at >= first_day {
                since.get_or_insert(entry.at);
                add(&mut days, entry, origins);
            }
        }
    }
    Ok(Stats { at: now, zones, since, days: days.into_values().collect() })
}

/// Counts what an entry adds and removes.
fn add(days: &mut BTreeMap<u64, DayStats>, entry: &LogEntry, origins: &[Name]) {
    let began = UnixTime(entry.at.0 / DAY * DAY);
    for op in &entry.ops {
        if !op.zone().is_some_and(|zone| origins.contains(zone)) {
            continue;
        }
        let (added, removed) = match op {
            Op::Put { listing, previous: None, .. } => (u64::from(!listing.body.exclusion), 0),
            Op::Delete { previous, .. } => (0, u64::from(!previous.body.exclusion)),
            Op::Import { import, .. } => (import.counts.added, import.counts.removed),
            _ => continue,
        };
        let day = days.entry(began.0).or_insert(DayStats { began, ..DayStats::default() });
        day.added += added;
        day.removed += removed;
    }
}
