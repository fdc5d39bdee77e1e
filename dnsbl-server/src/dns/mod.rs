//! The DNS face: sockets at the edge, a pure function in the middle.
//!
//! ```text
//!          ┌─ fast path ─► query.rs ─────────────┬─► lookup.rs ─► index
//!          │               fast_path.rs ◄────────┬── answer.rs
//! udp.rs ──┤               reply.rs              │ │ access.rs, protection.rs
//!          └─ the rest ──► slow_path.rs ─┐       │ │
//! tcp.rs ────────────────────────────────┴► message.rs
//!                                           (bytes ⇄ messages, hickory)
//! ```
//!
//! `access.rs` decides who may ask, and how much (`quotas.rs`). `protection.rs` decides over UDP what a client's cookie proves (`cookies.rs`), and how many answers a network
//! gets (`rate_limit.rs`). `samples.rs` hands out some of the queries to who shows what is asked.

mod abort;
mod access;
mod answer;
mod bind;
mod cookies;
mod counters;
mod denied;
mod extended_error;
mod fast_path;
mod fuzz;
mod lookup;
mod message;
mod protection;
mod query;
mod quotas;
mod rate_limit;
mod reply;
mod rrset;
mod samples;
mod service;
mod slow_path;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;
mod wire;

use std::{
    net::{IpAddr, SocketAddr},
    sync::LazyLock,
    time::{Duration, Instant},
};

use dnsbl_index::Snapshot;
use dnsbl_types::{ClockReading, UnixTime};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use access::AccessControl;
pub(crate) use bind::Sockets;
pub(crate) use cookies::{Cookies, Secrets};
#[cfg(test)]
pub(crate) use counters::Transport;
pub(crate) use counters::{Asked, Counters, Outcome};
pub(crate) use denied::Denied;
pub use fuzz::Paths;
pub(crate) use protection::Protection;
pub(crate) use rate_limit::{RateLimitCounters, RateLimiter};
pub(crate) use samples::{EVERY, LoggedQuery, Outlet, Sample, Sampler};
pub(crate) use service::{LiveService, Service};
pub(crate) use wire::type_name;

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
        service: &LiveService,
        config: &config::Dns,
    ) -> std::io::Result<Self> {
        let stop = CancellationToken::new();
        let connections = TaskTracker::new();
        let workers = udp::Workers::start(sockets.udp, service)?;
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

/// Everybody may ask everything.
static OPEN: LazyLock<(AccessControl, Protection)> = LazyLock::new(Default::default);

/// Answers a client's query into `reply` on the fast path, as a UDP worker does, and returns the length of the
/// reply in bytes; `None` for what is left to the slow path. Nobody is protected. For benches.
pub fn answer_fast(
    snapshot: &Snapshot,
    packet: &[u8],
    client: IpAddr,
    reply: &mut [u8],
    now: UnixTime,
) -> Option<usize> {
    let mut query = query::Query::EMPTY;
    query.read(packet).then_some(())?;
    let lookup = &lookup::look_up(snapshot, query.question());
    let asked = fast_path::Asked { packet, query: &query, lookup, client };
    let now = ClockReading { wall: now, steady: Instant::now() };
    let (access, protection) = &*OPEN;
    fast_path::respond(access, protection, asked, reply, now).map(|responded| responded.len)
}

/// Addresses as the ready line shows them.
pub(crate) fn join(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",")
}
