//! Usage of subscribers, and what is spent of daily quotas: collected from the meters, kept in the store, and put
//! back at the start, so that no restart gives a fresh day.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use dnsbl_index::{Index, IndexedSubscriber};
use dnsbl_store::{Spent, Store, StoreError, UsageRow};
use dnsbl_types::{Clock, Day, Name, SubscriberId, UnixTime, Usage};
use prometheus::{IntCounterVec, IntGauge, Opts, Registry};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::dns::AccessControl;

/// How often usage is collected and kept: what an end without warning may cost.
const EVERY: Duration = Duration::from_secs(20);
/// Who is no subscriber and has asked less is not kept.
const LEAST: u32 = 10;
/// Rows that are written with one sync.
const ROWS: usize = 10_000;
/// Warnings of one round that name a subscriber.
const WARNINGS: usize = 20;
/// The part of a daily quota at which a warning is due, in percent.
const WARN_AT: u64 = 80;

/// What becomes of questions.
const RESULTS: [&str; 3] = ["listed", "refused", "other"];

/// Subscribers whose meters were replaced while somebody may still count on them. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Replaced(Arc<Mutex<Vec<IndexedSubscriber>>>);

/// Shows what was collected.
#[derive(Clone)]
pub(crate) struct UsageMetrics {
    queries: IntCounterVec,
    subscribers: IntGauge,
    over: IntGauge,
    kept: IntGauge,
}

/// The keeper of usage.
pub(crate) struct UsageKeeper {
    store: Store,
    index: Arc<Index>,
    access: Arc<AccessControl>,
    replaced: Replaced,
    metrics: UsageMetrics,
    /// How many days usage is kept.
    days: u32,
    /// The day of the last round.
    day: Day,
    /// The day on which old usage was last removed.
    pruned: Day,
    /// Whether the last round could not be kept.
    is_failing: bool,
    /// What is collected and not kept yet.
    pending: BTreeMap<(Day, SubscriberId, Name), Usage>,
    spent: SpentBefore,
    /// Who has been warned of today.
    warned: HashSet<SubscriberId>,
}

/// What is known to be kept of what is spent.
#[derive(Default)]
struct SpentBefore {
    subscribers: HashMap<SubscriberId, u32>,
    others: HashMap<u64, u32>,
}

/// A keeper at work.
pub(crate) struct RunningUsage {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Replaced {
    /// Remembers one.
    pub(crate) fn push(&self, subscriber: IndexedSubscriber) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(subscriber);
    }

    /// Shows all of them, and forgets those on whose meters nobody can count any more.
    fn visit(&self, mut visit: impl FnMut(&IndexedSubscriber)) {
        let mut replaced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        replaced.retain(|subscriber| {
            // Before its counts are taken: whoever held it may have counted until then.
            let is_held = Arc::strong_count(subscriber.meter()) > 1;
            visit(subscriber);
            is_held
        });
    }
}

impl UsageMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let queries = IntCounterVec::new(
            Opts::new(
                "dnsbl_subscriber_queries_total",
                "DNS queries of subscribers, by zone and result",
            ),
            &["zone", "result"],
        )?;
        let subscribers = IntGauge::new("dnsbl_subscribers", "Subscribers that DNS knows")?;
        let over = IntGauge::new(
            "dnsbl_subscribers_over_80_percent",
            "Subscribers that have asked 80 % of what they may ask today, or more",
        )?;
        let kept = IntGauge::new(
            "dnsbl_usage_kept_timestamp_seconds",
            "When usage was last kept, in seconds since 1970",
        )?;
        registry.register(Box::new(kept.clone()))?;
        registry.register(Box::new(queries.clone()))?;
        registry.register(Box::new(subscribers.clone()))?;
        registry.register(Box::new(over.clone()))?;
        Ok(Self { queries, subscribers, over, kept })
    }

    /// Shows a zone.
    pub(crate) fn show(&self, zone: &Name) {
        self.count(zone, Usage::default());
    }

    /// Shows a zone no more.
    pub(crate) fn forget(&self, zone: &Name) {
        let zone = zone.to_string();
        for result in RESULTS {
            // It need not have been shown.
            let _ = self.queries.remove_label_values(&[zone.as_str(), result]);
        }
    }

    fn count(&self, zone: &Name, usage: Usage) {
        let zone = zone.to_string();
        let Usage { questions, listed, refused } = usage;
        let other = questions.saturating_sub(listed).saturating_sub(refused);
        for (result, count) in RESULTS.into_iter().zip([listed, refused, other]) {
            self.queries.with_label_values(&[zone.as_str(), result]).inc_by(count);
        }
    }
}

impl UsageKeeper {
    /// A keeper of usage for so many days.
    pub(crate) fn new(
        store: Store,
        index: Arc<Index>,
        access: Arc<AccessControl>,
        replaced: Replaced,
        metrics: UsageMetrics,
        days: u32,
    ) -> Self {
        Self {
            store,
            index,
            access,
            replaced,
            metrics,
            days,
            day: Day(0),
            pruned: Day(0),
            is_failing: false,
            pending: BTreeMap::new(),
            spent: SpentBefore::default(),
            warned: HashSet::new(),
        }
    }

    /// Puts back what those who are no subscribers have spent today; `fresh` becomes the key of their table where there is
    /// none yet.
    ///
    /// Before the first zone is answered.
    pub(crate) fn restore_others(&self, fresh: [u8; 16], now: UnixTime) -> Result<(), StoreError> {
        let (reader, day) = (self.store.read(now), Day::of(now));
        let key = reader.quota_key()?;
        self.access.quotas().start(key.unwrap_or(fresh));
        match key {
            Some(_) => self.access.quotas().restore(day, &reader.spent(day)?.others),
            // Where the disk is full the next start begins a fresh day.
            None => drop(self.store.keep_quota_key(fresh)),
        }
        Ok(())
    }

    /// Puts back what subscribers have spent today. What they ask meanwhile is counted too.
    pub(crate) fn restore_subscribers(&mut self, now: UnixTime) -> Result<(), StoreError> {
        let day = Day::of(now);
        let spent = self.store.read(now).spent(day)?.subscribers;
        let mut asked: HashMap<SubscriberId, u32> = spent.iter().copied().collect();
        self.spent.subscribers.clone_from(&asked);
        let warned = &mut self.warned;
        self.index.load().subscribers().visit(|subscriber| {
            if let Some(asked) = asked.remove(&subscriber.id()) {
                subscriber.meter().allowance.restore(day, asked);
                if is_over(subscriber, day) {
                    warned.insert(subscriber.id());
                }
            }
        });
        self.day = day;
        Ok(())
    }

    /// Begins to collect.
    pub(crate) fn start(self, clock: Clock) -> RunningUsage {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(self, clock, stop.clone()));
        RunningUsage { task, stop }
    }

    /// Collects what was counted, and keeps it. A clock that steps back begins no other day.
    fn round(&mut self, now: UnixTime) {
        let day = Day::of(now).max(self.day);
        self.collect(day);
        match self.keep(day) {
            Ok(()) => {
                self.metrics.kept.set(now.0 as i64);
                self.is_failing = false;
            }
            Err(err) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::error!(%err, "usage can't be kept; it is tried again and again");
                }
            }
        }
    }

    /// Removes what is too old, once a day and while the clock is believed.
    fn prune(&mut self, believed: Option<UnixTime>) {
        let Some(today) = believed.map(Day::of).filter(|today| *today > self.pruned) else {
            return;
        };
        match self.store.drop_usage_before(Day(today.0.saturating_sub(self.days))) {
            Ok(()) => self.pruned = today,
            Err(err) => tracing::error!(%err, "old usage could not be removed"),
        }
    }

    /// Collects what was counted since the last round, for the day of that.
    fn collect(&mut self, today: Day) {
        let of = if self.day == Day(0) { today } else { self.day };
        if today > self.day {
            self.warned.clear();
            self.spent = SpentBefore::default();
            self.day = today;
        }
        let (mut ids, mut over, mut silent) = (HashSet::new(), 0, 0);
        let snapshot = self.index.load();
        let (pending, warned, metrics) = (&mut self.pending, &mut self.warned, &self.metrics);
        let mut take = |subscriber: &IndexedSubscriber| {
            for (place, zone) in subscriber.zones().iter().enumerate() {
                let usage = subscriber.meter().collect(place);
                if !usage.is_none() {
                    if snapshot.zone(zone).is_some() {
                        metrics.count(zone, usage);
                    }
                    *pending.entry((of, subscriber.id(), zone.clone())).or_default() += usage;
                }
            }
        };
        snapshot.subscribers().visit(|subscriber| {
            // Each is seen once for each key and network.
            if !ids.insert(subscriber.id()) {
                return;
            }
            take(subscriber);
            if is_over(subscriber, today) {
                over += 1;
                if warned.insert(subscriber.id()) {
                    silent += usize::from(!warn(subscriber, today, over));
                }
            }
        });
        if silent > 0 {
            tracing::warn!(
                subscribers = silent,
                "more subscribers have asked 80 % of what they may ask today"
            );
        }
        self.replaced.visit(take);
        self.metrics.subscribers.set(ids.len() as i64);
        self.metrics.over.set(over as i64);
    }

    /// Keeps what was collected; what is not kept stays.
    fn keep(&mut self, day: Day) -> Result<(), StoreError> {
        let mut spent = self.newly_spent(day);
        loop {
            let rows: Vec<UsageRow> = self.pending.iter().take(ROWS).map(row).collect();
            if rows.is_empty() && spent.subscribers.is_empty() && spent.others.is_empty() {
                return Ok(());
            }
            self.store.add_usage(&rows, &spent)?;
            for UsageRow { day, subscriber, zone, .. } in rows {
                self.pending.remove(&(day, subscriber, zone));
            }
            self.spent.subscribers.extend(spent.subscribers.drain(..));
            self.spent.others.extend(spent.others.drain(..));
        }
    }

    /// What is spent on a day and not kept yet.
    fn newly_spent(&self, day: Day) -> Spent {
        let (mut subscribers, before) = (Vec::new(), &self.spent);
        self.index.load().subscribers().visit(|subscriber| {
            let (id, asked) = (subscriber.id(), subscriber.meter().allowance.asked_on(day));
            if asked > 0 && before.subscribers.get(&id) != Some(&asked) {
                subscribers.push((id, asked));
            }
        });
        let is_new = |(who, asked): &(u64, u32)| before.others.get(who) != Some(asked);
        let others = self.access.quotas().spent(day, LEAST).filter(is_new).collect();
        Spent { day, subscribers, others }
    }
}

impl RunningUsage {
    /// Collects and keeps once more, and ends.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        // It has logged why it failed.
        let _ = self.task.await;
    }
}

async fn run(mut keeper: UsageKeeper, clock: Clock, stop: CancellationToken) {
    loop {
        let next = Instant::now() + until_next(UnixTime::now());
        let is_last = tokio::select! {
            () = sleep_until(next) => false,
            () = stop.cancelled() => true,
        };
        let believed = clock.believed();
        let round = spawn_blocking(move || {
            keeper.round(UnixTime::now());
            keeper.prune(believed);
            keeper
        });
        match round.await {
            Ok(after) if !is_last => keeper = after,
            Ok(_) => return,
            Err(err) => return tracing::error!(%err, "usage is collected no more"),
        }
    }
}

/// How long the next round waits: it comes with the first second of a day, so that each day gets its own.
fn until_next(now: UnixTime) -> Duration {
    Duration::from_secs(86_400 - now.0 % 86_400).min(EVERY)
}

fn row(((day, subscriber, zone), usage): (&(Day, SubscriberId, Name), &Usage)) -> UsageRow {
    UsageRow { day: *day, subscriber: *subscriber, zone: zone.clone(), usage: *usage }
}

fn is_over(subscriber: &IndexedSubscriber, day: Day) -> bool {
    subscriber.quota().per_day.is_some_and(|most| {
        let asked = subscriber.meter().allowance.asked_on(day);
        u64::from(asked) * 100 >= u64::from(most.get()) * WARN_AT
    })
}

/// Warns of a subscriber, unless there are too many.
fn warn(subscriber: &IndexedSubscriber, day: Day, over: usize) -> bool {
    let is_said = over <= WARNINGS;
    if is_said {
        let id = subscriber.id();
        let asked = subscriber.meter().allowance.asked_on(day);
        let per_day = subscriber.quota().per_day.map_or(0, u32::from);
        tracing::warn!(subscriber = %id, asked, per_day, "a subscriber has asked 80 % of what it may ask today");
    }
    is_said
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use dnsbl_index::IndexWriter;
    use dnsbl_types::{
        AccessRules, Follower as _, KeyDigest, Moment, Quota, Recognition, Subscriber,
        SubscriberKey,
    };

    use super::*;

    /// Noon of a day.
    const NOON: UnixTime = UnixTime(20_000 * 86_400 + 43_200);

    struct Fixture {
        store: Store,
        writer: IndexWriter,
        keeper: UsageKeeper,
        registry: Registry,
        dir: tempfile::TempDir,
    }

    fn subscriber(zones: &[&str]) -> Subscriber {
        let digest = KeyDigest::of(b"a-key-of-a-test");
        Subscriber {
            id: SubscriberId(7),
            name: "Example Mail".into(),
            zones: zones.iter().map(|zone| zone.parse().unwrap()).collect(),
            networks: vec![],
            recognition: Recognition::Key,
            quota: Quota { per_second: None, per_day: NonZeroU32::new(100) },
            expires_at: None,
            keys: vec![SubscriberKey { digest, created_at: UnixTime(1), until: None }],
            note: None,
            created_at: UnixTime(1),
        }
    }

    impl Fixture {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            Self::at(Store::open(dir.path()).unwrap(), dir)
        }

        fn at(store: Store, dir: tempfile::TempDir) -> Self {
            let index = Arc::new(Index::default());
            let mut writer = IndexWriter::new(index.clone());
            writer.set_subscriber(None, Some(&subscriber(&["bl.example.org"])));
            writer.publish(1, std::time::Instant::now());
            let access = AccessControl::new(AccessRules::default(), std::time::Instant::now());
            let registry = Registry::new();
            let metrics = UsageMetrics::new(&registry).unwrap();
            let (access, replaced) = (Arc::new(access), Replaced::default());
            let keeper = UsageKeeper::new(store.clone(), index, access, replaced, metrics, 400);
            Self { store, writer, keeper, registry, dir }
        }

        /// The same after a restart, at a time.
        fn again(self, now: UnixTime) -> Self {
            let Self { store, writer, keeper, dir, .. } = self;
            store.close();
            drop((store, writer, keeper));
            let mut again = Self::at(Store::open(dir.path()).unwrap(), dir);
            again.keeper.restore_others([9; 16], now).unwrap();
            again.keeper.restore_subscribers(now).unwrap();
            again
        }

        /// Asks so often; how many were taken.
        fn ask(&self, questions: usize, now: UnixTime) -> usize {
            let snapshot = self.keeper.index.load();
            let subscriber = snapshot.subscribers().iter().next().unwrap();
            let moment = Moment { steady: 0, day: Day::of(now) };
            let taken = (0..questions).filter(|_| {
                let is_taken = subscriber.meter().allowance.take(subscriber.quota(), moment);
                subscriber.meter().count(0, false, !is_taken);
                is_taken
            });
            taken.count()
        }

        fn usage(&self, day: u32) -> Vec<(String, Usage)> {
            let mut rows = Vec::new();
            let visit = |row: UsageRow| rows.push((row.zone.to_string(), row.usage));
            self.store.read(NOON).visit_usage(Day(day), Day(day), visit).unwrap();
            rows
        }

        fn metric(&self, name: &str) -> f64 {
            let families = self.registry.gather();
            let family = families.iter().find(|family| family.name() == name).unwrap();
            family.get_metric()[0].get_gauge().get_value()
        }
    }

    #[test]
    fn no_restart_gives_a_fresh_day_and_usage_goes_on() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.ask(120, NOON), 100);
        fixture.keeper.round(NOON);
        let day = Day::of(NOON).0;
        let mut expected = Usage { questions: 120, listed: 0, refused: 20 };
        assert_eq!(fixture.usage(day), [("bl.example.org".to_owned(), expected)]);
        let mut fixture = fixture.again(NOON.plus(60));
        assert_eq!(fixture.ask(10, NOON.plus(60)), 0);
        fixture.keeper.round(NOON.plus(60));
        (expected.questions, expected.refused) = (130, 30);
        assert_eq!(fixture.usage(day), [("bl.example.org".to_owned(), expected)]);
        // The next day is a new one.
        let fixture = fixture.again(NOON.plus(86_400));
        assert_eq!(fixture.ask(120, NOON.plus(86_400)), 100);
    }

    #[test]
    fn what_is_asked_before_midnight_is_of_that_day() {
        let mut fixture = Fixture::new();
        fixture.keeper.restore_subscribers(NOON).unwrap();
        fixture.ask(5, NOON);
        let midnight = UnixTime(20_001 * 86_400);
        assert_eq!(until_next(UnixTime(midnight.0 - 3)), Duration::from_secs(3));
        fixture.keeper.round(midnight);
        assert_eq!(fixture.usage(20_000)[0].1.questions, 5);
        fixture.ask(7, midnight);
        fixture.keeper.round(midnight.plus(20));
        assert_eq!(fixture.usage(20_001)[0].1.questions, 7);
    }

    #[test]
    fn a_clock_that_steps_back_begins_no_day() {
        let mut fixture = Fixture::new();
        fixture.keeper.restore_subscribers(NOON).unwrap();
        fixture.ask(5, NOON);
        fixture.keeper.round(NOON);
        fixture.ask(5, UnixTime(NOON.0 - 86_400));
        fixture.keeper.round(UnixTime(NOON.0 - 86_400));
        assert_eq!(fixture.usage(20_000)[0].1.questions, 10);
        assert_eq!(fixture.store.read(NOON).spent(Day(20_000)).unwrap().subscribers[0].1, 10);
    }

    #[test]
    fn old_usage_goes_while_the_clock_is_believed() {
        let mut fixture = Fixture::new();
        fixture.keeper.restore_subscribers(NOON).unwrap();
        fixture.ask(5, NOON);
        fixture.keeper.round(NOON);
        fixture.keeper.prune(None);
        fixture.keeper.prune(Some(NOON.plus(400 * 86_400)));
        assert_eq!(fixture.usage(20_000).len(), 1);
        fixture.keeper.prune(Some(NOON.plus(401 * 86_400)));
        assert_eq!(fixture.usage(20_000), []);
    }

    #[test]
    fn counts_on_a_meter_that_was_replaced_are_not_lost() {
        let mut fixture = Fixture::new();
        fixture.keeper.restore_subscribers(NOON).unwrap();
        let held = fixture.keeper.index.load().subscribers().iter().next().unwrap().clone();
        let (old, new) = (subscriber(&["bl.example.org"]), subscriber(&["a.example.org"]));
        fixture.writer.set_subscriber(Some(&old), Some(&new));
        fixture.writer.publish(2, std::time::Instant::now());
        fixture.keeper.replaced.push(held.clone());
        held.meter().count(0, true, false);
        fixture.keeper.round(NOON);
        held.meter().count(0, true, false);
        drop(held);
        fixture.keeper.round(NOON);
        assert_eq!(fixture.usage(20_000)[0].1, Usage { questions: 2, listed: 2, refused: 0 });
        fixture.writer.idle();
        fixture.keeper.round(NOON);
        assert_eq!(fixture.keeper.replaced.0.lock().unwrap().len(), 0);
    }

    #[test]
    fn who_has_asked_four_fifths_is_told_once_a_day() {
        let mut fixture = Fixture::new();
        fixture.keeper.restore_subscribers(NOON).unwrap();
        fixture.ask(79, NOON);
        fixture.keeper.round(NOON);
        assert_eq!(
            (fixture.keeper.warned.len(), fixture.metric("dnsbl_subscribers_over_80_percent")),
            (0, 0.0)
        );
        fixture.ask(1, NOON);
        fixture.keeper.round(NOON);
        assert_eq!(
            (fixture.keeper.warned.len(), fixture.metric("dnsbl_subscribers_over_80_percent")),
            (1, 1.0)
        );
        assert_eq!(fixture.metric("dnsbl_subscribers"), 1.0);
        // Not once more after a restart.
        let mut fixture = fixture.again(NOON);
        assert_eq!(fixture.keeper.warned.len(), 1);
        fixture.keeper.round(NOON.plus(86_400));
        assert_eq!(fixture.keeper.warned.len(), 0);
    }

    #[test]
    fn usage_that_can_not_be_kept_waits() {
        let mut fixture = Fixture::new();
        fixture.keeper.restore_subscribers(NOON).unwrap();
        fixture.ask(3, NOON);
        fixture.keeper.collect(Day::of(NOON));
        // As where the store takes no writes: it stays until it is kept.
        fixture.ask(4, NOON);
        fixture.keeper.collect(Day::of(NOON));
        assert_eq!(fixture.keeper.pending.values().next().unwrap().questions, 7);
        fixture.keeper.keep(Day::of(NOON)).unwrap();
        assert!(fixture.keeper.pending.is_empty());
        assert_eq!(fixture.usage(20_000)[0].1.questions, 7);
    }
}
