//! Batches over real sockets on loopback.

use std::{io, net::UdpSocket, time::Duration};

use udp_batch::{Batch, learn_local_addresses, send};

fn socket(addr: &str) -> UdpSocket {
    let socket = UdpSocket::bind(addr).expect("loopback can be bound");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a time limit is taken");
    socket
}

/// Sends back what comes, in upper case.
fn echo(batch: &mut Batch) {
    for mut datagram in batch.received() {
        let len = datagram.bytes.len();
        datagram.reply[..len].copy_from_slice(datagram.bytes);
        datagram.reply[..len].make_ascii_uppercase();
        datagram.reply(len);
    }
}

#[test]
fn what_waits_is_received_at_once_and_each_gets_its_reply() {
    for addr in ["127.0.0.1:0", "[::1]:0"] {
        let server = socket(addr);
        let clients: Vec<UdpSocket> = (0..5).map(|_| socket(addr)).collect();
        for (i, client) in clients.iter().enumerate() {
            client.send_to(format!("client {i}").as_bytes(), server.local_addr().unwrap()).unwrap();
        }
        let mut batch = Batch::new(8, 100, 100);
        assert_eq!(batch.receive(&server).unwrap(), 5);
        let peers: Vec<_> = batch.received().map(|datagram| datagram.path().peer()).collect();
        assert_eq!(peers, clients.iter().map(|c| c.local_addr().unwrap()).collect::<Vec<_>>());
        echo(&mut batch);
        assert_eq!(batch.send(&server), 0);
        for (i, client) in clients.iter().enumerate() {
            let mut reply = [0; 100];
            let (len, from) = client.recv_from(&mut reply).unwrap();
            assert_eq!(reply[..len], *format!("CLIENT {i}").as_bytes());
            assert_eq!(from, server.local_addr().unwrap());
        }
    }
}

#[test]
fn more_than_a_batch_waits_for_the_next() {
    let (server, client) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    for i in 0..5u8 {
        client.send_to(&[i], server.local_addr().unwrap()).unwrap();
    }
    let mut batch = Batch::new(2, 16, 16);
    let mut seen = Vec::new();
    while seen.len() < 5 {
        batch.receive(&server).unwrap();
        seen.extend(batch.received().map(|datagram| datagram.bytes.to_vec()));
    }
    assert_eq!(seen.concat(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_datagram_without_a_reply_gets_none_and_one_too_long_is_known_as_such() {
    let (server, client) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    client.send_to(b"silence", server.local_addr().unwrap()).unwrap();
    client.send_to(&[b'x'; 17], server.local_addr().unwrap()).unwrap();
    let mut batch = Batch::new(4, 16, 16);
    assert_eq!(batch.receive(&server).unwrap(), 2);
    let truncated: Vec<bool> = batch.received().map(|datagram| datagram.is_truncated).collect();
    assert_eq!(truncated, [false, true]);
    for mut datagram in batch.received().skip(1) {
        datagram.reply[0] = b'!';
        datagram.reply(1);
    }
    batch.send(&server);
    let mut reply = [0; 16];
    assert_eq!(client.recv(&mut reply).unwrap(), 1);
}

#[test]
fn replies_leave_from_the_address_that_was_asked() {
    for (bind, asked, is_ipv6) in [
        ("0.0.0.0:0", "127.1.2.3", false),
        ("0.0.0.0:0", "127.0.0.1", false),
        ("[::]:0", "::1", true),
    ] {
        let server = socket(bind);
        learn_local_addresses(&server, is_ipv6).unwrap();
        let asked =
            std::net::SocketAddr::new(asked.parse().unwrap(), server.local_addr().unwrap().port());
        let client = socket(if is_ipv6 { "[::1]:0" } else { "127.0.0.1:0" });
        client.send_to(b"who?", asked).unwrap();
        client.send_to(b"who?", asked).unwrap();
        let mut batch = Batch::new(1, 16, 16);
        let mut reply = [0; 16];

        batch.receive(&server).unwrap();
        echo(&mut batch);
        assert_eq!(batch.send(&server), 0);
        assert_eq!(client.recv_from(&mut reply).unwrap().1, asked);

        // Later and one by one, along a path that was kept.
        batch.receive(&server).unwrap();
        let path = *batch.received().next().unwrap().path();
        send(&server, b"later", &path).unwrap();
        assert_eq!(client.recv_from(&mut reply).unwrap().1, asked);
    }
}

#[test]
fn a_reply_that_fails_does_not_hold_up_the_others() {
    let server = socket("127.0.0.1:0");
    let client = socket("127.0.0.1:0");
    for text in [b"a", b"b", b"c"] {
        client.send_to(text, server.local_addr().unwrap()).unwrap();
    }
    // More than fits a datagram can't be sent.
    let mut batch = Batch::new(3, 16, 70_000);
    assert_eq!(batch.receive(&server).unwrap(), 3);
    for (i, mut datagram) in batch.received().enumerate() {
        datagram.reply(if i == 1 { 70_000 } else { 1 });
    }
    assert_eq!(batch.send(&server), 1);
    let mut reply = [0; 16];
    assert_eq!(client.recv(&mut reply).unwrap(), 1);
    assert_eq!(client.recv(&mut reply).unwrap(), 1);
}

#[test]
fn waiting_ends_with_the_sockets_time_limit() {
    let server = socket("127.0.0.1:0");
    server.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let err = Batch::new(4, 16, 16).receive(&server).unwrap_err();
    assert!(matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{err}");
}
