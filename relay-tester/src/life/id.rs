//! New names for tests.

use dnsbl_types::UnixTime;

use crate::TestId;

/// Bits that are drawn at random; what is above them is the time.
const RANDOM_BITS: u32 = 28;

impl TestId {
    /// A new id, behind those of earlier seconds; `random` need not be secret.
    pub fn new(now: UnixTime, random: u64) -> Self {
        Self(now.0 << RANDOM_BITS | (random & ((1 << RANDOM_BITS) - 1)))
    }

    /// The second of its submission.
    pub fn submitted_at(self) -> UnixTime {
        UnixTime(self.0 >> RANDOM_BITS)
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use crate::TestId;

    #[test]
    fn later_tests_have_greater_names() {
        let [early, late] = [1_000, 1_001].map(|at| TestId::new(UnixTime(at), u64::MAX));
        assert!(early < late);
        assert!(late < TestId::new(UnixTime(1_002), 0));
        assert_eq!(late.submitted_at(), UnixTime(1_001));
    }
}
