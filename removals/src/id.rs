//! The numbers of requests.

use std::{fmt, str::FromStr};

use dnsbl_types::UnixTime;

/// The number of a request; later ones are higher.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemovalId(pub u64);

/// A text that is no number of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number of a request for removal has {} digits of 0-9 and a-f", RemovalId::LEN)]
pub struct RemovalIdError;

impl RemovalId {
    /// Digits of a number.
    pub const LEN: usize = 16;
    /// Numbers of one second.
    const BITS: u32 = 20;

    /// The number that follows another at a time.
    pub(crate) fn after(self, now: UnixTime) -> Self {
        let first = now.0.min(u64::MAX >> Self::BITS) << Self::BITS;
        Self(first.max(self.0.saturating_add(1)))
    }
}

impl fmt::Display for RemovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for RemovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemovalId({self})")
    }
}

impl FromStr for RemovalId {
    type Err = RemovalIdError;

    fn from_str(text: &str) -> Result<Self, RemovalIdError> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_id = text.len() == Self::LEN && text.bytes().all(is_digit);
        let number = u64::from_str_radix(text, 16).ok().filter(|_| is_id);
        number.map(Self).ok_or(RemovalIdError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_whatever_the_clock_does_and_are_read_as_they_are_written() {
        let now = UnixTime(1_700_000_000);
        let first = RemovalId(0).after(now);
        let second = first.after(now);
        let back = second.after(UnixTime(5));
        assert!(first < second && second < back && back < back.after(now.plus(1)));
        for id in [first, second, back, RemovalId(u64::MAX)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in ["", "0", "000000000000000g", "00000000000000A0", "+000000000000001"] {
            assert!(text.parse::<RemovalId>().is_err(), "{text}");
        }
    }
}
