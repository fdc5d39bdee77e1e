//! The attempts at one question: whom to ask next, how long to wait, when to give up. Pure: events and the
//! time go in, steps come out.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::{servers::Order, slots::SlotEvent, timing::Timing};
use crate::{
    Failure,
    transport::{Answer, message::Reply},
};

/// The attempts at one question.
pub(super) struct Attempts {
    timing: Timing,
    /// The servers that may still settle it.
    order: Order,
    /// The next to be asked.
    next: usize,
    sends_left: usize,
    deadline: Instant,
    current: Option<Try>,
    /// How many datagrams may still be answered.
    open: usize,
    has_edns: bool,
    detour: Option<(Detour, SocketAddr)>,
    /// What came first and did not settle it.
    unsettled: Option<Result<Answer, Failure>>,
}

/// The try that is waited for.
#[derive(Clone, Copy)]
struct Try {
    server: SocketAddr,
    /// When it was sent, and until when to wait; `None` before that.
    times: Option<(Instant, Instant)>,
}

/// Another way to ask a server that has replied.
#[derive(Clone, Copy)]
enum Detour {
    Plain,
    Tcp,
}

/// The next step.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Send it to this server, and call [`Attempts::sent`].
    Send(SocketAddr),
    /// The same, without EDNS from now on (RFC 6891 section 7).
    SendPlain(SocketAddr),
    /// Wait for an event until the second time, of which the first is the present or a little earlier, and call
    /// [`Attempts::observe`].
    Wait(Instant, Instant),
    /// Ask this server over TCP, and call [`Attempts::observe_tcp`].
    AskOverTcp(SocketAddr),
    /// Nobody is left who could settle it.
    Finish(Result<Answer, Failure>),
}

impl Attempts {
    pub(super) fn new(order: Order, deadline: Instant, timing: Timing) -> Self {
        Self {
            sends_left: order.len().max(timing.sends),
            timing,
            order,
            next: 0,
            deadline,
            current: None,
            open: 0,
            has_edns: true,
            detour: None,
            unsettled: None,
        }
    }

    /// What to do next.
    pub(super) fn step(&mut self) -> Step {
        match self.detour.take() {
            Some((Detour::Plain, server)) => return Step::SendPlain(server),
            Some((Detour::Tcp, server)) => return Step::AskOverTcp(server),
            None => {}
        }
        if let Some(Try { times: Some((sent, until)), .. }) = self.current
            && self.open > 0
            && !self.order.is_empty()
        {
            return Step::Wait(sent, until);
        }
        if self.sends_left == 0 || self.order.is_empty() {
            return Step::Finish(self.unsettled.take().unwrap_or(Err(Failure::Deadline)));
        }
        let server = self.order[self.next % self.order.len()].addr;
        self.next = (self.next + 1) % self.order.len();
        self.sends_left -= 1;
        self.current = Some(Try { server, times: None });
        Step::Send(server)
    }

    /// Takes it that the question was sent, or could not be.
    pub(super) fn sent(&mut self, server: SocketAddr, sent: io::Result<()>, now: Instant) {
        match sent {
            Ok(()) => self.open += 1,
            Err(err) => self.strike(server, Err(network(&err))),
        }
        let until = now + self.patience(now);
        if let Some(current) = &mut self.current {
            current.times.get_or_insert((now, until));
        }
    }

    /// Takes what happened to it; gives the answer that settles it.
    pub(super) fn observe(&mut self, event: SlotEvent) -> Option<Answer> {
        if !matches!(event, SlotEvent::Due) {
            self.open = self.open.saturating_sub(1);
        }
        match event {
            SlotEvent::Reply(from, reply) => {
                if let Some(server) = self.order.iter().find(|server| server.addr == from) {
                    server.note_answered();
                }
                return self.take(from, reply);
            }
            SlotEvent::Suspect(from) => self.detour = Some((Detour::Tcp, from)),
            SlotEvent::Unreachable(from) => {
                let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
                self.strike(from, Err(network(&refused)));
            }
            SlotEvent::Lost => {}
            SlotEvent::Due => {
                if let Some(Try { server, times: Some((_, until)) }) = self.current.take()
                    && let Some(server) = self.order.iter().find(|other| other.addr == server)
                {
                    server.note_missed(until);
                }
            }
        }
        None
    }

    /// Takes what came over TCP; gives the answer that settles it.
    pub(super) fn observe_tcp(
        &mut self,
        server: SocketAddr,
        reply: io::Result<Reply>,
    ) -> Option<Answer> {
        match reply {
            Ok(Reply::Truncated) => return self.take(server, Reply::Malformed),
            Ok(reply) => return self.take(server, reply),
            Err(err) if err.kind() == io::ErrorKind::TimedOut => {
                self.strike(server, Err(Failure::Deadline));
            }
            Err(err) => self.strike(server, Err(network(&err))),
        }
        None
    }

    /// Until when a server may answer over TCP: the others get their share.
    pub(super) fn tcp_until(&self, now: Instant) -> Instant {
        now + self.left(now) / self.order.len().max(1) as u32
    }

    fn take(&mut self, from: SocketAddr, reply: Reply) -> Option<Answer> {
        match reply {
            Reply::Complete(mut answer) => {
                answer.server = Some(from);
                if settles(&answer) {
                    return Some(answer);
                }
                if matches!(answer.rcode, FORMERR | NOTIMP) && self.has_edns {
                    self.has_edns = false;
                    self.detour = Some((Detour::Plain, from));
                } else {
                    self.strike(from, Ok(answer));
                }
            }
            Reply::Truncated => self.detour = Some((Detour::Tcp, from)),
            Reply::Malformed => {
                let malformed = "the reply is malformed or cut off";
                self.strike(from, Err(Failure::Network(malformed.into())));
            }
        }
        None
    }

    /// How long to wait for the try just made.
    fn patience(&self, now: Instant) -> Duration {
        let sends_left = self.sends_left as u32;
        match &self.unsettled {
            // The last may take what is left.
            None if sends_left == 0 => self.left(now),
            None => (self.left(now) / (sends_left + 1)).min(self.timing.retry_after),
            // There is something to say, which must not come too late.
            Some(_) => (self.left(now) / (sends_left + 2)).min(self.timing.retry_after),
        }
    }

    fn left(&self, now: Instant) -> Duration {
        self.deadline.saturating_duration_since(now)
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

#[cfg(test)]
mod tests {
    use std::{
        io,
        net::SocketAddr,
        time::{Duration, Instant},
    };

    use super::{Attempts, Step, Timing};
    use crate::{
        Failure,
        transport::{
            Answer,
            message::Reply,
            udp::{
                servers::{Resolvers, Servers},
                slots::SlotEvent,
            },
        },
    };

    const TRY: Duration = Timing::DEFAULT.retry_after;
    const PATIENCE: Duration = Duration::from_secs(10);

    fn server(n: usize) -> SocketAddr {
        format!("192.0.2.{n}:53").parse().unwrap()
    }

    /// Attempts of which the test is the network and the clock.
    struct Trial {
        attempts: Attempts,
        now: Instant,
        deadline: Instant,
    }

    impl Trial {
        fn new(servers: usize, patience: Duration) -> Self {
            let now = Instant::now();
            let all: Vec<SocketAddr> = (1..=servers).map(server).collect();
            let servers = Servers::new(&Resolvers::Given(all)).unwrap();
            let order = servers.in_order(|| now, |_| ());
            let attempts = Attempts::new(order, now + patience, Timing::DEFAULT);
            Self { attempts, now, deadline: now + patience }
        }

        /// Sends what is to be sent; gives the server and until when to wait.
        fn send(&mut self) -> (SocketAddr, Instant) {
            let (Step::Send(server) | Step::SendPlain(server)) = self.attempts.step() else {
                panic!("something is to be sent")
            };
            self.attempts.sent(server, Ok(()), self.now);
            (server, self.waits())
        }

        fn waits(&mut self) -> Instant {
            let Step::Wait(_, until) = self.attempts.step() else { panic!("it waits") };
            until
        }

        /// Gives the rcode of the answer that settles it.
        fn reply(&mut self, server: SocketAddr, rcode: u16) -> Option<u16> {
            let answer = Answer { rcode, ..Answer::default() };
            let answer = self.attempts.observe(SlotEvent::Reply(server, Reply::Complete(answer)));
            answer.map(|answer| answer.rcode)
        }

        fn happens(&mut self, event: SlotEvent) {
            assert_eq!(self.attempts.observe(event), None);
        }

        fn finish(&mut self) -> Result<u16, Failure> {
            let Step::Finish(result) = self.attempts.step() else { panic!("it is over") };
            result.map(|answer| answer.rcode)
        }
    }

    #[test]
    fn case_20_an_error_leads_to_the_next_server_at_once_and_is_the_answer_of_the_last() {
        for rcode in [2, 5, 9] {
            let mut trial = Trial::new(2, PATIENCE);
            assert_eq!(trial.send().0, server(1));
            assert_eq!(trial.reply(server(1), rcode), None);
            assert_eq!(trial.send(), (server(2), trial.now + TRY));
            assert_eq!(trial.reply(server(2), 2), None);
            assert_eq!(trial.finish(), Ok(rcode));
        }
    }

    #[test]
    fn case_20_formerr_is_asked_again_without_edns_once() {
        let mut trial = Trial::new(1, PATIENCE);
        trial.send();
        assert_eq!(trial.reply(server(1), 1), None);
        assert_eq!(trial.attempts.step(), Step::SendPlain(server(1)));
        trial.attempts.sent(server(1), Ok(()), trial.now);
        assert_eq!(trial.reply(server(1), 1), None);
        assert_eq!(trial.finish(), Ok(1));
    }

    #[test]
    fn case_20_an_unreachable_server_is_left_at_once() {
        let mut trial = Trial::new(2, PATIENCE);
        trial.send();
        trial.happens(SlotEvent::Unreachable(server(1)));
        assert_eq!(trial.send().0, server(2));
        trial.happens(SlotEvent::Unreachable(server(2)));
        assert!(matches!(trial.finish(), Err(Failure::Network(why)) if why.contains("refused")));
    }

    #[test]
    fn case_20_tcp_leaves_time_for_the_next_server() {
        let mut trial = Trial::new(2, PATIENCE);
        trial.send();
        trial.happens(SlotEvent::Reply(server(1), Reply::Truncated));
        assert_eq!(trial.attempts.step(), Step::AskOverTcp(server(1)));
        assert_eq!(trial.attempts.tcp_until(trial.now), trial.now + PATIENCE / 2);
        trial.now += PATIENCE / 2;
        let late = Err(io::ErrorKind::TimedOut.into());
        assert_eq!(trial.attempts.observe_tcp(server(1), late), None);
        assert_eq!(trial.send().0, server(2));
        assert_eq!(trial.reply(server(2), 3), Some(3));
    }

    #[test]
    fn case_23_silence_leads_to_the_next_server_after_a_try_and_ends_at_the_deadline() {
        let mut trial = Trial::new(2, PATIENCE);
        for (asked, waits) in [(1, Some(TRY)), (2, Some(TRY)), (1, None)] {
            let (to, until) = trial.send();
            assert_eq!(to, server(asked));
            assert_eq!(until, waits.map_or(trial.deadline, |waits| trial.now + waits));
            trial.now = until;
            trial.happens(SlotEvent::Due);
        }
        assert_eq!(trial.finish(), Err(Failure::Deadline));
    }

    #[test]
    fn case_23_what_is_sent_again_shares_a_short_deadline() {
        for patience in [30, 100, 700].map(Duration::from_millis) {
            let mut trial = Trial::new(1, patience);
            let mut sent = 0;
            while trial.now < trial.deadline {
                trial.now = trial.send().1;
                trial.happens(SlotEvent::Due);
                sent += 1;
            }
            assert_eq!((trial.now, sent), (trial.deadline, 3));
            assert_eq!(trial.finish(), Err(Failure::Deadline));
        }
    }

    #[test]
    fn case_23_a_late_reply_to_the_first_counts() {
        let mut trial = Trial::new(2, PATIENCE);
        trial.now = trial.send().1;
        trial.happens(SlotEvent::Due);
        assert_eq!(trial.send().0, server(2));
        assert_eq!(trial.reply(server(1), 3), Some(3));
    }

    #[test]
    fn case_43_a_guesser_is_escaped_over_tcp_at_once() {
        let mut trial = Trial::new(1, PATIENCE);
        trial.send();
        trial.happens(SlotEvent::Suspect(server(1)));
        assert_eq!(trial.attempts.step(), Step::AskOverTcp(server(1)));
        let answer = Answer { rcode: 3, ..Answer::default() };
        let answer = trial.attempts.observe_tcp(server(1), Ok(Reply::Complete(answer)));
        assert_eq!(answer.map(|answer| answer.rcode), Some(3));
    }

    #[test]
    fn what_can_t_be_sent_is_no_reason_to_wait() {
        let mut trial = Trial::new(1, PATIENCE);
        assert_eq!(trial.attempts.step(), Step::Send(server(1)));
        let refused = Err(io::ErrorKind::PermissionDenied.into());
        trial.attempts.sent(server(1), refused, trial.now);
        assert!(matches!(trial.finish(), Err(Failure::Network(_))));
    }
}
