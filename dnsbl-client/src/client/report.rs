//! The report of a check.

use std::time::Duration;

use crate::{Action, Score, Status, Target, ZoneName};

/// The identity of one of a client's zones: its place in the order in which they were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub(crate) u16);

impl ZoneId {
    /// The place, from 0.
    pub fn index(self) -> usize {
        self.0.into()
    }
}

/// The report of a check: what all zones say, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// What was looked up.
    pub targets: Vec<Target>,
    /// One for each zone and target that fit, by target and then in the order of the zones. A zone that
    /// fits no target has one too.
    pub outcomes: Vec<Outcome>,
    /// The points of the zones that answered.
    pub score: Score,
    /// What to do.
    pub action: Action,
    /// Whether the verdict was certain before all zones had answered.
    pub decided_early: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// The outcome of one zone about one target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The zone.
    pub zone: ZoneName,
    /// Its place among the client's zones.
    pub id: ZoneId,
    /// Which of the targets, from 0.
    pub target: usize,
    /// What it says.
    pub status: Status,
    /// What that adds to the score.
    pub score: Score,
    /// Where the answer comes from.
    pub source: Source,
}

/// The source of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Nobody was asked.
    Nowhere,
    /// Memory.
    Cache,
    /// Memory, though its time is over: the zone could not tell now.
    Stale,
    /// The network.
    Network {
        /// How long it took.
        took: Duration,
    },
}

impl Outcome {
    /// Adds the reason to a listing.
    pub(super) fn add_reason(&mut self, reason: Option<String>) {
        if let Status::Listed(listing) = &mut self.status {
            listing.reason = reason;
        }
    }
}

impl Report {
    /// Whether any zone has it.
    pub fn is_listed(&self) -> bool {
        self.outcomes.iter().any(|o| o.status.listing().is_some())
    }

    /// Whether every zone said yes or no.
    pub fn is_complete(&self) -> bool {
        self.outcomes.iter().all(|o| o.status.is_verdict())
    }

    /// The outcomes that add to the score, those that add most first.
    pub fn reasons(&self) -> Vec<&Outcome> {
        let mut reasons: Vec<&Outcome> =
            self.outcomes.iter().filter(|o| o.score > Score::ZERO).collect();
        reasons.sort_by_key(|o| std::cmp::Reverse(o.score));
        reasons
    }
}
