//! The task that owns reports, cases and reporters.
//!
//! It takes all reports that wait, reads what the store holds of their cases, decides one after the other, and writes
//! what they leave as one change: listing, reports, evidence, cases, reporters. Nobody is told of a report before it is
//! durable, and what it lists is answered. Nothing is kept in memory but how many reports wait.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use dnsbl_index::Index;
use dnsbl_store::{Actor, ChangeError, Document, DocumentKind, Operation, Precondition, Store};
use dnsbl_types::{Clock, Name, ReportCategory, ReportRules, ReturnCode, Source, UnixTime};
use relay_tester::{
    Ground,
    life::Asker,
    service::{Submission as TestSubmission, Tester},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    desk::{self, Desk, Look, OpenCase, commit, kept},
    outcome::{Decided, Outcome, ReportsError},
    place::{self, Place},
    settings::Settings,
    stats::{Stats, Waiting},
};
use crate::{
    Comment, Decision, Refused, Report, ReportId, ReportState, StateKind, Submission, Verdict,
    case::{Received, Voice},
    record::{self, CaseKey},
};

/// Reports that are decided together, if no request has more.
const ROUND: usize = 1024;
/// How often it is looked for what changes by itself.
const TICK: Duration = Duration::from_secs(1);
/// Cases that are looked at again in one tick.
const CASES: usize = 256;
/// How often records are deleted that are no longer kept, and how many at once.
const FORGET_EVERY: Duration = Duration::from_secs(60);
const FORGET: usize = 1000;
/// Records that are read at once.
const PAGE: usize = 1000;
/// Reports that may wait for a reviewer, and those of one reporter.
const MOST_WAITING: u64 = 100_000;
const MOST_WAITING_OF_ONE: u64 = 10_000;

type Reply<T> = oneshot::Sender<T>;
type Answer = Result<Outcome, ReportsError>;

/// What the task is asked for.
pub(super) enum Request {
    /// To take reports; the answers have their order.
    Report { submissions: Vec<Submission>, reply: Reply<Vec<Answer>> },
    /// To take a reviewer's verdict.
    Decide { order: Box<Order>, reply: Reply<Result<Decided, ReportsError>> },
}

/// A reviewer's verdict on its way in.
pub(super) struct Order {
    pub(super) id: ReportId,
    pub(super) verdict: Verdict,
    pub(super) note: Option<Comment>,
    pub(super) actor: Actor,
}

/// A report that belongs somewhere, and where among all of a round it stands.
struct Placed {
    at: usize,
    place: Place,
    submission: Submission,
}

/// The owner of reports.
pub(super) struct Clerk {
    store: Store,
    index: Arc<Index>,
    tester: Option<Arc<Tester>>,
    settings: Settings,
    stats: Arc<Stats>,
    last: ReportId,
    forgot_at: Option<Instant>,
}

impl Clerk {
    pub(super) fn new(
        store: Store,
        index: Arc<Index>,
        tester: Option<Arc<Tester>>,
        settings: Settings,
        stats: Arc<Stats>,
    ) -> Self {
        let last = ReportId(0);
        Self { store, index, tester, settings, stats, last, forgot_at: None }
    }

    /// Reads how many reports wait. Blocks.
    pub(super) fn read(&mut self) -> Result<(), ReportsError> {
        let (now, store, mut after) = (UnixTime::now(), self.store.clone(), None);
        let (reader, mut waiting) = (store.read(now), Waiting::default());
        loop {
            let documents = reader.documents(&record::REPORT, after.as_ref(), PAGE)?;
            let Some(last) = documents.last() else { break };
            after = Some(last.id().clone());
            for report in
                documents.iter().filter_map(|document| kept(document, record::read_report))
            {
                self.last = self.last.max(report.id);
                waiting.note(&report, None, Some(report.state.kind()));
            }
        }
        *self.stats.lock() = waiting;
        Ok(())
    }

    /// Answers requests until the end.
    pub(super) async fn run(
        mut self,
        mut rx: mpsc::Receiver<Request>,
        clock: Clock,
        stop: CancellationToken,
    ) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut requests = Vec::with_capacity(ROUND);
        loop {
            tokio::select! {
                biased;
                taken = rx.recv_many(&mut requests, ROUND) => {
                    if taken == 0 {
                        return;
                    }
                    self.serve(std::mem::take(&mut requests)).await;
                }
                _ = tick.tick() => self.tidy(&clock).await,
                () = stop.cancelled(), if !rx.is_closed() => rx.close(),
            }
        }
    }

    /// Takes reports together, and verdicts one by one after them.
    async fn serve(&mut self, requests: Vec<Request>) {
        let (mut submissions, mut replies, mut orders) = (Vec::new(), Vec::new(), Vec::new());
        for request in requests {
            match request {
                Request::Report { submissions: of_request, reply } => {
                    replies.push((of_request.len(), reply));
                    submissions.extend(of_request);
                }
                Request::Decide { order, reply } => orders.push((order, reply)),
            }
        }
        let mut answers = self.take(submissions).await.into_iter();
        for (count, reply) in replies {
            // Whoever asked may be gone.
            let _ = reply.send(answers.by_ref().take(count).collect());
        }
        for (order, reply) in orders {
            let _ = reply.send(self.decide(*order).await);
        }
    }

    async fn take(&mut self, submissions: Vec<Submission>) -> Vec<Answer> {
        let now = UnixTime::now();
        let categories: Vec<ReportCategory> =
            submissions.iter().map(|submission| submission.claimed.category).collect();
        let (mut answers, mut placed) = (BTreeMap::new(), Vec::new());
        for (at, submission) in submissions.into_iter().enumerate() {
            match self.place(&submission, now) {
                Ok(place) => placed.push(Placed { at, place, submission }),
                Err(why) => drop(answers.insert(at, Err(why.into()))),
            }
        }
        answers.extend(self.take_placed(placed, now).await);
        let answers: Vec<Answer> = answers.into_values().collect();
        for (category, answer) in categories.into_iter().zip(&answers) {
            self.stats.count(category, answer.as_ref().ok());
        }
        answers
    }

    /// Takes reports as one change. Where the store refuses that, each case is a change of its own: what is wrong with
    /// one is not to keep the others out.
    async fn take_placed(&mut self, placed: Vec<Placed>, now: UnixTime) -> Vec<(usize, Answer)> {
        if placed.is_empty() {
            return Vec::new();
        }
        let err = match self.settle(&placed, now).await {
            Ok(answers) => return answers,
            Err(err) => err,
        };
        let mut cases: BTreeMap<CaseKey, Vec<Placed>> = BTreeMap::new();
        for placed in placed {
            cases.entry(placed.place.key.clone()).or_default().push(placed);
        }
        if cases.len() == 1 || !is_of_one(&err) {
            return failed(cases.values().flatten(), &err);
        }
        let mut answers = Vec::new();
        for placed in cases.values() {
            match self.settle(placed, now).await {
                Ok(settled) => answers.extend(settled),
                Err(err) => answers.extend(failed(placed, &err)),
            }
        }
        answers
    }

    fn place(&self, submission: &Submission, now: UnixTime) -> Result<Place, Refused> {
        let relays = self.tester.as_ref().map(|tester| &tester.settings().zone);
        Place::of(&submission.claimed, &self.index.load(), relays, now)
    }

    /// Decides reports one after the other, and writes what they leave as one change.
    async fn settle(
        &mut self,
        placed: &[Placed],
        now: UnixTime,
    ) -> Result<Vec<(usize, Answer)>, ReportsError> {
        let keys: BTreeSet<CaseKey> = placed.iter().map(|p| p.place.key.clone()).collect();
        let reporters = placed.iter().map(|placed| placed.submission.reporter.clone()).collect();
        let mut desk = self.read_desk(keys, Look::Reporters(reporters), now).await?;
        let (mut taken, mut waiting) = (Vec::new(), self.stats.waiting());
        for placed in placed {
            taken.push((placed, self.receive(&mut desk, placed, &mut waiting, now).await));
        }
        let seq = match taken.iter().any(|(_, taken)| taken.is_ok()) {
            true => self.write(&desk, Actor::part(Source::REPORTS), now).await?,
            false => 0,
        };
        let answers = taken.into_iter().map(|(placed, taken)| {
            let answer = taken.and_then(|(id, is_new)| {
                let found = desk.cases.get(&placed.place.key).and_then(|open| open.report(id));
                let report = found.ok_or(ReportsError::NotFound(id))?.clone();
                Ok(Outcome { report, is_new, seq })
            });
            (placed.at, answer)
        });
        Ok(answers.collect())
    }

    /// Takes a report: its number, or that of the reporter's first, and whether it is the first.
    async fn receive(
        &mut self,
        desk: &mut Desk,
        placed: &Placed,
        waiting: &mut Waiting,
        now: UnixTime,
    ) -> Result<(ReportId, bool), ReportsError> {
        let Placed { place, submission, .. } = placed;
        let (reporter, claimed) = (&submission.reporter, &submission.claimed);
        let counting: HashMap<Source, bool> = desk
            .cases
            .get(&place.key)
            .into_iter()
            .flat_map(|open| open.case.reporters())
            .chain([reporter])
            .map(|name| (name.clone(), desk.counts(name)))
            .collect();
        let Some(open) = desk.cases.get_mut(&place.key) else {
            return Err(ReportsError::Stopping);
        };
        open.case.forget(&place.rules, now);
        let first = open.case.claim(claimed.category).voice_of(reporter).map(|voice| voice.report);
        if let Some(first) = first
            && let Some(report) = open.report_that_follows(first)
        {
            report.repeat(claimed.count, claimed.last_seen, now);
            let reporter = desk.reporter(reporter, now);
            reporter.duplicates = reporter.duplicates.saturating_add(1);
            reporter.last = reporter.last.max(now);
            return Ok((first, false));
        }
        check_room(waiting, reporter)?;
        let test = match (&self.tester, place.is_tested) {
            (Some(tester), true) => Some(ask_for_test(tester, submission).await?),
            _ => None,
        };
        let id = self.last.after(now);
        let voice = Voice {
            reporter: reporter.clone(),
            network: submission.network,
            at: now,
            report: id,
            spent: test.is_some(),
        };
        let counts = |name: &Source| counting.get(name).copied().unwrap_or(true);
        let received = open.case.receive(claimed.category, voice, &place.rules, counts, now);
        let received = received.map_err(|_| Refused::Crowded {
            subject: claimed.subject.clone(),
            count: crate::case::Case::MAX_VOICES,
        })?;
        self.last = id;
        let state = match (test, &received) {
            (Some(test), _) => ReportState::Testing(test),
            (None, Received::Lists(until, _) | Received::Joins(until)) => {
                ReportState::Listed(*until)
            }
            (None, Received::Waits | Received::Duplicate(_)) => ReportState::Waiting,
        };
        if let Received::Lists(until, waited) = received {
            for waited in waited.into_iter().filter(|waited| *waited != id) {
                if let Some(report) = open.report_that_follows(waited) {
                    let before = Some(report.state.kind());
                    report.state = ReportState::Listed(until);
                    waiting.note(report, before, Some(StateKind::Listed));
                }
            }
            let key = &place.key;
            tracing::info!(zone = %key.zone, subject = %key.subject, category = %claimed.category, until = until.0, "reports list");
        }
        let report = Report {
            id,
            zone: place.key.zone.clone(),
            subject: claimed.subject.clone(),
            category: claimed.category,
            reporter: reporter.clone(),
            network: submission.network,
            at: now,
            last: now,
            duplicates: 0,
            count: claimed.count,
            first_seen: claimed.first_seen,
            last_seen: claimed.last_seen,
            comment: claimed.comment.clone(),
            state,
            decision: None,
        };
        waiting.note(&report, None, Some(report.state.kind()));
        open.add(report, claimed.evidence.clone());
        let reporter = desk.reporter(reporter, now);
        reporter.reports = reporter.reports.saturating_add(1);
        reporter.last = reporter.last.max(now);
        Ok((id, true))
    }

    /// Takes a reviewer's verdict, which is about all who say the same within the window.
    async fn decide(&mut self, order: Order) -> Result<Decided, ReportsError> {
        let (now, Order { id, verdict, note, actor }) = (UnixTime::now(), order);
        let store = self.store.clone();
        let report = blocking(move || desk::read_report(&store.read(now), id)).await?;
        let report = report.ok_or(ReportsError::NotFound(id))?;
        if report.decision.as_ref().is_some_and(|decision| decision.verdict == verdict) {
            return Ok(Decided { report, count: 0, seq: None });
        }
        let key = CaseKey { zone: report.zone.clone(), subject: report.subject.clone() };
        let mut desk = self.read_desk([key.clone()].into(), Look::Review(id), now).await?;
        let decision = Decision { verdict, by: actor.name.clone(), at: now, note };
        let decided = match desk.cases.get_mut(&key) {
            Some(open) => self.decide_case(open, &report, &decision)?,
            None => return Err(ReportsError::Stopping),
        };
        for (name, before) in &decided {
            desk.reporter(name, now).decide(*before, verdict);
        }
        let seq = self.write(&desk, actor, now).await?;
        self.stats.decide(verdict, decided.len());
        let report = desk.cases.get(&key).and_then(|open| open.report(id)).cloned();
        let report = report.ok_or(ReportsError::NotFound(id))?;
        Ok(Decided { report, count: decided.len(), seq: Some(seq) })
    }

    /// Decides about a report and those that say the same; each one's reporter, and the verdict before.
    fn decide_case(
        &self,
        open: &mut OpenCase,
        report: &Report,
        decision: &Decision,
    ) -> Result<Vec<(Source, Option<Verdict>)>, ReportsError> {
        let mut ids = BTreeSet::from([report.id]);
        let is_tested = report.category == ReportCategory::Relay && self.tester.is_some();
        if !is_tested {
            let snapshot = self.index.load();
            let zone = snapshot.zone(&report.zone);
            let rules = zone.and_then(|zone| zone.settings().reports.as_ref());
            let rule = rules.and_then(|rules| rules.rule(report.category));
            let claim = open.case.claim(report.category);
            ids.extend(claim.voices.iter().map(|voice| voice.report));
            match decision.verdict {
                Verdict::Confirmed => {
                    let zone = zone.ok_or_else(|| Refused::NoZone(report.zone.clone()))?;
                    place::check(zone, &report.subject, decision.at)?;
                    claim.confirm(rule, decision.at);
                }
                Verdict::Refuted => claim.unlist(decision.at),
            }
        }
        let decide = |id| {
            let report = open.report_to_decide(id)?;
            Some((report.reporter.clone(), report.decide(decision.clone())))
        };
        Ok(ids.into_iter().filter_map(decide).collect())
    }

    async fn read_desk(
        &self,
        keys: BTreeSet<CaseKey>,
        look: Look,
        now: UnixTime,
    ) -> Result<Desk, ReportsError> {
        let store = self.store.clone();
        blocking(move || Desk::read(&store, keys, &look, now)).await
    }

    /// Writes what is to become of the cases at hand.
    async fn write(&self, desk: &Desk, actor: Actor, now: UnixTime) -> Result<u64, ReportsError> {
        let operations = desk.operations(&self.settings, |key| self.terms(&key.zone), now)?;
        let seq = commit(&self.store, actor, operations, now).await?;
        let mut waiting = self.stats.lock();
        for (before, report) in desk.changed_reports() {
            waiting.note(report, before, Some(report.state.kind()));
        }
        Ok(seq)
    }

    /// The rules and return codes of a zone, if there is one.
    fn terms(&self, origin: &Name) -> Option<(ReportRules, Vec<ReturnCode>)> {
        let snapshot = self.index.load();
        let settings = snapshot.zone(origin)?.settings();
        Some((settings.reports.clone().unwrap_or_default(), settings.return_codes.clone()))
    }

    /// Ends what has ended in cases, and deletes records that are no longer kept; not while the clock is in doubt.
    async fn tidy(&mut self, clock: &Clock) {
        let Some(now) = clock.believed() else { return };
        if let Err(err) = self.renew_cases(now).await {
            tracing::warn!(%err, "cases of reports could not be brought up to date");
        }
        if self.forgot_at.is_some_and(|at| at.elapsed() < FORGET_EVERY) {
            return;
        }
        let mut is_done = true;
        for kind in [record::EVIDENCE, record::REPORT, record::REPORTER] {
            match self.forget(&kind, now).await {
                Ok(count) => is_done &= count < FORGET,
                Err(err) => {
                    tracing::warn!(%kind, %err, "records that are no longer kept are still there")
                }
            }
        }
        self.forgot_at = is_done.then(Instant::now);
    }

    /// Looks at cases again in which something has ended.
    async fn renew_cases(&mut self, now: UnixTime) -> Result<(), ReportsError> {
        let due = self.due(&record::CASE, now, CASES).await?;
        let (mut keys, mut unreadable) = (BTreeSet::new(), Vec::new());
        for document in &due {
            match kept(document, record::read_case) {
                Some((key, _)) => drop(keys.insert(key)),
                None => unreadable.push(delete(document)),
            }
        }
        if !unreadable.is_empty() {
            commit(&self.store, Actor::part(Source::REPORTS), unreadable, now).await?;
        }
        if keys.is_empty() {
            return Ok(());
        }
        let mut desk = self.read_desk(keys, Look::Listing, now).await?;
        for (key, open) in &mut desk.cases {
            let rules = self.terms(&key.zone).map(|(rules, _)| rules).unwrap_or_default();
            open.case.forget(&rules, now);
        }
        self.write(&desk, Actor::part(Source::REPORTS), now).await.map(drop)
    }

    /// Deletes some records that are no longer kept, and returns how many.
    async fn forget(&self, kind: &DocumentKind, now: UnixTime) -> Result<usize, ReportsError> {
        let due = self.due(kind, now, FORGET).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let operations = due.iter().map(delete).collect();
        commit(&self.store, Actor::part(Source::REPORTS), operations, now).await?;
        if *kind == record::REPORT {
            let mut waiting = self.stats.lock();
            for report in due.iter().filter_map(|document| kept(document, record::read_report)) {
                waiting.note(&report, Some(report.state.kind()), None);
            }
        }
        Ok(due.len())
    }

    async fn due(
        &self,
        kind: &DocumentKind,
        now: UnixTime,
        most: usize,
    ) -> Result<Vec<Document>, ReportsError> {
        let (store, kind) = (self.store.clone(), kind.clone());
        blocking(move || Ok(store.read(now).documents_due(&kind, now, most)?)).await
    }
}

/// Refuses a report where as many wait as may.
fn check_room(waiting: &Waiting, reporter: &Source) -> Result<(), Refused> {
    if waiting.by(reporter) >= MOST_WAITING_OF_ONE {
        return Err(Refused::FullForReporter(MOST_WAITING_OF_ONE));
    }
    if waiting.total() >= MOST_WAITING { Err(Refused::Full(MOST_WAITING)) } else { Ok(()) }
}

/// Has a host tested; the test, one that is under way already where there is one.
async fn ask_for_test(tester: &Tester, submission: &Submission) -> Result<String, ReportsError> {
    let claimed = &submission.claimed;
    let seen = claimed.evidence.as_ref().map(|evidence| evidence.as_str());
    let seen = seen.or(claimed.comment.as_ref().map(|comment| comment.as_str()));
    let reporter = submission.reporter.as_str().to_owned();
    let submitted = tester.submit(TestSubmission {
        address: claimed.subject.to_string(),
        ground: Ground::Evidence,
        port: None,
        domain: None,
        tier: None,
        evidence: seen.map(ToOwned::to_owned),
        note: None,
        asker: Asker::Token(reporter.clone()),
        actor: Actor::part(&reporter),
    });
    Ok(submitted.await?.test.id.to_string())
}

/// Whether an error may be about one case of several.
fn is_of_one(err: &ReportsError) -> bool {
    let ReportsError::Change(err) = err else { return matches!(err, ReportsError::Document(_)) };
    !matches!(**err, ChangeError::Busy | ChangeError::Unwritable { .. } | ChangeError::Store(_))
}

/// An error for all who wait for the same change.
fn failed<'a>(
    placed: impl IntoIterator<Item = &'a Placed>,
    err: &ReportsError,
) -> Vec<(usize, Answer)> {
    let same = || match err {
        ReportsError::Change(err) => ReportsError::Change(err.clone()),
        ReportsError::Document(err) => ReportsError::Document(err.clone()),
        _ => ReportsError::Stopping,
    };
    placed.into_iter().map(|placed| (placed.at, Err(same()))).collect()
}

fn delete(document: &Document) -> Operation {
    Operation::DeleteDocument {
        kind: document.kind().clone(),
        id: document.id().clone(),
        precondition: Precondition::matches(document.revision()),
    }
}

/// Runs what blocks where it may.
async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, ReportsError> + Send + 'static,
) -> Result<T, ReportsError> {
    tokio::task::spawn_blocking(run).await.map_err(|_| ReportsError::Stopping)?
}
