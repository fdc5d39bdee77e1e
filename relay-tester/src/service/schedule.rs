//! What is due: tests that wait, tests to be settled, hosts to be tested again or forgotten.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use dnsbl_store::ChangeError;
use dnsbl_types::{Clock, UnixTime};
use tokio::{
    select,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Book, Running, Tester, actor, now,
    records::{RecordsError, Versioned, delete_host, delete_output, put_host},
    submit::blank,
};
use crate::{
    Ground, Ports, Receiver, RelayTarget, TestId, Tier,
    life::{Asker, Host, State, Test, network},
};

/// Why the tester does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// What is stored can't be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The receiver can't listen.
    #[error("the receiver can't listen on {address}: {reason}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: std::io::Error,
    },
}

/// A tester at work.
#[derive(Debug)]
pub struct AtWork {
    receiver: Receiver,
    work: JoinHandle<()>,
}

impl AtWork {
    /// Where the receiver listens.
    pub fn receiver(&self) -> SocketAddr {
        self.receiver.local_addr()
    }

    /// Waits until probes that are on their way are finished, after `stop` was cancelled.
    pub async fn stopped(self) {
        // A panic was reported where it happened.
        let _ = self.work.await;
    }
}

/// A conversation's place among those that go on.
struct Slot {
    tester: Arc<Tester>,
    test: TestId,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.tester.running().remove(&self.test);
    }
}

/// How often is looked for what is due; times are in whole seconds.
const TICK: Duration = Duration::from_secs(1);
/// How long probes that are on their way may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(8);
/// How many tests and hosts are looked at in one round.
const ROUND: usize = 256;
/// Seconds for which a retest waits that has to wait.
const LATER: u64 = 3600;
/// Seconds that the limits look back.
const DAY: u64 = 24 * 3600;

impl Tester {
    /// Reads what is under way, listens for returned messages and tests until `stop`. Nothing is begun,
    /// settled, forgotten or told while the clock is in doubt.
    ///
    /// # Errors
    /// The store can't be read, or the receiver's address can't be used. Once it is at work it goes on
    /// whatever happens.
    pub async fn start(
        self: &Arc<Self>,
        clock: Clock,
        stop: CancellationToken,
    ) -> Result<AtWork, StartError> {
        self.recall().await?;
        self.forget_unproved_outputs().await?;
        let settings = &self.settings;
        let receiver = Receiver::bind(settings.receiver, settings.receiving.clone(), self.clone());
        let receiver = receiver
            .await
            .map_err(|reason| StartError::Listen { address: settings.receiver, reason })?;
        self.tally.watch(receiver.counters());
        let tester = self.clone();
        // Nothing waits for it: names may take long to look up.
        tokio::spawn(async move { tester.warn_of_the_surroundings().await });
        let tester = self.clone();
        let work = tokio::spawn(async move { tester.work(&clock, stop).await });
        Ok(AtWork { receiver, work })
    }

    async fn work(self: Arc<Self>, clock: &Clock, stop: CancellationToken) {
        let mut conversations = JoinSet::new();
        while !stop.is_cancelled() {
            if let Some(now) = clock.believed()
                && let Err(err) = self.round(now, &mut conversations).await
            {
                tracing::error!(%err, "relay tests wait");
            }
            select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                Some(_) = conversations.join_next() => {}
                () = sleep(TICK) => {}
            }
        }
        self.stop.cancel();
        // A probe that is on its way is finished, so that its answer is known after the next start.
        let _ = timeout(GRACE, async { while conversations.join_next().await.is_some() {} }).await;
    }

    /// Fills the book with what earlier runs have left.
    async fn recall(&self) -> Result<(), RecordsError> {
        let networks = self.records.opt_outs().await?;
        *self.opt_outs.write().unwrap_or_else(std::sync::PoisonError::into_inner) = networks;
        let mut book = Book::default();
        let since = UnixTime(now().0.saturating_sub(DAY));
        let mut recent = Vec::new();
        let mut before = None;
        loop {
            let (chunk, next) = self.records.newest(None, before, ROUND).await?;
            let is_last = next.is_none() || chunk.iter().any(|t| t.submitted_at < since);
            before = next;
            recent.extend(chunk.into_iter().filter(|test| test.submitted_at >= since));
            if is_last {
                break;
            }
        }
        for test in recent.into_iter().rev().filter(|test| test.submitter != super::SOURCE) {
            let asker = match test.stranger() {
                Some(from) => Asker::Anonymous(from),
                None => Asker::Token(test.submitter),
            };
            book.recent.add(test.submitted_at, test.address, asker);
        }
        let end = UnixTime(u64::MAX);
        for test in self.records.due_tests(end, self.settings.limits.waiting.max(ROUND)).await? {
            book.under_way.insert(test.address, test.id);
        }
        *self.book.lock().await = book;
        Ok(())
    }

    async fn round(
        self: &Arc<Self>,
        now: UnixTime,
        conversations: &mut JoinSet<()>,
    ) -> Result<(), RecordsError> {
        self.give_notice();
        for test in self.records.due_tests(now, ROUND).await? {
            if !test.awaits_conversation() {
                self.settle(test.id, now).await?;
            } else if self.is_turn_of(&test) {
                self.begin(test.id, test.address, conversations);
            }
        }
        for host in self.records.due_hosts(now, ROUND).await? {
            self.look_after(&host, now).await?;
        }
        for output in self.records.due_outputs(now, ROUND).await? {
            if output.value.expires_at() <= now {
                match self.records.write(actor(), vec![delete_output(&output)?]).await {
                    // It was seen again meanwhile.
                    Ok(_) | Err(ChangeError::Stale { .. }) => {}
                    Err(err) => return Err(err.into()),
                }
            }
        }
        self.forget_notices(now).await
    }

    async fn settle(&self, id: TestId, now: UnixTime) -> Result<(), RecordsError> {
        let patience = self.settings.patience;
        let settle = |test: &mut Test| {
            let is_settled = test.state == State::Pending && !test.awaits_conversation();
            if is_settled && test.due(patience).is_some_and(|due| due <= now) {
                test.settle();
            }
        };
        self.change(id, settle).await?;
        Ok(())
    }

    /// Whether there is room for one more conversation, and none with its network goes on.
    fn is_turn_of(&self, test: &Test) -> bool {
        let running = self.running();
        let is_near = |other: &Running| {
            other.address == test.address
                || (network(other.address) == network(test.address)
                    && !self.settings.is_allowed(test.address))
        };
        running.len() < self.settings.limits.at_once
            && !running.contains_key(&test.id)
            && !running.values().any(is_near)
    }

    fn begin(self: &Arc<Self>, id: TestId, address: IpAddr, conversations: &mut JoinSet<()>) {
        self.running().insert(id, Running { address });
        let slot = Slot { tester: self.clone(), test: id };
        conversations.spawn(async move {
            if let Err(err) = slot.tester.converse(id).await {
                tracing::error!(test = %id, %err, "a relay test was interrupted");
            }
        });
    }

    /// Tests a listed host again, or forgets it.
    async fn look_after(&self, host: &Versioned<Host>, now: UnixTime) -> Result<(), RecordsError> {
        let listed = &host.value;
        if listed.expires_at() <= now || !self.is_listed(listed.address).await? {
            self.records.write(actor(), vec![delete_host(host)?]).await?;
            return Ok(());
        }
        let mut book = self.book.lock().await;
        let is_busy = book.under_way.contains_key(&listed.address)
            || book.under_way.len() >= self.settings.limits.waiting;
        let ports = self.settings.policy(Ports::Any);
        let target = RelayTarget::new(listed.address, listed.port, &ports);
        let Some(target) = target.ok().filter(|_| !is_busy) else {
            let later = now.plus(LATER).min(listed.expires_at());
            self.records.write(actor(), vec![put_host(listed, later, Some(host))?]).await?;
            return Ok(());
        };
        let next = put_host(listed, listed.due(now, self.settings.patience), Some(host))?;
        if self.is_opted_out(listed.address) {
            self.records.write(actor(), vec![next]).await?;
            return Ok(());
        }
        let mut test = blank(target, Ground::Retest, listed.domain.clone(), now)?;
        self.plan(&mut test, Tier::Default, Some(listed));
        let put = self.records.put_test(&test, None, true)?;
        self.records.write(actor(), vec![next, put]).await?;
        book.under_way.insert(listed.address, test.id);
        self.wake.notify_one();
        Ok(())
    }
}
