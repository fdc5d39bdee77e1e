//! Feeds as the server runs them: a task for each, which owns its state.

mod error;
mod runner;
mod shared;
mod watcher;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dnsbl_store::{Actor, BodyError, Change, Document, Operation, Precondition, Store};
use dnsbl_types::UnixTime;
use tokio::{
    sync::{
        Semaphore,
        mpsc::{self, error::TrySendError},
        oneshot, watch,
    },
    task::JoinHandle,
};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;

pub use self::error::FeedsError;
use self::{
    error::MOST,
    runner::{Request, Runner, Shown},
    shared::Shared,
};
use crate::{
    feed::{Feed, FeedName, Origin, Share},
    fetch::{FetchLimits, Fetcher},
    import::Importer,
    record,
    state::FeedState,
};

/// Attempts that are made at once.
const AT_ONCE: usize = 4;
/// Requests to run now that wait for one feed.
const QUEUE: usize = 8;

/// What feeds run with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Feeds that are there whatever the API says, and that it can't change.
    pub configured: Vec<Feed>,
    /// Folders from which the other feeds may read files.
    pub folders: Vec<PathBuf>,
    /// Where bodies lie while they are imported.
    pub spool: PathBuf,
    /// What fetching may cost.
    pub limits: FetchLimits,
    /// Authorities that are believed beside those of the system.
    pub roots: Vec<CertificateDer<'static>>,
}

/// All feeds.
pub struct Feeds {
    shared: Arc<Shared>,
    settings: Settings,
    running: Mutex<BTreeMap<FeedName, Running>>,
    /// Held while a feed is made, changed or deleted.
    changing: tokio::sync::Mutex<()>,
}

/// A feed that runs.
struct Running {
    feed: Arc<Feed>,
    configured: bool,
    shown: watch::Receiver<Shown>,
    tx: mpsc::Sender<Request>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// A feed as it is now.
#[derive(Clone, Debug)]
pub struct FeedView {
    /// What it is told to do.
    pub feed: Arc<Feed>,
    /// Whether it stands in the configuration, where alone it can be changed.
    pub configured: bool,
    /// What is known of it.
    pub state: FeedState,
    /// Whether an attempt is being made.
    pub running: bool,
    /// Attempts that failed since the server started.
    pub failures: u64,
    /// When the next attempt is due.
    pub next_attempt: UnixTime,
}

impl Feeds {
    /// Feeds that do nothing until they are [started](Self::start).
    pub fn new(store: Store, importer: Arc<dyn Importer>, settings: Settings) -> Arc<Self> {
        let (spool, limits) = (settings.spool.clone(), settings.limits.clone());
        let fetcher = Fetcher::new(spool, limits, settings.roots.clone());
        let shared = Shared { store, importer, fetcher, places: Semaphore::new(AT_ONCE) };
        Arc::new(Self {
            shared: Arc::new(shared),
            settings,
            running: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// Reads what the store holds, and runs all feeds from then on.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn start(&self) -> Result<(), FeedsError> {
        let store = self.shared.store.clone();
        let read = tokio::task::spawn_blocking(move || Stored::read(&store)).await;
        let Stored { feeds, mut states } = read.map_err(|_| FeedsError::Stopping)??;
        let configured = self.settings.configured.iter().map(|feed| (feed.clone(), true));
        let stored = feeds.into_iter().map(|feed| (feed, false));
        for (feed, configured) in configured.chain(stored) {
            if let Err(err) = self.admit(&feed, None) {
                tracing::warn!(feed = %feed.name, %err, "a feed that was made over the API does not run");
                continue;
            }
            let state = states.remove(&feed.name);
            let state = state
                .map_or_else(FeedState::default, |(old, state)| state.after_change(&old, &feed));
            self.run(feed, configured, state);
        }
        self.forget(states.into_keys()).await
    }

    /// Whether these can take the place of the feeds of the configuration, beside those that were made over the API.
    ///
    /// # Errors
    /// One has the name of such a feed, or lists as its source, or there are too many.
    pub fn check_configured(&self, feeds: &[Feed]) -> Result<(), FeedsError> {
        let running = self.running();
        let made: Vec<&Running> = running.values().filter(|other| !other.configured).collect();
        if made.len() + feeds.len() > MOST {
            return Err(FeedsError::TooMany);
        }
        for feed in feeds {
            if made.iter().any(|other| other.feed.name == feed.name) {
                return Err(FeedsError::Made(feed.name.clone()));
            }
            let is_same = |other: &&&Running| {
                (&other.feed.zone, &other.feed.source) == (&feed.zone, &feed.source)
            };
            if let Some(other) = made.iter().find(is_same) {
                return Err(FeedsError::Taken {
                    other: other.feed.name.clone(),
                    source_name: feed.source.clone(),
                    zone: feed.zone.clone(),
                });
            }
        }
        Ok(())
    }

    /// Has these run in place of the feeds of the configuration. Those that are as they were go on; an import that has
    /// begun is finished first. Returns at once.
    pub fn reconfigure(self: &Arc<Self>, feeds: Vec<Feed>) {
        let this = self.clone();
        tokio::spawn(async move {
            if let Err(err) = this.replace_configured(feeds).await {
                tracing::warn!(%err, "the states of feeds that are no more were not deleted");
            }
        });
    }

    async fn replace_configured(&self, feeds: Vec<Feed>) -> Result<(), FeedsError> {
        let _changing = self.changing.lock().await;
        let before: Vec<Arc<Feed>> = {
            let running = self.running();
            running.values().filter(|one| one.configured).map(|one| one.feed.clone()).collect()
        };
        // All that go before any comes, as a feed may have the name or source that another had.
        let (mut gone, mut states) = (Vec::new(), BTreeMap::new());
        for old in before.iter().filter(|old| !feeds.contains(old)) {
            let Some(last) = self.end(&old.name).await else { continue };
            match feeds.iter().find(|feed| feed.name == old.name) {
                Some(feed) => {
                    drop(
                        states.insert(old.name.clone(), last.state.after_change(&last.feed, feed)),
                    );
                }
                None => gone.push(old.name.clone()),
            }
        }
        for feed in feeds {
            if before.iter().any(|old| **old == feed) {
                continue;
            }
            if let Err(err) = self.admit(&feed, None) {
                tracing::warn!(feed = %feed.name, %err, "a feed of the configuration does not run");
                continue;
            }
            let state = states.remove(&feed.name).unwrap_or_default();
            self.run(feed, true, state);
        }
        self.forget(gone.into_iter()).await
    }

    /// Deletes the states of feeds that are no more.
    async fn forget(&self, names: impl Iterator<Item = FeedName>) -> Result<(), FeedsError> {
        let running: Vec<FeedName> = self.running().keys().cloned().collect();
        for name in names.filter(|name| !running.contains(name)) {
            let (kind, id) = (record::STATE, record::id(&name)?);
            let delete = Operation::DeleteDocument { kind, id, precondition: Precondition::None };
            self.shared.commit(Change::new(Actor::server(), delete)).await?;
        }
        Ok(())
    }

    /// All feeds by name.
    pub fn list(&self) -> Vec<FeedView> {
        self.running().values().map(Running::view).collect()
    }

    /// A feed.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn find(&self, name: &FeedName) -> Result<FeedView, FeedsError> {
        let running = self.running();
        let found = running.get(name).ok_or_else(|| FeedsError::NotFound(name.clone()))?;
        Ok(found.view())
    }

    /// Makes a feed or changes it; the number of the change, and whether it is a new one. It runs at once if it reads
    /// something else than before.
    ///
    /// # Errors
    /// It stands in the configuration, can't be, or the store takes no writes.
    pub async fn put(
        self: &Arc<Self>,
        feed: Feed,
        actor: Actor,
    ) -> Result<(FeedView, u64, bool), FeedsError> {
        let this = self.clone();
        // It is done to its end whoever stops waiting for it: a feed is not left without its task.
        let put = tokio::spawn(async move { this.replace(feed, actor).await });
        put.await.map_err(|_| FeedsError::Stopping)?
    }

    async fn replace(&self, feed: Feed, actor: Actor) -> Result<(FeedView, u64, bool), FeedsError> {
        let _changing = self.changing.lock().await;
        self.admit(&feed, Some(&feed.name))?;
        let document = Box::new(record::document(&feed)?);
        let put = Operation::PutDocument { document, precondition: Precondition::None };
        let seq = self.shared.commit(Change::new(actor, put)).await?;
        let before = self.end(&feed.name).await;
        let created = before.is_none();
        let state = before.map_or_else(FeedState::default, |before| {
            before.state.after_change(&before.feed, &feed)
        });
        let name = feed.name.clone();
        self.run(feed, false, state);
        Ok((self.find(&name)?, seq, created))
    }

    /// Deletes a feed; the number of the change. What it has listed stays.
    ///
    /// # Errors
    /// There is none of this name, it stands in the configuration, or the store takes no writes.
    pub async fn delete(self: &Arc<Self>, name: FeedName, actor: Actor) -> Result<u64, FeedsError> {
        let this = self.clone();
        let delete = tokio::spawn(async move { this.remove(&name, actor).await });
        delete.await.map_err(|_| FeedsError::Stopping)?
    }

    async fn remove(&self, name: &FeedName, actor: Actor) -> Result<u64, FeedsError> {
        let _changing = self.changing.lock().await;
        if self.find(name)?.configured {
            return Err(FeedsError::Configured(name.clone()));
        }
        let id = record::id(name)?;
        let delete = |kind| Operation::DeleteDocument {
            kind,
            id: id.clone(),
            precondition: Precondition::None,
        };
        // Its task first, which would write its state again.
        self.end(name).await;
        let operations = vec![delete(record::FEED), delete(record::STATE)];
        self.shared.commit(Change { actor, operations }).await
    }

    /// Makes an attempt now and returns what came of it, which may be a failure. `max_removed` holds this once.
    ///
    /// # Errors
    /// There is none of this name, too many ask for it, or the server stops.
    pub async fn run_now(
        &self,
        name: &FeedName,
        max_removed: Option<Share>,
    ) -> Result<FeedView, FeedsError> {
        let (reply, done) = oneshot::channel();
        let tx = match self.running().get(name) {
            Some(running) => running.tx.clone(),
            None => return Err(FeedsError::NotFound(name.clone())),
        };
        tx.try_send(Request { max_removed, reply }).map_err(|err| match err {
            TrySendError::Full(_) => FeedsError::Busy(name.clone()),
            TrySendError::Closed(_) => FeedsError::Stopping,
        })?;
        done.await.map_err(|_| FeedsError::Stopping)?;
        self.find(name)
    }

    /// Ends all attempts; an import that has begun is finished.
    pub async fn stop(&self) {
        let _changing = self.changing.lock().await;
        let all = std::mem::take(&mut *self.running());
        for running in all.values() {
            running.stop.cancel();
        }
        for running in all.into_values() {
            // A task that panicked has said so.
            let _ = running.task.await;
        }
    }

    /// Refuses a feed that can't be beside the others.
    fn admit(&self, feed: &Feed, replaced: Option<&FeedName>) -> Result<(), FeedsError> {
        let running = self.running();
        match running.get(&feed.name) {
            Some(found) if found.configured || replaced != Some(&feed.name) => {
                return Err(FeedsError::Configured(feed.name.clone()));
            }
            None if running.len() >= MOST => return Err(FeedsError::TooMany),
            _ => {}
        }
        let mut others = running.values().filter(|other| other.feed.name != feed.name);
        let same =
            others.find(|other| other.feed.zone == feed.zone && other.feed.source == feed.source);
        if let Some(other) = same {
            return Err(FeedsError::Taken {
                other: other.feed.name.clone(),
                source_name: feed.source.clone(),
                zone: feed.zone.clone(),
            });
        }
        match &feed.origin {
            Origin::Path(path) if replaced.is_some() && !self.may_read(path) => {
                Err(FeedsError::Outside(path.clone()))
            }
            _ => Ok(()),
        }
    }

    fn may_read(&self, path: &std::path::Path) -> bool {
        self.settings.folders.iter().any(|folder| path.starts_with(folder))
    }

    fn run(&self, feed: Feed, configured: bool, state: FeedState) {
        let feed = Arc::new(feed);
        let (shown_tx, shown) = watch::channel(Shown::new(state.clone()));
        let (tx, rx) = mpsc::channel(QUEUE);
        let stop = CancellationToken::new();
        let folders = (!configured).then(|| self.settings.folders.clone());
        let runner = Runner::new(feed.clone(), folders, state, shown_tx, self.shared.clone());
        let task = tokio::spawn(runner.run(rx, stop.clone()));
        let name = feed.name.clone();
        self.running().insert(name, Running { feed, configured, shown, tx, stop, task });
    }

    /// Ends a feed's task, and tells how it was.
    async fn end(&self, name: &FeedName) -> Option<FeedView> {
        let running = self.running().remove(name)?;
        running.stop.cancel();
        let view = running.shown.clone();
        let mut last = running.view();
        let _ = running.task.await;
        last.state = view.borrow().state.clone();
        Some(last)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<FeedName, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn view(&self) -> FeedView {
        let Shown { state, running, failures } = self.shown.borrow().clone();
        let next_attempt = state.next_attempt(&self.feed, UnixTime::now());
        let (feed, configured) = (self.feed.clone(), self.configured);
        FeedView { feed, configured, state, running, failures, next_attempt }
    }
}

/// What the store holds of feeds.
struct Stored {
    feeds: Vec<Feed>,
    /// Each with the feed as it was then.
    states: BTreeMap<FeedName, (Feed, FeedState)>,
}

impl Stored {
    fn read(store: &Store) -> Result<Self, FeedsError> {
        let reader = store.read(UnixTime::now());
        let feeds = reader.documents(&record::FEED, None, MOST)?;
        let states = reader.documents(&record::STATE, None, 2 * MOST)?;
        let feeds = feeds.iter().filter_map(|document| kept(document, record::read)).collect();
        let states = states.iter().filter_map(|document| kept(document, record::read_state));
        let states = states.map(|(feed, state)| (feed.name.clone(), (feed, state))).collect();
        Ok(Self { feeds, states })
    }
}

/// What a document says; one that can't be read is told and left out.
fn kept<T>(document: &Document, read: impl FnOnce(&Document) -> Result<T, BodyError>) -> Option<T> {
    let told = |err: &BodyError| {
        tracing::warn!(kind = %document.kind(), id = %document.id(), %err, "a feed's record is left out");
    };
    read(document).inspect_err(told).ok()
}
