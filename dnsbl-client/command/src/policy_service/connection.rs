//! One connection of a mail server.

use std::{io, time::Duration};

use dnsbl_daemon::{Guarded, Stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    codec::{Decoder, Frame, Malformed},
    memo::Memo,
    service::Service,
};

/// How long a request that has begun may take to come, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much is read at once.
const CHUNK: usize = 4096;

/// Why a connection ended other than by the mail server's wish.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error("a request or its answer took longer than {} seconds", PATIENCE.as_secs())]
    Slow,
    #[error("its permit was given to another one while it was not asking for anything")]
    Crowded,
}

/// A connection and what was decided on it.
pub(super) struct Connection<'a> {
    stream: Guarded<Stream>,
    service: &'a Service,
    decoder: Decoder,
    memo: Memo,
    /// When the request that is coming began to come.
    began: Option<Instant>,
}

/// What a wait for more octets ended with.
enum Received {
    Some(usize),
    End,
    /// Nobody waits for an answer, and it is time to go.
    Idle,
}

impl<'a> Connection<'a> {
    pub(super) fn new(stream: Guarded<Stream>, service: &'a Service) -> Self {
        Self { stream, service, decoder: Decoder::default(), memo: Memo::default(), began: None }
    }

    /// Answers requests until the mail server leaves, says what is no request, or is silent too long.
    ///
    /// What is no request gets no answer, as SMTPD_POLICY_README asks.
    pub(super) async fn serve(mut self, stop: &CancellationToken) -> Result<(), Trouble> {
        let mut chunk = [0; CHUNK];
        loop {
            match self.receive(&mut chunk, stop).await? {
                Received::Some(len) => self.decoder.push(&chunk[..len]),
                Received::Idle => return Ok(()),
                Received::End => {
                    let last = std::mem::take(&mut self.decoder).finish()?;
                    return match last {
                        Some(frame) => self.answer(frame).await,
                        None => Ok(()),
                    };
                }
            }
            while let Some(frame) = self.decoder.next()? {
                let last = matches!(frame, Frame::Line(_));
                self.answer(frame).await?;
                if last {
                    return Ok(());
                }
            }
        }
    }

    async fn receive(
        &mut self,
        chunk: &mut [u8],
        stop: &CancellationToken,
    ) -> Result<Received, Trouble> {
        let (within, limits) = (self.decoder.is_within_request(), self.service.limits());
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
            len = timeout(limits.idle, read) => match len {
                Ok(Ok(0)) => Ok(Received::End),
                Ok(Ok(len)) => Ok(Received::Some(len)),
                Ok(Err(err)) => Err(err.into()),
                Err(_) => Ok(Received::Idle),
            },
            () = stop.cancelled() => Ok(Received::Idle),
        }
    }

    async fn answer(&mut self, frame: Frame) -> Result<(), Trouble> {
        self.began = None;
        let _busy = self.stream.permit().busy();
        let reply = match frame {
            Frame::Policy(request) => {
                let decision = match self.memo.find(&request) {
                    Some(known) => known,
                    None => self.service.decide(&request).await,
                };
                self.memo.remember(request, decision).policy_reply()
            }
            Frame::Line(request) => {
                let decision = self.service.decide(&request).await;
                decision.action.line_reply(decision.score, &decision.zones)
            }
        };
        let sent = timeout(PATIENCE, self.stream.write_all(reply.as_bytes())).await;
        Ok(sent.map_err(|_| Trouble::Slow)??)
    }
}
