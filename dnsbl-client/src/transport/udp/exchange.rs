//! One question, sent as often as it takes.

use std::{future::poll_fn, io, net::SocketAddr, sync::Arc, time::Instant};

use arrayvec::ArrayVec;

use super::{
    engine::{Engine, Expected},
    pool::SocketKey,
    slots::{Event, Ticket},
};
use crate::transport::{Question, message::Query};

/// The most times that one question is sent.
const MAX_SENDS: usize = 16;

/// A question that waits. Dropping it gives it up and frees its slot.
pub(super) struct Exchange<'a> {
    engine: &'a Arc<Engine>,
    ticket: Ticket,
    sent: ArrayVec<(SocketKey, u16), MAX_SENDS>,
    /// How many of them may still be answered.
    open: usize,
}

impl<'a> Exchange<'a> {
    /// Takes a slot; `None` if as many questions wait as may.
    pub(super) fn begin(
        engine: &'a Arc<Engine>,
        question: &Question,
        recursion: bool,
    ) -> Option<Self> {
        let ticket = engine.begin(question, recursion)?;
        Some(Self { engine, ticket, sent: ArrayVec::new(), open: 0 })
    }

    /// Sends the query, each time with another id and out of another socket.
    ///
    /// What the network can't take just now is as good as lost on the way.
    pub(super) fn send(&mut self, server: SocketAddr) -> io::Result<()> {
        if self.sent.is_full() {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let Expected { key, id, fd, datagram } =
            self.engine.expect(server, self.ticket, &self.sent)?;
        self.sent.push((key, id));
        self.open += 1;
        match fd.get_ref().send(&datagram) {
            Err(err) if err.kind() != io::ErrorKind::WouldBlock => {
                self.open -= 1;
                Err(err)
            }
            _ => Ok(()),
        }
    }

    /// Waits until something happens to it, or the time is over.
    pub(super) async fn wait(&mut self, until: Instant) -> Event {
        let event = poll_fn(|context| self.engine.poll(self.ticket, until, context)).await;
        if !matches!(event, Event::Due) {
            self.open = self.open.saturating_sub(1);
        }
        event
    }

    /// Leaves EDNS out of what is sent from now on; gives whether it was in.
    pub(super) fn drop_edns(&self) -> bool {
        self.engine.drop_edns(self.ticket)
    }

    /// The query, for another way than over UDP.
    pub(super) fn query(&self) -> Query {
        self.engine.query(self.ticket)
    }

    /// Whether a reply may still come to anything that was sent.
    pub(super) fn is_open(&self) -> bool {
        self.open > 0
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        self.engine.end(self.ticket, &self.sent);
    }
}
