//! Reading for visitors, so many at a time.

use std::ops::Deref;

use dnsbl_store::{Reader, StoreError};
use dnsbl_types::UnixTime;
use tokio::sync::Semaphore;

use crate::Site;

/// How many visitors have the store read at once. DNS shares the machine.
const READERS: usize = 8;

/// The site, read within limits.
pub(crate) struct Reading {
    site: Site,
    readers: Semaphore,
}

/// The reason why there is nothing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server has just started, or is being stopped.
    NotNow,
    /// The store can't be read.
    Store,
}

impl Reading {
    pub(crate) fn new(site: Site) -> Self {
        Self { site, readers: Semaphore::new(READERS) }
    }

    /// Reads one state of the store on a thread that may block, after those who came before.
    ///
    /// # Errors
    /// The store can't be read, or the server stops.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        now: UnixTime,
        read: impl FnOnce(&Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        let _permit = self.readers.acquire().await.map_err(|_| Failure::NotNow)?;
        let store = self.store.clone();
        match tokio::task::spawn_blocking(move || read(&store.read(now))).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(err)) => {
                tracing::error!(%err, "the store could not be read for a page");
                Err(Failure::Store)
            }
            Err(_) => Err(Failure::NotNow),
        }
    }
}

impl Deref for Reading {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}
