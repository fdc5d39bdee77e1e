//! Subjects as bit strings, so that what covers another is a prefix of it.

use std::{net::Ipv4Addr, sync::Arc};

use dnsbl_types::Labels;
use ipnet::{Ipv4Net, Ipv6Net};

use crate::trie::Key;

/// An address prefix, its bits at the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetKey {
    bits: u128,
    len: u8,
}

impl NetKey {
    /// The prefix as IPv4; the key must have been made from one.
    pub(crate) fn v4(self) -> Ipv4Net {
        Ipv4Net::new_assert(Ipv4Addr::from((self.bits >> 96) as u32), self.len)
    }

    /// The prefix as IPv6; the key must have been made from one.
    pub(crate) fn v6(self) -> Ipv6Net {
        Ipv6Net::new_assert(self.bits.into(), self.len)
    }
}

impl From<Ipv4Net> for NetKey {
    fn from(net: Ipv4Net) -> Self {
        Self { bits: u128::from(u32::from(net.network())) << 96, len: net.prefix_len() }
    }
}

impl From<Ipv6Net> for NetKey {
    fn from(net: Ipv6Net) -> Self {
        Self { bits: net.network().into(), len: net.prefix_len() }
    }
}

impl Key for NetKey {
    fn bits(&self) -> usize {
        self.len.into()
    }

    fn bit(&self, at: usize) -> usize {
        (self.bits >> (127 - at) & 1) as usize
    }

    fn common(&self, other: &Self) -> usize {
        let same = (self.bits ^ other.bits).leading_zeros() as usize;
        same.min(self.bits()).min(other.bits())
    }

    fn truncate(&self, bits: usize) -> Self {
        let mask = u128::MAX.checked_shl(128 - bits as u32).unwrap_or(0);
        Self { bits: self.bits & mask, len: bits as u8 }
    }
}

/// A domain, rightmost label first, each label closed by a zero byte.
#[derive(Clone, Debug)]
pub(crate) struct DomainKey {
    bytes: Arc<[u8]>,
    bits: usize,
}

impl DomainKey {
    /// The key of the domain with these labels, in any case.
    pub(crate) fn new(labels: Labels<'_>) -> Self {
        let labels: Vec<&[u8]> = labels.collect();
        let mut bytes = Vec::with_capacity(64);
        for label in labels.iter().rev() {
            bytes.extend(label.iter().map(u8::to_ascii_lowercase));
            bytes.push(0);
        }
        Self { bits: 8 * bytes.len(), bytes: bytes.into() }
    }

    /// How many labels the domain has.
    pub(crate) fn count_labels(&self) -> usize {
        self.bytes[..self.bits / 8].iter().filter(|&&byte| byte == 0).count()
    }
}

impl Key for DomainKey {
    fn bits(&self) -> usize {
        self.bits
    }

    fn bit(&self, at: usize) -> usize {
        usize::from(self.bytes[at / 8] >> (7 - at % 8) & 1)
    }

    fn common(&self, other: &Self) -> usize {
        let mut pairs = self.bytes.iter().zip(other.bytes.iter());
        let same = match pairs.position(|(a, b)| a != b) {
            Some(at) => 8 * at + (self.bytes[at] ^ other.bytes[at]).leading_zeros() as usize,
            None => 8 * self.bytes.len().min(other.bytes.len()),
        };
        same.min(self.bits).min(other.bits)
    }

    fn truncate(&self, bits: usize) -> Self {
        Self { bytes: self.bytes.clone(), bits }
    }
}
