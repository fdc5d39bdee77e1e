//! Reports as this server takes them.

mod stats;

use std::sync::Arc;

use ::relay_tester::service::Tester;
use dnsbl_index::Index;
use dnsbl_reports::{Reports, Start};
use dnsbl_store::Store;
use prometheus::Registry;

use crate::Config;

/// The keeper of reports, with its statistics in the registry.
pub(crate) fn build(
    config: &Config,
    store: &Store,
    index: &Arc<Index>,
    tester: Option<&Arc<Tester>>,
    registry: &Registry,
) -> anyhow::Result<(Arc<Reports>, Start)> {
    let settings = config.reports;
    let (reports, start) = Reports::new(store.clone(), index.clone(), tester.cloned(), settings);
    registry.register(Box::new(stats::ReportsCollector::new(reports.clone())?))?;
    Ok((reports, start))
}
