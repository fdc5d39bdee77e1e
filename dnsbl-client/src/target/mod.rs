//! The subjects of lookups.

mod domain;
mod hash;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use dnsbl_types::{Guard, Name, Subject, query_name};

pub use self::{
    domain::{Domain, Email, TargetError},
    hash::{Encoding, Hash},
};

/// The subject of a lookup: an address, a domain, or a mail address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// An address as a mail server sees its client: `::ffff:a.b.c.d` is asked as IPv4.
    Address(IpAddr),
    /// An address asked in the very form given, and never skipped.
    ///
    /// The IPv6 test entries of a zone are IPv4-mapped addresses (RFC 5782 section 5) and can be
    /// asked no other way.
    RawAddress(IpAddr),
    /// A domain, as in HELO or behind the `@` of a sender.
    Domain(Domain),
    /// A mail address.
    Email(Email),
    /// Labels that are asked as they are, of any zone, and never skipped: test entries of zones of
    /// domains, or what the caller has hashed.
    Verbatim(Name),
}

/// The kind of a special address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// For examples and tests (RFC 5737, RFC 3849, RFC 9637).
    Documentation,
    /// No mail comes from there over the Internet.
    Other,
}

impl Target {
    /// An address asked in the very form given; see [`Target::RawAddress`].
    pub fn ip_raw(addr: IpAddr) -> Self {
        Self::RawAddress(addr)
    }

    /// The address in the form in which it is asked, if it is one.
    pub fn addr(&self) -> Option<IpAddr> {
        match self {
            Self::Address(addr) => Some(addr.to_canonical()),
            Self::RawAddress(addr) => Some(*addr),
            Self::Domain(_) | Self::Email(_) | Self::Verbatim(_) => None,
        }
    }

    /// The IPv4 address inside an IPv6 address, if it is IPv4-compatible, NAT64 (RFC 6052) or 6to4
    /// (RFC 3056). Such an address is asked as IPv6; look this one up too where the zones may know
    /// it better.
    pub fn embedded_v4(addr: Ipv6Addr) -> Option<Ipv4Addr> {
        let [.., a, b, c, d] = addr.octets();
        let last = Ipv4Addr::new(a, b, c, d);
        match addr.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(last),
            [0, 0, 0, 0, 0, 0, high, _] if high != 0 => Some(last),
            _ => query_name::six_to_four(addr),
        }
    }

    /// What is special about an address, if anything is.
    pub(crate) fn special_use(&self) -> Option<Special> {
        let Self::Address(addr) = self else { return None };
        let addr = addr.to_canonical();
        if Guard::check(&Subject::host(addr), &[]).is_err() {
            Some(Special::Other)
        } else {
            is_documentation(addr).then_some(Special::Documentation)
        }
    }
}

fn is_documentation(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => addr.is_documentation(),
        IpAddr::V6(addr) => {
            let [first, second, ..] = addr.segments();
            (first, second) == (0x2001, 0xdb8) || (first == 0x3fff && second < 0x1000)
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(addr) | Self::RawAddress(addr) => addr.fmt(f),
            Self::Domain(domain) => domain.fmt(f),
            Self::Email(email) => email.fmt(f),
            Self::Verbatim(name) => name.fmt(f),
        }
    }
}

impl From<IpAddr> for Target {
    fn from(addr: IpAddr) -> Self {
        Self::Address(addr)
    }
}

impl From<Domain> for Target {
    fn from(domain: Domain) -> Self {
        Self::Domain(domain)
    }
}

impl From<Email> for Target {
    fn from(email: Email) -> Self {
        Self::Email(email)
    }
}

#[cfg(test)]
mod tests {
    use super::{Special, Target};

    fn special(text: &str) -> bool {
        Target::Address(text.parse().unwrap()).special_use() == Some(Special::Other)
    }

    #[test]
    fn private_loopback_and_link_local_addresses_are_special() {
        for text in [
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "127.0.0.1",
            "127.0.0.2",
            "169.254.1.1",
            "100.64.0.1",
            "224.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.1.2.3",
        ] {
            assert!(special(text), "{text}");
        }
    }

    #[test]
    fn their_neighbors_are_not() {
        for text in [
            "172.15.255.255",
            "172.32.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.128.0.0",
            "192.0.2.99",
            "::ffff:192.0.2.99",
            "2001:db8::1",
        ] {
            assert!(!special(text), "{text}");
        }
    }

    #[test]
    fn a_raw_address_is_what_it_is() {
        let addr = "::ffff:127.0.0.2".parse().unwrap();
        assert_eq!(Target::RawAddress(addr).addr(), Some(addr));
        assert_eq!(Target::RawAddress(addr).special_use(), None);
        assert_eq!(Target::from(addr).addr().unwrap().to_string(), "127.0.0.2");
    }
}
