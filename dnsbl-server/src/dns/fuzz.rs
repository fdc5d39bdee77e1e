//! The whole DNS face without its sockets, for the fuzz target `query`.

use std::sync::Arc;

use dnsbl_index::Index;
use dnsbl_types::UnixTime;

use super::{
    counters::{Counters, Transport},
    message,
    service::Service,
};

/// Answers messages as a server does that has this index.
#[doc(hidden)]
pub struct SlowPath(Service);

impl SlowPath {
    /// Answers from `index`.
    pub fn new(index: Arc<Index>) -> Self {
        let counters = Counters::new(1).expect("the names of metrics are good");
        let identity = Some("fuzz".to_owned());
        Self(Service { index, counters, version: None, identity })
    }

    /// The reply to a message, if it gets one: that over UDP, and that over TCP.
    pub fn answer(&self, packet: &[u8], now: UnixTime) -> [Option<Vec<u8>>; 2] {
        let client = ([192, 0, 2, 1], 53).into();
        let over = |transport| message::respond(&self.0, packet, client, transport, now);
        [over(Transport::Udp), over(Transport::Tcp)]
    }
}
