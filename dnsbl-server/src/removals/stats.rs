//! The statistics of requests for removal and of mails for Prometheus.

use std::sync::Arc;

use dnsbl_removals::{Removals, Stats};
use dnsbl_types::UnixTime;
use prometheus::{
    IntCounterVec, IntGauge, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// The collector of these statistics, which are read when they are asked for.
pub(super) struct RemovalsCollector {
    removals: Arc<Removals>,
    descs: Vec<Desc>,
}

/// The metrics, filled in.
struct Metrics {
    requests: IntGaugeVec,
    overdue: IntGauge,
    queued: IntGauge,
    failing: IntGauge,
    mails: IntCounterVec,
}

impl RemovalsCollector {
    pub(super) fn new(removals: Arc<Removals>) -> Result<Self, prometheus::Error> {
        let metrics = Metrics::new()?;
        let descs = metrics.all().into_iter().flat_map(|metric| metric.desc()).cloned().collect();
        Ok(Self { removals, descs })
    }
}

impl Metrics {
    fn new() -> Result<Self, prometheus::Error> {
        let requests = Opts::new("dnsbl_removal_requests", "Requests for removal that are kept");
        let mails = Opts::new("dnsbl_mails_total", "Mails since the start");
        Ok(Self {
            requests: IntGaugeVec::new(requests, &["state"])?,
            overdue: IntGauge::new(
                "dnsbl_removal_requests_overdue",
                "Requests for removal that should have been answered by now",
            )?,
            queued: IntGauge::new("dnsbl_mails_queued", "Mails that wait to be sent")?,
            failing: IntGauge::new(
                "dnsbl_mail_failing",
                "1 while the last mail that was tried was not taken",
            )?,
            mails: IntCounterVec::new(mails, &["outcome"])?,
        })
    }

    fn all(&self) -> [&dyn Collector; 5] {
        [&self.requests, &self.overdue, &self.queued, &self.failing, &self.mails]
    }

    fn fill(&self, stats: &Stats) {
        let gauge = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        for (state, count) in stats.requests() {
            self.requests.with_label_values(&[state.as_str()]).set(gauge(count));
        }
        self.overdue.set(gauge(stats.overdue(UnixTime::now())));
        self.queued.set(gauge(stats.mails_queued()));
        self.failing.set(stats.is_mail_failing().into());
        for (outcome, count) in stats.mails() {
            self.mails.with_label_values(&[outcome]).inc_by(count);
        }
    }
}

impl Collector for RemovalsCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(metrics) = Metrics::new() else { return Vec::new() };
        metrics.fill(self.removals.stats());
        metrics.all().into_iter().flat_map(Collector::collect).collect()
    }
}
