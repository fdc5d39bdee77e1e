//! `dnsbl check` against the server, and through a real resolver.

use std::{net::SocketAddr, process::Command};

use dnsbl_tests::{Finished, Process, TestZone, Unbound, program};
use serde_json::{Value, json};

use crate::server;

#[track_caller]
fn check(resolver: SocketAddr, words: &[&str]) -> Finished {
    let mut command = Command::new(program("dnsbl"));
    command.arg("check").args(words).arg(format!("--resolver={resolver}"));
    Process::run(&mut command).unwrap()
}

/// A zone with a bit of everything.
#[track_caller]
fn zone(server: &dnsbl_tests::TestServer) -> TestZone {
    let zone = server.ip_zone(json!({"reason": "Open relay $"}));
    zone.list("192.0.2.0/24");
    zone.put("2001:db8::1", "", &json!({"return_codes": ["127.0.0.4", "127.0.0.3"]}));
    zone.exclude("192.0.2.9");
    zone
}

#[track_caller]
fn exit_codes_and_json(resolver: SocketAddr, zone: &TestZone) {
    for (addresses, code) in [
        (&["198.51.100.1"][..], 0),
        (&["192.0.2.9"], 0),
        (&["192.0.2.1"], 1),
        (&["127.0.0.2"], 1),
        (&["::ffff:192.0.2.1"], 1),
        (&["2001:db8::1"], 1),
        (&["198.51.100.1", "192.0.2.1"], 1),
        (&["198.51.100.1", "2001:db8::2"], 0),
    ] {
        let done = check(resolver, &[addresses, &["--zone", zone.origin()]].concat());
        assert_eq!(done.code, Some(code), "{addresses:?}: {} {}", done.stdout, done.stderr);
    }
    let words = ["192.0.2.1", "2001:db8::1", "198.51.100.1", "--zone", zone.origin(), "--json"];
    let done = check(resolver, &words);
    let json: Value = serde_json::from_str(&done.stdout).unwrap();
    let row = |address: &str, status: &str, codes: &[&str], reason: Value| json!({"address": address, "zone": zone.origin(), "status": status, "codes": codes, "reason": reason, "detail": null});
    assert_eq!(
        json,
        json!({"results": [
            row("192.0.2.1", "listed", &["127.0.0.2"], json!("Open relay 192.0.2.1")),
            row("2001:db8::1", "listed", &["127.0.0.3", "127.0.0.4"], json!("Open relay 2001:db8::1")),
            row("198.51.100.1", "not-listed", &[], Value::Null),
        ]})
    );
}

#[test]
fn check_asks_the_server_directly() {
    let server = server();
    let zone = zone(&server);
    exit_codes_and_json(server.dns(), &zone);
}

#[test]
fn check_asks_through_a_resolver() {
    let server = server();
    let zone = zone(&server);
    let unbound = Unbound::start(server.dns(), &[zone.origin()]);
    exit_codes_and_json(unbound.addr(), &zone);
}

#[test]
fn a_zone_that_the_server_does_not_have_could_not_be_told() {
    let server = server();
    let zone = zone(&server);
    let other = "absent.example.org";
    assert_eq!(check(server.dns(), &["192.0.2.1", "--zone", other]).code, Some(2));
    let both = ["192.0.2.1", "--zone", other, "--zone", zone.origin(), "--json"];
    let done = check(server.dns(), &both);
    assert_eq!(done.code, Some(1));
    let json: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(json["results"][0]["status"], "blocked", "REFUSED: {json}");
    assert_eq!(json["results"][1]["status"], "listed");
}

#[test]
fn bad_usage_is_2() {
    let server = server();
    for words in [
        &["nonsense", "--zone", "bl.example.org"][..],
        &["192.0.2.1"],
        &["--zone", "bl.example.org"],
    ] {
        assert_eq!(check(server.dns(), words).code, Some(2), "{words:?}");
    }
}

#[test]
fn a_long_reason_comes_over_tcp() {
    let server = server();
    let zone = server.ip_zone(json!({"reason": "x".repeat(1000)}));
    zone.put("192.0.2.1", "?source=a", &json!({"reason": "y".repeat(900)}));
    zone.put("192.0.2.1", "?source=b", &json!({}));
    let done = check(server.dns(), &["192.0.2.1", "--zone", zone.origin(), "--json"]);
    assert_eq!(done.code, Some(1));
    let json: Value = serde_json::from_str(&done.stdout).unwrap();
    assert!(json["results"][0]["reason"].is_string(), "{json}");
}
