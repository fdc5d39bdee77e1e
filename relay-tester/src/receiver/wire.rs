//! Octets in, lines and messages out; replies are sent together where commands came together.

use std::io;

use dnsbl_daemon::{Guarded, Stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};

use super::content::{Content, TooLarge};

/// The longest command line, in octets with CRLF; malformed recipients may be long.
const MAX_LINE: usize = 2_048;
/// So many reads follow the last reply.
const MAX_FORGOTTEN: usize = 64;

/// A connection.
pub(super) struct Wire {
    stream: Guarded<Stream>,
    unread: Vec<u8>,
    unsent: Vec<u8>,
}

/// The reason why a session can't go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireError {
    Gone,
    TooSlow,
    LineTooLong,
    TooLarge,
}

impl Wire {
    pub(super) fn new(stream: Guarded<Stream>) -> Self {
        Self { stream, unread: Vec::new(), unsent: Vec::new() }
    }

    /// Sends a reply, at the latest when the peer has to speak next.
    pub(super) fn reply(&mut self, reply: &str) {
        self.unsent.extend_from_slice(reply.as_bytes());
        self.unsent.extend_from_slice(b"\r\n");
    }

    /// The next command line without CRLF, by which alone it ends.
    pub(super) async fn line(&mut self, until: Instant) -> Result<Vec<u8>, WireError> {
        let mut searched = 0;
        loop {
            let found = memchr::memmem::find(&self.unread[searched..], b"\r\n");
            let len = found.map_or(self.unread.len(), |at| searched + at + 2);
            if len > MAX_LINE {
                return Err(WireError::LineTooLong);
            }
            if found.is_some() {
                let mut line: Vec<u8> = self.unread.drain(..len).collect();
                line.truncate(len - 2);
                return Ok(line);
            }
            // A CR at the end may be the first half of CRLF.
            searched = len.saturating_sub(1);
            self.fill(until).await?;
        }
    }

    /// The content of a message of at most this size.
    pub(super) async fn content(
        &mut self,
        max: usize,
        until: Instant,
    ) -> Result<Vec<u8>, WireError> {
        let mut content = Content::new(max);
        loop {
            let taken = content.push(&self.unread).map_err(|TooLarge| WireError::TooLarge)?;
            self.unread.drain(..taken);
            if content.is_whole() {
                return Ok(content.into_data());
            }
            self.fill(until).await?;
        }
    }

    /// Sends what was said.
    pub(super) async fn flush(&mut self, until: Instant) -> Result<(), WireError> {
        let unsent = std::mem::take(&mut self.unsent);
        in_time(until, self.stream.write_all(&unsent)).await
    }

    /// Says a last reply, if the system takes it at once, to a peer that has no place any more.
    pub(super) fn refuse(self, reply: &str) {
        let _ = self.stream.get_ref().try_write(format!("{reply}\r\n").as_bytes());
    }

    /// Sends what was said and hangs up. What the peer still sends is read and forgotten for a moment:
    /// with octets unread the system would reset the connection, and the last reply be lost.
    pub(super) async fn close(mut self, until: Instant) {
        if self.flush(until).await.is_err() {
            return;
        }
        let _ = in_time(until, self.stream.shutdown()).await;
        let mut buffer = [0; 4096];
        for _ in 0..MAX_FORGOTTEN {
            if !matches!(in_time(until, self.stream.read(&mut buffer)).await, Ok(1..)) {
                return;
            }
        }
    }

    async fn fill(&mut self, until: Instant) -> Result<(), WireError> {
        self.flush(until).await?;
        let mut buffer = [0; 4096];
        match in_time(until, self.stream.read(&mut buffer)).await? {
            0 => Err(WireError::Gone),
            len => {
                self.unread.extend_from_slice(&buffer[..len]);
                Ok(())
            }
        }
    }
}

async fn in_time<T>(
    until: Instant,
    io: impl Future<Output = io::Result<T>>,
) -> Result<T, WireError> {
    match timeout_at(until, io).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => Err(WireError::Gone),
        Err(_) => Err(WireError::TooSlow),
    }
}
