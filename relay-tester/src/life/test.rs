//! A test from its submission to its end, as a value.
//!
//! Nothing here does IO or reads a clock: what happens to a test is a method that changes it, and the
//! caller stores the result before it tells anybody.

use std::net::IpAddr;

use dnsbl_types::UnixTime;

use crate::{
    Binding, Ground, HostName, Known, Plan, Probe, RelayTarget, TestId, Tier, words::words,
};

/// The stage that a test is at, with what is known there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for its turn.
    Queued {
        /// What came of conversations before it was put off.
        contact: Option<Contact>,
    },
    /// The host is being talked to.
    Testing {
        /// Of this conversation and those before.
        contact: Contact,
    },
    /// The host accepted messages, one of which may come back yet, or put us off.
    Pending {
        /// Until when its tokens verify.
        tokens_expire_at: UnixTime,
        /// When the conversation ended.
        tested_at: UnixTime,
        /// When the host is tried again, if it put us off.
        retry_at: Option<UnixTime>,
    },
    /// There is a verdict.
    Done {
        /// What was found.
        verdict: Verdict,
        /// What it rests on.
        contact: Contact,
    },
    /// It was called off.
    Cancelled {
        /// What had been done by then.
        contact: Option<Contact>,
    },
}

/// The contact with a host since the first conversation began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Until when tokens verify.
    pub tokens_expire_at: UnixTime,
    /// When the last conversation ended, if any has come to an end.
    pub tested_at: Option<UnixTime>,
}

words! {
    /// The state of a test without its data.
    pub enum StateKind {
        /// [`State::Queued`].
        Queued = "queued",
        /// [`State::Testing`].
        Testing = "testing",
        /// [`State::Pending`].
        Pending = "pending",
        /// [`State::Done`].
        Done = "done",
        /// [`State::Cancelled`].
        Cancelled = "cancelled",
    }
}

words! {
    /// The result of a test.
    pub enum Verdict {
        /// Nothing came back.
        Clean = "clean",
        /// A message came back: the host relays.
        Open = "open",
        /// The host does not talk to the tester. That says nothing about others, and never lists.
        Blocked = "blocked",
        /// The host could not be reached. That is never clean.
        Unreachable = "unreachable",
        /// Some probes got no answer.
        Inconclusive = "inconclusive",
    }
}

words! {
    /// The outcome of a probe.
    pub enum Outcome {
        /// The host refused it.
        Refused = "refused",
        /// The host took the message, and nothing has come of it so far.
        Accepted = "accepted",
        /// The message came back.
        Returned = "returned",
        /// The host took the message and sent a bounce.
        Bounced = "bounced",
        /// The host gave no answer that says either.
        Error = "error",
        /// The host said 4xx: not now.
        Deferred = "deferred",
    }
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

/// The kind of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrivalKind {
    /// The message.
    Return,
    /// A bounce of it.
    Bounce,
}

/// The meaning of an arrival for its test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrivalClass {
    /// The host relays. The first proof, or one more.
    Relayed,
    /// The host accepted the message only to bounce it.
    Bounced,
    /// The host has not answered the probe yet, by which it is known.
    Unanswered,
    /// This probe has come back before.
    Repeated,
    /// The host never had that message, or had refused it: somebody else has its token.
    Forged,
    /// It came too late, or the test was called off.
    Late,
}

/// The end of a conversation with the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// All probes had their turn, or it was stopped since a message had come back.
    Completed,
    /// The host put us off with a 4xx before all probes had their turn.
    Deferred,
    /// There was no conversation.
    Unreachable,
    /// The host refuses to talk to the tester.
    Blocked,
}

/// The times for which messages are waited for, and between tests.
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
    /// Its id.
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
    /// The lines of all conversations, tokens cut out.
    pub transcript: Vec<String>,
    /// The first few messages that came back.
    pub arrivals: Vec<Arrival>,
    /// The earliest time at which it begins: when it was asked for, or until when it was put off.
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

    /// A test that nothing has happened to and that has no probes yet.
    pub fn new(
        id: TestId,
        target: RelayTarget,
        ground: Ground,
        submitter: String,
        now: UnixTime,
    ) -> Self {
        Self {
            id,
            address: target.addr(),
            port: target.port(),
            ground,
            domain: None,
            evidence: None,
            note: None,
            submitter,
            submitted_at: now,
            state: State::Queued { contact: None },
            via: None,
            plan: Vec::new(),
            repeats: Vec::new(),
            sent: Vec::new(),
            conversations: 0,
            retries: 0,
            transcript: Vec::new(),
            arrivals: Vec::new(),
            not_before: now,
            postponed: 0,
        }
    }

    /// Chooses the probes: those of the tier, and all by which the host was found `open`, which are
    /// repeated. Some are possible only where the domain is known, or the public address of our receiver.
    pub fn choose_probes(&mut self, tier: Tier, open: &[u8], has_receiver: bool) {
        let known = Known { domain: self.domain.is_some(), receiver: has_receiver };
        self.plan = Plan::select(tier, known).probes.iter().map(|probe| probe.index).collect();
        for &probe in open.iter().filter(|&&probe| Probe::by_index(probe).is_some()) {
            self.repeats.push(probe);
            if !self.plan.contains(&probe) {
                self.plan.push(probe);
            }
        }
    }

    /// The address of a submitter without a token.
    pub fn anonymous_submitter(&self) -> Option<IpAddr> {
        self.submitter.strip_prefix(Self::ANONYMOUS)?.parse().ok()
    }

    /// The verdict, once there is one.
    pub fn verdict(&self) -> Option<Verdict> {
        match self.state {
            State::Done { verdict, .. } => Some(verdict),
            _ => None,
        }
    }

    /// When the last conversation ended, if any has come to an end.
    pub fn tested_at(&self) -> Option<UnixTime> {
        self.state.contact()?.tested_at
    }

    /// When the host is tried again, if it put us off.
    pub fn retry_at(&self) -> Option<UnixTime> {
        match self.state {
            State::Pending { retry_at, .. } => retry_at,
            _ => None,
        }
    }

    /// The binding of its tokens, of which there are none before the first conversation.
    pub fn binding(&self) -> Option<Binding> {
        let expires_at = self.state.contact()?.tokens_expire_at;
        Some(Binding { addr: self.address, port: self.port, expires_at })
    }

    /// Whether nothing has been decided yet.
    pub fn is_under_way(&self) -> bool {
        !matches!(self.state, State::Done { .. } | State::Cancelled { .. })
    }

    /// When somebody should look at it again.
    pub fn due(&self, patience: Patience) -> Option<UnixTime> {
        match self.state {
            State::Queued { .. } | State::Testing { .. } => Some(self.not_before),
            State::Pending { tested_at, retry_at, .. } => {
                Some(retry_at.unwrap_or(tested_at.plus(patience.settle_for)))
            }
            State::Done { .. } | State::Cancelled { .. } => None,
        }
    }

    /// Whether the host is to be talked to: for the first time, or again.
    pub fn awaits_conversation(&self) -> bool {
        match self.state {
            State::Queued { .. } | State::Testing { .. } => true,
            State::Pending { retry_at, .. } => retry_at.is_some(),
            State::Done { .. } | State::Cancelled { .. } => false,
        }
    }

    /// Begins a conversation, or goes on after one that was cut off; gives the probes that are left.
    /// A probe that was on its way then is not sent again. One that was put off is sent again as it was:
    /// who keeps a grey list knows it by client, sender and recipient.
    pub fn begin(&mut self, now: UnixTime, patience: Patience) -> Vec<u8> {
        let contact = match self.state.contact() {
            // What was sent before can come back until its tokens expire.
            Some(contact) if self.conversations > 0 || !self.sent.is_empty() => contact,
            earlier => Contact {
                tokens_expire_at: now.plus(Self::MAX_DURATION).plus(patience.pending_for),
                tested_at: earlier.and_then(|contact| contact.tested_at),
            },
        };
        if self.retry_at().is_some() {
            self.retries = self.retries.saturating_add(1);
            self.conversations = 0;
        }
        self.state = State::Testing { contact };
        self.conversations = self.conversations.saturating_add(1);
        self.give_up_unanswered();
        if self.conversations > Self::MAX_CONVERSATIONS {
            return Vec::new();
        }
        self.plan.iter().copied().filter(|&probe| self.is_left(probe)).collect()
    }

    /// A probe that got no answer gets none any more.
    fn give_up_unanswered(&mut self) {
        for sent in &mut self.sent {
            sent.outcome.get_or_insert(Outcome::Error);
        }
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
    pub fn end_session(&mut self, end: SessionEnd, now: UnixTime, patience: Patience) {
        let Some(contact) = self.state.contact() else { return };
        let contact = Contact { tested_at: Some(now), ..contact };
        if let State::Cancelled { .. } = self.state {
            self.state = State::Cancelled { contact: Some(contact) };
            return;
        }
        self.state = State::Testing { contact };
        self.give_up_unanswered();
        for arrival in self.arrivals.clone() {
            self.classify(&arrival, patience);
        }
        self.conclude(end, contact, now, patience);
    }

    fn conclude(&mut self, end: SessionEnd, contact: Contact, now: UnixTime, patience: Patience) {
        let pending = |retry_at| State::Pending {
            tokens_expire_at: contact.tokens_expire_at,
            tested_at: now,
            retry_at,
        };
        let done = |verdict| State::Done { verdict, contact };
        self.state = match end {
            _ if self.has(Outcome::Returned) => done(Verdict::Open),
            SessionEnd::Blocked => done(Verdict::Blocked),
            SessionEnd::Unreachable if self.answers().next().is_none() => {
                done(Verdict::Unreachable)
            }
            _ if self.is_put_off(end) => pending(Some(now.plus(patience.retry_after))),
            _ if self.has(Outcome::Accepted) => pending(None),
            _ => done(self.verdict_without_return()),
        };
    }

    /// Whether the host said 4xx to something, and gets another chance.
    fn is_put_off(&self, end: SessionEnd) -> bool {
        let has_4xx = end == SessionEnd::Deferred || self.has(Outcome::Deferred);
        has_4xx && self.retries < Self::MAX_RETRIES
    }

    /// Puts it off, since it can't be told whether the host or our own way out is closed. A test that
    /// was put off too often ends.
    pub fn postpone(&mut self, until: UnixTime) {
        let State::Testing { contact } = self.state else { return };
        self.postponed = self.postponed.saturating_add(1);
        if self.postponed > Self::MAX_POSTPONED {
            self.state = State::Done { verdict: Verdict::Inconclusive, contact };
            return;
        }
        self.conversations = self.conversations.saturating_sub(1);
        (self.state, self.not_before) = (State::Queued { contact: Some(contact) }, until);
    }

    /// Ends a plan at what was sent: the host took as many messages as a test sends.
    pub fn curtail(&mut self) {
        let sent: Vec<u8> = self.sent.iter().map(|sent| sent.probe).collect();
        self.plan.retain(|probe| sent.contains(probe));
        self.repeats.retain(|probe| sent.contains(probe));
    }

    /// Decides a test that waits for nothing but returns, and whose time is up.
    pub fn settle(&mut self) {
        if let State::Pending { retry_at: None, .. } = self.state {
            self.decide(self.verdict_without_return());
        }
    }

    fn verdict_without_return(&self) -> Verdict {
        let is_answered = |probe: &u8| {
            self.sent(*probe).is_some_and(|sent| match sent.outcome {
                None | Some(Outcome::Error | Outcome::Deferred) => false,
                Some(Outcome::Refused) => self.connections_left(sent) == 0,
                Some(Outcome::Accepted | Outcome::Returned | Outcome::Bounced) => true,
            })
        };
        let is_complete = !self.plan.is_empty() && self.plan.iter().all(is_answered);
        if is_complete { Verdict::Clean } else { Verdict::Inconclusive }
    }

    /// Decides a test that was begun.
    fn decide(&mut self, verdict: Verdict) {
        if let Some(contact) = self.state.contact() {
            self.state = State::Done { verdict, contact };
        }
    }

    /// Takes a message that came to the receiver.
    pub fn arrived(&mut self, arrival: Arrival, patience: Patience) -> ArrivalClass {
        let class = self.classify(&arrival, patience);
        let is_kept = matches!(
            class,
            ArrivalClass::Relayed | ArrivalClass::Bounced | ArrivalClass::Unanswered
        );
        if is_kept && self.arrivals.len() < Self::MAX_ARRIVALS {
            self.arrivals.push(arrival);
        }
        match (class, self.state) {
            (ArrivalClass::Relayed, State::Testing { .. }) => {}
            (ArrivalClass::Relayed, _) => self.decide(Verdict::Open),
            (ArrivalClass::Bounced, _) if !self.has(Outcome::Accepted) => self.settle(),
            _ => {}
        }
        class
    }

    /// The meaning of an arrival, whose probe is marked.
    fn classify(&mut self, arrival: &Arrival, patience: Patience) -> ArrivalClass {
        let is_over = |tested_at: UnixTime| tested_at.plus(patience.pending_for) < arrival.at;
        if matches!(self.state, State::Cancelled { .. }) || self.tested_at().is_some_and(is_over) {
            return ArrivalClass::Late;
        }
        let is_from_host = arrival.peer == self.address;
        let Some(sent) = self.sent.iter_mut().find(|sent| sent.probe == arrival.probe) else {
            return ArrivalClass::Forged;
        };
        match (arrival.kind, sent.outcome) {
            (_, Some(Outcome::Returned)) => return ArrivalClass::Repeated,
            (ArrivalKind::Bounce, Some(Outcome::Bounced)) => return ArrivalClass::Repeated,
            // The signature was in the message only, so the host had it.
            (ArrivalKind::Return, _) if is_from_host => {}
            (_, None) => return ArrivalClass::Unanswered,
            (_, Some(Outcome::Accepted | Outcome::Bounced)) => {}
            (_, Some(Outcome::Refused | Outcome::Deferred | Outcome::Error)) => {
                return ArrivalClass::Forged;
            }
        }
        if arrival.kind == ArrivalKind::Bounce {
            sent.outcome = Some(Outcome::Bounced);
            return ArrivalClass::Bounced;
        }
        sent.outcome = Some(Outcome::Returned);
        if !is_from_host {
            self.via.get_or_insert(arrival.peer);
        }
        ArrivalClass::Relayed
    }

    /// Calls it off; whether that was possible.
    pub fn cancel(&mut self) -> bool {
        let is_possible = self.awaits_conversation();
        if is_possible {
            self.state = State::Cancelled { contact: self.state.contact() };
        }
        is_possible
    }

    /// How many messages the host may have taken.
    pub fn count_messages(&self) -> usize {
        let is_none =
            |sent: &&Sent| matches!(sent.outcome, Some(Outcome::Refused | Outcome::Deferred));
        self.sent.iter().filter(|sent| !is_none(sent)).count()
    }

    /// Whether the host has said no to this probe.
    pub fn has_refused(&self, probe: u8) -> bool {
        self.sent(probe).is_some_and(|sent| sent.refusals > 0)
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
    /// The state without its data.
    pub fn kind(self) -> StateKind {
        match self {
            Self::Queued { .. } => StateKind::Queued,
            Self::Testing { .. } => StateKind::Testing,
            Self::Pending { .. } => StateKind::Pending,
            Self::Done { .. } => StateKind::Done,
            Self::Cancelled { .. } => StateKind::Cancelled,
        }
    }

    /// The contact with the host, once the first conversation has begun.
    pub fn contact(self) -> Option<Contact> {
        match self {
            Self::Queued { contact } | Self::Cancelled { contact } => contact,
            Self::Testing { contact } | Self::Done { contact, .. } => Some(contact),
            Self::Pending { tokens_expire_at, tested_at, .. } => {
                Some(Contact { tokens_expire_at, tested_at: Some(tested_at) })
            }
        }
    }
}
