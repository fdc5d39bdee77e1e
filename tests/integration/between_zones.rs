//! Zones inside zones, names that nobody can mean, and serials that only rise.

use dnsbl_tests::{Answer, PATIENCE, Query, Reply, TcpClient, TestServer, TestZone, Transport};
use hickory_proto::{
    op::ResponseCode,
    rr::RecordType::{self, A, DS, NS, SOA, TXT},
};
use serde_json::json;

use crate::server;

fn ask(server: &TestServer, name: &str, rtype: RecordType) -> [Reply; 2] {
    Transport::BOTH.map(|transport| Query::new(name, rtype).ask(server.dns(), transport))
}

/// The owner of the SOA in the authority section.
#[track_caller]
fn authority(reply: &Reply) -> String {
    let [soa] = &reply.message.authorities[..] else { panic!("{reply:?}") };
    assert_eq!(soa.record_type(), SOA);
    soa.name.to_string()
}

/// RFC 8020: a resolver that is told that a name does not exist asks for nothing below it.
#[test]
fn a_name_between_two_zones_exists() {
    let server = server();
    let outer = server.ip_zone(json!({}));
    let origin = format!("a.deep.{}", outer.origin());
    let inner = server.ip_zone_at(&origin, json!({}));
    inner.list("192.0.2.1");
    let between = format!("deep.{}", outer.origin());
    for rtype in [A, TXT, NS] {
        for reply in ask(&server, &between, rtype) {
            assert_eq!(Answer::of(&reply), Answer::NoData, "{rtype}");
            assert_eq!(authority(&reply), format!("{}.", outer.origin()));
        }
    }
    for reply in ask(&server, &format!("other.deep.{}", outer.origin()), A) {
        assert_eq!(Answer::of(&reply), Answer::NxDomain);
    }
    inner.check([("1.2.0.192", A, Answer::listed())]);
    // It goes with the zone below.
    server.admin().delete(&inner.path()).expect(204);
    for reply in ask(&server, &between, A) {
        assert_eq!(Answer::of(&reply), Answer::NxDomain);
    }
}

/// RFC 4035 section 3.1.4.1.
#[test]
fn ds_at_the_apex_of_a_zone_is_its_parents() {
    let server = server();
    let outer = server.ip_zone(json!({}));
    let inner = server.ip_zone_at(&format!("a.{}", outer.origin()), json!({}));
    for reply in ask(&server, inner.origin(), DS) {
        assert_eq!(Answer::of(&reply), Answer::NoData);
        assert_eq!(authority(&reply), format!("{}.", outer.origin()));
    }
    // Without a parent here the zone answers for itself.
    for reply in ask(&server, outer.origin(), DS) {
        assert_eq!(authority(&reply), format!("{}.", outer.origin()));
    }
}

/// Security review, Info: `com\\000example\\000spam` was answered like `spam.example.com`.
#[test]
fn a_label_with_a_nul_is_no_domain() {
    let server = server();
    let zone = server.domain_zone(json!({}));
    zone.list("spam.example.com");
    let mut query = Query::new(&zone.below("spam.example.com"), A).bytes();
    // The three labels become one of the same length.
    let at = query.windows(5).position(|part| part == b"\x04spam").unwrap();
    let label = b"com\0example\0spam";
    query[at] = label.len() as u8;
    query[at + 1..at + 1 + label.len()].copy_from_slice(label);
    for transport in Transport::BOTH {
        let reply = dnsbl_tests::exchange(server.dns(), transport, &query).unwrap();
        assert_eq!(reply.message.metadata.response_code, ResponseCode::NXDomain);
    }
}

#[test]
fn a_serial_that_does_nothing_is_told() {
    let server = server();
    let zone = server.ip_zone(json!({"soa": {"serial": 4_000}}));
    let put = |serial: u32| {
        let body = json!({"kind": "ip", "ns": ["ns1.example.net."], "soa": {"serial": serial}});
        server.admin().put(&zone.path(), &body).expect(200).json()
    };
    let low = put(17);
    let warning = low["warnings"][0].as_str().unwrap_or_default();
    assert!(warning.contains("soa.serial 17 does nothing"), "{low}");
    let is = low["soa"]["serial"].as_u64().unwrap();
    assert!(is >= 4_000, "{low}");
    assert_eq!(put(5_000)["warnings"], json!([]));
    // As it reads back it may be put again.
    let same = server.admin().get(&zone.path()).expect(200).json();
    let again = server.admin().put(&zone.path(), &same).expect(200).json();
    assert_eq!(again["warnings"], json!([]));
}

/// Security review, M3.
#[test]
fn settings_that_amplify_are_warned_of() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let ns: Vec<String> = (1..=5).map(|i| format!("ns{i}.example.net.")).collect();
    let body = json!({"kind": "ip", "ns": ns, "apex": {"txt": ["x".repeat(600)]}});
    let warned = server.admin().put(&zone.path(), &body).expect(200).json();
    assert_eq!(warned["warnings"].as_array().map(Vec::len), Some(2), "{warned}");
    let shown = server.admin().get(&zone.path()).expect(200).json();
    assert_eq!(shown["warnings"], warned["warnings"]);
}

/// Security review, M3.
#[test]
fn nobody_is_told_the_release_or_the_machine_unless_the_configuration_says_so() {
    let chaos = |server: &TestServer, name: &str| {
        let query = Query::empty().question(name, TXT, Query::CH);
        query.ask(server.dns(), Transport::Udp)
    };
    let quiet = server();
    let open = TestServer::with_dns_config("version = \"ours\"\nidentity = \"ns1\"\n");
    for name in ["version.bind", "version.server", "id.server", "hostname.bind"] {
        assert_eq!(Answer::of(&chaos(&quiet, name)), Answer::Refused, "{name}");
        assert_eq!(chaos(&open, name).message.answers.len(), 1, "{name}");
    }
}

#[track_caller]
fn a_zone(server: &TestServer) -> (TestZone, Vec<u8>) {
    let zone = server.ip_zone(json!({}));
    let good = TcpClient::frame(&Query::new(&zone.below("2.0.0.127"), A).bytes());
    (zone, good)
}

/// Code review, 2.4 (2).
#[test]
fn an_answer_that_was_made_is_sent_before_what_gets_none() {
    let server = server();
    let (_zone, good) = a_zone(&server);
    let mut no_query = good.clone();
    // QR: an answer, which gets none.
    no_query[4] |= 0x80;
    for last in [no_query, vec![0, 0], vec![0, 3, 1, 2, 3]] {
        let mut client = TcpClient::connect(server.dns()).unwrap();
        client.send_raw(&[good.clone(), good.clone(), last].concat()).unwrap();
        for _ in 0..2 {
            assert_eq!(Answer::of(&client.receive().unwrap()), Answer::listed());
        }
        assert!(client.is_closed_within(PATIENCE).unwrap());
    }
}

/// Code review, 2.4 (2): at the end of the server pipelined queries lost their answers.
#[test]
fn queries_that_are_in_are_answered_when_the_server_stops() {
    const QUERIES: usize = 200;
    for _ in 0..3 {
        let mut server = TestServer::start();
        let (_zone, good) = a_zone(&server);
        let mut clients: Vec<TcpClient> = (0..8)
            .map(|_| {
                let mut client = TcpClient::connect(server.dns()).unwrap();
                // The server knows it by now.
                client.send_raw(&good).unwrap();
                client.receive().unwrap();
                client
            })
            .collect();
        for client in &mut clients {
            client.send_raw(&good.repeat(QUERIES)).unwrap();
        }
        server.stop();
        for client in &mut clients {
            for at in 0..QUERIES {
                let reply = client.receive().unwrap_or_else(|err| panic!("query {at}: {err}"));
                assert_eq!(Answer::of(&reply), Answer::listed());
            }
        }
    }
}

/// However much a list says of one address, a message holds it or a whole part of it.
#[test]
fn more_than_a_message_holds_is_cut_between_records() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for source in 0..100 {
        let path = format!("{}?source=s{source}", zone.listing_path("192.0.2.7"));
        let reason = format!("{source} {}", "x".repeat(990));
        server.admin().put(&path, &json!({"reason": reason})).expect(201);
    }
    let query = Query::new(&zone.below("7.2.0.192"), TXT);
    let udp = query.ask(server.dns(), Transport::Udp);
    assert!(udp.message.metadata.truncation && udp.message.answers.is_empty());
    let tcp = query.ask(server.dns(), Transport::Tcp);
    assert!(!tcp.message.metadata.truncation);
    assert_eq!(tcp.message.metadata.response_code, ResponseCode::NoError);
    assert!((60..100).contains(&tcp.message.answers.len()), "{}", tcp.message.answers.len());
    zone.check([("7.2.0.192", A, Answer::listed())]);
}
