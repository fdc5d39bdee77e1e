//! What `/metrics` says of relay tests.

use std::collections::{BTreeMap, BTreeSet};

use dnsbl_tests::{
    TestServer, eventually,
    mta::{Heard, ScriptedServer, SmtpAnswer, SmtpClient},
};

use serde_json::json;

use super::{TEST, Tester, plain_probe};

/// What stands in the first column of the server's table in the documentation.
fn documented() -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let text = std::fs::read_to_string(path).expect("the documentation is there");
    let (_, table) = text.split_once("<!-- server -->").expect("it has the server's table");
    let (table, _) = table.split_once("<!-- end -->").expect("which ends");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned())).collect()
}

/// Newcomer A7: there was no list of metrics.
#[test]
fn every_metric_is_documented_and_every_documented_one_is_shown() {
    let tester = Tester::start();
    let admin = tester.server.admin();
    let import = "/v1/zones/relays.example.org/import?format=plain&source=feed";
    admin.post_bytes(import, "192.0.2.1\n").expect(200);
    let allow = json!({"kind": "allow", "ns": ["ns1.example.net."]});
    admin.put("/v1/zones/popauth.example.org", &allow).expect(201);
    // Everybody's address can have no grant.
    admin.post("/v1/logins", &json!({"address": "127.0.0.1"})).expect_problem(422);
    let grants = "dnsbl_grants{zone=\"popauth.example.org\"}";
    eventually(TEST, || value(&tester.server, grants).ok_or("it is not counted yet"));
    admin.with_token("dnsbl_0000_none").get("/v1/zones").expect_problem(401);
    let feed = json!({"zone": "relays.example.org", "url": "http://127.0.0.1:9/"});
    admin.put("/v1/feeds/list", &feed).expect(201);
    let nobody = json!({"url": "https://hooks.example.org/", "enabled": false});
    admin.post("/v1/webhooks", &nobody).expect(201);
    let text = admin.get("/metrics").expect(200).text;
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let shown: BTreeMap<String, String> = types
        .filter_map(|line| line.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect();
    assert_eq!(shown.keys().cloned().collect::<BTreeSet<_>>(), documented());
    for (name, kind) in shown {
        let counts = name.ends_with("_total");
        assert_eq!(counts, kind == "counter", "{name} is a {kind}");
    }
    for sample in [
        "dnsbl_build_info{version=",
        "dnsbl_last_import_timestamp_seconds{source=\"feed\",zone=\"relays.example.org\"} ",
        "dnsbl_http_refusals_total{code=\"401\",token=\"\"} 1",
        "dnsbl_clock_in_doubt 0",
    ] {
        assert!(text.lines().any(|line| line.starts_with(sample)), "{sample} in {text}");
    }
    admin.post("/v1/relay-tests", &json!({})).expect_problem(400);
    let refused = "dnsbl_http_refusals_total{code=\"400\",token=\"admin\"}";
    assert_eq!(value(&tester.server, refused), Some(1));
}

/// The value of a sample, written as Prometheus reads it.
fn value(server: &TestServer, sample: &str) -> Option<u64> {
    let text = server.admin().get("/metrics").expect(200).text;
    let line = text.lines().find(|line| line.starts_with(&format!("{sample} ")))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn verdicts(tester: &Tester, verdict: &str) -> Option<u64> {
    value(&tester.server, &format!("dnsbl_relay_tests_total{{verdict=\"{verdict}\"}}"))
}

fn received(tester: &Tester, result: &str) -> Option<u64> {
    value(&tester.server, &format!("dnsbl_relay_receiver_total{{result=\"{result}\"}}"))
}

#[test]
fn a_server_that_tests_nobody_has_no_figures_of_tests() {
    let server = TestServer::start();
    let text = server.admin().get("/metrics").expect(200).text;
    assert!(!text.contains("dnsbl_relay"), "{text}");
}

#[test]
fn verdicts_are_counted() {
    let tester = Tester::start();
    for verdict in ["clean", "open", "blocked", "unreachable", "inconclusive"] {
        assert_eq!(verdicts(&tester, verdict), Some(0), "{verdict}");
    }
    assert_eq!(tester.test(ScriptedServer::refusing().addr())["verdict"], "clean");
    let open = ScriptedServer::accepting();
    let id = tester.submit_owned(open.addr());
    tester.send_back(open.addr().ip(), &plain_probe(&open));
    tester.wait(&id, |test| test["verdict"] == "open");
    assert_eq!((verdicts(&tester, "clean"), verdicts(&tester, "open")), (Some(1), Some(1)));
}

#[test]
fn what_comes_to_the_receiver_is_counted() {
    let tester = Tester::start();
    let open = ScriptedServer::accepting();
    tester.submit_owned(open.addr());
    tester.send_back(open.addr().ip(), &plain_probe(&open));
    assert_eq!(received(&tester, "returned"), Some(1));
    let mut client = SmtpClient::connect(tester.receiver).expect("it greets");
    for line in ["EHLO a.example", "MAIL FROM:<a@a.example>"] {
        assert_eq!(client.command(line).expect("it answers").code, 250);
    }
    assert_eq!(client.command("RCPT TO:<b@elsewhere.example>").expect("it answers").code, 550);
    assert_eq!(received(&tester, "refused"), Some(1));
    for result in ["turned-away", "dropped"] {
        assert_eq!(received(&tester, result), Some(0), "{result}");
    }
}

#[test]
fn tests_that_wait_and_go_on_are_shown() {
    let tester = Tester::with("", "at-once = 1");
    let gauge = |name: &str| value(&tester.server, &format!("dnsbl_relay_tests_{name}"));
    assert_eq!((gauge("running"), gauge("waiting")), (Some(0), Some(0)));
    let busy = ScriptedServer::start(|heard| match heard {
        Heard::Connection => SmtpAnswer::Silence,
        other => SmtpAnswer::polite(other),
    });
    let first = tester.submit_owned(busy.addr());
    tester.wait(&first, |test| test["state"] == "testing");
    let others = [ScriptedServer::refusing(), ScriptedServer::refusing()];
    let ids = others.each_ref().map(|host| tester.submit_owned(host.addr()));
    assert_eq!((gauge("running"), gauge("waiting")), (Some(1), Some(2)));
    drop(busy);
    for id in ids {
        tester.verdict(&id);
    }
    eventually(TEST, || match (gauge("running"), gauge("waiting")) {
        (Some(0), Some(0)) => Ok(()),
        seen => Err(seen),
    });
}
