//! Probes: the ways in which a server may be talked into relaying.

mod placeholders;
mod table;

pub(crate) use placeholders::{Placeholders, literal};

/// The tier of a probe, up to which a test goes.
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

/// A way in which a server may be talked into relaying.
///
/// In the arguments `{t}` stands for the token, `{T}` for the probe domain, `{X}` for that with its
/// dots written `+2E`, `{b}` for the token of the bounce address, `{s}` for the neutral local part of
/// a sender, `{H}` for the tested host's name (else its address literal), `{I}` for its address
/// literal, `{D}` for the nominated domain and `{R}` for the address literal of the receiver.
#[derive(Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its number in tokens; a number is never used again for another probe.
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

impl Probe {
    /// Whether its envelope sender is null, so that a null sender of what comes back says nothing.
    pub fn has_null_sender(&self) -> bool {
        self.mail == "<>"
    }

    /// Whether sender or recipient hold this placeholder.
    pub(crate) fn needs(&self, placeholder: &str) -> bool {
        self.mail.contains(placeholder) || self.rcpt.iter().any(|rcpt| rcpt.contains(placeholder))
    }
}
