//! What an import is expected to do.

use std::ops::RangeInclusive;

use crate::ImportCounts;

/// The bounds within which an import is to stay, or it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedDelta {
    /// How many listings it may add.
    pub added: RangeInclusive<u64>,
    /// How many it may change.
    pub updated: RangeInclusive<u64>,
    /// How many it may remove.
    pub removed: RangeInclusive<u64>,
}

impl Default for ExpectedDelta {
    /// Any.
    fn default() -> Self {
        let any = || 0..=u64::MAX;
        Self { added: any(), updated: any(), removed: any() }
    }
}

impl ExpectedDelta {
    /// Why an import is not what was expected, if so.
    pub(crate) fn why_not(&self, counts: &ImportCounts) -> Option<String> {
        let all = [
            ("added", &self.added, counts.added),
            ("updated", &self.updated, counts.updated),
            ("removed", &self.removed, counts.removed),
        ];
        let (what, range, found) =
            all.into_iter().find(|(_, range, found)| !range.contains(found))?;
        let expected = match (*range.start(), *range.end()) {
            (from, to) if from == to => from.to_string(),
            (from, u64::MAX) => format!("{from} or more"),
            (from, to) => format!("{from} to {to}"),
        };
        Some(format!("{found} listings would be {what}, where {expected} were expected"))
    }
}
