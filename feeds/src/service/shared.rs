//! What all runners work with.

use std::sync::Arc;

use dnsbl_store::{Change, Store};
use dnsbl_types::UnixTime;
use tokio::sync::{Semaphore, oneshot};

use super::error::FeedsError;
use crate::{fetch::Fetcher, import::Importer};

/// What all runners work with.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) importer: Arc<dyn Importer>,
    pub(super) fetcher: Fetcher,
    pub(super) places: Semaphore,
}

impl Shared {
    /// Makes a change, and tells its number once it is durable.
    pub(super) async fn commit(&self, change: Change) -> Result<u64, FeedsError> {
        let (tx, rx) = oneshot::channel();
        self.store.submit(change, UnixTime::now(), move |result| drop(tx.send(result)));
        let committed = rx.await.map_err(|_| FeedsError::Stopping)?;
        Ok(committed.map_err(FeedsError::Change)?.seq)
    }
}
