//! Streams that give their permit up when it is wanted for another connection.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    time::{Instant, Sleep, sleep_until, timeout},
};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::ConnectionPermit;

/// How long a client may go on sending after its last answer.
const LINGER: Duration = Duration::from_secs(1);
/// How much it may send then, in bytes.
const LINGER_BYTES: u64 = 16 << 20;

/// A stream that holds a connection's permit.
///
/// Reading ends as at the end of the stream when the permit is wanted for somebody else. Writing fails
/// then, and where the peer takes nothing of it for as long as it may stall.
#[derive(Debug)]
pub struct Guarded<S> {
    stream: S,
    permit: Arc<ConnectionPermit>,
    revoked: Pin<Box<WaitForCancellationFutureOwned>>,
    stall: Duration,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    /// Guards a stream; `stall` is how long a write may make no progress.
    pub fn new(stream: S, permit: Arc<ConnectionPermit>, stall: Duration) -> Self {
        let revoked = Box::pin(permit.revoked());
        Self { stream, permit, revoked, stall, stalled: None }
    }

    /// Its permit.
    pub fn permit(&self) -> &Arc<ConnectionPermit> {
        &self.permit
    }

    /// The bare stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    fn poll_revoked(&mut self, cx: &mut Context<'_>) -> bool {
        self.permit.is_revoked() || self.revoked.as_mut().poll(cx).is_ready()
    }

    /// What a write came to; while it waits, the time for that runs.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            self.permit.touch();
            return written;
        }
        if self.poll_revoked(cx) {
            return revoked();
        }
        let stall = self.stall;
        let stalled =
            self.stalled.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + stall)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("the peer took nothing for {} seconds", self.stall.as_secs()),
        )))
    }
}

fn revoked<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the connection's permit was given to another one",
    )))
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.permit.touch();
        }
        if read.is_pending() && self.poll_revoked(cx) {
            return Poll::Ready(Ok(()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.permit.is_revoked() {
            return revoked();
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.permit.is_revoked() {
            return revoked();
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Over TLS what was written may still lie here.
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Ends a connection once the client has, within limits. To close it under a client that still sends
/// would reset it, and take away the answer that says why.
pub async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: Guarded<S>) {
    if stream.permit.is_revoked() {
        return;
    }
    let drain = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    // Whether it went well makes no difference any more.
    let _ = timeout(LINGER, drain).await;
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Arc, time::Duration};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::Guarded;
    use crate::{ConnectionLimits, ConnectionPermit, ConnectionPermits, PeerNetwork};

    fn guarded(
        permits: &ConnectionPermits,
        stall: Duration,
    ) -> (Guarded<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(64);
        let permit: ConnectionPermit = permits.acquire(PeerNetwork::Local).unwrap();
        (Guarded::new(ours, Arc::new(permit), stall), theirs)
    }

    fn one_permit() -> ConnectionPermits {
        ConnectionPermits::new(ConnectionLimits { all: 1, per_network: 1 })
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (mut ours, _theirs) = guarded(&one_permit(), Duration::from_millis(20));
        let failed = ours.write_all(&[0; 100]).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_peer_that_takes_little_by_little_is_served() {
        let (mut ours, mut theirs) = guarded(&one_permit(), Duration::from_secs(60));
        let slow = async {
            let mut byte = [0];
            for _ in 0..1000 {
                theirs.read_exact(&mut byte).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let (written, ()) = tokio::join!(ours.write_all(&[0; 1000]), slow);
        written.unwrap();
    }

    #[tokio::test]
    async fn a_read_ends_when_the_permit_is_revoked() {
        let permits = one_permit();
        let (mut ours, _theirs) = guarded(&permits, Duration::from_secs(60));
        let newcomer = async { permits.acquire(PeerNetwork::Local).unwrap() };
        let mut byte = [0];
        let (read, _newcomer) = tokio::join!(ours.read(&mut byte), newcomer);
        assert_eq!(read.unwrap(), 0);
        let failed = ours.write_all(&[0]).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::ConnectionAborted);
    }
}
