//! The whole DNS face without its sockets, for the fuzz target `query`.

use std::{net::IpAddr, sync::Arc, time::Instant};

use dnsbl_index::Index;
use dnsbl_types::{ClockReading, UnixTime};

use super::{
    AccessControl, Cookies, Counters, Protection, Sampler, Secrets, Service,
    counters::Transport,
    fast_path::{self, Asked},
    lookup, message,
    query::Query,
};

/// Both paths of a server that has this index, and cookies of a secret that everybody knows.
#[doc(hidden)]
pub struct Paths(Service);

impl Paths {
    /// The client that asks.
    pub const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    /// Answers from `index`.
    pub fn new(index: Arc<Index>) -> Self {
        let counters = Counters::new(1).expect("the names of metrics are good");
        let cookies = Some(Cookies::new(Secrets::of_one_server([7; 16])));
        let protection = Protection { cookies, ..Protection::default() };
        let identity = Some("fuzz".to_owned());
        let access = Arc::new(AccessControl::default());
        let sampler = Sampler::default();
        Self(Service { index, counters, access, protection, sampler, version: None, identity })
    }

    /// The slow path's reply to a message, if it gets one: that over UDP, and that over TCP.
    pub fn slow(&self, packet: &[u8], now: UnixTime) -> [Option<Vec<u8>>; 2] {
        let over = |transport| {
            message::respond(&self.0, packet, (Self::CLIENT, 53).into(), transport, at(now))
        };
        [over(Transport::Udp), over(Transport::Tcp)]
    }

    /// The fast path's reply to a message, which goes to `reply`; its length, if that path takes it.
    pub fn fast(&self, packet: &[u8], reply: &mut [u8], now: UnixTime) -> Option<usize> {
        let mut query = Query::EMPTY;
        query.read(packet).then_some(())?;
        let snapshot = self.0.index.load();
        let lookup = &lookup::look_up(&snapshot, query.question());
        let asked = Asked { packet, query: &query, lookup, client: Self::CLIENT };
        let responded =
            fast_path::respond(&self.0.access, &self.0.protection, asked, reply, at(now))?;
        Some(responded.len)
    }
}

fn at(wall: UnixTime) -> ClockReading {
    ClockReading { wall, steady: Instant::now() }
}
