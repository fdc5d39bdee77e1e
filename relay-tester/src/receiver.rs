//! A small SMTP server for the probe domain: it takes what comes back, and nothing else.
//!
//! It greets at once and takes mail at the first try, as relays that queue would else be missed. It
//! has no way to send mail: it never relays and never bounces. Whatever it refuses it refuses at once.

mod content;
mod serve;
mod session;
mod wire;

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use dnsbl_daemon::Listener;
use dnsbl_types::UnixTime;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{Candidate, HostName};

/// A message that came to the receiver, with at least one recipient whose token the inbox expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// From where. IPv4 is never mapped into IPv6.
    pub peer: SocketAddr,
    /// To which of our addresses.
    pub local: SocketAddr,
    /// What the peer called itself; empty where it did not.
    pub helo: String,
    /// The envelope sender without brackets; empty where it is null.
    pub mail_from: String,
    /// The tokens of the recipients, each once; the inbox expects them all.
    pub candidates: Vec<Candidate>,
    /// The message, dots unstuffed; at most [`ReceiverSettings::max_size`] octets.
    pub data: Vec<u8>,
    /// When.
    pub at: UnixTime,
}

/// The message could not be stored; the peer is told to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTaken;

/// An inbox, which gets the messages.
pub trait Inbox: Send + Sync + 'static {
    /// Whether the token verifies, for a test that still waits. What can't be told at the moment is
    /// expected: the peer would not try again, and [`Inbox::returned`] can still refuse.
    fn expects(&self, candidate: &Candidate) -> impl Future<Output = bool> + Send;

    /// Takes a message; it is durable when this has finished. The peer is told that the message was
    /// taken only then, so one that came may come again: once stored, a second one changes nothing.
    fn returned(&self, received: Received) -> impl Future<Output = Result<(), NotTaken>> + Send;
}

/// Limits of the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverSettings {
    /// The name in its greeting.
    pub host_name: HostName,
    /// The domain whose mail it takes.
    pub probe_domain: HostName,
    /// The largest message, in octets.
    pub max_size: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections of one address (IPv6: of one /64) at once.
    pub max_per_peer: usize,
    /// For the next command.
    pub command_timeout: Duration,
    /// For a whole message, and for storing it.
    pub data_timeout: Duration,
    /// For a whole session.
    pub session_timeout: Duration,
}

/// The counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were served.
    pub connections: u64,
    /// Connections beyond a limit, and idle ones that made room.
    pub turned_away: u64,
    /// Recipients that were refused.
    pub refused: u64,
    /// Messages handed to the inbox.
    pub returned: u64,
    /// Messages to postmaster and abuse, which nobody reads.
    pub dropped: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    connections: AtomicU64,
    turned_away: AtomicU64,
    refused: AtomicU64,
    returned: AtomicU64,
    dropped: AtomicU64,
}

/// The running receiver. It stops, and its sessions with it, when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    local: SocketAddr,
    counters: Arc<Counters>,
    task: JoinHandle<()>,
}

impl ReceiverSettings {
    /// The limits unless told otherwise.
    pub fn new(host_name: HostName, probe_domain: HostName) -> Self {
        Self {
            host_name,
            probe_domain,
            max_size: 64 * 1024,
            max_connections: 200,
            max_per_peer: 10,
            command_timeout: Duration::from_secs(60),
            data_timeout: Duration::from_secs(120),
            session_timeout: Duration::from_secs(600),
        }
    }
}

impl Receiver {
    /// Listens, and serves until it is dropped.
    ///
    /// # Errors
    /// The address can't be listened on.
    pub async fn bind(
        addr: SocketAddr,
        settings: ReceiverSettings,
        inbox: Arc<impl Inbox>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let local = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let serve = serve::accept(Listener::from(listener), settings, inbox, Arc::clone(&counters));
        Ok(Self { local, counters, task: tokio::spawn(serve) })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// How often what happened.
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    /// Its counters, which go on when it is gone.
    pub(crate) fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }
}

impl Counters {
    /// The counts of this moment.
    pub(crate) fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            connections: read(&self.connections),
            turned_away: read(&self.turned_away),
            refused: read(&self.refused),
            returned: read(&self.returned),
            dropped: read(&self.dropped),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
