//! The task of one feed: it waits until something is due, fetches, has it imported, and keeps what came of it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use dnsbl_store::{Actor, Change, Operation, Precondition};
use dnsbl_types::UnixTime;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{error::FeedsError, shared::Shared, watcher::Watcher};
use crate::{
    content::Content,
    feed::{Feed, Origin, Share},
    fetch::Fetched,
    import::{ImportError, Imported, Order},
    record,
    state::{AttemptError, FeedState},
};

/// Seconds after which the times of attempts are written even where nothing else has changed.
const WRITE_EVERY: u64 = 3600;

/// The wish that an attempt is made now.
pub(super) struct Request {
    /// The share of listings that may go this once.
    pub(super) max_removed: Option<Share>,
    pub(super) reply: oneshot::Sender<()>,
}

/// What others see of a feed.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) state: FeedState,
    pub(super) running: bool,
    /// Attempts that failed since the start.
    pub(super) failures: u64,
}

impl Shown {
    pub(super) fn new(state: FeedState) -> Self {
        Self { state, running: false, failures: 0 }
    }
}

/// The owner of a feed's state.
pub(super) struct Runner {
    feed: Arc<Feed>,
    /// Where alone it may read files.
    folders: Option<Vec<PathBuf>>,
    state: FeedState,
    /// The state as it was last written, and when.
    written: Option<(FeedState, UnixTime)>,
    shown: watch::Sender<Shown>,
    shared: Arc<Shared>,
    watcher: Option<Watcher>,
}

/// What came of an attempt.
enum Attempt {
    Same,
    Imported(Content, Imported),
}

impl Runner {
    pub(super) fn new(
        feed: Arc<Feed>,
        folders: Option<Vec<PathBuf>>,
        state: FeedState,
        shown: watch::Sender<Shown>,
        shared: Arc<Shared>,
    ) -> Self {
        Self { feed, folders, state, written: None, shown, shared, watcher: None }
    }

    /// Makes attempts until the end.
    pub(super) async fn run(mut self, mut rx: mpsc::Receiver<Request>, stop: CancellationToken) {
        self.watch();
        // A file may have changed while nobody watched it.
        let mut at_once = matches!(self.feed.origin, Origin::Path(_));
        loop {
            let due = if at_once { Instant::now() } else { self.due() };
            let request = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(request) = rx.recv() => Some(request),
                () = changed(self.watcher.as_ref()) => None,
                () = sleep_until(due) => None,
            };
            at_once = false;
            let max_removed = request.as_ref().and_then(|request| request.max_removed);
            if self.attempt(max_removed, &stop).await.is_none() {
                return;
            }
            if let Some(request) = request {
                // Whoever asked may be gone.
                let _ = request.reply.send(());
            }
        }
    }

    fn watch(&mut self) {
        let Origin::Path(path) = &self.feed.origin else { return };
        match Watcher::new(path) {
            Ok(mut watcher) => {
                watcher.arm();
                self.watcher = Some(watcher);
            }
            Err(err) => {
                tracing::warn!(feed = %self.feed.name, %err, "a feed's file is not watched, only looked at now and then");
            }
        }
    }

    fn due(&self) -> Instant {
        let now = UnixTime::now();
        let wait = self.state.next_attempt(&self.feed, now).seconds_from(now);
        Instant::now() + Duration::from_secs(wait)
    }

    /// Makes an attempt; `None` where it is called off.
    async fn attempt(
        &mut self,
        max_removed: Option<Share>,
        stop: &CancellationToken,
    ) -> Option<()> {
        let shared = self.shared.clone();
        let _place = stop.run_until_cancelled(shared.places.acquire()).await?.ok()?;
        if let Some(watcher) = &mut self.watcher {
            watcher.arm();
        }
        self.shown.send_modify(|shown| shown.running = true);
        let now = UnixTime::now();
        let tried = self.fetch_and_import(max_removed, now, stop).await?;
        let failed = tried.is_err();
        self.note(tried, now);
        self.shown.send_modify(|shown| {
            shown.state = self.state.clone();
            shown.running = false;
            shown.failures += u64::from(failed);
        });
        self.write(now).await;
        Some(())
    }

    /// Fetches, which may be called off, and imports, which is not left alone, as the store may close then.
    async fn fetch_and_import(
        &self,
        max_removed: Option<Share>,
        now: UnixTime,
        stop: &CancellationToken,
    ) -> Option<Result<Attempt, AttemptError>> {
        let is_current = self.is_current(now).await;
        let known = self.state.validators(&self.feed).filter(|_| is_current);
        let fetch = self.shared.fetcher.fetch(&self.feed, known, self.folders.as_deref());
        let (bodies, content) = match stop.run_until_cancelled(fetch).await? {
            Ok(Fetched::Same) => return Some(Ok(Attempt::Same)),
            Ok(Fetched::Bodies(bodies, content)) => (bodies, content),
            Err(err) => return Some(Err(err.into())),
        };
        let known = self.state.content.as_ref().filter(|_| is_current);
        if known.is_some_and(|known| known.digest == content.digest) {
            return Some(Ok(Attempt::Same));
        }
        let (feed, importer) = (self.feed.clone(), self.shared.importer.clone());
        let expires_at = FeedState::expiry(&feed, now);
        let import = tokio::task::spawn_blocking(move || {
            let max_removed = max_removed.unwrap_or(feed.max_removed);
            importer.import(&Order { feed: &feed, max_removed, expires_at }, bodies, now)
        });
        let imported = import.await.unwrap_or_else(|err| Err(ImportError::Store(err.to_string())));
        let content = Content { expires_at, ..content };
        Some(imported.map(|imported| Attempt::Imported(content, imported)).map_err(Into::into))
    }

    /// Whether what was imported last is what the zone has, and for long enough.
    async fn is_current(&self, now: UnixTime) -> bool {
        let Some(at) = self.state.last_import.filter(|_| self.state.content.is_some()) else {
            return false;
        };
        if self.state.needs_renewal(&self.feed, now) {
            return false;
        }
        let (feed, importer) = (self.feed.clone(), self.shared.importer.clone());
        let asked = tokio::task::spawn_blocking(move || importer.is_current(&feed, at));
        asked.await.unwrap_or(false)
    }

    fn note(&mut self, tried: Result<Attempt, AttemptError>, now: UnixTime) {
        let feed = &self.feed.name;
        match tried {
            Ok(attempt) => {
                if self.state.failing.is_some() {
                    tracing::info!(%feed, "a feed succeeds again");
                }
                match attempt {
                    Attempt::Same => self.state.unchanged(now),
                    Attempt::Imported(content, imported) => {
                        let Imported { added, updated, removed, rejected, seq, .. } = imported;
                        tracing::info!(%feed, added, updated, removed, rejected, seq, "a feed was imported");
                        self.state.imported(content, imported, now);
                    }
                }
            }
            Err(err) => {
                let is_new = self.state.failing.is_none();
                self.state.failed(&err, now);
                if is_new {
                    tracing::warn!(%feed, %err, "a feed fails; its listings stay as they are");
                } else {
                    tracing::debug!(%feed, %err, "a feed fails again");
                }
            }
        }
    }

    /// Keeps the state, unless only times have changed since a short while.
    async fn write(&mut self, now: UnixTime) {
        if let Some((written, at)) = &self.written
            && written.is_like(&self.state)
            && now.0.abs_diff(at.0) < WRITE_EVERY
        {
            return;
        }
        match self.commit().await {
            Ok(()) => self.written = Some((self.state.clone(), now)),
            Err(err) => {
                tracing::warn!(feed = %self.feed.name, %err, "the state of a feed can't be written");
            }
        }
    }

    async fn commit(&self) -> Result<(), FeedsError> {
        let document = Box::new(record::state_document(&self.feed, &self.state)?);
        let put = Operation::PutDocument { document, precondition: Precondition::None };
        self.shared.commit(Change::new(Actor::part("feeds"), put)).await.map(drop)
    }
}

/// Waits until a watched file changes; for ever where none is.
async fn changed(watcher: Option<&Watcher>) {
    match watcher {
        None => std::future::pending().await,
        Some(watcher) => {
            if let Err(err) = watcher.changed().await {
                tracing::warn!(%err, "a feed's file is not watched any more");
                std::future::pending().await
            }
        }
    }
}
