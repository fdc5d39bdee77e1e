//! Reports as the server takes them: one task owns them, and makes a change of the store of all that has come in
//! meanwhile.

mod clerk;
mod desk;
mod outcome;
mod place;
mod settings;
mod stats;

use std::sync::Arc;

use dnsbl_index::Index;
use dnsbl_store::{Actor, DocumentId, Reader, Store};
use dnsbl_types::{Clock, Name, ReportCategory, Source, Subject, UnixTime};
use relay_tester::service::Tester;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use self::{
    clerk::{Clerk, Order, Request},
    desk::kept,
};
pub use self::{
    outcome::{Decided, Found, Outcome, ReportsError},
    settings::Settings,
    stats::{Stats, Waiting},
};
use crate::{Comment, Report, ReportId, Reporter, StateKind, Submission, Verdict, record};

/// Requests that may wait for the task.
const QUEUE: usize = 4096;
/// How many reports are looked through for a page of those that are wanted.
const MOST_SCANNED: usize = 10_000;
/// How many are read at a time.
const CHUNK: usize = 200;

/// The way to the task that owns the reports.
pub struct Reports {
    tx: mpsc::Sender<Request>,
    stats: Arc<Stats>,
    store: Store,
}

/// The task, once it runs.
pub struct RunningReports {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

/// The task before it starts.
pub struct Start {
    clerk: Clerk,
    rx: mpsc::Receiver<Request>,
}

/// A choice of reports.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this zone only.
    pub zone: Option<Name>,
    /// Of this subject only.
    pub subject: Option<Subject>,
    /// Of this category only.
    pub category: Option<ReportCategory>,
    /// Those that stand so.
    pub state: Option<StateKind>,
    /// Of this reporter only.
    pub reporter: Option<Source>,
}

impl Reports {
    /// Takes reports once [`Start::run`] has read what the store holds.
    pub fn new(
        store: Store,
        index: Arc<Index>,
        tester: Option<Arc<Tester>>,
        settings: Settings,
    ) -> (Arc<Self>, Start) {
        let (tx, rx) = mpsc::channel(QUEUE);
        let stats = Arc::new(Stats::default());
        let clerk = Clerk::new(store.clone(), index, tester, settings, stats.clone());
        (Arc::new(Self { tx, stats, store }), Start { clerk, rx })
    }

    /// Takes a report, and returns once it is durable, and what it lists is answered.
    ///
    /// # Errors
    /// It is refused, the store takes no writes, or the server stops.
    pub async fn report(&self, submission: Submission) -> Result<Outcome, ReportsError> {
        let mut answers = self.report_all(vec![submission]).await?;
        answers.pop().unwrap_or(Err(ReportsError::Stopping))
    }

    /// Takes several reports; the answers have their order.
    ///
    /// # Errors
    /// The server stops.
    pub async fn report_all(
        &self,
        submissions: Vec<Submission>,
    ) -> Result<Vec<Result<Outcome, ReportsError>>, ReportsError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Report { submissions, reply }, answer).await
    }

    /// Takes a reviewer's verdict about a report, and all that say the same of its subject within the window.
    /// What is true is listed by the zone's rule, or by the usual terms where it has none; a listing that rests on
    /// what is false goes.
    ///
    /// # Errors
    /// There is no such report, its subject may not be listed, the store takes no writes, or the server stops.
    pub async fn decide(
        &self,
        id: ReportId,
        verdict: Verdict,
        note: Option<Comment>,
        actor: Actor,
    ) -> Result<Decided, ReportsError> {
        let (reply, answer) = oneshot::channel();
        let order = Box::new(Order { id, verdict, note, actor });
        self.ask(Request::Decide { order, reply }, answer).await?
    }

    /// A report, with its evidence as long as that is kept.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn find(&self, id: ReportId) -> Result<Option<Found>, ReportsError> {
        self.read(move |reader| {
            let Some(report) = desk::read_report(reader, id)? else { return Ok(None) };
            let evidence = reader.document(&record::EVIDENCE, &record::report_id(id)?)?;
            let evidence = evidence.and_then(|document| kept(&document, record::read_evidence));
            Ok(Some(Found { report, evidence }))
        })
        .await
    }

    /// At most `limit` reports before `before`, the newest first, and where to go on.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn list(
        &self,
        filter: Filter,
        before: Option<ReportId>,
        limit: usize,
    ) -> Result<(Vec<Report>, Option<ReportId>), ReportsError> {
        self.read(move |reader| filter.page(reader, before, limit)).await
    }

    /// At most `limit` reporters behind `after`, by name, and where to go on.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn reporters(
        &self,
        after: Option<Source>,
        limit: usize,
    ) -> Result<(Vec<Reporter>, Option<Source>), ReportsError> {
        self.read(move |reader| {
            let after = after.as_ref().map(record::reporter_id).transpose()?;
            let documents = reader.documents(&record::REPORTER, after.as_ref(), limit)?;
            let is_cut = documents.len() == limit;
            let reporters: Vec<Reporter> = documents
                .iter()
                .filter_map(|document| kept(document, record::read_reporter))
                .collect();
            let next = reporters.last().filter(|_| is_cut).map(|reporter| reporter.name.clone());
            Ok((reporters, next))
        })
        .await
    }

    /// What has happened since the start, and what waits.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> Result<T, ReportsError> + Send + 'static,
    ) -> Result<T, ReportsError> {
        let store = self.store.clone();
        let read = move || read(&store.read(UnixTime::now()));
        tokio::task::spawn_blocking(read).await.map_err(|_| ReportsError::Stopping)?
    }

    async fn ask<T>(
        &self,
        request: Request,
        answer: oneshot::Receiver<T>,
    ) -> Result<T, ReportsError> {
        self.tx.send(request).await.map_err(|_| ReportsError::Stopping)?;
        answer.await.map_err(|_| ReportsError::Stopping)
    }
}

impl Filter {
    fn page(
        &self,
        reader: &Reader<'_>,
        mut before: Option<ReportId>,
        limit: usize,
    ) -> Result<(Vec<Report>, Option<ReportId>), ReportsError> {
        let mut found = Vec::new();
        for _ in 0..MOST_SCANNED / CHUNK {
            let id = before.map(record::report_id).transpose()?;
            let documents = self.documents(reader, id.as_ref())?;
            let is_last = documents.len() < CHUNK;
            for document in &documents {
                before = document.id().as_str().parse().ok().or(before);
                let report = kept(document, record::read_report);
                found.extend(report.filter(|report| self.admits(report)));
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
        before: Option<&DocumentId>,
    ) -> Result<Vec<dnsbl_store::Document>, ReportsError> {
        let kind = &record::REPORT;
        Ok(match &self.subject {
            None => reader.last_documents(kind, before, CHUNK)?,
            Some(subject) => {
                reader.documents_of_group(kind, &record::group(subject), before, CHUNK)?
            }
        })
    }

    fn admits(&self, report: &Report) -> bool {
        let is_by = |name: &Source| name.as_str().eq_ignore_ascii_case(report.reporter.as_str());
        self.zone.as_ref().is_none_or(|zone| *zone == report.zone)
            && self.subject.as_ref().is_none_or(|subject| *subject == report.subject)
            && self.category.is_none_or(|category| category == report.category)
            && self.state.is_none_or(|state| state == report.state.kind())
            && self.reporter.as_ref().is_none_or(is_by)
    }
}

impl Start {
    /// Reads what the store holds, and takes requests from then on. Nothing is deleted while the clock is in doubt.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn run(self, clock: Clock) -> Result<RunningReports, ReportsError> {
        let Self { mut clerk, rx } = self;
        let read = tokio::task::spawn_blocking(move || clerk.read().map(|()| clerk));
        let clerk = read.await.map_err(|_| ReportsError::Stopping)??;
        let stop = CancellationToken::new();
        let task = tokio::spawn(clerk.run(rx, clock, stop.clone()));
        Ok(RunningReports { task, stop })
    }
}

impl RunningReports {
    /// Answers the requests that wait, and takes no more.
    pub async fn stop(self) {
        self.stop.cancel();
        // A task that panicked has said so.
        let _ = self.task.await;
    }
}
