//! Networks that are never reported.

use std::{net::IpAddr, str::FromStr};

use anyhow::{Context, bail, ensure};
use ipnet::IpNet;

/// Addresses that mean nothing elsewhere: private, shared, of this machine or this link (RFC 6890).
const PRIVATE: [&str; 9] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// Networks that are never reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exempt(Vec<IpNet>);

impl Exempt {
    /// Private addresses.
    pub(crate) fn private() -> Self {
        Self(PRIVATE.iter().filter_map(|text| text.parse().ok()).collect())
    }

    /// Adds those of others.
    pub(crate) fn extend(&mut self, others: impl IntoIterator<Item = Self>) {
        self.0.extend(others.into_iter().flat_map(|other| other.0));
    }

    pub(crate) fn contains(&self, client: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&client))
    }
}

impl FromStr for Exempt {
    type Err = anyhow::Error;

    /// Reads networks and addresses with blanks or commas between them, in brackets too, as `postconf -hx mynetworks`
    /// has them.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let words = text.split([' ', '\t', '\r', '\n', ',']).filter(|word| !word.is_empty());
        words.map(network).collect::<anyhow::Result<_>>().map(Self)
    }
}

fn network(word: &str) -> anyhow::Result<IpNet> {
    ensure!(!word.starts_with('!'), "{word}: what is left out of a network can't be told here");
    if word.contains(":/") || word.starts_with('/') {
        bail!("{word}: a table is not read; name the networks");
    }
    let plain: String = word.chars().filter(|c| !matches!(c, '[' | ']')).collect();
    let network = plain
        .parse::<IpNet>()
        .or_else(|_| plain.parse::<IpAddr>().map(IpNet::from))
        .with_context(|| format!("{word} is neither an address nor ADDRESS/BITS"))?;
    Ok(canonical(network))
}

/// An IPv4 network that is mapped into IPv6, as IPv4.
fn canonical(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V6(network) => {
            network.addr().to_ipv4_mapped().zip(network.prefix_len().checked_sub(96))
        }
        IpNet::V4(_) => None,
    };
    let mapped = mapped.and_then(|(address, bits)| IpNet::new(address.into(), bits).ok());
    mapped.unwrap_or(network)
}

#[cfg(test)]
mod tests {
    use super::{Exempt, PRIVATE};

    #[test]
    fn networks_are_read_as_postconf_prints_them() {
        let text = "192.0.2.0/24 [::ffff:198.51.100.0]/120, [2001:db8::]/32\n203.0.113.9";
        let exempt: Exempt = text.parse().unwrap();
        for inside in ["192.0.2.200", "198.51.100.7", "2001:db8::1", "203.0.113.9"] {
            assert!(exempt.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["192.0.3.1", "203.0.113.10", "2001:db9::1"] {
            assert!(!exempt.contains(outside.parse().unwrap()), "{outside}");
        }
        for text in ["!192.0.2.0/24", "hash:/etc/networks", "/etc/networks", "x", "192.0.2.0/33"] {
            assert!(text.parse::<Exempt>().is_err(), "{text}");
        }
    }

    #[test]
    fn private_addresses_are_those_that_mean_nothing_elsewhere() {
        let private = Exempt::private();
        assert_eq!(private.0.len(), PRIVATE.len());
        assert!(private.contains("172.31.255.1".parse().unwrap()));
        assert!(!private.contains("172.32.0.1".parse().unwrap()));
    }
}
