//! Who asks most, what is refused and why: space-saving counters over samples of what is asked.
//!
//! There are two windows: today and the day before, both of UTC. Addresses are kept today only; after that there are
//! their networks.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};

use admin_api::{Top, TopBy, TopEntry, TopQuestion, TopWindow};
use dnsbl_index::{Index, ZoneNumber};
use dnsbl_types::{Day, SubscriberId, UnixTime};
use ipnet::IpNet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    dns::{Denied, EVERY, Outcome, Outlet, Sample},
    space_saving::{Count, SpaceSaving},
};

/// Things that each table has room for.
const ROOM: usize = 2_000;
/// How often samples are counted.
const TICK: Duration = Duration::from_millis(200);
/// Samples that are counted before the lock is given to who waits for it.
const AT_ONCE: usize = 2_048;

/// Who asks most. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct TopCounters(Arc<Mutex<Windows>>);

/// The two windows.
struct Windows {
    today: Window,
    before: Window,
    /// Samples that found the queue full, since the start.
    lost: u64,
}

/// What was sampled on a day, by zone and one thing more.
struct Window {
    day: Day,
    clients: Table<IpAddr>,
    networks: Table<IpNet>,
    subscribers: Table<SubscriberId>,
    zones: Table<()>,
    denials: Table<(Denied, IpNet)>,
}

/// The origin of a zone; `None` outside all of them.
type Origin = Option<Arc<str>>;
type Table<T> = SpaceSaving<(Origin, T), Tally>;

/// What became of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    listed: u64,
    denied: u64,
}

/// Counts samples until told to stop.
pub(crate) async fn run(
    counters: TopCounters,
    outlet: Outlet<Sample>,
    index: Arc<Index>,
    stop: CancellationToken,
) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while tokio::select! { _ = ticks.tick() => true, () = stop.cancelled() => false } {
        counters.take(&outlet, &index, UnixTime::now());
    }
}

impl TopCounters {
    fn take(&self, outlet: &Outlet<Sample>, index: &Index, now: UnixTime) {
        let mut samples = outlet.samples.try_iter().peekable();
        while samples.peek().is_some() {
            let origins = origins(index);
            let mut windows = self.lock();
            for sample in samples.by_ref().take(AT_ONCE) {
                let origin = sample.zone.and_then(|zone| origins.get(&zone)).cloned();
                windows.add(&sample, origin, now);
            }
        }
        let mut windows = self.lock();
        windows.turn(Day::of(now));
        windows.lost = outlet.lost.load(Relaxed);
    }

    /// Who asks most.
    pub(crate) fn answer(&self, question: &TopQuestion) -> Top {
        let windows = self.lock();
        let window = match question.window {
            TopWindow::Today => &windows.today,
            TopWindow::Yesterday => &windows.before,
        };
        let entries = match question.by {
            TopBy::Client => sums(&window.clients, question, |client| TopEntry {
                client: Some(client.to_string()),
                ..TopEntry::default()
            }),
            TopBy::Network => sums(&window.networks, question, |network| TopEntry {
                network: Some(network.to_string()),
                ..TopEntry::default()
            }),
            TopBy::Subscriber => sums(&window.subscribers, question, |id| TopEntry {
                subscriber: Some(id.to_string()),
                ..TopEntry::default()
            }),
            TopBy::Denial => sums(&window.denials, question, |(why, network)| TopEntry {
                denial: Some(why.as_str()),
                network: Some(network.to_string()),
                ..TopEntry::default()
            }),
            TopBy::Zone => zones(&window.zones, question),
        };
        Top { day: window.day, sampled_one_in: EVERY, lost: windows.lost, entries }
    }

    fn lock(&self) -> MutexGuard<'_, Windows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self { today: Window::new(Day(0)), before: Window::new(Day(0)), lost: 0 }
    }
}

impl Windows {
    /// Begins the window of another day, if it is another. A clock that steps back begins none.
    fn turn(&mut self, day: Day) {
        if day > self.today.day {
            let mut before = std::mem::replace(&mut self.today, Window::new(day));
            before.clients = SpaceSaving::new(ROOM);
            if before.day.0.checked_add(1) != Some(day.0) {
                before = Window::new(Day(day.0.saturating_sub(1)));
            }
            self.before = before;
        }
    }

    fn add(&mut self, sample: &Sample, origin: Origin, now: UnixTime) {
        self.turn(Day::of(now));
        let window = &mut self.today;
        let client = sample.client.to_canonical();
        let network = network(client);
        let tally = |tally: &mut Tally| {
            tally.listed += u64::from(sample.outcome == Outcome::Listed);
            tally.denied += u64::from(sample.denied.is_some());
        };
        window.clients.add((origin.clone(), client), tally);
        window.networks.add((origin.clone(), network), tally);
        window.zones.add((origin.clone(), ()), tally);
        if let Some(id) = sample.subscriber {
            window.subscribers.add((origin.clone(), id), tally);
        }
        if let Some(why) = sample.denied {
            window.denials.add((origin, (why, network)), tally);
        }
    }
}

impl Window {
    fn new(day: Day) -> Self {
        Self {
            day,
            clients: SpaceSaving::new(ROOM),
            networks: SpaceSaving::new(ROOM),
            subscribers: SpaceSaving::new(ROOM),
            zones: SpaceSaving::new(ROOM),
            denials: SpaceSaving::new(ROOM),
        }
    }
}

/// The origins of zones by their numbers.
fn origins(index: &Index) -> HashMap<ZoneNumber, Arc<str>> {
    let snapshot = index.load();
    snapshot.zones().map(|zone| (zone.number(), zone.origin().to_string().into())).collect()
}

/// The /24 or /48 around an address.
pub(crate) fn network(client: IpAddr) -> IpNet {
    match client {
        IpAddr::V4(addr) => {
            IpNet::new_assert(Ipv4Addr::from_bits(addr.to_bits() & !0xff).into(), 24)
        }
        IpAddr::V6(addr) => {
            IpNet::new_assert(Ipv6Addr::from_bits(addr.to_bits() & u128::MAX << 80).into(), 48)
        }
    }
}

/// The first entries of a table, those of all its zones together where no zone is asked for.
fn sums<T: Clone + Eq + Hash + Ord>(
    table: &Table<T>,
    question: &TopQuestion,
    entry: impl Fn(&T) -> TopEntry,
) -> Vec<TopEntry> {
    let mut sums: HashMap<&T, Count<Tally>> = HashMap::new();
    let wanted = question.zone.as_ref().map(ToString::to_string);
    for ((origin, thing), count) in table.iter() {
        if wanted.is_none() || wanted.as_deref() == origin.as_deref() {
            add(sums.entry(thing).or_default(), count);
        }
    }
    let with = |(thing, count): (&T, Count<Tally>)| {
        counted(TopEntry { zone: wanted.clone(), ..entry(thing) }, &count)
    };
    first(sums.into_iter().map(with).collect(), question.limit)
}

fn zones(table: &Table<()>, question: &TopQuestion) -> Vec<TopEntry> {
    let wanted = question.zone.as_ref().map(ToString::to_string);
    let rows = table
        .iter()
        .filter(|((origin, ()), _)| wanted.is_none() || wanted.as_deref() == origin.as_deref());
    let entries = rows.map(|((origin, ()), count)| {
        let zone = Some(origin.as_deref().unwrap_or_default().to_owned());
        counted(TopEntry { zone, ..TopEntry::default() }, count)
    });
    first(entries.collect(), question.limit)
}

fn add(sum: &mut Count<Tally>, more: &Count<Tally>) {
    sum.count += more.count;
    sum.error += more.error;
    sum.details.listed += more.details.listed;
    sum.details.denied += more.details.denied;
}

/// An entry with its numbers, of questions rather than samples.
fn counted(entry: TopEntry, count: &Count<Tally>) -> TopEntry {
    let questions = |samples: u64| samples * u64::from(EVERY);
    TopEntry {
        questions: questions(count.count),
        error: questions(count.error),
        listed: questions(count.details.listed),
        denied: questions(count.details.denied),
        ..entry
    }
}

fn first(mut entries: Vec<TopEntry>, limit: usize) -> Vec<TopEntry> {
    entries.sort_by(|a, b| b.questions.cmp(&a.questions).then_with(|| a.name().cmp(&b.name())));
    entries.truncate(limit);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixTime = UnixTime(20_000 * 86_400 + 43_200);

    fn sample(client: &str) -> Sample {
        Sample {
            client: client.parse().unwrap(),
            zone: None,
            outcome: Outcome::Unlisted,
            denied: None,
            subscriber: None,
        }
    }

    fn ask(by: TopBy, zone: Option<&str>, window: TopWindow) -> TopQuestion {
        TopQuestion { by, zone: zone.map(|zone| zone.parse().unwrap()), window, limit: 10 }
    }

    fn origin(text: &str) -> Origin {
        Some(text.into())
    }

    #[test]
    fn a_flood_is_first_by_address_and_network_and_says_what_became_of_it() {
        let counters = TopCounters::default();
        for i in 0..300u32 {
            let client =
                if i % 3 == 0 { "192.0.2.7".into() } else { format!("198.51.{}.1", i % 200) };
            let denied = Sample { denied: Some(Denied::Quota), ..sample(&client) };
            let seen = if i % 3 == 0 { denied } else { sample(&client) };
            let zone = if i % 2 == 0 { "a.example" } else { "b.example" };
            counters.lock().add(&seen, origin(zone), NOON);
        }
        let top = counters.answer(&ask(TopBy::Client, None, TopWindow::Today));
        let (first, each) = (&top.entries[0], u64::from(EVERY));
        assert_eq!(first.client.as_deref(), Some("192.0.2.7"));
        assert_eq!((first.questions, first.denied, first.error), (100 * each, 100 * each, 0));
        let top = counters.answer(&ask(TopBy::Network, Some("a.example"), TopWindow::Today));
        assert_eq!(top.entries[0].network.as_deref(), Some("192.0.2.0/24"));
        assert_eq!(top.entries[0].questions, 50 * each);
        let top = counters.answer(&ask(TopBy::Denial, None, TopWindow::Today));
        assert_eq!(top.entries.len(), 1);
        assert_eq!(top.entries[0].denial, Some("quota"));
        let top = counters.answer(&ask(TopBy::Zone, None, TopWindow::Today));
        assert_eq!(top.entries.len(), 2);
        assert_eq!(top.entries[0].questions, 150 * each);
    }

    #[test]
    fn after_a_day_there_are_networks_and_no_addresses() {
        let counters = TopCounters::default();
        let seen = Sample { subscriber: Some(SubscriberId(7)), ..sample("::ffff:192.0.2.7") };
        counters.lock().add(&seen, origin("a.example"), NOON);
        counters.lock().add(&sample("2001:db8:1:2::3"), None, NOON.plus(86_400));
        let of = |by, window| counters.answer(&ask(by, None, window)).entries;
        assert_eq!(of(TopBy::Client, TopWindow::Yesterday), []);
        let before = of(TopBy::Network, TopWindow::Yesterday);
        assert_eq!(before[0].network.as_deref(), Some("192.0.2.0/24"));
        let subscribers = of(TopBy::Subscriber, TopWindow::Yesterday);
        assert_eq!(subscribers[0].subscriber.as_deref(), Some("0000000000000007"));
        assert_eq!(
            of(TopBy::Client, TopWindow::Today)[0].client.as_deref(),
            Some("2001:db8:1:2::3")
        );
        assert_eq!(
            of(TopBy::Network, TopWindow::Today)[0].network.as_deref(),
            Some("2001:db8:1::/48")
        );
        // A day without queries in between, and a clock that steps back.
        counters.lock().add(&sample("192.0.2.8"), None, NOON.plus(3 * 86_400));
        counters.lock().add(&sample("192.0.2.8"), None, NOON);
        assert_eq!(of(TopBy::Network, TopWindow::Yesterday), []);
        assert_eq!(of(TopBy::Client, TopWindow::Today).len(), 1);
    }
}
