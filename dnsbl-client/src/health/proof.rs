//! Whether a zone has just denied something: one that lists everything can't.

use std::time::{Duration, Instant};

/// The latest denials of a zone, in one family of addresses or as a zone of names.
///
/// A listing is believed if the zone denied something made up that was asked *after* the question
/// about the listing. Where that happens so often that the made-up questions would weigh, a denial of
/// the last minute does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proof {
    /// The place in the order of all questions, and when.
    denied: Option<(u64, Instant)>,
    /// Until which place in that order it is known to have denied nothing.
    refuted: Option<u64>,
    /// When its test entry was found while it refused something.
    answered: Option<Instant>,
    /// Since when made-up questions are counted, and how many there were.
    counted: Option<(Instant, u32)>,
}

impl Proof {
    /// How long a denial holds where a newer one is too dear.
    pub(crate) const HOLDS: Duration = Duration::from_secs(60);
    /// How many listings a minute have a proof of their own.
    const OFTEN: u32 = 60;

    /// Whether a listing needs no further proof whose question was the `asked`-th. `thrifty` where
    /// every question counts.
    pub(crate) fn covers(&self, asked: u64, now: Instant, thrifty: bool) -> bool {
        match self.denied {
            Some((denied, _)) if denied > asked => true,
            Some(_) => (thrifty || self.is_often(now)) && self.holds(now),
            None => false,
        }
    }

    /// Whether something made up was listed that was asked after the `asked`-th question.
    pub(crate) fn refutes(&self, asked: u64) -> bool {
        self.refuted.is_some_and(|refuted| refuted > asked)
    }

    /// Takes it that what was asked as the `asked`-th question should not be listed, and is.
    pub(crate) fn refute(&mut self, asked: u64) {
        (self.refuted, self.denied) = (Some(asked), None);
    }

    /// Whether the last denial is of the last minute.
    pub(crate) fn holds(&self, now: Instant) -> bool {
        self.denied.is_some_and(|(_, at)| within(at, now))
    }

    /// Notes that made-up questions are asked.
    pub(crate) fn count(&mut self, now: Instant) {
        match &mut self.counted {
            Some((since, count)) if within(*since, now) => *count += 1,
            counted => *counted = Some((now, 1)),
        }
    }

    /// Takes a denial of the question that was the `asked`-th.
    pub(crate) fn renew(&mut self, asked: u64, now: Instant) {
        self.denied = Some((asked, now));
    }

    /// Notes that its test entry was found though it refused something.
    pub(crate) fn note_answered(&mut self, now: Instant) {
        self.answered = Some(now);
    }

    /// Whether that was noted within the last minute.
    pub(crate) fn has_answered(&self, now: Instant) -> bool {
        self.answered.is_some_and(|at| within(at, now))
    }

    fn is_often(&self, now: Instant) -> bool {
        self.counted.is_some_and(|(since, count)| within(since, now) && count >= Self::OFTEN)
    }
}

fn within(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < Proof::HOLDS
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Proof;

    #[test]
    fn a_denial_covers_what_was_asked_before_it_and_nothing_else() {
        let (mut proof, now) = (Proof::default(), Instant::now());
        assert!(!proof.covers(1, now, false));
        proof.renew(5, now);
        assert!(proof.covers(4, now, false));
        assert!(!proof.covers(6, now, false));
    }

    #[test]
    fn where_questions_are_dear_a_denial_holds_for_a_minute() {
        let (mut proof, now) = (Proof::default(), Instant::now());
        proof.renew(5, now);
        assert!(proof.covers(6, now + Duration::from_secs(59), true));
        assert!(!proof.covers(6, now + Duration::from_secs(60), true));
    }

    #[test]
    fn a_busy_site_asks_no_more_than_sixty_times_a_minute() {
        let (mut proof, now) = (Proof::default(), Instant::now());
        let mut asked = 0;
        for listing in 0..1000u64 {
            if !proof.covers(2 * listing, now, false) {
                proof.count(now);
                proof.renew(2 * listing + 1, now);
                asked += 1;
            }
        }
        assert_eq!(asked, 60);
        let later = now + Duration::from_secs(60);
        assert!(!proof.covers(2001, later, false));
    }
}
