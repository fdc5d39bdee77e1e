//! Where messages may go: over https to the Internet, and where else the configuration says.

use std::{fmt, net::IpAddr, str::FromStr};

use dnsbl_outbound::{host_of, is_special};
use dnsbl_types::Name;
use ipnet::IpNet;

use crate::webhook::WebhookUrl;

/// The destinations that the configuration allows beside https on the Internet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations {
    /// What is allowed.
    pub allowed: Vec<Host>,
}

/// Hosts that may be reached wherever they are, over http too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// Those of a network.
    Network(IpNet),
    /// The one of this name, whatever its addresses are.
    Named(Name),
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address.into()));
        }
        if text.contains('/') {
            let network = text.parse().map_err(|err| format!("no network: {err}"))?;
            return Ok(Self::Network(network));
        }
        let name = text.parse().map_err(|err| format!("neither a network nor a host: {err}"))?;
        Ok(Self::Named(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Named(name) => name.fmt(f),
        }
    }
}

impl Destinations {
    /// Whether an address may be connected to for a URL.
    pub(crate) fn may_reach(&self, url: &WebhookUrl, address: IpAddr) -> bool {
        let is_https = url.get().scheme() == "https";
        self.names(url) || self.has(address) || is_https && !is_special(address)
    }

    /// Why a URL leads nowhere, as far as it tells by itself: what a name's addresses are shows when it is connected to.
    pub(crate) fn why_not(&self, url: &WebhookUrl) -> Option<String> {
        let host = host_of(url.get());
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        let is_https = url.get().scheme() == "https";
        match address {
            Some(address) if self.may_reach(url, address) => None,
            None if is_https || self.names(url) || self.has_networks() => None,
            _ => Some(format!(
                "{host} may not be reached over {}: messages go over https to the Internet, and to what `allow` in \
                 [webhooks] of the server's configuration names",
                url.get().scheme()
            )),
        }
    }

    fn names(&self, url: &WebhookUrl) -> bool {
        let host = url.get().domain().and_then(|host| host.parse::<Name>().ok());
        let is_named = |host: &Name| {
            self.allowed.iter().any(|allowed| matches!(allowed, Host::Named(name) if name == host))
        };
        host.as_ref().is_some_and(is_named)
    }

    fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed
            .iter()
            .any(|allowed| matches!(allowed, Host::Network(network) if network.contains(&address)))
    }

    /// A name may have addresses in one of them.
    fn has_networks(&self) -> bool {
        self.allowed.iter().any(|allowed| matches!(allowed, Host::Network(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destinations(allowed: &[&str]) -> Destinations {
        Destinations { allowed: allowed.iter().map(|host| host.parse().unwrap()).collect() }
    }

    fn reaches(allowed: &[&str], url: &str, address: &str) -> bool {
        destinations(allowed).may_reach(&url.parse().unwrap(), address.parse().unwrap())
    }

    #[test]
    fn nothing_is_reached_but_https_on_the_internet_and_what_is_allowed() {
        assert!(reaches(&[], "https://hooks.example/", "8.8.8.8"));
        assert!(!reaches(&[], "http://hooks.example/", "8.8.8.8"));
        for special in ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"] {
            assert!(!reaches(&[], "https://hooks.example/", special), "{special}");
            assert!(!reaches(&[], "http://hooks.example/", special), "{special}");
        }
        assert!(reaches(&["127.0.0.0/8"], "http://hooks.example/", "127.0.0.1"));
        assert!(reaches(&["127.0.0.0/8"], "http://hooks.example/", "::ffff:127.0.0.1"));
        assert!(!reaches(&["127.0.0.0/8"], "http://hooks.example/", "10.0.0.1"));
        assert!(!reaches(&["127.0.0.0/8"], "http://hooks.example/", "8.8.8.8"));
        assert!(reaches(&["hooks.example"], "http://HOOKS.example/", "10.0.0.1"));
        assert!(!reaches(&["hooks.example"], "http://a.hooks.example/", "10.0.0.1"));
        assert!(!reaches(&["hooks.example"], "http://10.0.0.1/", "10.0.0.1"));
    }

    #[test]
    fn a_url_that_leads_nowhere_is_told_when_it_is_given() {
        let is_told = |allowed: &[&str], url: &str| {
            destinations(allowed).why_not(&url.parse().unwrap()).is_some()
        };
        assert!(!is_told(&[], "https://hooks.example/"));
        assert!(is_told(&[], "http://hooks.example/"));
        for url in
            ["https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "http://8.8.8.8/"]
        {
            assert!(is_told(&[], url), "{url}");
        }
        assert!(!is_told(&["127.0.0.0/8"], "http://127.0.0.1:8000/"));
        assert!(
            !is_told(&["127.0.0.0/8"], "http://localhost/"),
            "its addresses are looked at then"
        );
        assert!(!is_told(&["hooks.example"], "http://hooks.example/"));
        assert!(is_told(&["hooks.example"], "http://other.example/"));
    }
}
