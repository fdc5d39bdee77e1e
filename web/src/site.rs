//! What the pages are made from.

use std::sync::Arc;

use dnsbl_index::Index;
use dnsbl_removals::Removals;
use dnsbl_store::ReadOnlyStore;
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
}

/// The server as the pages see it.
pub trait Host: Send + Sync {
    /// The state of the server.
    fn state(&self) -> State;

    /// Counts a request.
    fn count_request(&self, route: &str, code: u16);
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
