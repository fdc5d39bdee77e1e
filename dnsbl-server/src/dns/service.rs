//! The service that answers queries.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
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

/// The service that answers now, which another may take the place of while the server runs. Clones share it.
#[derive(Clone)]
pub(crate) struct LiveService(Arc<ArcSwap<Service>>);

impl LiveService {
    pub(crate) fn new(service: Service) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(service)))
    }

    /// The service, for as long as a batch or a query takes.
    pub(crate) fn load(&self) -> Guard<Arc<Service>> {
        self.0.load()
    }

    /// Has what comes from now on answered by another one, made of the one that answered until now.
    pub(crate) fn replace(&self, change: impl FnOnce(&Service) -> Service) {
        let service = change(&self.0.load());
        self.0.store(Arc::new(service));
    }
}
