//! The name of a test.

use std::{fmt, str::FromStr};

use dnsbl_types::UnixTime;

/// Lower-case Crockford base32, whose order is that of the numbers.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Digits of an id: 64 bits at 5 a digit.
const DIGITS: usize = 13;

/// Bits that are drawn at random; what is above them is the time.
const RANDOM_BITS: u32 = 28;

/// The name of a test: 13 digits that sort by the second of submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TestId(pub u64);

/// What was given is no id of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a relay test is {DIGITS} characters of 0-9 and a-z without i, l, o and u")]
pub struct TestIdError;

impl TestId {
    /// A new id; `random` need not be secret.
    pub fn new(now: UnixTime, random: u64) -> Self {
        Self(now.0 << RANDOM_BITS | (random & ((1 << RANDOM_BITS) - 1)))
    }

    /// The least id of that second; those of earlier tests are below it.
    pub fn first_of(at: UnixTime) -> Self {
        Self::new(at, 0)
    }
}

impl fmt::Display for TestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits: [u8; DIGITS] = std::array::from_fn(|at| {
            let shift = 5 * (DIGITS - 1 - at);
            ALPHABET[(self.0 >> shift) as usize & 31]
        });
        f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl FromStr for TestId {
    type Err = TestIdError;

    fn from_str(text: &str) -> Result<Self, TestIdError> {
        if text.len() != DIGITS {
            return Err(TestIdError);
        }
        let number = text.bytes().try_fold(0u128, |number, digit| {
            let value = ALPHABET.iter().position(|&d| d == digit).ok_or(TestIdError)?;
            Ok(number << 5 | value as u128)
        })?;
        u64::try_from(number).map(Self).map_err(|_| TestIdError)
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;
    use proptest::prelude::*;

    use super::{TestId, TestIdError};

    #[test]
    fn later_tests_have_greater_names() {
        let [early, late] = [1_000, 1_001].map(|at| TestId::new(UnixTime(at), u64::MAX));
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
        assert!(early < TestId::first_of(UnixTime(1_001)));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "0", "zzzzzzzzzzzzz", "000000000000O", "00000000000000", "é00000000000"] {
            assert_eq!(text.parse::<TestId>(), Err(TestIdError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_id_is_read_back_as_it_was_written(number: u64) {
            prop_assert_eq!(TestId(number).to_string().parse(), Ok(TestId(number)));
        }
    }
}
