//! Connected sockets, each for so many questions and so long.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{Interest, unix::AsyncFd},
    task::AbortHandle,
};

use super::slots::Ticket;

/// How many questions go out of one port.
pub(super) const MAX_SENT: usize = 512;
/// How long a port is used.
pub(super) const MAX_AGE: Duration = Duration::from_secs(10);
/// How many replies to nothing that was asked a port may get before it is given up.
pub(super) const MAX_MISMATCHES: u32 = 16;

/// What a reader waits for: replies, and what ICMP says, which is no data.
pub(super) const INCOMING: Interest = Interest::READABLE.add(Interest::ERROR);

/// The descriptor; sent on directly, read when the runtime says so.
pub(super) type Descriptor = Arc<AsyncFd<UdpSocket>>;

/// A socket and what it was used for.
pub(super) struct Socket {
    pub(super) server: SocketAddr,
    pub(super) fd: Descriptor,
    /// Who waits for which id; `None` where nobody does any more, so that late replies are known.
    ids: HashMap<u16, Option<Ticket>, BuildHasherDefault<IdHasher>>,
    /// How many wait.
    live: usize,
    pub(super) mismatches: u32,
    /// No more questions go out.
    pub(super) is_retired: bool,
    pub(super) reader: Option<AbortHandle>,
}

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

impl Socket {
    pub(super) fn new(server: SocketAddr, fd: Descriptor) -> Self {
        Self {
            server,
            fd,
            ids: HashMap::default(),
            live: 0,
            mismatches: 0,
            is_retired: false,
            reader: None,
        }
    }

    /// Whether nobody will ask or wait here any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_retired && self.live == 0
    }

    /// Whether it has sent what it may.
    pub(super) fn is_used_up(&self) -> bool {
        self.ids.len() >= MAX_SENT
    }

    /// Notes who waits for an id; not if it was in use before.
    pub(super) fn expect(&mut self, id: u16, ticket: Ticket) -> bool {
        let is_new = !self.ids.contains_key(&id);
        if is_new {
            self.ids.insert(id, Some(ticket));
            self.live += 1;
        }
        is_new
    }

    /// Who waits for an id; `None` if it was never sent.
    pub(super) fn waiting(&self, id: u16) -> Option<Option<Ticket>> {
        self.ids.get(&id).copied()
    }

    /// Notes that an id is not waited for any more, if it was by this one.
    pub(super) fn give_up(&mut self, id: u16, ticket: Ticket) {
        if let Some(waiting) = self.ids.get_mut(&id)
            && *waiting == Some(ticket)
        {
            *waiting = None;
            self.live -= 1;
        }
    }

    /// Nobody waits any more; gives all who did.
    pub(super) fn give_up_all(&mut self) -> Vec<Ticket> {
        self.live = 0;
        self.ids.values_mut().filter_map(Option::take).collect()
    }
}

/// Ids are random already, and nobody else chooses those that are kept.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u16(byte.into()));
    }

    fn write_u16(&mut self, id: u16) {
        // The table takes its bits from both ends of the hash.
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
