//! Removal of a relay is its retest.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use dnsbl_tests::{
    eventually,
    mta::{ScriptedServer, SmtpAnswer},
};
use serde_json::{Value, json};

use super::{TEST, Tester, plain_probe};

fn wait_state(tester: &Tester, id: &str, state: &str) -> Value {
    eventually(TEST, || {
        let path = format!("/v1/removal-requests/{id}");
        let request = tester.server.admin().get(&path).expect(200).json();
        if request["state"] == state { Ok(request) } else { Err(request) }
    })
}

#[test]
fn a_relay_is_removed_once_it_is_closed_and_stays_listed_while_it_is_open() {
    let tester = Tester::start();
    let admin = tester.server.admin();
    let is_open = Arc::new(AtomicBool::new(true));
    let switch = is_open.clone();
    let host = ScriptedServer::start(move |heard| match switch.load(Ordering::SeqCst) {
        true => SmtpAnswer::polite(heard),
        false => SmtpAnswer::refusing(heard),
    });
    let address = host.addr().ip();
    let test = tester.submit_owned(host.addr());
    tester.send_back(address, &plain_probe(&host));
    tester.wait(&test, |test| test["verdict"] == "open");
    tester.expect_listed(address);
    is_open.store(false, Ordering::SeqCst);
    let body = json!({"subject": address.to_string()});
    let made = admin.post("/v1/removal-requests", &body).expect(201).json();
    assert_eq!(made["state"], "retest", "{made}");
    let retest = tester.read(made["relay_test"].as_str().expect("it names the test"));
    assert_eq!(retest["ground"], "delist");
    let done = wait_state(&tester, made["id"].as_str().expect("an id"), "done");
    assert_eq!(done["listed"], false, "{done}");
    tester.expect_unlisted(address);
}
