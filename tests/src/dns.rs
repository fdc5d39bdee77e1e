//! Queries and replies: bytes where the bytes matter, hickory for the rest.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use hickory_proto::{op::Message, rr::RecordType};

/// A query, well formed or not: the counts are told, not counted.
#[derive(Clone, Debug)]
pub struct Query {
    /// The message id.
    pub id: u16,
    /// The second 16 bits of the header; 0 is a plain query.
    pub flags: u16,
    /// QDCOUNT; the sections behind it are the caller's business.
    pub questions: u16,
    /// ARCOUNT.
    pub additionals: u16,
    /// What follows the header.
    pub body: Vec<u8>,
}

/// The OPT record of a query (RFC 6891).
#[derive(Clone, Copy, Debug)]
pub struct Edns {
    /// The UDP payload that the client takes.
    pub payload: u16,
    /// The EDNS version.
    pub version: u8,
    /// The 16 flag bits; the first is DO.
    pub flags: u16,
    /// The options in wire form.
    pub options: &'static [u8],
}

impl Edns {
    /// The flag that asks for DNSSEC records.
    pub const DO: u16 = 0x8000;
}

impl Default for Edns {
    fn default() -> Self {
        Self { payload: 1232, version: 0, flags: 0, options: &[] }
    }
}

/// The next message id: no two queries of a run share one soon after each other.
static NEXT_ID: AtomicU16 = AtomicU16::new(1);

impl Query {
    /// Header bits.
    pub const QR: u16 = 0x8000;
    /// Truncated.
    pub const TC: u16 = 0x0200;
    /// Authentic data (RFC 4035).
    pub const AD: u16 = 0x0020;
    /// Checking disabled (RFC 4035).
    pub const CD: u16 = 0x0010;
    /// Class IN.
    pub const IN: u16 = 1;
    /// Class CHAOS.
    pub const CH: u16 = 3;

    /// Nothing but a header.
    pub fn empty() -> Self {
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            flags: 0,
            questions: 0,
            additionals: 0,
            body: Vec::new(),
        }
    }

    /// One question of class IN. The name is sent letter by letter as given.
    #[track_caller]
    pub fn new(name: &str, rtype: RecordType) -> Self {
        Self::empty().question(name, rtype, Self::IN)
    }

    /// With one question more.
    #[must_use]
    #[track_caller]
    pub fn question(mut self, name: &str, rtype: RecordType, class: u16) -> Self {
        push_name(&mut self.body, name);
        self.body.extend(u16::from(rtype).to_be_bytes());
        self.body.extend(class.to_be_bytes());
        self.questions += 1;
        self
    }

    /// With an OPT record.
    #[must_use]
    pub fn edns(mut self, edns: Edns) -> Self {
        self.body.extend([0, 0, 41]);
        self.body.extend(edns.payload.to_be_bytes());
        self.body.extend([0, edns.version]);
        self.body.extend(edns.flags.to_be_bytes());
        self.body.extend((edns.options.len() as u16).to_be_bytes());
        self.body.extend(edns.options);
        self.additionals += 1;
        self
    }

    /// With an OPT record that holds a cookie (RFC 7873).
    #[must_use]
    pub fn cookie(self, data: &[u8]) -> Self {
        let mut query = self.edns(Edns::default());
        let at = query.body.len() - 2;
        let len = data.len() as u16;
        query.body[at..].copy_from_slice(&(len + 4).to_be_bytes());
        query.body.extend([0, 10]);
        query.body.extend(len.to_be_bytes());
        query.body.extend(data);
        query
    }

    /// With these header bits too.
    #[must_use]
    pub fn flags(mut self, flags: u16) -> Self {
        self.flags |= flags;
        self
    }

    /// With this opcode.
    #[must_use]
    pub fn opcode(self, opcode: u16) -> Self {
        self.flags(opcode << 11)
    }

    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let header = [self.id, self.flags, self.questions, 0, 0, self.additionals];
        let mut bytes: Vec<u8> = header.into_iter().flat_map(u16::to_be_bytes).collect();
        bytes.extend(&self.body);
        bytes
    }
}

/// A name in wire form, as it is typed.
#[track_caller]
fn push_name(bytes: &mut Vec<u8>, name: &str) {
    for label in name.split('.').filter(|label| !label.is_empty()) {
        assert!(label.len() < 64, "{name}");
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
}

/// A reply with its bytes; it could be read, and QR is set.
#[derive(Clone, Debug)]
pub struct Reply {
    /// As it came.
    pub bytes: Vec<u8>,
    /// As hickory reads it.
    pub message: Message,
}

impl Reply {
    /// Reads it; panics unless it is a reply.
    #[track_caller]
    pub fn read(bytes: Vec<u8>) -> Self {
        let message = Message::from_vec(&bytes);
        let message = message.unwrap_or_else(|err| panic!("{err} in the reply {bytes:02x?}"));
        assert!(bytes[2] & 0x80 != 0, "QR is clear in the reply {message:?}");
        Self { bytes, message }
    }

    /// The message id.
    pub fn id(&self) -> u16 {
        u16::from_be_bytes([self.bytes[0], self.bytes[1]])
    }

    /// The low four bits of the rcode.
    pub fn rcode(&self) -> u8 {
        self.bytes[3] & 0x0f
    }

    /// The second 16 bits of the header.
    pub fn flags(&self) -> u16 {
        u16::from_be_bytes([self.bytes[2], self.bytes[3]])
    }
}

/// A UDP socket that talks to one server.
pub struct UdpClient(UdpSocket);

impl UdpClient {
    /// From a free port.
    pub fn connect(server: SocketAddr) -> io::Result<Self> {
        let loopback = match server {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        Self::connect_from(server, loopback)
    }

    /// From a free port of this address.
    pub fn connect_from(server: SocketAddr, from: IpAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind((from, 0))?;
        socket.connect(server)?;
        Ok(Self(socket))
    }

    /// Sends one datagram.
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        self.0.send(message).map(drop)
    }

    /// The next datagram; `None` where none comes in time.
    #[track_caller]
    pub fn receive(&self, limit: Duration) -> io::Result<Option<Reply>> {
        self.0.set_read_timeout(Some(limit))?;
        let mut bytes = vec![0; usize::from(u16::MAX)];
        match self.0.recv(&mut bytes) {
            Ok(len) => {
                bytes.truncate(len);
                Ok(Some(Reply::read(bytes)))
            }
            Err(err) if matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(err) => Err(err),
        }
    }
}
