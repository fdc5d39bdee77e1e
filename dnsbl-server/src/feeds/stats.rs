//! The statistics of feeds for Prometheus.

use std::sync::Arc;

use dnsbl_feeds::{FeedView, Feeds};
use dnsbl_types::UnixTime;
use prometheus::{
    IntCounterVec, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// The collector of these statistics, which are read when they are asked for.
pub(crate) struct FeedsCollector {
    feeds: Arc<Feeds>,
    descs: Vec<Desc>,
}

/// The metrics, filled in.
struct Metrics {
    last_success: IntGaugeVec,
    last_attempt: IntGaugeVec,
    failing: IntGaugeVec,
    failures: IntCounterVec,
}

impl FeedsCollector {
    pub(crate) fn new(feeds: Arc<Feeds>) -> Result<Self, prometheus::Error> {
        let metrics = Metrics::new()?;
        let descs = metrics.all().into_iter().flat_map(|metric| metric.desc()).cloned().collect();
        Ok(Self { feeds, descs })
    }
}

impl Metrics {
    fn new() -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["feed"]);
        Ok(Self {
            last_success: gauge(
                "dnsbl_feed_last_success_timestamp_seconds",
                "When a feed was last there and whole, in seconds since 1970; 0 where it never was",
            )?,
            last_attempt: gauge(
                "dnsbl_feed_last_attempt_timestamp_seconds",
                "When a feed was last tried, in seconds since 1970",
            )?,
            failing: gauge("dnsbl_feed_failing", "1 where the last attempt failed")?,
            failures: IntCounterVec::new(
                Opts::new("dnsbl_feed_failures_total", "Attempts that failed since the start"),
                &["feed"],
            )?,
        })
    }

    fn all(&self) -> [&dyn Collector; 4] {
        [&self.last_success, &self.last_attempt, &self.failing, &self.failures]
    }

    fn fill(&self, view: &FeedView) {
        let labels = [view.feed.name.as_str()];
        let seconds =
            |at: Option<UnixTime>| i64::try_from(at.map_or(0, |at| at.0)).unwrap_or(i64::MAX);
        let state = &view.state;
        self.last_success.with_label_values(&labels).set(seconds(state.last_success));
        self.last_attempt.with_label_values(&labels).set(seconds(state.last_attempt));
        self.failing.with_label_values(&labels).set(i64::from(state.failing.is_some()));
        self.failures.with_label_values(&labels).inc_by(view.failures);
    }
}

impl Collector for FeedsCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(metrics) = Metrics::new() else { return Vec::new() };
        self.feeds.list().iter().for_each(|view| metrics.fill(view));
        metrics.all().into_iter().flat_map(Collector::collect).collect()
    }
}
