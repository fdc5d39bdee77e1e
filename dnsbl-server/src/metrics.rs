//! Metrics for Prometheus. `dnsbl_queries_total` lives with the DNS face.

use std::sync::Arc;

use dnsbl_index::Index;
use dnsbl_store::{Store, StoreError};
use dnsbl_types::{Clock, UnixTime};
use prometheus::{
    Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    core::{Collector, Desc},
    process_collector::ProcessCollector,
    proto::MetricFamily,
};

/// From 10 µs to about 5 s.
const VISIBLE_BUCKETS: (f64, f64, usize) = (10e-6, 2.5, 15);

/// All metrics of the server.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) commit_to_visible: Histogram,
    http_requests: IntCounterVec,
    refusals: IntCounterVec,
    pub(crate) token_uses_kept: IntGauge,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let build = gauges("dnsbl_build_info", "Always 1; which version runs", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(build))?;
        let (start, factor, count) = VISIBLE_BUCKETS;
        let visible = HistogramOpts::new(
            "dnsbl_commit_to_visible_seconds",
            "Time from a durable change to the DNS answer that shows it",
        )
        .buckets(prometheus::exponential_buckets(start, factor, count)?);
        let commit_to_visible = Histogram::with_opts(visible)?;
        registry.register(Box::new(commit_to_visible.clone()))?;
        let http_requests = IntCounterVec::new(
            Opts::new("dnsbl_http_requests_total", "HTTP requests by route and status code"),
            &["route", "code"],
        )?;
        registry.register(Box::new(http_requests.clone()))?;
        let refusals = IntCounterVec::new(
            Opts::new(
                "dnsbl_http_refusals_total",
                "HTTP requests refused for what their sender did, by token name and status code; no name where the token is missing or unknown",
            ),
            &["token", "code"],
        )?;
        registry.register(Box::new(refusals.clone()))?;
        let token_uses_kept = IntGauge::new(
            "dnsbl_token_uses_kept_timestamp_seconds",
            "When the last uses of tokens were last kept, in seconds since 1970",
        )?;
        registry.register(Box::new(token_uses_kept.clone()))?;
        Ok(Self { registry, commit_to_visible, http_requests, refusals, token_uses_kept })
    }

    /// Shows the state of the store, the index and the clock from now on.
    pub(crate) fn show_state(
        &self,
        store: Store,
        index: Arc<Index>,
        clock: Clock,
    ) -> Result<(), prometheus::Error> {
        let families = Gauges::new()?;
        let descs = families.all().into_iter().flat_map(Collector::desc).cloned().collect();
        self.registry.register(Box::new(State { store, index, clock, descs }))
    }

    /// The registry of the server, for what has metrics of its own.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts an HTTP request.
    pub(crate) fn count_request(&self, route: &str, code: u16) {
        self.http_requests.with_label_values(&[route, &code.to_string()]).inc();
    }

    /// Counts an HTTP request that was refused for what its sender did.
    pub(crate) fn count_refusal(&self, token: &str, code: u16) {
        self.refusals.with_label_values(&[token, &code.to_string()]).inc();
    }

    /// The text that Prometheus reads, with the values of this moment.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if let Err(err) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text) {
            tracing::error!(%err, "metrics could not be encoded");
        }
        text
    }
}

/// The collector of what the server's parts say of themselves. Each scrape has gauges of its own, so that none
/// sees a zone go that another one is about to fill in again.
struct State {
    store: Store,
    index: Arc<Index>,
    clock: Clock,
    descs: Vec<Desc>,
}

impl Collector for State {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(gauges) = Gauges::new() else { return Vec::new() };
        gauges.clock_in_doubt.set(self.clock.doubt().is_some().into());
        gauges.read_index(&self.index);
        gauges.read_store(&self.store);
        if let Err(err) = gauges.read_zones(&self.store) {
            tracing::error!(%err, "the store could not be read for metrics");
        }
        gauges.all().into_iter().flat_map(Collector::collect).collect()
    }
}

/// The gauges of one scrape.
struct Gauges {
    last_import: IntGaugeVec,
    last_backup: IntGauge,
    clock_in_doubt: IntGauge,
    listings: IntGaugeVec,
    exclusions: IntGaugeVec,
    index_bytes: IntGaugeVec,
    serial: IntGaugeVec,
    head_seq: IntGauge,
    applied_seq: IntGauge,
    writable: IntGauge,
    store: IntGaugeVec,
}

impl Gauges {
    fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            last_import: gauges(
                "dnsbl_last_import_timestamp_seconds",
                "When a source was last imported into a zone, in seconds since 1970",
                &["zone", "source"],
            )?,
            last_backup: IntGauge::new(
                "dnsbl_last_backup_timestamp_seconds",
                "When a backup was last handed over whole, in seconds since 1970; 0 where none was",
            )?,
            clock_in_doubt: IntGauge::new(
                "dnsbl_clock_in_doubt",
                "1 while nothing is removed because the clock stepped or does not fit the last change",
            )?,
            listings: gauges(
                "dnsbl_listings",
                "Listings of a zone, expired ones left out",
                &["zone"],
            )?,
            exclusions: gauges(
                "dnsbl_exclusions",
                "Exclusions of a zone, expired ones left out",
                &["zone"],
            )?,
            index_bytes: gauges(
                "dnsbl_index_bytes",
                "About how much memory the index of a zone takes",
                &["zone"],
            )?,
            serial: gauges("dnsbl_zone_serial", "SOA serial of a zone", &["zone"])?,
            head_seq: IntGauge::new("dnsbl_head_seq", "Last change in the store")?,
            applied_seq: IntGauge::new("dnsbl_applied_seq", "Last change that DNS answers with")?,
            writable: IntGauge::new("dnsbl_store_writable", "1 while the store takes writes")?,
            store: gauges("dnsbl_rocksdb", "RocksDB's own integer properties", &["property"])?,
        })
    }

    fn all(&self) -> [&dyn Collector; 11] {
        [
            &self.last_import,
            &self.last_backup,
            &self.clock_in_doubt,
            &self.listings,
            &self.exclusions,
            &self.index_bytes,
            &self.serial,
            &self.head_seq,
            &self.applied_seq,
            &self.writable,
            &self.store,
        ]
    }

    fn read_index(&self, index: &Index) {
        let snapshot = index.load();
        self.applied_seq.set(clamp(snapshot.seq()));
        for zone in snapshot.zones() {
            let origin = zone.settings().origin.to_string();
            self.index_bytes.with_label_values(&[&origin]).set(clamp(zone.bytes() as u64));
            self.serial.with_label_values(&[&origin]).set(zone.serial().0.into());
        }
    }

    fn read_store(&self, store: &Store) {
        self.writable.set(store.failure().is_none().into());
        for (property, value) in store.stats() {
            self.store.with_label_values(&[property]).set(clamp(value));
        }
    }

    fn read_zones(&self, store: &Store) -> Result<(), StoreError> {
        let reader = store.read(UnixTime::now());
        self.head_seq.set(clamp(reader.head()?));
        let last_backup = reader.last_backup()?;
        self.last_backup.set(last_backup.map_or(0, |at| clamp(at.0)));
        for (zone, source, at) in reader.last_imports()? {
            self.last_import.with_label_values(&[&zone, &source]).set(clamp(at.0));
        }
        for record in reader.zones()? {
            let zone = record.zone.origin.to_string();
            self.listings.with_label_values(&[&zone]).set(clamp(record.listings));
            self.exclusions.with_label_values(&[&zone]).set(clamp(record.exclusions));
        }
        Ok(())
    }
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
    IntGaugeVec::new(Opts::new(name, help), labels)
}

fn clamp(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use dnsbl_index::{Index, IndexWriter};
    use dnsbl_store::{Actor, Change, Operation, Store};
    use dnsbl_types::{Clock, Name, UnixTime, ZoneKind, ZoneSpec};

    use super::Metrics;

    /// The race of the first releases: a scrape emptied the gauges while another one read them.
    #[test]
    fn scrapes_at_the_same_time_show_every_zone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let index = Arc::new(Index::default());
        store.start(Box::new(IndexWriter::new(index.clone()))).unwrap();
        for origin in ["bl.example.org", "dbl.example.org"] {
            let ns: Name = "ns.example.net".parse().unwrap();
            let origin = origin.parse().unwrap();
            let spec = ZoneSpec::new(origin, ZoneKind::Ip, vec![ns], "$".parse().unwrap());
            let zone =
                Operation::PutZone { zone: Box::new(spec.check().unwrap()), serial_floor: None };
            store.commit(Change::new(Actor::server(), zone), UnixTime::now()).unwrap();
        }
        let metrics = Metrics::new().unwrap();
        metrics.show_state(store, index, Clock::watched(None)).unwrap();
        let scrape = || {
            for _ in 0..200 {
                let text = metrics.text();
                for name in ["listings", "exclusions", "index_bytes", "zone_serial"] {
                    for zone in ["bl.example.org", "dbl.example.org"] {
                        let sample = format!("dnsbl_{name}{{zone=\"{zone}\"}} ");
                        assert!(text.contains(&sample), "{sample}");
                    }
                }
            }
        };
        thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(scrape))));
    }
}
