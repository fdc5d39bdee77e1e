//! A query and its reply, over either transport.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use crate::{PATIENCE, Query, Reply, TcpClient, UdpClient};

/// How a query travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One datagram each way.
    Udp,
    /// A stream of messages, each behind its length (RFC 7766).
    Tcp,
}

impl Transport {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Udp, Self::Tcp];
}

impl Query {
    /// Sends it and gives the reply.
    #[track_caller]
    pub fn ask(&self, server: SocketAddr, transport: Transport) -> Reply {
        let reply = exchange(server, transport, &self.bytes()).expect("the server replies");
        assert_eq!(reply.id(), self.id, "{reply:?}");
        reply
    }
}

/// Sends a message and gives the reply to it; an error where none comes.
pub fn exchange(server: SocketAddr, transport: Transport, message: &[u8]) -> io::Result<Reply> {
    match transport {
        Transport::Udp => {
            let client = UdpClient::connect(server)?;
            client.send(message)?;
            client.receive(PATIENCE)?.ok_or(ErrorKind::TimedOut.into())
        }
        Transport::Tcp => {
            let mut client = TcpClient::connect(server)?;
            client.send(message)?;
            client.receive()
        }
    }
}
