//! A reporter's record: what has come of what it reported.

use dnsbl_types::{Source, UnixTime};

use crate::Verdict;

/// What has come of a reporter's reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporter {
    /// The name of its token.
    pub name: Source,
    /// How many reports it has made, without duplicates.
    pub reports: u64,
    /// How often it has said again what it had said.
    pub duplicates: u64,
    /// How many reports a reviewer has found true.
    pub confirmed: u64,
    /// How many reports a reviewer has found false.
    pub refuted: u64,
    /// When the first came.
    pub first: UnixTime,
    /// When the last came.
    pub last: UnixTime,
}

impl Reporter {
    /// Refuted reports from which on the share is looked at.
    pub const FEW: u64 = 3;
    /// One in so many of the reports that were decided may be refuted.
    pub const ONE_IN: u64 = 5;

    /// Somebody who has not reported anything yet.
    pub fn new(name: Source, now: UnixTime) -> Self {
        Self { name, reports: 0, duplicates: 0, confirmed: 0, refuted: 0, first: now, last: now }
    }

    /// Whether what it reports counts: fewer than three of its reports were refuted, or at most a fifth of those that were
    /// decided. Who counts no more counts again once enough of its reports were confirmed.
    pub fn counts(&self) -> bool {
        let decided = self.confirmed.saturating_add(self.refuted);
        self.refuted < Self::FEW || self.refuted.saturating_mul(Self::ONE_IN) <= decided
    }

    /// Takes a verdict on one of its reports, in place of the one before.
    pub(crate) fn decide(&mut self, before: Option<Verdict>, verdict: Verdict) {
        if let Some(before) = before {
            let count = self.decided(before);
            *count = count.saturating_sub(1);
        }
        let count = self.decided(verdict);
        *count = count.saturating_add(1);
    }

    fn decided(&mut self, verdict: Verdict) -> &mut u64 {
        match verdict {
            Verdict::Confirmed => &mut self.confirmed,
            Verdict::Refuted => &mut self.refuted,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reporter(confirmed: u64, refuted: u64) -> Reporter {
        let new = Reporter::new("mx1".parse().unwrap(), UnixTime(1));
        Reporter { confirmed, refuted, ..new }
    }

    #[test]
    fn who_is_refuted_too_often_counts_no_more_until_enough_was_confirmed() {
        assert!(reporter(0, 0).counts());
        assert!(reporter(0, 2).counts());
        assert!(!reporter(0, 3).counts());
        assert!(!reporter(11, 3).counts());
        assert!(reporter(12, 3).counts());
    }

    proptest! {
        #[test]
        fn counts_are_those_of_the_last_verdict_on_each_report(
            verdicts in proptest::collection::vec((0..5_usize, any::<bool>()), 0..40),
        ) {
            let (mut reporter, mut last) = (reporter(0, 0), [None; 5]);
            for (report, is_true) in verdicts {
                let verdict = if is_true { Verdict::Confirmed } else { Verdict::Refuted };
                reporter.decide(last[report].replace(verdict), verdict);
            }
            let count = |of| last.iter().filter(|verdict| **verdict == Some(of)).count() as u64;
            prop_assert_eq!(reporter.confirmed, count(Verdict::Confirmed));
            prop_assert_eq!(reporter.refuted, count(Verdict::Refuted));
        }
    }
}
