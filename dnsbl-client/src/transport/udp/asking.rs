//! Whom to ask next, and when to give up.

use std::{io, net::SocketAddr, sync::Arc, time::Instant};

use super::{
    Udp,
    engine::Engine,
    exchange::Exchange,
    servers::{Order, Server, Servers},
    slots::Event,
    tcp,
};
use crate::{
    Failure,
    transport::{Answer, Question, message::Reply},
};

/// How often a question is sent if nobody answers, or to each server once if there are more.
const SENDS: usize = 3;

/// A question on its way to an answer.
pub(super) struct Asking<'a> {
    engine: &'a Arc<Engine>,
    servers: &'a Servers,
    exchange: Exchange<'a>,
    /// Those that may still settle it.
    order: Order,
    /// The next to be asked.
    next: usize,
    sends_left: usize,
    deadline: Instant,
    /// The first that was heard and did not settle it.
    unsettled: Option<Result<Answer, Failure>>,
}

impl<'a> Asking<'a> {
    /// Takes what it needs; nothing is sent before [`Asking::finish`].
    pub(super) fn begin(
        engine: &'a Arc<Engine>,
        servers: &'a Servers,
        order: Order,
        question: &Question,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let exchange = Exchange::begin(engine, question, servers.recursion());
        let exchange = exchange.ok_or(Failure::Overloaded)?;
        let sends_left = order.len().max(SENDS);
        let unsettled = None;
        Ok(Self { engine, servers, exchange, order, next: 0, sends_left, deadline, unsettled })
    }

    /// Asks until a server settles it, none is left or the time is over.
    pub(super) async fn finish(&mut self) -> Result<Answer, Failure> {
        while self.sends_left > 0 && !self.order.is_empty() {
            let server = self.order[self.next % self.order.len()].clone();
            self.next = (self.next + 1) % self.order.len();
            self.sends_left -= 1;
            self.send(server.addr);
            if let Some(answer) = self.listen(&server).await {
                return Ok(answer);
            }
        }
        self.unsettled.take().unwrap_or(Err(Failure::Deadline))
    }

    /// Waits for what comes, until the question should be sent again.
    async fn listen(&mut self, server: &Server) -> Option<Answer> {
        let until = self.patience();
        while self.exchange.is_open() && !self.order.is_empty() {
            let answer = match self.exchange.wait(until).await {
                Event::Reply(from, reply) => self.take(from, reply).await,
                Event::Suspect(from) => self.ask_over_tcp(from).await,
                Event::Unreachable(from) => {
                    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
                    self.strike(from, Err(network(&refused)));
                    None
                }
                Event::Lost => None,
                Event::Due => {
                    if self.order.iter().any(|other| other.addr == server.addr) {
                        self.servers.note_missed(server);
                    }
                    return None;
                }
            };
            if answer.is_some() {
                return answer;
            }
        }
        None
    }

    /// Until when to wait for the try just made.
    fn patience(&self) -> Instant {
        let now = Instant::now();
        let left = self.deadline.saturating_duration_since(now);
        let sends_left = self.sends_left as u32;
        match &self.unsettled {
            // The last may take what is left.
            None if sends_left == 0 => self.deadline,
            None => now + (left / (sends_left + 1)).min(Udp::TRY),
            // There is something to say, which must not come too late.
            Some(_) => now + (left / (sends_left + 2)).min(Udp::TRY),
        }
    }

    fn send(&mut self, server: SocketAddr) {
        if let Err(err) = self.exchange.send(server) {
            self.strike(server, Err(network(&err)));
        }
    }

    async fn take(&mut self, from: SocketAddr, reply: Reply) -> Option<Answer> {
        if let Some(server) = self.order.iter().find(|server| server.addr == from) {
            server.note_answered();
        }
        match reply {
            Reply::Complete(answer) => self.weigh(from, answer),
            Reply::Truncated => self.ask_over_tcp(from).await,
            Reply::Malformed => self.strike_malformed(from),
        }
    }

    /// Gives the answer back if it settles the question.
    fn weigh(&mut self, from: SocketAddr, mut answer: Answer) -> Option<Answer> {
        answer.server = Some(from);
        if settles(&answer) {
            return Some(answer);
        }
        if matches!(answer.rcode, FORMERR | NOTIMP) && self.exchange.drop_edns() {
            self.send(from);
        } else {
            self.strike(from, Ok(answer));
        }
        None
    }

    async fn ask_over_tcp(&mut self, server: SocketAddr) -> Option<Answer> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let share = left / self.order.len().max(1) as u32;
        let query = self.exchange.query();
        // It is rare, and takes much room in what waits.
        let asked = tcp::ask(self.engine, server, &query, Instant::now() + share);
        match Box::pin(asked).await {
            Ok(Reply::Complete(answer)) => return self.weigh(server, answer),
            Ok(Reply::Truncated | Reply::Malformed) => return self.strike_malformed(server),
            Err(err) if err.kind() == io::ErrorKind::TimedOut => {
                self.strike(server, Err(Failure::Deadline));
            }
            Err(err) => self.strike(server, Err(network(&err))),
        }
        None
    }

    fn strike_malformed(&mut self, server: SocketAddr) -> Option<Answer> {
        let malformed = "the reply is malformed or cut off";
        self.strike(server, Err(Failure::Network(malformed.into())));
        None
    }

    /// Asks this server no more.
    fn strike(&mut self, server: SocketAddr, why: Result<Answer, Failure>) {
        self.unsettled.get_or_insert(why);
        if let Some(struck) = self.order.iter().position(|other| other.addr == server) {
            self.order.remove(struck);
            if struck < self.next {
                self.next -= 1;
            }
        }
    }
}

const FORMERR: u16 = 1;
const NXDOMAIN: u16 = 3;
const NOTIMP: u16 = 4;

/// Whether no other server need be asked.
fn settles(answer: &Answer) -> bool {
    matches!(answer.rcode, 0 | NXDOMAIN) && !answer.referral || answer.filtered.is_some()
}

fn network(err: &io::Error) -> Failure {
    Failure::Network(err.to_string())
}
