//! Numbers of tests.

use std::{fmt, str::FromStr};

use super::base32;

/// The number of a test, drawn at random. It is shown as 13 characters of base32 and may be read in
/// either case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TestId(pub u64);

/// The error that a text is no number of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number of a test has {} characters of a-z and 2-7", TestId::LEN)]
pub struct TestIdError;

impl TestId {
    /// Characters of a number.
    pub const LEN: usize = 13;
}

impl FromStr for TestId {
    type Err = TestIdError;

    fn from_str(text: &str) -> Result<Self, TestIdError> {
        let bytes = base32::decode(text.as_bytes()).ok_or(TestIdError)?;
        let bytes = bytes.try_into().map_err(|_| TestIdError)?;
        Ok(Self(u64::from_be_bytes(bytes)))
    }
}

impl fmt::Display for TestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base32::encode(&self.0.to_be_bytes()))
    }
}

impl fmt::Debug for TestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestId({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::TestId;

    proptest! {
        #[test]
        fn a_number_is_read_back_in_either_case(id in any::<u64>()) {
            let text = TestId(id).to_string();
            prop_assert_eq!(text.len(), TestId::LEN);
            prop_assert_eq!(text.to_uppercase().parse(), Ok(TestId(id)));
        }

        #[test]
        fn no_text_is_read_as_a_number_that_is_shown_otherwise(text in "[a-z2-7]{12,14}") {
            if let Ok(id) = text.parse::<TestId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
