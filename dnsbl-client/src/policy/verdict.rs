//! Counting.

use super::{Action, OnUnknown, Policy};
use crate::Score;

/// The contribution of one zone to a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote {
    /// It answered; its rules add up to this, 0 if it does not list the target.
    Answered(Score),
    /// It could not tell; its answer would have been between these.
    Unknown(ScoreRange),
    /// It has not answered yet; its answer will be between these, or it will not be able to tell.
    Pending(ScoreRange),
    /// It has nothing to say about this target.
    Abstains,
}

/// The least and the most that the rules of a zone can add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScoreRange {
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
    unknown: ScoreRange,
    open: ScoreRange,
}

impl ScoreRange {
    /// What rules with these weights can add.
    pub fn of(weights: impl IntoIterator<Item = Score>) -> Self {
        weights.into_iter().fold(Self::default(), |range, weight| Self {
            least: range.least.plus(weight.min(Score::ZERO)),
            most: range.most.plus(weight.max(Score::ZERO)),
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
            Vote::Unknown(range) => self.unknown = self.unknown.plus(range),
            Vote::Pending(range) => {
                self.open = self.open.plus(range);
                self.pending += 1;
            }
            Vote::Abstains => {}
        }
        self
    }
}

impl Policy {
    /// What to do, as far as it is certain: `None` while zones that have not answered can change it.
    pub fn decide(&self, ballot: &Ballot) -> Option<Action> {
        if ballot.answered < self.quorum {
            let hopeless = ballot.answered + ballot.pending < self.quorum;
            return hopeless.then_some(self.on_no_quorum);
        }
        let least = self.action(ballot.score.plus(ballot.open.least), ballot.unknown);
        let most = self.action(ballot.score.plus(ballot.open.most), ballot.unknown);
        (least == most).then_some(least)
    }

    /// What to do at this score, with zones that could not tell. It never falls as the score grows, and a
    /// zone that can't tell never leads outside what its answers lead to, so the two ends of what
    /// is open bound everything in between.
    fn action(&self, score: Score, unknown: ScoreRange) -> Action {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Ballot, ScoreRange, Vote};
    use crate::{Action, OnUnknown, Policy, Score};

    /// A zone by its weights, and what it says in the end: which rules match, or that it can't tell.
    #[derive(Clone, Debug)]
    struct FakeZone {
        weights: Vec<i32>,
        says: Option<Vec<bool>>,
        early: bool,
    }

    impl FakeZone {
        fn range(&self) -> ScoreRange {
            ScoreRange::of(self.weights.iter().map(|weight| Score::milli(*weight)))
        }

        fn vote(&self) -> Vote {
            let Some(hits) = &self.says else { return Vote::Unknown(self.range()) };
            let hits = self.weights.iter().zip(hits).filter(|(_, hit)| **hit);
            Vote::Answered(hits.map(|(weight, _)| Score::milli(*weight)).sum())
        }
    }

    fn zone() -> impl Strategy<Value = FakeZone> {
        let weights = prop::collection::vec(-3000i32..3000, 0..4);
        let says = prop::option::weighted(0.8, prop::collection::vec(any::<bool>(), 4));
        (weights, says, any::<bool>()).prop_map(|(weights, says, early)| FakeZone {
            weights,
            says,
            early,
        })
    }

    fn policy() -> impl Strategy<Value = Policy> {
        let bands = prop::collection::vec(1i32..6000, 0..4);
        let no_quorum = prop::sample::select(vec![Action::Pass, Action::Tag, Action::Defer]);
        let unknown = prop::sample::select(vec![OnUnknown::Neutral, OnUnknown::Defer]);
        (bands, 0usize..4, no_quorum, unknown).prop_map(
            |(mut bands, quorum, no_quorum, unknown)| {
                bands.sort_unstable();
                let actions = [Action::Tag, Action::Defer, Action::Reject, Action::Reject];
                let bands = bands.into_iter().map(Score::milli).zip(actions);
                let policy = Policy::new(bands).unwrap().on_unknown(unknown);
                policy.quorum(quorum, no_quorum).unwrap()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn case_22_an_early_verdict_is_the_verdict_whatever_the_others_say(
            policy in policy(),
            zones in prop::collection::vec(zone(), 0..6),
        ) {
            let last = policy.decide(&Ballot::count(zones.iter().map(FakeZone::vote)));
            prop_assert!(last.is_some(), "with all answers there is a verdict");
            let so_far = zones.iter().map(|zone| match zone.early {
                true => zone.vote(),
                false => Vote::Pending(zone.range()),
            });
            if let Some(early) = policy.decide(&Ballot::count(so_far)) {
                prop_assert_eq!(Some(early), last);
            }
        }

        #[test]
        fn without_a_listing_nothing_is_rejected(
            policy in policy(),
            zones in prop::collection::vec(zone(), 0..6),
        ) {
            let votes = zones.iter().map(|zone| match &zone.says {
                Some(_) => Vote::Answered(Score::ZERO),
                None => Vote::Unknown(zone.range()),
            });
            prop_assert_ne!(policy.decide(&Ballot::count(votes)), Some(Action::Reject));
        }
    }

    /// `postscreen` compares with `>=`, and a weight below 0 takes away (postconf(5), postscreen_dnsbl_sites).
    #[test]
    fn h_scores_reach_a_threshold_as_in_postscreen() {
        let policy = Policy::new([(Score::points(3), Action::Reject)]).unwrap();
        for (scores, expected) in [
            (&[][..], Action::Pass),
            (&[2], Action::Pass),
            (&[2, 1], Action::Reject),
            (&[2, 2, -1], Action::Reject),
            (&[2, 2, -2], Action::Pass),
            (&[-5, 3], Action::Pass),
        ] {
            let votes = scores.iter().map(|points| Vote::Answered(Score::points(*points)));
            assert_eq!(policy.decide(&Ballot::count(votes)), Some(expected), "{scores:?}");
        }
    }
}
