//! What became of the datagrams, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use super::call::AddResult;

/// The counters of a [`DracListener`](super::DracListener) since it was bound: how many datagrams had which outcome.
#[derive(Debug, Default)]
pub struct DracCounters([AtomicU64; DracOutcome::ALL.len()]);

/// The outcome of a datagram. Each has exactly one, once it has been dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DracOutcome {
    /// An address was to be added, and that was the result.
    Add(AddResult),
    /// The procedure that does nothing was called.
    Null,
    /// The call was here before: it was answered again as it was then, or will be when its address is added.
    Repeated,
    /// The call was answered with the reason why it can't be carried out, such as another program.
    Refused,
    /// It was no call, and not answered.
    Malformed,
    /// It came from elsewhere than the networks that are heard, and was not answered.
    Foreign,
    /// The call was dropped, as [`DracListener::MAX_ADDS`](super::DracListener::MAX_ADDS) were under way.
    Shed,
}

impl DracOutcome {
    /// All there are.
    pub const ALL: [Self; 10] = [
        Self::Add(AddResult::Success),
        Self::Add(AddResult::Permission),
        Self::Add(AddResult::System),
        Self::Add(AddResult::Unknown),
        Self::Null,
        Self::Repeated,
        Self::Refused,
        Self::Malformed,
        Self::Foreign,
        Self::Shed,
    ];

    /// The place in [`Self::ALL`].
    const fn index(self) -> usize {
        match self {
            Self::Add(AddResult::Success) => 0,
            Self::Add(AddResult::Permission) => 1,
            Self::Add(AddResult::System) => 2,
            Self::Add(AddResult::Unknown) => 3,
            Self::Null => 4,
            Self::Repeated => 5,
            Self::Refused => 6,
            Self::Malformed => 7,
            Self::Foreign => 8,
            Self::Shed => 9,
        }
    }
}

impl DracCounters {
    /// How many datagrams had this outcome.
    pub fn value(&self, outcome: DracOutcome) -> u64 {
        self.0[outcome.index()].load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, outcome: DracOutcome) {
        self.0[outcome.index()].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_a_counter_of_its_own() {
        for (index, outcome) in DracOutcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome.index(), index);
        }
    }

    #[test]
    fn what_is_counted_is_shown() {
        let counters = DracCounters::default();
        counters.count(DracOutcome::Foreign);
        counters.count(DracOutcome::Foreign);
        for outcome in DracOutcome::ALL {
            let expected = if outcome == DracOutcome::Foreign { 2 } else { 0 };
            assert_eq!(counters.value(outcome), expected, "{outcome:?}");
        }
    }
}
