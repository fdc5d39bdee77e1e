//! What has happened since the start, and what waits.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use dnsbl_types::{ReportCategory, Source};

use super::outcome::Outcome;
use crate::{Report, StateKind, Verdict};

const CATEGORIES: usize = ReportCategory::ALL.len();

/// Counts of reports by category and what came of them.
#[derive(Debug, Default)]
pub struct Stats {
    waiting_now: Mutex<Waiting>,
    waiting: [AtomicU64; CATEGORIES],
    listed: [AtomicU64; CATEGORIES],
    tested: [AtomicU64; CATEGORIES],
    duplicate: [AtomicU64; CATEGORIES],
    refused: [AtomicU64; CATEGORIES],
    confirmed: AtomicU64,
    refuted: AtomicU64,
}

/// How many reports wait for a reviewer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    by_category: [u64; CATEGORIES],
    by_reporter: HashMap<Source, u64>,
}

impl Waiting {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_category.iter().sum()
    }

    /// Those of a category.
    pub fn of(&self, category: ReportCategory) -> u64 {
        self.by_category[category as usize]
    }

    /// Those of a reporter.
    pub fn by(&self, reporter: &Source) -> u64 {
        self.by_reporter.get(reporter).copied().unwrap_or_default()
    }

    /// Takes note of a report that was in one state and is in another; `None`: it is not there.
    pub(super) fn note(
        &mut self,
        report: &Report,
        before: Option<StateKind>,
        after: Option<StateKind>,
    ) {
        let waits = |state: Option<StateKind>| state == Some(StateKind::Waiting);
        let count = &mut self.by_category[report.category as usize];
        match (waits(before), waits(after)) {
            (false, true) => {
                *count += 1;
                *self.by_reporter.entry(report.reporter.clone()).or_default() += 1;
            }
            (true, false) => {
                *count = count.saturating_sub(1);
                if let Some(own) = self.by_reporter.get_mut(&report.reporter) {
                    *own = own.saturating_sub(1);
                }
                self.by_reporter.retain(|_, own| *own > 0);
            }
            (true, true) | (false, false) => {}
        }
    }
}

impl Stats {
    /// What waits now.
    pub fn waiting(&self) -> Waiting {
        self.lock().clone()
    }

    /// Reports of a category, by the names of what came of them.
    pub fn outcomes(&self, category: ReportCategory) -> [(&'static str, u64); 5] {
        let of =
            |counts: &[AtomicU64; CATEGORIES]| counts[category as usize].load(Ordering::Relaxed);
        [
            ("waiting", of(&self.waiting)),
            ("listed", of(&self.listed)),
            ("tested", of(&self.tested)),
            ("duplicate", of(&self.duplicate)),
            ("refused", of(&self.refused)),
        ]
    }

    /// Reports that reviewers have found true, and false.
    pub fn decided(&self) -> [(&'static str, u64); 2] {
        let [confirmed, refuted] = [&self.confirmed, &self.refuted];
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [("confirmed", of(confirmed)), ("refuted", of(refuted))]
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting_now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what came of a report; `None`: it was refused.
    pub(super) fn count(&self, category: ReportCategory, outcome: Option<&Outcome>) {
        let state = outcome.map(|outcome| (outcome.is_new, outcome.report.state.kind()));
        let counts = match state {
            None => &self.refused,
            Some((false, _)) => &self.duplicate,
            Some((true, StateKind::Listed)) => &self.listed,
            Some((true, StateKind::Testing)) => &self.tested,
            Some((true, _)) => &self.waiting,
        };
        counts[category as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn decide(&self, verdict: Verdict, count: usize) {
        let counter = match verdict {
            Verdict::Confirmed => &self.confirmed,
            Verdict::Refuted => &self.refuted,
        };
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }
}
