//! Binding: UDP and TCP on the same port, several UDP sockets for each address.

use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    time::Duration,
};

use dnsbl_daemon::privileged_hint;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config;

/// Bound sockets that nobody reads yet.
pub(crate) struct Sockets {
    pub(super) udp: Vec<UdpSocket>,
    pub(super) tcp: Vec<TcpListener>,
    /// The addresses that were asked for, with the ports that were got.
    pub(crate) addresses: Vec<SocketAddr>,
}

/// An address that can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("dns.listen: can't listen on {addr} ({transport}): {reason}{}", privileged_hint(.addr, .reason))]
pub(crate) struct BindError {
    addr: SocketAddr,
    transport: &'static str,
    reason: io::Error,
}

/// Tries for a port that is free for UDP and TCP.
const TRIES: usize = 32;
/// What the kernel may hold for each UDP socket, in bytes; it takes less where it must.
const RECEIVE_BUFFER: usize = 4 << 20;
/// How soon a UDP worker notices that it shall stop.
const POLL: Duration = Duration::from_millis(250);
const BACKLOG: i32 = 1024;

impl Sockets {
    /// Binds everything that is configured, or nothing.
    pub(crate) fn bind(config: &config::Dns) -> Result<Self, BindError> {
        let mut sockets = Self { udp: Vec::new(), tcp: Vec::new(), addresses: Vec::new() };
        for &addr in &config.listen {
            let (bound, tcp, first) = bind_pair(addr)?;
            sockets.tcp.push(tcp);
            sockets.udp.push(first);
            for _ in 1..config.threads {
                sockets.udp.push(udp(bound, true)?);
            }
            sockets.addresses.push(bound);
        }
        Ok(sockets)
    }

    /// How many UDP workers they need: one for each socket.
    pub(crate) fn count_workers(&self) -> usize {
        self.udp.len()
    }
}

/// One TCP and one UDP socket on one port. Port 0 is any that is free for both.
fn bind_pair(addr: SocketAddr) -> Result<(SocketAddr, TcpListener, UdpSocket), BindError> {
    let mut tries = if addr.port() == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        let tcp = tcp(addr)?;
        let bound =
            tcp.local_addr().map_err(|reason| BindError { addr, transport: "TCP", reason })?;
        // A socket that shares its port would bind beside another server's; one that doesn't tells.
        match udp(bound, false).and_then(|probe| {
            drop(probe);
            udp(bound, true)
        }) {
            Ok(first) => return Ok((bound, tcp, first)),
            Err(err) if tries == 0 => return Err(err),
            Err(_) => {}
        }
    }
}

fn tcp(addr: SocketAddr) -> Result<TcpListener, BindError> {
    let bind = || -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        only_v6(&socket, addr)?;
        socket.set_reuse_address(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    };
    bind().map_err(|reason| BindError { addr, transport: "TCP", reason })
}

fn udp(addr: SocketAddr, shared: bool) -> Result<UdpSocket, BindError> {
    let bind = || -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
        only_v6(&socket, addr)?;
        socket.set_reuse_port(shared)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.set_read_timeout(Some(POLL))?;
        if addr.ip().is_unspecified() {
            udp_batch::learn_local_addresses(&socket, addr.is_ipv6())?;
        }
        socket.bind(&addr.into())?;
        Ok(socket.into())
    };
    bind().map_err(|reason| BindError { addr, transport: "UDP", reason })
}

fn only_v6(socket: &Socket, addr: SocketAddr) -> io::Result<()> {
    if addr.is_ipv6() { socket.set_only_v6(true) } else { Ok(()) }
}
