//! The statistics of logins for Prometheus.

use std::sync::Arc;

use dnsbl_logins::{Logins, Refused, Stats, Way};
use prometheus::{
    IntCounterVec, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// The collector of these statistics, which are read when they are asked for.
pub(crate) struct LoginsCollector {
    logins: Arc<Logins>,
    descs: Vec<Desc>,
}

/// The metrics, filled in.
struct Metrics {
    grants: IntGaugeVec,
    logins: IntCounterVec,
    refused: IntCounterVec,
}

impl LoginsCollector {
    pub(crate) fn new(logins: Arc<Logins>) -> Result<Self, prometheus::Error> {
        let metrics = Metrics::new()?;
        let descs = metrics.all().into_iter().flat_map(|metric| metric.desc()).cloned().collect();
        Ok(Self { logins, descs })
    }
}

impl Metrics {
    fn new() -> Result<Self, prometheus::Error> {
        let grants = Opts::new("dnsbl_grants", "Addresses that have a grant now");
        let logins =
            Opts::new("dnsbl_logins_total", "Logins that granted something since the start");
        let refused =
            Opts::new("dnsbl_logins_refused_total", "Logins that granted nothing since the start");
        Ok(Self {
            grants: IntGaugeVec::new(grants, &["zone"])?,
            logins: IntCounterVec::new(logins, &["via", "result"])?,
            refused: IntCounterVec::new(refused, &["via", "reason"])?,
        })
    }

    fn all(&self) -> [&dyn Collector; 3] {
        [&self.grants, &self.logins, &self.refused]
    }

    fn fill(&self, stats: &Stats) {
        for (zone, count) in stats.live() {
            let gauge = self.grants.with_label_values(&[&*zone.to_string()]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        for way in Way::ALL {
            let (granted, renewed) = stats.grants(way);
            for (result, count) in [("granted", granted), ("renewed", renewed)] {
                self.logins.with_label_values(&[way.as_str(), result]).inc_by(count);
            }
            // Reasons that never came up are left out: there are many, and most never do.
            for why in Refused::ALL {
                let count = stats.refusals(way, why);
                if count > 0 {
                    self.refused.with_label_values(&[way.as_str(), why.as_str()]).inc_by(count);
                }
            }
        }
    }
}

impl Collector for LoginsCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(metrics) = Metrics::new() else { return Vec::new() };
        metrics.fill(self.logins.stats());
        metrics.all().into_iter().flat_map(Collector::collect).collect()
    }
}
