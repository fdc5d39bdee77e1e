//! What a client tells of its work.

use std::{net::SocketAddr, time::Duration};

use crate::{DownReason, Health, Report, Status, ZoneName};

/// Hears what a client does; for metrics and logs. It is called on the way of a check: be quick.
pub trait Observer: Send + Sync {
    /// A list was asked, over the network, and this came of it.
    fn outcome(&self, _zone: &ZoneName, _status: &Status, _took: Duration) {}
    /// A check is over.
    fn check(&self, _report: &Report) {}
    /// Something changed that an operator wants to know.
    fn event(&self, _event: &Event) {}
}

/// Something that an operator wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A list is believed more or less than before.
    Health {
        /// The list.
        zone: ZoneName,
        /// What it was.
        from: Health,
        /// What it is.
        to: Health,
    },
    /// The resolver answers for names that do not exist; no list can be believed through it.
    ResolverRewrites {
        /// The resolver, if known.
        server: Option<SocketAddr>,
    },
    /// The questions of the day are used up.
    BudgetSpent {
        /// The list.
        zone: ZoneName,
        /// How many there were.
        of: u64,
    },
    /// What should survive a restart could not be written.
    StateNotSaved {
        /// Why.
        error: String,
    },
}

/// What was counted since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Checks made.
    pub checks: u64,
    /// Checks whose verdict was certain before all lists had answered.
    pub decided_early: u64,
    /// Questions answered from memory.
    pub cache_hits: u64,
    /// Questions that had to be asked.
    pub cache_misses: u64,
    /// Questions that shared the answer of an equal one on its way.
    pub coalesced: u64,
    /// Answers in memory.
    pub cache_entries: u64,
    /// One for each list, in the order in which they were given.
    pub zones: Vec<ZoneCounters>,
}

/// What was counted about one list since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZoneCounters {
    /// The list.
    pub zone: ZoneName,
    /// How far it is believed.
    pub health: Health,
    /// Questions asked over the network, by what came of them: listed, not listed, blocked, bogus, failed.
    pub asked: [u64; 5],
    /// Questions of these 24 hours, and how many there may be.
    pub budget: Option<(u64, u64)>,
}

/// The outcome of probing one list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeReport {
    /// The list.
    pub zone: ZoneName,
    /// What was asked, what it should be, and what it was.
    pub points: Vec<ProbePoint>,
    /// What is wrong, if anything is.
    pub fault: Option<DownReason>,
}

/// One question of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbePoint {
    /// What was asked.
    pub target: crate::Target,
    /// Whether it should be listed.
    pub should_be_listed: bool,
    /// What the list said.
    pub status: Status,
}
