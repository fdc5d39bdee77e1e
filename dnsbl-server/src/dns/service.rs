//! The service that answers queries.

use std::sync::Arc;

use dnsbl_index::Index;

use super::{access::AccessControl, counters::Counters, protection::Protection};

/// All that a query needs to be answered.
pub(crate) struct Service {
    pub(crate) index: Arc<Index>,
    pub(crate) counters: Counters,
    pub(crate) access: AccessControl,
    pub(crate) protection: Protection,
    /// The answer to `version.bind`.
    pub(crate) version: Option<String>,
    /// The answer to `id.server`, and the NSID.
    pub(crate) identity: Option<String>,
}
