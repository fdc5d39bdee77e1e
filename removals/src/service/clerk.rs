//! The task that owns requests for removal.
//!
//! It takes one request after the other: reads what the store holds of its subject, decides what is to be done, and
//! writes that as one change: the listings that go, the requests, the case, and the mails that tell of it. Where something
//! has changed meanwhile, it reads again. Nobody is told of anything before it is durable, and DNS answers with it.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use dnsbl_index::Index;
use dnsbl_reports::Comment;
use dnsbl_store::{Actor, Document, DocumentKind, Operation, Reader, Store};
use dnsbl_types::{Clock, Source, Subject, UnixTime};
use ipnet::IpNet;
use relay_tester::{
    Ground,
    life::{self, Asker as TestAsker},
    service::{Filter as TestFilter, SOURCE as TESTER, Submission as TestSubmission, Tester},
};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    desk::{self, Desk, Draft, OpenRequest},
    limits::{Limits, Reached},
    outcome::{Changed, RemovalsError, Submitted},
    place,
    settings::Settings,
    stats::Stats,
};
use crate::{
    Asker, Contact, Decision, ItemId, Refused, RemovalId, Request, State, StateKind, Submission,
    Ticket, Verdict, Waiting,
    case::{Case, Step},
    change::{self, delete, put},
    mail::{Catalogue, Letter, MailId, QueuedMail},
    post::MOST_QUEUED,
    record::{self, CaseKey, kept},
};

/// How often it is looked for what changes by itself.
const TICK: Duration = Duration::from_secs(1);
/// Ticks between two looks at relays that are tested.
const RETEST_TICKS: u32 = 3;
/// Requests and cases whose time has come that are looked at in one tick.
const DUE: usize = 64;
/// Documents that are read at once.
const PAGE: usize = 1000;
/// How often something is decided anew where it has changed meanwhile.
const TRIES: usize = 8;
/// Requests that may be open, and those about one subject.
const MOST_OPEN: u64 = 10_000;
const MOST_OF_SUBJECT: usize = 8;

type Reply<T> = oneshot::Sender<Result<T, RemovalsError>>;

/// What the task is asked for.
pub(super) enum Call {
    /// To take a request.
    Submit(Box<Submission>, Reply<Submitted>),
    /// To confirm one, by the token in the mail.
    Confirm(Ticket, Reply<Changed>),
    /// To take a reviewer's decision.
    Decide(Box<Order>, Reply<Changed>),
    /// To open those again whose removal a change has made that was undone.
    Reopen(Vec<RemovalId>, Reply<usize>),
}

/// A reviewer's decision on its way in.
pub(super) struct Order {
    pub(super) id: RemovalId,
    pub(super) verdict: Verdict,
    pub(super) note: Option<Comment>,
    pub(super) actor: Actor,
}

/// The owner of requests.
pub(super) struct Clerk {
    store: Store,
    index: Arc<Index>,
    tester: Option<Arc<Tester>>,
    settings: Settings,
    stats: Arc<Stats>,
    catalogue: Catalogue,
    limits: Limits,
    /// Tells the post that there are mails.
    wake: Arc<Notify>,
    last: RemovalId,
    last_mail: MailId,
}

impl Clerk {
    pub(super) fn new(
        store: Store,
        index: Arc<Index>,
        tester: Option<Arc<Tester>>,
        settings: Settings,
        stats: Arc<Stats>,
        wake: Arc<Notify>,
        secret: [u8; 32],
    ) -> Self {
        Self {
            store,
            index,
            tester,
            settings,
            stats,
            catalogue: Catalogue::load(),
            limits: Limits::new(secret),
            wake,
            last: RemovalId(0),
            last_mail: MailId(0),
        }
    }

    /// Reads which requests there are, and how many mails wait. Blocks.
    pub(super) fn read(&mut self) -> Result<(), RemovalsError> {
        let store = self.store.clone();
        let reader = store.read(UnixTime::now());
        let (stats, mut last) = (self.stats.clone(), self.last);
        each(&reader, &record::REQUEST, |document| {
            if let Some(request) = kept(document, record::read_request) {
                last = last.max(request.id);
                stats.kept().note(request.id, None, Some(&request));
            }
        })?;
        self.last = last;
        let (mut count, mut last) = (0, self.last_mail);
        each(&reader, &record::MAIL, |document| {
            let id: Option<RemovalId> = document.id().as_str().parse().ok();
            last = last.max(id.map_or(last, |id| MailId(id.0)));
            count += 1;
        })?;
        self.last_mail = last;
        self.stats.post.queued.store(count, Relaxed);
        Ok(())
    }

    /// Answers calls until the end.
    pub(super) async fn run(
        mut self,
        mut rx: mpsc::Receiver<Call>,
        clock: Clock,
        stop: CancellationToken,
    ) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks = 0_u32;
        loop {
            tokio::select! {
                biased;
                call = rx.recv() => match call {
                    Some(call) => self.serve(call).await,
                    None => return,
                },
                _ = tick.tick() => {
                    ticks = ticks.wrapping_add(1);
                    self.tidy(&clock, ticks.is_multiple_of(RETEST_TICKS)).await;
                }
                () = stop.cancelled(), if !rx.is_closed() => rx.close(),
            }
        }
    }

    async fn serve(&mut self, call: Call) {
        let now = UnixTime::now();
        // Whoever asked may be gone.
        match call {
            Call::Submit(submission, reply) => {
                let _ = reply.send(self.submit(*submission, now).await);
            }
            Call::Confirm(ticket, reply) => {
                let _ = reply.send(self.confirm(&ticket, now).await);
            }
            Call::Decide(order, reply) => {
                let _ = reply.send(self.decide(&order, now).await);
            }
            Call::Reopen(ids, reply) => {
                let _ = reply.send(self.reopen(ids, now).await);
            }
        }
    }

    async fn submit(
        &mut self,
        submission: Submission,
        now: UnixTime,
    ) -> Result<Submitted, RemovalsError> {
        self.limits.charge(&submission.asker, now).map_err(refused)?;
        let (zone, subject) = (submission.zone.as_ref(), &submission.subject);
        let key = place::place(zone, subject, &self.index.load(), now)?;
        let desk = self.desk(&key, now).await?;
        self.check_room(&desk)?;
        let contact = submission.contact.as_ref().filter(|_| self.settings.mail.is_some());
        let is_to_confirm = desk.rules.confirm_by_mail && self.settings.mail.is_some();
        if is_to_confirm && contact.is_none() {
            return Err(Refused::NoContact(key.zone).into());
        }
        if let Some(contact) = contact {
            self.limits.charge_mail(contact, now).map_err(refused)?;
            if self.stats.mails_queued() >= MOST_QUEUED {
                return Err(Refused::MailFull(MOST_QUEUED).into());
            }
        }
        let contact = contact.cloned();
        let id = self.last.after(now);
        let ticket = Ticket::new(id, random()?);
        let confirmation = if is_to_confirm { Some(Ticket::new(id, random()?)) } else { None };
        let request = Request {
            id,
            zone: key.zone.clone(),
            subject: key.subject.clone(),
            by: submission.asker.token().map(ToOwned::to_owned),
            network: submission.asker.from(),
            comment: submission.comment,
            language: submission.language,
            at: now,
            due: now.plus(desk.rules.promise.into()),
            state: State::Unconfirmed(now.plus(Request::CONFIRM_WITHIN)),
            decision: None,
            is_confirmed: false,
            ticket: ticket.digest(),
            confirmation: confirmation.as_ref().map(Ticket::digest),
        };
        let actor = match submission.asker {
            Asker::Token(actor, _) => actor,
            Asker::Anybody(_) => Actor::part(Source::REMOVALS),
        };
        let (request, seq) = match confirmation {
            Some(token) => self.ask_to_confirm(desk, request, contact, &token, now).await?,
            None => self.advance(&key, request, contact, &actor, Waited::No, now).await?,
        };
        self.last = id;
        tracing::info!(%id, zone = %key.zone, subject = %key.subject, state = request.state.kind().as_str(), "a request for removal");
        Ok(Submitted { request, ticket, seq })
    }

    fn check_room(&self, desk: &Desk) -> Result<(), Refused> {
        if self.stats.kept().open.len() as u64 >= MOST_OPEN {
            return Err(Refused::Full(MOST_OPEN));
        }
        match desk.open.len() >= MOST_OF_SUBJECT {
            true => {
                let subject = desk.key.subject.clone();
                Err(Refused::Crowded { subject, count: MOST_OF_SUBJECT })
            }
            false => Ok(()),
        }
    }

    /// Has a request wait until the link in a mail is followed.
    async fn ask_to_confirm(
        &mut self,
        mut desk: Desk,
        request: Request,
        contact: Option<Contact>,
        token: &Ticket,
        now: UnixTime,
    ) -> Result<(Request, u64), RemovalsError> {
        let id = request.id;
        desk.add(request.clone(), contact);
        let mut draft = Draft::default();
        if let Some(open) = desk.open.get(&id) {
            open.write(self.settings.keep, &mut draft)?;
            self.write_letter(open, &Letter::Confirm(token.clone()), &mut draft, now)?;
        }
        let seq = self.write(draft, Actor::part(Source::REMOVALS), now).await?;
        Ok((request, seq))
    }

    async fn confirm(&mut self, token: &Ticket, now: UnixTime) -> Result<Changed, RemovalsError> {
        let (request, _) = self.find(token.request(), now).await?.ok_or(RemovalsError::NoTicket)?;
        if !request.confirmation.is_some_and(|digest| token.is(&digest)) {
            return Err(RemovalsError::NoTicket);
        }
        match request.state {
            State::Unconfirmed(until) if until <= now => return Err(RemovalsError::NoTicket),
            State::Unconfirmed(_) => {}
            // The link was followed twice.
            _ => return Ok(Changed { request, seq: None }),
        }
        let key = CaseKey { zone: request.zone.clone(), subject: request.subject.clone() };
        let due = now.plus(self.desk(&key, now).await?.rules.promise.into());
        let request = Request { is_confirmed: true, due, ..request };
        let actor = Actor::part(Source::REMOVALS);
        let (request, seq) = self.advance(&key, request, None, &actor, Waited::No, now).await?;
        Ok(Changed { request, seq: Some(seq) })
    }

    /// Does what is to be done about a request, be it new or kept, and tells how it stands then.
    async fn advance(
        &mut self,
        key: &CaseKey,
        mut request: Request,
        contact: Option<Contact>,
        actor: &Actor,
        waited: Waited,
        now: UnixTime,
    ) -> Result<(Request, u64), RemovalsError> {
        // Set where the store refuses to remove it, as what a frozen source lists, or the tester to test it.
        let mut is_refused = false;
        for _ in 0..TRIES {
            let mut desk = self.desk(key, now).await?;
            let case = if waited == Waited::Yes { Case::default() } else { desk.case };
            let mut step = desk.standing.step(&desk.rules, case, request.is_confirmed, now);
            if is_refused && matches!(step, Step::Remove | Step::Wait(_) | Step::Retest) {
                step = Step::Review;
            }
            match desk.open.get_mut(&request.id) {
                Some(open) => open.request = request.clone(),
                None => desk.add(request.clone(), contact.clone()),
            }
            let is_removal = step == Step::Remove;
            let draft = match self.take_step(&mut desk, request.id, step, now).await {
                // Nobody is there who could be told.
                Err(RemovalsError::Relay(err)) if waited == Waited::Yes => {
                    tracing::warn!(id = %request.id, %err, "a removal waits for a reviewer: the relay is not tested");
                    is_refused = true;
                    continue;
                }
                draft => draft?,
            };
            let after = draft.changed.iter().find(|(_, changed)| changed.id == request.id);
            let after = after.map_or_else(|| request.clone(), |(_, changed)| changed.clone());
            match self.write(draft, actor.clone(), now).await {
                Ok(seq) => return Ok((after, seq)),
                Err(RemovalsError::Write(err)) if err.is_stale() => {}
                Err(RemovalsError::Write(err)) if err.is_refusal() && is_removal => {
                    tracing::warn!(id = %request.id, %err, "a removal waits for a reviewer: the store refuses it");
                    is_refused = true;
                }
                Err(err) => return Err(err),
            }
            // A test that was asked for is under way: it is not asked for again.
            if matches!(after.state, State::Retest(_)) {
                request.state = after.state;
            }
        }
        Err(RemovalsError::Stale)
    }

    /// What a step makes of the requests at hand.
    async fn take_step(
        &mut self,
        desk: &mut Desk,
        id: RemovalId,
        step: Step,
        now: UnixTime,
    ) -> Result<Draft, RemovalsError> {
        let mut draft = Draft::default();
        let wider = desk.standing.wider.clone();
        let state = match step {
            Step::Nothing => State::Done(desk.removed(now)),
            Step::Wait(at) => State::Waiting(Waiting { removed_at: Some(at), wider }),
            Step::Review => State::Waiting(Waiting { removed_at: None, wider }),
            Step::Retest => {
                let Some(open) = desk.open.get(&id) else { return Ok(draft) };
                State::Retest(self.ask_for_test(&open.request).await?)
            }
            Step::Remove => {
                desk.remove(&mut draft);
                desk.count_removal(id, now, &mut draft)?;
                State::Done(desk.removed(now))
            }
        };
        // Who has asked for the same has it, too.
        let is_for_all = matches!(state, State::Done(_));
        for open in desk.open.values_mut() {
            let is_this = open.request.id == id;
            if is_this || (is_for_all && open.request.state.kind() != StateKind::Unconfirmed) {
                open.request.state = state.clone();
                open.write(self.settings.keep, &mut draft)?;
                self.write_letter(open, &Letter::Answer, &mut draft, now)?;
            }
        }
        Ok(draft)
    }

    async fn decide(&mut self, order: &Order, now: UnixTime) -> Result<Changed, RemovalsError> {
        for _ in 0..TRIES {
            match self.try_decide(order, now).await {
                Err(RemovalsError::Write(err)) if err.is_stale() => {}
                decided => return decided,
            }
        }
        Err(RemovalsError::Stale)
    }

    async fn try_decide(&mut self, order: &Order, now: UnixTime) -> Result<Changed, RemovalsError> {
        let id = order.id;
        let (request, _) = self.find(id, now).await?.ok_or(RemovalsError::NotFound(id))?;
        if request.state.kind() != StateKind::Waiting {
            return Err(RemovalsError::NotWaiting { id, state: request.state.kind() });
        }
        let key = CaseKey { zone: request.zone, subject: request.subject };
        let mut desk = self.desk(&key, now).await?;
        let mut draft = Draft::default();
        let note = order.note.as_ref().map(Comment::as_str);
        let state = match order.verdict {
            Verdict::Refuse => State::Refused(None),
            Verdict::Grant => {
                desk.remove(&mut draft);
                if !desk.wider.is_empty() {
                    desk.exclude(note, &mut draft);
                }
                State::Granted(desk.removed(now))
            }
            Verdict::GrantWider => {
                desk.remove(&mut draft);
                let store = self.store.clone();
                let (read, written) = blocking(move || {
                    desk.remove_wider(&store.read(now), &mut draft)?;
                    Ok((desk, draft))
                })
                .await?;
                (desk, draft) = (read, written);
                State::Granted(desk.removed(now))
            }
        };
        let decision = Decision { by: order.actor.name.clone(), at: now, note: order.note.clone() };
        let is_for_all = order.verdict != Verdict::Refuse;
        for open in desk.open.values_mut() {
            let is_waiting = open.request.state.kind() == StateKind::Waiting;
            if open.request.id == id || (is_for_all && is_waiting) {
                open.request.state = state.clone();
                open.request.decision = Some(decision.clone());
                open.write(self.settings.keep, &mut draft)?;
                self.write_letter(open, &Letter::Answer, &mut draft, now)?;
            }
        }
        draft.operations.push(record::end_claim(&ItemId::Removal(id))?);
        let seq = self.write(draft, order.actor.clone(), now).await?;
        let request = desk.open.remove(&id).ok_or(RemovalsError::NotFound(id))?.request;
        Ok(Changed { request, seq: Some(seq) })
    }

    /// Opens requests again whose removal was undone; how many.
    async fn reopen(&mut self, ids: Vec<RemovalId>, now: UnixTime) -> Result<usize, RemovalsError> {
        let mut count = 0;
        for id in ids {
            let Some((mut request, document)) = self.find(id, now).await? else { continue };
            if !matches!(request.state, State::Granted(_) | State::Done(_)) {
                continue;
            }
            let key = CaseKey { zone: request.zone.clone(), subject: request.subject.clone() };
            let desk = self.desk(&key, now).await?;
            if !desk.standing.is_listed && desk.standing.wider.is_none() {
                continue;
            }
            let before = Some(request.state.kind());
            let wider = desk.standing.wider.clone();
            request.state = State::Waiting(Waiting { removed_at: None, wider });
            request.decision = None;
            request.due = now.plus(desk.rules.promise.into());
            let written = record::request_document(&request, self.settings.keep)?;
            let draft = Draft {
                operations: vec![change::replace(written, &document)],
                changed: vec![(before, request)],
                mails: 0,
            };
            self.write(draft, Actor::part(Source::REMOVALS), now).await?;
            count += 1;
        }
        Ok(count)
    }

    /// Has a relay tested; the test, one that is under way already where there is one.
    async fn ask_for_test(&self, request: &Request) -> Result<String, RemovalsError> {
        if let State::Retest(test) = &request.state {
            return Ok(test.clone());
        }
        let (Some(tester), Some(address)) = (&self.tester, single(&request.subject)) else {
            return Err(RemovalsError::Stopping);
        };
        let asker = match (&request.by, request.network) {
            (Some(token), _) => TestAsker::Token(token.clone()),
            (None, Some(network)) => TestAsker::Anonymous(network.addr()),
            (None, None) => TestAsker::Token(Source::REMOVALS.into()),
        };
        let submitted = tester.submit(TestSubmission {
            address: address.addr().to_string(),
            ground: Ground::Delist,
            port: None,
            domain: None,
            tier: None,
            evidence: None,
            note: None,
            asker,
            actor: Actor::part(Source::REMOVALS),
        });
        Ok(submitted.await?.test.id.to_string())
    }

    /// Writes a mail about a request, where somebody wants one and mails are sent.
    fn write_letter(
        &mut self,
        open: &OpenRequest,
        letter: &Letter,
        draft: &mut Draft,
        now: UnixTime,
    ) -> Result<(), RemovalsError> {
        let (Some(settings), Some(to)) = (&self.settings.mail, &open.contact) else {
            return Ok(());
        };
        let request = &open.request;
        let Some(text) = letter.write(request, settings, &self.catalogue) else { return Ok(()) };
        if self.stats.mails_queued() + draft.mails >= MOST_QUEUED {
            self.stats.post.dropped.fetch_add(1, Relaxed);
            tracing::warn!(id = %request.id, "an answer is not sent: too many mails wait");
            return Ok(());
        }
        let id = self.last_mail.after(now);
        let mail = QueuedMail::new(id, to.clone(), request.language, &text, settings, now);
        draft.operations.push(put(record::mail_document(&mail, now)?));
        draft.mails += 1;
        self.last_mail = id;
        Ok(())
    }

    async fn desk(&self, key: &CaseKey, now: UnixTime) -> Result<Desk, RemovalsError> {
        let (store, index, key) = (self.store.clone(), self.index.clone(), key.clone());
        let is_tester = self.tester.as_ref().is_some_and(|tester| {
            tester.settings().zone == key.zone && single(&key.subject).is_some()
        });
        blocking(move || Desk::read(&store.read(now), &index.load(), &key, is_tester, now)).await
    }

    async fn find(
        &self,
        id: RemovalId,
        now: UnixTime,
    ) -> Result<Option<(Request, Document)>, RemovalsError> {
        let store = self.store.clone();
        blocking(move || desk::read_request(&store.read(now), id)).await
    }

    /// Makes a change, and takes note of it.
    async fn write(&self, draft: Draft, actor: Actor, now: UnixTime) -> Result<u64, RemovalsError> {
        let seq = change::commit(&self.store, actor, draft.operations, now).await?;
        let mut kept = self.stats.kept();
        for (before, request) in &draft.changed {
            kept.note(request.id, *before, Some(request));
        }
        drop(kept);
        if draft.mails > 0 {
            let queued = &self.stats.post.queued;
            queued.fetch_add(draft.mails, Relaxed);
            self.wake.notify_one();
        }
        Ok(seq)
    }

    /// Does what time brings; nothing while the clock is in doubt.
    async fn tidy(&mut self, clock: &Clock, looks_at_relays: bool) {
        let Some(now) = clock.believed() else { return };
        if let Err(err) = self.look_at_due(now).await {
            tracing::warn!(%err, "requests for removal whose time has come are still as they were");
        }
        for kind in [record::CASE, record::CLAIM, record::MARK] {
            if let Err(err) = self.forget_due(&kind, now).await {
                tracing::warn!(%kind, %err, "records that are no longer kept are still there");
            }
        }
        if looks_at_relays && let Err(err) = self.follow_retests(now).await {
            tracing::warn!(%err, "relays that are tested could not be looked at");
        }
    }

    async fn look_at_due(&mut self, now: UnixTime) -> Result<(), RemovalsError> {
        for document in self.due(&record::REQUEST, now).await? {
            let Some(request) = kept(&document, record::read_request) else {
                self.forget(&document, None, now).await?;
                continue;
            };
            match request.state {
                State::Waiting(_) => {
                    let key =
                        CaseKey { zone: request.zone.clone(), subject: request.subject.clone() };
                    let actor = Actor::part(Source::REMOVALS);
                    let id = request.id;
                    let advanced =
                        self.advance(&key, request, None, &actor, Waited::Yes, now).await;
                    if let Err(err) = advanced {
                        tracing::warn!(%id, %err, "a removal whose time has come is still to be made");
                    }
                }
                // Its document is due when it is forgotten.
                _ => self.forget(&document, Some(&request), now).await?,
            }
        }
        Ok(())
    }

    async fn forget(
        &self,
        document: &Document,
        request: Option<&Request>,
        now: UnixTime,
    ) -> Result<(), RemovalsError> {
        let mut operations = vec![delete(document)];
        if let Some(request) = request {
            operations.push(desk::forget_contact(request.id)?);
        }
        change::commit(&self.store, Actor::part(Source::REMOVALS), operations, now).await?;
        if let Some(request) = request {
            self.stats.kept().note(request.id, Some(request.state.kind()), None);
        }
        Ok(())
    }

    async fn forget_due(&self, kind: &DocumentKind, now: UnixTime) -> Result<(), RemovalsError> {
        let due = self.due(kind, now).await?;
        if due.is_empty() {
            return Ok(());
        }
        let operations: Vec<Operation> = due.iter().map(delete).collect();
        change::commit(&self.store, Actor::part(Source::REMOVALS), operations, now).await?;
        Ok(())
    }

    async fn due(
        &self,
        kind: &DocumentKind,
        now: UnixTime,
    ) -> Result<Vec<Document>, RemovalsError> {
        let (store, kind) = (self.store.clone(), kind.clone());
        blocking(move || Ok(store.read(now).documents_due(&kind, now, DUE)?)).await
    }

    /// Looks at what has come of tests.
    async fn follow_retests(&mut self, now: UnixTime) -> Result<(), RemovalsError> {
        let Some(tester) = self.tester.clone() else { return Ok(()) };
        for id in self.stats.open(StateKind::Retest) {
            let Some((request, _)) = self.find(id, now).await? else { continue };
            let State::Retest(test) = &request.state else { continue };
            let key = CaseKey { zone: request.zone.clone(), subject: request.subject.clone() };
            let Some(address) = single(&request.subject).map(|net| net.addr()) else { continue };
            if !tester.is_listed(address).await? {
                // What else lists it is as if it were asked for now.
                let state = State::Unconfirmed(now);
                let request = Request { state, ..request };
                let actor = Actor::part(Source::REMOVALS);
                self.advance(&key, request, None, &actor, Waited::No, now).await?;
                continue;
            }
            // The second of the two tests that a delisting takes is made by itself.
            if tester.second_test_at(address).await?.is_some() {
                continue;
            }
            let filter = TestFilter { address: Some(address), ..TestFilter::default() };
            let (tests, _) = tester.list(filter, None, 1).await?;
            let verdict = match tests.first() {
                Some(test) if test.is_under_way() => continue,
                Some(test) => test.verdict().map_or("cancelled", life::Verdict::as_str),
                None => "unknown",
            };
            self.refuse_relay(&key, id, verdict, test, now).await?;
        }
        Ok(())
    }

    async fn refuse_relay(
        &mut self,
        key: &CaseKey,
        id: RemovalId,
        verdict: &str,
        test: &str,
        now: UnixTime,
    ) -> Result<(), RemovalsError> {
        let mut desk = self.desk(key, now).await?;
        let mut draft = Draft::default();
        let Some(open) = desk.open.get_mut(&id) else { return Ok(()) };
        open.request.state = State::Refused(Some(verdict.to_owned()));
        let by = TESTER.to_owned();
        open.request.decision = Some(Decision { by, at: now, note: Comment::new(test) });
        open.write(self.settings.keep, &mut draft)?;
        self.write_letter(open, &Letter::Answer, &mut draft, now)?;
        self.write(draft, Actor::part(Source::REMOVALS), now).await.map(drop)
    }
}

/// Whether a request has waited as long as its subject has to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waited {
    Yes,
    No,
}

fn refused(Reached(often, seconds): Reached) -> Refused {
    Refused::Often(often, seconds)
}

/// The address of a subject that is one.
fn single(subject: &Subject) -> Option<IpNet> {
    subject.net().filter(|net| net.prefix_len() == net.max_prefix_len())
}

fn random<const N: usize>() -> Result<[u8; N], RemovalsError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| RemovalsError::NoRandomness)?;
    Ok(bytes)
}

/// Visits all documents of a kind.
fn each(
    reader: &Reader<'_>,
    kind: &DocumentKind,
    mut visit: impl FnMut(&Document),
) -> Result<(), RemovalsError> {
    let mut after = None;
    loop {
        let documents = reader.documents(kind, after.as_ref(), PAGE)?;
        let Some(last) = documents.last() else { return Ok(()) };
        after = Some(last.id().clone());
        documents.iter().for_each(&mut visit);
    }
}

/// Runs what blocks where it may.
async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, RemovalsError> + Send + 'static,
) -> Result<T, RemovalsError> {
    tokio::task::spawn_blocking(run).await.map_err(|_| RemovalsError::Stopping)?
}
