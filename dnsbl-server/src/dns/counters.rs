//! What was answered, counted by zone, transport and outcome.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use dnsbl_types::Name;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

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

/// The counters of all zones. Counting takes no lock.
pub(crate) struct Counters {
    queries: IntCounterVec,
    zones: ArcSwap<HashMap<Name, Arc<ZoneCounters>>>,
    /// Of queries that belong to no zone.
    no_zone: ZoneCounters,
}

type ZoneCounters = [[IntCounter; OUTCOMES.len()]; TRANSPORTS.len()];

impl Counters {
    /// Registers `dnsbl_queries_total`.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let opts = Opts::new("dnsbl_queries_total", "DNS queries by zone, transport and result");
        let queries = IntCounterVec::new(opts, &["zone", "transport", "result"])?;
        registry.register(Box::new(queries.clone()))?;
        let no_zone = zone_counters(&queries, "");
        Ok(Self { queries, zones: ArcSwap::default(), no_zone })
    }

    /// Counts a query.
    pub(crate) fn count(&self, zone: Option<&Name>, transport: Transport, outcome: Outcome) {
        let zones = self.zones.load();
        let counters = zone.and_then(|zone| zones.get(zone)).map_or(&self.no_zone, |zone| zone);
        counters[transport as usize][outcome as usize].inc();
    }

    /// Begins to count for a zone.
    pub(crate) fn add_zone(&self, origin: &Name) {
        if !self.zones.load().contains_key(origin) {
            let counters = Arc::new(zone_counters(&self.queries, &origin.to_string()));
            self.change(|zones| drop(zones.insert(origin.clone(), counters)));
        }
    }

    /// Forgets a zone.
    pub(crate) fn remove_zone(&self, origin: &Name) {
        self.change(|zones| drop(zones.remove(origin)));
        let zone = origin.to_string();
        for (transport, outcome) in TRANSPORTS.into_iter().flat_map(|t| OUTCOMES.map(|o| (t, o))) {
            // An error says that it was not there.
            let _ = self.queries.remove_label_values(&[zone.as_str(), transport, outcome]);
        }
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<Name, Arc<ZoneCounters>>)) {
        let mut zones = HashMap::clone(&self.zones.load());
        change(&mut zones);
        self.zones.store(Arc::new(zones));
    }
}

fn zone_counters(queries: &IntCounterVec, zone: &str) -> ZoneCounters {
    TRANSPORTS.map(|transport| {
        OUTCOMES.map(|outcome| queries.with_label_values(&[zone, transport, outcome]))
    })
}
