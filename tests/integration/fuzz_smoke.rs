//! Malformed packets for a while: the server lives, and what it replies can be read.
//!
//! `DNSBL_FUZZ_SECONDS` says how long; 60 by default. `DNSBL_FUZZ_SEED` repeats a run.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use dnsbl_tests::{
    Answer, Edns, PATIENCE, Query, Random, Reply, TcpClient, TestServer, TestZone, UdpClient,
};
use hickory_proto::rr::RecordType::{A, ANY, NS, SOA, TXT};
use serde_json::json;

/// Packets between two good queries over UDP.
const BATCH: usize = 32;

/// What good queries ask for.
const NAMES: [&str; 7] = ["1.2.0.192", "2.0.0.127", "", "192", "1.0.0.2", "8.b.d.0.1.0.0.2", "www"];

#[test]
fn malformed_packets_do_no_harm() {
    let seconds = std::env::var("DNSBL_FUZZ_SECONDS").ok();
    let seconds: u64 =
        seconds.map_or(60, |text| text.parse().expect("DNSBL_FUZZ_SECONDS is a number"));
    let seed = Random::from_env("DNSBL_FUZZ_SEED").number();
    let server = TestServer::start();
    let zone = server.ip_zone(json!({"reason": "x".repeat(600)}));
    zone.list("192.0.2.0/24");
    zone.list("2001:db8::/32");
    let end = Instant::now() + Duration::from_secs(seconds);
    let (over_udp, over_tcp) = thread::scope(|scope| {
        let udp = scope.spawn(|| fuzz_udp(&server, &zone, Random::new(seed), end));
        let tcp = scope.spawn(|| fuzz_tcp(server.dns(), &zone, Random::new(!seed), end));
        (udp.join(), tcp.join())
    });
    let (udp, tcp) = (over_udp.expect("UDP went well"), over_tcp.expect("TCP went well"));
    let said = server.stderr();
    assert!(!said.contains("panicked"), "{said}");
    zone.check([("1.2.0.192", A, Answer::listed()), ("1.3.0.192", A, Answer::NxDomain)]);
    println!("{udp} packets over UDP, {tcp} messages over TCP");
    assert!(seconds == 0 || udp > 100 && tcp > 10, "{udp} {tcp}");
}

/// Sends packets in batches; between them, a good query must be answered.
fn fuzz_udp(server: &TestServer, zone: &TestZone, mut random: Random, end: Instant) -> usize {
    let client = UdpClient::connect(server.dns()).unwrap();
    let mut sent = 0;
    let mut batch: Vec<Vec<u8>> = Vec::new();
    while Instant::now() < end {
        // What is left is the batch before: its last replies may come late.
        batch.drain(..batch.len().saturating_sub(BATCH));
        for _ in 0..BATCH {
            let packet = packet(zone, &mut random);
            client.send(&packet).unwrap();
            batch.push(packet);
        }
        sent += BATCH;
        // One for the workers, and one that waits behind what is unusual: a client that read ahead of
        // those replies would find its buffer full of them in the end.
        let ordinary = Query::new(&zone.below("1.2.0.192"), A);
        let mut unusual = ordinary.clone().edns(Edns { options: &[0, 3, 0, 0], ..Edns::default() });
        unusual.id ^= 1;
        client.send(&unusual.bytes()).unwrap();
        client.send(&ordinary.bytes()).unwrap();
        let mut waiting = vec![ordinary.id, unusual.id];
        // Replies may overtake each other; each is to a packet of this batch or the one before.
        while !waiting.is_empty() {
            let reply = client.receive(PATIENCE).unwrap().expect("a good query is answered");
            let is_good = waiting.contains(&reply.id()) && Answer::of(&reply) == Answer::listed();
            if is_good {
                waiting.retain(|id| *id != reply.id());
            } else {
                belongs_to(&reply, &batch);
            }
        }
        assert!(!server.stderr().contains("panicked"), "{}", server.stderr());
    }
    sent
}

/// Sends one message a connection, or a few; the server may hang up, but not reply with nonsense.
fn fuzz_tcp(server: SocketAddr, zone: &TestZone, mut random: Random, end: Instant) -> usize {
    let mut sent = 0;
    while Instant::now() < end {
        let mut client = TcpClient::connect(server).unwrap();
        let batch: Vec<Vec<u8>> =
            (0..1 + random.below(4)).map(|_| packet(zone, &mut random)).collect();
        let mut bytes: Vec<u8> = batch.iter().flat_map(|packet| TcpClient::frame(packet)).collect();
        if random.below(4) == 0 {
            bytes.truncate(random.below(bytes.len() + 1));
        }
        sent += batch.len();
        // A server that hung up earlier resets the connection, which is its right.
        if client.send_raw(&bytes).is_ok() && client.finish().is_ok() {
            hear_out(&mut client, &batch);
        }
        let reply =
            TcpClient::connect(server).unwrap().ask(&Query::new(&zone.below("1.2.0.192"), A));
        assert_eq!(Answer::of(&reply.unwrap()), Answer::listed());
    }
    sent
}

/// Reads to the end of the stream, which must come in time.
fn hear_out(client: &mut TcpClient, batch: &[Vec<u8>]) {
    loop {
        match client.receive() {
            Ok(reply) => belongs_to(&reply, batch),
            Err(err) => {
                let stalled = matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                assert!(!stalled, "neither a reply nor an end");
                return;
            }
        }
    }
}

/// Every reply is to a query that was sent, never to a reply.
#[track_caller]
fn belongs_to(reply: &Reply, batch: &[Vec<u8>]) {
    let is_to = |packet: &Vec<u8>| {
        packet.len() >= 12 && packet[..2] == reply.bytes[..2] && packet[2] & 0x80 == 0
    };
    assert!(batch.iter().any(is_to), "a reply to nobody: {reply:?}");
}

/// Noise, or a good query with some damage.
fn packet(zone: &TestZone, random: &mut Random) -> Vec<u8> {
    if random.below(8) == 0 {
        let len = random.below(600);
        return random.bytes(len);
    }
    let name = zone.below(NAMES[random.below(NAMES.len())]);
    let mut query = Query::new(&name, *random.pick(&[A, TXT, SOA, NS, ANY]));
    query.id = random.number() as u16;
    if random.below(2) == 0 {
        query = query.edns(Edns {
            options: &[0, 3, 0, 0, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
            ..Edns::default()
        });
    }
    let mut bytes = query.bytes();
    for _ in 0..1 + random.below(4) {
        damage(&mut bytes, random);
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = *random.pick(&[0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff]),
        2 => bytes.truncate(at),
        3 => drop(bytes.remove(at)),
        4 => {
            let len = 1 + random.below(40);
            let noise = random.bytes(len);
            bytes.splice(at..at, noise);
        }
        _ => {
            let copy = bytes[at..].to_vec();
            bytes.extend(copy);
        }
    }
}
