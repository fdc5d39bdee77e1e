//! Webhooks as this server runs them.

mod stats;

use std::sync::Arc;

use admin_api::WebhookWriter;
use dnsbl_store::Store;
use dnsbl_webhooks::Webhooks;
use prometheus::Registry;
use tokio::sync::watch;

use crate::{Config, protection};

/// The webhooks, which don't run yet, with their statistics in the registry.
pub(crate) fn build(
    config: &Config,
    store: &Store,
    head: watch::Receiver<u64>,
    registry: &Registry,
) -> anyhow::Result<Arc<Webhooks>> {
    let writer = Arc::new(WebhookWriter::new(store.clone()));
    let settings = config.webhooks.clone();
    let webhooks = Webhooks::new(store.clone(), writer, head, random, settings);
    registry.register(Box::new(stats::WebhooksCollector::new(webhooks.clone())?))?;
    Ok(webhooks)
}

/// A random number; where the system gives none, attempts only come earlier than they might.
fn random() -> u64 {
    protection::random().map_or(0, |random: [u8; 16]| u128::from_ne_bytes(random) as u64)
}
