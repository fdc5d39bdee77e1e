//! What the tester does, as figures.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use super::Tester;
use crate::{Counts, life::Verdict, receiver::Counters};

/// What the tester is doing, and what it has done since the start.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// How often which verdict was reached. A late return gives its test a second one.
    pub verdicts: [(Verdict, u64); Verdict::ALL.len()],
    /// Tests that wait for their turn, or for a message to come back.
    pub waiting: usize,
    /// Tests whose host is being talked to.
    pub running: usize,
    /// What came to the receiver.
    pub receiver: Counts,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// In the order of [`Verdict::ALL`].
    verdicts: [AtomicU64; Verdict::ALL.len()],
    /// The counters of the receiver, once it listens.
    receiver: OnceLock<Arc<Counters>>,
}

impl Tally {
    pub(super) fn count(&self, verdict: Verdict) {
        let counters = Verdict::ALL.into_iter().zip(&self.verdicts);
        for (_, counter) in counters.filter(|(counted, _)| *counted == verdict) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn watch(&self, receiver: Arc<Counters>) {
        // A tester starts once.
        let _ = self.receiver.set(receiver);
    }
}

impl Tester {
    /// The figures of this moment. It may block for as long as a change takes, so never call it from
    /// asynchronous code.
    pub fn figures(&self) -> Figures {
        let read = |at: usize| self.tally.verdicts[at].load(Ordering::Relaxed);
        let (under_way, running) =
            (self.book.blocking_lock().under_way.len(), self.running().len());
        let receiver = self.tally.receiver.get();
        Figures {
            verdicts: std::array::from_fn(|at| (Verdict::ALL[at], read(at))),
            waiting: under_way.saturating_sub(running),
            running,
            receiver: receiver.map(|receiver| receiver.read()).unwrap_or_default(),
        }
    }
}
