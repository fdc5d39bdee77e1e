//! Zone serial numbers (RFC 1982).

/// A zone's SOA serial: wraps at 2^32 and is compared by RFC 1982 section 3.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Serial(pub u32);

impl Serial {
    /// The serial after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Whether `self` is later than `other` (RFC 1982 section 3.2; false where it is undefined).
    pub fn is_after(self, other: Self) -> bool {
        let ahead = self.0.wrapping_sub(other.0);
        ahead != 0 && ahead < 1 << 31
    }

    /// The next serial, but at least `floor` where one is given.
    #[must_use]
    pub fn next_at_least(self, floor: Option<Self>) -> Self {
        match floor {
            Some(floor) if floor.is_after(self) => floor,
            _ => self.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Serial;

    #[test]
    fn rfc1982_s3_2_a_serial_past_the_wrap_is_after() {
        assert!(Serial(1).is_after(Serial(u32::MAX)));
        assert!(!Serial(u32::MAX).is_after(Serial(1)));
        assert!(!Serial(7).is_after(Serial(7)));
        assert_eq!(Serial(u32::MAX).next(), Serial(0));
    }

    #[test]
    fn a_floor_lifts_the_next_serial_but_never_lowers_it() {
        assert_eq!(Serial(5).next_at_least(Some(Serial(2026))), Serial(2026));
        assert_eq!(Serial(5).next_at_least(Some(Serial(3))), Serial(6));
        assert_eq!(Serial(5).next_at_least(None), Serial(6));
    }
}
