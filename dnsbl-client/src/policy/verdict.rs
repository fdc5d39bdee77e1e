//! Counting.

use super::{Action, OnUnknown, Policy};
use crate::Score;

/// What one list contributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote {
    /// It answered; its rules add up to this, 0 if it does not list the target.
    Answered(Score),
    /// It could not tell; its answer would have been between these.
    Unknown(Reach),
    /// It has not answered yet; its answer will be between these, or it will not be able to tell.
    Pending(Reach),
    /// It has nothing to say about this target.
    Abstains,
}

/// The least and the most that the rules of a list can add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// At most 0.
    pub least: Score,
    /// At least 0.
    pub most: Score,
}

/// Votes added up: small, and a vote more or less is cheap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ballot {
    score: Score,
    answered: usize,
    pending: usize,
    unknown: Reach,
    open: Reach,
}

impl Reach {
    /// What rules with these weights can add.
    pub fn of(weights: impl IntoIterator<Item = Score>) -> Self {
        weights.into_iter().fold(Self::default(), |reach, weight| Self {
            least: reach.least.plus(weight.min(Score::ZERO)),
            most: reach.most.plus(weight.max(Score::ZERO)),
        })
    }

    fn plus(self, other: Self) -> Self {
        Self { least: self.least.plus(other.least), most: self.most.plus(other.most) }
    }
}

impl Ballot {
    /// Counts these votes.
    pub fn count(votes: impl IntoIterator<Item = Vote>) -> Self {
        votes.into_iter().fold(Self::default(), Self::with)
    }

    /// The points of those that answered.
    pub fn score(&self) -> Score {
        self.score
    }

    fn with(mut self, vote: Vote) -> Self {
        match vote {
            Vote::Answered(score) => {
                self.score = self.score.plus(score);
                self.answered += 1;
            }
            Vote::Unknown(reach) => self.unknown = self.unknown.plus(reach),
            Vote::Pending(reach) => {
                self.open = self.open.plus(reach);
                self.pending += 1;
            }
            Vote::Abstains => {}
        }
        self
    }
}

impl Policy {
    /// What to do, as far as it is certain: `None` while lists that have not answered can change it.
    pub fn decide(&self, ballot: &Ballot) -> Option<Action> {
        if ballot.answered < self.quorum {
            let hopeless = ballot.answered + ballot.pending < self.quorum;
            return hopeless.then_some(self.on_no_quorum);
        }
        let least = self.action(ballot.score.plus(ballot.open.least), ballot.unknown);
        let most = self.action(ballot.score.plus(ballot.open.most), ballot.unknown);
        (least == most).then_some(least)
    }

    /// What to do at this score, with lists that could not tell. It never falls as the score grows, and a
    /// list that can't tell never leads outside what its answers lead to, so the two ends of what
    /// is open bound everything in between.
    fn action(&self, score: Score, unknown: Reach) -> Action {
        let action = self.band(score);
        // As Postfix does: what an allow list might have prevented is not final.
        let saved = self.band(score.plus(unknown.least)) < Action::Reject;
        // What a block list might have refused may be tried again.
        let doubtful = self.on_unknown == OnUnknown::Defer
            && self.band(score.plus(unknown.most)) >= Action::Defer;
        match action {
            Action::Reject if saved => Action::Defer,
            Action::Pass | Action::Tag if doubtful => Action::Defer,
            certain => certain,
        }
    }
}
