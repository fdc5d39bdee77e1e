//! No answer that was made, or could still be made, is lost over TCP.

use std::{net::SocketAddr, time::Duration};

use dnsbl_daemon::{ConnectionLimits, ConnectionPermits};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{differential::query, zones};
use crate::dns::{
    LiveService,
    tcp::{Limits, serve},
};

/// Long enough for the slowest machine; nothing here waits for it to be over.
const IDLE: Duration = Duration::from_secs(60);

async fn start(stop: &CancellationToken) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let permits = ConnectionPermits::new(ConnectionLimits { all: 4, per_network: 4 });
    let (limits, service) = (Limits { permits, idle: IDLE }, LiveService::new(zones::service()));
    tokio::spawn(serve(listener.into(), service, limits, TaskTracker::new(), stop.clone()));
    addr
}

fn framed(packet: &[u8]) -> Vec<u8> {
    let len = u16::try_from(packet.len()).unwrap();
    [&len.to_be_bytes(), packet].concat()
}

/// A query with its length, and how its reply begins: QR, AA and RD as it came, and no error.
fn listed(id: u8) -> (Vec<u8>, [u8; 4]) {
    let mut packet = query("1.2.0.192.bl.example.org", 1, 0);
    packet[1] = id;
    (framed(&packet), [packet[0], id, 0x84 | packet[2] & 1, 0])
}

#[track_caller]
fn is_reply(reply: &[u8], head: [u8; 4]) {
    assert_eq!(reply.get(..4), Some(head.as_slice()), "{reply:02x?}");
}

async fn read_reply(client: &mut TcpStream) -> Vec<u8> {
    let len = client.read_u16().await.unwrap();
    let mut reply = vec![0; len.into()];
    client.read_exact(&mut reply).await.unwrap();
    reply
}

async fn is_at_end(client: &mut TcpStream) -> bool {
    client.read(&mut [0]).await.unwrap() == 0
}

/// What comes behind a message that gets no reply is not read, but what came before it is answered.
#[tokio::test]
async fn answers_before_a_message_that_gets_none_are_sent() {
    let stop = CancellationToken::new();
    let addr = start(&stop).await;
    let (first, first_head) = listed(1);
    let (second, second_head) = listed(2);
    let mut answer = second.clone();
    // QR: no query at all.
    answer[2 + 2] |= 0x80;
    for without_reply in [answer, framed(b"short")] {
        let mut client = TcpStream::connect(addr).await.unwrap();
        client.write_all(&[&*first, &second, &without_reply].concat()).await.unwrap();
        is_reply(&read_reply(&mut client).await, first_head);
        is_reply(&read_reply(&mut client).await, second_head);
        assert!(is_at_end(&mut client).await);
    }
}

/// One thread runs everything here, so that the server can't have read what is sent before it sees the stop.
#[tokio::test]
async fn queries_that_are_in_when_the_server_stops_are_answered() {
    let stop = CancellationToken::new();
    let addr = start(&stop).await;
    let mut client = TcpStream::connect(addr).await.unwrap();
    let (first, first_head) = listed(1);
    client.write_all(&first).await.unwrap();
    is_reply(&read_reply(&mut client).await, first_head);
    let (second, second_head) = listed(2);
    let (third, third_head) = listed(3);
    let both = [second, third].concat();
    assert_eq!(client.try_write(&both).unwrap(), both.len());
    stop.cancel();
    is_reply(&read_reply(&mut client).await, second_head);
    is_reply(&read_reply(&mut client).await, third_head);
    assert!(is_at_end(&mut client).await);
}
