//! How long an answer may be remembered.

use dnsbl_tests::{Answer, TestZone};
use hickory_proto::rr::RecordType::{A, NS, TXT};
use serde_json::json;

use crate::server;

#[test]
fn an_answer_has_the_zones_ttl() {
    let server = server();
    let zone = server.ip_zone(json!({"ttl": 1234, "negative_ttl": 60}));
    zone.list("192.0.2.1");
    for (name, rtype) in [("1.2.0.192", A), ("1.2.0.192", TXT), ("2.0.0.127", A), ("", NS)] {
        assert_eq!(zone.reply(name, rtype).ttl(), 1234, "{name:?} {rtype}");
    }
}

#[test]
fn the_soa_of_a_negative_answer_has_the_negative_ttl_twice() {
    let server = server();
    let zone = server.ip_zone(json!({"ttl": 1234, "negative_ttl": 77}));
    zone.list("192.0.2.1");
    for (name, rtype) in [("9.2.0.192", A), ("1.0.0.2", A), ("1.2.0.192", NS), ("www", A), ("", A)]
    {
        let reply = zone.reply(name, rtype);
        let (ttl, soa) = reply.soa();
        assert_eq!((ttl, soa.minimum), (77, 77), "{name:?} {rtype}");
    }
}

/// Such a name is never listed itself, and its answer hides nothing that lies below.
#[test]
fn a_name_above_addresses_has_a_ttl_of_its_own_as_minimum_too() {
    let server = server();
    for (settings, expected) in [
        (json!({"negative_ttl": 77}), (3600, 3600)),
        (json!({"negative_ttl": 77, "parent_ttl": 7200}), (7200, 7200)),
        // Resolvers take the lesser of the two.
        (json!({"negative_ttl": 77, "parent_ttl": 5}), (5, 77)),
    ] {
        let zone = server.ip_zone(settings);
        for name in ["192", "2.0.192", "f.f", "8.b.d.0.1.0.0.2"] {
            let reply = zone.reply(name, A);
            assert_eq!(Answer::of(&reply), Answer::NoData);
            let (ttl, soa) = reply.soa();
            assert_eq!((ttl, soa.minimum), expected, "{name}");
        }
    }
    let zone = server.domain_zone(json!({"negative_ttl": 77}));
    zone.list("spam.example.com");
    assert_eq!(zone.reply("example.com", A).ttl(), 77, "it may be listed itself");
}

#[test]
fn the_soa_of_a_negative_answer_has_the_serial_that_moves_with_every_change() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let serial = |zone: &TestZone| zone.reply("9.2.0.192", A).soa().1.serial;
    let before = serial(&zone);
    zone.list("192.0.2.1");
    let listed = serial(&zone);
    assert!((listed.wrapping_sub(before) as i32) > 0, "{before} {listed}");
    zone.list("192.0.2.1");
    assert_eq!(serial(&zone), listed, "nothing changed");
    zone.remove("192.0.2.1");
    assert!((serial(&zone).wrapping_sub(listed) as i32) > 0);
}

#[test]
fn an_answer_does_not_outlive_what_decides_it() {
    let server = server();
    let zone = server.ip_zone(json!({"ttl": 300, "negative_ttl": 60}));
    zone.put("192.0.2.1", "", &json!({"expires_in": 3600}));
    zone.put("192.0.2.2", "", &json!({"expires_in": 100}));
    zone.put("192.0.2.2", "?source=other", &json!({"expires_in": 200}));
    zone.list("192.0.2.0/24");
    zone.put("192.0.2.3", "", &json!({"exclusion": true, "expires_in": 30}));
    assert_eq!(zone.reply("1.2.0.192", A).ttl(), 300);
    assert!((90..=100).contains(&zone.reply("2.2.0.192", A).ttl()));
    assert!((90..=100).contains(&zone.reply("2.2.0.192", TXT).ttl()));
    let excluded = zone.reply("3.2.0.192", A);
    assert_eq!(Answer::of(&excluded), Answer::NxDomain);
    let (ttl, soa) = excluded.soa();
    assert!((20..=30).contains(&ttl), "{ttl}");
    assert_eq!(soa.minimum, 60);
}

#[test]
fn nodata_at_a_listing_that_expires_does_not_outlive_it() {
    let server = server();
    let zone = server.ip_zone(json!({"negative_ttl": 60}));
    zone.put("192.0.2.1", "", &json!({"expires_in": 30}));
    let reply = zone.reply("1.2.0.192", NS);
    assert_eq!(Answer::of(&reply), Answer::NoData);
    assert!((20..=30).contains(&reply.ttl()), "{}", reply.ttl());
}
