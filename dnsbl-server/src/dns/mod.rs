//! The DNS face: sockets at the edge, a pure function in the middle.
//!
//! ```text
//!          ┌─ fast path ─► query.rs ─────────────┬─► lookup.rs ─► index
//! udp.rs ──┤               reply.rs ◄────────────┬── answer.rs
//!          └─ the rest ──► slow_path.rs ─┐       │ │  (what is answered)
//! tcp.rs ────────────────────────────────┴► message.rs
//!                                           (bytes ⇄ messages, hickory)
//! ```

mod abort;
mod answer;
mod bind;
mod counters;
mod fuzz;
mod lookup;
mod message;
mod query;
mod reply;
mod rrset;
mod service;
mod slow_path;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;
mod wire;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use dnsbl_index::Snapshot;
use dnsbl_types::UnixTime;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use bind::Sockets;
pub(crate) use counters::Counters;
pub use fuzz::SlowPath;
pub(crate) use service::Service;

use crate::config;

/// A running DNS face.
pub(crate) struct Server {
    workers: udp::Workers,
    connections: TaskTracker,
    stop: CancellationToken,
}

impl Server {
    /// Starts to answer on bound sockets. Must be called inside a runtime.
    pub(crate) fn start(
        sockets: Sockets,
        service: Service,
        config: &config::Dns,
    ) -> std::io::Result<Self> {
        let service = Arc::new(service);
        let stop = CancellationToken::new();
        let connections = TaskTracker::new();
        let workers = udp::Workers::start(sockets.udp, &service)?;
        let limits = tcp::Limits::new(config);
        for listener in sockets.tcp {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let serve = tcp::serve(
                listener.into(),
                service.clone(),
                limits.clone(),
                connections.clone(),
                stop.clone(),
            );
            connections.spawn(serve);
        }
        Ok(Self { workers, connections, stop })
    }

    /// Stops taking queries, answers those that are in, and waits at most `grace` for slow clients.
    pub(crate) async fn stop(self, grace: Duration) {
        self.stop.cancel();
        self.connections.close();
        if tokio::time::timeout(grace, self.connections.wait()).await.is_err() {
            tracing::warn!("some TCP clients did not read their answers in time");
        }
        self.workers.stop();
    }
}

/// Answers a client's query into `reply` on the fast path, as a UDP worker does, and returns the length of the
/// reply in bytes; `None` for what is left to the slow path. For benches and tests.
pub fn answer_fast(
    snapshot: &Snapshot,
    packet: &[u8],
    client: IpAddr,
    reply: &mut [u8],
    now: UnixTime,
) -> Option<usize> {
    let mut query = query::Query::EMPTY;
    query.read(packet).then_some(())?;
    let answer = answer::answer(&lookup::look_up(snapshot, query.question(), client), now);
    reply::write(packet, &query, &answer, reply)
}

/// Addresses as the ready line shows them.
pub(crate) fn join(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",")
}
