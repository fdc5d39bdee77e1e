//! Noticing that a zone does not answer.

use std::time::{Duration, Instant};

/// Counts failures among the questions of about a minute.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaker {
    since: Option<Instant>,
    failed: u32,
    of: u32,
    in_a_row: u32,
}

impl Breaker {
    const WINDOW: Duration = Duration::from_secs(60);
    const IN_A_ROW: u32 = 5;
    const ENOUGH: u32 = 20;

    /// Takes the end of a question. Tells how many failed of how many, if that is too many: five in a
    /// row, or half of at least 20 within a minute.
    pub(crate) fn observe(&mut self, failed: bool, now: Instant) -> Option<(u32, u32)> {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= Self::WINDOW) {
            (self.since, self.failed, self.of) = (Some(now), 0, 0);
        }
        self.of += 1;
        if !failed {
            self.in_a_row = 0;
            return None;
        }
        self.failed += 1;
        self.in_a_row += 1;
        let half = self.of >= Self::ENOUGH && self.failed * 2 >= self.of;
        if half {
            Some((self.failed, self.of))
        } else {
            (self.in_a_row >= Self::IN_A_ROW).then_some((self.in_a_row, self.in_a_row))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Breaker;

    #[test]
    fn five_in_a_row_are_too_many_and_four_are_not() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..10 {
            for _ in 0..4 {
                assert_eq!(breaker.observe(true, now), None);
            }
            breaker = Breaker { failed: 0, of: 0, ..breaker };
            assert_eq!(breaker.observe(false, now), None);
        }
        let rings: Vec<_> = (0..5).map(|_| breaker.observe(true, now)).collect();
        assert_eq!(rings, [None, None, None, None, Some((5, 5))]);
    }

    #[test]
    fn half_of_twenty_within_a_minute_are_too_many() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        let found = (1..=40).find_map(|i| breaker.observe(i % 2 == 0, now));
        assert_eq!(found, Some((10, 20)));
    }

    #[test]
    fn failures_that_are_far_between_are_not() {
        let mut now = Instant::now();
        let mut breaker = Breaker::default();
        for i in 0..400 {
            now += Duration::from_secs(10);
            assert_eq!(breaker.observe(i % 2 == 0, now), None);
        }
    }
}
