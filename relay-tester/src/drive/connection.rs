//! One connection: octets out, replies in.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

use super::{
    sources::Sources,
    tls::{self, Stream},
};
use crate::{ProbeError, Reply, Unreachable, dialogue::ReplyReader};

pub(super) struct Connection {
    stream: Box<dyn Stream>,
    reader: ReplyReader,
}

impl Connection {
    pub(super) async fn open(
        addr: SocketAddr,
        sources: Sources,
        until: Instant,
    ) -> Result<Self, Unreachable> {
        match timeout_at(until, connect(addr, sources)).await {
            Ok(Ok(stream)) => Ok(Self { stream: Box::new(stream), reader: ReplyReader::default() }),
            Ok(Err(error)) => Err(unreachable_by(&error)),
            Err(_) => Err(Unreachable::ConnectTimeout),
        }
    }

    /// Whoever speaks before being asked could pass off one reply as the next.
    pub(super) async fn refuse_early_talk(&mut self) -> Result<(), ProbeError> {
        match timeout(Duration::ZERO, self.read()).await {
            Ok(Err(error)) if !self.reader.has_unread() => return Err(error),
            _ => {}
        }
        if !self.reader.has_unread() {
            return Ok(());
        }
        match self.reader.next_reply() {
            Ok(Some(reply)) if reply.code() == 421 => Err(ProbeError::Closing(reply)),
            _ => Err(ProbeError::OutOfTurn),
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8], until: Instant) -> Result<(), ProbeError> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout_at(until, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ProbeError::Disconnected),
            Err(_) => Err(ProbeError::Timeout),
        }
    }

    /// The next reply; all of it must come in time.
    pub(super) async fn reply(&mut self, until: Instant) -> Result<Reply, ProbeError> {
        let whole = async {
            loop {
                if let Some(reply) = self.reader.next_reply()? {
                    return Ok(reply);
                }
                self.read().await?;
            }
        };
        timeout_at(until, whole).await.unwrap_or(Err(ProbeError::Timeout))
    }

    /// Reads once.
    async fn read(&mut self) -> Result<(), ProbeError> {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer).await {
            Ok(0) | Err(_) => Err(ProbeError::Disconnected),
            Ok(len) => Ok(self.reader.push(&buffer[..len])?),
        }
    }

    /// The same connection under TLS; `None` where that fails. What came before the handshake in the
    /// clear is no part of it (CVE-2011-0411), so any such octet makes it fail.
    pub(super) async fn start_tls(self, addr: IpAddr, until: Instant) -> Option<Self> {
        if self.reader.has_unread() {
            return None;
        }
        let handshake = tls::connect(self.stream, addr);
        let stream = timeout_at(until, handshake).await.ok()?.ok()?;
        Some(Self { stream: Box::new(stream), reader: ReplyReader::default() })
    }
}

async fn connect(addr: SocketAddr, sources: Sources) -> io::Result<TcpStream> {
    let stream = sources.socket(addr)?.connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn unreachable_by(error: &io::Error) -> Unreachable {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Unreachable::Refused,
        io::ErrorKind::ConnectionReset => Unreachable::HungUp,
        io::ErrorKind::TimedOut => Unreachable::ConnectTimeout,
        _ => Unreachable::Network(error.to_string()),
    }
}
