//! A small SMTP server for the probe domain: it takes what comes back, and nothing else.
//!
//! It greets at once and takes mail at the first try, as relays that queue would else be missed. It
//! has no way to send mail: it never relays and never bounces. Whatever it refuses it refuses at once.

mod content;
mod counters;
mod inbox;
mod serve;
mod session;
mod settings;
mod wire;

use std::{io, net::SocketAddr, sync::Arc};

use dnsbl_daemon::Listener;
use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) use self::counters::Counters;
pub use self::{
    counters::Counts,
    inbox::{Inbox, NotTaken, Received},
    settings::ReceiverSettings,
};

/// The running receiver. It stops, and its sessions with it, when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    local: SocketAddr,
    counters: Arc<Counters>,
    task: JoinHandle<()>,
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

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}
