//! Expired entries are absent everywhere from that second on.

use std::time::Duration;

use dnsbl_tests::{
    Answer::{self, NxDomain},
    TestZone, eventually,
};
use hickory_proto::rr::RecordType::A;
use serde_json::{Value, json};

use crate::server;

/// A lifetime of three seconds ends within four, whatever the clock's fraction.
const ENDED: Duration = Duration::from_secs(5);

/// Waits until UDP says so; TCP, asked later, then says the same.
#[track_caller]
fn wait_for(zone: &TestZone, name: &str, expected: &Answer) {
    eventually(ENDED, || match Answer::of(&zone.reply(name, A)) {
        seen if seen == *expected => Ok(()),
        seen => Err(seen),
    });
    assert_eq!(zone.ask(name, A), *expected);
}

#[test]
fn an_expired_listing_is_absent_everywhere() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.put("192.0.2.1", "", &json!({"expires_in": 3}));
    zone.check([("1.2.0.192", A, Answer::listed())]);
    assert!((1..=3).contains(&zone.reply("1.2.0.192", A).ttl()));
    wait_for(&zone, "1.2.0.192", &NxDomain);
    let admin = server.admin();
    admin.get(&zone.listing_path("192.0.2.1")).expect_problem(404);
    admin.delete(&zone.listing_path("192.0.2.1")).expect_problem(404);
    let listings = admin.get(&format!("{}/listings", zone.path())).expect(200).json();
    assert_eq!(listings["listings"], json!([]));
    let export = admin.get(&format!("{}/export?format=ndjson", zone.path())).expect(200);
    assert_eq!(export.lines(), Vec::<Value>::new());
    let check =
        admin.post("/v1/check", &json!({"subjects": ["192.0.2.1"], "zones": [zone.origin()]}));
    assert_eq!(check.expect(200).json()["results"][0]["listed"], false);
}

#[test]
fn what_lies_above_an_expired_entry_decides_again() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.0/24");
    zone.put("192.0.2.1", "", &json!({"exclusion": true, "expires_in": 3}));
    zone.check([("1.2.0.192", A, NxDomain)]);
    wait_for(&zone, "1.2.0.192", &Answer::listed());
}

#[test]
fn sources_expire_one_by_one() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.put("192.0.2.1", "?source=a", &json!({"return_codes": ["127.0.0.3"], "expires_in": 3}));
    zone.put("192.0.2.1", "?source=b", &json!({"return_codes": ["127.0.0.4"]}));
    zone.check([("1.2.0.192", A, Answer::records(["127.0.0.3", "127.0.0.4"]))]);
    wait_for(&zone, "1.2.0.192", &Answer::record("127.0.0.4"));
    let found = server.admin().get(&zone.listing_path("192.0.2.1")).expect(200).json();
    assert_eq!(found["return_codes"], json!(["127.0.0.4"]));
    assert_eq!(found["listings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_listing_put_again_lives_on() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.put("192.0.2.1", "", &json!({"expires_in": 3}));
    zone.put("192.0.2.2", "", &json!({"expires_in": 3}));
    zone.put("192.0.2.1", "", &json!({"expires_in": 3600}));
    wait_for(&zone, "2.2.0.192", &NxDomain);
    zone.check([("1.2.0.192", A, Answer::listed())]);
}
