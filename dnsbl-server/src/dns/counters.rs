//! Counters of queries by zone, transport and result.
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
use dnsbl_index::{IndexObserver, IndexedSubscriber, ZoneNumber};
use dnsbl_types::Name;
use prometheus::{
    IntCounterVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::{access::Forged, answer::Reply};

/// The transport of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// The outcome of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Listed,
    Unlisted,
    NoData,
    Refused,
    Error,
    Dropped,
}

impl Outcome {
    /// The outcome of a query with this reply.
    pub(super) fn of(reply: &Reply<'_>) -> Self {
        match reply {
            Reply::ListedA { .. } | Reply::ListedTxt { .. } => Self::Listed,
            Reply::ForgedA { forged, .. } | Reply::ForgedTxt { forged, .. } => match forged {
                Forged::Listing(..) => Self::Listed,
                Forged::Denial(_) => Self::Refused,
            },
            Reply::ZoneRrset { .. } | Reply::NoData { .. } => Self::NoData,
            Reply::NxDomain { .. } => Self::Unlisted,
            Reply::Refused => Self::Refused,
            Reply::ServFail => Self::Error,
        }
    }
}

const TRANSPORTS: [&str; 2] = ["udp", "tcp"];
const OUTCOMES: [&str; 6] = ["listed", "unlisted", "nodata", "refused", "error", "dropped"];

/// The counters of all zones, shared by all who count.
#[derive(Clone)]
pub(crate) struct Counters(Arc<Shared>);

/// The counters of all zones, and what is said about them.
struct Shared {
    /// By number; `None` for a zone that is gone.
    zones: ArcSwap<Vec<Option<Arc<ZoneCounters>>>>,
    /// Of queries that belong to no zone.
    no_zone: ZoneCounters,
    /// Rows of each zone: one for everything else, then one for each worker.
    rows: usize,
    /// Held while zones are added and removed.
    changing: Mutex<()>,
    opts: Opts,
    descs: Vec<Desc>,
}

/// The counters of one zone.
struct ZoneCounters {
    origin: String,
    rows: Box<[CounterRow]>,
}

/// The counters that one worker writes, in cache lines that it shares with nobody.
#[derive(Default)]
#[repr(align(128))]
struct CounterRow([[AtomicU64; OUTCOMES.len()]; TRANSPORTS.len()]);

/// The counters of one worker, which nobody else writes.
pub(crate) struct WorkerCounters {
    counters: Counters,
    row: usize,
}

const LABELS: [&str; 3] = ["zone", "transport", "result"];

impl Counters {
    /// The counters of so many workers; register them as `dnsbl_queries_total`.
    pub(crate) fn new(workers: usize) -> Result<Self, prometheus::Error> {
        let opts = Opts::new("dnsbl_queries_total", "DNS queries by zone, transport and result");
        let sums = IntCounterVec::new(opts.clone(), &LABELS)?;
        let rows = 1 + workers;
        Ok(Self(Arc::new(Shared {
            zones: ArcSwap::default(),
            no_zone: ZoneCounters::new("", rows),
            rows,
            changing: Mutex::default(),
            descs: sums.desc().into_iter().cloned().collect(),
            opts,
        })))
    }

    /// Counters for each worker.
    pub(super) fn workers(&self) -> impl Iterator<Item = WorkerCounters> {
        (1..self.0.rows).map(|row| WorkerCounters { counters: self.clone(), row })
    }

    /// Counts a query that no worker answered itself.
    pub(super) fn count(&self, zone: Option<ZoneNumber>, transport: Transport, outcome: Outcome) {
        let zones = self.0.zones.load();
        let counters = self.0.of_zone(&zones, zone);
        counters.rows[0].0[transport as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Option<Arc<ZoneCounters>>>)) {
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
            let new = || Arc::new(ZoneCounters::new(&origin.to_string(), self.0.rows));
            zones[number].get_or_insert_with(new);
        });
    }

    /// Forgets a zone.
    fn zone_removed(&mut self, origin: &Name) {
        let origin = origin.to_string();
        self.change(|zones| {
            for zone in zones {
                zone.take_if(|counters| counters.origin == origin);
            }
        });
    }

    fn subscriber_replaced(&mut self, _: IndexedSubscriber) {}

    fn published(&mut self, _: u64, _: Instant) {}
}

impl Shared {
    /// The counters of a zone; of none where it is gone.
    fn of_zone<'a>(
        &'a self,
        zones: &'a [Option<Arc<ZoneCounters>>],
        zone: Option<ZoneNumber>,
    ) -> &'a ZoneCounters {
        let counters = zone.and_then(|number| zones.get(number)?.as_deref());
        counters.unwrap_or(&self.no_zone)
    }
}

impl WorkerCounters {
    /// Begins to count a few queries that come over UDP.
    pub(super) fn open(&self) -> CounterGuard<'_> {
        CounterGuard { worker: self, zones: self.counters.0.zones.load() }
    }
}

/// A worker's counters with the zones of this moment.
pub(super) struct CounterGuard<'w> {
    worker: &'w WorkerCounters,
    zones: Guard<Arc<Vec<Option<Arc<ZoneCounters>>>>>,
}

impl CounterGuard<'_> {
    /// Counts a query.
    pub(super) fn count(&self, zone: Option<ZoneNumber>, outcome: Outcome) {
        let counters = self.worker.counters.0.of_zone(&self.zones, zone);
        let count = &counters.rows[self.worker.row].0[Transport::Udp as usize][outcome as usize];
        // Nobody else writes here, so that nothing is lost between the two.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

impl ZoneCounters {
    fn new(origin: &str, rows: usize) -> Self {
        let rows = (0..rows).map(|_| CounterRow::default()).collect();
        Self { origin: origin.into(), rows }
    }

    fn sum(&self, transport: usize, outcome: usize) -> u64 {
        let of = |row: &CounterRow| row.0[transport][outcome].load(Ordering::Relaxed);
        self.rows.iter().map(of).sum()
    }
}

impl Collector for Counters {
    fn desc(&self) -> Vec<&Desc> {
        self.0.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(sums) = IntCounterVec::new(self.0.opts.clone(), &LABELS) else { return vec![] };
        let zones = self.0.zones.load();
        for counters in zones.iter().flatten().map(Arc::as_ref).chain([&self.0.no_zone]) {
            for (t, transport) in TRANSPORTS.into_iter().enumerate() {
                for (o, outcome) in OUTCOMES.into_iter().enumerate() {
                    let labels = HashMap::from([
                        (LABELS[0], counters.origin.as_str()),
                        (LABELS[1], transport),
                        (LABELS[2], outcome),
                    ]);
                    sums.with(&labels).inc_by(counters.sum(t, o));
                }
            }
        }
        sums.collect()
    }
}
