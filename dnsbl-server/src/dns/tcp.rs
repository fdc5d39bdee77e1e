//! TCP (RFC 7766): pipelined queries, answered in order, with limits on what one client can hold.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use dnsbl_daemon::{
    ConnectionLimits, ConnectionPermits, Guarded, Listener, PeerNetwork, Stream, linger,
};
use dnsbl_types::ClockReading;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{counters::Transport, message::respond, service::LiveService};
use crate::config;

/// Replies that are gathered before they are written, in bytes.
const GATHER: usize = 16 << 10;
/// How long a query may take to come once the server is told to stop: those on their way are answered.
const LAST: Duration = Duration::from_millis(100);
/// How long a connection may be idle while more than half of the permits are taken.
const CROWDED_IDLE: Duration = Duration::from_secs(2);
/// How long a connection may live, and how many queries it may send, meanwhile.
const CROWDED_LIFE: Duration = Duration::from_secs(60);
const CROWDED_QUERIES: u64 = 100;

/// The limits of what clients may hold together, shared by all listeners.
#[derive(Clone)]
pub(super) struct Limits {
    pub(super) permits: ConnectionPermits,
    pub(super) idle: Duration,
}

impl Limits {
    pub(super) fn new(config: &config::Dns) -> Self {
        let limits = ConnectionLimits {
            all: config.tcp_connections,
            per_network: config.tcp_connections_per_client,
        };
        Self { permits: ConnectionPermits::new(limits), idle: config.tcp_idle_timeout }
    }
}

/// Accepts connections until `stop`; where there is no permit left an idle one goes.
pub(super) async fn serve(
    listener: Listener,
    service: LiveService,
    limits: Limits,
    connections: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let (stream, client) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Some(client) = client else { continue };
        let Some(permit) = limits.permits.acquire(PeerNetwork::of(client.ip())) else { continue };
        let stream = Guarded::new(stream, Arc::new(permit), limits.idle);
        let conversation = Conversation {
            service: service.clone(),
            client,
            idle: limits.idle,
            stop: stop.clone(),
        };
        connections.spawn(async move {
            if let Err(err) = conversation.run(stream).await {
                tracing::debug!(%err, %client, "a TCP connection ended");
            }
        });
    }
}

/// A client's connection.
struct Conversation {
    service: LiveService,
    client: SocketAddr,
    idle: Duration,
    stop: CancellationToken,
}

impl Conversation {
    /// Answers query after query until the client goes, is too slow, or sends what is no query.
    async fn run(&self, stream: Guarded<Stream>) -> io::Result<()> {
        let permits = stream.permit().permits().clone();
        let (began, mut queries) = (Instant::now(), 0);
        let mut stream = BufReader::new(stream);
        let mut replies = Vec::new();
        let mut query = Vec::new();
        loop {
            let is_crowded = permits.is_crowded();
            let idle = if is_crowded { self.idle.min(CROWDED_IDLE) } else { self.idle };
            // A client that is gone, idle or too slow has nothing more to hear.
            if !self.read(&mut stream, &mut query, idle).await? {
                break;
            }
            queries += 1;
            let now = ClockReading::now();
            let reply = respond(&self.service.load(), &query, self.client, Transport::Tcp, now);
            // Where none may be given, those that were made are sent all the same.
            let is_last = reply.is_none();
            if let Some(reply) = reply {
                let len = u16::try_from(reply.len()).map_err(io::Error::other)?;
                replies.extend(len.to_be_bytes());
                replies.extend(reply);
            }
            if is_last || replies.len() >= GATHER || !holds_query(stream.buffer()) {
                // Whoever takes none of it for too long is given up by the stream.
                stream.get_mut().write_all(&replies).await?;
                replies.clear();
            }
            let is_old = began.elapsed() > CROWDED_LIFE || queries > CROWDED_QUERIES;
            if is_last || (is_crowded && is_old && replies.is_empty()) {
                break;
            }
        }
        linger(stream.into_inner()).await;
        Ok(())
    }

    /// Reads one query; false if there is none any more.
    async fn read(
        &self,
        stream: &mut BufReader<Guarded<Stream>>,
        query: &mut Vec<u8>,
        idle: Duration,
    ) -> io::Result<bool> {
        let mut read = pin!(read_query(stream, query));
        let read = tokio::select! {
            biased;
            read = timeout(idle, &mut read) => read,
            () = self.stop.cancelled() => timeout(LAST, read).await,
        };
        read.unwrap_or(Ok(false))
    }
}

/// Reads one query; false at the end of the stream.
async fn read_query(
    reader: &mut (impl AsyncReadExt + Unpin),
    query: &mut Vec<u8>,
) -> io::Result<bool> {
    let len = match reader.read_u16().await {
        Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        len => len?,
    };
    query.resize(len.into(), 0);
    reader.read_exact(query).await?;
    Ok(true)
}

/// Whether a whole query lies in the buffer, so that reading it will not wait.
fn holds_query(buffer: &[u8]) -> bool {
    match buffer {
        [high, low, rest @ ..] => rest.len() >= usize::from(u16::from_be_bytes([*high, *low])),
        _ => false,
    }
}
