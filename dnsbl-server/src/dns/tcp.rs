//! TCP (RFC 7766): pipelined queries, answered in order, with limits on what one client can hold.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use dnsbl_types::UnixTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Service, Transport, message::respond};
use crate::config;

/// Replies that are gathered before they are written, in bytes.
const GATHER: usize = 16 << 10;
/// Waiting time after a failed accept, such as for want of file descriptors.
const BACK_OFF: Duration = Duration::from_millis(50);

/// What clients may hold together, shared by all listeners.
#[derive(Clone)]
pub(super) struct Limits {
    connections: Arc<Semaphore>,
    per_client: usize,
    by_client: Arc<Mutex<HashMap<IpAddr, usize>>>,
    idle: Duration,
}

/// A connection's place within the limits; given back when it is dropped.
struct Place {
    _connection: OwnedSemaphorePermit,
    limits: Limits,
    client: IpAddr,
}

impl Limits {
    pub(super) fn new(config: &config::Dns) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(config.tcp_connections)),
            per_client: config.tcp_connections_per_client,
            by_client: Arc::default(),
            idle: config.tcp_idle_timeout,
        }
    }

    /// A place for one more connection, if there is one.
    fn admit(&self, client: IpAddr) -> Option<Place> {
        let connection = self.connections.clone().try_acquire_owned().ok()?;
        let mut by_client = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_client.entry(client).or_default();
        if *count >= self.per_client {
            return None;
        }
        *count += 1;
        Some(Place { _connection: connection, limits: self.clone(), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_client = self.limits.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_client.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                by_client.remove(&self.client);
            }
        }
    }
}

/// Accepts connections until `stop`; one without a place is closed at once.
pub(super) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    limits: Limits,
    connections: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, client)) => {
                let Some(place) = limits.admit(client.ip()) else {
                    continue;
                };
                let (service, stop) = (service.clone(), stop.clone());
                connections.spawn(async move {
                    if let Err(err) = converse(stream, client, &service, &place, &stop).await {
                        tracing::debug!(%err, %client, "a TCP connection ended");
                    }
                });
            }
            Err(err) => {
                tracing::warn!(%err, "accepting failed");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

/// Answers query after query until the client goes, is too slow, or sends what is no query.
async fn converse(
    stream: TcpStream,
    client: SocketAddr,
    service: &Service,
    place: &Place,
    stop: &CancellationToken,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let idle = place.limits.idle;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut replies = Vec::new();
    let mut query = Vec::new();
    loop {
        let read = tokio::select! {
            read = timeout(idle, read_query(&mut reader, &mut query)) => read,
            () = stop.cancelled() => return Ok(()),
        };
        // A client that is gone, idle or too slow has nothing more to hear.
        let Ok(true) = read? else { return Ok(()) };
        let Some(reply) = respond(service, &query, client, Transport::Tcp, UnixTime::now()) else {
            return Ok(());
        };
        let len = u16::try_from(reply.len()).map_err(io::Error::other)?;
        replies.extend(len.to_be_bytes());
        replies.extend(reply);
        if replies.len() >= GATHER || !holds_query(reader.buffer()) {
            timeout(idle, writer.write_all(&replies)).await??;
            replies.clear();
        }
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
