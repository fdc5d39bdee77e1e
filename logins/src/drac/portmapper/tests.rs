use std::sync::Arc;

use super::*;
use crate::drac::rpc::{Call, Refusal};

const PORT: u16 = 3_900;

/// A port mapper of the test's own.
struct FakeRpcbind {
    socket: Arc<UdpSocket>,
    addr: SocketAddr,
}

/// What it was asked to do: the number of the procedure, and the mapping.
type Asked = (u32, [u32; 4]);

impl FakeRpcbind {
    async fn bind() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        Self { socket: socket.into(), addr }
    }

    /// The next call, with its xid and whence it came.
    async fn next(&self) -> (Asked, u32, SocketAddr) {
        let mut buffer = [0; 256];
        let received = timeout(Duration::from_secs(60), self.socket.recv_from(&mut buffer));
        let (len, peer) = received.await.expect("a call").unwrap();
        let call = Call::read(&buffer[..len]).unwrap();
        let body = call.body.unwrap();
        assert_eq!((body.procedure.program, body.procedure.version), (100_000, 2));
        let (units, []) = body.arguments.as_chunks() else { panic!("{:?}", body.arguments) };
        let mapping: [_; 4] = units.try_into().unwrap();
        ((body.procedure.number, mapping.map(u32::from_be_bytes)), call.xid, peer)
    }

    /// Answers the next call.
    async fn answer(&self, outcome: Result<Option<u32>, Refusal>) -> Asked {
        let (asked, xid, peer) = self.next().await;
        self.socket.send_to(&Reply { xid, outcome }.write(), peer).await.unwrap();
        asked
    }
}

/// An address that is taken, and where all but one other get no further.
async fn closed_port() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    socket.connect(addr).await.unwrap();
    (socket, addr)
}

fn set(version: u32) -> Asked {
    (1, [900_101, version, 17, PORT.into()])
}

fn unset(version: u32) -> Asked {
    (2, [900_101, version, 17, 0])
}

#[tokio::test]
async fn both_versions_are_set_at_the_start_and_unset_at_the_end() {
    let (rpcbind, stop) = (FakeRpcbind::bind().await, CancellationToken::new());
    let script = async {
        // What a process that was killed has left is taken away first; here there is nothing.
        for version in [1, 2] {
            assert_eq!(rpcbind.answer(Ok(Some(0))).await, unset(version));
            assert_eq!(rpcbind.answer(Ok(Some(1))).await, set(version));
        }
        stop.cancel();
        for version in [1, 2] {
            assert_eq!(rpcbind.answer(Ok(Some(1))).await, unset(version));
        }
    };
    tokio::join!(keep_registered(rpcbind.addr, PORT, &stop), script);
}

#[tokio::test]
async fn rfc1833_section_3_a_version_that_rpcbind_does_not_set_is_named() {
    let rpcbind = FakeRpcbind::bind().await;
    let script = async {
        rpcbind.answer(Ok(Some(0))).await;
        rpcbind.answer(Ok(Some(0))).await;
    };
    let (registered, ()) = tokio::join!(register(rpcbind.addr, PORT), script);
    let Err(RegistrationError::Refused(1)) = registered else { panic!("{registered:?}") };
}

#[tokio::test]
async fn what_has_no_port_mapper_says_so() {
    for outcome in [Err(Refusal::Program), Ok(None)] {
        let rpcbind = FakeRpcbind::bind().await;
        let (registered, _) = tokio::join!(register(rpcbind.addr, PORT), rpcbind.answer(outcome));
        let Err(RegistrationError::NoAnswer) = registered else { panic!("{registered:?}") };
    }
}

#[tokio::test]
async fn where_nobody_listens_it_is_known_at_once() {
    let (_socket, nobody) = closed_port().await;
    let registered = register(nobody, PORT).await;
    let Err(RegistrationError::Unreachable(_)) = registered else { panic!("{registered:?}") };
}

#[tokio::test]
async fn a_call_without_a_reply_is_made_again_and_replies_to_others_are_none() {
    let rpcbind = FakeRpcbind::bind().await;
    let mut portmapper = Portmapper::connect(rpcbind.addr).await.unwrap();
    let script = async {
        let (asked, xid, peer) = rpcbind.next().await;
        for other in [&b"abc"[..], &Reply { xid: xid + 1, outcome: Ok(Some(0)) }.write()] {
            rpcbind.socket.send_to(other, peer).await.unwrap();
        }
        assert_eq!(rpcbind.answer(Ok(Some(1))).await, asked);
    };
    let (done, ()) = tokio::join!(portmapper.change(Change::Set, 1, PORT), script);
    assert!(done.unwrap());
}

#[tokio::test]
async fn a_registration_that_failed_ends_with_the_listener() {
    let ((_socket, nobody), stop) = (closed_port().await, CancellationToken::new());
    stop.cancel();
    keep_registered(nobody, PORT, &stop).await;
}
