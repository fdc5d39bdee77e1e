//! The task of one webhook: it waits until there is something to tell, reads, sends, and keeps how far it has come.

use std::{sync::Arc, time::Duration};

use dnsbl_store::LogEntry;
use dnsbl_types::UnixTime;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::shared::Shared;
use crate::{
    changes::SightError,
    delivery::DeliveryError,
    message::{self, Batch},
    progress::{PauseReason, Progress},
    record,
    secret::Secrets,
    webhook::Webhook,
};

/// Entries of the change log that are read at once.
const ENTRIES: usize = 500;
/// Changes with nothing to tell after which the position is kept.
const KEEP_EVERY: u64 = 500;
/// How long a position that has moved is not kept at most: well below the time for which the change log is.
const KEEP_AFTER: Duration = Duration::from_secs(600);

/// What others see of a webhook.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub(super) progress: Progress,
    /// Messages that were taken since the start.
    pub(super) delivered: u64,
    /// Attempts that failed since the start.
    pub(super) failures: u64,
}

/// The owner of a webhook's progress.
pub(super) struct Runner {
    webhook: Arc<Webhook>,
    secrets: Secrets,
    progress: Progress,
    /// The position that is kept, and since when another one is not.
    kept: u64,
    moved: Option<Instant>,
    /// Where the message ends that was not taken: what is sent again is the same message, whatever came since.
    untaken: Option<u64>,
    shown: watch::Sender<Shown>,
    shared: Arc<Shared>,
}

/// What a look at the change log shows.
enum Look {
    Batch(Batch),
    Nothing,
    Pause(PauseReason),
}

impl Runner {
    pub(super) fn new(
        webhook: Arc<Webhook>,
        secrets: Secrets,
        progress: Progress,
        shown: watch::Sender<Shown>,
        shared: Arc<Shared>,
    ) -> Self {
        let kept = progress.position;
        Self { webhook, secrets, progress, kept, moved: None, untaken: None, shown, shared }
    }

    /// Tells of changes until the end, or until nothing more is to be tried.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while self.webhook.enabled && self.progress.paused.is_none() {
            if stop.run_until_cancelled(self.due()).await.is_none() {
                break;
            }
            if self.moved.is_some_and(|since| since.elapsed() >= KEEP_AFTER) {
                self.keep().await;
            }
            if *self.shared.head.borrow() > self.progress.position
                && stop.run_until_cancelled(self.advance()).await.is_none()
            {
                break;
            }
        }
        if self.moved.is_some() {
            self.keep().await;
        }
        stop.cancelled().await;
    }

    /// Waits until something may be tried: there is a change, and the time after a failure is over.
    async fn due(&self) {
        let wait = self.progress.wait(UnixTime::now(), &self.shared.patience);
        if wait > 0 {
            sleep_until(Instant::now() + Duration::from_secs(wait)).await;
        }
        let (position, mut head) = (self.progress.position, self.shared.head.clone());
        let change = async {
            // The sender goes with the server, which stops the webhooks first.
            if head.wait_for(|head| *head > position).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        match self.moved {
            None => change.await,
            // That there was none in time is no error: what has moved is kept.
            Some(since) => {
                let _ = timeout_at(since + KEEP_AFTER, change).await;
            }
        }
    }

    /// Tells of the next changes, or sees that there is nothing to tell.
    async fn advance(&mut self) {
        let batch = match self.look().await {
            Ok(Look::Batch(batch)) => batch,
            Ok(Look::Nothing) => return,
            Ok(Look::Pause(reason)) => return self.pause(reason).await,
            Err(err) => return self.fail(&err).await,
        };
        self.untaken = None;
        let Some(message) = batch.message else {
            self.progress.skipped(batch.next);
            self.moved.get_or_insert_with(Instant::now);
            self.show();
            if batch.next.saturating_sub(self.kept) >= KEEP_EVERY {
                self.keep().await;
            }
            return;
        };
        let (url, now) = (&self.webhook.url, UnixTime::now());
        match self.shared.deliverer.deliver(url, &self.secrets, &message, now).await {
            Ok(()) => {
                if self.progress.failing.is_some() {
                    tracing::info!(webhook = %self.webhook.id, "a webhook is taken again");
                }
                self.progress.delivered(batch.next, UnixTime::now());
                self.shown.send_modify(|shown| shown.delivered += 1);
                self.keep().await;
            }
            Err(err) => {
                self.untaken = Some(batch.next);
                self.fail(&err).await;
            }
        }
    }

    /// What comes next in the change log, as its token may see it now.
    async fn look(&self) -> Result<Look, DeliveryError> {
        let (webhook, shared) = (self.webhook.clone(), self.shared.clone());
        let Progress { position, told, .. } = self.progress;
        let until = self.untaken.unwrap_or(*self.shared.head.borrow());
        let read = tokio::task::spawn_blocking(move || {
            let now = UnixTime::now();
            let sight = match shared.writer.sight(&webhook.token, now) {
                Ok(sight) => sight,
                Err(SightError::Ended) => return Ok(Look::Pause(PauseReason::Token)),
                Err(err) => return Err(DeliveryError::Unreadable(err.to_string())),
            };
            let entries = shared.store.read(now).log_after(position, ENTRIES);
            let entries = entries.map_err(|err| DeliveryError::Unreadable(err.to_string()))?;
            let Some(mut entries) = entries else { return Ok(Look::Pause(PauseReason::Compacted)) };
            entries.retain(|entry| entry.seq <= until);
            let write = |entry: &LogEntry| sight.write(entry, &|op| webhook.wants(op));
            let batch = message::batch(&webhook.id, told, &entries, shared.batch, write);
            Ok(batch.map_or(Look::Nothing, Look::Batch))
        });
        read.await.unwrap_or_else(|err| Err(DeliveryError::Unreadable(err.to_string())))
    }

    async fn fail(&mut self, err: &DeliveryError) {
        let is_new = self.progress.failing.is_none();
        let random = (self.shared.random)();
        self.progress.failed(err, UnixTime::now(), &self.shared.patience, random);
        self.shown.send_modify(|shown| shown.failures += 1);
        let webhook = &self.webhook.id;
        match &self.progress.paused {
            Some(pause) => {
                tracing::warn!(%webhook, %err, reason = pause.reason.word(), "a webhook is paused: {}", pause.reason.advice());
            }
            None if is_new => {
                tracing::warn!(%webhook, %err, "a webhook fails; what it is told of waits");
            }
            None => tracing::debug!(%webhook, %err, "a webhook fails again"),
        }
        self.keep().await;
    }

    async fn pause(&mut self, reason: PauseReason) {
        self.progress.pause(reason, UnixTime::now());
        tracing::warn!(
            webhook = %self.webhook.id,
            reason = reason.word(),
            position = self.progress.position,
            "a webhook is paused: {}",
            reason.advice()
        );
        self.keep().await;
    }

    /// Shows how far it has come, and keeps it.
    async fn keep(&mut self) {
        self.show();
        self.moved = None;
        self.kept = self.progress.position;
        let (webhook, progress) = (self.webhook.clone(), self.progress.clone());
        let kept = self.shared.block(move |store| {
            let bookmark = record::bookmark(&webhook, &progress);
            Ok(store.keep_bookmark(&record::WEBHOOK, &record::id(&webhook.id)?, Some(&bookmark))?)
        });
        if let Err(err) = kept.await {
            tracing::warn!(webhook = %self.webhook.id, %err, "how far a webhook has come can't be written: some is told again after a restart");
        }
    }

    fn show(&self) {
        self.shown.send_modify(|shown| shown.progress = self.progress.clone());
    }
}
