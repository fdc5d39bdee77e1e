//! The addresses of our own from which hosts are connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpSocket;

/// An address of our own for each family; the system's choice where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// For hosts on IPv4.
    pub v4: Option<Ipv4Addr>,
    /// For hosts on IPv6.
    pub v6: Option<Ipv6Addr>,
}

impl Sources {
    /// That for a host: of its own family, since a socket can't be bound to the other.
    pub fn for_host(&self, host: IpAddr) -> Option<IpAddr> {
        match host {
            IpAddr::V4(_) => self.v4.map(IpAddr::V4),
            IpAddr::V6(_) => self.v6.map(IpAddr::V6),
        }
    }

    /// Those there are.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> {
        self.v4.map(IpAddr::V4).into_iter().chain(self.v6.map(IpAddr::V6))
    }

    /// A socket for a connection to this address.
    pub(crate) fn socket(&self, addr: SocketAddr) -> std::io::Result<TcpSocket> {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(source) = self.for_host(addr.ip()) {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        Ok(socket)
    }
}

#[cfg(test)]
mod tests {
    use super::Sources;

    /// Mail row F2: a host on IPv6 was bound to an IPv4 source, and unreachable.
    #[test]
    fn a_host_is_connected_to_from_the_source_of_its_family() {
        let (v4, v6) = ("192.0.2.9".parse().unwrap(), "2001:db8::9".parse().unwrap());
        let host = |text: &str| text.parse().unwrap();
        let both = Sources { v4: Some(v4), v6: Some(v6) };
        assert_eq!(both.for_host(host("8.8.8.8")), Some(v4.into()));
        assert_eq!(both.for_host(host("2a01:4f8::1")), Some(v6.into()));
        let one = Sources { v4: Some(v4), v6: None };
        assert_eq!(one.for_host(host("2a01:4f8::1")), None, "the system chooses");
    }
}
