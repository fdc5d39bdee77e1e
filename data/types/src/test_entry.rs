//! The entries that every list has, and those that none may have (RFC 5782 section 5).

use std::net::Ipv4Addr;

use crate::{Labels, ReturnCode, Subject, Zone, ZoneKind, test_name::TestName};

/// A test point of a zone. It is no listing: it is never stored, counted or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestEntry {
    /// Always listed, with this code.
    Listed(ReturnCode),
    /// Never listed, whatever covers it.
    Never,
}

impl TestEntry {
    /// The test entry at an address: 127.0.0.2 and the zone's `test_codes`, never 127.0.0.1. An allow zone has
    /// none that is listed: that would grant without a login.
    pub fn at_address(zone: &Zone, addr: Ipv4Addr) -> Option<Self> {
        let [127, 0, 0, last] = addr.octets() else {
            return None;
        };
        match last {
            1 => Some(Self::Never),
            _ if zone.kind.grant_terms().is_some() => None,
            2 => Some(Self::Listed(ReturnCode::LISTED)),
            n if zone.test_codes.contains(&n) => ReturnCode::try_from(addr).ok().map(Self::Listed),
            _ => None,
        }
    }

    /// The test entry at a name relative to a domain zone: `test`, never `invalid`.
    pub fn at_domain(labels: Labels<'_>) -> Option<Self> {
        TestName::of(labels).map(|name| match name {
            TestName::Listed => Self::Listed(ReturnCode::LISTED),
            TestName::Never => Self::Never,
        })
    }

    /// The test entry that `subject` names in `zone`.
    pub fn named_by(zone: &Zone, subject: &Subject) -> Option<Self> {
        match subject {
            Subject::V4(net) if net.prefix_len() == 32 => Self::at_address(zone, net.addr()),
            Subject::Domain(domain) if zone.kind == ZoneKind::Domain && !domain.is_wildcard() => {
                Self::at_domain(domain.name().labels())
            }
            _ => None,
        }
    }
}
