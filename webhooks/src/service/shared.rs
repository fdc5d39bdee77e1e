//! What all runners work with.

use std::sync::Arc;

use dnsbl_store::{Change, Store, Terms};
use dnsbl_types::UnixTime;
use tokio::sync::{oneshot, watch};

use super::error::WebhooksError;
use crate::{changes::ChangeWriter, delivery::Deliverer, message::BatchLimits, progress::Patience};

/// What all runners work with.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) writer: Arc<dyn ChangeWriter>,
    /// The last change that is visible.
    pub(super) head: watch::Receiver<u64>,
    pub(super) deliverer: Deliverer,
    pub(super) batch: BatchLimits,
    pub(super) patience: Patience,
    /// Random numbers, for the time of the next attempt.
    pub(super) random: fn() -> u64,
}

impl Shared {
    /// Makes a change, and tells its number once it is durable.
    pub(super) async fn commit(&self, terms: Terms, change: Change) -> Result<u64, WebhooksError> {
        let (tx, rx) = oneshot::channel();
        let reply = move |result| drop(tx.send(result));
        self.store.submit_on(terms, change, UnixTime::now(), reply);
        let committed = rx.await.map_err(|_| WebhooksError::Stopping)?;
        Ok(committed.map_err(WebhooksError::Change)?.seq)
    }

    /// Runs what may block on a thread for that.
    pub(super) async fn block<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Store) -> Result<T, WebhooksError> + Send + 'static,
    ) -> Result<T, WebhooksError> {
        let store = self.store.clone();
        let done = tokio::task::spawn_blocking(move || run(&store));
        done.await.map_err(|_| WebhooksError::Stopping)?
    }
}
