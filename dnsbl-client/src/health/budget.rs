//! How many questions a zone may be asked.

use std::time::{Duration, Instant};

/// Questions of 24 hours.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    per_day: Option<u64>,
    used: u64,
    since: Instant,
    /// Whether somebody was told that it is spent.
    reported: bool,
}

/// The result of taking a query from a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spending {
    /// It may be asked.
    Allowed,
    /// It may not, as the first one of these 24 hours.
    JustSpent,
    /// It may not.
    Spent,
}

impl Budget {
    const DAY: Duration = Duration::from_secs(86_400);

    pub(crate) fn new(per_day: Option<u64>, now: Instant) -> Self {
        Self { per_day, used: 0, since: now, reported: false }
    }

    /// Takes one question from the budget.
    pub(crate) fn take(&mut self, now: Instant) -> Spending {
        if now.saturating_duration_since(self.since) >= Self::DAY {
            (self.used, self.since, self.reported) = (0, now, false);
        }
        if self.per_day.is_none_or(|most| self.used < most) {
            self.used += 1;
            Spending::Allowed
        } else if self.reported {
            Spending::Spent
        } else {
            self.reported = true;
            Spending::JustSpent
        }
    }

    /// How many there were, and how many there may be.
    pub(crate) fn state(&self) -> Option<(u64, u64)> {
        self.per_day.map(|most| (self.used, most))
    }

    /// How many there were, and since when.
    pub(crate) fn used(&self, now: Instant) -> (u64, Duration) {
        (self.used, now.saturating_duration_since(self.since))
    }

    /// Goes on where another run stopped.
    pub(crate) fn restore(&mut self, used: u64, age: Duration, now: Instant) {
        if let Some(since) = now.checked_sub(age.min(Self::DAY)) {
            (self.used, self.since) = (used, since);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Budget, Spending};

    #[test]
    fn a_budget_is_spent_once_a_day_and_told_once() {
        let now = Instant::now();
        let mut budget = Budget::new(Some(2), now);
        let mut take = |hours: u64| budget.take(now + Duration::from_secs(3600 * hours));
        assert_eq!([take(0), take(1)], [Spending::Allowed; 2]);
        assert_eq!([take(2), take(23)], [Spending::JustSpent, Spending::Spent]);
        assert_eq!(
            [take(24), take(25), take(26)],
            [Spending::Allowed, Spending::Allowed, Spending::JustSpent]
        );
    }

    #[test]
    fn it_goes_on_after_a_restart() {
        let now = Instant::now() + Duration::from_secs(90_000);
        let mut budget = Budget::new(Some(10), now);
        budget.restore(9, Duration::from_secs(86_000), now);
        assert_eq!([budget.take(now), budget.take(now)], [Spending::Allowed, Spending::JustSpent]);
        assert_eq!(budget.take(now + Duration::from_secs(400)), Spending::Allowed);
    }
}
