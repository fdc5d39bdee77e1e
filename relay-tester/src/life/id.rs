//! New names for tests.

use dnsbl_types::UnixTime;

use crate::TestId;

/// Bits that are drawn at random; what is above them is the time, good for a hundred years.
const RANDOM_BITS: u32 = 32;

impl TestId {
    /// A new id, behind those of earlier seconds. Who has an id may see the test without a token, where
    /// the server allows that, so `random` should not be guessed.
    pub fn new(now: UnixTime, random: u64) -> Self {
        Self(now.0 << RANDOM_BITS | (random & ((1 << RANDOM_BITS) - 1)))
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
    }
}
