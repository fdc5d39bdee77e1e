//! Clients, as they are told apart and reported.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use serde::{Deserialize, Serialize};

/// Those that count as one: an IPv4 address, or all of an IPv6 /64, in which a host may take any address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
pub(super) struct Network(IpAddr);

/// Whom a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// The only address that was seen.
    Address(IpAddr),
    /// An IPv6 /64, of which several addresses were seen.
    Network(Ipv6Addr),
}

impl Network {
    pub(super) fn of(client: IpAddr) -> Self {
        match client {
            IpAddr::V4(_) => Self(client),
            IpAddr::V6(address) => {
                let bits = address.to_bits() >> 64 << 64;
                Self(Ipv6Addr::from_bits(bits).into())
            }
        }
    }
}

impl Subject {
    /// Of another client of the same network seen too.
    pub(super) fn widened(self, client: IpAddr) -> Self {
        match (self, Network::of(client)) {
            (Self::Address(address), Network(IpAddr::V6(network))) if address != client => {
                Self::Network(network)
            }
            _ => self,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Network(network) => write!(f, "{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Network, Subject};

    #[test]
    fn hosts_of_a_64_are_one_and_ipv4_addresses_are_not() {
        let [a, b, c] = ["2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"]
            .map(|text| text.parse().unwrap());
        assert_eq!(Network::of(a), Network::of(b));
        assert_ne!(Network::of(a), Network::of(c));
        let one = Subject::Address(a);
        assert_eq!(one.widened(a).to_string(), "2001:db8::1");
        assert_eq!(one.widened(b).widened(a).to_string(), "2001:db8::/64");
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        assert_ne!(Network::of(a), Network::of(b));
        assert_eq!(Subject::Address(a).widened(a).to_string(), "192.0.2.1");
    }
}
