//! Reports against the real server: from the rule of a zone to DNS, over restarts and kills.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    sync::mpsc,
    thread,
    time::Duration,
};

use dnsbl_tests::{
    Admin, Answer, Finished, PATIENCE, Process, Random, TestServer, TestZone, eventually, program,
};
use hickory_proto::rr::RecordType::A;
use serde_json::{Value, json};

use crate::metrics::value;

/// Windows are over at once.
fn rule(reporters: u32) -> Value {
    json!({"reporters": reporters, "networks": 1, "window": 1, "expires_in": 1, "longest": 600})
}

#[track_caller]
fn zone(server: &TestServer, rule: &Value) -> TestZone {
    server.ip_zone(json!({"reports": {"categories": {"spam": rule, "directory-harvest": rule}}}))
}

/// A token of its own for each name.
#[track_caller]
fn reporter(server: &TestServer, name: &str) -> Admin {
    let body = json!({"name": name, "scopes": ["reports:write"]});
    let made = server.admin().post("/v1/tokens", &body).expect(201).json();
    server.admin().with_token(made["token"].as_str().unwrap())
}

#[track_caller]
fn report(by: &Admin, zone: &TestZone, subject: &str) -> Value {
    let body = json!({"subject": subject, "category": "spam", "zone": zone.origin()});
    let reply = by.post("/v1/reports", &body);
    assert!(matches!(reply.status, 200 | 201), "{}: {}", reply.status, reply.text);
    reply.json()
}

#[track_caller]
fn ctl(server: &TestServer, words: &[&str]) -> Finished {
    let token = server.data_dir().join("admin.token");
    let mut command = Command::new(program("dnsblctl"));
    command.args(["--server", server.admin().url()]).arg("--token-file").arg(token).args(words);
    Process::run(&mut command).unwrap()
}

fn is_listed(zone: &TestZone, subject: &str) -> bool {
    matches!(zone.ask_address(subject, A), Answer::Records(_))
}

/// How long the listing lasts that a report has made or joined, in seconds; `None` where it waits.
fn lifetime(report: &Value) -> Option<i64> {
    let until = report["listed_until"].as_str()?;
    Some(second(until) - second(report["repeated_at"].as_str()?))
}

/// The second of the month of a time such as `2026-11-30T07:01:02Z`.
fn second(text: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    ((number(8..10) * 24 + number(11..13)) * 60 + number(14..16)) * 60 + number(17..19)
}

#[test]
fn so_many_reporters_list_dns_answers_and_each_listing_lasts_longer() {
    let mut server = TestServer::start();
    let zone = zone(&server, &rule(2));
    let tokens = ["mx1", "mx2"].map(|name| reporter(&server, name).token().to_owned());
    // The same reporters count again once the window is over; what they join meanwhile does not last longer.
    let next = |server: &TestServer, last: i64| {
        eventually(PATIENCE, || {
            let report = |token| report(&server.admin().with_token(token), &zone, "192.0.2.1");
            let lifetimes = tokens.each_ref().map(|token| lifetime(&report(token)));
            lifetimes.into_iter().flatten().find(|lifetime| *lifetime > last).ok_or(lifetimes)
        })
    };
    let mut lifetimes = vec![next(&server, 0)];
    while let Some(&last) = lifetimes.last()
        && last < 64
    {
        lifetimes.push(next(&server, last));
    }
    assert_eq!(lifetimes, [1, 2, 4, 8, 16, 32, 64]);
    assert!(is_listed(&zone, "192.0.2.1"));
    server.stop();
    server.start_again();
    assert!(is_listed(&TestZone::at(&server, zone.origin()), "192.0.2.1"));
    assert_eq!(next(&server, 64), 128);
}

#[test]
fn the_command_reports_lists_shows_and_decides() {
    let server = TestServer::start();
    let zone = zone(&server, &json!({}));
    let run = |words: &[&str]| {
        let done = ctl(&server, words);
        assert_eq!(done.code, Some(0), "{words:?}: {}", done.stderr);
        done.stdout
    };
    let evidence = server.data_dir().join("spam.eml");
    std::fs::write(&evidence, "Subject: \x1b[31mred\nTo: taro@example.jp\n").unwrap();
    let add = ["report", "add", "192.0.2.7", "--category", "spam", "--count", "3"];
    let added = run(&[&add[..], &["--evidence-file", evidence.to_str().unwrap()]].concat());
    assert!(added.starts_with("reported  192.0.2.7  waiting"), "{added}");
    assert!(run(&add).starts_with("said already  192.0.2.7  waiting"));
    let list = run(&["report", "list", "--state", "waiting", "--subject", "192.0.2.7"]);
    let id = list.split_whitespace().next().unwrap().to_owned();
    assert!(list.contains("spam") && list.contains("admin") && list.lines().count() == 1, "{list}");
    let shown = run(&["report", "show", &id]);
    assert!(shown.contains("Subject: \\u{1b}[31mred") && !shown.contains("taro"), "{shown}");
    run(&["report", "confirm", &id, "--note", "seen here"]);
    assert!(is_listed(&zone, "192.0.2.7"));
    run(&["report", "refute", &id]);
    assert!(!is_listed(&zone, "192.0.2.7"));
    let reporters = run(&["reporter", "list"]);
    assert!(reporters.starts_with("admin  1  1  0  1  yes"), "{reporters}");
    assert_eq!(ctl(&server, &["report", "add", "10.0.0.1", "--category", "spam"]).code, Some(1));
    for (name, labels, count) in [
        ("dnsbl_reports_total", vec![("category", "spam"), ("outcome", "waiting")], 1),
        ("dnsbl_reports_total", vec![("category", "spam"), ("outcome", "duplicate")], 1),
        ("dnsbl_reports_total", vec![("category", "spam"), ("outcome", "refused")], 1),
        ("dnsbl_reports_waiting", vec![], 0),
        ("dnsbl_reports_decided_total", vec![("verdict", "refuted")], 1),
    ] {
        assert_eq!(value(&server, name, &labels), count, "{name} {labels:?}");
    }
}

/// Of what was acknowledged nothing is lost, and a listing is there if and only if its reports say so.
#[test]
fn a_kill_leaves_all_of_a_report_or_nothing() {
    let mut random = Random::from_env("DNSBL_REPORTS_SEED");
    let mut server = TestServer::start();
    let zone = zone(&server, &json!({"reporters": 2, "networks": 1}));
    let tokens = ["mx1", "mx2", "mx3"].map(|name| reporter(&server, name).token().to_owned());
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    for round in 0..5_u32 {
        let after = Duration::from_millis(50 + random.below(200) as u64);
        let ids = thread::scope(|scope| {
            let writers = tokens.each_ref().map(|token| {
                let (by, origin) = (server.admin().with_token(token), zone.origin());
                scope.spawn(move || report_until_refused(&by, origin, round))
            });
            // Nothing is waited for: the kill comes at any moment.
            let (_silent, nothing) = mpsc::sync_channel::<()>(1);
            assert_eq!(nothing.recv_timeout(after), Err(mpsc::RecvTimeoutError::Timeout));
            server.kill();
            writers.map(|writer| writer.join().unwrap())
        });
        acknowledged.extend(ids.into_iter().flatten());
        server.start_again();
        check(&server, zone.origin(), &acknowledged);
    }
    assert!(acknowledged.len() > 10, "hardly anything was reported");
}

fn report_until_refused(by: &Admin, origin: &str, round: u32) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..100_000_u32 {
        let subject = format!("198.51.{}.{}", 100 + round, n % 100);
        let body = json!({"subject": subject, "category": "spam", "zone": origin});
        let request = by.request(reqwest::Method::POST, "/v1/reports").json(&body);
        let Ok(reply) = request.send() else { return ids };
        let Ok(reply) = reply.text() else { return ids };
        let reply: Value = serde_json::from_str(&reply).unwrap_or_default();
        let Some(id) = reply["id"].as_str() else { return ids };
        ids.push(id.to_owned());
    }
    ids
}

#[track_caller]
fn check(server: &TestServer, origin: &str, acknowledged: &BTreeSet<String>) {
    let zone = TestZone::at(server, origin);
    let mut reports = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page =
            server.admin().get(&format!("/v1/reports?limit=1000{cursor}")).expect(200).json();
        for report in page["reports"].as_array().unwrap() {
            reports.insert(report["id"].as_str().unwrap().to_owned(), report.clone());
        }
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    for id in acknowledged {
        assert!(reports.contains_key(id), "{id} was acknowledged");
    }
    let mut by_subject: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for report in reports.values() {
        let states = by_subject.entry(report["subject"].as_str().unwrap()).or_default();
        states.push(report["state"].as_str().unwrap());
    }
    let path = format!("{}/listings?source=reports&limit=1000", zone.path());
    let listings = server.admin().get(&path).expect(200).json();
    let listed: BTreeSet<&str> = listings["listings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["subject"].as_str().unwrap())
        .collect();
    for (subject, states) in &by_subject {
        let is_met = states.len() >= 2;
        let expected = if is_met { "listed" } else { "waiting" };
        assert!(states.iter().all(|state| *state == expected), "{subject}: {states:?}");
        assert_eq!(listed.contains(subject), is_met, "{subject}: {states:?}");
    }
    let reporters = server.admin().get("/v1/reporters").expect(200).json();
    let counted: u64 = reporters["reporters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["reports"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, reports.len() as u64, "each record counts what there is");
}
