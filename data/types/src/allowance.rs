//! What is left of a quota.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{Quota, UnixTime};

const NANOSECONDS: u64 = 1_000_000_000;

/// What somebody has asked of a quota, counted by many at once without a lock.
///
/// Of seconds it knows the theoretical arrival time of the generic cell rate algorithm (ITU-T I.371), of days how
/// many questions came on the last one.
#[derive(Debug, Default)]
pub struct Allowance {
    /// Nanoseconds of [`Moment::steady`].
    theoretical_arrival: AtomicU64,
    /// The day in the upper half, the questions in the lower one.
    today: AtomicU64,
}

/// A moment, by which questions are charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds since the process began.
    pub steady: u64,
    /// The day.
    pub day: Day,
}

/// A day of UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

impl Day {
    /// The day of a moment.
    pub fn of(at: UnixTime) -> Self {
        Self(u32::try_from(at.0 / 86_400).unwrap_or(u32::MAX))
    }

    /// When it begins.
    pub fn begin(self) -> UnixTime {
        UnixTime(86_400 * u64::from(self.0))
    }
}

impl Allowance {
    /// Takes a question from what is left; false if there is none.
    ///
    /// What comes in one moment may be a tenth of the questions of a second, and at least ten where a second has
    /// so many. A clock that steps back begins no new day.
    pub fn take(&self, quota: Quota, now: Moment) -> bool {
        let has_day = quota.per_day.is_none_or(|most| self.asked_on(now.day) < most.get());
        let has_second = || quota.per_second.is_none_or(|most| self.arrive(most.get(), now.steady));
        let is_taken = has_day && has_second();
        if is_taken && quota.per_day.is_some() {
            self.count(now.day);
        }
        is_taken
    }

    /// How many questions of a daily quota were taken on a day.
    pub fn asked_on(&self, day: Day) -> u32 {
        let (last, asked) = split(self.today.load(Relaxed));
        if last < day.0 { 0 } else { asked }
    }

    /// Whether nobody would miss it: nothing was asked on this day, nor within the last seconds.
    pub fn is_fresh(&self, now: Moment) -> bool {
        self.asked_on(now.day) == 0 && self.theoretical_arrival.load(Relaxed) <= now.steady
    }

    /// Begins anew, for somebody else.
    pub fn clear(&self) {
        self.resume_from(&Self::default());
    }

    /// Adds what was asked on a day before this began to count, to what it has counted since.
    pub fn restore(&self, day: Day, asked: u32) {
        self.today.update(Relaxed, Relaxed, |today| {
            let (last, since) = split(today);
            let since = if last < day.0 { 0 } else { since };
            join(last.max(day.0), since.saturating_add(if last > day.0 { 0 } else { asked }))
        });
    }

    /// Begins with what another has left.
    pub fn resume_from(&self, other: &Self) {
        self.theoretical_arrival.store(other.theoretical_arrival.load(Relaxed), Relaxed);
        self.today.store(other.today.load(Relaxed), Relaxed);
    }

    fn arrive(&self, per_second: u32, now: u64) -> bool {
        let cost = NANOSECONDS / u64::from(per_second);
        let burst = (per_second / 10).max(per_second.min(10));
        let tolerance = cost * u64::from(burst - 1);
        let arrive = |arrival: u64| {
            let arrival = arrival.max(now);
            (arrival - now <= tolerance).then_some(arrival + cost)
        };
        self.theoretical_arrival.try_update(Relaxed, Relaxed, arrive).is_ok()
    }

    fn count(&self, day: Day) {
        let count = |today| {
            let (last, asked) = split(today);
            if last < day.0 { join(day.0, 1) } else { join(last, asked.saturating_add(1)) }
        };
        self.today.update(Relaxed, Relaxed, count);
    }
}

fn split(today: u64) -> (u32, u32) {
    ((today >> 32) as u32, today as u32)
}

fn join(day: u32, asked: u32) -> u64 {
    u64::from(day) << 32 | u64::from(asked)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    fn at(seconds: f64, day: u32) -> Moment {
        Moment { steady: (seconds * 1e9) as u64, day: Day(day) }
    }

    fn quota(per_second: u32, per_day: u32) -> Quota {
        Quota { per_second: NonZeroU32::new(per_second), per_day: NonZeroU32::new(per_day) }
    }

    proptest! {
        /// Whoever asks faster than he may gets what he may, within 5 %, over ten seconds.
        #[test]
        fn ten_seconds_give_ten_times_a_second(per_second in 20u32..20_000, factor in 1.2f64..4.0, seed: u64) {
            let allowance = Allowance::default();
            let quota = quota(per_second, 0);
            let asked = (f64::from(per_second) * factor * 10.0) as u64;
            // Spread over the ten seconds, each a little before or after its place.
            let mut random = seed | 1;
            let taken = (0..asked).filter(|i| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let place = *i as f64 + (random >> 40) as f64 / f64::from(1 << 24);
                allowance.take(quota, at(place * 10.0 / asked as f64, 1))
            });
            let taken = taken.count() as f64;
            let may = 10.0 * f64::from(per_second);
            prop_assert!((0.95 * may..=1.05 * may).contains(&taken), "{} of {}", taken, may);
        }

        /// Whoever asks slower than he may is never refused, however his questions bunch.
        #[test]
        fn nobody_below_his_rate_is_refused(per_second in 10u32..5_000, gaps in prop::collection::vec(1u64..10, 1..200)) {
            let (allowance, cost) = (Allowance::default(), 1_000_000_000 / u64::from(per_second));
            let mut steady = 0;
            for gap in gaps {
                steady += gap * cost;
                // As many at once as the time since the last ones gave, of which ten are always free.
                for _ in 0..gap {
                    let moment = Moment { steady, day: Day(1) };
                    prop_assert!(allowance.take(quota(per_second, 0), moment));
                }
            }
        }
    }

    #[test]
    fn a_day_has_so_many_questions_and_the_next_one_again() {
        let allowance = Allowance::default();
        let taken = |day| (0..50).filter(|_| allowance.take(quota(0, 20), at(1.0, day))).count();
        assert_eq!([taken(7), taken(7), taken(8)], [20, 0, 20]);
        // The clock was set back: that is no new day.
        assert_eq!(taken(7), 0);
        assert_eq!(allowance.asked_on(Day(8)), 20);
        assert_eq!(allowance.asked_on(Day(9)), 0);
    }

    #[test]
    fn a_question_that_comes_too_soon_is_not_counted_for_the_day() {
        let allowance = Allowance::default();
        let taken = (0..50).filter(|_| allowance.take(quota(1, 100), at(1.0, 7))).count();
        assert_eq!((taken, allowance.asked_on(Day(7))), (1, 1));
    }

    #[test]
    fn what_was_asked_before_a_restart_counts() {
        let allowance = Allowance::default();
        allowance.restore(Day(7), 15);
        let taken = (0..50).filter(|_| allowance.take(quota(0, 20), at(0.0, 7))).count();
        assert_eq!(taken, 5);
        assert!(!allowance.is_fresh(at(0.0, 7)));
        assert!(allowance.is_fresh(at(0.0, 8)));
    }

    #[test]
    fn what_is_restored_late_is_added_to_what_was_asked_meanwhile() {
        let allowance = Allowance::default();
        let taken = |most| (0..most).filter(|_| allowance.take(quota(0, 20), at(0.0, 7))).count();
        assert_eq!(taken(3), 3);
        allowance.restore(Day(7), 15);
        assert_eq!(allowance.asked_on(Day(7)), 18);
        assert_eq!(taken(20), 2);
        // A day that is over.
        allowance.restore(Day(6), 15);
        assert_eq!(allowance.asked_on(Day(7)), 20);
    }

    #[test]
    fn many_workers_take_no_more_than_there_is() {
        let allowance = Allowance::default();
        let work = || (0..5_000).filter(|_| allowance.take(quota(0, 6_000), at(0.0, 7))).count();
        let taken: usize = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        // Each worker may have seen the last question as free.
        assert!((6_000..6_004).contains(&taken), "{taken}");
    }
}
