//! What is looked up.

mod domain;
mod hash;

use std::net::IpAddr;

use dnsbl_types::{Guard, Subject};

pub use self::{
    domain::{Domain, Email, TargetError},
    hash::{Encoding, Hash},
};

/// What is looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// An address as a mail server sees its client: `::ffff:a.b.c.d` is asked as IPv4.
    Address(IpAddr),
    /// An address asked in the very form given, and never skipped.
    ///
    /// The IPv6 test entries of a list are IPv4-mapped addresses (RFC 5782 section 5) and can be
    /// asked no other way.
    RawAddress(IpAddr),
    /// A domain, as in HELO or behind the `@` of a sender.
    Domain(Domain),
    /// A mail address.
    Email(Email),
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
            Self::Domain(_) | Self::Email(_) => None,
        }
    }

    /// Whether no mail comes from there over the Internet.
    pub(crate) fn is_special_use(&self) -> bool {
        match self {
            Self::Address(addr) => Guard::check(&Subject::host(*addr), &[]).is_err(),
            _ => false,
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
    use super::Target;

    fn special(text: &str) -> bool {
        Target::Address(text.parse().unwrap()).is_special_use()
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
        assert!(!Target::RawAddress(addr).is_special_use());
        assert_eq!(Target::from(addr).addr().unwrap().to_string(), "127.0.0.2");
    }
}
