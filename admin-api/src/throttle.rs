//! So many lines a second of what strangers can cause at will.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lines of one second.
const LINES: u32 = 50;

const SECOND: Duration = Duration::from_secs(1);

/// Counts lines, so that nobody fills a disk by asking.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    since: Option<Instant>,
    lines: u32,
    left_out: u64,
}

/// The decision about a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ThrottleDecision {
    /// Write it; so many were left out before.
    Write {
        /// How many.
        left_out: u64,
    },
    /// Leave it out.
    LeaveOut,
}

impl Throttle {
    /// Whether a line that is due now is written.
    pub(crate) fn judge(&self, now: Instant) -> ThrottleDecision {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.since.is_none_or(|since| now.duration_since(since) >= SECOND) {
            (counts.since, counts.lines) = (Some(now), 0);
        }
        if counts.lines >= LINES {
            counts.left_out += 1;
            return ThrottleDecision::LeaveOut;
        }
        counts.lines += 1;
        ThrottleDecision::Write { left_out: std::mem::take(&mut counts.left_out) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_some_lines_a_second_and_says_how_many_it_had_more() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let written =
            (0..1000).filter(|_| throttle.judge(start) != ThrottleDecision::LeaveOut).count();
        assert_eq!(written, LINES as usize);
        let left_out = 1000 - u64::from(LINES);
        assert_eq!(throttle.judge(start + SECOND), ThrottleDecision::Write { left_out });
        assert_eq!(throttle.judge(start + SECOND), ThrottleDecision::Write { left_out: 0 });
    }
}
