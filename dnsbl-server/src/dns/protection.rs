//! Protection of others, and of this server, from queries in somebody else's name.
//!
//! Over UDP nobody knows who has sent a query. What follows from that is decided here for both paths: what a
//! client's cookie proves, how long its answers may be, and how many it gets. Over TCP nothing of this holds.

use std::{net::IpAddr, time::Instant};

use dnsbl_index::IndexedZone;
use dnsbl_types::{LargeUdp as ZoneLargeUdp, UnixTime};
use ipnet::IpNet;

use super::{
    cookies::{ClientCookie, Cookies},
    rate_limit::{Admission, RateLimiter, ResultClass},
    wire::{CLASSIC, PAYLOAD},
};
use crate::config::LargeUdp;

/// What protects a server's neighbours; the default is nothing.
#[derive(Default)]
pub(crate) struct Protection {
    pub(crate) cookies: Option<Cookies>,
    pub(crate) rate_limiter: Option<RateLimiter>,
    pub(crate) large_udp: LargeUdp,
}

/// Who has sent a query, as far as that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) addr: IpAddr,
    pub(super) cookie: ClientCookie,
}

impl Client {
    /// Whether it is where it says it is.
    fn is_proved(&self) -> bool {
        matches!(self.cookie, ClientCookie::Good(_))
    }
}

impl Protection {
    /// The client at an address, whose query has this COOKIE option.
    pub(super) fn client(&self, addr: IpAddr, option: Option<&[u8]>, now: UnixTime) -> Client {
        let cookie = match (&self.cookies, option) {
            (Some(cookies), Some(option)) => cookies.judge(option, addr, now),
            _ => ClientCookie::Absent,
        };
        Client { addr, cookie }
    }

    /// The longest reply that a client gets over UDP to a question in a zone if it offers to take `payload` octets
    /// (RFC 6891 section 6.2.3).
    pub(super) fn longest_reply(
        &self,
        client: &Client,
        zone: Option<&IndexedZone>,
        payload: Option<u16>,
    ) -> u16 {
        let longest = payload.unwrap_or(CLASSIC).clamp(CLASSIC, PAYLOAD);
        let by_zone = zone.and_then(|zone| zone.settings().access.large_udp);
        let (is_for_all, known): (_, &[IpNet]) = match &self.large_udp {
            LargeUdp::All => (true, &[]),
            LargeUdp::Cookie { networks } => (false, networks),
        };
        let is_for_all = by_zone.map_or(is_for_all, |by_zone| by_zone == ZoneLargeUdp::All);
        if is_for_all || longest == CLASSIC || client.is_proved() {
            return longest;
        }
        let addr = client.addr.to_canonical();
        if known.iter().any(|network| network.contains(&addr)) { longest } else { CLASSIC }
    }

    /// Decides what becomes of an answer of a class to a client over UDP.
    pub(super) fn admit(&self, client: &Client, class: ResultClass, now: Instant) -> Admission {
        match &self.rate_limiter {
            Some(limiter) if !client.is_proved() => limiter.admit(client.addr, class, now),
            _ => Admission::Answered,
        }
    }
}
