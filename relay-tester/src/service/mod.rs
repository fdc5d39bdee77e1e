//! The tester at work: it takes submissions, keeps every test in the store, talks to hosts, takes what
//! comes back, and lists and delists what follows from it.
//!
//! Each step of a test is stored before anything is done or said that rests on it: that a probe is on
//! its way before its first octet leaves, what came back before the receiver says `250`. What a verdict
//! lists or delists is one batch with the test itself.

mod change;
mod converse;
mod figures;
mod inbox;
mod notice;
mod opt_outs;
mod records;
mod schedule;
mod settings;
mod submit;

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use dnsbl_store::{Actor, Store};
use dnsbl_types::{Source, UnixTime};
use ipnet::IpNet;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    TestId,
    life::{Recent, State, Test, Verdict},
    mx::{Dns, ResolveError},
    self_check::Sighting,
};

pub use figures::Figures;
pub use records::RecordsError;
pub use schedule::{AtWork, StartError};
pub use settings::Settings;
pub use submit::{Refusal, Submission, Submitted};

use figures::Tally;
use records::Records;

/// The source of what the tester lists.
pub const SOURCE: &str = "relay-test";

/// How many connection attempts are remembered, to know whether our own way out is open.
const ATTEMPTS: usize = 32;

/// The tester. One of them works on a store.
pub struct Tester {
    settings: Settings,
    records: Records,
    dns: Dns,
    book: tokio::sync::Mutex<Book>,
    opt_outs: RwLock<Vec<IpNet>>,
    running: Mutex<HashMap<TestId, Running>>,
    attempts: Mutex<VecDeque<Sighting>>,
    to_tell: Mutex<Vec<Test>>,
    tally: Tally,
    strangers_lookups: Semaphore,
    wake: Notify,
    stop: CancellationToken,
}

/// What submissions are measured against.
#[derive(Default)]
struct Book {
    recent: Recent,
    under_way: HashMap<IpAddr, TestId>,
}

/// A test whose host is being talked to.
struct Running {
    address: IpAddr,
}

/// Which tests to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Of this address only.
    pub address: Option<IpAddr>,
    /// Those that are this far.
    pub state: Option<State>,
    /// Those with this verdict.
    pub verdict: Option<Verdict>,
}

/// How many domains are looked up at once for those without a token.
const STRANGERS_LOOKUPS: usize = 4;

/// How many tests are looked through for a page of those that are wanted.
const MOST_SCANNED: usize = 10_000;
/// How many are read at a time.
const CHUNK: usize = 200;

impl Tester {
    /// A tester that works on this store; [`start`](Self::start) sets it to work.
    ///
    /// # Errors
    /// The DNS servers of the system are not known.
    pub fn new(store: Store, settings: Settings) -> Result<Arc<Self>, ResolveError> {
        let dns = Dns::new(&settings.resolvers)?;
        let records = Records { store, patience: settings.patience };
        Ok(Arc::new(Self {
            records,
            dns,
            book: tokio::sync::Mutex::default(),
            opt_outs: RwLock::default(),
            running: Mutex::default(),
            attempts: Mutex::default(),
            to_tell: Mutex::default(),
            tally: Tally::default(),
            strangers_lookups: Semaphore::new(STRANGERS_LOOKUPS),
            wake: Notify::new(),
            stop: CancellationToken::new(),
            settings,
        }))
    }

    /// A test.
    pub async fn find(&self, id: TestId) -> Result<Option<Test>, RecordsError> {
        Ok(self.records.test(id).await?.map(|found| found.value))
    }

    /// At most `limit` tests before `before`, the newest first, and where to go on.
    pub async fn list(
        &self,
        filter: Filter,
        mut before: Option<TestId>,
        limit: usize,
    ) -> Result<(Vec<Test>, Option<TestId>), RecordsError> {
        let mut found = Vec::new();
        for _ in 0..MOST_SCANNED / CHUNK {
            let chunk = self.records.newest(filter.address, before, CHUNK).await?;
            let is_last = chunk.len() < CHUNK;
            for test in chunk {
                before = Some(test.id);
                if filter.admits(&test) {
                    found.push(test);
                }
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

    /// Calls a test off. `None` where there is no such test; no change where it is too late.
    pub async fn cancel(
        &self,
        id: TestId,
        actor: Actor,
    ) -> Result<Option<(Test, Option<u64>)>, RecordsError> {
        let changed = self.change_as(actor, id, Test::cancel).await?;
        self.wake.notify_one();
        Ok(changed.map(|(test, _, seq)| (test, seq)))
    }

    /// Whether the tester lists this address now.
    pub async fn is_listed(&self, address: IpAddr) -> Result<bool, RecordsError> {
        let zone = self.settings.zone.clone();
        let read = move |reader: &dnsbl_store::Reader<'_>| {
            if reader.zone(&zone)?.is_none() {
                return Ok(false);
            }
            let listings = reader.listings_of(&zone, &dnsbl_types::Subject::host(address))?;
            Ok(listings.iter().any(|listing| listing.source.as_str() == SOURCE))
        };
        self.records.read(read).await
    }

    /// What it was told beforehand.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn running(&self) -> MutexGuard<'_, HashMap<TestId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tests whose hosts were just listed, and whose postmasters may have to be told.
    fn to_tell(&self) -> MutexGuard<'_, Vec<Test>> {
        self.to_tell.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn source(&self) -> Option<Source> {
        SOURCE.parse().ok()
    }
}

impl Filter {
    fn admits(&self, test: &Test) -> bool {
        self.address.is_none_or(|address| test.address == address)
            && self.state.is_none_or(|state| test.state == state)
            && self.verdict.is_none_or(|verdict| test.verdict == Some(verdict))
    }
}

/// The tester as the one who changes something.
fn actor() -> Actor {
    Actor::part(SOURCE)
}

fn now() -> UnixTime {
    UnixTime::now()
}
