//! The RRsets that a zone has of its own, at its apex, at the names of its servers, and where its settings add
//! records.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dnsbl_types::{Name, Rrset};

/// An RRset that a zone has of its own; never empty.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ZoneRrset<'a> {
    /// With this MINIMUM.
    Soa(u32),
    Ns(&'a [Name]),
    A(&'a [Ipv4Addr]),
    Aaaa(&'a [Ipv6Addr]),
    Txt(&'a [String]),
    /// The IPv4 addresses among these.
    GlueA(&'a [IpAddr]),
    /// The IPv6 addresses among these.
    GlueAaaa(&'a [IpAddr]),
    /// What the settings add.
    Added(&'a Rrset),
}

/// The data of a record (RFC 1035 section 3.3, RFC 3596).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rdata<'a> {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Ns(&'a Name),
    /// The zone's SOA with this MINIMUM: how long a denial holds at most (RFC 2308 section 4).
    Soa(u32),
    Txt(&'a str),
    /// Of a type by its number, in wire form with names uncompressed.
    Wire(u16, &'a [u8]),
}

impl<'a> ZoneRrset<'a> {
    /// The records' data.
    pub(crate) fn iter(self) -> impl Iterator<Item = Rdata<'a>> {
        let count = match self {
            Self::Soa(_) => 1,
            Self::Ns(names) => names.len(),
            Self::A(addresses) => addresses.len(),
            Self::Aaaa(addresses) => addresses.len(),
            Self::Txt(texts) => texts.len(),
            Self::GlueA(addresses) | Self::GlueAaaa(addresses) => addresses.len(),
            Self::Added(rrset) => rrset.data().len(),
        };
        (0..count).filter_map(move |i| self.at(i))
    }

    fn at(self, i: usize) -> Option<Rdata<'a>> {
        Some(match self {
            Self::Soa(minimum) => Rdata::Soa(minimum),
            Self::Ns(names) => Rdata::Ns(&names[i]),
            Self::A(addresses) => Rdata::A(addresses[i]),
            Self::Aaaa(addresses) => Rdata::Aaaa(addresses[i]),
            Self::Txt(texts) => Rdata::Txt(&texts[i]),
            Self::Added(rrset) => Rdata::Wire(rrset.rtype().number(), &rrset.data()[i]),
            Self::GlueA(addresses) | Self::GlueAaaa(addresses) => match (self, addresses[i]) {
                (Self::GlueA(_), IpAddr::V4(addr)) => Rdata::A(addr),
                (Self::GlueAaaa(_), IpAddr::V6(addr)) => Rdata::Aaaa(addr),
                _ => return None,
            },
        })
    }
}
