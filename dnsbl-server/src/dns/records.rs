//! The records that a zone has of its own, at its apex and at the names of its servers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dnsbl_types::Name;

/// An RRset that a zone has of its own; never empty.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Own<'a> {
    Soa,
    Ns(&'a [Name]),
    A(&'a [Ipv4Addr]),
    Aaaa(&'a [Ipv6Addr]),
    Txt(&'a [String]),
    /// The IPv4 addresses among these.
    GlueA(&'a [IpAddr]),
    /// The IPv6 addresses among these.
    GlueAaaa(&'a [IpAddr]),
}

/// The data of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Data<'a> {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Ns(&'a Name),
    /// The zone's SOA.
    Soa,
    Txt(&'a str),
}

impl<'a> Own<'a> {
    /// The records' data.
    pub(crate) fn iter(self) -> impl Iterator<Item = Data<'a>> {
        let count = match self {
            Self::Soa => 1,
            Self::Ns(names) => names.len(),
            Self::A(addresses) => addresses.len(),
            Self::Aaaa(addresses) => addresses.len(),
            Self::Txt(texts) => texts.len(),
            Self::GlueA(addresses) | Self::GlueAaaa(addresses) => addresses.len(),
        };
        (0..count).filter_map(move |i| self.at(i))
    }

    fn at(self, i: usize) -> Option<Data<'a>> {
        Some(match self {
            Self::Soa => Data::Soa,
            Self::Ns(names) => Data::Ns(&names[i]),
            Self::A(addresses) => Data::A(addresses[i]),
            Self::Aaaa(addresses) => Data::Aaaa(addresses[i]),
            Self::Txt(texts) => Data::Txt(&texts[i]),
            Self::GlueA(addresses) | Self::GlueAaaa(addresses) => match (self, addresses[i]) {
                (Self::GlueA(_), IpAddr::V4(addr)) => Data::A(addr),
                (Self::GlueAaaa(_), IpAddr::V6(addr)) => Data::Aaaa(addr),
                _ => return None,
            },
        })
    }
}
