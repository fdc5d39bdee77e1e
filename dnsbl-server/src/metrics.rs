//! Figures for Prometheus. `dnsbl_queries_total` lives with the DNS face.

use dnsbl_index::Index;
use dnsbl_store::Store;
use dnsbl_types::UnixTime;
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
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(self.commit_to_visible.clone()))?;
        self.registry.register(Box::new(self.http_requests.clone()))?;
        for gauge in [&self.head_seq, &self.applied_seq, &self.writable] {
            self.registry.register(Box::new(gauge.clone()))?;
        }
        for gauges in
            [&self.listings, &self.exclusions, &self.index_bytes, &self.serial, &self.store]
        {
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

    /// The text that Prometheus reads, with figures of this moment.
    pub(crate) fn text(&self, store: &Store, index: &Index) -> String {
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
        match (reader.head(), reader.zones()) {
            (Ok(head), Ok(zones)) => {
                self.head_seq.set(clamp(head));
                self.listings.reset();
                self.exclusions.reset();
                for record in zones {
                    let zone = record.zone.origin.to_string();
                    self.listings.with_label_values(&[&zone]).set(clamp(record.listings));
                    self.exclusions.with_label_values(&[&zone]).set(clamp(record.exclusions));
                }
            }
            (Err(err), _) | (_, Err(err)) => {
                tracing::error!(%err, "the store could not be read for metrics")
            }
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
