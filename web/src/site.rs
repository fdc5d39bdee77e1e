//! What the pages are made from.

use std::sync::Arc;

use dnsbl_feeds::Feeds;
use dnsbl_index::Index;
use dnsbl_removals::{Removals, Review};
use dnsbl_reports::Reports;
use dnsbl_rights::Tokens;
use dnsbl_store::ReadOnlyStore;
use ipnet::IpNet;
use relay_tester::service::{TestReader, Tester};

use crate::{OperatorFiles, Settings};

/// The parts of the server that the pages are made from.
pub struct Site {
    /// Where everything is kept.
    pub store: ReadOnlyStore,
    /// What DNS answers from.
    pub index: Arc<Index>,
    /// The records of the tester of open relays, if this server has one.
    pub tester: Option<TestReader>,
    /// The tester itself, where anybody may nominate hosts.
    pub nominations: Option<Arc<Tester>>,
    /// Requests for removal, where anybody may make them.
    pub removals: Option<Arc<Removals>>,
    /// A random key, by which forms are known that were shown.
    pub form_key: [u8; 32],
    /// The server around it.
    pub host: Arc<dyn Host>,
    /// What was read of the operator's files.
    pub files: OperatorFiles,
    /// How the pages look, and what they may cost.
    pub settings: Settings,
    /// What the operator's console works on, if there is one.
    pub console: Option<Console>,
}

/// The parts of the server that the console works on. All that it changes goes through these, after `dnsbl-rights` has
/// permitted it.
pub struct Console {
    /// The tokens that operators sign in with.
    pub tokens: Arc<Tokens>,
    /// What is fetched again and again.
    pub feeds: Arc<Feeds>,
    /// The keeper of reports.
    pub reports: Arc<Reports>,
    /// The keeper of requests for removal.
    pub removals: Arc<Removals>,
    /// What waits for reviewers.
    pub review: Arc<Review>,
    /// The tester of open relays, if this server has one.
    pub tester: Option<Arc<Tester>>,
    /// The networks from which it is reached; from elsewhere there is no such page.
    pub from: Vec<IpNet>,
}

/// The server as the pages see it.
pub trait Host: Send + Sync {
    /// The state of the server.
    fn state(&self) -> State;

    /// Counts a request.
    fn count_request(&self, route: &str, code: u16);

    /// Why the clock is not to be relied on, if so.
    fn clock_doubt(&self) -> Option<String>;
}

/// The state of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It answers, and takes changes.
    Serving,
    /// It is being started.
    Loading,
    /// It answers, and takes no changes: nothing is listed or removed until that is mended.
    ReadOnly,
}
