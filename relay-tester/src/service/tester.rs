//! The tester: how its parts are put together, and the calls of the API.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use dnsbl_store::{Actor, Store};
use dnsbl_types::{Clock, UnixTime};
use ipnet::IpNet;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    admissions::{Admissions, Refusal, Submission, Submitted},
    conversations::Conversations,
    inbox::TestInbox,
    journal::Journal,
    notices::Notices,
    records::RecordsError,
    scheduler::Scheduler,
    settings::Settings,
    shared::Shared,
    startup,
    stats::{StatCounters, Stats},
};
use crate::{
    Receiver, TestId, TokenKeys,
    life::{Host, Limited, StateKind, Test, Verdict},
    mx::ResolveError,
};

/// How many tests are looked through for a page of those that are wanted.
const MOST_SCANNED: usize = 10_000;
/// How many are read at a time.
const CHUNK: usize = 200;

/// The tester. One of them works on a store.
pub struct Tester {
    pub(super) shared: Arc<Shared>,
    admissions: Arc<Admissions>,
    journal: Arc<Journal>,
    conversations: Arc<Conversations>,
    notices: Arc<Notices>,
    counters: Arc<StatCounters>,
}

/// A choice of tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Of this address only.
    pub address: Option<IpAddr>,
    /// Those that are this far.
    pub state: Option<StateKind>,
    /// Those with this verdict.
    pub verdict: Option<Verdict>,
}

/// The reason why the tester does not start.
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
pub struct RunningTester {
    receiver: Receiver,
    scheduler: JoinHandle<()>,
}

impl RunningTester {
    /// Where the receiver listens.
    pub fn receiver(&self) -> SocketAddr {
        self.receiver.local_addr()
    }

    /// Waits until probes that are on their way are finished, after `stop` was cancelled.
    pub async fn stopped(self) {
        // A panic was reported where it happened.
        let _ = self.scheduler.await;
    }
}

impl Tester {
    /// A tester that works on this store and makes tokens with these keys; [`start`](Self::start) sets
    /// it to work.
    ///
    /// # Errors
    /// The DNS servers of the system are not known.
    pub fn new(
        store: Store,
        settings: Settings,
        keys: TokenKeys,
    ) -> Result<Arc<Self>, ResolveError> {
        let shared = Arc::new(Shared::new(store, settings, keys)?);
        let admissions = Arc::new(Admissions::new(shared.clone()));
        let notices = Arc::new(Notices::new(shared.clone()));
        let counters = Arc::new(StatCounters::default());
        let journal = Arc::new(Journal {
            shared: shared.clone(),
            admissions: admissions.clone(),
            notices: notices.clone(),
            counters: counters.clone(),
        });
        let conversations = Conversations::new(shared.clone(), journal.clone(), admissions.clone());
        let conversations = Arc::new(conversations);
        Ok(Arc::new(Self { shared, admissions, journal, conversations, notices, counters }))
    }

    /// Reads what is under way, listens for returned messages and tests until `stop`. Nothing is begun,
    /// settled, forgotten or sent while the clock is in doubt.
    ///
    /// # Errors
    /// The store can't be read, or the receiver's address can't be used. Once it is at work it goes on
    /// whatever happens.
    pub async fn start(
        &self,
        clock: Clock,
        stop: CancellationToken,
    ) -> Result<RunningTester, StartError> {
        let settings = &self.shared.settings;
        self.admissions.load_recent(UnixTime::now()).await?;
        startup::forget_unproved_outputs(&self.shared).await?;
        let inbox = TestInbox { shared: self.shared.clone(), journal: self.journal.clone() };
        let address = settings.receiver;
        let receiver = Receiver::bind(address, settings.receiving.clone(), Arc::new(inbox))
            .await
            .map_err(|reason| StartError::Listen { address, reason })?;
        self.counters.include(receiver.counters());
        // Nothing waits for it: names may take long to look up.
        tokio::spawn(startup::warn_of_surroundings(self.shared.clone()));
        let scheduler = Scheduler {
            shared: self.shared.clone(),
            admissions: self.admissions.clone(),
            journal: self.journal.clone(),
            conversations: self.conversations.clone(),
            notices: self.notices.clone(),
        };
        Ok(RunningTester { receiver, scheduler: tokio::spawn(scheduler.run(clock, stop)) })
    }

    /// Takes a submission: durable when this has finished.
    ///
    /// # Errors
    /// Nobody tests such a host, a limit is reached, or the store did not take it.
    pub async fn submit(&self, submission: Submission) -> Result<Submitted, Refusal> {
        self.admissions.submit(submission).await
    }

    /// Charges a look at a test to somebody without a token.
    ///
    /// # Errors
    /// The network has looked at many within the minute.
    pub async fn charge_read(&self, from: IpAddr) -> Result<(), Limited> {
        self.admissions.charge_read(from).await
    }

    /// A test.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn find(&self, id: TestId) -> Result<Option<Test>, RecordsError> {
        self.journal.find(id).await
    }

    /// At most `limit` tests before `before`, the newest first, and where to go on.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn list(
        &self,
        filter: Filter,
        mut before: Option<TestId>,
        limit: usize,
    ) -> Result<(Vec<Test>, Option<TestId>), RecordsError> {
        let mut found = Vec::new();
        for _ in 0..MOST_SCANNED / CHUNK {
            let (chunk, next) = self.shared.records.newest(filter.address, before, CHUNK).await?;
            for test in chunk {
                before = Some(test.id);
                if filter.admits(&test) {
                    found.push(test);
                }
                if found.len() == limit {
                    return Ok((found, before));
                }
            }
            before = next;
            if next.is_none() {
                return Ok((found, None));
            }
        }
        Ok((found, before))
    }

    /// Calls a test off; the test as it is then, and the number of the change. `None` where there is no
    /// such test; no change where it is too late.
    ///
    /// # Errors
    /// The store did not take it.
    pub async fn cancel(
        &self,
        id: TestId,
        actor: Actor,
    ) -> Result<Option<(Test, Option<u64>)>, RecordsError> {
        let changed = self.journal.change_as(actor, id, Test::cancel).await?;
        self.shared.wake.notify_one();
        Ok(changed.map(|(test, _, seq)| (test, seq)))
    }

    /// Whether the tester lists this address now.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn is_listed(&self, address: IpAddr) -> Result<bool, RecordsError> {
        self.shared.records.is_listed(&self.shared.settings.zone, address).await
    }

    /// When a listed host is tested for the second time, where it has passed the first of the two tests
    /// that a delisting takes.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn second_test_at(&self, address: IpAddr) -> Result<Option<UnixTime>, RecordsError> {
        let host = self.shared.records.of::<Host>(address).await?;
        Ok(host.and_then(|host| {
            host.value.second_test(UnixTime::now(), self.shared.settings.patience)
        }))
    }

    /// The networks that are not tested, in no particular order.
    pub async fn opt_outs(&self) -> Vec<IpNet> {
        self.admissions.opt_outs().await
    }

    /// Tests a network no more, and calls off its tests that wait or are going on. The number of the
    /// change, or `None` where too many have opted out.
    ///
    /// # Errors
    /// The store did not take it.
    pub async fn opt_out(&self, network: IpNet, actor: Actor) -> Result<Option<u64>, RecordsError> {
        let done = self.admissions.opt_out(network, actor.clone()).await?;
        let Some((seq, under_way)) = done else { return Ok(None) };
        for test in under_way {
            self.journal.change_as(actor.clone(), test, Test::cancel).await?;
        }
        Ok(Some(seq))
    }

    /// Ends an opt-out. The number of the change, or `None` where there was none.
    ///
    /// # Errors
    /// The store did not take it.
    pub async fn opt_in(&self, network: IpNet, actor: Actor) -> Result<Option<u64>, RecordsError> {
        self.admissions.opt_in(network, actor).await
    }

    /// The statistics of this moment. It may block for as long as a change takes, so never call it from
    /// asynchronous code.
    pub fn stats(&self) -> Stats {
        self.counters.stats(self.admissions.count_under_way(), self.conversations.count())
    }

    /// The settings that it was made with.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }
}

impl Filter {
    fn admits(&self, test: &Test) -> bool {
        self.address.is_none_or(|address| test.address == address)
            && self.state.is_none_or(|state| test.state.kind() == state)
            && self.verdict.is_none_or(|verdict| test.verdict() == Some(verdict))
    }
}
