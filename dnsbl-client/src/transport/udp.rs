//! DNS over UDP, and over TCP where that does not do.
//!
//! Questions share a pool of connected sockets on ports of the kernel's choice, each used for a
//! limited time and number of questions; ids come from the system's random generator. A reply must
//! come from the server's address to the right port, with the right id and question.

mod attempts;
mod descriptor;
mod engine;
mod exchange;
mod ids;
mod pool;
mod servers;
mod slots;
mod socket;
mod state;
mod tcp;
mod timing;
mod wheel;

use std::{
    fmt,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use self::{engine::Engine, servers::Servers, timing::Timing};
pub use self::{servers::Resolvers, state::Counts};
use super::{Answer, Question, Transport};
use crate::{ClientError, Failure};

/// The transport over UDP.
///
/// Names are asked as they are: no search suffix, no hosts file, no cache. A question is sent up to
/// three times, each time with another id, from another port and, if there are several, to the next
/// server; whichever reply comes first counts. SERVFAIL, REFUSED, other errors, referrals and
/// unreachable servers lead to the next server at once. What does not fit a datagram is asked for
/// over TCP (RFC 7766), FORMERR and NOTIMP once more without EDNS (RFC 6891 section 7).
///
/// It works in any tokio runtime with IO and time enabled; it may be made outside, and used in
/// several. Its tasks end when it is dropped.
pub struct Udp {
    engine: Arc<Engine>,
    servers: Servers,
}

impl Udp {
    /// How many questions may wait at once; more fail at once.
    pub const MAX_IN_FLIGHT: usize = 16_384;
    /// How long a reply may take before the question is sent again.
    pub const TRY: Duration = Timing::DEFAULT.retry_after;

    /// Finds the servers to ask; at most eight are used.
    ///
    /// [`Resolvers::System`] is read again when it changes.
    ///
    /// # Errors
    ///
    /// If there is no server, or `/etc/resolv.conf` can't be read.
    pub fn new(resolvers: &Resolvers) -> Result<Self, ClientError> {
        Servers::new(resolvers).map(Self::with)
    }

    /// Asks the servers of a file in the form of resolv.conf(5), and follows its changes.
    ///
    /// Beside plain addresses, `nameserver [192.0.2.1]:5353` is understood.
    ///
    /// # Errors
    ///
    /// If the file can't be read, or names no server.
    pub fn from_resolv_conf(path: impl Into<PathBuf>) -> Result<Self, ClientError> {
        Servers::in_file(path.into()).map(Self::with)
    }

    /// A server as people write it: an address with or without a port; a link-local one with its interface
    /// by name or number, as in `fe80::1%eth0` or `[fe80::1%2]:53`.
    pub fn parse_server(text: &str) -> Option<SocketAddr> {
        servers::parse_server(text)
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        self.engine.counts()
    }

    fn with(servers: Servers) -> Self {
        Self { engine: Arc::new(Engine::new(Self::MAX_IN_FLIGHT, Timing::DEFAULT)), servers }
    }
}

impl Transport for Udp {
    async fn ask(&self, question: &Question, deadline: Instant) -> Result<Answer, Failure> {
        exchange::ask(&self.engine, &self.servers, question, deadline).await
    }
}

impl Drop for Udp {
    fn drop(&mut self) {
        self.engine.close();
    }
}

impl fmt::Debug for Udp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        f.debug_struct("Udp").field("servers", &self.servers).field("counts", &counts).finish()
    }
}
