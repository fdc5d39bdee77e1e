//! Who asks: the peer, or whom a proxy names.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The peer that sent a request; put into its extensions by [`serve`](crate::serve()).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The address that a request came from, as far as that is known. Put into its extensions by the layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitor(pub(crate) Option<IpAddr>);

/// The address of a visitor: the peer's, or behind proxies the last that none of them has; `None` where a proxy
/// does not say. What a visitor writes into the header stands before that.
pub(crate) fn visitor(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    let is_proxy = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let values: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|value| value.to_str().ok())
        .collect::<Option<_>>()?;
    for hop in values.iter().flat_map(|value| value.split(',')).rev() {
        let address = hop.trim().parse::<IpAddr>().ok()?.to_canonical();
        if !is_proxy(&address) {
            return Some(address);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::visitor;

    fn from(peer: &str, forwarded: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        visitor(peer.parse().unwrap(), &headers, &proxies).map(|address| address.to_string())
    }

    #[test]
    fn only_proxies_are_believed_and_of_them_the_last_word() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(from("192.0.2.1", &["198.51.100.7"]), some("192.0.2.1"));
        assert_eq!(from("::ffff:192.0.2.1", &[]), some("192.0.2.1"));
        assert_eq!(from("10.0.0.1", &["203.0.113.9, 198.51.100.7"]), some("198.51.100.7"));
        assert_eq!(
            from("10.0.0.1", &["203.0.113.9", "198.51.100.7,10.0.0.2"]),
            some("198.51.100.7")
        );
        assert_eq!(from("10.0.0.1", &[]), None);
        assert_eq!(from("10.0.0.1", &["unknown"]), None);
    }
}
