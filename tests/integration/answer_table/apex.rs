//! Names outside all zones, the apex, and the zone's own names.

use dnsbl_tests::{
    Answer::{self, NoData, NxDomain, Refused},
    Query, Transport,
};
use hickory_proto::rr::{
    RData,
    RecordType::{A, AAAA, ANY, CAA, MX, NS, SOA, SRV, TXT},
};
use serde_json::json;

use crate::server;

#[test]
fn a_name_outside_all_zones_is_refused_without_authority() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let beside = format!("not{}", zone.origin());
    for name in [".", "org", "example.org", "www.example.com", &beside] {
        for (rtype, transport) in [(A, Transport::Udp), (SOA, Transport::Tcp), (NS, Transport::Udp)]
        {
            let reply = Query::new(name, rtype).ask(server.dns(), transport);
            assert_eq!(Answer::of(&reply), Refused, "{name} {rtype}");
        }
    }
}

#[test]
fn the_apex_has_soa_and_ns() {
    let server = server();
    let zone = server.ip_zone(json!({
        "ns": ["ns1.example.net.", "ns2.example.net."],
        "soa": {"mname": "ns1.example.net.", "rname": "hostmaster.example.net.",
            "refresh": 7200, "retry": 900, "expire": 86400},
        "negative_ttl": 77,
    }));
    zone.check([("", NS, Answer::records(["ns1.example.net.", "ns2.example.net."]))]);
    let reply = zone.reply("", SOA);
    assert!(matches!(Answer::of(&reply), Answer::Records(_)), "{reply:?}");
    let RData::SOA(soa) = &reply.message.answers[0].data else { panic!("{reply:?}") };
    assert_eq!(soa.mname.to_string(), "ns1.example.net.");
    assert_eq!(soa.rname.to_string(), "hostmaster.example.net.");
    assert_eq!((soa.refresh, soa.retry, soa.expire, soa.minimum), (7200, 900, 86400, 77));
    assert_eq!(reply.ttl(), 77);
}

#[test]
fn the_apex_has_a_aaaa_and_txt_where_the_zone_has_them() {
    let server = server();
    let zone = server.ip_zone(json!({"apex": {
        "a": ["192.0.2.80", "192.0.2.81"], "aaaa": ["2001:db8::80"], "txt": ["A block list"],
    }}));
    zone.check([
        ("", A, Answer::records(["192.0.2.80", "192.0.2.81"])),
        ("", AAAA, Answer::record("2001:db8::80")),
        ("", TXT, Answer::record("A block list")),
    ]);
}

#[test]
fn other_types_at_the_apex_are_nodata() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.check([A, AAAA, TXT, MX, CAA, SRV].map(|rtype| ("", rtype, NoData)));
}

#[test]
fn any_at_the_apex_is_one_rrset() {
    let server = server();
    let zone = server.ip_zone(json!({"apex": {"a": ["192.0.2.80"], "txt": ["text"]}}));
    assert!(matches!(zone.ask("", ANY), Answer::Records(_)));
}

#[test]
fn glue_names_have_their_addresses_and_nothing_else() {
    let server = server();
    let origin = "glue.example.org";
    let glue = format!("ns1.{origin}");
    let deep = format!("a.ns.{origin}");
    let body = json!({"kind": "ip", "ns": [glue, deep],
        "glue": {&glue: ["192.0.2.53", "2001:db8::53"], &deep: ["192.0.2.54"]}});
    server.admin().put(&format!("/v1/zones/{origin}"), &body).expect(201);
    let zone = dnsbl_tests::TestZone::at(&server, origin);
    zone.check([
        ("ns1", A, Answer::record("192.0.2.53")),
        ("NS1", AAAA, Answer::record("2001:db8::53")),
        ("ns1", TXT, NoData),
        ("a.ns", A, Answer::record("192.0.2.54")),
        ("a.ns", AAAA, NoData),
        ("ns", A, NoData),
        ("ns2", A, NxDomain),
        ("x.ns1", A, NxDomain),
    ]);
}

#[test]
fn anything_else_below_the_apex_does_not_exist() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.check(["www", "_dmarc", "www.1", "mail.x", "example.com"].map(|name| (name, A, NxDomain)));
    zone.check([("www", MX, NxDomain), ("www", ANY, NxDomain)]);
}

#[test]
fn the_question_is_echoed_byte_for_byte() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("2001:db8::ab");
    let addr = "2001:db8::ab".parse().unwrap();
    for name in [
        zone.name_of(addr).to_uppercase(),
        zone.below("9.2.0.192").replace("example", "eXaMpLe"),
        zone.below("WwW"),
        zone.below("192").to_uppercase(),
    ] {
        for transport in Transport::BOTH {
            let query = Query::new(&name, A);
            let reply = query.ask(server.dns(), transport);
            let end = 12 + query.body.len();
            assert_eq!(reply.bytes[12..end], query.body, "{name}");
        }
    }
    let upper = Query::new(&zone.name_of(addr).to_uppercase(), A);
    let reply = upper.ask(server.dns(), Transport::Udp);
    assert_eq!(Answer::of(&reply), Answer::listed());
}

#[test]
fn names_below_the_longest_origin_belong_to_that_zone() {
    let server = server();
    let outer = server.ip_zone(json!({}));
    let origin = outer.below("relays");
    let body = json!({"kind": "ip", "ns": ["ns1.example.net."], "return_codes": ["127.0.0.7"]});
    server.admin().put(&format!("/v1/zones/{origin}"), &body).expect(201);
    let inner = dnsbl_tests::TestZone::at(&server, &origin);
    inner.list("192.0.2.7");
    outer.check([("7.2.0.192", A, NxDomain)]);
    inner.check([("7.2.0.192", A, Answer::record("127.0.0.7"))]);
    inner.check([("", NS, Answer::record("ns1.example.net."))]);
}
