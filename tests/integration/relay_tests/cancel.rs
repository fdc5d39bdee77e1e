//! Calling tests off.

use std::sync::{Mutex, mpsc};

use dnsbl_tests::{
    HttpReply, eventually,
    mta::{Heard, ScriptedServer, SmtpAnswer},
};
use serde_json::json;

use super::{TEST, Tester, plain_probe};

impl Tester {
    #[track_caller]
    fn cancel(&self, id: &str) -> HttpReply {
        self.server.admin().delete(&format!("/v1/relay-tests/{id}"))
    }
}

#[test]
fn a_test_that_waits_is_called_off_and_its_host_never_called() {
    let busy = ScriptedServer::start(|heard| match heard {
        Heard::Connection => SmtpAnswer::Silence,
        other => SmtpAnswer::polite(other),
    });
    let tester = Tester::with("", "at-once = 1");
    let first = tester.submit_owned(busy.addr());
    tester.wait(&first, |test| test["state"] == "testing");
    let (host, last) = (ScriptedServer::refusing(), ScriptedServer::refusing());
    let id = tester.submit_owned(host.addr());
    let cancelled = tester.cancel(&id).expect(200);
    assert!(cancelled.seq() > 0);
    assert_eq!(cancelled.json()["state"], "cancelled");
    tester.cancel(&id).expect_problem(409);
    // Those before and behind it have their turn.
    drop(busy);
    assert_eq!(tester.test(last.addr())["verdict"], "clean");
    assert!(host.record().connections.is_empty());
    let again = tester.submit_owned(host.addr());
    assert_ne!(again, id);
    assert_eq!(tester.verdict(&again)["verdict"], "clean");
}

#[test]
fn a_test_that_goes_on_is_called_off_before_its_next_probe_and_lists_nothing() {
    let (called_off, is_called_off) = mpsc::channel::<()>();
    let is_called_off = Mutex::new(is_called_off);
    let host = ScriptedServer::start(move |heard| {
        if matches!(heard, Heard::Message(_)) {
            // Nothing is sent: it ends when the test was called off.
            let _ = is_called_off.lock().expect("nobody panics").recv();
        }
        SmtpAnswer::polite(heard)
    });
    let tester = Tester::start();
    let id = tester.submit_owned(host.addr());
    let probe = plain_probe(&host);
    assert_eq!(tester.cancel(&id).expect(200).json()["state"], "cancelled");
    drop(called_off);
    eventually(TEST, || {
        let record = host.record();
        if record.commands.iter().any(|line| line == "QUIT") { Ok(()) } else { Err(record) }
    });
    assert_eq!(host.messages().len(), 1, "{:?}", host.messages());
    // Its token is good, and nobody waits for it.
    tester.send_back(host.addr().ip(), &probe);
    let test = tester.read(&id);
    assert_eq!((&test["state"], &test["verdict"]), (&json!("cancelled"), &json!(null)), "{test}");
    tester.expect_unlisted(host.addr().ip());
}

#[test]
fn a_test_that_has_begun_counts_for_the_limits_though_it_was_called_off() {
    let host = ScriptedServer::start(|heard| match heard {
        Heard::Connection => SmtpAnswer::Silence,
        other => SmtpAnswer::polite(other),
    });
    let tester = Tester::start();
    let id = tester.submit_owned(host.addr());
    tester.wait(&id, |test| test["state"] == "testing");
    tester.cancel(&id).expect(200);
    let body = json!({"address": host.addr().ip(), "port": host.addr().port(), "ground": "owner"});
    tester.post(&body).expect_problem(429);
}

#[test]
fn what_is_over_or_was_never_there_is_not_called_off() {
    let tester = Tester::start();
    let host = ScriptedServer::refusing();
    let test = tester.test(host.addr());
    tester.cancel(test["id"].as_str().expect("an id")).expect_problem(409);
    let accepting = ScriptedServer::accepting();
    let id = tester.submit_owned(accepting.addr());
    tester.wait(&id, |test| test["state"] == "pending" || test["state"] == "done");
    tester.cancel(&id).expect_problem(409);
    for id in ["aaaaaaaaaaaaa", "nonsense!"] {
        tester.cancel(id).expect_problem(404);
    }
}
