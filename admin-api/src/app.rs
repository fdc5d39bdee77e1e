//! What every handler works with: the store without blocking the runtime, and the limits.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use dnsbl_index::Snapshot;
use dnsbl_store::{Actor, Change, ChangeError, Done, Reader, Store, TokenRecord};
use dnsbl_types::{Name, UnixTime, Zone};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{Api, error::Problem, known::KnownTokens, throttle::Throttle};

/// The state of the router.
pub(crate) struct App {
    api: Api,
    imports: Arc<Semaphore>,
    scans: Arc<Semaphore>,
    known: Arc<KnownTokens>,
    started: (UnixTime, Instant),
    /// Of the log lines of refused requests.
    pub(crate) refusals: Throttle,
    /// Long polls end early once it is cancelled.
    pub(crate) shutdown: CancellationToken,
    /// The API's description as JSON, once the router is built.
    pub(crate) openapi: OnceLock<String>,
}

impl App {
    pub(crate) fn new(api: Api, shutdown: CancellationToken) -> Self {
        Self {
            imports: Arc::new(Semaphore::new(api.limits.max_imports)),
            scans: Arc::new(Semaphore::new(api.limits.max_scans)),
            known: Arc::default(),
            started: (UnixTime::now(), Instant::now()),
            refusals: Throttle::default(),
            api,
            shutdown,
            openapi: OnceLock::new(),
        }
    }

    /// Since when it serves, and for how long, whatever the clock did meanwhile.
    pub(crate) fn started(&self) -> (UnixTime, Duration) {
        (self.started.0, self.started.1.elapsed())
    }

    /// Hands a change to the writer and waits until it is durable and visible, or refused.
    pub(crate) async fn change(&self, actor: Actor, change: Change) -> Result<Done, Problem> {
        Ok(self.change_or(actor, change).await??)
    }

    /// The same where the caller has more to say about a refusal.
    pub(crate) async fn change_or(
        &self,
        actor: Actor,
        change: Change,
    ) -> Result<Result<Done, ChangeError>, Problem> {
        let (tell, told) = oneshot::channel();
        let is_of_token = matches!(change, Change::PutToken(_) | Change::DeleteToken { .. });
        let known = is_of_token.then(|| self.known.clone());
        // Here and not below: whoever asked may be gone by then.
        let reply = move |result| {
            if let Some(known) = known {
                known.forget();
            }
            drop(tell.send(result));
        };
        self.store.submit(actor, change, UnixTime::now(), reply);
        told.await.map_err(|_| Problem::stopping())
    }

    /// The live token with this text.
    pub(crate) async fn authenticate(
        &self,
        text: &str,
    ) -> Result<Option<Arc<TokenRecord>>, Problem> {
        if let Some(token) = self.known.find(text, UnixTime::now()) {
            return Ok(Some(token));
        }
        let (known, text) = (self.known.clone(), text.to_owned());
        let store = self.store.clone();
        self.block(move || {
            let round = known.round();
            let token = store.read(UnixTime::now()).authenticate(&text)?.map(Arc::new);
            if let Some(token) = &token {
                known.learn(round, &text, token.clone());
            }
            Ok(token)
        })
        .await
    }

    /// Reads one state of the store on a thread that may block.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Reader<'_>) -> Result<T, Problem> + Send + 'static,
    {
        let store = self.store.clone();
        self.block(move || read(&store.read(UnixTime::now()))).await
    }

    /// Runs what may block on a thread for that; a panic there goes on here.
    pub(crate) async fn block<T, F>(&self, run: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        match tokio::task::spawn_blocking(run).await {
            Ok(result) => result,
            Err(err) => match err.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Problem::stopping()),
            },
        }
    }

    /// The store, to be moved to another thread.
    pub(crate) fn store(&self) -> Store {
        self.store.clone()
    }

    /// What `look` sees of a zone in the index as it is now.
    pub(crate) fn in_zone<T>(
        &self,
        origin: &Name,
        look: impl FnOnce(&Snapshot, &Zone) -> T,
    ) -> Result<T, Problem> {
        let snapshot = self.index.load();
        match snapshot.zone(origin) {
            Some(zone) => Ok(look(&snapshot, zone.settings())),
            None => Err(Problem::no_zone(origin)),
        }
    }

    /// The right to run an import.
    pub(crate) fn import_permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        permit(&self.imports, "imports")
    }

    /// The right to read many listings.
    pub(crate) fn scan_permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        permit(&self.scans, "searches and exports")
    }
}

impl Deref for App {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

fn permit(of: &Arc<Semaphore>, what: &str) -> Result<OwnedSemaphorePermit, Problem> {
    let permit = of.clone().try_acquire_owned();
    permit.map_err(|_| Problem::too_many(what))
}
