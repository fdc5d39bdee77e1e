//! The network that a connection comes from.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The network of a peer, which a connection counts for: who has one of its addresses has them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerNetwork {
    /// One IPv4 address; also one that is mapped into IPv6.
    V4(u32),
    /// An IPv6 /64, by its first 64 bits.
    V6(u64),
    /// A proxy of the operator's, behind which many people are. The limit of a network does not hold for it.
    Proxy(IpAddr),
    /// A program on this machine, over a Unix socket. The limit of a network does not hold for it.
    Local,
}

impl PeerNetwork {
    /// The network of an address.
    pub fn of(addr: IpAddr) -> Self {
        match addr.to_canonical() {
            IpAddr::V4(addr) => Self::V4(addr.into()),
            IpAddr::V6(addr) => Self::V6((u128::from(addr) >> 64) as u64),
        }
    }

    /// The network of the peer of a connection, which has an address unless it comes over a Unix socket.
    pub fn of_peer(peer: Option<SocketAddr>, proxies: &[IpNet]) -> Self {
        let Some(peer) = peer else { return Self::Local };
        let addr = peer.ip().to_canonical();
        if proxies.iter().any(|net| net.contains(&addr)) {
            Self::Proxy(addr)
        } else {
            Self::of(addr)
        }
    }

    /// Whether the limit of a network holds for it.
    pub(crate) fn is_limited(self) -> bool {
        matches!(self, Self::V4(_) | Self::V6(_))
    }
}

#[cfg(test)]
mod tests {
    use super::PeerNetwork;

    fn network(text: &str) -> PeerNetwork {
        PeerNetwork::of(text.parse().unwrap())
    }

    #[test]
    fn a_64_is_one_peer_and_an_ipv4_address_is_one_however_it_is_written() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn a_proxy_is_known_however_its_address_is_written_and_a_unix_socket_has_none() {
        let proxies = ["192.0.2.0/25".parse().unwrap()];
        let of = |text: &str| PeerNetwork::of_peer(Some(text.parse().unwrap()), &proxies);
        let proxy = PeerNetwork::Proxy("192.0.2.1".parse().unwrap());
        assert_eq!([of("192.0.2.1:25"), of("[::ffff:192.0.2.1]:25")], [proxy, proxy]);
        assert_eq!(of("192.0.2.129:25"), network("192.0.2.129"));
        assert_eq!(PeerNetwork::of_peer(None, &proxies), PeerNetwork::Local);
    }
}
