//! Conversations with hosts: how many there are at once, and each step of each in the journal.

use std::{
    collections::HashMap,
    future::pending,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use dnsbl_types::UnixTime;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    admissions::Admissions, egress::Egress, journal::Journal, records::RecordsError, shared::Shared,
};
use crate::{
    Assignment, ConversationReport, Ending, Go, HostName, Plan, Ports, Probe, ProbeObserver,
    RelayTarget, SmtpOutcome, TestId, drive,
    life::{Outcome, SessionEnd, StateKind, Test, network},
    mx::Resolve,
};

/// How long the name of a host is looked up.
const PTR_PATIENCE: Duration = Duration::from_secs(5);
/// Seconds for which a test is put off when our own way out is closed.
const POSTPONE: u64 = 3600;
/// The most bytes of a transcript that are kept.
const TRANSCRIPT_BYTES: usize = 64 << 10;

/// The conversations that go on.
pub(super) struct Conversations {
    shared: Arc<Shared>,
    journal: Arc<Journal>,
    admissions: Arc<Admissions>,
    egress: Egress,
    stop: CancellationToken,
    /// The host of each.
    running: Mutex<HashMap<TestId, IpAddr>>,
}

/// The slot of a conversation among those that go on.
struct Slot {
    conversations: Arc<Conversations>,
    test: TestId,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.conversations.running().remove(&self.test);
    }
}

/// The one who notes each probe of a conversation before it is sent, and its outcome.
struct Recorder {
    journal: Arc<Journal>,
    stop: CancellationToken,
    test: TestId,
    /// Cancelled when what is left of the conversation has to wait for the next start.
    parked: CancellationToken,
}

impl Conversations {
    pub(super) fn new(
        shared: Arc<Shared>,
        journal: Arc<Journal>,
        admissions: Arc<Admissions>,
    ) -> Self {
        let settings = &shared.settings;
        let egress = Egress::new(settings.reference_hosts.clone(), settings.drive.sources);
        let (stop, running) = (CancellationToken::new(), Mutex::default());
        Self { shared, journal, admissions, egress, stop, running }
    }

    /// Talks to the host of a test as one of `tasks`, if there is room for one more conversation and
    /// none with its network goes on.
    pub(super) fn begin(self: &Arc<Self>, test: &Test, tasks: &mut JoinSet<()>) {
        let id = test.id;
        if !self.take_slot(test) {
            return;
        }
        let slot = Slot { conversations: self.clone(), test: id };
        tasks.spawn(async move {
            if let Err(err) = slot.conversations.talk(id).await {
                tracing::error!(test = %id, %err, "a relay test was interrupted");
            }
        });
    }

    fn take_slot(&self, test: &Test) -> bool {
        let mut running = self.running();
        let is_near = |other: &IpAddr| {
            *other == test.address
                || (network(*other) == network(test.address)
                    && !self.shared.settings.is_allowed(test.address))
        };
        let has_room = running.len() < self.shared.settings.limits.at_once
            && !running.contains_key(&test.id)
            && !running.values().any(is_near);
        if has_room {
            running.insert(test.id, test.address);
        }
        has_room
    }

    /// Begins no further probe.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// How many go on.
    pub(super) fn count(&self) -> usize {
        self.running().len()
    }

    /// Talks to the host of a test that is queued, or was cut off.
    async fn talk(&self, id: TestId) -> Result<(), RecordsError> {
        let Some((test, probes)) = self.begin_session(id).await? else { return Ok(()) };
        let Some(target) = self.target(&test) else {
            tracing::error!(test = %id, "the address of a stored relay test is refused now");
            return self.end_session(id, SessionEnd::Unreachable, &[]).await;
        };
        let Some(assignment) = self.assignment(&test, target).await else { return Ok(()) };
        let plan = plan(&test, &probes);
        let parked = CancellationToken::new();
        let mut recorder = Recorder {
            journal: self.journal.clone(),
            stop: self.stop.clone(),
            test: id,
            parked: parked.clone(),
        };
        let report = tokio::select! {
            report = drive::run(assignment, plan, &self.shared.settings.drive, &mut recorder) => report,
            // What is left of it is done after the next start.
            () = parked.cancelled() => return Ok(()),
        };
        self.conclude(&test, &report).await
    }

    /// The test and the probes that are left, or `None` where there is to be no conversation.
    async fn begin_session(&self, id: TestId) -> Result<Option<(Test, Vec<u8>)>, RecordsError> {
        let Some(test) = self.journal.find(id).await? else { return Ok(None) };
        let is_opted_out = self.admissions.is_opted_out(test.address).await;
        let begin = |test: &mut Test| {
            let is_waiting = test.awaits_conversation();
            if is_waiting && is_opted_out {
                test.cancel();
                return None;
            }
            is_waiting.then(|| test.begin(UnixTime::now(), self.shared.settings.patience))
        };
        let begun = self.journal.change(id, begin).await?;
        Ok(begun.and_then(|(test, probes)| Some((test, probes?))))
    }

    async fn conclude(&self, test: &Test, report: &ConversationReport) -> Result<(), RecordsError> {
        let heard = report.ending.heard();
        self.egress.record(test.address, heard);
        if !heard && self.egress.is_closed().await {
            tracing::warn!(test = %test.id, "nothing answers on port 25: is our own way out closed?");
            let until = UnixTime::now().plus(POSTPONE);
            self.journal.change(test.id, |test| test.postpone(until)).await?;
            return Ok(());
        }
        let end = match report.ending {
            _ if report.ending.is_deferred() => SessionEnd::Deferred,
            Ending::Completed | Ending::Stopped | Ending::CutShort(_) => SessionEnd::Completed,
            Ending::Unreachable(_) | Ending::Deferred(_) => SessionEnd::Unreachable,
            Ending::Blocked(_) => SessionEnd::Blocked,
        };
        if report.ending == Ending::Stopped {
            self.journal.change(test.id, Test::curtail).await?;
        }
        self.end_session(test.id, end, report.transcript.lines()).await
    }

    async fn end_session(
        &self,
        id: TestId,
        end: SessionEnd,
        lines: &[String],
    ) -> Result<(), RecordsError> {
        let end_session = |test: &mut Test| {
            append(&mut test.transcript, lines);
            test.end_session(end, UnixTime::now(), self.shared.settings.patience);
        };
        self.journal.change(id, end_session).await?;
        Ok(())
    }

    fn target(&self, test: &Test) -> Option<RelayTarget> {
        RelayTarget::new(test.address, test.port, &self.shared.settings.policy(Ports::Any)).ok()
    }

    async fn assignment(&self, test: &Test, target: RelayTarget) -> Option<Assignment> {
        Some(Assignment {
            test: test.id,
            target,
            ground: test.ground,
            domain: test.domain.clone(),
            ptr: self.name_of(test.address).await,
            receiver: self.shared.settings.receiver_address,
            expires_at: test.binding()?.expires_at,
            date: UnixTime::now(),
            identity: self.shared.settings.identity.clone(),
            keys: self.shared.keys.clone(),
        })
    }

    /// The name of the host in the DNS. A host for tests has none there, and nobody is asked.
    async fn name_of(&self, address: IpAddr) -> Option<HostName> {
        if self.shared.settings.is_allowed(address) {
            return None;
        }
        timeout(PTR_PATIENCE, self.shared.dns.ptr(address)).await.ok()?.ok()?
    }

    fn running(&self) -> MutexGuard<'_, HashMap<TestId, IpAddr>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProbeObserver for Recorder {
    async fn before(&mut self, probe: &'static Probe) -> Go {
        if self.stop.is_cancelled() {
            self.parked.cancel();
            return pending().await;
        }
        let noted = self.journal.change(self.test, |test| {
            let goes_on = test.state.kind() == StateKind::Testing && test.returned().is_empty();
            if goes_on {
                test.sending(probe.index);
            }
            goes_on
        });
        match noted.await {
            Ok(Some((_, true))) => Go::On,
            Ok(_) => Go::Stop,
            Err(err) => {
                // What is not noted is not sent, and what is left is done when the store writes again.
                tracing::error!(test = %self.test, %err, "a relay test can't go on");
                self.parked.cancel();
                pending().await
            }
        }
    }

    async fn after(&mut self, probe: &'static Probe, outcome: &SmtpOutcome) {
        let outcome = match outcome {
            SmtpOutcome::Refused { .. } => Outcome::Refused,
            SmtpOutcome::Deferred { .. } => Outcome::Deferred,
            SmtpOutcome::Accepted { .. } => Outcome::Accepted,
            SmtpOutcome::Error { .. } => Outcome::Error,
        };
        let noted =
            self.journal.change(self.test, |test| test.answered(probe.index, outcome)).await;
        if let Err(err) = noted {
            tracing::error!(test = %self.test, %err, "the answer to a probe can't be stored");
            self.parked.cancel();
            pending().await
        }
    }
}

/// The plan of a conversation that sends these probes.
fn plan(test: &Test, probes: &[u8]) -> Plan {
    let repeats = probes.iter().filter(|probe| test.repeats.contains(probe));
    let by_index = |&probe: &u8| Probe::by_index(probe);
    Plan {
        repeats: repeats.filter_map(by_index).collect(),
        connections: usize::from(test.connections()),
        probes: probes.iter().filter_map(by_index).collect(),
        max_messages: Plan::MAX_MESSAGES.saturating_sub(test.count_messages()),
    }
}

fn append(transcript: &mut Vec<String>, lines: &[String]) {
    let mut bytes: usize = transcript.iter().map(String::len).sum();
    for line in lines {
        bytes += line.len();
        if bytes > TRANSCRIPT_BYTES {
            transcript.push("* the rest is left out".into());
            return;
        }
        transcript.push(line.clone());
    }
}
