//! When to post after something went wrong, and how often to say so.

use std::time::{Duration, Instant};

/// How much is on its way to the server at once.
const WIDTH: usize = 64;
/// After the first failure; then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How often one kind of trouble is logged.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The pace of posting: nothing during a pause, one thing behind it, many while all is well.
#[derive(Debug)]
pub(super) struct Pace {
    /// How long a server may ask to be left alone.
    longest_retry_after: Duration,
    failures: u32,
    until: Option<Instant>,
}

impl Pace {
    pub(super) fn new(longest_retry_after: Duration) -> Self {
        Self { longest_retry_after, failures: 0, until: None }
    }

    /// How much may be on its way now.
    pub(super) fn width(&self, now: Instant) -> usize {
        match self.until {
            Some(until) if now < until => 0,
            _ if self.failures > 0 => 1,
            _ => WIDTH,
        }
    }

    /// When the pause ends, if there is one.
    pub(super) fn pause(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| now < *until)
    }

    /// The server has answered; tells whether it had not before.
    pub(super) fn succeeded(&mut self) -> bool {
        self.until = None;
        std::mem::take(&mut self.failures) > 0
    }

    /// The server could not be reached or wants to be left alone, for so long if it says so.
    pub(super) fn failed(&mut self, now: Instant, retry_after: Option<Duration>) {
        // Those that were on their way together fail together.
        if self.pause(now).is_some() && retry_after.is_none() {
            return;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        let longest = self.longest_retry_after;
        let until = now + retry_after.map_or(pause, |wanted| wanted.min(longest).max(pause));
        self.until = self.until.max(Some(until));
    }
}

/// A kind of trouble that is logged now and then, with how often it was.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    logged: Option<Instant>,
    count: u64,
}

impl Seldom {
    /// Counts; gives how many there were since it was logged, if it is time to log it again.
    pub(crate) fn count(&mut self, now: Instant, more: u64) -> Option<u64> {
        self.count += more;
        let is_due = self.logged.is_none_or(|logged| now.duration_since(logged) >= LOG_EVERY);
        if self.count == 0 || !is_due {
            return None;
        }
        self.logged = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{LONGEST_PAUSE, Pace, Seldom, WIDTH};

    const MS: Duration = Duration::from_millis(1);
    const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

    #[test]
    fn pauses_double_and_one_thing_is_tried_after_each() {
        let (mut pace, mut now) = (Pace::new(LONGEST_RETRY_AFTER), Instant::now());
        assert_eq!((pace.width(now), pace.pause(now)), (WIDTH, None));
        for expected in [250, 500, 1000, 2000, 4000, 8000, 8000] {
            pace.failed(now, None);
            pace.failed(now, None);
            assert_eq!(pace.pause(now), Some(now + expected * MS));
            assert_eq!(pace.width(now + expected * MS - MS), 0);
            now += expected * MS;
            assert_eq!((pace.width(now), pace.pause(now)), (1, None));
        }
        assert!(pace.succeeded());
        assert_eq!(pace.width(now), WIDTH);
        assert!(!pace.succeeded());
    }

    #[test]
    fn a_server_may_ask_for_a_longer_pause_within_limits() {
        let (mut pace, now) = (Pace::new(LONGEST_RETRY_AFTER), Instant::now());
        pace.failed(now, Some(3000 * MS));
        assert_eq!(pace.pause(now), Some(now + 3000 * MS));
        pace.failed(now, Some(MS));
        assert_eq!(pace.pause(now), Some(now + 3000 * MS));
        pace.failed(now, Some(Duration::MAX));
        assert_eq!(pace.pause(now), Some(now + LONGEST_RETRY_AFTER));
        (0..200).for_each(|_| pace.failed(now + LONGEST_RETRY_AFTER, None));
        assert!(
            pace.pause(now + LONGEST_RETRY_AFTER)
                <= Some(now + LONGEST_RETRY_AFTER + LONGEST_PAUSE)
        );
    }

    #[test]
    fn trouble_is_told_once_a_minute() {
        let (mut trouble, now) = (Seldom::default(), Instant::now());
        assert_eq!(trouble.count(now, 0), None);
        assert_eq!(trouble.count(now, 1), Some(1));
        assert_eq!(trouble.count(now + 59_999 * MS, 2), None);
        assert_eq!(trouble.count(now + 60_000 * MS, 1), Some(3));
        assert_eq!(trouble.count(now + 120_000 * MS, 0), None);
    }
}
