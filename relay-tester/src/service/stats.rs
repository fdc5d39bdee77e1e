//! The statistics of the tester.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use crate::{Counts, life::Verdict, receiver::Counters};

/// The tests and messages of this moment, and since the start.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// How often which verdict was reached. A late return gives its test a second one.
    pub verdicts: [(Verdict, u64); Verdict::ALL.len()],
    /// Tests that wait for their turn, or for a message to come back.
    pub waiting: usize,
    /// Tests whose host is being talked to.
    pub running: usize,
    /// Messages and connections that came to the receiver.
    pub receiver: Counts,
}

/// The counters of verdicts, and those of the receiver once it listens.
#[derive(Debug, Default)]
pub(super) struct StatCounters {
    /// In the order of [`Verdict::ALL`].
    verdicts: [AtomicU64; Verdict::ALL.len()],
    receiver: OnceLock<Arc<Counters>>,
}

impl StatCounters {
    pub(super) fn count(&self, verdict: Verdict) {
        let counters = Verdict::ALL.into_iter().zip(&self.verdicts);
        for (_, counter) in counters.filter(|(counted, _)| *counted == verdict) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn include(&self, receiver: Arc<Counters>) {
        // A tester starts once.
        let _ = self.receiver.set(receiver);
    }

    /// The statistics, where so many tests are under way, of which so many have a conversation.
    pub(super) fn stats(&self, under_way: usize, running: usize) -> Stats {
        let read = |at: usize| self.verdicts[at].load(Ordering::Relaxed);
        Stats {
            verdicts: std::array::from_fn(|at| (Verdict::ALL[at], read(at))),
            waiting: under_way.saturating_sub(running),
            running,
            receiver: self.receiver.get().map(|receiver| receiver.read()).unwrap_or_default(),
        }
    }
}
