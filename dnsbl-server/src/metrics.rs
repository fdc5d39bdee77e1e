//! Figures for Prometheus. `dnsbl_queries_total` lives with the DNS face.

use std::sync::{Mutex, PoisonError};

use dnsbl_index::Index;
use dnsbl_store::{Store, StoreError};
use dnsbl_types::{Clock, UnixTime};
use prometheus::{
    Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    process_collector::ProcessCollector,
};

/// From 10 µs to about 5 s.
const VISIBLE_BUCKETS: (f64, f64, usize) = (10e-6, 2.5, 15);

/// All metrics of the server.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) commit_to_visible: Histogram,
    http_requests: IntCounterVec,
    refusals: IntCounterVec,
    last_import: IntGaugeVec,
    clock_in_doubt: IntGauge,
    /// Held while figures are taken: those of zones are emptied before.
    measuring: Mutex<()>,
    listings: IntGaugeVec,
    exclusions: IntGaugeVec,
    index_bytes: IntGaugeVec,
    serial: IntGaugeVec,
    head_seq: IntGauge,
    applied_seq: IntGauge,
    writable: IntGauge,
    store: IntGaugeVec,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let (start, factor, count) = VISIBLE_BUCKETS;
        let visible = HistogramOpts::new(
            "dnsbl_commit_to_visible_seconds",
            "Time from a durable change to the DNS answer that shows it",
        )
        .buckets(prometheus::exponential_buckets(start, factor, count)?);
        let metrics = Self {
            commit_to_visible: Histogram::with_opts(visible)?,
            http_requests: IntCounterVec::new(
                Opts::new("dnsbl_http_requests_total", "HTTP requests by route and status code"),
                &["route", "code"],
            )?,
            refusals: IntCounterVec::new(
                Opts::new(
                    "dnsbl_http_refusals_total",
                    "HTTP requests refused for what their sender did, by token name and status code; no name where the token is missing or unknown",
                ),
                &["token", "code"],
            )?,
            last_import: gauges(
                "dnsbl_last_import_timestamp_seconds",
                "When a source was last imported into a zone, in seconds since 1970",
                &["zone", "source"],
            )?,
            clock_in_doubt: IntGauge::new(
                "dnsbl_clock_in_doubt",
                "1 while nothing is removed because the clock stepped or does not fit the last change",
            )?,
            measuring: Mutex::default(),
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
            registry,
        };
        metrics.register()?;
        let build = gauges("dnsbl_build_info", "Always 1; which version runs", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        metrics.registry.register(Box::new(build))?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(self.commit_to_visible.clone()))?;
        for counters in [&self.http_requests, &self.refusals] {
            self.registry.register(Box::new(counters.clone()))?;
        }
        let single = [&self.head_seq, &self.applied_seq, &self.writable, &self.clock_in_doubt];
        for gauge in single {
            self.registry.register(Box::new(gauge.clone()))?;
        }
        for gauges in [
            &self.listings,
            &self.exclusions,
            &self.index_bytes,
            &self.serial,
            &self.store,
            &self.last_import,
        ] {
            self.registry.register(Box::new(gauges.clone()))?;
        }
        Ok(())
    }

    /// Where the DNS face registers its counters.
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

    /// The text that Prometheus reads, with figures of this moment.
    pub(crate) fn text(&self, store: &Store, index: &Index, clock: &Clock) -> String {
        let _measuring = self.measuring.lock().unwrap_or_else(PoisonError::into_inner);
        self.clock_in_doubt.set(clock.doubt().is_some().into());
        self.measure_store(store);
        self.measure_index(index);
        let mut text = String::new();
        if let Err(err) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text) {
            tracing::error!(%err, "metrics could not be encoded");
        }
        text
    }

    fn measure_store(&self, store: &Store) {
        self.writable.set(store.failure().is_none().into());
        for (property, value) in store.figures() {
            self.store.with_label_values(&[property]).set(clamp(value));
        }
        let reader = store.read(UnixTime::now());
        let read = || Ok((reader.head()?, reader.zones()?, reader.last_imports()?));
        let read: Result<_, StoreError> = read();
        match read {
            Ok((head, zones, imports)) => {
                self.head_seq.set(clamp(head));
                self.last_import.reset();
                for (zone, source, at) in imports {
                    self.last_import.with_label_values(&[&zone, &source]).set(clamp(at.0));
                }
                self.listings.reset();
                self.exclusions.reset();
                for record in zones {
                    let zone = record.zone.origin.to_string();
                    self.listings.with_label_values(&[&zone]).set(clamp(record.listings));
                    self.exclusions.with_label_values(&[&zone]).set(clamp(record.exclusions));
                }
            }
            Err(err) => tracing::error!(%err, "the store could not be read for metrics"),
        }
    }

    fn measure_index(&self, index: &Index) {
        let snapshot = index.load();
        self.applied_seq.set(clamp(snapshot.seq()));
        self.index_bytes.reset();
        self.serial.reset();
        for zone in snapshot.zones() {
            let origin = zone.settings().origin.to_string();
            self.index_bytes.with_label_values(&[&origin]).set(clamp(zone.bytes() as u64));
            self.serial.with_label_values(&[&origin]).set(zone.serial().0.into());
        }
    }
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
    IntGaugeVec::new(Opts::new(name, help), labels)
}

fn clamp(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
