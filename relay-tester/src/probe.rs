//! Probes, and which of them a test has.

use crate::probes::PROBES;

/// How far a test goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// What every test has.
    Default = 1,
    /// The full test, where the owner asks or on repeated evidence.
    Full = 2,
    /// Odd forms: where the owner asks.
    Odd = 3,
    /// Forms that can upset old software, or reach a mailbox: where the owner asks, after a warning.
    Upsetting = 4,
}

/// One way in which a server may be talked into relaying.
///
/// In the arguments `{t}` stands for the token, `{T}` for the probe domain, `{b}` for the token of
/// the bounce address, `{s}` for the neutral local part of a sender, `{H}` for the tested host's name
/// (else its address literal), `{I}` for its address literal, `{D}` for the nominated domain and
/// `{R}` for the address literal of the receiver.
#[derive(Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its number in tokens; a number is never used again for another probe. Below 256.
    pub index: u8,
    /// Its name in reports.
    pub name: &'static str,
    /// The least tier that has it.
    pub tier: Tier,
    /// Whether a server may count it as a syntax error; some hang up after three.
    pub malformed: bool,
    /// What follows `EHLO `; our own name where it is `None`.
    pub(crate) ehlo: Option<&'static str>,
    /// What follows `MAIL FROM:`.
    pub(crate) mail: &'static str,
    /// What follows `RCPT TO:`. Of several the last is at the probe domain; all must be accepted.
    pub(crate) rcpt: &'static [&'static str],
}

/// What is known of a host beside its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// A domain whose MX it is.
    pub domain: bool,
    /// The public address of our receiver.
    pub receiver: bool,
}

/// The probes of one test, in the order in which they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The probes.
    pub probes: Vec<&'static Probe>,
    /// After how many messages the test ends, whatever is left. Refused probes are no messages.
    pub max_messages: usize,
}

impl Probe {
    /// All there are.
    pub fn all() -> &'static [Self] {
        PROBES
    }

    /// That with this index.
    pub fn by_index(index: u8) -> Option<&'static Self> {
        PROBES.iter().find(|probe| probe.index == index)
    }

    /// That with this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        PROBES.iter().find(|probe| probe.name == name)
    }

    /// Whether its envelope sender is null, so that a null sender of what comes back says nothing.
    pub fn has_null_sender(&self) -> bool {
        self.mail == "<>"
    }
}

impl Plan {
    /// How many messages a test sends at most, unless told otherwise.
    pub const MAX_MESSAGES: usize = 12;

    /// The probes of all tiers up to this one for which enough is known; plain forms come first.
    pub fn select(limit: Tier, known: Known) -> Self {
        let _ = (limit, known);
        todo!()
    }

    /// The same without the probes that were sent before, as when a test goes on after a crash.
    pub fn without(mut self, sent: &[u8]) -> Self {
        self.probes.retain(|probe| !sent.contains(&probe.index));
        self
    }
}
