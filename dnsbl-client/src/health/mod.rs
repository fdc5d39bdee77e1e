//! Whether a zone can be believed. Pure: clock and randomness are parameters.

mod alarm;
mod breaker;
mod budget;
mod monitor;
mod probe;
mod proof;
pub(crate) mod saved;

use std::{net::Ipv4Addr, time::Duration};

pub(crate) use self::{
    budget::{Budget, Spending},
    monitor::{Monitor, MonitorState, ProbeResult, Saved, Trust},
    probe::{
        Family, Point, PointKind, Soundness, all_points, combined, has_both, points, soundness,
        verdict,
    },
    proof::Proof,
};

use crate::Blocked;

/// The health of a zone: how far it can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// No probe has succeeded yet.
    #[default]
    Unproven,
    /// It does what a zone does.
    Up,
    /// Something is odd; its listings do not count until a probe has told more.
    Suspect {
        /// What is odd.
        why: DownReason,
    },
    /// It is not asked.
    Down {
        /// What is wrong.
        why: DownReason,
        /// Until it is probed again.
        retry_in: Duration,
    },
    /// It is asked again after it was down, and goes down at the first trouble.
    Probation,
}

impl Health {
    /// The word for it: `unproven`, `up`, `suspect`, `down`, `probation`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unproven => "unproven",
            Self::Up => "up",
            Self::Suspect { .. } => "suspect",
            Self::Down { .. } => "down",
            Self::Probation => "probation",
        }
    }
}

/// The fault of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DownReason {
    /// It does not list what every zone has (RFC 5782 section 5): it was emptied, or is none.
    #[error("it lacks its test entry")]
    MissesTestEntry,
    /// It lists what no zone has (RFC 5782 section 5).
    #[error("it lists the entry that no list has")]
    ListsTestNegative,
    /// It lists an address or a name that was made up.
    #[error("it lists what was made up for the purpose")]
    ListsRandomName,
    /// Nearly everything is listed all of a sudden.
    #[error("it lists {listed} of the last {of} that were looked up")]
    ListsEverything {
        /// How many were listed,
        listed: u32,
        /// of so many.
        of: u32,
    },
    /// It refuses to answer this client.
    #[error("{0}")]
    Blocked(Blocked),
    /// Too many questions stay without an answer.
    #[error("{failed} of {of} questions failed")]
    Failing {
        /// How many failed,
        failed: u32,
        /// of so many.
        of: u32,
    },
    /// The resolver takes return codes out of the answers.
    #[error("{}", Blocked::Stripped)]
    ResolverStrips,
    /// Nothing can be asked: the resolver does not answer, or no zone does.
    #[error("nothing answers: the resolver or the network is down")]
    ResolverSilent,
    /// Its answers are none that a zone gives.
    #[error("its answers are none that a list gives")]
    NotAList,
}

impl DownReason {
    /// Whether what the zone says is not to be believed, rather than that it says nothing.
    pub(crate) fn spoils_listings(self) -> bool {
        !matches!(self, Self::Failing { .. } | Self::Blocked(_)) && !self.is_of_the_resolver()
    }

    /// Whether it is the resolver's doing: the zone is not blamed for it.
    pub fn is_of_the_resolver(self) -> bool {
        matches!(self, Self::ResolverStrips | Self::ResolverSilent)
    }
}

/// The trouble with the resolver, whatever the zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ResolverTrouble {
    /// It gives this address for names that do not exist.
    #[error("the resolver answers {0} for names that do not exist")]
    Rewrites(Ipv4Addr),
    /// It takes addresses inside 127.0.0.0/8 out of answers.
    #[error("{}", Blocked::Stripped)]
    Strips,
    /// It does not answer.
    #[error("the resolver does not answer")]
    Silent,
}
