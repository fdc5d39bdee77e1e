//! One question, from its first datagram to its answer.

use std::{future::poll_fn, io, net::SocketAddr, sync::Arc, time::Instant};

use arrayvec::ArrayVec;
use tokio::time::timeout_at;

use super::{
    attempts::{Attempts, Step},
    engine::{Engine, Outgoing},
    pool::SocketKey,
    servers::Servers,
    slots::{SlotEvent, SlotKey},
    tcp,
};
use crate::{
    Failure,
    transport::{Answer, Question, message::Reply},
};

/// The most times that one question is sent.
const MAX_SENDS: usize = 16;

/// Asks until a server settles it, none is left or the time is over.
pub(super) async fn ask(
    engine: &Arc<Engine>,
    servers: &Servers,
    question: &Question,
    deadline: Instant,
) -> Result<Answer, Failure> {
    let order = servers.in_order(Instant::now, |gone| engine.forget(gone));
    let slot = engine.begin(question, servers.recursion()).ok_or(Failure::Overloaded)?;
    let mut exchange = Exchange { engine, slot, sent: ArrayVec::new() };
    let mut attempts = Attempts::new(order, deadline, engine.timing);
    loop {
        let answer = match attempts.step() {
            Step::Send(server) => {
                attempts.sent(server, exchange.send(server), Instant::now());
                None
            }
            Step::SendPlain(server) => {
                engine.drop_edns(slot);
                attempts.sent(server, exchange.send(server), Instant::now());
                None
            }
            Step::Wait(now, until) => attempts.observe(exchange.wait(now, until).await),
            Step::AskOverTcp(server) => {
                let until = attempts.tcp_until(Instant::now());
                // It is rare, and takes much room in what waits.
                let reply = Box::pin(exchange.ask_over_tcp(server, until)).await;
                attempts.observe_tcp(server, reply)
            }
            Step::Finish(result) => return result,
        };
        if let Some(answer) = answer {
            return Ok(answer);
        }
    }
}

/// A question that waits. Dropping it gives it up and frees its slot.
struct Exchange<'a> {
    engine: &'a Arc<Engine>,
    slot: SlotKey,
    sent: ArrayVec<(SocketKey, u16), MAX_SENDS>,
}

impl Exchange<'_> {
    /// Sends the query, each time with another id and out of another socket.
    ///
    /// What the network can't take just now is as good as lost on the way.
    fn send(&mut self, server: SocketAddr) -> io::Result<()> {
        if self.sent.is_full() {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let Outgoing { key, id, descriptor, datagram } =
            self.engine.expect(server, self.slot, &self.sent)?;
        self.sent.push((key, id));
        match descriptor.get_ref().send(&datagram) {
            Err(err) if err.kind() != io::ErrorKind::WouldBlock => Err(err),
            _ => Ok(()),
        }
    }

    /// Waits until something happens to it, or the time is over.
    async fn wait(&self, now: Instant, until: Instant) -> SlotEvent {
        poll_fn(|context| self.engine.poll(self.slot, (now, until), context)).await
    }

    async fn ask_over_tcp(&self, server: SocketAddr, until: Instant) -> io::Result<Reply> {
        let exchange = async {
            let _permit = self.engine.permit_tcp().await?;
            let (query, id) = self.engine.query_over_tcp(self.slot)?;
            tcp::ask(server, &query, id).await
        };
        timeout_at(until.into(), exchange).await.map_err(|_| io::ErrorKind::TimedOut)?
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        self.engine.end(self.slot, &self.sent);
    }
}
