//! Replies that do not fit.

use dnsbl_tests::{Answer, Edns, Query, TestZone, Transport};
use hickory_proto::rr::RecordType::{A, TXT};
use serde_json::json;

use crate::server;

const NAME: &str = "1.2.0.192";

/// A listing of 192.0.2.1 with so many reasons of so many bytes.
#[track_caller]
fn list_with_reasons(zone: &TestZone, count: usize, len: usize) -> Answer {
    let reasons = (0..count).map(|i| format!("{i:0>len$}"));
    for (i, reason) in reasons.clone().enumerate() {
        zone.put("192.0.2.1", &format!("?source=s{i}"), &json!({"reason": reason}));
    }
    Answer::records(reasons)
}

#[test]
fn rfc1035_s4_2_1_without_edns_512_bytes_are_the_most_over_udp() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let all = list_with_reasons(&zone, 1, 600);
    let query = Query::new(&zone.below(NAME), TXT);
    let udp = query.ask(server.dns(), Transport::Udp);
    assert_eq!(Answer::of(&udp), Answer::Truncated);
    assert_eq!(udp.message.edns, None);
    assert_eq!(Answer::of(&query.ask(server.dns(), Transport::Tcp)), all);
}

#[test]
fn rfc6891_s6_2_3_what_fits_the_clients_payload_is_sent() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let all = list_with_reasons(&zone, 1, 600);
    for (payload, expected) in
        [(1232, &all), (4096, &all), (512, &Answer::Truncated), (0, &Answer::Truncated)]
    {
        let query = Query::new(&zone.below(NAME), TXT).edns(Edns { payload, ..Edns::default() });
        let reply = query.ask(server.dns(), Transport::Udp);
        assert_eq!(Answer::of(&reply), *expected, "payload {payload}");
        assert!(reply.message.edns.is_some(), "payload {payload}");
    }
}

#[test]
fn rfc6891_s6_2_5_no_client_gets_more_than_1232_bytes_over_udp() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let all = list_with_reasons(&zone, 3, 1000);
    for payload in [1232, 4096, u16::MAX] {
        let query = Query::new(&zone.below(NAME), TXT).edns(Edns { payload, ..Edns::default() });
        let udp = query.ask(server.dns(), Transport::Udp);
        assert_eq!(Answer::of(&udp), Answer::Truncated, "payload {payload}");
        assert!(udp.bytes.len() <= 1232);
        assert!(udp.message.edns.is_some());
        assert_eq!(Answer::of(&query.ask(server.dns(), Transport::Tcp)), all);
    }
}

#[test]
fn the_payload_decides_to_the_byte() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    list_with_reasons(&zone, 1, 700);
    let query = Query::new(&zone.below(NAME), TXT);
    let full = query.clone().edns(Edns::default()).ask(server.dns(), Transport::Udp);
    let len = u16::try_from(full.bytes.len()).unwrap();
    for (payload, truncated) in [(len, false), (len - 1, true)] {
        let query = query.clone().edns(Edns { payload, ..Edns::default() });
        let reply = query.ask(server.dns(), Transport::Udp);
        assert_eq!(Answer::of(&reply) == Answer::Truncated, truncated, "payload {payload}");
    }
}

#[test]
fn an_answer_without_edns_points_back_to_the_question() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let query = Query::new(&zone.below("2.0.0.127"), A);
    let reply = query.ask(server.dns(), Transport::Udp);
    // The question, then a pointer, type, class, TTL, length and four octets.
    assert_eq!(reply.bytes.len(), query.bytes().len() + 16);
}
