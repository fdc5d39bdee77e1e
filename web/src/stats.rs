//! The list in numbers: what it has, what changed, what it was asked. The server keeps figures by hour and day; here they are
//! added up for the zones that are shown.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use dnsbl_store::{Figures, FiguresRow, Reader, Span, StoreError};
use dnsbl_types::{Name, UnixTime};

use crate::{
    reading::{Failure, Reading},
    zones,
};

/// Seconds for which numbers are shown again.
const FRESH_FOR: u64 = 300;
/// Days that are shown, today included.
const DAYS: u32 = 30;
/// Hours that are shown, this one included.
const HOURS: u32 = 24;
/// Reasons that have a line of their own; the others share one.
const SERIES: usize = 5;

/// The numbers of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    /// When they were added up.
    pub(crate) at: UnixTime,
    /// By zone.
    pub(crate) zones: Vec<ZoneStats>,
    /// When the days began that there are figures of, the oldest first and none left out.
    pub(crate) days: Vec<UnixTime>,
    /// Listings by reason: a value for each day, the most frequent now first.
    pub(crate) reasons: Vec<ReasonStats>,
    /// What changed on each of the days.
    pub(crate) changes: Vec<ChangeStats>,
    /// How many listings were removed within these days, by how long they had been there: by the places in
    /// [`Figures::AGES`], and those above the last.
    pub(crate) ages: [u64; Figures::AGES.len() + 1],
    /// What was asked, by hour, the oldest first and none left out.
    pub(crate) hours: Vec<HourStats>,
}

/// The numbers of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZoneStats {
    pub(crate) origin: Name,
    pub(crate) listings: u64,
    pub(crate) exclusions: u64,
}

/// The listings of one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReasonStats {
    /// The zone, and the code where its listings are told apart by that; `None`: all other reasons.
    pub(crate) reason: Option<(Name, Option<Ipv4Addr>)>,
    /// By day; `None` where it is not known.
    pub(crate) listings: Vec<Option<u64>>,
}

/// What changed on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangeStats {
    pub(crate) added: u64,
    pub(crate) removed: u64,
    pub(crate) expired: u64,
}

/// What was asked in an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HourStats {
    pub(crate) began: UnixTime,
    /// Questions a second, in tenths.
    pub(crate) questions: u64,
    /// Those of them that were answered with a listing.
    pub(crate) listed: u64,
}

/// The numbers that were added up last: visitors can't have it done at will.
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

/// The numbers, added up anew where the last are old.
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
    let origins: HashSet<Name> = {
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

fn count(reader: &Reader<'_>, origins: &HashSet<Name>, now: UnixTime) -> Result<Stats, StoreError> {
    let zones = reader.zones()?.into_iter().filter(|it| origins.contains(&it.zone.origin));
    let zones = zones.map(|record| ZoneStats {
        origin: record.zone.origin.clone(),
        listings: record.listings,
        exclusions: record.exclusions,
    });
    let mut stats = Stats { at: now, zones: zones.collect(), ..Stats::default() };
    let rows = |span: Span, most: u32| {
        let first = span.of(now).saturating_sub(most - 1);
        let mut rows = Vec::new();
        reader.visit_figures(span, first, |row| {
            if origins.contains(&row.zone) && row.number <= span.of(now) {
                rows.push(row);
            }
        })?;
        Ok::<Vec<FiguresRow>, StoreError>(rows)
    };
    add_days(&mut stats, &rows(Span::Day, DAYS)?);
    add_hours(&mut stats, &rows(Span::Hour, HOURS)?);
    Ok(stats)
}

fn add_days(stats: &mut Stats, rows: &[FiguresRow]) {
    let Some(first) = rows.iter().map(|row| row.number).min() else { return };
    let today = Span::Day.of(stats.at);
    let count = (today - first + 1) as usize;
    stats.days = (first..=today).map(|day| Span::Day.began(day)).collect();
    stats.changes = vec![ChangeStats::default(); count];
    let mut reasons: HashMap<(Name, Option<Ipv4Addr>), Vec<Option<u64>>> = HashMap::new();
    for FiguresRow { number, zone, figures, .. } in rows {
        let at = (number - first) as usize;
        let changes = &mut stats.changes[at];
        changes.added += figures.added;
        changes.removed += figures.removed;
        changes.expired += figures.expired;
        for (sum, more) in stats.ages.iter_mut().zip(figures.ages) {
            *sum += more;
        }
        let Some(stock) = &figures.stock else { continue };
        let mut set = |code, listings| {
            let days = reasons.entry((zone.clone(), code));
            days.or_insert_with(|| vec![None; count])[at] = Some(listings);
        };
        match stock.codes.as_slice() {
            [] => set(None, stock.listings),
            codes => codes.iter().for_each(|(code, listings)| set(Some(*code), *listings)),
        }
    }
    stats.reasons = by_frequency(reasons, count);
}

/// The most frequent reasons, and one of all others.
fn by_frequency(
    reasons: HashMap<(Name, Option<Ipv4Addr>), Vec<Option<u64>>>,
    count: usize,
) -> Vec<ReasonStats> {
    let mut reasons: Vec<ReasonStats> = reasons
        .into_iter()
        .map(|(reason, listings)| ReasonStats { reason: Some(reason), listings })
        .collect();
    let name =
        |stats: &ReasonStats| stats.reason.as_ref().map(|(zone, code)| (zone.to_string(), *code));
    reasons.sort_by_cached_key(|stats| {
        let last = stats.listings.iter().rev().find_map(|listings| *listings);
        (std::cmp::Reverse(last), name(stats))
    });
    if reasons.len() > SERIES + 1 {
        let mut others = vec![None; count];
        for stats in reasons.drain(SERIES..) {
            for (sum, listings) in others.iter_mut().zip(stats.listings) {
                if let Some(listings) = listings {
                    *sum = Some(sum.unwrap_or(0) + listings);
                }
            }
        }
        reasons.push(ReasonStats { reason: None, listings: others });
    }
    reasons
}

fn add_hours(stats: &mut Stats, rows: &[FiguresRow]) {
    let Some(first) = rows.iter().map(|row| row.number).min() else { return };
    let mut sums: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry(row.number).or_default();
        sum.0 += row.figures.questions;
        sum.1 += row.figures.listed;
    }
    let hours = (first..=Span::Hour.of(stats.at)).map(|number| {
        let began = Span::Hour.began(number);
        let (questions, listed) = sums.get(&number).copied().unwrap_or_default();
        // Of this hour only a part is over.
        let seconds = stats.at.seconds_from(began).clamp(60, Span::Hour.seconds());
        let tenths = |count: u64| (count.saturating_mul(10) + seconds / 2) / seconds;
        HourStats { began, questions: tenths(questions), listed: tenths(listed) }
    });
    stats.hours = hours.collect();
}

#[cfg(test)]
mod tests {
    use dnsbl_store::Stock;

    use super::*;

    const NOW: UnixTime = UnixTime(20_000 * 86_400 + 43_200);

    fn row(span: Span, number: u32, zone: &str, figures: Figures) -> FiguresRow {
        FiguresRow { span, number, zone: zone.parse().unwrap(), figures }
    }

    fn stock(codes: &[(&str, u64)]) -> Figures {
        let codes = codes.iter().map(|(code, count)| (code.parse().unwrap(), *count)).collect();
        let stock = Stock { listings: 7, exclusions: 0, codes };
        Figures { added: 1, stock: Some(stock), ..Figures::default() }
    }

    #[test]
    fn days_without_figures_are_there_and_rare_reasons_share_a_line() {
        let mut stats = Stats { at: NOW, ..Stats::default() };
        let codes: Vec<(String, u64)> =
            (2..10).map(|code| (format!("127.0.0.{code}"), u64::from(code as u8))).collect();
        let codes: Vec<(&str, u64)> = codes.iter().map(|(code, count)| (&**code, *count)).collect();
        let rows = [
            row(Span::Day, 19_997, "a.example", stock(&[])),
            row(Span::Day, 20_000, "a.example", stock(&codes)),
            row(Span::Day, 20_000, "b.example", stock(&[])),
        ];
        add_days(&mut stats, &rows);
        assert_eq!(stats.days.len(), 4);
        assert_eq!(stats.changes.iter().map(|it| it.added).collect::<Vec<_>>(), [1, 0, 0, 2]);
        assert_eq!(stats.reasons.len(), SERIES + 1);
        let first = stats.reasons[0].reason.clone().unwrap();
        assert_eq!(first.1, Some("127.0.0.9".parse().unwrap()));
        let others = stats.reasons.last().unwrap();
        assert_eq!((&others.reason, others.listings.len()), (&None, 4));
        let last: u64 = stats.reasons.iter().filter_map(|it| *it.listings.last().unwrap()).sum();
        assert_eq!(last, (2..10).sum::<u64>() + 7);
        add_days(&mut stats, &[]);
    }

    #[test]
    fn questions_a_second_are_those_of_the_part_of_an_hour_that_is_over() {
        let mut stats = Stats { at: UnixTime(NOW.0 + 1800), ..Stats::default() };
        let hour = Span::Hour.of(NOW);
        let asked = |questions| Figures { questions, listed: 36, ..Figures::default() };
        let rows = [
            row(Span::Hour, hour - 2, "a.example", asked(36_000)),
            row(Span::Hour, hour, "a.example", asked(1_800)),
        ];
        add_hours(&mut stats, &rows);
        let tenths: Vec<u64> = stats.hours.iter().map(|hour| hour.questions).collect();
        assert_eq!(tenths, [100, 0, 10]);
    }
}
