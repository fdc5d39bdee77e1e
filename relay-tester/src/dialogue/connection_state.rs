//! The state of one connection.

use super::reply::Reply;
use crate::{HostName, Identity, Probe};

/// A connection as far as it has come.
#[derive(Debug, Default)]
pub(super) struct ConnectionState {
    /// Probes that were begun.
    probes: usize,
    malformed: usize,
    /// Whether it is encrypted.
    pub(super) tls: bool,
    /// Whether the server knows HELO only.
    pub(super) helo_only: bool,
    /// What we called ourselves.
    pub(super) called: String,
    /// Whether a transaction was begun since.
    pub(super) dirty: bool,
}

impl ConnectionState {
    /// Postfix hangs up after 20 errors and slows down after 10, Exim counts commands that make no mail.
    pub(super) const MAX_PROBES: usize = 8;
    /// Exim hangs up at the fourth syntax error.
    pub(super) const MAX_MALFORMED: usize = 3;

    /// Whether the server can be asked for one more probe, under this name, without counting it as
    /// abuse. Some servers answer 503 to a second EHLO, so another name takes another connection.
    pub(super) fn has_room_for(&self, probe: &Probe, name: &str) -> bool {
        self.called == name
            && self.probes < Self::MAX_PROBES
            && (!probe.malformed || self.malformed < Self::MAX_MALFORMED)
    }

    pub(super) fn count(&mut self, probe: &Probe) {
        self.probes += 1;
        self.malformed += usize::from(probe.malformed);
    }

    /// Whether no probe was begun yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.probes == 0
    }

    /// The command that introduces us by this name.
    pub(super) fn hello(&mut self, name: &str) -> String {
        name.clone_into(&mut self.called);
        self.dirty = false;
        format!("{} {name}", if self.helo_only { "HELO" } else { "EHLO" })
    }
}

/// Whether the reply to EHLO offers STARTTLS (RFC 3207).
pub(super) fn offers_starttls(reply: &Reply) -> bool {
    let words = reply.lines().iter().skip(1).filter_map(|line| line.split_whitespace().next());
    words.into_iter().any(|word| word.eq_ignore_ascii_case("STARTTLS"))
}

/// The name that a host goes by: the first word of its greeting or of its reply to EHLO. Names of our
/// own prove nothing about it and are not taken.
pub(super) fn host_name(reply: &Reply, identity: &Identity) -> Option<HostName> {
    let name = reply.lines().first()?.split_whitespace().next()?;
    let name: HostName = name.parse().ok()?;
    let ours = name.is_within(&identity.probe_domain) || name == identity.ehlo;
    (!ours).then_some(name)
}
