//! A scripted name server on 127.0.0.1, UDP and TCP: it answers, delays, repeats, drops, cuts, lies
//! and babbles as a test wants.

mod replies;
mod world;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use hickory_proto::{op::Message, rr::RecordType};
pub(crate) use replies::{
    a, a_ttl, cname, negative, nodata, nxdomain, rcode, reply, texts, with_extended_error,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    spawn,
    time::{Instant, sleep_until},
};
pub(crate) use world::{Says, World, fail, good};

/// How a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    Udp,
    Tcp,
}

/// A query as it was on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) rtype: RecordType,
    pub(crate) via: Via,
    pub(crate) from: SocketAddr,
    pub(crate) message: Message,
}

/// One thing that the server does about a query.
#[derive(Clone, Debug)]
pub(crate) struct Say {
    bytes: Vec<u8>,
    after: Duration,
    elsewhere: bool,
    close: bool,
}

impl Say {
    /// Sends these octets, which need be no message.
    pub(crate) fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), after: Duration::ZERO, elsewhere: false, close: false }
    }

    /// Closes the connection, if there is one.
    pub(crate) fn close() -> Self {
        Self { close: true, ..Self::bytes([]) }
    }

    /// Later. What comes behind it in a script does not wait for it.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { after: delay, ..self }
    }

    /// From another port than the one that was asked.
    pub(crate) fn by_another_port(self) -> Self {
        Self { elsewhere: true, ..self }
    }
}

impl From<Message> for Say {
    fn from(message: Message) -> Self {
        Self::bytes(message.to_vec().unwrap())
    }
}

/// Tells what to do about a query: nothing is silence.
pub(crate) trait Script: Fn(&Asked) -> Vec<Say> + Send + Sync + 'static {}
impl<F: Fn(&Asked) -> Vec<Say> + Send + Sync + 'static> Script for F {}

/// A running server; it ends with the runtime.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) addr: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// Listens on UDP and TCP, on the same free port.
    pub(crate) async fn start(script: impl Script) -> Self {
        let (udp, tcp) = bind().await;
        let fake = Self { addr: udp.local_addr().unwrap(), asked: Arc::default() };
        let script = Arc::new(script);
        spawn(fake.clone().serve_udp(udp.into(), script.clone()));
        spawn(fake.clone().serve_tcp(tcp, script));
        fake
    }

    /// Answers each query with one message.
    pub(crate) async fn answering(
        script: impl Fn(&Asked) -> Message + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |asked: &Asked| vec![script(asked).into()]).await
    }

    /// The queries so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The names asked for so far, with their types: `A 2.0.0.127.bl.example.`
    pub(crate) fn names(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|asked| format!("{} {}", asked.rtype, asked.name)).collect()
    }

    /// How many queries there were.
    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn serve_udp(self, socket: Arc<UdpSocket>, script: Arc<impl Script>) {
        let elsewhere = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let mut buffer = [0; 4096];
        loop {
            let (len, peer) = socket.recv_from(&mut buffer).await.unwrap();
            for say in self.answer(&buffer[..len], Via::Udp, peer, &*script) {
                let from = if say.elsewhere { &elsewhere } else { &socket };
                if say.close {
                } else if say.after.is_zero() {
                    // The asker may be gone, which loopback reports.
                    let _ = from.send_to(&say.bytes, peer).await;
                } else {
                    let from = from.clone();
                    spawn(async move {
                        sleep_until(Instant::now() + say.after).await;
                        let _ = from.send_to(&say.bytes, peer).await;
                    });
                }
            }
        }
    }

    async fn serve_tcp(self, listener: TcpListener, script: Arc<impl Script>) {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            spawn(self.clone().serve_stream(stream, peer, script.clone()));
        }
    }

    async fn serve_stream(self, mut stream: TcpStream, peer: SocketAddr, script: Arc<impl Script>) {
        while let Ok(len) = stream.read_u16().await {
            let mut query = vec![0; len.into()];
            if stream.read_exact(&mut query).await.is_err() {
                return;
            }
            for say in self.answer(&query, Via::Tcp, peer, &*script) {
                sleep_until(Instant::now() + say.after).await;
                let len = say.bytes.len().try_into().unwrap();
                let sent = async {
                    stream.write_u16(len).await?;
                    stream.write_all(&say.bytes).await
                };
                if say.close || sent.await.is_err() {
                    return;
                }
            }
        }
    }

    fn answer(&self, query: &[u8], via: Via, from: SocketAddr, script: &impl Script) -> Vec<Say> {
        let message = Message::from_vec(query).unwrap();
        let asked = Asked {
            name: message.queries[0].name().to_ascii(),
            rtype: message.queries[0].query_type(),
            via,
            from,
            message,
        };
        self.asked.lock().unwrap().push(asked.clone());
        script(&asked)
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
