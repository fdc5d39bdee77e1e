//! Webhooks as the server runs them: a task for each, which owns its progress.

mod error;
mod runner;
mod shared;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use dnsbl_outbound::Connector;
use dnsbl_store::{
    Actor, BodyError, Carried, Change, Document, Operation, Precondition, Reader, Store, Terms,
};
use dnsbl_types::{Name, UnixTime};
use tokio::{sync::watch, task::JoinHandle};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;

pub use self::error::WebhooksError;
use self::{
    error::MOST,
    runner::{Runner, Shown},
    shared::Shared,
};
use crate::{
    changes::ChangeWriter,
    delivery::Deliverer,
    destination::Destinations,
    message::BatchLimits,
    progress::{Patience, Progress},
    record,
    secret::{Secret, Secrets},
    webhook::{ChangeKind, Webhook, WebhookId, WebhookUrl},
};

/// What webhooks run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where messages may go beside https on the Internet.
    pub destinations: Destinations,
    /// How long an attempt may take.
    pub limit: Duration,
    /// How long failures are borne.
    pub patience: Patience,
    /// What a message may hold.
    pub batch: BatchLimits,
    /// Authorities that are believed beside those of the system.
    pub roots: Vec<CertificateDer<'static>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            destinations: Destinations::default(),
            limit: Duration::from_secs(30),
            patience: Patience::default(),
            batch: BatchLimits::default(),
            roots: Vec::new(),
        }
    }
}

/// All webhooks.
pub struct Webhooks {
    shared: Arc<Shared>,
    running: Mutex<BTreeMap<WebhookId, Running>>,
    /// Held while a webhook is made, changed or deleted.
    changing: tokio::sync::Mutex<()>,
}

/// A webhook that runs.
struct Running {
    webhook: Arc<Webhook>,
    secrets: Secrets,
    shown: watch::Receiver<Shown>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What somebody wants a webhook to be.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Where messages go.
    pub url: WebhookUrl,
    /// The zones of whose changes it is told; none: all.
    pub zones: Vec<Name>,
    /// The kinds of changes that it is told of; none: all.
    pub kinds: Vec<ChangeKind>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// The secret that takes the place of all that it has; `None`: those that it has stay.
    pub secret: Option<Secret>,
    /// The change behind which it begins; `None`: where it is, a new one behind the last change.
    pub after: Option<u64>,
}

/// By whom a change is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who it is.
    pub actor: Actor,
    /// The public id of the token.
    pub token: String,
    /// The request that it carries out, to be remembered with it.
    pub carried: Option<Carried>,
}

/// What came of a change.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The webhook as it now is.
    pub view: WebhookView,
    /// The number of the change.
    pub seq: u64,
}

/// A webhook as it is now.
#[derive(Clone, Debug)]
pub struct WebhookView {
    /// What it is told to do.
    pub webhook: Arc<Webhook>,
    /// How far it has come.
    pub progress: Progress,
    /// Until when secrets before the newest count.
    pub secrets_until: Vec<UnixTime>,
    /// Messages that were taken since the server started.
    pub delivered: u64,
    /// Attempts that failed since the server started.
    pub failures: u64,
}

impl Webhooks {
    /// Webhooks that do nothing until they are [started](Self::start). `random` gives a random number each time.
    pub fn new(
        store: Store,
        writer: Arc<dyn ChangeWriter>,
        head: watch::Receiver<u64>,
        random: fn() -> u64,
        settings: Settings,
    ) -> Arc<Self> {
        let Settings { destinations, limit, patience, batch, roots } = settings;
        let deliverer = Deliverer { connector: Connector::new(roots), destinations, limit };
        let shared = Shared { store, writer, head, deliverer, batch, patience, random };
        Arc::new(Self {
            shared: Arc::new(shared),
            running: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// Reads what the store holds, and runs all webhooks from then on.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn start(&self) -> Result<(), WebhooksError> {
        let _changing = self.changing.lock().await;
        let stored = self.shared.block(|store| read_all(&store.read(UnixTime::now()))).await?;
        for Stored { webhook, secrets, progress } in stored {
            // It may have been made since the API is there.
            if !self.running().contains_key(&webhook.id) {
                self.run(webhook, secrets, progress);
            }
        }
        Ok(())
    }

    /// All webhooks by id.
    pub fn list(&self) -> Vec<WebhookView> {
        self.running().values().map(Running::view).collect()
    }

    /// A webhook.
    ///
    /// # Errors
    /// There is none with this id.
    pub fn find(&self, id: &WebhookId) -> Result<WebhookView, WebhooksError> {
        let running = self.running();
        let found = running.get(id).ok_or_else(|| WebhooksError::NotFound(id.clone()))?;
        Ok(found.view())
    }

    /// Makes a webhook.
    ///
    /// # Errors
    /// Messages may not go there, it would begin where the log is not, there are too many, or the store takes no writes.
    pub async fn create(
        self: &Arc<Self>,
        id: WebhookId,
        draft: Draft,
        secret: Secret,
        asked: Asked,
    ) -> Result<Changed, WebhooksError> {
        let this = self.clone();
        // It is done to its end whoever stops waiting for it: a webhook is not left without its task.
        let made = tokio::spawn(async move {
            let _changing = this.changing.lock().await;
            if this.running().len() >= MOST {
                return Err(WebhooksError::TooMany);
            }
            let begins_after = this.beginning(&draft, None).await?;
            let now = UnixTime::now();
            let webhook = draft.webhook(id, &asked, begins_after, Times { made: now, secret: now });
            let secrets = Secrets::one(secret);
            let operations =
                vec![put(record::document(&webhook)?), put_secrets(&webhook.id, &secrets)?];
            let seq = this.commit(asked, operations).await?;
            Ok(this.replace(webhook, secrets, Progress::beginning_after(begins_after), seq))
        });
        made.await.map_err(|_| WebhooksError::Stopping)?
    }

    /// Changes a webhook, and tries it at once.
    ///
    /// # Errors
    /// There is none with this id, messages may not go there, it would begin where the log is not, or the store takes no
    /// writes.
    pub async fn put(
        self: &Arc<Self>,
        id: WebhookId,
        draft: Draft,
        asked: Asked,
    ) -> Result<Changed, WebhooksError> {
        let this = self.clone();
        let put = tokio::spawn(async move {
            let _changing = this.changing.lock().await;
            let (before, secrets) = this.current(&id)?;
            let begins_after = this.beginning(&draft, Some(before.begins_after)).await?;
            let secret_at = draft.secret.as_ref().map_or(before.secret_at, |_| UnixTime::now());
            let times = Times { made: before.created_at, secret: secret_at };
            let webhook = draft.webhook(id, &asked, begins_after, times);
            let mut operations = vec![put(record::document(&webhook)?)];
            let secrets = match draft.secret {
                Some(secret) => Secrets::one(secret),
                None => secrets,
            };
            operations.push(put_secrets(&webhook.id, &secrets)?);
            let seq = this.commit(asked, operations).await?;
            let progress = this.end(&webhook.id).await.unwrap_or_default();
            let progress = match draft.after {
                Some(after) => Progress { position: after, told: after, ..progress },
                None => progress,
            };
            Ok(this.replace(webhook, secrets, progress.resumed(), seq))
        });
        put.await.map_err(|_| WebhooksError::Stopping)?
    }

    /// Gives a webhook another secret; those that it has count for `overlap` seconds yet.
    ///
    /// # Errors
    /// There is none with this id, too many secrets count, or the store takes no writes.
    pub async fn rotate(
        self: &Arc<Self>,
        id: WebhookId,
        secret: Secret,
        overlap: Overlap,
        asked: Asked,
    ) -> Result<Changed, WebhooksError> {
        let this = self.clone();
        let rotated = tokio::spawn(async move {
            let _changing = this.changing.lock().await;
            let (webhook, secrets) = this.current(&id)?;
            let now = UnixTime::now();
            let rotated = secrets.rotated(secret, overlap.0, now);
            let secrets = rotated.ok_or(WebhooksError::TooManySecrets)?;
            // So the audit records have who did it.
            let webhook = Webhook { secret_at: now, ..(*webhook).clone() };
            let operations = vec![put(record::document(&webhook)?), put_secrets(&id, &secrets)?];
            let seq = this.commit(asked, operations).await?;
            let progress = this.end(&id).await.unwrap_or_default();
            Ok(this.replace(webhook, secrets, progress, seq))
        });
        rotated.await.map_err(|_| WebhooksError::Stopping)?
    }

    /// Deletes a webhook; the number of the change.
    ///
    /// # Errors
    /// There is none with this id, or the store takes no writes.
    pub async fn delete(
        self: &Arc<Self>,
        id: WebhookId,
        asked: Asked,
    ) -> Result<u64, WebhooksError> {
        let this = self.clone();
        let deleted = tokio::spawn(async move {
            let _changing = this.changing.lock().await;
            this.find(&id)?;
            let document = record::id(&id)?;
            let delete = |kind| Operation::DeleteDocument {
                kind,
                id: document.clone(),
                precondition: Precondition::None,
            };
            let operations = vec![delete(record::WEBHOOK), delete(record::SECRETS)];
            let seq = this.commit(asked, operations).await?;
            // Its task first, which would keep its bookmark again.
            this.end(&id).await;
            let forget =
                move |store: &Store| Ok(store.keep_bookmark(&record::WEBHOOK, &document, None)?);
            if let Err(err) = this.shared.block(forget).await {
                tracing::warn!(webhook = %id, %err, "the bookmark of a webhook that is no more stays");
            }
            Ok(seq)
        });
        deleted.await.map_err(|_| WebhooksError::Stopping)?
    }

    /// Ends all attempts. What is under way is sent again at the next start.
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

    /// Where a webhook begins that was told so, or that began there before, or a new one.
    async fn beginning(&self, draft: &Draft, before: Option<u64>) -> Result<u64, WebhooksError> {
        if let Some(why) = self.shared.deliverer.destinations.why_not(&draft.url) {
            return Err(WebhooksError::Forbidden(why));
        }
        let head = *self.shared.head.borrow();
        match (draft.after, before) {
            (Some(after), _) if after > head => Err(WebhooksError::Ahead { after, head }),
            (Some(after), _) => {
                let floor =
                    self.shared.block(|store| Ok(store.read(UnixTime::now()).log_floor()?)).await?;
                let is_there = after.saturating_add(1) >= floor;
                is_there.then_some(after).ok_or(WebhooksError::Compacted { after })
            }
            (None, Some(before)) => Ok(before),
            (None, None) => Ok(head),
        }
    }

    async fn commit(&self, asked: Asked, operations: Vec<Operation>) -> Result<u64, WebhooksError> {
        let Asked { actor, carried, .. } = asked;
        let terms = Terms { dry_run: false, carried };
        self.shared.commit(terms, Change { actor, operations }).await
    }

    fn current(&self, id: &WebhookId) -> Result<(Arc<Webhook>, Secrets), WebhooksError> {
        let running = self.running();
        let found = running.get(id).ok_or_else(|| WebhooksError::NotFound(id.clone()))?;
        Ok((found.webhook.clone(), found.secrets.clone()))
    }

    fn replace(&self, webhook: Webhook, secrets: Secrets, progress: Progress, seq: u64) -> Changed {
        let id = webhook.id.clone();
        let view = self.run(webhook, secrets, progress);
        tracing::info!(webhook = %id, seq, "a webhook was made or changed");
        Changed { view, seq }
    }

    fn run(&self, webhook: Webhook, secrets: Secrets, progress: Progress) -> WebhookView {
        let webhook = Arc::new(webhook);
        let shown = Shown { progress: progress.clone(), ..Shown::default() };
        let (shown_tx, shown) = watch::channel(shown);
        let stop = CancellationToken::new();
        let runner =
            Runner::new(webhook.clone(), secrets.clone(), progress, shown_tx, self.shared.clone());
        let task = tokio::spawn(runner.run(stop.clone()));
        let id = webhook.id.clone();
        let running = Running { webhook, secrets, shown, stop, task };
        let view = running.view();
        self.running().insert(id, running);
        view
    }

    /// Ends a webhook's task, and tells how far it has come.
    async fn end(&self, id: &WebhookId) -> Option<Progress> {
        let running = self.running().remove(id)?;
        running.stop.cancel();
        let _ = running.task.await;
        let progress = running.shown.borrow().progress.clone();
        Some(progress)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<WebhookId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For how many seconds the secrets before a new one count yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap(u64);

impl Overlap {
    /// A day.
    pub const USUAL: Self = Self(86_400);
    /// The most seconds: 30 days.
    pub const MOST: u64 = 30 * 86_400;

    /// So many seconds; `None` where these are too many.
    pub fn seconds(seconds: u64) -> Option<Self> {
        (seconds <= Self::MOST).then_some(Self(seconds))
    }
}

/// When a webhook was made, and when it got its newest secret.
#[derive(Clone, Copy)]
struct Times {
    made: UnixTime,
    secret: UnixTime,
}

impl Draft {
    fn webhook(&self, id: WebhookId, asked: &Asked, begins_after: u64, times: Times) -> Webhook {
        Webhook {
            id,
            url: self.url.clone(),
            zones: self.zones.clone(),
            kinds: self.kinds.clone(),
            enabled: self.enabled,
            token: asked.token.clone(),
            created_at: times.made,
            secret_at: times.secret,
            begins_after,
        }
    }
}

impl Running {
    fn view(&self) -> WebhookView {
        let Shown { progress, delivered, failures } = self.shown.borrow().clone();
        let (webhook, secrets_until) = (self.webhook.clone(), self.secrets.ends(UnixTime::now()));
        WebhookView { webhook, progress, secrets_until, delivered, failures }
    }
}

fn put(document: Document) -> Operation {
    Operation::PutDocument { document: Box::new(document), precondition: Precondition::None }
}

fn put_secrets(id: &WebhookId, secrets: &Secrets) -> Result<Operation, WebhooksError> {
    Ok(put(record::secrets_document(id, secrets)?))
}

/// What the store holds of a webhook.
struct Stored {
    webhook: Webhook,
    secrets: Secrets,
    progress: Progress,
}

fn read_all(reader: &Reader<'_>) -> Result<Vec<Stored>, WebhooksError> {
    let mut all = Vec::new();
    for document in reader.documents(&record::WEBHOOK, None, MOST)? {
        let id = document.id();
        let secrets = reader.document(&record::SECRETS, id)?;
        let bookmark = reader.bookmark(&record::WEBHOOK, id)?;
        match read_one(&document, secrets.as_ref(), bookmark.as_deref()) {
            Ok(stored) => all.push(stored),
            Err(err) => {
                tracing::error!(webhook = %id, %err, "a webhook can't be read; it tells nothing until it is made anew");
            }
        }
    }
    Ok(all)
}

fn read_one(
    document: &Document,
    secrets: Option<&Document>,
    bookmark: Option<&[u8]>,
) -> Result<Stored, BodyError> {
    let webhook = record::read(document)?;
    let secrets = secrets.ok_or_else(|| BodyError::Damaged("it has no secrets".into()))?;
    let secrets = record::read_secrets(secrets)?;
    let kept = match bookmark {
        Some(bytes) => record::read_bookmark(&webhook, bytes)?,
        None => None,
    };
    let progress = kept.unwrap_or_else(|| Progress::beginning_after(webhook.begins_after));
    Ok(Stored { webhook, secrets, progress })
}
