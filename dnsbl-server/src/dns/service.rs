//! The service that answers queries.

use std::sync::Arc;

use dnsbl_index::Index;

use super::{access::AccessControl, counters::Counters, protection::Protection, samples::Sampler};

/// All that a query needs to be answered.
pub(crate) struct Service {
    pub(crate) index: Arc<Index>,
    pub(crate) counters: Counters,
    pub(crate) access: Arc<AccessControl>,
    pub(crate) protection: Protection,
    /// The hand of the slow path, of which each worker gets another.
    pub(crate) sampler: Sampler,
    /// The answer to `version.bind`.
    pub(crate) version: Option<String>,
    /// The answer to `id.server`, and the NSID.
    pub(crate) identity: Option<String>,
}
