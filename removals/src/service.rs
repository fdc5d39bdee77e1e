//! Requests for removal as the server takes them: one task owns them, another one sends the mails.

mod clerk;
mod desk;
mod limits;
mod outcome;
mod place;
mod settings;
mod stats;

use std::sync::Arc;

use dnsbl_index::Index;
use dnsbl_reports::Comment;
use dnsbl_store::{Actor, Document, Op, Reader, Store};
use dnsbl_types::{Clock, Name, Subject, UnixTime};
use relay_tester::service::Tester;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use self::clerk::{Call, Clerk, Order};
pub use self::{
    outcome::{Changed, Found, RemovalsError, Submitted},
    settings::Settings,
    stats::Stats,
};
use crate::{
    RemovalId, Request, StateKind, Submission, Ticket, Verdict,
    post::Post,
    record::{self, kept},
};

/// Calls that may wait for the task.
const QUEUE: usize = 256;
/// How many requests are looked through for a page of those that are wanted.
const MOST_SCANNED: usize = 10_000;
/// How many are read at a time.
const CHUNK: usize = 200;

/// The way to the task that owns the requests.
pub struct Removals {
    tx: mpsc::Sender<Call>,
    stats: Arc<Stats>,
    store: Store,
    index: Arc<Index>,
    sends_mail: bool,
}

/// The tasks, once they run.
pub struct RunningRemovals {
    clerk: JoinHandle<()>,
    post: JoinHandle<()>,
    stop: CancellationToken,
    stop_post: CancellationToken,
}

/// The tasks before they start.
pub struct Start {
    clerk: Clerk,
    post: Option<Post>,
    rx: mpsc::Receiver<Call>,
}

/// A choice of requests.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// About this zone only.
    pub zone: Option<Name>,
    /// About this subject only.
    pub subject: Option<Subject>,
    /// Those that stand so.
    pub state: Option<StateKind>,
}

impl Removals {
    /// Takes requests once [`Start::run`] has read what the store holds. `secret` is random.
    pub fn new(
        store: Store,
        index: Arc<Index>,
        tester: Option<Arc<Tester>>,
        settings: Settings,
        secret: [u8; 32],
    ) -> (Arc<Self>, Start) {
        let (tx, rx) = mpsc::channel(QUEUE);
        let (stats, wake) = (Arc::new(Stats::default()), Arc::new(Notify::new()));
        let mail = settings.mail.clone();
        let sends_mail = mail.is_some();
        let post = mail.map(|settings| Post {
            store: store.clone(),
            settings,
            stats: stats.post.clone(),
            wake: wake.clone(),
        });
        let (of_clerk, of_index) = (store.clone(), index.clone());
        let clerk = Clerk::new(of_clerk, of_index, tester, settings, stats.clone(), wake, secret);
        (Arc::new(Self { tx, stats, store, index, sends_mail }), Start { clerk, post, rx })
    }

    /// Takes a request, and does what can be done at once; returns once that is durable, and DNS answers with it.
    ///
    /// # Errors
    /// It is refused, the store takes no writes, or the server stops.
    pub async fn submit(&self, submission: Submission) -> Result<Submitted, RemovalsError> {
        self.ask(|reply| Call::Submit(Box::new(submission), reply)).await
    }

    /// Confirms a request by the token in the mail. Doing so again changes nothing.
    ///
    /// # Errors
    /// There is no such request any more, the store takes no writes, or the server stops.
    pub async fn confirm(&self, token: &Ticket) -> Result<Changed, RemovalsError> {
        self.ask(|reply| Call::Confirm(token.clone(), reply)).await
    }

    /// Takes a reviewer's decision about a request that waits; what is granted goes for all who have asked for the same.
    ///
    /// # Errors
    /// There is no such request, it does not wait, the store refuses the change, or the server stops.
    pub async fn decide(
        &self,
        id: RemovalId,
        verdict: Verdict,
        note: Option<Comment>,
        actor: Actor,
    ) -> Result<Changed, RemovalsError> {
        let order = Box::new(Order { id, verdict, note, actor });
        self.ask(|reply| Call::Decide(order, reply)).await
    }

    /// Opens requests again whose removal was made by a change that was undone, where their subjects are listed; how many.
    ///
    /// # Errors
    /// The store can't be read or written, or the server stops.
    pub async fn reopen(&self, undone: u64) -> Result<usize, RemovalsError> {
        let of = move |reader: &Reader<'_>, _| {
            let ops = reader.log_entry(undone)?.map(|entry| entry.ops).unwrap_or_default();
            let of_request = |op: &Op| match op.document() {
                Some((kind, id)) if *kind == record::REQUEST => id.as_str().parse().ok(),
                _ => None,
            };
            Ok(ops.iter().filter_map(of_request).collect::<Vec<RemovalId>>())
        };
        match self.read(of).await? {
            none if none.is_empty() => Ok(0),
            ids => self.ask(|reply| Call::Reopen(ids, reply)).await,
        }
    }

    /// A request by its ticket.
    ///
    /// # Errors
    /// There is none with this ticket, or the store can't be read.
    pub async fn by_ticket(&self, ticket: &Ticket) -> Result<Found, RemovalsError> {
        let found = self.find(ticket.request()).await?;
        let found = found.filter(|found| ticket.is(&found.request.ticket));
        found.ok_or(RemovalsError::NoTicket)
    }

    /// A request by its number.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn find(&self, id: RemovalId) -> Result<Option<Found>, RemovalsError> {
        let index = self.index.clone();
        self.read(move |reader, now| {
            let Some((request, document)) = desk::read_request(reader, id)? else {
                return Ok(None);
            };
            let has_contact = desk::read_contact(reader, id)?.is_some();
            let snapshot = index.load();
            let zone = snapshot.zone(&request.zone);
            let is_listed = zone.is_some_and(|zone| place::lists(zone, &request.subject, now));
            let revision = document.revision();
            Ok(Some(Found { request, revision, is_listed, has_contact }))
        })
        .await
    }

    /// At most `limit` requests before `before`, the newest first, and where to go on.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn list(
        &self,
        filter: Filter,
        before: Option<RemovalId>,
        limit: usize,
    ) -> Result<(Vec<Request>, Option<RemovalId>), RemovalsError> {
        self.read(move |reader, _| filter.page(reader, before, limit)).await
    }

    /// The numbers of the requests that wait, behind one, the oldest first.
    pub(crate) fn waiting(&self, after: Option<RemovalId>) -> Vec<RemovalId> {
        let waiting = self.stats.open(StateKind::Waiting).into_iter();
        waiting.filter(|id| after.is_none_or(|after| *id > after)).collect()
    }

    /// How many requests there are, and what became of mails.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Whether a zone has requests confirmed by mail, so that a contact is needed.
    pub fn wants_contact(&self, zone: &Name) -> bool {
        let snapshot = self.index.load();
        let zone = snapshot.zone(zone);
        self.sends_mail && zone.is_some_and(|zone| zone.settings().removal.confirm_by_mail)
    }

    /// Whether answers are sent by mail.
    pub fn sends_mail(&self) -> bool {
        self.sends_mail
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader<'_>, UnixTime) -> Result<T, RemovalsError> + Send + 'static,
    ) -> Result<T, RemovalsError> {
        let (store, now) = (self.store.clone(), UnixTime::now());
        let read = move || read(&store.read(now), now);
        tokio::task::spawn_blocking(read).await.map_err(|_| RemovalsError::Stopping)?
    }

    async fn ask<T>(
        &self,
        call: impl FnOnce(oneshot::Sender<Result<T, RemovalsError>>) -> Call,
    ) -> Result<T, RemovalsError> {
        let (reply, answer) = oneshot::channel();
        self.tx.send(call(reply)).await.map_err(|_| RemovalsError::Stopping)?;
        answer.await.map_err(|_| RemovalsError::Stopping)?
    }
}

impl Filter {
    fn page(
        &self,
        reader: &Reader<'_>,
        mut before: Option<RemovalId>,
        limit: usize,
    ) -> Result<(Vec<Request>, Option<RemovalId>), RemovalsError> {
        let mut found = Vec::new();
        for _ in 0..MOST_SCANNED / CHUNK {
            let documents = self.documents(reader, before)?;
            let is_last = documents.len() < CHUNK;
            for document in &documents {
                before = document.id().as_str().parse().ok().or(before);
                let request = kept(document, record::read_request);
                found.extend(request.filter(|request| self.admits(request)));
                if found.len() == limit {
                    return Ok((found, before));
                }
            }
            if is_last {
                return Ok((found, None));
            }
        }
        Ok((found, before))
    }

    fn documents(
        &self,
        reader: &Reader<'_>,
        before: Option<RemovalId>,
    ) -> Result<Vec<Document>, RemovalsError> {
        let (kind, before) = (&record::REQUEST, before.map(record::request_id).transpose()?);
        Ok(match (&self.zone, &self.subject) {
            (Some(zone), Some(subject)) => {
                let group = record::group(zone, subject);
                reader.documents_of_group(kind, &group, before.as_ref(), CHUNK)?
            }
            _ => reader.last_documents(kind, before.as_ref(), CHUNK)?,
        })
    }

    fn admits(&self, request: &Request) -> bool {
        self.zone.as_ref().is_none_or(|zone| *zone == request.zone)
            && self.subject.as_ref().is_none_or(|subject| *subject == request.subject)
            && self.state.is_none_or(|state| state == request.state.kind())
    }
}

impl Start {
    /// Reads what the store holds, and takes requests from then on. Nothing that time brings is done while the clock is in
    /// doubt.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn run(self, clock: Clock) -> Result<RunningRemovals, RemovalsError> {
        let Self { mut clerk, post, rx } = self;
        let read = tokio::task::spawn_blocking(move || clerk.read().map(|()| clerk));
        let clerk = read.await.map_err(|_| RemovalsError::Stopping)??;
        let (stop, stop_post) = (CancellationToken::new(), CancellationToken::new());
        let post = match post {
            Some(post) => tokio::spawn(post.run(clock.clone(), stop_post.clone())),
            None => tokio::spawn(std::future::ready(())),
        };
        let clerk = tokio::spawn(clerk.run(rx, clock, stop.clone()));
        Ok(RunningRemovals { clerk, post, stop, stop_post })
    }
}

impl RunningRemovals {
    /// Answers the calls that wait, and takes no more. Mails that wait are sent after the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        // A task that panicked has said so.
        let _ = self.clerk.await;
        self.stop_post.cancel();
        let _ = self.post.await;
    }
}
