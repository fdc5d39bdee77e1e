//! What was answered, counted by zone, transport and result.
//!
//! Each UDP worker counts in memory of its own, so that counting costs a worker nothing that another
//! could slow down. The sums are made when somebody asks for them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use arc_swap::{ArcSwap, Guard};
use dnsbl_index::{IndexObserver, ZoneNumber};
use dnsbl_types::Name;
use prometheus::{
    IntCounterVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// How a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// What became of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Listed,
    Unlisted,
    NoData,
    Refused,
    Error,
    Dropped,
}

const TRANSPORTS: [&str; 2] = ["udp", "tcp"];
const OUTCOMES: [&str; 6] = ["listed", "unlisted", "nodata", "refused", "error", "dropped"];

/// The counters of all zones, shared by all who count.
#[derive(Clone)]
pub(crate) struct Counters(Arc<Inner>);

struct Inner {
    /// By number; `None` for a zone that is gone.
    zones: ArcSwap<Vec<Option<Arc<ZoneCounts>>>>,
    /// Of queries that belong to no zone.
    no_zone: ZoneCounts,
    /// One for everything else, then one for each worker.
    tellers: usize,
    /// Held while zones are added and removed.
    changing: Mutex<()>,
    opts: Opts,
    descs: Vec<Desc>,
}

struct ZoneCounts {
    origin: String,
    /// By teller.
    tallies: Box<[Tally]>,
}

/// The counts of one teller, in cache lines that it shares with nobody.
#[derive(Default)]
#[repr(align(128))]
struct Tally([[AtomicU64; OUTCOMES.len()]; TRANSPORTS.len()]);

/// The one who counts in a place of its own.
pub(crate) struct Teller {
    counters: Counters,
    place: usize,
}

const LABELS: [&str; 3] = ["zone", "transport", "result"];

impl Counters {
    /// The counters of so many workers; register them as `dnsbl_queries_total`.
    pub(crate) fn new(workers: usize) -> Result<Self, prometheus::Error> {
        let opts = Opts::new("dnsbl_queries_total", "DNS queries by zone, transport and result");
        let sums = IntCounterVec::new(opts.clone(), &LABELS)?;
        let tellers = 1 + workers;
        Ok(Self(Arc::new(Inner {
            zones: ArcSwap::default(),
            no_zone: ZoneCounts::new("", tellers),
            tellers,
            changing: Mutex::default(),
            descs: sums.desc().into_iter().cloned().collect(),
            opts,
        })))
    }

    /// A teller for each worker.
    pub(super) fn tellers(&self) -> impl Iterator<Item = Teller> {
        (1..self.0.tellers).map(|place| Teller { counters: self.clone(), place })
    }

    /// Counts a query that no worker answered itself.
    pub(super) fn count(&self, zone: Option<ZoneNumber>, transport: Transport, outcome: Outcome) {
        let zones = self.0.zones.load();
        let counts = self.0.of_zone(&zones, zone);
        counts.tallies[0].0[transport as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Option<Arc<ZoneCounts>>>)) {
        let _changing = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut zones = Vec::clone(&self.0.zones.load());
        change(&mut zones);
        self.0.zones.store(Arc::new(zones));
    }
}

impl IndexObserver for Counters {
    /// Begins to count for a zone, unless that is done already.
    fn zone_put(&mut self, number: ZoneNumber, origin: &Name) {
        self.change(|zones| {
            if zones.len() <= number {
                zones.resize(number + 1, None);
            }
            let new = || Arc::new(ZoneCounts::new(&origin.to_string(), self.0.tellers));
            zones[number].get_or_insert_with(new);
        });
    }

    /// Forgets a zone.
    fn zone_removed(&mut self, origin: &Name) {
        let origin = origin.to_string();
        self.change(|zones| {
            for zone in zones {
                zone.take_if(|counts| counts.origin == origin);
            }
        });
    }

    fn published(&mut self, _: u64, _: Instant) {}
}

impl Inner {
    /// The counts of a zone; of none where it is gone.
    fn of_zone<'a>(
        &'a self,
        zones: &'a [Option<Arc<ZoneCounts>>],
        zone: Option<ZoneNumber>,
    ) -> &'a ZoneCounts {
        let counts = zone.and_then(|number| zones.get(number)?.as_deref());
        counts.unwrap_or(&self.no_zone)
    }
}

impl Teller {
    /// Begins to count a few queries that come over UDP.
    pub(super) fn open(&self) -> OpenTally<'_> {
        OpenTally { teller: self, zones: self.counters.0.zones.load() }
    }
}

/// A teller at work.
pub(super) struct OpenTally<'t> {
    teller: &'t Teller,
    zones: Guard<Arc<Vec<Option<Arc<ZoneCounts>>>>>,
}

impl OpenTally<'_> {
    /// Counts a query.
    pub(super) fn count(&self, zone: Option<ZoneNumber>, outcome: Outcome) {
        let counts = self.teller.counters.0.of_zone(&self.zones, zone);
        let tally = &counts.tallies[self.teller.place];
        let count = &tally.0[Transport::Udp as usize][outcome as usize];
        // Nobody else writes here, so that nothing is lost between the two.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

impl ZoneCounts {
    fn new(origin: &str, tellers: usize) -> Self {
        let tallies = (0..tellers).map(|_| Tally::default()).collect();
        Self { origin: origin.into(), tallies }
    }

    fn sum(&self, transport: usize, outcome: usize) -> u64 {
        let of = |tally: &Tally| tally.0[transport][outcome].load(Ordering::Relaxed);
        self.tallies.iter().map(of).sum()
    }
}

impl Collector for Counters {
    fn desc(&self) -> Vec<&Desc> {
        self.0.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(sums) = IntCounterVec::new(self.0.opts.clone(), &LABELS) else { return vec![] };
        let zones = self.0.zones.load();
        for counts in zones.iter().flatten().map(Arc::as_ref).chain([&self.0.no_zone]) {
            for (t, transport) in TRANSPORTS.into_iter().enumerate() {
                for (o, outcome) in OUTCOMES.into_iter().enumerate() {
                    let labels = HashMap::from([
                        (LABELS[0], counts.origin.as_str()),
                        (LABELS[1], transport),
                        (LABELS[2], outcome),
                    ]);
                    sums.with(&labels).inc_by(counts.sum(t, o));
                }
            }
        }
        sums.collect()
    }
}
