//! Who asks how much: kept over restarts and kills, shown, and logged without keys.

use std::{
    fs,
    net::Ipv4Addr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use dnsbl_tests::{PATIENCE, Query, TestServer, TestZone, Transport, UdpClient, eventually};
use hickory_proto::rr::RecordType::A;
use serde_json::{Value, json};

use crate::{daemons::signal, metrics::value};

/// How long the server may take until it keeps what was asked.
const KEPT: Duration = Duration::from_secs(60);
/// A label that looks like a key.
const KEY: &str = "k3yk3yk3yk3yk3yk3yk3yk3yk3";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Waits until what was asked so far is kept.
fn kept(server: &TestServer) {
    // What came within this second may come after the next round.
    let asked_until = now() + 1;
    eventually(KEPT, || match value(server, "dnsbl_usage_kept_timestamp_seconds", &[]) {
        kept if kept >= asked_until => Ok(()),
        kept => Err(kept),
    });
}

/// How many of so many questions are answered.
fn answered(server: &TestServer, zone: &TestZone, questions: usize) -> usize {
    let query = Query::new(&zone.below("1.2.0.192"), A);
    // Else it is REFUSED.
    (0..questions).filter(|_| query.ask(server.dns(), Transport::Udp).rcode() != 5).count()
}

/// A zone that each address may ask twenty times a day.
fn scarce(server: &TestServer) -> TestZone {
    server.ip_zone(json!({"access": {"quotas": {"address": {"per_day": 20}}}}))
}

#[test]
fn neither_a_restart_nor_a_kill_gives_a_fresh_day() {
    let mut server = TestServer::start();
    let zone = scarce(&server);
    let day = now() / 86_400;
    assert_eq!(answered(&server, &zone, 15), 15);
    server.stop();
    server.start_again();
    let mut zone = TestZone::at(&server, zone.origin());
    assert_eq!(answered(&server, &zone, 3), 3);
    kept(&server);
    server.kill();
    server.start_again();
    zone = TestZone::at(&server, zone.origin());
    let left = answered(&server, &zone, 10);
    // Midnight gives a fresh day.
    if now() / 86_400 == day {
        assert_eq!(left, 2);
        let denied = [("zone", zone.origin()), ("reason", "quota")];
        assert_eq!(value(&server, "dnsbl_denied_total", &denied), 8);
    }
}

fn top(server: &TestServer, query: &str) -> Vec<Value> {
    let top = server.admin().get(&format!("/v1/top?{query}")).expect(200).json();
    top["entries"].as_array().unwrap().clone()
}

#[test]
fn who_floods_is_first_and_what_is_denied_is_shown_with_its_reason() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({"access": {
        "rules": [{"prefix": "127.0.3.0/24", "action": "refuse"}]}}));
    zone.list("192.0.2.1");
    let query = Query::new(&zone.below("1.2.0.192"), A);
    let ask = |from: Ipv4Addr, questions: usize| {
        let client = UdpClient::connect_from(server.dns(), from.into()).unwrap();
        for _ in 0..questions {
            client.send(&query.bytes()).unwrap();
            client.receive(PATIENCE).unwrap().expect("a reply");
        }
    };
    ask(Ipv4Addr::new(127, 0, 1, 1), 3_000);
    ask(Ipv4Addr::new(127, 0, 3, 9), 1_000);
    (1..=100).for_each(|last| ask(Ipv4Addr::new(127, 0, 2, last), 5));
    let networks = || top(&server, "by=network");
    let seen = eventually(PATIENCE, || {
        let seen = networks();
        let sampled: u64 = seen.iter().map(|entry| entry["questions"].as_u64().unwrap()).sum();
        if sampled > 3_300 { Ok(seen) } else { Err(seen) }
    });
    assert_eq!(seen[0]["network"], "127.0.1.0/24");
    let questions = seen[0]["questions"].as_u64().unwrap();
    assert!((2_000..4_000).contains(&questions), "{questions}");
    assert_eq!(seen[0]["listed"], seen[0]["questions"]);
    assert_eq!(top(&server, "by=client&limit=1")[0]["client"], "127.0.1.1");
    let denied = top(&server, "by=denial");
    assert_eq!(
        (&denied[0]["denial"], &denied[0]["network"]),
        (&json!("rule"), &json!("127.0.3.0/24"))
    );
    assert_eq!(denied.len(), 1);
    assert_eq!(top(&server, "by=zone")[0]["zone"], zone.origin());
    assert_eq!(
        top(&server, &format!("zone={}&by=client", zone.origin()))[0]["client"],
        "127.0.1.1"
    );
    assert!(top(&server, "zone=elsewhere.example").is_empty());
    assert!(top(&server, "day=yesterday").is_empty());
    server.admin().get("/v1/top?by=age").expect_problem(400);
}

#[test]
fn usage_is_asked_for_by_days() {
    let server = TestServer::start();
    let usage = server.admin().get("/v1/usage?from=2030-01-01&to=2030-01-31").expect(200).json();
    assert_eq!((&usage["from"], &usage["days"]), (&json!("2030-01-01"), &json!([])));
    for query in ["from=2030-01-01&to=2029-12-31", "from=2030-01-01&to=2031-01-01", "from=now"] {
        server.admin().get(&format!("/v1/usage?{query}")).expect_problem(400);
    }
    server.admin().get("/v1/subscribers/0123456789abcdef/usage").expect_problem(404);
    server.admin().get("/v1/subscribers/x/usage").expect_problem(400);
}

#[test]
fn the_query_log_has_each_query_and_no_key_and_is_opened_anew() {
    let dir = tempfile::TempDir::new().unwrap();
    let (file, moved) = (dir.path().join("queries"), dir.path().join("queries.1"));
    let log = format!("[dns.query-log]\nfile = {file:?}\nsample = 1\naddresses = \"full\"\n");
    let server = TestServer::with_tables(&log);
    let open = server.ip_zone(json!({}));
    let keyed = server.ip_zone(json!({"access": {"subscribers": "required"}}));
    open.list("192.0.2.1");
    let ask = |name: &str, transport| Query::new(name, A).ask(server.dns(), transport);
    let lines = |file: &std::path::Path, count: usize| {
        eventually(PATIENCE, || {
            let text = fs::read_to_string(file).unwrap_or_default();
            let lines: Vec<Value> =
                text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            if lines.len() == count { Ok(lines) } else { Err(text) }
        })
    };
    ask(&open.below("1.2.0.192"), Transport::Udp);
    ask(&open.below(&format!("1.2.0.192.{KEY}")), Transport::Udp);
    ask(&keyed.below(&format!("1.2.0.192.{KEY}")), Transport::Udp);
    ask(&keyed.below(&format!("1.2.0.192.{KEY}")), Transport::Tcp);
    ask(&format!("1.2.0.192.{KEY}.example"), Transport::Udp);
    let seen = lines(&file, 5);
    let member = |name: &str| seen.iter().map(|line| line[name].clone()).collect::<Vec<_>>();
    assert_eq!(member("client"), vec![json!("127.0.0.1"); 5]);
    assert_eq!(member("name")[0], "1.2.0.192");
    assert_eq!(member("name")[1], "1.2.0.192.KEY");
    assert_eq!(member("name")[2..], [json!("1.2.0.192"), json!("1.2.0.192"), Value::Null]);
    assert_eq!(member("result"), ["listed", "unlisted", "refused", "refused", "refused"]);
    assert_eq!(member("denied")[2..], [json!("key"), json!("key"), Value::Null]);
    assert_eq!(member("transport")[3], "tcp");
    assert!(!fs::read_to_string(&file).unwrap().contains("k3y"));
    // What rotates logs.
    fs::rename(&file, &moved).unwrap();
    signal(server.id(), "HUP");
    eventually(PATIENCE, || fs::metadata(&file));
    ask(&open.below("2.2.0.192"), Transport::Udp);
    assert_eq!(lines(&file, 1)[0]["result"], "unlisted");
    assert_eq!(lines(&moved, 5).len(), 5);
    assert_eq!(value(&server, "dnsbl_query_log_lost_total", &[]), 0);
}

#[test]
fn a_subscriber_has_its_day_and_its_usage_over_a_restart_and_a_kill() {
    let mut server = TestServer::start();
    let zone = server.ip_zone(json!({"access": {"subscribers": "required"}}));
    zone.list("192.0.2.1");
    let body = json!({"name": "Example Mail", "zones": [zone.origin()], "quota": {"per_day": 20}});
    let made = server.admin().post("/v1/subscribers", &body).expect(201).json();
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let query = Query::new(&zone.below(&format!("1.2.0.192.{key}")), A);
    // Else it is REFUSED.
    let answered = |server: &TestServer, questions: usize| {
        let asked = (0..questions).map(|_| query.ask(server.dns(), Transport::Udp).rcode());
        asked.filter(|rcode| *rcode != 5).count()
    };
    let day = now() / 86_400;
    assert_eq!(answered(&server, 15), 15);
    server.stop();
    server.start_again();
    assert_eq!(answered(&server, 3), 3);
    kept(&server);
    server.kill();
    server.start_again();
    let left = answered(&server, 10);
    kept(&server);
    let usage = format!("/v1/subscribers/{id}/usage");
    let usage = server.admin().get(&usage).expect(200).json();
    // Midnight gives a fresh day.
    if now() / 86_400 == day {
        assert_eq!(left, 2);
        let counts = &usage["total"];
        assert_eq!(*counts, json!({"questions": 28, "listed": 20, "refused": 8}));
        assert_eq!(usage["today"]["asked"], 20);
        assert_eq!(usage["today"]["percent"], 100);
        assert_eq!(value(&server, "dnsbl_subscribers_over_80_percent", &[]), 1);
    }
    let summary = server.admin().get("/v1/usage").expect(200).json();
    assert_eq!(summary["subscribers"][0]["subscriber"], id);
    assert_eq!(value(&server, "dnsbl_subscribers", &[]), 1);
    assert!(!server.stderr().contains(key));
}
