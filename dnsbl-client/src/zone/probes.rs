//! How the health of a zone is found out.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use dnsbl_types::Name;

use super::{Asks, Probes};
use crate::{Target, health::Family};

impl Probes {
    /// Half an hour.
    pub const EVERY: Duration = Duration::from_secs(1800);

    /// The test entries of RFC 5782 section 5, and something made up. Zones of hashed mail addresses
    /// have no test entries of their own; most keep `test` and `invalid`.
    pub fn of(asks: Asks) -> Self {
        let (listed, absent) = match asks {
            Asks::Addresses { v4: true, .. } => (entry(2), entry(1)),
            Asks::Addresses { .. } => (mapped(entry(2)), mapped(entry(1))),
            Asks::Domains | Asks::Emails(_) => (verbatim("test"), verbatim("invalid")),
        };
        Self { listed: vec![listed], absent: vec![absent], random_absent: true, every: Self::EVERY }
    }

    /// For a zone without test entries that works all the same: nothing must be listed there, only
    /// what is made up must not be.
    pub fn without_test_entries() -> Self {
        Self { listed: Vec::new(), absent: Vec::new(), random_absent: true, every: Self::EVERY }
    }

    /// What is asked about one family of addresses. The test entries of IPv6 are those of IPv4 in
    /// another form; where the zone has none of its own there are none.
    pub(crate) fn in_family(&self, family: Family) -> Self {
        if family == Family::First {
            return self.clone();
        }
        let standard = Self::of(Asks::Addresses { v4: false, v6: true });
        let of = |own: &[Target], standard| if own.is_empty() { Vec::new() } else { standard };
        Self {
            listed: of(&self.listed, standard.listed),
            absent: of(&self.absent, standard.absent),
            ..self.clone()
        }
    }

    /// Something made up for the purpose, from 16 random octets.
    ///
    /// An IPv4 address is of 198.18.0.0/15 (RFC 2544), which no mail comes from; an IPv6 address of
    /// 2001:db8::/32; a domain has two labels, since some servers deny names that have others below.
    pub(crate) fn made_up(asks: Asks, random: [u8; 16]) -> Target {
        let [a, b, c, ..] = random;
        match asks {
            Asks::Addresses { v4: true, .. } => {
                Target::ip_raw(Ipv4Addr::new(198, 18 | (a & 1), b, c).into())
            }
            Asks::Addresses { .. } => {
                let mut octets = random;
                octets[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
                Target::ip_raw(IpAddr::from(octets))
            }
            Asks::Domains => verbatim(&format!("{}.example", letters(&random))),
            Asks::Emails(_) => verbatim(&letters(&random)),
        }
    }
}

fn entry(last: u8) -> Target {
    Target::ip_raw(Ipv4Addr::new(127, 0, 0, last).into())
}

/// The same entry as zones of IPv6 addresses have it.
fn mapped(entry: Target) -> Target {
    match entry {
        Target::RawAddress(IpAddr::V4(addr)) => Target::ip_raw(addr.to_ipv6_mapped().into()),
        other => other,
    }
}

fn verbatim(text: &str) -> Target {
    let labels = text.split('.').map(str::as_bytes);
    Target::Verbatim(Name::from_labels(labels).expect("short labels of letters"))
}

/// Letters only: digits and hyphens have confused servers.
fn letters(random: &[u8]) -> String {
    random.iter().map(|octet| char::from(b'a' + octet % 26)).collect()
}
