//! Requests for removal as this server takes them.

mod stats;

use std::sync::Arc;

use ::relay_tester::service::Tester;
use anyhow::Context;
use dnsbl_index::Index;
use dnsbl_removals::{Removals, Start};
use dnsbl_store::Store;
use prometheus::Registry;

use crate::Config;

/// The keeper of requests for removal, with its statistics in the registry.
pub(crate) fn build(
    config: &Config,
    store: &Store,
    index: &Arc<Index>,
    tester: Option<&Arc<Tester>>,
    registry: &Registry,
) -> anyhow::Result<(Arc<Removals>, Start)> {
    let settings = config.removals.clone();
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).context("the system has no randomness for a secret")?;
    let (store, index, tester) = (store.clone(), index.clone(), tester.cloned());
    let (removals, start) = Removals::new(store, index, tester, settings, secret);
    registry.register(Box::new(stats::RemovalsCollector::new(removals.clone())?))?;
    Ok((removals, start))
}
