//! RFC 5782, DNS Blacklists and Whitelists: what a machine can check of it, a test a clause.

use std::net::Ipv4Addr;

use dnsbl_tests::{
    Answer::{self, NoData, NxDomain},
    Random,
};
use hickory_proto::rr::RecordType::{A, AAAA, TXT};
use serde_json::json;

use crate::server;

/// 127.0.0.2 and 127.0.0.1 as IPv4-mapped IPv6 addresses.
const MAPPED_2: &str = "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";
const MAPPED_1: &str = "1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";

#[test]
fn s2_1_an_address_is_asked_as_its_octets_in_reverse() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.99");
    zone.check([("99.2.0.192", A, Answer::listed()), ("192.0.2.99", A, NxDomain)]);
}

#[test]
fn s2_1_each_entry_has_an_a_record_and_a_txt_record_with_the_reason() {
    let server = server();
    let zone = server.ip_zone(json!({"reason": "Open relay $, see https://bl.example.org/$"}));
    zone.list("192.0.2.99");
    zone.put("192.0.2.100", "", &json!({"reason": "Its own $$5 reason"}));
    zone.check([
        ("99.2.0.192", A, Answer::listed()),
        (
            "99.2.0.192",
            TXT,
            Answer::record("Open relay 192.0.2.99, see https://bl.example.org/192.0.2.99"),
        ),
        ("100.2.0.192", A, Answer::listed()),
        ("100.2.0.192", TXT, Answer::record("Its own $5 reason")),
    ]);
}

#[test]
fn s2_1_a_values_lie_inside_127_8() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.put("192.0.2.1", "", &json!({"return_codes": ["127.1.2.3"]}));
    zone.check([("1.2.0.192", A, Answer::record("127.1.2.3"))]);
    for code in ["10.0.0.2", "128.0.0.2", "192.0.2.1", "126.255.255.255"] {
        let body = json!({"return_codes": [code]});
        let refused = server.admin().put(&zone.listing_path("192.0.2.2"), &body);
        assert!(matches!(refused.status, 400 | 422), "{code}: {}", refused.text);
    }
    zone.check([("2.2.0.192", A, NxDomain)]);
}

#[test]
fn s2_1_every_address_of_a_listed_range_has_a_and_txt() {
    let server = server();
    let zone = server.ip_zone(json!({"reason": "$"}));
    zone.list("198.51.100.0/24");
    for last in 0..=255 {
        let name = format!("{last}.100.51.198");
        let text = Answer::record(format!("198.51.100.{last}"));
        zone.check([(&name, A, Answer::listed()), (&name, TXT, text)]);
    }
    zone.check([("255.99.51.198", A, NxDomain), ("0.101.51.198", A, NxDomain)]);
}

#[test]
fn s2_1_an_address_that_is_not_listed_has_no_records() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.99");
    let mut random = Random::new(5782);
    for _ in 0..100 {
        let [a, b, c, d] = (random.number() as u32 | 1 << 31).to_be_bytes();
        let name = format!("{d}.{c}.{b}.{a}");
        zone.check([(&name, A, NxDomain), (&name, TXT, NxDomain), (&name, AAAA, NxDomain)]);
    }
}

#[test]
fn s2_4_an_ipv6_address_is_asked_as_32_nibbles_in_reverse() {
    let server = server();
    let zone = server.ip_zone(json!({"reason": "$"}));
    zone.list("2001:db8:1:2:3:4:567:89ab");
    let name = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2";
    zone.check([
        (name, A, Answer::listed()),
        (name, TXT, Answer::record("2001:db8:1:2:3:4:567:89ab")),
        (&name.replacen('b', "c", 1), A, NxDomain),
    ]);
}

#[test]
fn s2_4_every_address_of_a_listed_ipv6_prefix_has_a_and_txt() {
    let server = server();
    let zone = server.ip_zone(json!({"reason": "$"}));
    zone.list("2001:db8:5::/48");
    for inside in ["2001:db8:5::", "2001:db8:5::1", "2001:db8:5:ffff:ffff:ffff:ffff:ffff"] {
        assert_eq!(zone.ask_address(inside, A), Answer::listed());
        assert_eq!(zone.ask_address(inside, TXT), Answer::record(inside));
    }
    for outside in ["2001:db8:4:ffff:ffff:ffff:ffff:ffff", "2001:db8:6::"] {
        assert_eq!(zone.ask_address(outside, A), NxDomain);
        assert_eq!(zone.ask_address(outside, TXT), NxDomain);
    }
}

#[test]
fn s5_an_ip_list_has_127_0_0_2() {
    let server = server();
    let zone = server.ip_zone(json!({"reason": "Test $", "return_codes": ["127.0.0.9"]}));
    zone.check([
        ("2.0.0.127", A, Answer::listed()),
        ("2.0.0.127", TXT, Answer::record("Test 127.0.0.2")),
    ]);
}

#[test]
fn s5_an_ip_list_never_has_127_0_0_1() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.check([("1.0.0.127", A, NxDomain), ("1.0.0.127", TXT, NxDomain)]);
    zone.put("127.0.0.0/8", "?override=special-use", &json!({}));
    zone.check([
        ("3.0.0.127", A, Answer::listed()),
        ("1.0.0.127", A, NxDomain),
        ("1.0.0.127", TXT, NxDomain),
        (MAPPED_1, A, NxDomain),
    ]);
}

#[test]
fn s5_a_list_has_a_test_entry_for_each_of_its_values() {
    let server = server();
    let zone = server.ip_zone(json!({"test_codes": [5, 255], "reason": "Test $"}));
    for code in [5, 255] {
        let name = format!("{code}.0.0.127");
        let text = Answer::record(format!("Test 127.0.0.{code}"));
        zone.check([
            (&name, A, Answer::record(Ipv4Addr::new(127, 0, 0, code))),
            (&name, TXT, text),
        ]);
    }
    zone.check([("4.0.0.127", A, NxDomain), ("2.0.0.127", A, Answer::listed())]);
    assert_eq!(zone.ask_address("::ffff:127.0.0.5", A), Answer::record("127.0.0.5"));
}

#[test]
fn s5_an_ipv6_list_has_ffff_7f00_2_and_never_ffff_7f00_1() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let check = || {
        zone.check([
            (MAPPED_2, A, Answer::listed()),
            (MAPPED_1, A, NxDomain),
            (MAPPED_1, TXT, NxDomain),
        ]);
    };
    check();
    assert!(matches!(zone.ask(MAPPED_2, TXT), Answer::Records(texts) if texts.len() == 1));
    zone.put("::ffff:127.0.0.0/104", "?override=special-use", &json!({}));
    check();
}

#[test]
fn s5_a_domain_list_has_test_and_never_invalid() {
    let server = server();
    let zone = server.domain_zone(json!({"reason": "Test $"}));
    zone.check([
        ("test", A, Answer::listed()),
        ("TEST", A, Answer::listed()),
        ("test", TXT, Answer::record("Test test")),
        ("invalid", A, NxDomain),
        ("INVALID", TXT, NxDomain),
    ]);
}

#[test]
fn s5_test_entries_can_not_be_changed_and_are_no_listings() {
    let server = server();
    let admin = server.admin();
    let ip = server.ip_zone(json!({"test_codes": [7]}));
    let domain = server.domain_zone(json!({}));
    for (zone, subject) in
        [(&ip, "127.0.0.2"), (&ip, "127.0.0.7"), (&ip, "::ffff:127.0.0.2"), (&domain, "test")]
    {
        let path = zone.listing_path(subject);
        for lifted in ["", "?override=special-use,short-prefix"] {
            let body = json!({"exclusion": true});
            admin.put(&format!("{path}{lifted}"), &body).expect_problem(409);
        }
        admin.delete(&path).expect_problem(409);
    }
    for (zone, row) in [(&ip, "127.0.0.2"), (&ip, "127.0.0.7"), (&domain, "test")] {
        let counts = zone.import("format=plain", row);
        assert_eq!(counts["unchanged"], 1, "{counts}");
        let export = admin.get(&format!("{}/export?format=plain", zone.path())).expect(200);
        assert_eq!(dnsbl_tests::fixtures::subjects(&export.text).len(), 0);
    }
    ip.check([("2.0.0.127", A, Answer::listed()), ("2.0.0.127", AAAA, NoData)]);
}
