//! What a check tells.

use std::time::Duration;

use crate::{Action, Score, Status, Target, ZoneName};

/// Which of a client's lists: its place in the order in which they were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub(crate) u16);

impl ZoneId {
    /// The place, from 0.
    pub fn index(self) -> usize {
        self.0.into()
    }
}

/// What all lists say, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// What was looked up.
    pub targets: Vec<Target>,
    /// One for each list and target that fit, by target and then in the order of the lists. A list that
    /// fits no target has one too.
    pub outcomes: Vec<Outcome>,
    /// The points of the lists that answered.
    pub score: Score,
    /// What to do.
    pub action: Action,
    /// Whether the verdict was certain before all lists had answered.
    pub decided_early: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// What one list says about one target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The list.
    pub zone: ZoneName,
    /// Its place among the client's lists.
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

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Nobody was asked.
    Nowhere,
    /// Memory.
    Cache,
    /// Memory, though its time is over: the list could not tell now.
    Stale,
    /// The network.
    Network {
        /// How long it took.
        took: Duration,
    },
}

impl Outcome {
    /// Adds the reason that another status has.
    pub(super) fn add_reason(&mut self, other: &Status) {
        if let (Status::Listed(listing), Status::Listed(other)) = (&mut self.status, other) {
            listing.reason.clone_from(&other.reason);
        }
    }
}

impl Report {
    /// Whether any list has it.
    pub fn is_listed(&self) -> bool {
        self.outcomes.iter().any(|o| o.status.listing().is_some())
    }

    /// Whether every list said yes or no.
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
