//! What the receiver counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were served.
    pub connections: u64,
    /// Connections beyond a limit, and idle ones that made room.
    pub turned_away: u64,
    /// Recipients that were refused.
    pub refused: u64,
    /// Messages handed to the inbox.
    pub returned: u64,
    /// Messages to postmaster and abuse, which nobody reads.
    pub dropped: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(super) connections: AtomicU64,
    pub(super) turned_away: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) returned: AtomicU64,
    pub(super) dropped: AtomicU64,
}

impl Counters {
    /// The counts of this moment.
    pub(crate) fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            connections: read(&self.connections),
            turned_away: read(&self.turned_away),
            refused: read(&self.refused),
            returned: read(&self.returned),
            dropped: read(&self.dropped),
        }
    }
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
