//! Subscribers over real sockets: each way to be recognized, keys that are rotated and revoked, ends to the second, and
//! that no key stands in anything that a run writes.

use std::{
    fs,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::Path,
};

use dnsbl_tests::{
    Edns, Named, PATIENCE, Query, Reply, TestServer, TestZone, Transport, UdpClient, Unbound,
    eventually,
};
use dnsbl_types::UnixTime;
use hickory_proto::{
    op::ResponseCode,
    rr::RecordType::{A, NS, SOA, TXT},
};
use serde_json::{Value, json};

const LISTED: &str = "192.0.2.1";
const HERE: [u8; 4] = [127, 0, 0, 1];
const THERE: [u8; 4] = [127, 0, 3, 7];

/// A zone for subscribers, with a listing.
fn zone(server: &TestServer, denial: &str) -> TestZone {
    let access = json!({"subscribers": "required", "denial": denial});
    let zone = server.ip_zone(json!({ "access": access }));
    zone.list(LISTED);
    zone
}

/// Makes a subscriber.
#[track_caller]
fn add(server: &TestServer, zone: &TestZone, more: Value) -> Value {
    let mut body = json!({"name": "Example Mail", "zones": [zone.origin()]});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    server.admin().post("/v1/subscribers", &body).expect(201).json()
}

#[track_caller]
fn rotate(server: &TestServer, subscriber: &Value, overlap: u64) -> Value {
    let path = format!("{}/rotate", path(subscriber));
    server.admin().post(&path, &json!({ "overlap": overlap })).expect(200).json()
}

fn path(subscriber: &Value) -> String {
    format!("/v1/subscribers/{}", subscriber["id"].as_str().unwrap())
}

#[track_caller]
fn key(made: &Value) -> String {
    made["key"].as_str().unwrap().to_owned()
}

/// The name of an address, behind a key where there is one.
fn name(zone: &TestZone, addr: &str, key: Option<&str>) -> String {
    let name = zone.name_of(addr.parse().unwrap());
    let Some(key) = key else { return name };
    let below = name.strip_suffix(zone.origin()).unwrap();
    format!("{below}{key}.{}", zone.origin())
}

#[track_caller]
fn ask_from(server: &TestServer, from: impl Into<IpAddr>, name: &str) -> Reply {
    let client = UdpClient::connect_from(server.dns(), from.into()).unwrap();
    client.send(&Query::new(name, A).edns(Edns::default()).bytes()).unwrap();
    client.receive(PATIENCE).unwrap().expect("a reply")
}

fn records(reply: &Reply) -> Vec<String> {
    reply.message.answers.iter().map(|record| record.data.to_string()).collect()
}

/// Whether a question is answered with the listing, by UDP and TCP; else it is refused with extended error 18.
#[track_caller]
fn may_ask(server: &TestServer, name: &str) -> bool {
    let query = Query::new(name, A).edns(Edns::default());
    let replies = [Transport::Udp, Transport::Tcp].map(|by| query.ask(server.dns(), by));
    let seen = replies.map(|reply| is_answered(&reply));
    assert_eq!(seen[0], seen[1], "{name} over UDP and TCP");
    seen[0]
}

#[track_caller]
fn is_answered(reply: &Reply) -> bool {
    match reply.message.metadata.response_code {
        ResponseCode::NoError => {
            assert_eq!(records(reply), ["127.0.0.2"]);
            true
        }
        ResponseCode::Refused => {
            let prohibited = [0, 15, 0, 2, 0, 18];
            assert!(reply.bytes.windows(6).any(|bytes| bytes == prohibited), "{reply:?}");
            false
        }
        other => panic!("{other} in {reply:?}"),
    }
}

#[test]
fn a_key_is_recognized_wherever_it_comes_from_and_nobody_else_is_answered() {
    let server = TestServer::start();
    let zone = zone(&server, "refused");
    let made = add(&server, &zone, json!({}));
    let key = key(&made);
    assert!(may_ask(&server, &name(&zone, LISTED, Some(&key))));
    assert!(may_ask(&server, &name(&zone, LISTED, Some(&key.to_uppercase()))));
    assert!(!may_ask(&server, &name(&zone, LISTED, None)));
    assert!(!may_ask(&server, &name(&zone, LISTED, Some(&"a".repeat(26)))));
    assert!(is_answered(&ask_from(&server, THERE, &name(&zone, LISTED, Some(&key)))));
    // The test entries of RFC 5782 lie below a key as well, and its own name is an apex.
    assert!(may_ask(&server, &name(&zone, "127.0.0.2", Some(&key))));
    let own = format!("{key}.{}", zone.origin());
    for rtype in [SOA, NS] {
        let reply = Query::new(&own, rtype).ask(server.dns(), Transport::Udp);
        assert_eq!(reply.message.answers.len(), 1, "{rtype}");
    }
    for above in ["192", "0.192", "2.0.192"] {
        let reply = Query::new(&format!("{above}.{own}"), TXT).ask(server.dns(), Transport::Udp);
        assert_eq!(reply.message.metadata.response_code, ResponseCode::NoError, "{above}");
    }
}

#[test]
fn networks_are_enough_or_needed_as_the_subscriber_says() {
    let server = TestServer::start();
    for (by, rows) in [
        // From its network without and with the key, from elsewhere without and with it.
        ("networks", [true, false, false, false]),
        ("either", [true, true, false, true]),
        ("both", [false, true, false, false]),
    ] {
        let zone = zone(&server, "refused");
        let terms = json!({"name": by, "networks": ["127.0.3.0/24"], "recognition": by});
        let made = add(&server, &zone, terms);
        // Whoever is known by its networks has no key; any other is no key either.
        let key = made["key"].as_str().map_or_else(|| "b".repeat(26), str::to_owned);
        let names = [None, Some(&*key)].map(|key| name(&zone, LISTED, key));
        let asked = [(THERE, 0), (THERE, 1), (HERE, 0), (HERE, 1)]
            .map(|(from, name)| is_answered(&ask_from(&server, from, &names[name])));
        assert_eq!(asked, rows, "{by}");
    }
}

#[test]
fn an_old_key_counts_while_they_overlap_and_a_revoked_one_is_refused_at_the_next_question() {
    let server = TestServer::start();
    let zone = zone(&server, "refused");
    let made = add(&server, &zone, json!({}));
    let first = key(&made);
    let second = key(&rotate(&server, &made, 3600));
    for key in [&first, &second] {
        assert!(may_ask(&server, &name(&zone, LISTED, Some(key))));
    }
    let third = key(&rotate(&server, &made, 0));
    for key in [&first, &second] {
        assert!(!may_ask(&server, &name(&zone, LISTED, Some(key))));
    }
    assert!(may_ask(&server, &name(&zone, LISTED, Some(&third))));
    server.admin().delete(&path(&made)).expect(204);
    assert!(!may_ask(&server, &name(&zone, LISTED, Some(&third))));
}

#[test]
fn a_subscriber_ends_at_the_second_that_was_said() {
    let server = TestServer::start();
    let zone = zone(&server, "refused");
    let now = || UnixTime::now().0;
    let earliest = now() + 3;
    let expiring = add(&server, &zone, json!({"expires_in": 3}));
    let latest = now() + 3;
    let name = name(&zone, LISTED, Some(&key(&expiring)));
    eventually(PATIENCE, || {
        // By one transport, since the end may lie between two questions.
        let before = now();
        let answered = is_answered(&ask_from(&server, HERE, &name));
        let after = now();
        assert!(answered || after >= earliest, "it ended too early: {after} < {earliest}");
        assert!(!answered || before < latest, "it goes on after its end: {before} >= {latest}");
        if answered { Err("it has not ended") } else { Ok(()) }
    });
}

#[test]
fn a_zone_may_deny_with_a_code_or_with_nothing() {
    let server = TestServer::start();
    let coded = zone(&server, "code");
    let asked = |name: &str| records(&ask_from(&server, HERE, name));
    assert_eq!(asked(&name(&coded, LISTED, Some(&"a".repeat(26)))), ["127.255.255.252"]);
    assert_eq!(asked(&name(&coded, LISTED, None)), ["127.255.255.254"]);
    let few = add(&server, &coded, json!({"quota": {"per_day": 1}}));
    let few = name(&coded, LISTED, Some(&key(&few)));
    assert_eq!(
        (asked(&few), asked(&few)),
        (vec!["127.0.0.2".into()], vec!["127.255.255.255".into()])
    );

    let silent = zone(&server, "drop");
    let open = server.ip_zone(json!({}));
    let client = UdpClient::connect(server.dns()).unwrap();
    let dropped = Query::new(&name(&silent, LISTED, None), A);
    let answered = Query::new(&open.below("2.0.0.127"), A);
    client.send(&dropped.bytes()).unwrap();
    client.send(&answered.bytes()).unwrap();
    let reply = client.receive(PATIENCE).unwrap().expect("a reply to the second");
    assert_eq!(reply.id(), answered.id);
}

#[test]
fn subscribers_are_there_again_after_sigkill() {
    let mut server = TestServer::start();
    let zone = zone(&server, "refused");
    let made = add(&server, &zone, json!({}));
    let key = key(&made);
    server.kill();
    server.start_again();
    assert!(may_ask(&server, &name(&zone, LISTED, Some(&key))));
    assert!(!may_ask(&server, &name(&zone, LISTED, None)));
}

/// What the strictest resolvers find: every listing with a key, none without it.
#[track_caller]
fn assert_found_by_subscribers_only(
    server: &TestServer,
    start: impl FnOnce(&TestZone) -> SocketAddr,
) {
    // A key's name is an apex of its own, whose name servers a resolver may ask from there on.
    let zone = zone(server, "refused");
    let own = format!("ns1.{}", zone.origin());
    let settings = json!({"kind": "ip", "ns": [own], "glue": {own.as_str(): [server.dns().ip()]},
        "access": {"subscribers": "required"}});
    server.admin().put(&format!("/v1/zones/{}", zone.origin()), &settings).expect(200);
    let addresses = [LISTED, "1.2.3.4", "198.51.100.255", "2001:db8::1", "2001:db8:1::ffff"];
    for subject in ["1.2.3.4", "198.51.100.0/24", "2001:db8::1", "2001:db8:1::/48"] {
        zone.list(subject);
    }
    let made = add(server, &zone, json!({}));
    let key = key(&made);
    let resolver = start(&zone);
    let resolve =
        |name: &str| records(&Query::new(name, A).flags(0x0100).ask(resolver, Transport::Udp));
    for addr in addresses {
        assert_eq!(resolve(&name(&zone, addr, Some(&key))), ["127.0.0.2"], "{addr}");
        assert!(resolve(&name(&zone, addr, None)).is_empty(), "{addr}");
        assert!(resolve(&name(&zone, addr, Some(&"a".repeat(26)))).is_empty(), "{addr}");
    }
}

#[test]
fn behind_strict_unbound_a_subscriber_finds_every_listing_and_a_stranger_none() {
    let (server, mut unbound) = (TestServer::start(), None);
    assert_found_by_subscribers_only(&server, |zone| {
        unbound.insert(Unbound::start(server.dns(), &[zone.origin()])).addr()
    });
}

#[test]
fn behind_strict_bind_a_subscriber_finds_every_listing_and_a_stranger_none() {
    let (server, mut bind) = (TestServer::listening_on("[::1]:0"), None);
    assert_found_by_subscribers_only(&server, |zone| {
        bind.insert(Named::start(server.dns(), zone.origin())).addr()
    });
}

#[test]
fn over_ipv6_subscribers_are_known_by_keys_and_networks_and_rules_hold() {
    let server = TestServer::listening_on("[::1]:0");
    let zone = zone(&server, "refused");
    let listed = name(&zone, LISTED, None);
    assert!(!may_ask(&server, &listed));
    let keyed = add(&server, &zone, json!({}));
    assert!(may_ask(&server, &name(&zone, LISTED, Some(&key(&keyed)))));
    let terms = json!({"name": "Six", "networks": ["::1/128"], "recognition": "networks"});
    let here = add(&server, &zone, terms);
    assert!(may_ask(&server, &listed));
    server.admin().delete(&path(&here)).expect(204);
    assert!(!may_ask(&server, &listed));

    let action = |action: &str| json!({"rules": [{"prefix": "::/64", "action": action}]});
    let refusing = server.ip_zone(json!({"access": action("refuse")}));
    let emptied = server.ip_zone(json!({"access": action("empty")}));
    for zone in [&refusing, &emptied] {
        zone.list(LISTED);
    }
    assert!(!may_ask(&server, &name(&refusing, LISTED, None)));
    let reply = ask_from(&server, Ipv6Addr::LOCALHOST, &name(&emptied, LISTED, None));
    assert_eq!(reply.message.metadata.response_code, ResponseCode::NXDomain);
}

#[test]
fn no_key_stands_in_anything_that_a_run_writes() {
    let mut server = TestServer::with_tables("[log]\nfilter = \"trace\"\n");
    let zone = zone(&server, "code");
    let made = add(&server, &zone, json!({"networks": ["127.0.0.0/8"]}));
    let (first, second) = (key(&made), key(&rotate(&server, &made, 60)));
    let wrong = "c".repeat(26);
    for key in [&first, &second, &wrong] {
        ask_from(&server, HERE, &name(&zone, LISTED, Some(key)));
        let tcp = Query::new(&name(&zone, LISTED, Some(key)), TXT);
        tcp.ask(server.dns(), Transport::Tcp);
    }
    let mut written = Vec::new();
    for path in ["/metrics", "/v1/changes", "/v1/audit", "/v1/subscribers", "/v1/zones"] {
        written.extend(server.admin().get(path).expect(200).text.into_bytes());
    }

    written.extend(server.stderr().into_bytes());
    server.stop();
    read_all(&server.data_dir(), &mut written);
    for key in [&first, &second, &wrong] {
        for text in [key.clone(), key.to_uppercase()] {
            let found = written.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "a key stands in what was written");
        }
    }
}

/// Everything below a folder.
fn read_all(folder: &Path, written: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, written);
        } else {
            written.extend(fs::read(&path).unwrap());
        }
    }
}
