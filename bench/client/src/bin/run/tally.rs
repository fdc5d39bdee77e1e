//! What came of the lookups.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// What one lookup or check came to.
pub(crate) struct Outcome {
    /// Whether it is listed; `None` if that could not be told.
    pub(crate) listed: Option<bool>,
    pub(crate) expected: bool,
    pub(crate) took: Duration,
}

/// What all came to; of the same size however many they are.
pub(crate) struct Tally {
    began: Instant,
    expected: usize,
    outcomes: usize,
    lookups: usize,
    wrong: usize,
    failed: usize,
    took: Box<[u32; BUCKETS]>,
    /// Resident after the first quarter, in KiB.
    quarter_kib: u64,
    /// Datagrams sent again, if the client says so.
    pub(crate) again: Option<u64>,
}

/// Each power of two of microseconds is split into so many buckets: times are exact to 2 %.
const SPLIT: u64 = 64;
const BUCKETS: usize = 64 * SPLIT as usize;

impl Tally {
    /// Of so many outcomes.
    pub(crate) fn begin(expected: usize) -> Self {
        Self {
            began: Instant::now(),
            expected,
            outcomes: 0,
            lookups: 0,
            wrong: 0,
            failed: 0,
            took: Box::new([0; BUCKETS]),
            quarter_kib: 0,
            again: None,
        }
    }

    /// Adds an outcome that took so many lookups.
    pub(crate) fn add(&mut self, outcome: &Outcome, lookups: usize) {
        self.outcomes += 1;
        self.lookups += lookups;
        match outcome.listed {
            None => self.failed += 1,
            Some(listed) => self.wrong += usize::from(listed != outcome.expected),
        }
        self.took[bucket(outcome.took)] += 1;
        if self.outcomes == self.expected / 4 {
            self.quarter_kib = status_kib("VmRSS:").unwrap_or_default();
        }
    }

    pub(crate) fn print(&self) -> Result<()> {
        let elapsed = self.began.elapsed();
        let grown = status_kib("VmRSS:")?.saturating_sub(self.quarter_kib);
        let again = self.again.map_or(String::new(), |again| format!(" again={again}"));
        println!(
            "lookups={} wrong={} failed={} elapsed_us={} p50_us={} p99_us={} rss_kib={} \
             grown_kib={grown}{again}",
            self.lookups,
            self.wrong,
            self.failed,
            elapsed.as_micros(),
            self.quantile(0.5),
            self.quantile(0.99),
            status_kib("VmHWM:")?,
        );
        Ok(())
    }

    /// The time that this share did not exceed, in microseconds.
    fn quantile(&self, share: f64) -> u64 {
        let rank = (self.outcomes as f64 * share).ceil() as u64;
        let mut seen = 0;
        let found = self.took.iter().position(|&count| {
            seen += u64::from(count);
            seen >= rank
        });
        found.map_or(0, |bucket| bound(bucket as u64))
    }
}

fn bucket(took: Duration) -> usize {
    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let power = u64::from((us / SPLIT).checked_ilog2().map_or(0, |log| log + 1));
    let place = if power == 0 { us } else { (us >> (power - 1)) - SPLIT };
    ((power * SPLIT + place) as usize).min(BUCKETS - 1)
}

/// The largest time in a bucket, in microseconds.
fn bound(bucket: u64) -> u64 {
    match (bucket / SPLIT, bucket % SPLIT) {
        (0, place) => place,
        (power, place) => ((place + SPLIT + 1) << (power - 1)) - 1,
    }
}

/// A line of `/proc/self/status`, in KiB.
fn status_kib(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no such line")?;
    Ok(value.trim().parse()?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{bound, bucket};

    #[test]
    fn a_time_is_in_the_bucket_that_ends_at_it_or_just_behind() {
        for us in (0..5000).chain([1_500_000, 123_456_789]) {
            let bucket = bucket(Duration::from_micros(us)) as u64;
            let end = bound(bucket);
            assert!(us <= end && end - us <= us / 64 + 1, "{us} in {bucket}, to {end}");
            assert!(bucket == 0 || bound(bucket - 1) < us);
        }
    }
}
