//! Requests without a token, where the server allows them.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use dnsbl_store::Actor;
use ipnet::IpNet;

use crate::{
    app::App,
    auth::{Caller, Peer},
    error::Problem,
    scopes::{RelayTestsWrite, Scope},
};

/// The one who asks for a test: the holder of a token, or somebody at an address.
pub(crate) enum Submitter<S = RelayTestsWrite> {
    /// The holder of a token with the scope.
    Token(Caller<S>),
    /// Somebody at this address.
    Anonymous(IpAddr),
}

impl<S> Submitter<S> {
    /// Who the change log says it was.
    pub(crate) fn actor(&self) -> Actor {
        match self {
            Self::Token(caller) => caller.actor(),
            Self::Anonymous(from) => {
                Actor { remote: Some(from.to_string()), ..Actor::part("anonymous") }
            }
        }
    }
}

impl<S: Scope> FromRequestParts<Arc<App>> for Submitter<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let proxies = app.tester.as_ref().and_then(|tester| tester.settings().anonymous.as_ref());
        if let Some(proxies) = proxies
            && !parts.headers.contains_key(header::AUTHORIZATION)
            && let Some(Peer(peer)) = parts.extensions.get()
        {
            let from = client(peer.ip().to_canonical(), &parts.headers, proxies)?;
            return Ok(Self::Anonymous(from));
        }
        Ok(Self::Token(Caller::from_request_parts(parts, app).await?))
    }
}

/// Where a request comes from: the peer, or behind proxies the last address that none of them has.
/// What a client writes into the header itself stands before that.
pub(crate) fn client(
    peer: IpAddr,
    headers: &HeaderMap,
    proxies: &[IpNet],
) -> Result<IpAddr, Problem> {
    let is_proxy = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    if !is_proxy(&peer) {
        return Ok(peer);
    }
    let unproven = || {
        Problem::refused("the proxy does not say in X-Forwarded-For where this request comes from")
    };
    let mut hops = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        hops.extend(value.to_str().map_err(|_| unproven())?.split(','));
    }
    for hop in hops.into_iter().rev() {
        let address: IpAddr = hop.trim().parse().map_err(|_| unproven())?;
        let address = address.to_canonical();
        if !is_proxy(&address) {
            return Ok(address);
        }
    }
    Err(unproven())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::HeaderMap;

    use super::client;

    fn from(peer: &str, forwarded: &[&str]) -> Option<IpAddr> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        client(peer.parse().unwrap(), &headers, &["10.0.0.0/8".parse().unwrap()]).ok()
    }

    fn address(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn an_anonymous_client_is_the_peer_whatever_the_request_says() {
        assert_eq!(from("192.0.2.1", &["198.51.100.7"]), address("192.0.2.1"));
    }

    #[test]
    fn a_proxy_tells_the_last_address_that_is_not_its_own() {
        assert_eq!(from("10.0.0.1", &["203.0.113.9, 198.51.100.7"]), address("198.51.100.7"));
        assert_eq!(
            from("10.0.0.1", &["203.0.113.9", "198.51.100.7, 10.0.0.2"]),
            address("198.51.100.7")
        );
    }

    #[test]
    fn a_proxy_that_tells_nothing_proves_nothing() {
        assert_eq!(from("10.0.0.1", &[]), None);
        assert_eq!(from("10.0.0.1", &["unknown"]), None);
        assert_eq!(from("10.0.0.1", &["10.0.0.2"]), None);
    }
}
