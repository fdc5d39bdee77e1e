//! The sockets themselves: connected, sent on directly, and read when the runtime says so.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
};

use tokio::io::{Interest, unix::AsyncFd};

/// What a reader waits for: replies, and what ICMP says, which is no data.
pub(super) const INCOMING: Interest = Interest::READABLE.add(Interest::ERROR);

/// A socket that the runtime watches.
pub(super) type Descriptor = Arc<AsyncFd<UdpSocket>>;

/// Opens a socket on a port of the kernel's choice that hears nobody but the server.
pub(super) fn open(server: SocketAddr) -> io::Result<Descriptor> {
    let any = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    socket.set_nonblocking(true)?;
    register(socket).map(Arc::new)
}

/// Has the runtime watch for what comes, and not, as its own sockets do, for room to send: an event
/// for each datagram that has left would be the larger part of the work.
#[expect(deprecated, reason = "it is sound for std's sockets; what replaces it is unsafe to call")]
fn register(socket: UdpSocket) -> io::Result<AsyncFd<UdpSocket>> {
    AsyncFd::with_interest(socket, INCOMING)
}
