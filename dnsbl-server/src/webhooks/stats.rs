//! The statistics of webhooks for Prometheus.

use std::sync::Arc;

use dnsbl_types::UnixTime;
use dnsbl_webhooks::{WebhookView, Webhooks};
use prometheus::{
    IntCounterVec, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// The collector of these statistics, which are read when they are asked for.
pub(crate) struct WebhooksCollector {
    webhooks: Arc<Webhooks>,
    descs: Vec<Desc>,
}

/// The metrics, filled in.
struct Metrics {
    position: IntGaugeVec,
    last_success: IntGaugeVec,
    failing: IntGaugeVec,
    paused: IntGaugeVec,
    attempts: IntCounterVec,
}

impl WebhooksCollector {
    pub(crate) fn new(webhooks: Arc<Webhooks>) -> Result<Self, prometheus::Error> {
        let metrics = Metrics::new()?;
        let descs = metrics.all().into_iter().flat_map(|metric| metric.desc()).cloned().collect();
        Ok(Self { webhooks, descs })
    }
}

impl Metrics {
    fn new() -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["webhook"]);
        Ok(Self {
            position: gauge(
                "dnsbl_webhook_position",
                "The last change that a webhook is done with; dnsbl_head_seq is where it will be",
            )?,
            last_success: gauge(
                "dnsbl_webhook_last_success_timestamp_seconds",
                "When a message of a webhook was last taken, in seconds since 1970; 0 where none was",
            )?,
            failing: gauge("dnsbl_webhook_failing", "1 where the last attempt failed")?,
            paused: gauge(
                "dnsbl_webhook_paused",
                "1 where nothing more is tried until somebody changes the webhook",
            )?,
            attempts: IntCounterVec::new(
                Opts::new(
                    "dnsbl_webhook_attempts_total",
                    "Messages that were sent since the start, by what came of them",
                ),
                &["webhook", "result"],
            )?,
        })
    }

    fn all(&self) -> [&dyn Collector; 5] {
        [&self.position, &self.last_success, &self.failing, &self.paused, &self.attempts]
    }

    fn fill(&self, view: &WebhookView) {
        let (webhook, progress) = (view.webhook.id.as_str(), &view.progress);
        let clamp = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let seconds = |at: Option<UnixTime>| clamp(at.map_or(0, |at| at.0));
        let labels = [webhook];
        self.position.with_label_values(&labels).set(clamp(progress.position));
        self.last_success.with_label_values(&labels).set(seconds(progress.last_success));
        self.failing.with_label_values(&labels).set(progress.failing.is_some().into());
        self.paused.with_label_values(&labels).set(progress.paused.is_some().into());
        for (result, count) in [("delivered", view.delivered), ("failed", view.failures)] {
            self.attempts.with_label_values(&[webhook, result]).inc_by(count);
        }
    }
}

impl Collector for WebhooksCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(metrics) = Metrics::new() else { return Vec::new() };
        self.webhooks.list().iter().for_each(|view| metrics.fill(view));
        metrics.all().into_iter().flat_map(Collector::collect).collect()
    }
}
