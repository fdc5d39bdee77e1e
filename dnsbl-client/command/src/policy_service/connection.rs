//! One connection of a mail server that asks what to do.

use dnsbl_daemon::{Guarded, Stream};
use tokio_util::sync::CancellationToken;

use super::{
    codec::{Decoder, Frame},
    memo::Memo,
    service::Service,
    wire::{CHUNK, Received, Trouble, Wire},
};

/// A connection and what was decided on it.
pub(super) struct Connection<'a> {
    wire: Wire,
    service: &'a Service,
    decoder: Decoder,
    memo: Memo,
}

impl<'a> Connection<'a> {
    pub(super) fn new(stream: Guarded<Stream>, service: &'a Service) -> Self {
        let wire = Wire::new(stream, service.limits().idle);
        Self { wire, service, decoder: Decoder::default(), memo: Memo::default() }
    }

    /// Answers requests until the mail server leaves, says what is no request, or is silent too long.
    ///
    /// What is no request gets no answer, as SMTPD_POLICY_README asks.
    pub(super) async fn serve(mut self, stop: &CancellationToken) -> Result<(), Trouble> {
        let mut chunk = [0; CHUNK];
        loop {
            let within = self.decoder.is_within_request();
            match self.wire.receive(&mut chunk, within, stop).await? {
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

    async fn answer(&mut self, frame: Frame) -> Result<(), Trouble> {
        let _busy = self.wire.answering();
        let reply = match frame {
            Frame::Policy(request) => {
                let decision = self.service.decide(&request, self.memo.find(&request)).await;
                self.memo.remember(request, decision).policy_reply()
            }
            Frame::Line(request) => {
                let decision = self.service.decide(&request, None).await;
                decision.action.line_reply(decision.score, &decision.zones)
            }
        };
        self.wire.send(&reply).await
    }
}
