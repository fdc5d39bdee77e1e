//! What tokens may ask for, and how often.

use dnsbl_tests::{Admin, mta::unique_host};
use serde_json::{Value, json};

use super::Tester;

impl Tester {
    #[track_caller]
    pub(super) fn token(&self, name: &str, scopes: &[&str]) -> Admin {
        let body = json!({"name": name, "scopes": scopes});
        let created = self.server.admin().post("/v1/tokens", &body).expect(201).json();
        self.server.admin().with_token(created["token"].as_str().expect("it is told once"))
    }
}

fn seen() -> Value {
    json!({"address": unique_host(), "ground": "evidence", "evidence": "Received: from there"})
}

const TESTS: &str = "/v1/relay-tests";

#[test]
fn only_a_token_for_owners_asks_in_their_name() {
    let tester = Tester::start();
    let owned = json!({"address": unique_host(), "ground": "owner", "port": 2525});
    let plain = tester.token("plain", &["relay-tests:write"]);
    plain.post(TESTS, &owned).expect_problem(403);
    plain.post(TESTS, &seen()).expect(202);
    let owner = tester.token("owner", &["relay-tests:write", "relay-tests:owner"]);
    owner.post(TESTS, &owned).expect(202);
}

#[test]
fn reading_and_writing_are_scopes_of_their_own() {
    let tester = Tester::start();
    let [reader, writer] =
        ["read", "write"].map(|scope| tester.token(scope, &[&format!("relay-tests:{scope}")]));
    reader.post(TESTS, &seen()).expect_problem(403);
    let id = writer.post(TESTS, &seen()).expect(202).json()["id"].clone();
    let path = format!("{TESTS}/{}", id.as_str().expect("an id"));
    for path in [&path, TESTS, "/v1/relay-opt-outs"] {
        reader.get(path).expect(200);
        writer.get(path).expect_problem(403);
    }
    reader.delete(&path).expect_problem(403);
    reader.put("/v1/relay-opt-outs/192.0.2.1", &json!({})).expect_problem(403);
    reader.delete("/v1/relay-opt-outs/192.0.2.1").expect_problem(403);
}

/// Security review, L4: who may nominate could opt everybody out.
#[test]
fn opting_out_is_a_scope_of_its_own() {
    let tester = Tester::start();
    let path = "/v1/relay-opt-outs/192.0.2.1";
    let writer = tester.token("write", &["relay-tests:write", "relay-tests:trusted"]);
    writer.put(path, &json!({})).expect_problem(403);
    let opting = tester.token("opt-outs", &["relay-opt-outs:write"]);
    opting.put(path, &json!({})).expect(200);
    writer.delete(path).expect_problem(403);
    opting.delete(path).expect(204);
    opting.post(TESTS, &seen()).expect_problem(403);
}

/// Security review, L4: who may nominate could call off what others had asked for.
#[test]
fn tests_of_others_are_called_off_by_trusted_tokens_only() {
    let tester = Tester::with("", "at-once = 1");
    // Its greeting does not come, so that all others wait.
    let busy = dnsbl_tests::mta::ScriptedServer::start(|heard| match heard {
        dnsbl_tests::mta::Heard::Connection => dnsbl_tests::mta::SmtpAnswer::Silence,
        other => dnsbl_tests::mta::SmtpAnswer::polite(other),
    });
    let going_on = tester.submit_owned(busy.addr());
    tester.wait(&going_on, |test| test["state"] == "testing");
    let [one, other] = ["one", "other"].map(|name| tester.token(name, &["relay-tests:write"]));
    let trusted = tester.token("trusted", &["relay-tests:write", "relay-tests:trusted"]);
    for by in [&one, &trusted] {
        let id = one.post(TESTS, &seen()).expect(202).json()["id"].clone();
        let path = format!("{TESTS}/{}", id.as_str().expect("an id"));
        other.delete(&path).expect_problem(403);
        by.delete(&path).expect(200);
    }
}

#[test]
fn a_token_has_a_limit_of_its_own_unless_it_is_trusted() {
    let mut tester = Tester::with("", "per-token-hour = 2");
    let write = "relay-tests:write";
    let tokens = [
        tester.token("one", &[write]),
        tester.token("two", &[write]),
        tester.token("three", &[write, "relay-tests:trusted"]),
    ];
    for token in &tokens {
        for _ in 0..2 {
            token.post(TESTS, &seen()).expect(202);
        }
    }
    let [one, two, trusted] = &tokens;
    for limited in [one, two] {
        let refused = limited.post(TESTS, &seen());
        let wait: u64 = refused.header("retry-after").parse().expect("when to come again");
        assert!((1..=3600).contains(&wait), "{wait}");
        refused.expect_problem(429);
    }
    trusted.post(TESTS, &seen()).expect(202);
    // The limit is no less after a restart.
    tester.server.kill();
    tester.server.start_again();
    let one = tester.server.admin().with_token(one.token());
    one.post(TESTS, &seen()).expect_problem(429);
}

/// The tester lists in zones, and a token that is not for these has no part in it.
#[test]
fn a_token_for_other_zones_or_small_prefixes_stays_within_them() {
    let tester = Tester::start();
    let made = |name: &str, terms: Value| {
        let mut body = json!({"name": name, "role": "operator"});
        body.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
        let made = tester.server.admin().post("/v1/tokens", &body).expect(201).json();
        tester.server.admin().with_token(made["token"].as_str().unwrap())
    };
    let id = tester.server.admin().post(TESTS, &seen()).expect(202).json()["id"].clone();
    let test = format!("{TESTS}/{}", id.as_str().unwrap());
    let elsewhere = made("elsewhere", json!({"zones": ["elsewhere.example.org"]}));
    let beyond = |reply: dnsbl_tests::HttpReply, word: &str| {
        assert_eq!(reply.expect_problem(403)["type"], format!("/problems/{word}"));
    };
    for path in [TESTS, &test, "/v1/relay-opt-outs"] {
        beyond(elsewhere.get(path), "zone-not-permitted");
    }
    beyond(elsewhere.post(TESTS, &seen()), "zone-not-permitted");
    beyond(elsewhere.delete(&test), "zone-not-permitted");
    let opt_out = "/v1/relay-opt-outs/192.0.2.0_24";
    beyond(elsewhere.put(opt_out, &json!({})), "zone-not-permitted");
    beyond(elsewhere.delete(opt_out), "zone-not-permitted");
    let small = made("small", json!({"max_prefix": {"ipv4": 25, "ipv6": 64}}));
    beyond(small.put(opt_out, &json!({})), "prefix-too-large");
    beyond(small.delete(opt_out), "prefix-too-large");
    small.put("/v1/relay-opt-outs/192.0.2.0_25", &json!({})).expect(200);
    small.get(&test).expect(200);
}
