//! Subjects as bit strings, so that what covers another is a prefix of it.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use dnsbl_types::{Labels, Name};
use ipnet::{Ipv4Net, Ipv6Net};

/// A run of bits.
#[derive(Clone, Copy)]
pub(crate) struct Bits<'a> {
    /// What is behind `len` does not count.
    bytes: &'a [u8],
    len: usize,
}

/// A key that the trie is sorted by.
pub(crate) trait Key: Clone {
    /// Its bits.
    fn bits(&self) -> Bits<'_>;
    /// The first `len` bits.
    fn truncate(&self, len: usize) -> Self;
    /// About how many bytes it takes elsewhere.
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl<'a> Bits<'a> {
    /// How many bits there are.
    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// The bit at `at`, counted from the front; 0 or 1.
    pub(crate) fn bit(self, at: usize) -> usize {
        usize::from(self.bytes[at / 8] >> (7 - at % 8) & 1)
    }

    /// How many bits the two have in common at the front.
    pub(crate) fn common(self, other: Bits<'_>) -> usize {
        let most = self.len.min(other.len);
        let mut at = 0;
        let (words, _) = self.bytes.as_chunks::<8>();
        let (other_words, _) = other.bytes.as_chunks::<8>();
        for (a, b) in words.iter().zip(other_words) {
            let differ = u64::from_be_bytes(*a) ^ u64::from_be_bytes(*b);
            if differ != 0 {
                return most.min(8 * at + differ.leading_zeros() as usize);
            }
            at += 8;
        }
        for (a, b) in self.bytes[at..].iter().zip(&other.bytes[at..]) {
            if a != b {
                return most.min(8 * at + (a ^ b).leading_zeros() as usize);
            }
            at += 1;
        }
        most
    }
}

/// An address prefix, its bits at the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetKey {
    bytes: [u8; 16],
    len: u8,
}

impl NetKey {
    /// The prefix as IPv4; the key must have been made from one.
    pub(crate) fn v4(self) -> Ipv4Net {
        let [a, b, c, d, ..] = self.bytes;
        Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), self.len)
    }

    /// The prefix as IPv6; the key must have been made from one.
    pub(crate) fn v6(self) -> Ipv6Net {
        Ipv6Net::new_assert(Ipv6Addr::from(self.bytes), self.len)
    }
}

impl From<Ipv4Addr> for NetKey {
    fn from(addr: Ipv4Addr) -> Self {
        Self { bytes: ((u128::from(u32::from(addr))) << 96).to_be_bytes(), len: 32 }
    }
}

impl From<Ipv4Net> for NetKey {
    fn from(net: Ipv4Net) -> Self {
        Self { len: net.prefix_len(), ..net.network().into() }
    }
}

impl From<Ipv6Addr> for NetKey {
    fn from(addr: Ipv6Addr) -> Self {
        Self { bytes: addr.octets(), len: 128 }
    }
}

impl From<Ipv6Net> for NetKey {
    fn from(net: Ipv6Net) -> Self {
        Self { len: net.prefix_len(), ..net.network().into() }
    }
}

impl Key for NetKey {
    fn bits(&self) -> Bits<'_> {
        Bits { bytes: &self.bytes, len: self.len.into() }
    }

    fn truncate(&self, len: usize) -> Self {
        let mask = u128::MAX.checked_shl(128 - len as u32).unwrap_or(0);
        let bits = u128::from_be_bytes(self.bytes) & mask;
        Self { bytes: bits.to_be_bytes(), len: len as u8 }
    }
}

/// A domain that is asked for: rightmost label first, each label closed by a zero byte.
pub(crate) struct DomainBits {
    bytes: [u8; Name::MAX_LEN],
    len: usize,
}

impl DomainBits {
    /// The bits of the domain with these labels, which are in lower case.
    pub(crate) fn new(labels: Labels<'_>) -> Self {
        let mut bits = Self { bytes: [0; Name::MAX_LEN], len: labels.wire_len() };
        let mut end = bits.len;
        for label in labels {
            // From the back, so that the last label comes first.
            end -= label.len() + 1;
            bits.bytes[end..end + label.len()].copy_from_slice(label);
        }
        bits
    }

    pub(crate) fn bits(&self) -> Bits<'_> {
        Bits { bytes: &self.bytes[..self.len], len: 8 * self.len }
    }
}

/// A domain in the trie, or the beginning of several.
#[derive(Clone, Debug)]
pub(crate) struct DomainKey {
    bytes: Arc<[u8]>,
    len: usize,
}

impl From<&DomainBits> for DomainKey {
    fn from(domain: &DomainBits) -> Self {
        Self { bytes: domain.bytes[..domain.len].into(), len: 8 * domain.len }
    }
}

impl DomainKey {
    /// How many labels the domain has; at most 127.
    pub(crate) fn count_labels(&self) -> u8 {
        self.bytes[..self.len / 8].iter().filter(|&&byte| byte == 0).count() as u8
    }
}

impl Key for DomainKey {
    fn bits(&self) -> Bits<'_> {
        Bits { bytes: &self.bytes, len: self.len }
    }

    fn truncate(&self, len: usize) -> Self {
        Self { bytes: self.bytes.clone(), len }
    }

    /// The octets with two counters, as an allocator rounds them up.
    fn heap_bytes(&self) -> usize {
        (2 * size_of::<usize>() + self.bytes.len()).next_multiple_of(16)
    }
}
