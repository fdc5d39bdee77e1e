//! From what zones say to what to do. Pure: no clock, no IO.

mod verdict;

pub use self::verdict::{Ballot, ScoreRange, Vote};
use crate::Score;

/// The action to take with mail, from the mildest to the severest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Take it.
    #[default]
    Pass,
    /// Take it and note in a header what the zones say.
    Tag,
    /// Ask the sender to try again later.
    Defer,
    /// Refuse it.
    Reject,
}

impl Action {
    /// The word for it: `pass`, `tag`, `defer`, `reject`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Tag => "tag",
            Self::Defer => "defer",
            Self::Reject => "reject",
        }
    }
}

/// The policy: what to do from which score on.
///
/// Only listings add to a score, and every band above [`Action::Pass`] begins above 0: what was not
/// found out can at most defer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Invariant: ascending in score and action, scores above 0.
    bands: Vec<(Score, Action)>,
    on_unknown: OnUnknown,
    quorum: usize,
    on_no_quorum: Action,
}

/// The meaning of a zone that could not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnUnknown {
    /// As if it had said "not listed".
    #[default]
    Neutral,
    /// Defer where its answer could have led to a refusal.
    Defer,
}

/// The reason why bands make no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A score that mail reaches which no zone has.
    #[error("a band begins at {0}; it has to begin above 0")]
    NotPositive(Score),
    /// More points would lead to less.
    #[error("the band that begins at {0} is milder than the one below it")]
    Milder(Score),
    /// Silence must not refuse mail.
    #[error("lists that do not answer can't refuse mail")]
    RejectWithoutListing,
}

impl Policy {
    /// So much leads to this, in any order; below the first band mail passes.
    ///
    /// # Errors
    ///
    /// If a band begins at 0 or below, or more points lead to a milder action.
    pub fn new(bands: impl IntoIterator<Item = (Score, Action)>) -> Result<Self, PolicyError> {
        let mut bands: Vec<(Score, Action)> = bands.into_iter().collect();
        bands.sort_unstable();
        if let Some((score, _)) = bands.iter().find(|(score, _)| *score <= Score::ZERO) {
            return Err(PolicyError::NotPositive(*score));
        }
        if let Some(pair) = bands.windows(2).find(|pair| pair[1].1 < pair[0].1) {
            return Err(PolicyError::Milder(pair[1].0));
        }
        Ok(Self { bands, on_unknown: OnUnknown::Neutral, quorum: 0, on_no_quorum: Action::Pass })
    }

    /// Treats zones that could not tell in this way.
    #[must_use]
    pub fn on_unknown(mut self, on_unknown: OnUnknown) -> Self {
        self.on_unknown = on_unknown;
        self
    }

    /// Does this where fewer answers than `quorum` were "listed" or "not listed".
    ///
    /// # Errors
    ///
    /// If mail would be refused without an answer.
    pub fn quorum(mut self, quorum: usize, otherwise: Action) -> Result<Self, PolicyError> {
        if otherwise == Action::Reject {
            return Err(PolicyError::RejectWithoutListing);
        }
        (self.quorum, self.on_no_quorum) = (quorum, otherwise);
        Ok(self)
    }

    /// The action of the band that holds this score.
    fn band(&self, score: Score) -> Action {
        let below = self.bands.partition_point(|(from, _)| *from <= score);
        below.checked_sub(1).map_or(Action::Pass, |i| self.bands[i].1)
    }
}

impl Default for Policy {
    /// One point rejects.
    fn default() -> Self {
        Self {
            bands: vec![(Score::ONE, Action::Reject)],
            on_unknown: OnUnknown::Neutral,
            quorum: 0,
            on_no_quorum: Action::Pass,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Policy, PolicyError};
    use crate::Score;

    #[test]
    fn bands_begin_above_zero_and_get_severer() {
        let band = |milli, action| (Score::milli(milli), action);
        assert_eq!(Policy::new([band(0, Action::Tag)]), Err(PolicyError::NotPositive(Score::ZERO)));
        assert_eq!(
            Policy::new([band(1, Action::Reject), band(5000, Action::Tag)]),
            Err(PolicyError::Milder(Score::points(5)))
        );
        let policy = Policy::new([band(5000, Action::Reject), band(1000, Action::Tag)]).unwrap();
        for (milli, action) in
            [(-1, Action::Pass), (999, Action::Pass), (1000, Action::Tag), (5000, Action::Reject)]
        {
            assert_eq!(policy.band(Score::milli(milli)), action);
        }
    }
}
