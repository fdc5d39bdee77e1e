//! The audit tells what people did and what was decided, and not every step of a test.

use dnsbl_tests::mta::ScriptedServer;

use super::{Tester, plain_probe};

/// Newcomer A3: one test wrote 20 to 45 records, each with an id in hexadecimal.
#[test]
fn a_test_is_audited_by_who_asked_and_by_its_verdict() {
    let tester = Tester::start();
    let closed = tester.test(ScriptedServer::refusing().addr());
    let host = ScriptedServer::accepting();
    let open = tester.submit_owned(host.addr());
    tester.send_back(host.addr().ip(), &plain_probe(&host));
    tester.wait(&open, |test| test["verdict"] == "open");
    let audit = tester.server.admin().get("/v1/audit?limit=1000").expect(200).json();
    let records = audit["records"].as_array().expect("records");
    for id in [closed["id"].as_str().expect("an id"), &open] {
        let of_test: Vec<_> = records.iter().filter(|record| record["subject"] == id).collect();
        let actors: Vec<_> = of_test.iter().map(|record| record["actor"].as_str()).collect();
        assert_eq!(actors, [Some("relay-test"), Some("admin")], "{of_test:?}");
    }
    let listed: Vec<_> = records
        .iter()
        .filter(|record| record["action"] == "put" && record["actor"] == "relay-test")
        .collect();
    assert_eq!(listed.len(), 1, "{listed:?}");
    // Each step is in the change log, under the same name.
    let changes = tester.server.admin().get("/v1/changes?after=0").expect(200).text;
    let steps =
        changes.lines().filter(|line| line.contains("relay-test-put") && line.contains(&open));
    assert!(steps.count() > 4, "{changes}");
}
