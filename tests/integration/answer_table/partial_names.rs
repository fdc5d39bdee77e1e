//! Names above addresses are never denied (RFC 8020, RFC 9156).

use dnsbl_tests::{
    Answer::{self, NoData, NxDomain},
    Random, TestZone,
};
use hickory_proto::rr::RecordType::{A, AAAA, ANY, NS, TXT};
use serde_json::json;

use crate::server;

#[test]
fn one_to_three_decimal_labels_are_nodata_whatever_lies_below() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.99");
    for name in
        ["192", "0.192", "2.0.192", "10", "255", "255.255.255", "0", "9.9", "3.0.192", "99.98.97"]
    {
        zone.check([A, TXT, AAAA, NS, ANY].map(|rtype| (name, rtype, NoData)));
    }
}

#[test]
fn one_to_31_nibbles_are_nodata_whatever_lies_below() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("2001:db8::1");
    let mut random = Random::new(8020);
    for count in 1..=31 {
        let mut nibbles: Vec<String> =
            (0..count).map(|_| format!("{:x}", random.below(16))).collect();
        // Four decimal digits are an IPv4 address too.
        nibbles[0] = "a".into();
        let name = nibbles.join(".");
        zone.check([(&name, A, NoData), (&name.to_uppercase(), TXT, NoData)]);
        let above = &below_origin(&zone, "2001:db8::1")[64 - 2 * count..];
        if count != 4 {
            zone.check([(above.trim_start_matches('.'), A, NoData)]);
        }
    }
}

/// The labels that ask for an address.
fn below_origin(zone: &TestZone, addr: &str) -> String {
    let name = zone.name_of(addr.parse().unwrap());
    name.trim_end_matches(zone.origin()).to_owned()
}

#[test]
fn five_to_31_decimal_digits_are_nodata() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for count in 5..=31 {
        let name = vec!["1"; count].join(".");
        zone.check([(&name, A, NoData)]);
    }
}

#[test]
fn four_one_digit_labels_that_are_listed_as_ipv4_are_listed() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("2.0.0.1");
    zone.list("2001:db8::1");
    zone.check([("1.0.0.2", A, Answer::listed()), ("1.0.0.2", AAAA, NoData)]);
}

#[test]
fn four_one_digit_labels_do_not_exist_where_no_ipv6_entry_is_near() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("2003:db8::1");
    zone.check(["1.0.0.2", "9.9.9.9", "1.1.1.1", "4.3.2.1"].map(|name| (name, A, NxDomain)));
}

#[test]
fn four_one_digit_labels_are_nodata_above_an_ipv6_entry() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("2001:db8::1");
    zone.check([("1.0.0.2", A, NoData), ("1.0.0.2", TXT, NoData), ("2.0.0.3", A, NxDomain)]);
    zone.remove("2001:db8::1");
    zone.check([("1.0.0.2", A, NxDomain)]);
    // A hole is an entry too: what it covers may be asked for by its name.
    zone.exclude("2001:db8::/32");
    zone.check([("1.0.0.2", A, NoData)]);
}

#[test]
fn four_one_digit_labels_are_nodata_at_and_below_an_ipv6_entry() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.put("2001::/16", "?override=special-use,short-prefix", &json!({}));
    zone.put("3000::/8", "?override=short-prefix", &json!({}));
    zone.check([
        ("1.0.0.2", A, NoData),
        ("0.0.0.3", A, NoData),
        ("9.9.0.3", A, NoData),
        ("0.0.1.3", A, NxDomain),
    ]);
}

#[test]
fn the_tops_of_mapped_and_6to4_addresses_are_always_nodata() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.check([("0.0.0.0", A, NoData), ("2.0.0.2", A, NoData), ("2.0.0.2", TXT, NoData)]);
    zone.exclude("2.0.0.2");
    zone.check([("2.0.0.2", A, NoData)]);
    zone.list("2.0.0.2");
    zone.check([("2.0.0.2", A, Answer::listed())]);
}

#[test]
fn an_excluded_address_below_no_ipv6_entry_does_not_exist() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("2.0.0.0/24");
    zone.exclude("2.0.0.1");
    zone.check([("1.0.0.2", A, NxDomain), ("3.0.0.2", A, Answer::listed())]);
    zone.list("2001:db8::1");
    zone.check([("1.0.0.2", A, NoData)]);
}
