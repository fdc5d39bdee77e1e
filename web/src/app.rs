//! What every handler works with.

use std::{ops::Deref, sync::Arc, time::Instant};

use dnsbl_store::Reader;
use dnsbl_types::UnixTime;
use tokio::sync::Semaphore;

use crate::{
    Language, Site,
    catalogue::{Catalogue, Texts},
    lookup::NameChecker,
    pages::View,
    rates::Rates,
    stats::StatsCache,
    status::StatusHistory,
};

/// How many visitors have the store read at once. DNS shares the machine.
const READERS: usize = 8;

/// The state of the router.
pub(crate) struct App {
    site: Site,
    catalogue: Catalogue,
    pub(crate) rates: Rates,
    pub(crate) stats: StatsCache,
    pub(crate) history: StatusHistory,
    /// Where the names of hosts are looked up, if they are.
    pub(crate) names: Option<NameChecker>,
    readers: Semaphore,
}

/// The reason why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server has just started, or is being stopped.
    NotNow,
    /// The store can't be read.
    Store,
}

impl App {
    pub(crate) fn new(site: Site) -> Arc<Self> {
        let names = site.settings.resolver.and_then(|resolver| {
            let warn = |err: &_| tracing::warn!(%err, "no names of hosts are looked up");
            NameChecker::new(resolver).inspect_err(warn).ok()
        });
        Arc::new(Self {
            names,
            catalogue: Catalogue::load(),
            rates: Rates::new(site.settings.limits.requests_per_second, Instant::now()),
            stats: StatsCache::default(),
            history: StatusHistory::default(),
            readers: Semaphore::new(READERS),
            site,
        })
    }

    /// How pages look in a language.
    pub(crate) fn view(&self, language: Language) -> View<'_> {
        View { settings: &self.settings, texts: self.texts(language) }
    }

    /// The texts of a language.
    pub(crate) fn texts(&self, language: Language) -> Texts<'_> {
        self.catalogue.texts(language)
    }

    /// Reads one state of the store on a thread that may block, after those who came before.
    ///
    /// # Errors
    /// The store can't be read, or the server stops.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        now: UnixTime,
        read: impl FnOnce(&Reader<'_>) -> Result<T, dnsbl_store::StoreError> + Send + 'static,
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

impl Deref for App {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}
