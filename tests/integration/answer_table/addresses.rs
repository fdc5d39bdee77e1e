//! Full names of addresses: listed, excluded, neither.

use dnsbl_tests::Answer::{self, NoData, NxDomain};
use hickory_proto::rr::RecordType::{A, AAAA, ANY, CNAME, HTTPS, MX, NS, PTR, SOA, TXT, Unknown};
use serde_json::json;

use crate::server;

#[test]
fn several_return_codes_are_several_a_records() {
    let server = server();
    let zone = server.ip_zone(json!({"return_codes": ["127.0.0.2", "127.0.0.3"]}));
    zone.list("192.0.2.1");
    zone.put("192.0.2.2", "", &json!({"return_codes": ["127.0.0.9", "127.0.0.4", "127.0.0.5"]}));
    zone.check([
        ("1.2.0.192", A, Answer::records(["127.0.0.2", "127.0.0.3"])),
        ("2.2.0.192", A, Answer::records(["127.0.0.4", "127.0.0.5", "127.0.0.9"])),
    ]);
}

#[test]
fn the_zones_values_are_those_at_the_time_of_the_question() {
    let server = server();
    let zone = server.ip_zone(json!({"reason": "old"}));
    zone.list("192.0.2.1");
    let body = json!({"kind": "ip", "ns": ["ns1.example.net."], "reason": "new", "return_codes": ["127.0.0.8"]});
    server.admin().put(&zone.path(), &body).expect(200);
    zone.check([
        ("1.2.0.192", A, Answer::record("127.0.0.8")),
        ("1.2.0.192", TXT, Answer::record("new")),
    ]);
}

#[test]
fn any_at_a_listed_name_is_one_rrset() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.1");
    // The answer is of one type only, or it would be Wrong.
    assert!(matches!(zone.ask("1.2.0.192", ANY), Answer::Records(_)));
    zone.check([("2.2.0.192", ANY, NxDomain)]);
}

#[test]
fn other_types_at_a_listed_name_are_nodata() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.1");
    let types = [AAAA, MX, NS, SOA, PTR, CNAME, HTTPS, Unknown(65_280)];
    zone.check(types.map(|rtype| ("1.2.0.192", rtype, NoData)));
}

#[test]
fn what_is_below_a_listed_name_does_not_exist() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.0/24");
    let full = zone.name_of("2001:db8::1".parse().unwrap());
    zone.list("2001:db8::/32");
    let longer = format!("0.{}", full.trim_end_matches(&format!(".{}", zone.origin())));
    zone.check([
        ("x.1.2.0.192", A, NxDomain),
        ("1.99.2.0.192", A, NxDomain),
        ("1.2.0.192.10", A, NxDomain),
        (&longer, A, NxDomain),
    ]);
}

#[test]
fn names_that_are_no_addresses_do_not_exist() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.0/24");
    let names = [
        "256.2.0.192",
        "01.2.0.192",
        "1.2.00.192",
        "1.2.0.0192",
        "1.2.0.999",
        "-1.2.0.192",
        "+1.2.0.192",
        "0x1.2.0.192",
    ];
    zone.check(names.map(|name| (name, A, NxDomain)));
    zone.check(["01", "256", "00.192", "300.2.192"].map(|name| (name, A, NxDomain)));
}

#[test]
fn the_longest_prefix_decides_and_an_exclusion_is_a_hole() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("198.51.100.0/24");
    zone.exclude("198.51.100.64/26");
    zone.put("198.51.100.70", "", &json!({"return_codes": ["127.0.0.7"]}));
    zone.check([
        ("63.100.51.198", A, Answer::listed()),
        ("64.100.51.198", A, NxDomain),
        ("64.100.51.198", TXT, NxDomain),
        ("70.100.51.198", A, Answer::record("127.0.0.7")),
        ("127.100.51.198", A, NxDomain),
        ("128.100.51.198", A, Answer::listed()),
    ]);
    zone.remove("198.51.100.64/26");
    zone.check([("64.100.51.198", A, Answer::listed())]);
}

#[test]
fn the_same_subject_from_several_sources_is_their_union() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for (source, code) in [("trap", "127.0.0.3"), ("report", "127.0.0.4")] {
        let body = json!({"return_codes": [code], "reason": format!("{source} $")});
        zone.put("192.0.2.1", &format!("?source={source}"), &body);
    }
    zone.check([
        ("1.2.0.192", A, Answer::records(["127.0.0.3", "127.0.0.4"])),
        ("1.2.0.192", TXT, Answer::records(["report 192.0.2.1", "trap 192.0.2.1"])),
    ]);
    let path = zone.listing_path("192.0.2.1");
    server.admin().delete(&format!("{path}?source=trap")).expect(204);
    zone.check([("1.2.0.192", A, Answer::record("127.0.0.4"))]);
    zone.put("192.0.2.1", "?source=friend", &json!({"exclusion": true}));
    zone.check([("1.2.0.192", A, NxDomain)]);
}

#[test]
fn a_mapped_address_is_its_ipv4_address() {
    let server = server();
    let zone = server.ip_zone(json!({"reason": "$"}));
    zone.list("192.0.2.1");
    zone.list("::ffff:192.0.2.2");
    for (asked, text) in [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.2", "192.0.2.2"),
        ("192.0.2.2", "192.0.2.2"),
    ] {
        assert_eq!(zone.ask_address(asked, A), Answer::listed(), "{asked}");
        assert_eq!(zone.ask_address(asked, TXT), Answer::record(text), "{asked}");
    }
    assert_eq!(zone.ask_address("::ffff:192.0.2.3", A), NxDomain);
    // Only ::ffff:0:0/96 is mapped.
    assert_eq!(zone.ask_address("::192.0.2.1", A), NxDomain);
}

#[test]
fn a_6to4_address_is_looked_up_as_ipv4_too() {
    let server = server();
    let zone = server.ip_zone(json!({"reason": "$"}));
    zone.list("192.0.2.1");
    zone.put("2002:c000:202::/48", "", &json!({"return_codes": ["127.0.0.6"]}));
    // 192.0.2.1 inside.
    assert_eq!(zone.ask_address("2002:c000:201::25", A), Answer::listed());
    assert_eq!(zone.ask_address("2002:c000:201::25", TXT), Answer::record("192.0.2.1"));
    // Listed as itself; 192.0.2.2 is not.
    assert_eq!(zone.ask_address("2002:c000:202::25", A), Answer::record("127.0.0.6"));
    assert_eq!(zone.ask_address("2002:c000:202::25", TXT), Answer::record("2002:c000:202::25"));
    assert_eq!(zone.ask_address("192.0.2.2", A), NxDomain);
    assert_eq!(zone.ask_address("2002:c000:203::25", A), NxDomain);
    // Both, and then neither: an exclusion of either keeps it out.
    zone.list("192.0.2.2");
    assert_eq!(
        zone.ask_address("2002:c000:202::25", A),
        Answer::records(["127.0.0.2", "127.0.0.6"])
    );
    zone.exclude("192.0.2.2");
    assert_eq!(zone.ask_address("2002:c000:202::25", A), NxDomain);
}

#[test]
fn a_zone_that_is_gone_is_refused() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.1");
    zone.check([("1.2.0.192", A, Answer::listed())]);
    let gone = server.admin().delete(&zone.path());
    assert!(matches!(gone.status, 200 | 204), "{}", gone.text);
    zone.check([("1.2.0.192", A, Answer::Refused), ("", SOA, Answer::Refused)]);
}
