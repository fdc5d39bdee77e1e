//! The slow path of UDP: what the fast path does not take waits here, in a queue that can't grow.

use std::{
    io,
    net::UdpSocket,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use dnsbl_types::ClockReading;
use udp_batch::ReturnPath;

use super::{
    abort::AbortOnPanic,
    counters::{Outcome, Transport},
    message::respond,
    service::LiveService,
};

/// Queries that may wait.
const QUEUE: usize = 1024;

/// A query that a worker leaves to the slow path.
pub(super) struct SlowQuery {
    pub(super) packet: Box<[u8]>,
    pub(super) path: ReturnPath,
    pub(super) socket: Arc<UdpSocket>,
}

/// The sending end of the queue.
#[derive(Clone)]
pub(super) struct Queue {
    tx: SyncSender<SlowQuery>,
    service: LiveService,
}

impl Queue {
    /// Starts the thread that answers what is queued; it ends with the last way in.
    pub(super) fn start(service: LiveService) -> io::Result<(Self, JoinHandle<()>)> {
        let (tx, rx) = sync_channel(QUEUE);
        let queue = Self { tx, service: service.clone() };
        let thread = Builder::new().name("dns-slow-path".into());
        let thread = thread.spawn(move || {
            let _guard = AbortOnPanic;
            answer_all(&service, &rx);
        })?;
        Ok((queue, thread))
    }

    /// Queues a query, or drops and counts it where too many wait.
    pub(super) fn push(&self, query: SlowQuery) {
        if let Err(TrySendError::Full(_)) = self.tx.try_send(query) {
            self.service.load().counters.count(None, Transport::Udp, Outcome::Dropped);
        }
    }
}

fn answer_all(service: &LiveService, rx: &Receiver<SlowQuery>) {
    for SlowQuery { packet, path, socket } in rx {
        let peer = path.peer();
        if let Some(reply) =
            respond(&service.load(), &packet, peer, Transport::Udp, ClockReading::now())
            && let Err(err) = udp_batch::send(&socket, &reply, &path)
        {
            // A client that can't be reached asks again.
            tracing::debug!(%err, %peer, "a reply could not be sent");
        }
    }
}
