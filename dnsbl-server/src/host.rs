//! What the HTTP face may know of the server around it.

use std::sync::{Arc, OnceLock};

use admin_api::Readiness;
use dnsbl_index::Index;
use dnsbl_store::Store;

use crate::metrics::Metrics;

/// The server as the HTTP face sees it.
pub(crate) struct Host {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) index: Arc<Index>,
    pub(crate) store: Store,
    /// Set once everything is loaded and writable.
    pub(crate) serving: Arc<OnceLock<()>>,
}

impl admin_api::Host for Host {
    fn readiness(&self) -> Readiness {
        let (reason, detail) = match self.store.failure() {
            Some(detail) => (Some("the store takes no writes; the log says why"), Some(detail)),
            None if self.serving.get().is_none() => (Some("loading"), None),
            None => (None, None),
        };
        let reason = reason.map(String::from);
        Readiness { ready: reason.is_none(), reason, detail: detail.map(|why| why.to_string()) }
    }

    fn metrics_text(&self) -> String {
        self.metrics.text(&self.store, &self.index)
    }

    fn count_request(&self, route: &str, code: u16) {
        self.metrics.count_request(route, code);
    }
}
