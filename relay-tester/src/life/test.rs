//! A test from its submission to its end, as a value.
//!
//! Nothing here does IO or reads a clock: what happens to a test is a method that changes it, and the
//! caller stores the result before it tells anybody.

use std::net::IpAddr;

use dnsbl_types::UnixTime;

use crate::{Ground, HostName, TestId};

/// How far a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It waits for its turn.
    Queued,
    /// The host is being talked to.
    Testing,
    /// The host accepted messages; one may come back yet.
    Pending,
    /// There is a verdict.
    Done,
    /// It was called off.
    Cancelled,
}

/// What a test found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing came back.
    Clean,
    /// A message came back: the host relays.
    Open,
    /// The host does not talk to the tester. That says nothing about others, and never lists.
    Blocked,
    /// The host could not be reached. That is never clean.
    Unreachable,
    /// Some probes got no answer.
    Inconclusive,
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The host refused it.
    Refused,
    /// The host took the message, and nothing has come of it so far.
    Accepted,
    /// The message came back.
    Returned,
    /// The host took the message and sent a bounce.
    Bounced,
    /// The host gave no answer that says either.
    Error,
    /// The host said 4xx: not now.
    Deferred,
}

/// A probe that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Which, by its place in the table of probes.
    pub probe: u8,
    /// What became of it; `None` while the host has not answered. Of one that is tried over several
    /// connections it is that of the last.
    pub outcome: Option<Outcome>,
    /// How often the host refused it.
    pub refusals: u8,
    /// How often the host put it off.
    pub deferrals: u8,
}

/// A message that came to the receiver with a good token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Of which probe.
    pub probe: u8,
    /// Whether it is the message itself or a bounce of it.
    pub kind: ArrivalKind,
    /// Who brought it.
    pub peer: IpAddr,
    /// When.
    pub at: UnixTime,
    /// Its outermost headers, tokens cut out.
    pub headers: String,
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrivalKind {
    /// The message.
    Return,
    /// A bounce of it.
    Bounce,
}

/// What an arrival means for its test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The host relays. The first proof, or one more.
    Relayed,
    /// The host accepted the message only to bounce it.
    Bounced,
    /// It is known once the host has answered the probe.
    Open,
    /// This probe has come back before.
    Repeated,
    /// The host never had that message, or had refused it: somebody else has its token.
    Forged,
    /// It came too late, or the test was called off.
    Late,
}

/// How the conversation with the host ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All probes had their turn, or it was stopped since a message had come back.
    Completed,
    /// The host put us off with a 4xx before all probes had their turn.
    Deferred,
    /// There was no conversation.
    Unreachable,
    /// The host refuses to talk to the tester.
    Blocked,
}

/// How long messages are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Seconds after which a host that accepted messages is clean if nothing came back.
    pub settle_for: u64,
    /// Seconds for which a late return still counts.
    pub pending_for: u64,
    /// Seconds after which a host that put us off is tried again.
    pub retry_after: u64,
    /// Seconds between the two clean tests that a delisting takes.
    pub second_test_after: u64,
}

/// A test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Its name.
    pub id: TestId,
    /// The host.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// Why it is tested.
    pub ground: Ground,
    /// A domain for which it takes mail; known to be true.
    pub domain: Option<HostName>,
    /// What the submitter has seen.
    pub evidence: Option<String>,
    /// What the submitter wants to be remembered.
    pub note: Option<String>,
    /// Who asked: a token's name, or `anonymous`, or the server.
    pub submitter: String,
    /// When it was asked for.
    pub submitted_at: UnixTime,
    /// How far it is.
    pub state: State,
    /// What it found, once it has.
    pub verdict: Option<Verdict>,
    /// Through whom messages came back, if not from the host.
    pub via: Option<IpAddr>,
    /// The probes it consists of.
    pub plan: Vec<u8>,
    /// Those of them that had come back before, and are tried over several connections.
    pub repeats: Vec<u8>,
    /// Those that were sent, in order.
    pub sent: Vec<Sent>,
    /// How many conversations were begun, since the last retry if there was one.
    pub conversations: u8,
    /// How often it was tried again since the host had put it off.
    pub retries: u8,
    /// When it is tried again, where the host put it off.
    pub retry_at: Option<UnixTime>,
    /// Until when its tokens verify; set when the first conversation begins.
    pub tokens_expire_at: UnixTime,
    /// When the conversation ended.
    pub tested_at: Option<UnixTime>,
    /// What was said, tokens cut out.
    pub transcript: Vec<String>,
    /// What came back, a few of them.
    pub arrivals: Vec<Arrival>,
    /// It does not begin before.
    pub not_before: UnixTime,
    /// How often it was put off since nothing could be reached from here.
    pub postponed: u8,
}

impl Test {
    /// The most conversations that a test begins anew after the server was interrupted.
    pub const MAX_CONVERSATIONS: u8 = 3;
    /// Seconds that all conversations of a test take at most, interruptions included.
    pub const MAX_DURATION: u64 = 24 * 3600;
    /// How often a test is put off before it ends without a verdict on the host.
    pub const MAX_POSTPONED: u8 = 24;
    /// The most arrivals that are kept.
    pub const MAX_ARRIVALS: usize = 16;
    /// How often a test is tried again where the host put it off.
    pub const MAX_RETRIES: u8 = 1;
    /// Over how many connections [`repeats`](Self::repeats) are tried.
    pub const CONNECTIONS: u8 = 4;

    /// What stands before the address of a submitter without a token.
    pub const ANONYMOUS: &str = "anonymous ";

    /// Where the submitter is who had no token.
    pub fn stranger(&self) -> Option<IpAddr> {
        self.submitter.strip_prefix(Self::ANONYMOUS)?.parse().ok()
    }

    /// Whether it was asked for without a token.
    pub fn is_of_stranger(&self) -> bool {
        self.stranger().is_some()
    }

    /// Whether nothing has been decided yet.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, State::Queued | State::Testing | State::Pending)
    }

    /// When somebody should look at it again.
    pub fn due(&self, patience: Patience) -> Option<UnixTime> {
        match self.state {
            State::Queued | State::Testing => Some(self.not_before),
            State::Pending => {
                self.retry_at.or(self.tested_at.map(|at| at.plus(patience.settle_for)))
            }
            State::Done | State::Cancelled => None,
        }
    }

    /// Whether the host is to be talked to: for the first time, or again.
    pub fn awaits_conversation(&self) -> bool {
        match self.state {
            State::Queued | State::Testing => true,
            State::Pending => self.retry_at.is_some(),
            State::Done | State::Cancelled => false,
        }
    }

    /// Begins a conversation, or goes on after one that was cut off: tells the probes that are left.
    /// A probe that was on its way then is not sent again. One that was put off is sent again as it was:
    /// who keeps a grey list knows it by client, sender and recipient.
    pub fn begin(&mut self, now: UnixTime, patience: Patience) -> Vec<u8> {
        self.state = State::Testing;
        if self.conversations == 0 {
            self.tokens_expire_at = now.plus(Self::MAX_DURATION).plus(patience.pending_for);
        }
        if self.retry_at.take().is_some() {
            self.retries = self.retries.saturating_add(1);
            self.conversations = 0;
        }
        self.conversations = self.conversations.saturating_add(1);
        for sent in &mut self.sent {
            sent.outcome.get_or_insert(Outcome::Error);
        }
        if self.conversations > Self::MAX_CONVERSATIONS {
            return Vec::new();
        }
        self.plan.iter().copied().filter(|&probe| self.is_left(probe)).collect()
    }

    /// Whether a probe is to be sent: for the first time, again after it was put off, or once more over
    /// another connection.
    fn is_left(&self, probe: u8) -> bool {
        let Some(sent) = self.sent(probe) else { return true };
        match sent.outcome {
            Some(Outcome::Deferred) => self.retries > 0 && sent.deferrals <= self.retries,
            Some(Outcome::Refused) => self.connections_left(sent) > 0,
            _ => false,
        }
    }

    /// Over how many more connections a probe is to be tried that was refused.
    fn connections_left(&self, sent: &Sent) -> u8 {
        let is_repeated = self.repeats.contains(&sent.probe);
        if is_repeated { Self::CONNECTIONS.saturating_sub(sent.refusals) } else { 0 }
    }

    /// Over how many connections what is to be repeated is tried in the next conversation.
    pub fn connections(&self) -> u8 {
        let left = self.repeats.iter().map(|&probe| match self.sent(probe) {
            Some(sent) => Self::CONNECTIONS.saturating_sub(sent.refusals),
            None => Self::CONNECTIONS,
        });
        left.max().unwrap_or(1).max(1)
    }

    /// Notes that a probe is about to be sent. Unless the host refuses it or puts it off, it will never
    /// be sent again.
    pub fn sending(&mut self, probe: u8) {
        match self.sent.iter_mut().find(|sent| sent.probe == probe) {
            Some(sent) => {
                sent.outcome.take_if(|o| matches!(o, Outcome::Refused | Outcome::Deferred));
            }
            None => self.sent.push(Sent { probe, outcome: None, refusals: 0, deferrals: 0 }),
        }
    }

    /// Takes what the host said to a probe. What has come back by then stays.
    pub fn answered(&mut self, probe: u8, outcome: Outcome) {
        self.sending(probe);
        let sent = self.sent.iter_mut().find(|sent| sent.probe == probe);
        let Some(sent) = sent.filter(|sent| sent.outcome.is_none()) else { return };
        sent.outcome = Some(outcome);
        match outcome {
            Outcome::Refused => sent.refusals = sent.refusals.saturating_add(1),
            Outcome::Deferred => sent.deferrals = sent.deferrals.saturating_add(1),
            _ => {}
        }
    }

    /// Ends the conversation. What came while it lasted is judged now.
    pub fn hang_up(&mut self, ended: Ended, now: UnixTime, patience: Patience) {
        self.tested_at = Some(now);
        if self.state == State::Cancelled {
            return;
        }
        for sent in &mut self.sent {
            sent.outcome.get_or_insert(Outcome::Error);
        }
        for arrival in self.arrivals.clone() {
            self.weigh(&arrival, patience);
        }
        self.conclude(ended, now, patience);
    }

    fn conclude(&mut self, ended: Ended, now: UnixTime, patience: Patience) {
        if self.has(Outcome::Returned) {
            return self.decide(Verdict::Open);
        }
        match ended {
            Ended::Blocked => self.decide(Verdict::Blocked),
            Ended::Unreachable if self.answers().next().is_none() => {
                self.decide(Verdict::Unreachable);
            }
            _ if self.is_put_off(ended) => {
                self.retry_at = Some(now.plus(patience.retry_after));
                self.state = State::Pending;
            }
            _ if self.has(Outcome::Accepted) => self.state = State::Pending,
            _ => self.settle(),
        }
    }

    /// Whether the host said 4xx to something, and gets another chance.
    fn is_put_off(&self, ended: Ended) -> bool {
        let has_4xx = ended == Ended::Deferred || self.has(Outcome::Deferred);
        has_4xx && self.retries < Self::MAX_RETRIES
    }

    /// Puts it off, since it can't be told whether the host or our own way out is closed. A test that
    /// was put off too often ends.
    pub fn postpone(&mut self, until: UnixTime) {
        if self.state != State::Testing {
            return;
        }
        self.postponed = self.postponed.saturating_add(1);
        if self.postponed > Self::MAX_POSTPONED {
            return self.decide(Verdict::Inconclusive);
        }
        self.conversations = self.conversations.saturating_sub(1);
        (self.state, self.not_before) = (State::Queued, until);
    }

    /// Ends a plan at what was sent: the host took as many messages as a test sends.
    pub fn curtail(&mut self) {
        let sent: Vec<u8> = self.sent.iter().map(|sent| sent.probe).collect();
        self.plan.retain(|probe| sent.contains(probe));
        self.repeats.retain(|probe| sent.contains(probe));
    }

    /// Decides a test whose time is up.
    pub fn settle(&mut self) {
        let is_answered = |probe: &u8| {
            self.sent(*probe).is_some_and(|sent| match sent.outcome {
                None | Some(Outcome::Error | Outcome::Deferred) => false,
                Some(Outcome::Refused) => self.connections_left(sent) == 0,
                Some(Outcome::Accepted | Outcome::Returned | Outcome::Bounced) => true,
            })
        };
        let is_complete = !self.plan.is_empty() && self.plan.iter().all(is_answered);
        self.decide(if is_complete { Verdict::Clean } else { Verdict::Inconclusive });
    }

    /// Takes a message that came to the receiver.
    pub fn arrived(&mut self, arrival: Arrival, patience: Patience) -> Meaning {
        let meaning = self.weigh(&arrival, patience);
        let is_kept = matches!(meaning, Meaning::Relayed | Meaning::Bounced | Meaning::Open);
        if is_kept && self.arrivals.len() < Self::MAX_ARRIVALS {
            self.arrivals.push(arrival);
        }
        match meaning {
            Meaning::Relayed if self.state != State::Testing => self.decide(Verdict::Open),
            Meaning::Bounced
                if self.state == State::Pending
                    && self.retry_at.is_none()
                    && !self.has(Outcome::Accepted) =>
            {
                self.settle();
            }
            _ => {}
        }
        meaning
    }

    /// What an arrival means; its probe is marked.
    fn weigh(&mut self, arrival: &Arrival, patience: Patience) -> Meaning {
        if self.state == State::Cancelled || self.is_over(arrival.at, patience) {
            return Meaning::Late;
        }
        let is_from_host = arrival.peer == self.address;
        let Some(sent) = self.sent.iter_mut().find(|sent| sent.probe == arrival.probe) else {
            return Meaning::Forged;
        };
        match (arrival.kind, sent.outcome) {
            (_, Some(Outcome::Returned)) => return Meaning::Repeated,
            (ArrivalKind::Bounce, Some(Outcome::Bounced)) => return Meaning::Repeated,
            // The signature was in the message only, so the host had it.
            (ArrivalKind::Return, _) if is_from_host => {}
            (_, None) => return Meaning::Open,
            (_, Some(Outcome::Accepted | Outcome::Bounced)) => {}
            (_, Some(Outcome::Refused | Outcome::Deferred | Outcome::Error)) => {
                return Meaning::Forged;
            }
        }
        if arrival.kind == ArrivalKind::Bounce {
            sent.outcome = Some(Outcome::Bounced);
            return Meaning::Bounced;
        }
        sent.outcome = Some(Outcome::Returned);
        if !is_from_host {
            self.via.get_or_insert(arrival.peer);
        }
        Meaning::Relayed
    }

    /// Calls it off; whether that was possible.
    pub fn cancel(&mut self) -> bool {
        let is_possible = self.awaits_conversation();
        if is_possible {
            (self.state, self.retry_at) = (State::Cancelled, None);
        }
        is_possible
    }

    /// How many messages the host may have taken.
    pub fn count_messages(&self) -> usize {
        let is_none =
            |sent: &&Sent| matches!(sent.outcome, Some(Outcome::Refused | Outcome::Deferred));
        self.sent.iter().filter(|sent| !is_none(sent)).count()
    }

    /// Whether the host said no to none of the probes that it answered. Who takes everything proves
    /// nothing about others through whom it came back.
    pub fn takes_everything(&self) -> bool {
        !self.sent.iter().any(|sent| sent.refusals > 0)
    }

    /// Whether this probe got an answer that is final: refused for good, or bounced.
    pub fn is_final(&self, probe: u8) -> bool {
        self.sent(probe).is_some_and(|sent| match sent.outcome {
            Some(Outcome::Refused) => self.connections_left(sent) == 0,
            outcome => outcome == Some(Outcome::Bounced),
        })
    }

    /// The probes that came back.
    pub fn returned(&self) -> Vec<u8> {
        let returned = self.sent.iter().filter(|sent| sent.outcome == Some(Outcome::Returned));
        returned.map(|sent| sent.probe).collect()
    }

    fn is_over(&self, at: UnixTime, patience: Patience) -> bool {
        self.tested_at.is_some_and(|tested| tested.plus(patience.pending_for) < at)
    }

    fn decide(&mut self, verdict: Verdict) {
        self.state = State::Done;
        self.retry_at = None;
        self.verdict = Some(verdict);
    }

    fn sent(&self, probe: u8) -> Option<&Sent> {
        self.sent.iter().find(|sent| sent.probe == probe)
    }

    fn has(&self, outcome: Outcome) -> bool {
        self.sent.iter().any(|sent| sent.outcome == Some(outcome))
    }

    /// What the host said to probes, silence left out.
    fn answers(&self) -> impl Iterator<Item = Outcome> {
        self.sent.iter().filter_map(|sent| sent.outcome).filter(|&o| o != Outcome::Error)
    }
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Queued, Self::Testing, Self::Pending, Self::Done, Self::Cancelled];

    /// Its word in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Testing => "testing",
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Clean, Self::Open, Self::Blocked, Self::Unreachable, Self::Inconclusive];

    /// Its word in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Open => "open",
            Self::Blocked => "blocked",
            Self::Unreachable => "unreachable",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Refused, Self::Accepted, Self::Returned, Self::Bounced, Self::Error, Self::Deferred];

    /// Its word in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Accepted => "accepted",
            Self::Returned => "returned",
            Self::Bounced => "bounced",
            Self::Error => "error",
            Self::Deferred => "deferred",
        }
    }
}
