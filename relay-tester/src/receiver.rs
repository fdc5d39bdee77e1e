//! A small SMTP server for the probe domain: it takes what comes back, and nothing else.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use dnsbl_types::UnixTime;

use crate::{Candidate, HostName};

/// A message that came to the receiver, with at least one recipient that has the form of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// From where.
    pub peer: SocketAddr,
    /// To which of our addresses.
    pub local: SocketAddr,
    /// What the peer called itself.
    pub helo: String,
    /// What followed `MAIL FROM:`, without parameters.
    pub mail_from: String,
    /// The tokens of the recipients, each once; the inbox expects them all.
    pub candidates: Vec<Candidate>,
    /// The message, dots unstuffed.
    pub data: Vec<u8>,
    /// When.
    pub at: UnixTime,
}

/// The message could not be stored; the peer is told to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTaken;

/// Who gets the messages.
pub trait Inbox: Send + Sync + 'static {
    /// Whether the token verifies, for a test that still waits.
    fn expects(&self, candidate: &Candidate) -> impl Future<Output = bool> + Send;

    /// Takes a message; it is durable when this has finished.
    fn returned(&self, received: Received) -> impl Future<Output = Result<(), NotTaken>> + Send;
}

/// Limits of the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverSettings {
    /// The name in its greeting.
    pub host_name: HostName,
    /// The domain whose mail it takes.
    pub probe_domain: HostName,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections of one address at once.
    pub max_per_peer: usize,
    /// For the next command.
    pub command_timeout: Duration,
    /// For a whole session.
    pub session_timeout: Duration,
}

/// The running receiver. It stops when dropped.
#[derive(Debug)]
pub struct Receiver {
    local: SocketAddr,
}

impl Receiver {
    /// Listens, and serves until it is dropped.
    pub async fn bind(
        addr: SocketAddr,
        settings: ReceiverSettings,
        inbox: Arc<impl Inbox>,
    ) -> io::Result<Self> {
        let _ = (addr, settings, inbox);
        todo!()
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }
}
