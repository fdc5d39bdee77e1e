//! The address of a host that may be tested.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use ipnet::IpNet;

/// The address and port of a host that may be tested. It can't hold an address that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RelayTarget {
    addr: IpAddr,
    port: u16,
}

/// What may be tested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetPolicy {
    /// Networks for which special use and being our own don't matter. For tests.
    pub allow: Vec<IpNet>,
    /// Addresses and networks of our own.
    pub own: Vec<IpNet>,
    /// Which ports.
    pub ports: Ports,
}

/// Which ports may be tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// Port 25.
    #[default]
    Smtp,
    /// Any but 0: where the owner asks.
    Any,
}

/// Why a host is not tested.
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
        let _ = (addr, port, policy);
        todo!()
    }

    /// The same for an address as text; names are not looked up.
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
