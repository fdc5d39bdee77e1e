//! What a tester says when it starts, and where a listing leads.

use std::net::Ipv4Addr;

use dnsbl_tests::{Answer, NameServer, eventually, mta::ScriptedServer};
use hickory_proto::rr::{
    RData,
    RecordType::{A, TXT},
};

use super::{TEST, Tester, plain_probe};

impl Tester {
    #[track_caller]
    fn wait_for_log(&self, words: &[&str]) {
        eventually(TEST, || {
            let log = self.server.stderr();
            let is_it = |line: &str| words.iter().all(|word| line.contains(word));
            if log.lines().any(is_it) { Ok(()) } else { Err(log) }
        });
    }
}

/// Newcomer A8: it started silently, and every host looked clean or was not listed.
#[test]
fn a_zone_that_is_not_there_and_a_probe_domain_that_does_not_resolve_are_told_at_the_start() {
    let tester = Tester::start();
    // The harness makes the zones after the start.
    for zone in ["relays.example.org", "outputs.example.org"] {
        tester.wait_for_log(&["WARN", zone, "there is no such zone"]);
    }
    tester.wait_for_log(&["WARN", "probe.example.org", "does not resolve"]);
}

#[test]
fn nothing_is_told_of_a_probe_domain_that_resolves() {
    let names = NameServer::start(|name, rtype| match (name, rtype) {
        ("probe.example.org.", A) => vec![RData::A(Ipv4Addr::LOCALHOST.into())],
        _ => Vec::new(),
    });
    let tester = Tester::asking(names.addr(), "", "");
    eventually(TEST, || {
        let asked = names.asked();
        if asked.iter().any(|(_, rtype)| *rtype == A) { Ok(()) } else { Err(asked) }
    });
    // A whole test has passed by then.
    assert_eq!(tester.test(ScriptedServer::refusing().addr())["verdict"], "clean");
    assert!(!tester.server.stderr().contains("does not resolve"), "{}", tester.server.stderr());
}

/// Newcomer A8: TXT led to the page of the zone, which nobody has.
#[test]
fn a_listing_leads_to_the_page_of_its_test_where_there_is_one() {
    let tester =
        Tester::with("lookup-page = \"https://bl.example.org/tests/{id}?of={address}\"", "");
    let host = ScriptedServer::accepting();
    let id = tester.submit_owned(host.addr());
    tester.send_back(host.addr().ip(), &plain_probe(&host));
    tester.wait(&id, |test| test["verdict"] == "open");
    let address = host.addr().ip().to_string();
    let Answer::Records(texts) = tester.relays().ask_address(&address, TXT) else {
        panic!("{address} has no reason")
    };
    let page = format!("https://bl.example.org/tests/{id}?of={address}");
    assert_eq!(texts.len(), 1);
    assert_eq!(texts[0].trim_matches('"'), format!("Open relay {address}, see {page}"));
}
