//! One conversation with a host, every step of it stored.

use std::{future::pending, net::IpAddr, sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{ATTEMPTS, RecordsError, Tester, now};
use crate::{
    Assignment, Attempt, Ending, Go, HostName, Outcome, Plan, Ports, Probe, RelayTarget, TestId,
    Watch, drive,
    life::{self, Ended, State, Test},
    mx::Resolve,
    self_check::{self, Sighting},
};

/// How long the name of a host is looked up.
const PTR_PATIENCE: Duration = Duration::from_secs(5);
/// How long reference hosts are tried.
const REFERENCE_PATIENCE: Duration = Duration::from_secs(10);
/// Seconds for which a test is put off when our own way out is closed.
const POSTPONE: u64 = 3600;
/// The most bytes of a transcript that are kept.
const TRANSCRIPT_BYTES: usize = 64 << 10;

/// Watches a conversation for its test.
struct Watcher {
    tester: Arc<Tester>,
    test: TestId,
    parked: CancellationToken,
}

impl Tester {
    /// Talks to the host of a test that is queued, or was cut off.
    pub(super) async fn converse(self: &Arc<Self>, id: TestId) -> Result<(), RecordsError> {
        let patience = self.settings.patience;
        let begun = self.change(id, |test| begin(test, self, patience)).await?;
        let Some((test, Some(probes))) = begun else { return Ok(()) };
        let Some(target) = self.target_of(&test) else {
            tracing::error!(test = %id, "the address of a stored relay test is refused now");
            return self.hang_up(id, Ended::Unreachable, &[]).await;
        };
        let assignment = self.assignment(&test, target).await;
        let repeats = probes.iter().filter(|probe| test.repeats.contains(probe)).copied();
        let plan = Plan {
            repeats: repeats.filter_map(Probe::by_index).collect(),
            connections: usize::from(test.connections()),
            probes: probes.into_iter().filter_map(Probe::by_index).collect(),
            max_messages: Plan::MAX_MESSAGES.saturating_sub(test.count_messages()),
        };
        let parked = CancellationToken::new();
        let mut watcher = Watcher { tester: self.clone(), test: id, parked: parked.clone() };
        let attempt = tokio::select! {
            attempt = drive::run(assignment, plan, &self.settings.drive, &mut watcher) => attempt,
            // What is left of it is done after the next start.
            () = parked.cancelled() => return Ok(()),
        };
        self.conclude(&test, &attempt).await
    }

    async fn conclude(&self, test: &Test, attempt: &Attempt) -> Result<(), RecordsError> {
        let silent = matches!(&attempt.ending, Ending::Unreachable(why) if !why.heard());
        self.saw(test.address, !silent);
        let lines = attempt.transcript.lines();
        if silent && self.is_our_way_out_closed().await {
            tracing::warn!(test = %test.id, "nothing answers on port 25: is our own way out closed?");
            self.change(test.id, |test| test.postpone(now().plus(POSTPONE))).await?;
            return Ok(());
        }
        let is_curtailed = attempt.ending == Ending::Stopped;
        let ended = match attempt.ending {
            _ if attempt.ending.is_deferred() => Ended::Deferred,
            Ending::Completed | Ending::Stopped | Ending::CutShort(_) => Ended::Completed,
            Ending::Unreachable(_) | Ending::Deferred(_) => Ended::Unreachable,
            Ending::Blocked(_) => Ended::Blocked,
        };
        if is_curtailed {
            self.change(test.id, Test::curtail).await?;
        }
        self.hang_up(test.id, ended, lines).await
    }

    async fn hang_up(
        &self,
        id: TestId,
        ended: Ended,
        lines: &[String],
    ) -> Result<(), RecordsError> {
        let patience = self.settings.patience;
        let hang_up = |test: &mut Test| {
            append(&mut test.transcript, lines);
            test.hang_up(ended, now(), patience);
        };
        self.change(id, hang_up).await?;
        Ok(())
    }

    fn target_of(&self, test: &Test) -> Option<RelayTarget> {
        RelayTarget::new(test.address, test.port, &self.settings.policy(Ports::Any)).ok()
    }

    async fn assignment(&self, test: &Test, target: RelayTarget) -> Assignment {
        Assignment {
            test: test.id,
            target,
            ground: test.ground,
            domain: test.domain.clone(),
            ptr: self.name_of(test.address).await,
            receiver: self.settings.receiver_address,
            expires_at: test.tokens_expire_at,
            date: now(),
            identity: self.settings.identity.clone(),
            keys: self.settings.keys.clone(),
        }
    }

    /// What the DNS calls the host. A host for tests has no name there, and nobody is asked.
    async fn name_of(&self, address: IpAddr) -> Option<HostName> {
        if self.settings.is_allowed(address) {
            return None;
        }
        timeout(PTR_PATIENCE, self.dns.ptr(address)).await.ok()?.ok()?
    }

    fn saw(&self, addr: IpAddr, heard: bool) {
        let mut attempts = self.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if attempts.len() == ATTEMPTS {
            attempts.pop_front();
        }
        attempts.push_back(Sighting { addr, heard });
    }

    /// Whether silence says nothing about a host, since nobody can be heard from here.
    async fn is_our_way_out_closed(&self) -> bool {
        let references = &self.settings.reference_hosts;
        if let Some(heard) =
            self_check::reach(references, self.settings.drive.sources, REFERENCE_PATIENCE).await
        {
            return !heard;
        }
        let attempts = self.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let attempts: Vec<Sighting> = attempts.iter().copied().collect();
        self_check::presume_closed(&attempts, self_check::SILENT_HOSTS)
    }
}

impl Watch for Watcher {
    async fn before(&mut self, probe: &'static Probe) -> Go {
        if self.tester.stop.is_cancelled() {
            self.parked.cancel();
            return pending().await;
        }
        let noted = self.tester.change(self.test, |test| {
            let goes_on = test.state == State::Testing && test.returned().is_empty();
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

    async fn after(&mut self, probe: &'static Probe, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Refused { .. } => life::Outcome::Refused,
            Outcome::Deferred { .. } => life::Outcome::Deferred,
            Outcome::Accepted { .. } => life::Outcome::Accepted,
            Outcome::Error { .. } => life::Outcome::Error,
        };
        let noted = self.tester.change(self.test, |test| test.answered(probe.index, outcome)).await;
        if let Err(err) = noted {
            tracing::error!(test = %self.test, %err, "the answer to a probe can't be stored");
            self.parked.cancel();
            pending().await
        }
    }
}

/// The probes of a conversation that begins, or `None` where there is to be none.
fn begin(test: &mut Test, tester: &Tester, patience: life::Patience) -> Option<Vec<u8>> {
    let is_waiting = test.awaits_conversation();
    if is_waiting && tester.is_opted_out(test.address) {
        test.cancel();
        return None;
    }
    is_waiting.then(|| test.begin(now(), patience))
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
