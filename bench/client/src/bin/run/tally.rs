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

/// What all came to.
pub(crate) struct Tally {
    began: Instant,
    lookups: usize,
    wrong: usize,
    failed: usize,
    took: Vec<Duration>,
    /// Datagrams sent again, if the client says so.
    pub(crate) again: Option<u64>,
}

impl Tally {
    pub(crate) fn begin() -> Self {
        let began = Instant::now();
        Self { began, lookups: 0, wrong: 0, failed: 0, took: Vec::new(), again: None }
    }

    /// Adds an outcome that took so many lookups.
    pub(crate) fn add(&mut self, outcome: &Outcome, lookups: usize) {
        self.lookups += lookups;
        match outcome.listed {
            None => self.failed += 1,
            Some(listed) => self.wrong += usize::from(listed != outcome.expected),
        }
        self.took.push(outcome.took);
    }

    pub(crate) fn print(mut self) -> Result<()> {
        let elapsed = self.began.elapsed();
        self.took.sort_unstable();
        let quantile = |share: f64| {
            let rank = (self.took.len() as f64 * share).ceil() as usize;
            self.took.get(rank.saturating_sub(1)).copied().unwrap_or_default().as_micros()
        };
        let again = self.again.map_or(String::new(), |again| format!(" again={again}"));
        println!(
            "lookups={} wrong={} failed={} elapsed_us={} p50_us={} p99_us={} rss_kib={}{again}",
            self.lookups,
            self.wrong,
            self.failed,
            elapsed.as_micros(),
            quantile(0.5),
            quantile(0.99),
            peak_kib()?,
        );
        Ok(())
    }
}

/// The most memory that was resident, in KiB.
fn peak_kib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let value = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmHWM")?;
    Ok(value.trim().parse()?)
}
