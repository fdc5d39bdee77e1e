//! Keys of subscribers: `d.c.b.a.<key>.<zone>`.

use std::fmt;

/// The text of a subscriber's key: a label of 26 lower-case letters and digits that says 128 bits. It shows itself
/// only when asked to.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey(String);

/// The digest of a key, by which it is known again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyDigest([u8; 32]);

impl AccessKey {
    /// How many random bytes a key needs.
    pub const RANDOM: usize = 16;
    /// The fewest characters of what is taken for a key, be it that somebody has mistyped it: the longest
    /// top-level domain of letters and digits has 18.
    const LIKE: usize = 20;

    /// The key of random bytes.
    pub fn from_random(random: [u8; Self::RANDOM]) -> Self {
        // Base 32 (RFC 4648 section 6), which survives that resolvers play with upper and lower case.
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let bits = u128::from_be_bytes(random);
        // 25 times five bits, and the last three with two zeros behind them.
        let fives = (0..25).map(|at| bits >> (123 - 5 * at)).chain([bits << 2]);
        Self(fives.map(|five| char::from(ALPHABET[(five & 31) as usize])).collect())
    }

    /// The text, to hand it to its holder.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The digest of it.
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.0.as_bytes())
    }

    /// Whether a label in lower case is a key, a key that is no more, or a mistyped one, and not a part of an
    /// address or domain.
    pub fn is_like(label: &[u8]) -> bool {
        label.len() >= Self::LIKE && label.iter().all(u8::is_ascii_alphanumeric)
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(…)")
    }
}

impl KeyDigest {
    /// The digest of a label in lower case.
    pub fn of(label: &[u8]) -> Self {
        Self(blake3::hash(label).into())
    }

    /// The digest with these bytes, as it was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What tells a key from the others of a subscriber, and is of no use to anybody: 8 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        self.0[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The first half, which tells 2^64 keys apart.
    pub fn prefix(&self) -> u128 {
        let (halves, _) = self.0.as_chunks();
        u128::from_be_bytes(halves[0])
    }
}

/// Shows nothing of a key that could be searched for.
impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_is_a_label_that_says_all_of_its_bits(random: [u8; 16]) {
            let key = AccessKey::from_random(random);
            prop_assert_eq!(key.reveal().len(), 26);
            prop_assert!(AccessKey::is_like(key.reveal().as_bytes()));
            let five = |c: u8| if c.is_ascii_digit() { c - b'2' + 26 } else { c - b'a' };
            let digits: Vec<u8> = key.reveal().bytes().map(five).collect();
            let first = digits[..25].iter().fold(0, |bits, five| bits << 5 | u128::from(*five));
            let bits = first << 3 | u128::from(digits[25] >> 2);
            prop_assert_eq!(bits, u128::from_be_bytes(random));
            prop_assert_eq!(digits[25] & 3, 0);
        }
    }

    #[test]
    fn a_key_shows_itself_only_when_asked_to() {
        let key = AccessKey::from_random([7; 16]);
        let shown = format!("{key:?} {:?}", key.digest());
        assert!(!shown.contains(key.reveal()), "{shown}");
    }

    #[test]
    fn parts_of_addresses_and_domains_are_no_keys() {
        for label in ["1", "255", "f", "com", "cancerresearch", "northwesternmutual"] {
            assert!(!AccessKey::is_like(label.as_bytes()), "{label}");
        }
        assert!(!AccessKey::is_like(b"xn--vermgensberatung-pwb"));
        assert!(AccessKey::is_like(&[b'a'; 25]));
        assert!(AccessKey::is_like(&[b'a'; 27]));
    }
}
