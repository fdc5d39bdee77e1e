//! The SMTP dialogue of a test as a pure state machine: events in, steps out.
//!
//! It spans all connections of a test. A probe is begun at most once; what goes wrong with it is its
//! outcome, and the next one gets a new connection. Two connections in a row that break end the test.

mod blocked;
mod connection_state;
mod opening;
mod outcome;
mod probing;
mod reply;
mod transition;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use connection_state::ConnectionState;
pub use outcome::{Blocked, CutShort, Ending, ProbeError, SmtpOutcome, Stage, Unreachable};
pub use reply::{Reply, ReplyError, ReplyReader};

use crate::{Assignment, HostName, Plan, Probe, Transcript, probe::Placeholders};

/// Whether the test goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Go on.
    On,
    /// No further probe: the connection ends with QUIT.
    Stop,
}

/// An event that the driver reports to the dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The connection did not come about.
    NoConnection(Unreachable),
    /// The greeting, or the reply to what was sent.
    Reply(Reply),
    /// Something did not go as it should while a reply was due.
    Failed(ProbeError),
    /// The result of a TLS handshake.
    Tls(bool),
    /// The hook before a probe has finished.
    Go(Go),
}

/// The next step of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Close the connection if there is one, connect, and wait for the greeting.
    Connect,
    /// Call the hook.
    Before(&'static Probe),
    /// Send this line and CRLF, and wait for the reply.
    Send(String),
    /// Send this as it is (dots are stuffed, the final dot is there), and wait for the reply.
    SendData(Vec<u8>),
    /// Start the TLS handshake.
    StartTls,
    /// Close the connection.
    Done(Ending),
}

/// The dialogue of one test.
#[derive(Debug)]
pub struct Dialogue {
    assignment: Assignment,
    queue: VecDeque<Turn>,
    /// How many messages may still be sent.
    messages_left: usize,
    state: Awaiting,
    connection: ConnectionState,
    /// Whether any session got as far as probes.
    talked: bool,
    /// TLS failed once: it is not tried again.
    without_tls: bool,
    stop: bool,
    /// How many connections in a row broke.
    broken: usize,
    outcomes: Vec<(&'static Probe, SmtpOutcome)>,
    host: Option<HostName>,
    tls: bool,
    transcript: Transcript,
}

/// The event that is being waited for.
#[derive(Debug)]
enum Awaiting {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Handshake,
    Hook(&'static Probe),
    Probe(Box<Progress>),
    Quit(Then),
    Done(Ending),
}

/// A probe under way.
#[derive(Debug)]
struct Progress {
    probe: &'static Probe,
    placeholders: Placeholders,
    at: AwaitedReply,
}

/// The command whose reply is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AwaitedReply {
    Rset,
    Mail,
    /// The recipient with this place.
    Rcpt(usize),
    Data,
    Content,
}

/// A turn of the plan.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Probe(&'static Probe),
    /// What follows goes over a connection of its own.
    Fresh,
}

/// The step that follows QUIT.
#[derive(Clone, Debug)]
enum Then {
    Connect,
    Done(Ending),
}

impl Dialogue {
    /// Well-formed and malformed probes of one connection.
    pub const MAX_PROBES: usize = ConnectionState::MAX_PROBES;
    /// Malformed probes of one connection.
    pub const MAX_MALFORMED: usize = ConnectionState::MAX_MALFORMED;
    /// So many connections that break in a row end the test.
    pub const MAX_BROKEN: usize = 2;

    /// A dialogue and its first step.
    pub fn new(assignment: Assignment, plan: Plan) -> (Self, Step) {
        let dialogue = Self {
            assignment,
            messages_left: plan.max_messages,
            queue: turns(plan),
            state: Awaiting::Greeting,
            connection: ConnectionState::default(),
            talked: false,
            without_tls: false,
            stop: false,
            broken: 0,
            outcomes: Vec::new(),
            host: None,
            tls: false,
            transcript: Transcript::default(),
        };
        (dialogue, Step::Connect)
    }

    /// What became of the probes so far, in the order in which they were sent.
    pub fn outcomes(&self) -> &[(&'static Probe, SmtpOutcome)] {
        &self.outcomes
    }

    /// What was found out: the outcomes, the name that the host goes by, whether TLS was used, and
    /// what was said.
    pub(crate) fn into_parts(
        self,
    ) -> (Vec<(&'static Probe, SmtpOutcome)>, Option<HostName>, bool, Transcript) {
        (self.outcomes, self.host, self.tls, self.transcript)
    }

    /// What to do after an event. After [`Step::Done`] every event gets the same answer.
    pub fn step(&mut self, event: Event) -> Step {
        self.log_event(&event);
        let step = self.turn(event);
        self.log_step(&step);
        step
    }

    fn log_event(&mut self, event: &Event) {
        match event {
            Event::Reply(reply) => {
                let count = reply.lines().len();
                for (at, line) in reply.lines().iter().enumerate() {
                    let mark = if at + 1 == count { ' ' } else { '-' };
                    self.transcript.received(&format!("{}{mark}{line}", reply.code()));
                }
            }
            Event::NoConnection(why) => self.transcript.note(&why.to_string()),
            Event::Failed(why) => self.transcript.note(&why.to_string()),
            Event::Tls(true) => self.transcript.note("TLS established"),
            Event::Tls(false) => self.transcript.note("TLS failed"),
            Event::Go(_) => {}
        }
    }

    fn log_step(&mut self, step: &Step) {
        match step {
            Step::Send(line) => self.transcript.sent(line),
            Step::SendData(data) => {
                self.transcript.sent(&format!("(message of {} octets)", data.len()));
            }
            Step::Connect => self.transcript.note("new connection"),
            Step::Before(probe) => self.transcript.note(&format!("probe {}", probe.name)),
            Step::StartTls | Step::Done(_) => {}
        }
    }
}

impl Turn {
    fn probe(&self) -> Option<&'static Probe> {
        match self {
            Self::Probe(probe) => Some(probe),
            Self::Fresh => None,
        }
    }
}

/// The turns of a plan: over each of its connections all that are to be repeated, and a share of the
/// others.
fn turns(plan: Plan) -> VecDeque<Turn> {
    let Plan { probes, repeats, connections, .. } = plan;
    if repeats.is_empty() {
        return probes.into_iter().map(Turn::Probe).collect();
    }
    let others: Vec<_> = probes.into_iter().filter(|probe| !repeats.contains(probe)).collect();
    let share = others.len().div_ceil(connections.max(1));
    let (mut others, mut turns) = (others.into_iter(), VecDeque::new());
    for connection in 0..connections.max(1) {
        if connection > 0 {
            turns.push_back(Turn::Fresh);
        }
        turns.extend(repeats.iter().copied().map(Turn::Probe));
        turns.extend(others.by_ref().take(share).map(Turn::Probe));
    }
    turns
}
