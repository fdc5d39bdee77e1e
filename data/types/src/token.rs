//! Tokens of the API: their text, and the terms that limit what one may do.

use std::{fmt, num::NonZeroU32};

use ipnet::IpNet;

use crate::{Name, Subject};

/// In front of every token, so that people and secret scanners know one.
const PREFIX: &str = "dnsbl_";
/// Digits of the public part.
const ID: usize = 16;
/// Digits of the secret part, and of the checksum behind it.
const SECRET: usize = 64;
const CHECKSUM: usize = 8;

/// The secret text of a token: `dnsbl_`, 16 hexadecimal digits that are public, `_`, 64 that are secret, and the CRC-32
/// (ISO 3309) of all that in 8; in lower case. Texts of older releases end without a checksum.
///
/// It shows itself only when asked to.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(String);

/// The digest by which the secret part of a token is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenDigest([u8; 32]);

/// A text that is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenTextError {
    /// It looks like none.
    #[error("this is no token: tokens begin with dnsbl_")]
    Foreign,
    /// A character is wrong or missing, or there is one too many.
    #[error("this token is mistyped or cut off: its checksum does not fit")]
    Mistyped,
}

impl TokenText {
    /// Random bytes of the public part, and of the secret one.
    pub const RANDOM_ID: usize = ID / 2;
    /// Random bytes of the secret part.
    pub const RANDOM_SECRET: usize = SECRET / 2;

    /// A token with a public part of its own.
    pub fn from_random(id: [u8; Self::RANDOM_ID], secret: [u8; Self::RANDOM_SECRET]) -> Self {
        Self::of(&hex(&id), secret)
    }

    /// The token with this public part, which is that of another one, and a new secret.
    pub fn of(id: &str, secret: [u8; Self::RANDOM_SECRET]) -> Self {
        let text = format!("{PREFIX}{id}_{}", hex(&secret));
        let checksum = crc32(text.as_bytes());
        Self(format!("{text}{checksum:08x}"))
    }

    /// Reads what somebody sent.
    ///
    /// # Errors
    /// It is no token, or not a whole one.
    pub fn parse(text: &str) -> Result<Self, TokenTextError> {
        let rest = text.strip_prefix(PREFIX).ok_or(TokenTextError::Foreign)?;
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let (id, secret) = rest.split_once('_').ok_or(TokenTextError::Mistyped)?;
        if id.len() != ID || !is_hex(id) || !is_hex(secret) {
            return Err(TokenTextError::Mistyped);
        }
        let is_whole = match secret.len() {
            SECRET => true,
            len if len == SECRET + CHECKSUM => {
                let (body, checksum) = text.split_at(text.len() - CHECKSUM);
                format!("{:08x}", crc32(body.as_bytes())) == checksum
            }
            _ => false,
        };
        if is_whole { Ok(Self(text.to_owned())) } else { Err(TokenTextError::Mistyped) }
    }

    /// The public part of something that looks like a token, be it mistyped.
    pub fn id_in(text: &str) -> Option<&str> {
        text.match_indices(PREFIX).find_map(|(at, _)| {
            let id = text.get(at + PREFIX.len()..)?.get(..ID)?;
            id.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(id)
        })
    }

    /// The public part.
    pub fn id(&self) -> &str {
        &self.0[PREFIX.len()..PREFIX.len() + ID]
    }

    /// What the store knows the rest by.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(blake3::hash(&self.0.as_bytes()[PREFIX.len() + ID + 1..]).into())
    }

    /// The text, to hand it to its holder.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(…)")
    }
}

impl TokenDigest {
    /// One that was kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether two are the same; takes the same time wherever they differ.
    pub fn is(&self, other: &Self) -> bool {
        blake3::Hash::from_bytes(self.0) == blake3::Hash::from_bytes(other.0)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// CRC-32 of ISO 3309, as zlib has it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// The terms of a token beside its scopes, sources and end. The default limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenTerms {
    /// The zones that it may touch, ascending, at most [`MAX_ZONES`](Self::MAX_ZONES); none: all.
    pub zones: Vec<Name>,
    /// The largest prefixes whose listings it may change; `None`: any.
    pub max_prefix: Option<MaxPrefix>,
    /// The networks that it may be used from, at most [`MAX_NETWORKS`](Self::MAX_NETWORKS); none: all.
    pub networks: Vec<IpNet>,
    /// How many requests it may make in a minute; `None`: any.
    pub requests_per_minute: Option<NonZeroU32>,
}

/// The largest prefixes, by their lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPrefix {
    ipv4: u8,
    ipv6: u8,
}

/// Terms that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenTermsError {
    /// Too many zones.
    #[error("zones: {0} are more than {max}", max = TokenTerms::MAX_ZONES)]
    Zones(usize),
    /// Too many networks.
    #[error("networks: {0} are more than {max}", max = TokenTerms::MAX_NETWORKS)]
    Networks(usize),
    /// A prefix with host bits, so that it is unclear what is meant.
    #[error("networks: {0} has host bits; it is {net}", net = .0.trunc())]
    HostBits(IpNet),
    /// No length of a prefix.
    #[error("max_prefix: /{ipv4} is not within /0 to /32, or /{ipv6} not within /0 to /128")]
    Length {
        /// The length for IPv4.
        ipv4: u8,
        /// The length for IPv6.
        ipv6: u8,
    },
}

impl TokenTerms {
    /// The most zones.
    pub const MAX_ZONES: usize = 64;
    /// The most networks.
    pub const MAX_NETWORKS: usize = 64;

    /// The terms with each zone and network once, in order.
    ///
    /// # Errors
    /// They make no sense.
    pub fn check(mut self) -> Result<Self, TokenTermsError> {
        self.zones.sort_unstable();
        self.zones.dedup();
        self.networks.sort_unstable();
        self.networks.dedup();
        if self.zones.len() > Self::MAX_ZONES {
            return Err(TokenTermsError::Zones(self.zones.len()));
        }
        if self.networks.len() > Self::MAX_NETWORKS {
            return Err(TokenTermsError::Networks(self.networks.len()));
        }
        match self.networks.iter().find(|network| network.trunc() != **network) {
            Some(network) => Err(TokenTermsError::HostBits(*network)),
            None => Ok(self),
        }
    }
}

impl MaxPrefix {
    /// These lengths and longer ones.
    ///
    /// # Errors
    /// They are no lengths of prefixes.
    pub fn new(ipv4: u8, ipv6: u8) -> Result<Self, TokenTermsError> {
        match ipv4 <= 32 && ipv6 <= 128 {
            true => Ok(Self { ipv4, ipv6 }),
            false => Err(TokenTermsError::Length { ipv4, ipv6 }),
        }
    }

    /// The shortest length for IPv4.
    pub fn ipv4(self) -> u8 {
        self.ipv4
    }

    /// The shortest length for IPv6.
    pub fn ipv6(self) -> u8 {
        self.ipv6
    }

    /// Whether a subject is no larger; domains have no length.
    pub fn admits(self, subject: &Subject) -> bool {
        match subject {
            Subject::V4(net) => net.prefix_len() >= self.ipv4,
            Subject::V6(net) => net.prefix_len() >= self.ipv6,
            Subject::Domain(_) => true,
        }
    }

    /// Whether it admits no prefix that the other does not.
    pub fn is_within(self, other: Self) -> bool {
        self.ipv4 >= other.ipv4 && self.ipv6 >= other.ipv6
    }

    /// What both admit.
    pub fn and(self, other: Self) -> Self {
        Self { ipv4: self.ipv4.max(other.ipv4), ipv6: self.ipv6.max(other.ipv6) }
    }
}

impl fmt::Display for MaxPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{} of IPv4 and /{} of IPv6", self.ipv4, self.ipv6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> TokenText {
        TokenText::from_random([0xa1; TokenText::RANDOM_ID], [0x5c; TokenText::RANDOM_SECRET])
    }

    #[test]
    fn the_checksum_is_the_one_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_token_is_read_back_and_every_slip_of_a_finger_is_seen() {
        let (token, text) = (token(), token().reveal().to_owned());
        assert_eq!(text.len(), 6 + 16 + 1 + 64 + 8);
        assert_eq!(TokenText::parse(&text), Ok(token));
        for at in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            let other = String::from_utf8(other).unwrap();
            assert!(TokenText::parse(&other).is_err(), "{other}");
            let mut shorter = text.clone();
            shorter.remove(at);
            assert!(TokenText::parse(&shorter).is_err(), "{shorter}");
            let mut longer = text.clone();
            longer.insert(at, '7');
            assert!(TokenText::parse(&longer).is_err(), "{longer}");
            let mut swapped = text.clone().into_bytes();
            swapped.swap(at, (at + 1) % text.len());
            let swapped = String::from_utf8(swapped).unwrap();
            assert!(swapped == text || TokenText::parse(&swapped).is_err(), "{swapped}");
        }
        for foreign in ["", "nonsense", "DNSBL_x", "ghp_x"] {
            assert_eq!(TokenText::parse(foreign), Err(TokenTextError::Foreign), "{foreign}");
        }
        for mistyped in ["dnsbl_", "dnsbl_0_1", "dnsbl_0000_none", &text.to_uppercase()[6..]] {
            assert!(TokenText::parse(mistyped).is_err(), "{mistyped}");
        }
    }

    #[test]
    fn a_text_of_an_older_release_has_no_checksum_and_is_another_than_a_new_one_cut_off() {
        let text = token().reveal().to_owned();
        let old = TokenText::parse(&text[..text.len() - CHECKSUM]).unwrap();
        assert_eq!(old.id(), token().id());
        assert!(!old.digest().is(&token().digest()));
    }

    #[test]
    fn the_public_part_is_found_in_whatever_holds_a_token() {
        let text = token().reveal().to_owned();
        assert_eq!(TokenText::id_in(&format!("a=1&b={text}")), Some("a1a1a1a1a1a1a1a1"));
        assert_eq!(TokenText::id_in(&format!("dnsbl_x {text}")), Some("a1a1a1a1a1a1a1a1"));
        assert_eq!(TokenText::id_in(&text[..20]), None);
        assert_eq!(TokenText::id_in("dnsbl_a1a1a1a1a1a1a1ü"), None);
    }

    #[test]
    fn a_prefix_is_measured_in_its_own_family() {
        let max = MaxPrefix::new(24, 48).unwrap();
        let admits = |text: &str| max.admits(&text.parse().unwrap());
        assert!(admits("192.0.2.0/24") && admits("192.0.2.1") && admits("2001:db8::/48"));
        assert!(
            !admits("192.0.2.0/23") && !admits("2001:db8::/32") && !admits("::ffff:192.0.0.0/112")
        );
        assert!(admits("example.com") && admits("*.example.com"));
        assert!(MaxPrefix::new(33, 48).is_err() && MaxPrefix::new(24, 129).is_err());
        assert!(max.is_within(MaxPrefix::new(8, 32).unwrap()));
        assert!(!max.is_within(MaxPrefix::new(8, 64).unwrap()));
    }

    #[test]
    fn terms_are_in_order_and_have_no_host_bits() {
        let terms = |networks: &[&str]| TokenTerms {
            zones: vec!["b.example".parse().unwrap(), "a.example".parse().unwrap()],
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            ..TokenTerms::default()
        };
        let checked = terms(&["192.0.2.0/24", "192.0.2.0/24"]).check().unwrap();
        assert_eq!(checked.zones[0].to_string(), "a.example");
        assert_eq!(checked.networks.len(), 1);
        assert!(matches!(terms(&["192.0.2.1/24"]).check(), Err(TokenTermsError::HostBits(_))));
    }
}
