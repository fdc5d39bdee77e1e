//! The address of a host that may be tested.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use dnsbl_types::{Guard, GuardError, Subject};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The address and port of a host that may be tested. It can't hold an address that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RelayTarget {
    addr: IpAddr,
    port: u16,
}

/// The policy for what may be tested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetPolicy {
    /// Networks for which special use and being our own don't matter. For tests.
    pub allow: Vec<IpNet>,
    /// Addresses and networks of our own.
    pub own: Vec<IpNet>,
    /// Which ports.
    pub ports: Ports,
}

/// The ports that may be tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// Port 25.
    #[default]
    Smtp,
    /// Any but 0: where the owner asks.
    Any,
}

/// The reason why a host is not tested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not an IPv4 or IPv6 address.
    #[error("{0:?} is not an IP address")]
    NotAnAddress(String),
    /// An IPv6 address that stands for an IPv4 address: whether that may be tested can be asked
    /// only in its own form.
    #[error("{addr} stands for the IPv4 address {inner}; name that instead")]
    EmbeddedIpv4 {
        /// What was named.
        addr: IpAddr,
        /// What lies inside.
        inner: Ipv4Addr,
    },
    /// No mail server of the Internet has such an address (RFC 6890).
    #[error("{addr} is special-use space ({block})")]
    SpecialUse {
        /// What was named.
        addr: IpAddr,
        /// The block it lies in.
        block: String,
    },
    /// It is ours.
    #[error("{0} is an address of this service")]
    Own(IpAddr),
    /// Only the owner may have it tested.
    #[error("port {0} is tested for the owner of the host only")]
    Port(u16),
}

impl RelayTarget {
    /// The port of SMTP.
    pub const SMTP: u16 = 25;

    /// Checks an address and a port.
    ///
    /// # Errors
    /// IPv4 addresses inside IPv6 are refused whatever the policy allows; so is port 0.
    pub fn new(addr: IpAddr, port: u16, policy: &TargetPolicy) -> Result<Self, TargetError> {
        refuse_embedded(addr)?;
        let allowed = policy.allow.iter().any(|net| net.contains(&addr));
        if !allowed {
            refuse_special_use(addr)?;
            if policy.own.iter().any(|net| net.contains(&addr)) {
                return Err(TargetError::Own(addr));
            }
        }
        match policy.ports {
            Ports::Smtp if port != Self::SMTP => Err(TargetError::Port(port)),
            Ports::Any if port == 0 => Err(TargetError::Port(port)),
            _ => Ok(Self { addr, port }),
        }
    }

    /// The same for an address as text; names are not looked up.
    ///
    /// # Errors
    /// The text is no address, or the address or port must not be tested.
    pub fn parse(text: &str, port: u16, policy: &TargetPolicy) -> Result<Self, TargetError> {
        let addr = text
            .parse()
            .map_err(|_| TargetError::NotAnAddress(text.escape_default().to_string()))?;
        Self::new(addr, port, policy)
    }

    /// The address.
    pub fn addr(&self) -> IpAddr {
        self.addr
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Both.
    pub fn socket_addr(&self) -> SocketAddr {
        SocketAddr::new(self.addr, self.port)
    }
}

impl fmt::Display for RelayTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket_addr().fmt(f)
    }
}

const fn v4(a: u8, b: u8, c: u8, len: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), len)
}

const fn v6(a: u16, b: u16, c: u16, len: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), len)
}

/// What may be listed, but is no host on the Internet: documentation ranges, and the anycast blocks
/// of 6to4, AS112 and AMT.
const NO_HOST_V4: [Ipv4Net; 7] = [
    v4(192, 0, 2, 24),
    v4(192, 31, 196, 24),
    v4(192, 52, 193, 24),
    v4(192, 88, 99, 24),
    v4(192, 175, 48, 24),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
];

/// The same for IPv6; IETF protocol assignments hold Teredo, ORCHID and more.
const NO_HOST_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 0, 23),
    v6(0x2001, 0xdb8, 0, 32),
    v6(0x2620, 0x4f, 0x8000, 48),
    v6(0x3fff, 0, 0, 20),
];

/// Global unicast: nothing else is assigned to hosts.
const UNICAST_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

fn refuse_special_use(addr: IpAddr) -> Result<(), TargetError> {
    match special_use(addr) {
        Some(block) => Err(TargetError::SpecialUse { addr, block }),
        None => Ok(()),
    }
}

fn special_use(addr: IpAddr) -> Option<String> {
    match Guard::check(&Subject::host(addr), &[]) {
        Err(GuardError::SpecialUse { block, .. }) => return Some(block),
        Err(other) => return Some(other.to_string()),
        Ok(()) => {}
    }
    match addr {
        IpAddr::V4(addr) => {
            NO_HOST_V4.iter().find(|net| net.contains(&addr)).map(Ipv4Net::to_string)
        }
        IpAddr::V6(addr) if !UNICAST_V6.contains(&addr) => Some(format!("not in {UNICAST_V6}")),
        IpAddr::V6(addr) => {
            NO_HOST_V6.iter().find(|net| net.contains(&addr)).map(Ipv6Net::to_string)
        }
    }
}

fn refuse_embedded(addr: IpAddr) -> Result<(), TargetError> {
    let IpAddr::V6(v6) = addr else {
        return Ok(());
    };
    match embedded(v6) {
        Some(inner) => Err(TargetError::EmbeddedIpv4 { addr, inner }),
        None => Ok(()),
    }
}

/// The IPv4 address to which a packet for this one would go, or may: mapped and compatible (RFC 4291
/// section 2.5.5), translated (RFC 2765, 6052, 8215), 6to4 (RFC 3056), Teredo (RFC 4380), ISATAP (RFC
/// 5214).
fn embedded(addr: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = addr.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0 | 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(v4(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(v4(!high, !low)),
        [.., 0 | 0x200, 0x5efe, high, low] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::{Ports, RelayTarget, TargetError, TargetPolicy};

    fn refusal(text: &str) -> Option<TargetError> {
        RelayTarget::parse(text, 25, &TargetPolicy::default()).err()
    }

    #[test]
    fn hosts_of_the_internet_are_targets() {
        for text in ["8.8.8.8", "198.17.255.255", "192.0.1.1", "2a01:4f8::1", "2606:4700::1111"] {
            assert_eq!(refusal(text), None, "{text}");
        }
    }

    #[test]
    fn rfc6890_special_use_space_is_refused() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.9",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.1.1",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.5",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "100::1",
            "2001:2::1",
            "2001:20::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2620:4f:8000::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "1::1",
        ] {
            let error = refusal(text);
            assert!(matches!(error, Some(TargetError::SpecialUse { .. })), "{text}: {error:?}");
        }
    }

    #[test]
    fn ipv4_inside_ipv6_is_refused_whatever_it_is() {
        for (text, inner) in [
            ("::ffff:8.8.8.8", "8.8.8.8"),
            ("::ffff:127.0.0.1", "127.0.0.1"),
            ("::ffff:7f00:1", "127.0.0.1"),
            ("::8.8.8.8", "8.8.8.8"),
            ("::ffff:0:10.0.0.1", "10.0.0.1"),
            ("64:ff9b::10.0.0.1", "10.0.0.1"),
            ("64:ff9b:1::8.8.8.8", "8.8.8.8"),
            ("2002:7f00:1::", "127.0.0.1"),
            ("2002:808:808::1", "8.8.8.8"),
            ("2001::f5ff:fffe", "10.0.0.1"),
            ("2a01:4f8::5efe:7f00:1", "127.0.0.1"),
            ("2a01:4f8::200:5efe:10.0.0.1", "10.0.0.1"),
        ] {
            let everything = TargetPolicy {
                allow: vec!["::/0".parse().unwrap(), "0.0.0.0/0".parse().unwrap()],
                ..TargetPolicy::default()
            };
            let expected = TargetError::EmbeddedIpv4 {
                addr: text.parse().unwrap(),
                inner: inner.parse().unwrap(),
            };
            assert_eq!(refusal(text), Some(expected.clone()), "{text}");
            assert_eq!(RelayTarget::parse(text, 25, &everything), Err(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "localhost",
            "127.1",
            "0x7f000001",
            "2130706433",
            "127.0.0.1:25",
            "8.8.8.8/32",
            " 8.8.8.8",
            "010.0.0.1",
            "fe80::1%eth0",
            "[::1]",
            "8.8.8.8\r\n",
        ] {
            assert!(matches!(refusal(text), Some(TargetError::NotAnAddress(_))), "{text}");
        }
    }

    #[test]
    fn allowed_networks_lift_special_use_and_our_own_and_nothing_else() {
        let policy = TargetPolicy {
            allow: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
            own: vec!["127.0.0.1/32".parse().unwrap(), "8.8.8.0/24".parse().unwrap()],
            ports: Ports::Smtp,
        };
        assert!(RelayTarget::parse("127.0.0.1", 25, &policy).is_ok());
        assert!(RelayTarget::parse("::1", 25, &policy).is_ok());
        assert_eq!(
            RelayTarget::parse("8.8.8.8", 25, &policy),
            Err(TargetError::Own("8.8.8.8".parse().unwrap()))
        );
        assert!(RelayTarget::parse("10.0.0.1", 25, &policy).is_err());
        assert_eq!(RelayTarget::parse("127.0.0.1", 26, &policy), Err(TargetError::Port(26)));
    }

    #[test]
    fn ports_other_than_25_are_for_owners() {
        let owner = TargetPolicy { ports: Ports::Any, ..TargetPolicy::default() };
        let addr: IpAddr = "8.8.8.8".parse().unwrap();
        assert_eq!(RelayTarget::new(addr, 587, &owner).unwrap().to_string(), "8.8.8.8:587");
        assert_eq!(RelayTarget::new(addr, 0, &owner), Err(TargetError::Port(0)));
        let anybody = TargetPolicy::default();
        assert_eq!(RelayTarget::new(addr, 587, &anybody), Err(TargetError::Port(587)));
    }

    proptest! {
        #[test]
        fn no_ipv6_target_lies_outside_global_unicast(addr in any::<u128>()) {
            let addr = std::net::Ipv6Addr::from(addr);
            if RelayTarget::new(addr.into(), 25, &TargetPolicy::default()).is_ok() {
                prop_assert_eq!(addr.segments()[0] >> 13, 1);
            }
        }
    }
}
