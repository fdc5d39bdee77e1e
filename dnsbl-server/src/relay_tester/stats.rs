//! The statistics of the relay tester for Prometheus.

use std::sync::Arc;

use prometheus::{
    IntCounterVec, IntGauge, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use relay_tester::{
    life::Verdict,
    service::{Stats, Tester},
};

/// The results of messages and connections to the receiver.
const RESULTS: [&str; 4] = ["returned", "refused", "turned-away", "dropped"];

/// The collector of a tester's statistics, which are read when they are asked for.
pub(crate) struct RelayCollector {
    tester: Arc<Tester>,
    descs: Vec<Desc>,
}

/// The metrics, filled in.
struct Metrics {
    tests: IntCounterVec,
    waiting: IntGauge,
    running: IntGauge,
    receiver: IntCounterVec,
}

impl RelayCollector {
    pub(crate) fn new(tester: Arc<Tester>) -> Result<Self, prometheus::Error> {
        let metrics = Metrics::new()?;
        let descs = metrics.all().into_iter().flat_map(|metric| metric.desc()).cloned().collect();
        Ok(Self { tester, descs })
    }
}

impl Metrics {
    fn new() -> Result<Self, prometheus::Error> {
        let tests = Opts::new("dnsbl_relay_tests_total", "Verdicts of relay tests since the start");
        let receiver = Opts::new(
            "dnsbl_relay_receiver_total",
            "Messages that came to the receiver, recipients it refused, connections it turned away",
        );
        Ok(Self {
            tests: IntCounterVec::new(tests, &["verdict"])?,
            waiting: IntGauge::new(
                "dnsbl_relay_tests_waiting",
                "Relay tests that wait for their turn or for a message to come back",
            )?,
            running: IntGauge::new(
                "dnsbl_relay_tests_running",
                "Relay tests whose host is being talked to",
            )?,
            receiver: IntCounterVec::new(receiver, &["result"])?,
        })
    }

    fn all(&self) -> [&dyn Collector; 4] {
        [&self.tests, &self.waiting, &self.running, &self.receiver]
    }

    fn fill(&self, stats: &Stats) {
        for (verdict, count) in stats.verdicts {
            self.tests.with_label_values(&[Verdict::as_str(verdict)]).inc_by(count);
        }
        self.waiting.set(i64::try_from(stats.waiting).unwrap_or(i64::MAX));
        self.running.set(i64::try_from(stats.running).unwrap_or(i64::MAX));
        let came = &stats.receiver;
        let counts = [came.returned, came.refused, came.turned_away, came.dropped];
        for (result, count) in RESULTS.into_iter().zip(counts) {
            self.receiver.with_label_values(&[result]).inc_by(count);
        }
    }
}

impl Collector for RelayCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(metrics) = Metrics::new() else { return Vec::new() };
        metrics.fill(&self.tester.stats());
        metrics.all().into_iter().flat_map(Collector::collect).collect()
    }
}
