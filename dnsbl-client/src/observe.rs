//! The events and counters of a client.

use std::{fmt, path::PathBuf, time::Duration};

use crate::{DownReason, Health, Report, ResolverTrouble, Status, ZoneName};

/// An observer of what a client does; for metrics and logs. It is called on the way of a check: be quick.
pub trait Observer: Send + Sync {
    /// A zone was asked, over the network, and this came of it.
    fn outcome(&self, _zone: &ZoneName, _status: &Status, _took: Duration) {}
    /// A check is over.
    fn check(&self, _report: &Report) {}
    /// Something changed that an operator wants to know.
    fn event(&self, _event: &Event) {}
}

/// An event that an operator wants to know of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A zone is believed more or less than before.
    Health {
        /// The zone.
        zone: ZoneName,
        /// What it was.
        from: Health,
        /// What it is.
        to: Health,
    },
    /// What is wrong with the resolver, or that nothing is any longer. No zone is blamed for it.
    Resolver {
        /// What it is.
        trouble: Option<ResolverTrouble>,
    },
    /// A zone has been down for so long that nobody waits for it any more: an allow list defers nothing
    /// ([`ClientBuilder::gone_after`](crate::ClientBuilder::gone_after)).
    Gone {
        /// The zone.
        zone: ZoneName,
        /// How long that is.
        after: Duration,
    },
    /// The questions of the day are used up.
    BudgetSpent {
        /// The zone.
        zone: ZoneName,
        /// How many there were.
        of: u64,
    },
    /// What should survive a restart could not be written. It is tried again, and told once.
    StateNotSaved {
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// What survived a restart can't be read: it begins anew.
    StateNotRead {
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Health { zone, from, to } => {
                write!(f, "{zone} was {} and is {}", from.as_str(), to.as_str())?;
                match to {
                    Health::Suspect { why } | Health::Down { why, .. } => write!(f, ": {why}"),
                    _ => Ok(()),
                }
            }
            Self::Resolver { trouble: Some(trouble) } => trouble.fmt(f),
            Self::Resolver { trouble: None } => {
                f.write_str("the resolver is as it should be again")
            }
            Self::Gone { zone, after } => write!(
                f,
                "{zone} has not been believed for {} hours and counts as gone: take it out, or mend it",
                after.as_secs() / 3600
            ),
            Self::BudgetSpent { zone, of } => {
                write!(f, "the {of} questions of the day to {zone} are used up")
            }
            Self::StateNotSaved { path, error } => {
                write!(f, "health of the lists can't be kept in {}: {error}", path.display())
            }
            Self::StateNotRead { path, error } => {
                write!(f, "health of the lists can't be read from {}: {error}", path.display())
            }
        }
    }
}

/// The counters of a client since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Checks made.
    pub checks: u64,
    /// Checks whose verdict was certain before all zones had answered.
    pub decided_early: u64,
    /// Questions answered from memory.
    pub cache_hits: u64,
    /// Questions that had to be asked.
    pub cache_misses: u64,
    /// Questions that shared the answer of an equal one on its way.
    pub coalesced: u64,
    /// Answers in memory.
    pub cache_entries: u64,
    /// One for each zone, in the order in which they were given.
    pub zones: Vec<ZoneCounters>,
}

/// The counters of one zone since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZoneCounters {
    /// The zone.
    pub zone: ZoneName,
    /// How far it is believed.
    pub health: Health,
    /// Questions asked over the network, by what came of them: listed, not listed, blocked, bogus, failed.
    pub asked: [u64; 5],
    /// Questions of these 24 hours, and how many there may be.
    pub budget: Option<(u64, u64)>,
}

/// The outcome of probing one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeReport {
    /// The zone.
    pub zone: ZoneName,
    /// What was asked, what it should be, and what it was.
    pub points: Vec<ProbePoint>,
    /// What is wrong with the zone, if anything is. One that lacks the test entry of one family of
    /// addresses has none of that family, which is no fault (RFC 5782 section 5).
    pub fault: Option<DownReason>,
    /// What is wrong with its IPv4 addresses, or with its names.
    pub ipv4_fault: Option<DownReason>,
    /// What is wrong with its IPv6 addresses, where it may have both.
    pub ipv6_fault: Option<DownReason>,
    /// What is wrong with the resolver, for which no zone is blamed.
    pub resolver: Option<ResolverTrouble>,
}

/// One question of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbePoint {
    /// What was asked.
    pub target: crate::Target,
    /// Whether it should be listed.
    pub should_be_listed: bool,
    /// What the zone said.
    pub status: Status,
}
