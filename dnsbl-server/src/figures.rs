//! Figures of zones by hour and day: what they were asked, what was added and removed, what they have. Collected once a
//! minute and kept in the store, so that they survive a restart and the change log's compaction.

use std::{
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
    time::Duration,
};

use dnsbl_store::{
    Figures, FiguresRow, Filter, LogEntry, Op, Reader, Span, Stock, Store, StoreError,
};
use dnsbl_types::{Clock, Name, UnixTime, Zone};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::dns::{Asked, Counters};

/// How often figures are collected and kept.
const EVERY: Duration = Duration::from_secs(60);
/// Hours and days that figures are kept for.
const HOURS: u32 = 8 * 24;
const DAYS: u32 = 400;
/// Changes of the log that are counted in one round: the first has all that the log still has.
const CHANGES: usize = 20_000;
/// Changes that are read at once.
const CHUNK: usize = 500;
/// The largest zone whose listings are counted by code, once a day.
const MOST_BY_CODE: u64 = 2_000_000;
/// Codes that are told apart.
const CODES: usize = 16;

/// The keeper of figures.
pub(crate) struct FiguresKeeper {
    store: Store,
    counters: Counters,
    /// What the counters said last, by zone.
    asked: HashMap<Name, Asked>,
    /// Listings by code, as they were last counted.
    codes: HashMap<Name, Vec<(Ipv4Addr, u64)>>,
    /// The day on which they were.
    coded: Option<u32>,
    /// The day on which old figures were last removed.
    pruned: Option<u32>,
    is_failing: bool,
    stop: CancellationToken,
}

/// A keeper at work.
pub(crate) struct RunningFigures {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

/// Figures that are not kept yet.
#[derive(Default)]
struct Pending(BTreeMap<(Span, u32, Name), Figures>);

impl FiguresKeeper {
    pub(crate) fn new(store: Store, counters: Counters) -> Self {
        Self {
            store,
            counters,
            asked: HashMap::new(),
            codes: HashMap::new(),
            coded: None,
            pruned: None,
            is_failing: false,
            stop: CancellationToken::new(),
        }
    }

    /// Begins to collect.
    pub(crate) fn start(self, clock: Clock) -> RunningFigures {
        let stop = self.stop.clone();
        RunningFigures { task: tokio::spawn(run(self, clock)), stop }
    }

    /// Collects what there is, and keeps it.
    fn round(&mut self, now: UnixTime) {
        match self.collect(now) {
            Ok(()) => self.is_failing = false,
            Err(err) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::error!(%err, "figures can't be kept; it is tried again and again");
                }
            }
        }
    }

    fn collect(&mut self, now: UnixTime) -> Result<(), StoreError> {
        let store = self.store.clone();
        let reader = store.read(now);
        let zones = reader.zones()?;
        let mut pending = Pending::default();
        let counted = count_changes(&reader, &mut pending)?;
        self.count_codes(&reader, now)?;
        let asked = self.counters.asked();
        for record in zones {
            let zone = &record.zone.origin;
            let before = self.asked.get(zone).copied().unwrap_or_default();
            let asked = asked.get(zone).copied().unwrap_or_default();
            let figures = Figures {
                // A zone that was put anew counts anew.
                questions: asked.questions.checked_sub(before.questions).unwrap_or(asked.questions),
                listed: asked.listed.checked_sub(before.listed).unwrap_or(asked.listed),
                stock: Some(Stock {
                    listings: record.listings,
                    exclusions: record.exclusions,
                    codes: self.codes.get(zone).cloned().unwrap_or_default(),
                }),
                ..Figures::default()
            };
            pending.add(zone, now, &figures);
        }
        let rows: Vec<FiguresRow> = pending.rows().collect();
        store.add_figures(&rows, counted)?;
        self.asked = asked;
        Ok(())
    }

    /// Counts the listings of each zone by code, once a day.
    fn count_codes(&mut self, reader: &Reader<'_>, now: UnixTime) -> Result<(), StoreError> {
        let today = Span::Day.of(now);
        if self.coded == Some(today) {
            return Ok(());
        }
        let mut all = HashMap::new();
        for record in reader.zones()? {
            if record.listings <= MOST_BY_CODE {
                let codes = self.codes_of(reader, &record.zone)?;
                all.insert(record.zone.origin.clone(), codes);
            }
        }
        (self.codes, self.coded) = (all, Some(today));
        Ok(())
    }

    fn codes_of(
        &self,
        reader: &Reader<'_>,
        zone: &Zone,
    ) -> Result<Vec<(Ipv4Addr, u64)>, StoreError> {
        let mut counts: HashMap<Ipv4Addr, u64> = HashMap::new();
        let usual = zone.return_codes.first().copied();
        let stop = self.stop.clone();
        reader.each(
            &zone.origin,
            &Filter::all(),
            || stop.is_cancelled(),
            |listing| {
                let own = listing.body.return_codes.first().copied();
                if let Some(code) = own.or(usual).filter(|_| !listing.body.exclusion) {
                    *counts.entry(code.addr()).or_default() += 1;
                }
                true
            },
        )?;
        let mut counts: Vec<(Ipv4Addr, u64)> = counts.into_iter().collect();
        counts.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
        counts.truncate(CODES);
        Ok(counts)
    }

    /// Removes what is too old, once a day and while the clock is believed.
    fn prune(&mut self, believed: Option<UnixTime>) {
        let Some(now) = believed else { return };
        let today = Span::Day.of(now);
        if self.pruned == Some(today) {
            return;
        }
        for (span, kept) in [(Span::Hour, HOURS), (Span::Day, DAYS)] {
            let first = span.of(now).saturating_sub(kept);
            if let Err(err) = self.store.drop_figures_before(span, first) {
                return tracing::error!(%err, "old figures could not be removed");
            }
        }
        self.pruned = Some(today);
    }
}

impl RunningFigures {
    /// Collects and keeps once more, and ends.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        // It has logged why it failed.
        let _ = self.task.await;
    }
}

impl Pending {
    fn add(&mut self, zone: &Name, at: UnixTime, figures: &Figures) {
        for span in [Span::Hour, Span::Day] {
            *self.0.entry((span, span.of(at), zone.clone())).or_default() += figures.clone();
        }
    }

    fn rows(self) -> impl Iterator<Item = FiguresRow> {
        self.0.into_iter().map(|((span, number, zone), figures)| FiguresRow {
            span,
            number,
            zone,
            figures,
        })
    }
}

async fn run(mut keeper: FiguresKeeper, clock: Clock) {
    let stop = keeper.stop.clone();
    let mut next = Instant::now();
    loop {
        let is_last = tokio::select! {
            () = sleep_until(next) => false,
            () = stop.cancelled() => true,
        };
        next = Instant::now() + EVERY;
        let believed = clock.believed();
        let round = spawn_blocking(move || {
            keeper.round(UnixTime::now());
            keeper.prune(believed);
            keeper
        });
        match round.await {
            Ok(after) if !is_last => keeper = after,
            Ok(_) => return,
            Err(err) => return tracing::error!(%err, "figures are collected no more"),
        }
    }
}

/// Counts what changed since the last round, at the time it did; the number of the last change that was counted.
fn count_changes(reader: &Reader<'_>, pending: &mut Pending) -> Result<u64, StoreError> {
    let floor = reader.log_floor()?.saturating_sub(1);
    let mut after = reader.counted()?.unwrap_or(floor).max(floor);
    for _ in 0..CHANGES / CHUNK {
        let Some(entries) = reader.log_after(after, CHUNK)?.filter(|entries| !entries.is_empty())
        else {
            break;
        };
        for entry in &entries {
            after = entry.seq;
            count_entry(entry, pending);
        }
    }
    Ok(after)
}

fn count_entry(entry: &LogEntry, pending: &mut Pending) {
    for op in &entry.ops {
        let mut figures = Figures::default();
        match op {
            Op::Put { listing, previous: None, .. } if !listing.body.exclusion => figures.added = 1,
            Op::Delete { previous, expired, .. } if !previous.body.exclusion => match expired {
                true => figures.expired = 1,
                false => figures.count_removal(entry.at.seconds_from(previous.listed_at)),
            },
            Op::Import { import, .. } => {
                (figures.added, figures.removed) = (import.counts.added, import.counts.removed);
            }
            Op::Purge { purge, .. } => figures.removed = purge.counts.removed,
            Op::Undo { part: Some(part), .. } => {
                let counts = &part.done.counts;
                (figures.added, figures.removed) = (counts.added, counts.removed);
            }
            _ => continue,
        }
        if let Some(zone) = op.zone() {
            pending.add(zone, entry.at, &figures);
        }
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_index::IndexWriter;
    use dnsbl_store::{Actor, Change, Operation, Precondition, Sources};
    use dnsbl_types::{ListingBody, Reason, ZoneKind, ZoneSpec};
    use tempfile::TempDir;

    use super::*;

    /// Noon of a day.
    const NOON: UnixTime = UnixTime(20_000 * 86_400 + 43_200);

    struct Fixture {
        store: Store,
        keeper: FiguresKeeper,
        zone: Name,
        _dir: TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            let dir = TempDir::new().unwrap();
            let store = Store::open(dir.path()).unwrap();
            let mut writer = IndexWriter::new(Default::default());
            store.load(&mut writer).unwrap();
            store.start(Box::new(writer)).unwrap();
            let zone: Name = "bl.example.org".parse().unwrap();
            let ns = "ns1.example.net".parse().unwrap();
            let reason: Reason = "Listed: $".parse().unwrap();
            let spec = ZoneSpec::new(zone.clone(), ZoneKind::Ip, vec![ns], reason);
            let keeper = FiguresKeeper::new(store.clone(), Counters::new(1).unwrap());
            let fixture = Self { store, keeper, zone, _dir: dir };
            let zone = Box::new(spec.check().unwrap());
            fixture.change(Operation::PutZone { zone, serial_floor: None }, NOON);
            fixture
        }

        fn change(&self, operation: Operation, at: UnixTime) {
            self.store.commit(Change::new(Actor::part("test"), operation), at).unwrap();
        }

        fn list(&self, subject: &str, body: ListingBody, at: UnixTime) {
            let put = Operation::PutListing {
                zone: self.zone.clone(),
                subject: subject.parse().unwrap(),
                source: "test".parse().unwrap(),
                body: Box::new(body),
                precondition: Precondition::None,
            };
            self.change(put, at);
        }

        fn remove(&self, subject: &str, at: UnixTime) {
            let delete = Operation::DeleteListing {
                zone: self.zone.clone(),
                subject: subject.parse().unwrap(),
                sources: Sources::All,
                precondition: Precondition::None,
            };
            self.change(delete, at);
        }

        fn figures(&self, span: Span) -> Vec<(u32, Figures)> {
            let mut rows = Vec::new();
            let visit = |row: FiguresRow| rows.push((row.number, row.figures));
            self.store.read(NOON).visit_figures(span, 0, visit).unwrap();
            rows
        }
    }

    #[test]
    fn what_changed_is_counted_once_at_its_time_whenever_it_is_collected() {
        let mut fixture = Fixture::new();
        fixture.list("192.0.2.1", ListingBody::default(), NOON);
        let own = ListingBody {
            return_codes: vec!["127.0.0.4".parse().unwrap()],
            ..ListingBody::default()
        };
        fixture.list("192.0.2.2", own, NOON.plus(3600));
        fixture.remove("192.0.2.1", NOON.plus(7200));
        for later in [7300, 7400, 90_000] {
            fixture.keeper.round(NOON.plus(later));
        }
        let days = fixture.figures(Span::Day);
        let [(20_000, first), (20_001, second)] = days.as_slice() else { panic!("{days:?}") };
        assert_eq!((first.added, first.removed, first.expired), (2, 1, 0));
        assert_eq!(first.ages, [0, 1, 0, 0, 0, 0, 0]);
        assert_eq!((second.added, second.removed), (0, 0));
        let stock = second.stock.clone().unwrap();
        assert_eq!((stock.listings, stock.codes), (1, vec![("127.0.0.4".parse().unwrap(), 1)]));
        let added: Vec<u64> = fixture.figures(Span::Hour).iter().map(|(_, it)| it.added).collect();
        assert_eq!(added, [1, 1, 0, 0]);
        // Not again after a restart.
        fixture.keeper = FiguresKeeper::new(fixture.store.clone(), Counters::new(1).unwrap());
        fixture.keeper.round(NOON.plus(90_060));
        assert_eq!(fixture.figures(Span::Day)[0].1.added, 2);
    }

    #[test]
    fn old_figures_go_while_the_clock_is_believed() {
        let mut fixture = Fixture::new();
        fixture.keeper.round(NOON);
        fixture.keeper.prune(None);
        fixture.keeper.prune(Some(NOON.plus(7 * 86_400)));
        assert_eq!((fixture.figures(Span::Hour).len(), fixture.figures(Span::Day).len()), (1, 1));
        fixture.keeper.prune(Some(NOON.plus(9 * 86_400)));
        assert_eq!((fixture.figures(Span::Hour).len(), fixture.figures(Span::Day).len()), (0, 1));
        fixture.keeper.prune(Some(NOON.plus(401 * 86_400)));
        assert_eq!(fixture.figures(Span::Day), []);
    }
}
