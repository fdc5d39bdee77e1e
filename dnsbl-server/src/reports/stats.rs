//! The statistics of reports for Prometheus.

use std::sync::Arc;

use dnsbl_reports::{Reports, Stats};
use dnsbl_types::ReportCategory;
use prometheus::{
    IntCounterVec, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// The collector of these statistics, which are read when they are asked for.
pub(super) struct ReportsCollector {
    reports: Arc<Reports>,
    descs: Vec<Desc>,
}

/// The metrics, filled in.
struct Metrics {
    reports: IntCounterVec,
    waiting: IntGaugeVec,
    decided: IntCounterVec,
}

impl ReportsCollector {
    pub(super) fn new(reports: Arc<Reports>) -> Result<Self, prometheus::Error> {
        let metrics = Metrics::new()?;
        let descs = metrics.all().into_iter().flat_map(|metric| metric.desc()).cloned().collect();
        Ok(Self { reports, descs })
    }
}

impl Metrics {
    fn new() -> Result<Self, prometheus::Error> {
        let reports = Opts::new("dnsbl_reports_total", "Reports since the start");
        let waiting = Opts::new("dnsbl_reports_waiting", "Reports that wait for a reviewer");
        let decided =
            Opts::new("dnsbl_reports_decided_total", "Reports that reviewers have decided about");
        Ok(Self {
            reports: IntCounterVec::new(reports, &["category", "outcome"])?,
            waiting: IntGaugeVec::new(waiting, &["category"])?,
            decided: IntCounterVec::new(decided, &["verdict"])?,
        })
    }

    fn all(&self) -> [&dyn Collector; 3] {
        [&self.reports, &self.waiting, &self.decided]
    }

    fn fill(&self, stats: &Stats) {
        let waiting = stats.waiting();
        for category in ReportCategory::ALL {
            let gauge = self.waiting.with_label_values(&[category.as_str()]);
            gauge.set(i64::try_from(waiting.of(category)).unwrap_or(i64::MAX));
            for (outcome, count) in stats.outcomes(category) {
                let labels = [category.as_str(), outcome];
                self.reports.with_label_values(&labels).inc_by(count);
            }
        }
        for (verdict, count) in stats.decided() {
            self.decided.with_label_values(&[verdict]).inc_by(count);
        }
    }
}

impl Collector for ReportsCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(metrics) = Metrics::new() else { return Vec::new() };
        metrics.fill(self.reports.stats());
        metrics.all().into_iter().flat_map(Collector::collect).collect()
    }
}
