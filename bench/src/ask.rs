//! A resolver that asks one server one question at a time.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use dnsbl_tests::Query;
use hickory_proto::rr::RecordType;

use crate::{data, pause::pause};

/// How long one question waits for its answer.
const TIMEOUT: Duration = Duration::from_millis(50);
/// Between an answer that is not the one and the next question.
const INTERVAL: Duration = Duration::from_micros(100);
/// The low four bits of the fourth byte of a message.
const RCODE: u8 = 0x0f;

/// A UDP socket that talks to one server.
pub(crate) struct Asker(UdpSocket);

impl Asker {
    /// From a free port.
    pub(crate) fn new(server: SocketAddr) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).context("binding a UDP socket")?;
        socket.connect(server).with_context(|| format!("connecting to {server}"))?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self(socket))
    }

    /// Whether the server lists an address; `None` where it does not say in time.
    pub(crate) fn is_listed(&self, addr: Ipv4Addr) -> Option<bool> {
        let query = Query::new(&data::name_of(addr), RecordType::A);
        self.0.send(&query.bytes()).ok()?;
        let mut reply = [0; 512];
        let deadline = Instant::now() + TIMEOUT;
        while Instant::now() < deadline {
            let len = self.0.recv(&mut reply).ok()?;
            let answers = u16::from_be_bytes([reply[6], reply[7]]);
            if len >= 12 && reply[..2] == query.id.to_be_bytes() {
                return Some(reply[3] & RCODE == 0 && answers > 0);
            }
        }
        None
    }

    /// Asks until the server lists an address.
    pub(crate) fn until_listed(&self, addr: Ipv4Addr, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        while self.is_listed(addr) != Some(true) {
            if Instant::now() > deadline {
                bail!("{addr} is not listed after {limit:?}");
            }
            pause(INTERVAL);
        }
        Ok(())
    }
}
