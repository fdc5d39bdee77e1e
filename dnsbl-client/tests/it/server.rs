//! A DNS server that says what a test wants, true or not.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use hickory_proto::op::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    spawn,
};

/// How a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// A query as it was on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) rtype: String,
    pub(crate) transport: Transport,
}

/// Tells the messages to send for a query: none is silence, the first may be a lie.
pub(crate) trait Script:
    Fn(&Message, Transport) -> Vec<Message> + Send + Sync + 'static
{
}
impl<F: Fn(&Message, Transport) -> Vec<Message> + Send + Sync + 'static> Script for F {}

/// A running server; it ends with the runtime.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Listens on UDP and TCP, on the same free port.
    pub(crate) async fn start(script: impl Script) -> Self {
        let (udp, tcp) = bind().await;
        let server = Self { addr: udp.local_addr().unwrap(), asked: Arc::default() };
        let script = Arc::new(script);
        spawn(server.clone().serve_udp(udp, script.clone()));
        spawn(server.clone().serve_tcp(tcp, script));
        server
    }

    /// The queries so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    async fn serve_udp(self, socket: UdpSocket, script: Arc<impl Script>) {
        let mut buffer = [0; 4096];
        loop {
            let (len, peer) = socket.recv_from(&mut buffer).await.unwrap();
            for reply in self.answer(&buffer[..len], Transport::Udp, &*script) {
                socket.send_to(&reply, peer).await.unwrap();
            }
        }
    }

    async fn serve_tcp(self, listener: TcpListener, script: Arc<impl Script>) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            spawn(self.clone().serve_stream(stream, script.clone()));
        }
    }

    async fn serve_stream(self, mut stream: TcpStream, script: Arc<impl Script>) {
        while let Ok(len) = stream.read_u16().await {
            let mut query = vec![0; len.into()];
            stream.read_exact(&mut query).await.unwrap();
            for reply in self.answer(&query, Transport::Tcp, &*script) {
                stream.write_u16(reply.len().try_into().unwrap()).await.unwrap();
                stream.write_all(&reply).await.unwrap();
            }
        }
    }

    fn answer(&self, query: &[u8], transport: Transport, script: &impl Script) -> Vec<Vec<u8>> {
        let query = Message::from_vec(query).unwrap();
        self.asked.lock().unwrap().push(Asked {
            name: query.queries[0].name().to_string(),
            rtype: query.queries[0].query_type().to_string(),
            transport,
        });
        let replies = script(&query, transport).into_iter();
        replies.map(|reply| reply.to_vec().unwrap()).collect()
    }
}

/// Tries ports until one is free for both.
async fn bind() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}
