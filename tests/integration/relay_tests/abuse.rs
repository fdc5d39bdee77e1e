//! What strangers and the holders of small tokens can't make of tests.

use std::net::{IpAddr, Ipv4Addr};

use dnsbl_tests::{NameServer, mta::unique_host};
use hickory_proto::rr::{
    Name, RData,
    RecordType::{self, A},
    rdata::MX,
};
use serde_json::{Value, json};

use super::{Tester, anonymous::Stranger};

const TESTS: &str = "/v1/relay-tests";

fn seen(addr: IpAddr) -> Value {
    json!({"address": addr, "ground": "evidence", "evidence": "Received: from there"})
}

/// Security review, M7: who nominated himself while his port was shut was left alone for a week.
#[test]
fn who_nominates_an_address_that_does_not_answer_gives_it_no_immunity() {
    let tester = Tester::with("anonymous.enabled = true", "");
    let host: IpAddr = unique_host().into();
    let stranger = Stranger::at(&tester, unique_host().into());
    let id = stranger.submit(&seen(host)).expect(202).json()["id"].clone();
    let test = tester.verdict(id.as_str().expect("an id"));
    assert_eq!(test["verdict"], "unreachable", "{test}");
    let plain = tester.token("plain", &["relay-tests:write"]);
    let id = plain.post(TESTS, &seen(host)).expect(202).json()["id"].clone();
    assert_eq!(tester.verdict(id.as_str().expect("an id"))["verdict"], "unreachable");
    let trusted = tester.token("trusted", &["relay-tests:write", "relay-tests:trusted"]);
    trusted.post(TESTS, &seen(host)).expect(202);
}

/// A name server that gives every domain ten exchanges, and those no address.
fn cannon() -> NameServer {
    NameServer::start(|name, rtype| match rtype {
        RecordType::MX if !name.starts_with("probe.") => (0..10)
            .map(|number| {
                let exchange = Name::from_ascii(format!("h{number}.victim.example."));
                RData::MX(MX::new(10, exchange.expect("a name")))
            })
            .collect(),
        A if name.starts_with("probe.") => vec![RData::A(Ipv4Addr::LOCALHOST.into())],
        _ => Vec::new(),
    })
}

/// How often it was asked for others than the tester itself.
fn asked(names: &NameServer) -> usize {
    names.asked().iter().filter(|(name, _)| !name.starts_with("probe.")).count()
}

/// Security review, M8: one refused request made 21 questions, and a client made thousands a second.
#[test]
fn a_stranger_has_few_names_looked_up_and_what_is_refused_counts() {
    let names = cannon();
    let tester = Tester::asking(names.addr(), "anonymous.enabled = true", "anonymous-day = 2");
    let from: IpAddr = unique_host().into();
    let stranger = Stranger::at(&tester, from);
    let mut body = seen(unique_host().into());
    body["domain"] = json!("evil.example");
    stranger.submit(&body).expect_problem(422);
    let first = asked(&names);
    assert!((1..=4).contains(&first), "{first} questions: {:?}", names.asked());
    for number in 0..10 {
        body["domain"] = json!(format!("evil{number}.example"));
        stranger.submit(&body).expect_problem(429);
    }
    assert_eq!(asked(&names), first, "nothing more is looked up");
    // Both were in vain, and leave nothing for a third.
    let refused = stranger.submit(&seen(unique_host().into())).expect_problem(429);
    assert!(refused["detail"].as_str().is_some_and(|why| why.contains("submitter")), "{refused}");
    Stranger::at(&tester, unique_host().into()).submit(&seen(unique_host().into())).expect(202);
}

/// Security review, M8: with a token there was no limit at all.
#[test]
fn the_holder_of_a_token_has_some_names_looked_up_in_a_minute() {
    let names = cannon();
    let tester = Tester::asking(names.addr(), "", "per-token-hour = 0");
    let token = tester.token("plain", &["relay-tests:write"]);
    let mut body = seen(unique_host().into());
    let mut limited = 0;
    for number in 0..12 {
        body["domain"] = json!(format!("evil{number}.example"));
        let reply = token.post(TESTS, &body);
        if reply.status == 429 {
            limited += 1;
        } else {
            reply.expect_problem(422);
        }
    }
    // The twelve may fall into two minutes.
    assert!(asked(&names) <= 48, "{}", asked(&names));
    assert!(limited > 0, "twelve were looked up");
}
