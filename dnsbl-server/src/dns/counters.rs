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

use super::{access::Forged, answer::Reply, denied::Denied};

/// The transport of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        TRANSPORTS[self as usize]
    }
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
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        OUTCOMES[self as usize]
    }

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

/// Questions about a zone since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// All of them.
    pub(crate) questions: u64,
    /// Those to which the answer was a listing.
    pub(crate) listed: u64,
}

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
    denied: Opts,
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
struct CounterRow {
    outcomes: [[AtomicU64; OUTCOMES.len()]; TRANSPORTS.len()],
    denied: [AtomicU64; Denied::ALL.len()],
}

/// The counters of one worker, which nobody else writes.
pub(crate) struct WorkerCounters {
    counters: Counters,
    row: usize,
}

const LABELS: [&str; 3] = ["zone", "transport", "result"];
const DENIED_LABELS: [&str; 2] = ["zone", "reason"];

impl Counters {
    /// The counters of so many workers; register them as `dnsbl_queries_total` and `dnsbl_denied_total`.
    pub(crate) fn new(workers: usize) -> Result<Self, prometheus::Error> {
        let opts = Opts::new("dnsbl_queries_total", "DNS queries by zone, transport and result");
        let sums = IntCounterVec::new(opts.clone(), &LABELS)?;
        let denied =
            Opts::new("dnsbl_denied_total", "DNS queries that were denied, by zone and reason");
        let denials = IntCounterVec::new(denied.clone(), &DENIED_LABELS)?;
        let rows = 1 + workers;
        Ok(Self(Arc::new(Shared {
            zones: ArcSwap::default(),
            no_zone: ZoneCounters::new("", rows),
            rows,
            changing: Mutex::default(),
            descs: sums.desc().into_iter().chain(denials.desc()).cloned().collect(),
            opts,
            denied,
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
        let row = &counters.rows[0];
        row.outcomes[transport as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts that one of these was denied.
    pub(super) fn deny(&self, zone: Option<ZoneNumber>, why: Denied) {
        let zones = self.0.zones.load();
        let counters = self.0.of_zone(&zones, zone);
        counters.rows[0].denied[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// What each zone was asked since the start.
    pub(crate) fn asked(&self) -> HashMap<Name, Asked> {
        let zones = self.0.zones.load();
        let asked = zones.iter().flatten().filter_map(|counters| {
            let of = |outcome| (0..TRANSPORTS.len()).map(|t| counters.sum(t, outcome)).sum();
            let questions = (0..OUTCOMES.len()).map(of).sum();
            let asked = Asked { questions, listed: of(Outcome::Listed as usize) };
            Some((counters.origin.parse().ok()?, asked))
        });
        asked.collect()
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
        let row = &counters.rows[self.worker.row];
        add_one(&row.outcomes[Transport::Udp as usize][outcome as usize]);
    }

    /// Counts that one of these was denied.
    pub(super) fn deny(&self, zone: Option<ZoneNumber>, why: Denied) {
        let counters = self.worker.counters.0.of_zone(&self.zones, zone);
        add_one(&counters.rows[self.worker.row].denied[why as usize]);
    }
}

/// Counts where nobody else writes, so that nothing is lost between the two.
fn add_one(count: &AtomicU64) {
    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

impl ZoneCounters {
    fn new(origin: &str, rows: usize) -> Self {
        let rows = (0..rows).map(|_| CounterRow::default()).collect();
        Self { origin: origin.into(), rows }
    }

    fn sum(&self, transport: usize, outcome: usize) -> u64 {
        let of = |row: &CounterRow| row.outcomes[transport][outcome].load(Ordering::Relaxed);
        self.rows.iter().map(of).sum()
    }

    fn sum_denied(&self, why: Denied) -> u64 {
        self.rows.iter().map(|row| row.denied[why as usize].load(Ordering::Relaxed)).sum()
    }
}

impl Collector for Counters {
    fn desc(&self) -> Vec<&Desc> {
        self.0.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(sums) = IntCounterVec::new(self.0.opts.clone(), &LABELS) else { return vec![] };
        let denied = IntCounterVec::new(self.0.denied.clone(), &DENIED_LABELS);
        let Ok(denied) = denied else { return vec![] };
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
            for why in Denied::ALL {
                let labels = [counters.origin.as_str(), why.as_str()];
                denied.with_label_values(&labels).inc_by(counters.sum_denied(why));
            }
        }
        sums.collect().into_iter().chain(denied.collect()).collect()
    }
}
