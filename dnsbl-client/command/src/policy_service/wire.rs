//! The octets of one connection, in and out, and how long they may take.

use std::{io, time::Duration};

use dnsbl_daemon::{BusyGuard, Guarded, Stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{codec, netstring};

/// How long a request that has begun may take to come, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much is read at once, in octets.
pub(super) const CHUNK: usize = 4096;

/// Why a connection ended other than by the mail server's wish.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Request(#[from] codec::Malformed),
    #[error("{0}")]
    Lookup(#[from] netstring::Malformed),
    #[error("a request or its answer took longer than {} seconds", PATIENCE.as_secs())]
    Slow,
    #[error("its permit was given to another one while it was not asking for anything")]
    Crowded,
}

/// A connection of a mail server.
pub(super) struct Wire {
    stream: Guarded<Stream>,
    /// How long it may be silent.
    idle: Duration,
    /// When the request that is coming began to come.
    began: Option<Instant>,
}

/// What a wait for more octets ended with.
pub(super) enum Received {
    Some(usize),
    End,
    /// Nobody waits for an answer, and it is time to go.
    Idle,
}

impl Wire {
    pub(super) fn new(stream: Guarded<Stream>, idle: Duration) -> Self {
        Self { stream, idle, began: None }
    }

    /// Waits for more octets, `within` a request for a limited time.
    pub(super) async fn receive(
        &mut self,
        chunk: &mut [u8],
        within: bool,
        stop: &CancellationToken,
    ) -> Result<Received, Trouble> {
        if within {
            let until = *self.began.get_or_insert_with(Instant::now) + PATIENCE;
            let read = timeout_at(until, self.stream.read(chunk));
            let len = read.await.map_err(|_| Trouble::Slow)??;
            // Not a request that was cut off by the mail server, but by us.
            if len == 0 && self.stream.permit().is_revoked() {
                return Err(Trouble::Crowded);
            }
            return Ok(if len == 0 { Received::End } else { Received::Some(len) });
        }
        self.began = None;
        let read = self.stream.read(chunk);
        tokio::select! {
            biased;
            len = timeout(self.idle, read) => match len {
                Ok(Ok(0)) => Ok(Received::End),
                Ok(Ok(len)) => Ok(Received::Some(len)),
                Ok(Err(err)) => Err(err.into()),
                Err(_) => Ok(Received::Idle),
            },
            () = stop.cancelled() => Ok(Received::Idle),
        }
    }

    /// Notes that a request has come whole and is being answered, for as long as the guard lives.
    pub(super) fn answering(&mut self) -> BusyGuard {
        self.began = None;
        self.stream.permit().busy()
    }

    pub(super) async fn send(&mut self, reply: &str) -> Result<(), Trouble> {
        let sent = timeout(PATIENCE, self.stream.write_all(reply.as_bytes())).await;
        Ok(sent.map_err(|_| Trouble::Slow)??)
    }
}
