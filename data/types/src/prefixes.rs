//! The prefixes of a range, as an error shows them.

use std::{fmt, net::IpAddr};

use ipnet::{Ipv4Subnets, Ipv6Subnets};

/// How many prefixes of a range are named.
const SHOWN: usize = 4;

/// The prefixes that make up a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes(String);

impl Prefixes {
    pub(crate) fn of(first: IpAddr, last: IpAddr) -> Self {
        let all: Vec<String> = match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                Ipv4Subnets::new(first, last, 0).map(|net| net.to_string()).collect()
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                Ipv6Subnets::new(first, last, 0).map(|net| net.to_string()).collect()
            }
            _ => Vec::new(),
        };
        let mut text = all[..all.len().min(SHOWN)].join(", ");
        if all.len() > SHOWN {
            text.push_str(&format!(" and {} more", all.len() - SHOWN));
        }
        Self(text)
    }
}

impl fmt::Display for Prefixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
