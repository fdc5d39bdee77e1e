//! RFC 8906 section 8 and its kin: what a server must do with what it does not expect.

use std::time::Duration;

use dnsbl_tests::{
    Answer, Edns, PATIENCE, Query, Random, TcpClient, Transport, UdpClient, exchange,
};
use hickory_proto::rr::{
    RData,
    RecordType::{A, ANY, AXFR, IXFR, SOA, TXT, Unknown},
};
use serde_json::json;

use super::ask;
use crate::server;

const NOERROR: u8 = 0;
const FORMERR: u8 = 1;
const NOTIMP: u8 = 4;
const REFUSED: u8 = 5;

#[test]
fn rfc8906_s8_1_3_an_unknown_type_is_nodata() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for name in ["", "2.0.0.127"] {
        zone.check([
            (name, Unknown(1000), Answer::NoData),
            (name, Unknown(65_535), Answer::NoData),
        ]);
    }
}

#[test]
fn rfc8906_s8_1_4_header_bits_of_a_reply_in_a_query_change_nothing() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    // AA, TC, RD, RA, Z, AD, CD and an rcode.
    for flags in [0x0400, Query::TC, 0x0100, 0x0080, 0x0040, Query::AD, Query::CD, 0x0005] {
        let query = Query::new(&zone.below("2.0.0.127"), A).flags(flags);
        let reply = ask(&server, &query);
        assert_eq!(Answer::of(&reply), Answer::listed(), "{flags:#06x}");
        // RD is copied (RFC 1035 section 4.1.1), Z, AD and CD are clear.
        assert_eq!(reply.flags() & 0x0170, flags & 0x0100, "{flags:#06x}");
    }
}

#[test]
fn rfc8906_s8_1_5_an_unknown_opcode_is_not_implemented() {
    let server = server();
    for opcode in [1, 2, 3, 6, 15] {
        for query in [Query::empty(), Query::new("example.org", A)] {
            let query = query.opcode(opcode);
            let reply = ask(&server, &query);
            assert_eq!(reply.rcode(), NOTIMP, "opcode {opcode}");
            assert_eq!(reply.flags() >> 11 & 15, opcode);
        }
    }
}

#[test]
fn rfc8906_s8_2_a_header_alone_is_a_format_error() {
    let server = server();
    assert_eq!(ask(&server, &Query::empty()).rcode(), FORMERR);
    assert_eq!(ask(&server, &Query::empty().edns(Edns::default())).rcode(), FORMERR);
}

#[test]
fn notify_and_update_are_turned_down() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for opcode in [4, 5] {
        for query in [Query::empty(), Query::new(zone.origin(), SOA)] {
            let rcode = ask(&server, &query.opcode(opcode)).rcode();
            assert!(matches!(rcode, NOTIMP | REFUSED), "opcode {opcode}: {rcode}");
        }
    }
}

#[test]
fn transfers_are_refused() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for rtype in [AXFR, IXFR] {
        for name in [zone.origin(), "elsewhere.example", &zone.below("2.0.0.127")] {
            let reply = ask(&server, &Query::new(name, rtype));
            assert_eq!(reply.rcode(), REFUSED, "{name} {rtype}");
            assert!(reply.message.answers.is_empty());
        }
    }
}

#[test]
fn several_questions_are_a_format_error() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let one = || Query::new(&zone.below("2.0.0.127"), A);
    assert_eq!(ask(&server, &one().question(zone.origin(), SOA, Query::IN)).rcode(), FORMERR);
    let many = (0..50).fold(one(), |query, _| query.question(".", A, Query::IN));
    assert_eq!(ask(&server, &many).rcode(), FORMERR);
}

#[test]
fn counts_that_lie_are_a_format_error() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for (questions, additionals) in [(2, 0), (u16::MAX, 0), (0, u16::MAX), (1, 1), (1, u16::MAX)] {
        let query = Query::new(&zone.below("2.0.0.127"), A);
        let query = Query { questions, additionals, ..query };
        assert_eq!(ask(&server, &query).rcode(), FORMERR, "{questions} {additionals}");
    }
}

#[test]
fn names_that_break_off_or_run_in_circles_are_a_format_error() {
    let server = server();
    let bodies: [&[u8]; 7] = [
        b"\x03abc",
        b"\x3fabc\x00\x00\x01\x00\x01",
        b"\xc0\x0c\x00\x01\x00\x01",
        b"\xc0\xff\x00\x01\x00\x01",
        // Into the header, whose bytes differ in the reply.
        b"\x03abc\xc0\x02\x00\x01\x00\x01",
        b"\x41abc\x00\x00\x01\x00\x01",
        b"\x01a\x00\x00\x01",
    ];
    for body in bodies {
        let query = Query { body: body.to_vec(), questions: 1, ..Query::empty() };
        assert_eq!(ask(&server, &query).rcode(), FORMERR, "{body:02x?}");
    }
    let long = Query::new(&"x.".repeat(128), A);
    assert_eq!(ask(&server, &long).rcode(), FORMERR);
    let longest = Query::new(&"x.".repeat(127), A);
    assert_eq!(ask(&server, &longest).rcode(), REFUSED);
}

#[test]
fn a_reply_is_not_replied_to() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let client = UdpClient::connect(server.dns()).unwrap();
    let query = Query::new(&zone.below("2.0.0.127"), A);
    for bogus in [query.clone().flags(Query::QR), Query::empty().flags(Query::QR)] {
        client.send(&bogus.bytes()).unwrap();
    }
    let marker = Query::new(zone.origin(), SOA);
    client.send(&marker.bytes()).unwrap();
    let reply = client.receive(PATIENCE).unwrap().expect("the query has a reply");
    assert_eq!(reply.id(), marker.id);
    let more = client.receive(Duration::from_millis(300)).unwrap();
    assert!(more.is_none(), "{more:?}");
    // Over TCP there may be no reply either; the connection may end.
    let mut client = TcpClient::connect(server.dns()).unwrap();
    client.send(&query.flags(Query::QR).bytes()).unwrap();
    client.finish().unwrap();
    assert!(client.is_closed_within(PATIENCE).unwrap());
}

#[test]
fn less_than_a_header_is_not_replied_to() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let client = UdpClient::connect(server.dns()).unwrap();
    let mut random = Random::new(1035);
    for len in 0..12 {
        client.send(&random.bytes(len)).unwrap();
    }
    let marker = Query::new(zone.origin(), SOA);
    client.send(&marker.bytes()).unwrap();
    let reply = client.receive(PATIENCE).unwrap().expect("the query has a reply");
    assert_eq!(reply.id(), marker.id);
    assert!(client.receive(Duration::from_millis(300)).unwrap().is_none());
}

#[test]
fn rfc4892_s2_chaos_tells_version_and_identity() {
    let server = dnsbl_tests::TestServer::with_dns_config("version = \"1\"\nidentity = \"ns1\"\n");
    for name in ["version.bind", "id.server", "VERSION.bind"] {
        let reply = ask(&server, &Query::empty().question(name, TXT, Query::CH));
        assert_eq!(reply.rcode(), NOERROR, "{name}");
        let [record] = reply.message.answers.as_slice() else { panic!("{reply:?}") };
        assert_eq!(u16::from(record.dns_class), Query::CH);
        let RData::TXT(text) = &record.data else { panic!("{reply:?}") };
        assert!(!text.to_string().is_empty());
    }
}

#[test]
fn other_names_and_classes_are_refused() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let name = zone.below("2.0.0.127");
    // CHAOS, Hesiod and ANY.
    for class in [Query::CH, 4, 255] {
        for (name, rtype) in [(&*name, A), ("authors.bind", TXT), (zone.origin(), ANY)] {
            let reply = ask(&server, &Query::empty().question(name, rtype, class));
            assert_eq!(reply.rcode(), REFUSED, "class {class} {name}");
            assert!(reply.message.answers.is_empty());
        }
    }
}

#[test]
fn bytes_behind_the_message_do_not_confuse() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let query = Query::new(&zone.below("2.0.0.127"), A);
    for transport in Transport::BOTH {
        let bytes = [query.bytes(), vec![0xff; 40]].concat();
        let reply = exchange(server.dns(), transport, &bytes).unwrap();
        assert_eq!(reply.id(), query.id);
        assert!(matches!(reply.rcode(), NOERROR | FORMERR), "{reply:?}");
    }
}
