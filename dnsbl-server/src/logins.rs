//! Logins and their grants as this server runs them.

mod drac;
mod stats;

use std::sync::Arc;

use anyhow::Context;
use dnsbl_index::Index;
use dnsbl_logins::{Logins, Secrets, Start};
use dnsbl_store::Store;
use prometheus::Registry;

pub(crate) use drac::DracService;

use crate::Config;

/// The keeper of grants, with its statistics in the registry, and the secrets of those who report logins.
pub(crate) fn build(
    config: &Config,
    store: &Store,
    index: &Arc<Index>,
    registry: &Registry,
) -> anyhow::Result<(Arc<Logins>, Start, Secrets)> {
    let secrets = Secrets::read(&config.logins.secrets).context("logins.secrets")?;
    let settings = config.logins.settings.clone();
    let (logins, start) = Logins::new(store.clone(), index.clone(), settings);
    registry.register(Box::new(stats::LoginsCollector::new(logins.clone())?))?;
    Ok((logins, start, secrets))
}
