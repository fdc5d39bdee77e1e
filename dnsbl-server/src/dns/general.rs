//! The general path of UDP: what is not ordinary waits here, in a queue that can't grow.

use std::{
    io,
    net::UdpSocket,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use dnsbl_types::UnixTime;
use udp_batch::ReturnPath;

use super::{Service, Transport, counters::Outcome, message::respond, udp::AbortOnPanic};

/// Queries that may wait.
const QUEUE: usize = 1024;

/// A query that a worker leaves to the general path.
pub(super) struct Unusual {
    pub(super) packet: Box<[u8]>,
    pub(super) path: ReturnPath,
    pub(super) socket: Arc<UdpSocket>,
}

/// The way into the queue.
#[derive(Clone)]
pub(super) struct Queue {
    queries: SyncSender<Unusual>,
    service: Arc<Service>,
}

impl Queue {
    /// Starts the thread that answers what is queued; it ends with the last way in.
    pub(super) fn start(service: Arc<Service>) -> io::Result<(Self, JoinHandle<()>)> {
        let (queries, waiting) = sync_channel(QUEUE);
        let answering = service.clone();
        let thread = Builder::new().name("dns-general".into());
        let thread = thread.spawn(move || {
            let _guard = AbortOnPanic;
            answer_all(&answering, &waiting);
        })?;
        Ok((Self { queries, service }, thread))
    }

    /// Queues a query, or drops and counts it where too many wait.
    pub(super) fn push(&self, query: Unusual) {
        if let Err(TrySendError::Full(_)) = self.queries.try_send(query) {
            self.service.counters.count(None, Transport::Udp, Outcome::Dropped);
        }
    }
}

fn answer_all(service: &Service, waiting: &Receiver<Unusual>) {
    for Unusual { packet, path, socket } in waiting {
        let peer = path.peer();
        if let Some(reply) = respond(service, &packet, peer, Transport::Udp, UnixTime::now())
            && let Err(err) = udp_batch::send(&socket, &reply, &path)
        {
            // A client that can't be reached asks again.
            tracing::debug!(%err, %peer, "a reply could not be sent");
        }
    }
}
