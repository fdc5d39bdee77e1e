//! The figures of the relay tester for Prometheus.

use std::sync::Arc;

use prometheus::{
    IntCounterVec, IntGauge, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use relay_tester::{
    life::Verdict,
    service::{Figures, Tester},
};

/// What a message or a connection to the receiver came to.
const RESULTS: [&str; 4] = ["returned", "refused", "turned-away", "dropped"];

/// The figures of a tester, read when they are asked for.
pub(crate) struct RelayFigures {
    tester: Arc<Tester>,
    descs: Vec<Desc>,
}

/// The metrics, filled in.
struct Sums {
    tests: IntCounterVec,
    waiting: IntGauge,
    running: IntGauge,
    receiver: IntCounterVec,
}

impl RelayFigures {
    pub(crate) fn new(tester: Arc<Tester>) -> Result<Self, prometheus::Error> {
        let sums = Sums::new()?;
        let descs = sums.all().into_iter().flat_map(|metric| metric.desc()).cloned().collect();
        Ok(Self { tester, descs })
    }
}

impl Sums {
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

    fn fill(&self, figures: &Figures) {
        for (verdict, count) in figures.verdicts {
            self.tests.with_label_values(&[Verdict::word(verdict)]).inc_by(count);
        }
        self.waiting.set(i64::try_from(figures.waiting).unwrap_or(i64::MAX));
        self.running.set(i64::try_from(figures.running).unwrap_or(i64::MAX));
        let came = &figures.receiver;
        let counts = [came.returned, came.refused, came.turned_away, came.dropped];
        for (result, count) in RESULTS.into_iter().zip(counts) {
            self.receiver.with_label_values(&[result]).inc_by(count);
        }
    }
}

impl Collector for RelayFigures {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(sums) = Sums::new() else { return Vec::new() };
        sums.fill(&self.tester.figures());
        sums.all().into_iter().flat_map(Collector::collect).collect()
    }
}
