//! Feeds as this server runs them.

mod stats;

use std::sync::Arc;

use admin_api::{FeedImporter, ServerStatus};
use dnsbl_feeds::{Feeds, FetchLimits, Settings};
use dnsbl_store::Store;
use prometheus::Registry;

use crate::Config;

/// The feeds, which don't run yet, with their statistics in the registry.
pub(crate) fn build(
    config: &Config,
    store: &Store,
    server: Arc<dyn ServerStatus>,
    registry: &Registry,
) -> anyhow::Result<Arc<Feeds>> {
    let settings = Settings {
        configured: config.feeds.configured.clone(),
        folders: config.feeds.folders.clone(),
        spool: config.spool_dir(),
        limits: FetchLimits::default(),
        roots: Vec::new(),
    };
    let importer = Arc::new(FeedImporter::new(store.clone(), server));
    let feeds = Feeds::new(store.clone(), importer, settings);
    registry.register(Box::new(stats::FeedsCollector::new(feeds.clone())?))?;
    Ok(feeds)
}
