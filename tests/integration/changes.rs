//! `/v1/changes`.

use std::{sync::mpsc::sync_channel, thread};

use dnsbl_tests::{PATIENCE, TestServer};
use serde_json::{Value, json};

use crate::server;

/// The changes after a sequence number, without the end marker, and where to go on.
#[track_caller]
pub(crate) fn after(server: &TestServer, seq: u64) -> (Vec<Value>, u64) {
    let reply = server.admin().get(&format!("/v1/changes?after={seq}")).expect(200);
    let mut lines = reply.lines();
    let end = lines.pop().expect("the last line marks the end");
    assert_eq!(end["end"], true, "{end}");
    (lines, end["next"].as_u64().expect("a sequence number"))
}

/// All changes up to now, from the first on.
#[track_caller]
pub(crate) fn all(server: &TestServer) -> Vec<Value> {
    let mut changes = Vec::new();
    let mut at = 0;
    loop {
        let (more, next) = after(server, at);
        if more.is_empty() {
            return changes;
        }
        changes.extend(more);
        at = next;
    }
}

/// Those of one zone.
#[track_caller]
pub(crate) fn of_zone(server: &TestServer, origin: &str) -> Vec<Value> {
    let mut changes = all(server);
    changes.retain(|change| change["zone"] == origin);
    changes
}

#[test]
fn every_change_has_the_next_number_from_1_on() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for last in 1..=5 {
        zone.list(&format!("192.0.2.{last}"));
    }
    let mut numbers: Vec<u64> =
        all(&server).iter().map(|change| change["seq"].as_u64().unwrap()).collect();
    // An entry with several operations is several lines with one number.
    numbers.dedup();
    let dense: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, dense);
}

#[test]
fn a_change_tells_what_when_and_who() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let put = zone.put("192.0.2.1", "?source=trap", &json!({"return_codes": ["127.0.0.4"]})).seq();
    let path = format!("{}?source=trap", zone.listing_path("192.0.2.1"));
    let delete = server.admin().delete(&path).expect(204).seq();
    let changes = of_zone(&server, zone.origin());
    let [created, listed, gone] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(created["subject"], Value::Null);
    for (change, seq) in [(listed, put), (gone, delete)] {
        assert_eq!(change["seq"], seq);
        assert_eq!(change["subject"], "192.0.2.1");
        assert_eq!(change["source"], "trap");
        for field in ["op", "at"] {
            assert!(change[field].is_string(), "{field}: {change}");
        }
        assert!(!change["epoch"].is_null(), "{change}");
    }
    assert_eq!(listed["listing"]["return_codes"], json!(["127.0.0.4"]));
    assert_eq!(gone["listing"], Value::Null);
    assert_ne!(listed["op"], gone["op"]);
}

#[test]
fn reading_goes_on_where_it_ended() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let seq = zone.put("192.0.2.1", "", &json!({})).seq();
    let (changes, next) = after(&server, seq - 1);
    assert_eq!(changes[0]["seq"], seq);
    assert!(next >= seq);
    let later = zone.put("192.0.2.2", "", &json!({})).seq();
    let (changes, _) = after(&server, next);
    assert!(changes.iter().any(|change| change["seq"] == later), "{changes:?}");
}

#[test]
fn waiting_ends_with_the_next_change() {
    let server = &TestServer::start();
    let zone = server.ip_zone(json!({}));
    let head = zone.put("192.0.2.1", "", &json!({})).seq();
    let lines = thread::scope(|scope| {
        let (answered, answer) = sync_channel(1);
        scope.spawn(move || {
            let path = format!("/v1/changes?after={head}&wait=60");
            answered.send(server.admin().get(&path).expect(200).lines())
        });
        zone.list("192.0.2.2");
        answer.recv_timeout(3 * PATIENCE).expect("an answer before the wait is over")
    });
    assert_eq!(lines[0]["subject"], "192.0.2.2", "{lines:?}");
    assert_eq!(lines.last().map(|end| &end["next"]), Some(&json!(head + 1)));
}
