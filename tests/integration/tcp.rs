//! DNS over TCP (RFC 7766).

use std::{collections::BTreeMap, fs, time::Duration};

use dnsbl_tests::{Answer, PATIENCE, Query, TcpClient, TestServer, TestZone, Transport};
use hickory_proto::rr::RecordType::{A, SOA, TXT};
use serde_json::json;

use crate::server;

/// A connection, and a question whose answer is known.
#[track_caller]
fn connect(zone: &TestZone, server: &TestServer) -> (TcpClient, Query) {
    let client = TcpClient::connect(server.dns()).unwrap();
    (client, Query::new(&zone.below("2.0.0.127"), A))
}

/// Someone who behaves is served.
#[track_caller]
fn others_are_served(zone: &TestZone, server: &TestServer) {
    for transport in Transport::BOTH {
        let reply = Query::new(&zone.below("2.0.0.127"), A).ask(server.dns(), transport);
        assert_eq!(Answer::of(&reply), Answer::listed(), "{transport:?}");
    }
}

#[test]
fn rfc7766_s6_2_1_1_fifty_pipelined_queries_are_all_answered() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.0/25");
    let queries: Vec<Query> =
        (100..150).map(|last| Query::new(&zone.below(&format!("{last}.2.0.192")), A)).collect();
    let (mut client, _) = connect(&zone, &server);
    let frames = queries.iter().flat_map(|query| TcpClient::frame(&query.bytes()));
    client.send_raw(&frames.collect::<Vec<u8>>()).unwrap();
    let mut answers = BTreeMap::new();
    for _ in &queries {
        let reply = client.receive().unwrap();
        answers.insert(reply.id(), Answer::of(&reply));
    }
    for (last, query) in (100..150).zip(&queries) {
        let expected = if last < 128 { Answer::listed() } else { Answer::NxDomain };
        assert_eq!(answers[&query.id], expected, "192.0.2.{last}");
    }
}

#[test]
fn rfc7766_s8_a_query_that_comes_byte_by_byte_is_answered() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let (mut client, query) = connect(&zone, &server);
    for byte in TcpClient::frame(&query.bytes()) {
        client.send_raw(&[byte]).unwrap();
    }
    assert_eq!(Answer::of(&client.receive().unwrap()), Answer::listed());
}

#[test]
fn rfc7766_s8_length_and_message_may_come_apart() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let (mut client, query) = connect(&zone, &server);
    let frames = [TcpClient::frame(&query.bytes()), TcpClient::frame(&query.bytes())].concat();
    // The first query and half of the second.
    let (first, second) = frames.split_at(frames.len() * 3 / 4);
    client.send_raw(first).unwrap();
    assert_eq!(Answer::of(&client.receive().unwrap()), Answer::listed());
    client.send_raw(second).unwrap();
    assert_eq!(Answer::of(&client.receive().unwrap()), Answer::listed());
}

#[test]
fn rfc7766_s6_2_1_a_connection_serves_a_later_query() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let (mut client, query) = connect(&zone, &server);
    for _ in 0..2 {
        let reply = client.ask(&query).unwrap();
        assert_eq!(Answer::of(&reply), Answer::listed());
        assert!(!client.is_closed_within(Duration::from_secs(1)).unwrap());
    }
    assert_eq!(Answer::of(&client.ask(&query).unwrap()), Answer::listed());
}

#[test]
fn rfc7766_s6_2_4_queries_are_answered_after_a_half_close() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let (mut client, query) = connect(&zone, &server);
    for _ in 0..3 {
        client.send(&query.bytes()).unwrap();
    }
    client.finish().unwrap();
    for _ in 0..3 {
        assert_eq!(Answer::of(&client.receive().unwrap()), Answer::listed());
    }
    assert!(client.is_closed_within(PATIENCE).unwrap());
}

#[test]
fn garbage_behind_a_valid_length_harms_nobody_else() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for garbage in [&[0xff; 40][..], &[0; 12], &[0], b"GET / HTTP/1.1\r\n\r\n", &[]] {
        let (mut client, _) = connect(&zone, &server);
        client.send(garbage).unwrap();
        others_are_served(&zone, &server);
    }
}

#[test]
fn a_stalled_client_holds_up_nobody() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let (mut one_byte, query) = connect(&zone, &server);
    one_byte.send_raw(&[0]).unwrap();
    let (mut half_a_query, _) = connect(&zone, &server);
    half_a_query.send_raw(&TcpClient::frame(&query.bytes())[..20]).unwrap();
    let (mut never_reads, _) = connect(&zone, &server);
    for _ in 0..1000 {
        never_reads.send(&query.bytes()).unwrap();
    }
    others_are_served(&zone, &server);
}

#[test]
fn a_client_that_sends_and_never_reads_is_given_up() {
    let server = TestServer::with_dns_config("tcp-idle-timeout = 1\n");
    let zone = server.ip_zone(json!({"reason": "x".repeat(1000)}));
    let (mut client, _) = connect(&zone, &server);
    let query = Query::new(&zone.below("2.0.0.127"), TXT).bytes();
    // More than all buffers on the way hold: writing blocks until the server lets go.
    let queries = TcpClient::frame(&query).repeat(1000);
    let failed = (0..1000).find_map(|_| client.send_raw(&queries).err());
    let failed = failed.expect("the server gives up");
    assert!(
        matches!(
            failed.kind(),
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe
        ),
        "{failed}"
    );
    others_are_served(&zone, &server);
}

#[test]
fn rfc7766_s6_2_3_an_idle_connection_is_closed() {
    let server = TestServer::with_dns_config("tcp-idle-timeout = 1\n");
    let zone = server.ip_zone(json!({}));
    let (mut silent, query) = connect(&zone, &server);
    let (mut served, _) = connect(&zone, &server);
    served.ask(&query).unwrap();
    let (mut stalled, _) = connect(&zone, &server);
    stalled.send_raw(&[0]).unwrap();
    for client in [&mut silent, &mut served, &mut stalled] {
        assert!(client.is_closed_within(PATIENCE).unwrap());
    }
}

#[test]
fn rfc7766_s6_2_2_connections_are_capped_and_the_server_lives() {
    const CAP: usize = 20;
    let server = TestServer::with_dns_config(&format!("tcp-connections-per-client = {CAP}\n"));
    let zone = server.ip_zone(json!({}));
    let query = Query::new(zone.origin(), SOA);
    let mut clients: Vec<TcpClient> =
        (0..10 * CAP).map(|_| TcpClient::connect(server.dns()).unwrap()).collect();
    // The server may take the last of them while the first are asking; who has been cut off stays so.
    dnsbl_tests::eventually(PATIENCE, || {
        clients.retain_mut(|client| client.ask(&query).is_ok());
        if clients.len() <= CAP { Ok(()) } else { Err(clients.len()) }
    });
    assert_eq!(clients.len(), CAP);
    let reply = query.ask(server.dns(), Transport::Udp);
    assert!(matches!(Answer::of(&reply), Answer::Records(_)));
    drop(clients);
    dnsbl_tests::eventually(PATIENCE, || TcpClient::connect(server.dns())?.ask(&query));
}

#[test]
fn connections_that_were_closed_leave_nothing_open() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let open = || fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count();
    let before = open();
    for round in 0..300 {
        let (mut client, query) = connect(&zone, &server);
        match round % 3 {
            0 => drop(client.ask(&query).unwrap()),
            1 => client.send_raw(&[0]).unwrap(),
            _ => client.send(&[0xff; 12]).unwrap(),
        }
    }
    dnsbl_tests::eventually(PATIENCE, || match open() {
        now if now <= before + 5 => Ok(()),
        now => Err((before, now)),
    });
}
