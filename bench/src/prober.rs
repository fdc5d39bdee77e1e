//! Whether a server answers at every moment.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use dnsbl_tests::Query;
use hickory_proto::rr::RecordType;

use crate::{
    background::{Background, Pace},
    data,
};

/// Questions a second.
const RATE: f64 = 1000.0;

/// What a prober saw.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Probe {
    pub(crate) asked: u64,
    pub(crate) answered: u64,
    /// Answers that do not list what is always listed.
    pub(crate) wrong: u64,
    /// The longest time without an answer.
    pub(crate) longest_gap: Duration,
}

/// Asks for an address that is always listed, 1,000 times a second.
pub(crate) fn start(server: SocketAddr) -> Result<Background<Probe>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).context("binding a UDP socket")?;
    socket.connect(server).with_context(|| format!("connecting to {server}"))?;
    socket.set_nonblocking(true)?;
    Ok(Background::start(move |stop| {
        let query = Query::new(&data::name_of(data::TEST_ADDRESS), RecordType::A).bytes();
        let (mut probe, mut pace) = (Probe::default(), Pace::new(RATE));
        let mut last = Instant::now();
        while !stop.is_set() {
            // A full buffer is a lost question, and shows as such.
            let _ = socket.send(&query);
            probe.asked += 1;
            pace.wait();
            drain(&socket, &mut probe, &mut last)?;
        }
        Ok(probe)
    }))
}

fn drain(socket: &UdpSocket, probe: &mut Probe, last: &mut Instant) -> Result<()> {
    let mut reply = [0; 512];
    loop {
        match socket.recv(&mut reply) {
            Ok(_) => {
                probe.answered += 1;
                probe.wrong += u64::from(reply[3] & 0x0f != 0 || reply[7] == 0);
                probe.longest_gap = probe.longest_gap.max(last.elapsed());
                *last = Instant::now();
            }
            Err(err) if err.kind() == ErrorKind::WouldBlock => {
                probe.longest_gap = probe.longest_gap.max(last.elapsed());
                return Ok(());
            }
            Err(err) => return Err(err).context("receiving an answer"),
        }
    }
}
