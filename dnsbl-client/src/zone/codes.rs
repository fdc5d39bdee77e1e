//! What the answers of well-known zones mean beyond "listed".

use std::net::Ipv4Addr;

use super::ZoneName;
use crate::{Blocked, ReplyFilter};

/// The meanings of a zone's answers beyond "listed".
///
/// 127.255.255.0/24 is an error for every zone, 127.0.0.1 bogus unless told otherwise here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Codes {
    /// Return codes by which this zone refuses to tell.
    pub blocked: Vec<(ReplyFilter, Blocked)>,
    /// Whether 127.0.0.1 is one of its return codes.
    pub localhost_is_listed: bool,
}

/// A domain, a code that the zones below it give, and what it means.
type Refusal = (&'static str, [u8; 4], fn(Ipv4Addr) -> Blocked);

/// What well-known zones answer instead of "listed".
const REFUSALS: [Refusal; 6] = [
    ("spamhaus.org", [127, 0, 1, 255], Blocked::NotForAddresses),
    ("spamhaus.net", [127, 0, 1, 255], Blocked::NotForAddresses),
    ("dnswl.org", [127, 0, 0, 255], |_| Blocked::TooManyQueries),
    ("surbl.org", [127, 0, 0, 1], Blocked::ErrorCode),
    ("uribl.com", [127, 0, 0, 1], Blocked::ErrorCode),
    ("senderscore.com", [127, 255, 255, 255], |_| Blocked::TooManyQueries),
];

/// Zones that have 127.0.0.1 as a return code.
const LOCALHOST_LISTS: [&str; 1] = ["junkemailfilter.com"];

impl Codes {
    /// Those of a zone by its name; nothing of its own where the zone is not known.
    pub fn of(name: &ZoneName) -> Self {
        let below = |domain: &str| {
            let public = name.public();
            public.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let blocked = REFUSALS.iter().filter(|(domain, ..)| below(domain));
        let blocked = blocked.map(|(_, code, meaning)| {
            let code = Ipv4Addr::from(*code);
            (ReplyFilter::codes([code]), meaning(code))
        });
        Self {
            blocked: blocked.collect(),
            localhost_is_listed: LOCALHOST_LISTS.iter().any(|domain| below(domain)),
        }
    }

    /// The refusal that an address stands for.
    pub(crate) fn refusal(&self, addr: Ipv4Addr) -> Option<Blocked> {
        let matching = self.blocked.iter().find(|(filter, _)| filter.matches(&[addr]));
        matching.map(|(_, blocked)| *blocked)
    }
}
