//! Listing, retest and removal.

use dnsbl_tests::{
    Answer, eventually,
    mta::{Exim, EximRelaying, ScriptedServer, unique_addr},
};
use hickory_proto::rr::RecordType::A;
use serde_json::{Value, json};

use crate::changes;

use super::{TEST, Tester, plain_probe};

impl Tester {
    /// Asks for the removal of an address; the test that this starts, with its verdict.
    #[track_caller]
    fn delist(&self, addr: std::net::IpAddr) -> Value {
        self.verdict(&self.submit(&json!({"address": addr, "ground": "delist"})))
    }
}

/// Mail row F1: one clean test was enough, however lucky.
#[test]
fn a_second_clean_retest_removes_the_listing_within_a_second() {
    let tester = Tester::start();
    let addr = unique_addr();
    let open = Exim::start_at(addr, &EximRelaying::Open, tester.receiver);
    let host = open.addr();
    assert_eq!(tester.test(host)["verdict"], "open");
    tester.expect_listed(host.ip());
    drop(open);
    let _closed = Exim::start_at(addr, &EximRelaying::Closed, tester.receiver);
    let test = tester.delist(host.ip());
    assert_eq!(test["verdict"], "clean", "{test}");
    let address = host.ip().to_string();
    let id = test["id"].as_str().expect("an id");
    let first = tester.read(id);
    let is_first = first["listed"] == true && !first["second_test_at"].is_null();
    let tests = eventually(TEST, || {
        let path = format!("/v1/relay-tests?address={address}&verdict=clean");
        let tests = tester.server.admin().get(&path).expect(200).json();
        if tests["relay_tests"].as_array().map(Vec::len) == Some(2) {
            Ok(tests)
        } else {
            Err(tests)
        }
    });
    // The second test may have ended before the first was read.
    assert!(is_first || first["listed"] == false, "{first}");
    assert_eq!(tests["relay_tests"][0]["ground"], "retest", "{tests}");
    tester.relays().await_answer(host.ip(), A, &Answer::NxDomain, TEST);
    // Not only soon: verdict and removal are one change.
    let changes = changes::all(&tester.server);
    let removal = changes
        .iter()
        .find(|change| change["op"] == "delete" && change["subject"] == *address)
        .expect("a removal in the log");
    let is_with_it = |change: &Value| {
        change["seq"] == removal["seq"] && change["id"] == tests["relay_tests"][0]["id"]
    };
    assert!(changes.iter().any(is_with_it), "{changes:?}");
}

#[test]
fn a_removal_leaves_what_others_list() {
    let tester = Tester::start();
    let addr = unique_addr();
    let open = Exim::start_at(addr, &EximRelaying::Open, tester.receiver);
    let host = open.addr();
    assert_eq!(tester.test(host)["verdict"], "open");
    drop(open);
    let address = host.ip().to_string();
    // Special-use space is listed by hand only with an override.
    let query = "?source=trap&override=special-use";
    tester.relays().put(&address, query, &json!({}));
    let _closed = Exim::start_at(addr, &EximRelaying::Closed, tester.receiver);
    assert_eq!(tester.delist(host.ip())["verdict"], "clean");
    let path = tester.relays().listing_path(&address);
    let admin = tester.server.admin();
    eventually(TEST, || {
        let left = admin.get(&path).expect(200).json();
        let sources: Vec<_> = left["listings"].as_array().expect("listings").iter().collect();
        if sources.len() == 1 && sources[0]["source"] == "trap" { Ok(()) } else { Err(left) }
    });
    assert_eq!(tester.relays().ask_address(&address, A), Answer::listed());
}

#[test]
fn a_listed_host_that_is_out_of_reach_stays_listed() {
    let tester = Tester::start();
    let open = Exim::start(&EximRelaying::Open, tester.receiver);
    let host = open.addr();
    assert_eq!(tester.test(host)["verdict"], "open");
    drop(open);
    let test = tester.delist(host.ip());
    assert!(matches!(test["verdict"].as_str(), Some("unreachable" | "inconclusive")), "{test}");
    tester.expect_listed(host.ip());
}

#[test]
fn a_late_return_lists_a_host_that_was_clean() {
    let tester = Tester::with("settle-for = \"1s\"\n", "");
    let host = ScriptedServer::accepting();
    let test = tester.test(host.addr());
    assert_eq!(test["verdict"], "clean", "{test}");
    tester.expect_unlisted(host.addr().ip());
    let probe = plain_probe(&host);
    tester.send_back(host.addr().ip(), &probe);
    tester.wait(test["id"].as_str().expect("an id"), |test| test["verdict"] == "open");
    tester.expect_listed(host.addr().ip());
}

#[test]
fn a_message_says_who_asks_and_why_in_two_languages() {
    let tester = Tester::start();
    let host = ScriptedServer::accepting();
    tester.submit_owned(host.addr());
    let probe = plain_probe(&host);
    assert_eq!(probe.helo, "relaytest.example.org");
    let address = host.addr().ip().to_string();
    let subject = probe.header("Subject").expect("a subject");
    assert!(subject.contains(&address), "{subject}");
    assert!(probe.data.len() < 4096, "{} bytes", probe.data.len());
    for field in ["From", "Date", "Message-ID", "X-Envelope-Sender", "X-Envelope-Recipient"] {
        assert!(probe.header(field).is_some(), "no {field} in {}", probe.data);
    }
    assert_eq!(probe.header("Auto-Submitted").as_deref(), Some("auto-generated"));
}
