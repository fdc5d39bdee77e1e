//! Sending mails: each stays in the store until the smarthost has it, refuses it for good, or it is too old.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use dnsbl_store::{Actor, Document, Operation, Precondition, Store, StoreError};
use dnsbl_types::{Clock, Source, UnixTime};
use lettre::{
    address::Envelope,
    transport::smtp::{client::AsyncSmtpConnection, extension::ClientId},
};
use relay_tester::text::clean;
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, error::Elapsed, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    MailSettings,
    change::{self, WriteError},
    mail::QueuedMail,
    record,
};

/// The most mails that wait.
pub(crate) const MOST_QUEUED: u64 = 10_000;
/// How often it is looked for mails that are due.
const TICK: Duration = Duration::from_secs(2);
/// Mails that are sent in a row.
const ROUND: usize = 16;
/// Seconds after which a mail is tried again, by how often it was.
const PAUSES: [u64; 6] = [5, 60, 300, 900, 3600, 4 * 3600];
/// Seconds after which a mail that nobody takes is given up.
const GIVE_UP: u64 = 3 * 86_400;
/// How long the smarthost may take for a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take for one mail.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many characters of an error are logged.
const MAX_WORDS: usize = 300;

/// What has become of mails since the start, and how many wait.
#[derive(Debug, Default)]
pub(crate) struct PostStats {
    pub(crate) queued: AtomicU64,
    pub(crate) sent: AtomicU64,
    pub(crate) deferred: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) dropped: AtomicU64,
    /// The last mail that was tried was not taken.
    pub(crate) is_failing: AtomicBool,
}

/// The sender of mails.
pub(crate) struct Post {
    pub(crate) store: Store,
    pub(crate) settings: MailSettings,
    pub(crate) stats: Arc<PostStats>,
    /// Something was queued.
    pub(crate) wake: Arc<Notify>,
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error(transparent)]
    Envelope(#[from] lettre::error::Error),
    #[error(transparent)]
    Smtp(#[from] lettre::transport::smtp::Error),
    #[error("it takes too long")]
    TooSlow(#[from] Elapsed),
}

/// Why the queue can't be worked on.
#[derive(Debug, thiserror::Error)]
enum QueueError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Document(#[from] dnsbl_store::DocumentError),
}

/// What has become of a mail that was tried.
enum Tried {
    Sent,
    /// It is tried again.
    Deferred(SendError),
    /// It is not.
    Failed(SendError),
}

impl Post {
    /// Sends what is due until `stop`; nothing while the clock is in doubt.
    pub(crate) async fn run(self, clock: Clock, stop: CancellationToken) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
                () = self.wake.notified() => {}
            }
            let Some(now) = clock.believed() else { continue };
            if let Err(err) = self.send_due(now, &stop).await {
                tracing::warn!(%err, "mails that are due could not be sent");
            }
        }
    }

    async fn send_due(&self, now: UnixTime, stop: &CancellationToken) -> Result<(), QueueError> {
        let due = self.due(now).await?;
        let mut connection = None;
        for document in due {
            if stop.is_cancelled() {
                return Ok(());
            }
            let Some(mail) = record::kept(&document, record::read_mail) else {
                self.end(&document, now).await?;
                continue;
            };
            let tried = self.try_mail(&mut connection, &mail).await;
            self.note(&document, mail, tried, now).await?;
        }
        if let Some(mut connection) = connection {
            // It has the mails; how it says goodbye changes nothing.
            let _ = timeout(CONNECT_PATIENCE, connection.quit()).await;
        }
        Ok(())
    }

    async fn due(&self, now: UnixTime) -> Result<Vec<Document>, QueueError> {
        let store = self.store.clone();
        let read = move || store.read(now).documents_due(&record::MAIL, now, ROUND);
        Ok(tokio::task::spawn_blocking(read).await.map_err(|_| WriteError::Stopping)??)
    }

    async fn try_mail(
        &self,
        connection: &mut Option<AsyncSmtpConnection>,
        mail: &QueuedMail,
    ) -> Tried {
        let mut open = match connection.take() {
            Some(open) => open,
            None => match self.connect().await {
                Ok(open) => open,
                Err(err) => return Tried::Deferred(err),
            },
        };
        match self.send(&mut open, mail).await {
            Ok(()) => {
                *connection = Some(open);
                Tried::Sent
            }
            Err(SendError::Smtp(err)) if err.is_permanent() => Tried::Failed(err.into()),
            Err(err) => Tried::Deferred(err),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let ehlo = ClientId::Domain(self.settings.from.address().domain().to_owned());
        let smarthost = &*self.settings.smarthost;
        let connect = AsyncSmtpConnection::connect_tokio1(
            smarthost,
            Some(CONNECT_PATIENCE),
            &ehlo,
            None,
            None,
        );
        Ok(timeout(2 * CONNECT_PATIENCE, connect).await??)
    }

    async fn send(
        &self,
        connection: &mut AsyncSmtpConnection,
        mail: &QueuedMail,
    ) -> Result<(), SendError> {
        let from = Some(self.settings.from.address().clone());
        let envelope = Envelope::new(from, vec![mail.to.address().clone()])?;
        timeout(PATIENCE, connection.send(&envelope, mail.message.as_bytes())).await??;
        Ok(())
    }

    /// Takes note of what has become of a mail.
    async fn note(
        &self,
        document: &Document,
        mail: QueuedMail,
        tried: Tried,
        now: UnixTime,
    ) -> Result<(), QueueError> {
        let stats = &self.stats;
        stats.is_failing.store(!matches!(tried, Tried::Sent), Relaxed);
        match tried {
            Tried::Sent => stats.sent.fetch_add(1, Relaxed),
            Tried::Deferred(err) if now < mail.since.plus(GIVE_UP) => {
                stats.deferred.fetch_add(1, Relaxed);
                tracing::info!(mail = %mail.id, tries = mail.tries, err = %told(&err), "a mail is tried again later");
                let pause = PAUSES[(mail.tries as usize).min(PAUSES.len() - 1)];
                let mail = QueuedMail { tries: mail.tries.saturating_add(1), ..mail };
                let document = record::mail_document(&mail, now.plus(pause))?;
                return self.write(change::put(document), now).await;
            }
            Tried::Deferred(err) | Tried::Failed(err) => {
                tracing::warn!(mail = %mail.id, err = %told(&err), "a mail was not taken, and is given up");
                stats.failed.fetch_add(1, Relaxed)
            }
        };
        self.end(document, now).await
    }

    /// Takes a mail out of the queue.
    async fn end(&self, document: &Document, now: UnixTime) -> Result<(), QueueError> {
        let delete = Operation::DeleteDocument {
            kind: document.kind().clone(),
            id: document.id().clone(),
            precondition: Precondition::None,
        };
        self.write(delete, now).await?;
        let less = |queued: u64| Some(queued.saturating_sub(1));
        // It always is some number.
        let _ = self.stats.queued.fetch_update(Relaxed, Relaxed, less);
        Ok(())
    }

    async fn write(&self, operation: Operation, now: UnixTime) -> Result<(), QueueError> {
        let actor = Actor::part(Source::REMOVALS);
        Ok(change::commit(&self.store, actor, vec![operation], now).await.map(drop)?)
    }
}

/// An error in words that a log may hold; the smarthost's own are among them.
fn told(err: &SendError) -> String {
    clean(&err.to_string()).chars().take(MAX_WORDS).collect()
}
