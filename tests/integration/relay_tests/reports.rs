//! Relays that are reported: they are tested, not believed.

use serde_json::json;

use super::Tester;

#[test]
fn what_is_reported_as_a_relay_is_tested_with_its_evidence() {
    let tester = Tester::start();
    let admin = tester.server.admin();
    let report = json!({"subject": "127.9.8.7", "category": "relay", "evidence": "Subject: buy"});
    let made = admin.post("/v1/reports", &report).expect(201).json();
    assert_eq!((&made["state"], &made["zone"]), (&json!("testing"), &json!("relays.example.org")));
    let test = tester.read(made["relay_test"].as_str().expect("it names the test"));
    assert_eq!((&test["address"], &test["ground"]), (&json!("127.9.8.7"), &json!("evidence")));
    assert_eq!(test["evidence"], "Subject: buy");
    let again = admin.post("/v1/reports", &report).expect(200).json();
    assert_eq!((&again["id"], &again["duplicates"]), (&made["id"], &json!(1)));
    tester.expect_unlisted("127.9.8.7".parse().expect("an address"));
    let hearsay = json!({"subject": "127.9.8.6", "category": "relay"});
    let problem = admin.post("/v1/reports", &hearsay).expect_problem(422);
    assert!(
        problem["type"].as_str().is_some_and(|kind| kind.ends_with("no-evidence")),
        "{problem}"
    );
    let elsewhere =
        json!({"subject": "127.9.8.7", "category": "relay", "zone": "outputs.example.org"});
    admin.post("/v1/reports", &elsewhere).expect_problem(422);
    let path = format!("/v1/reports/{}/confirm", made["id"].as_str().expect("an id"));
    admin.post(&path, &json!({})).expect(200);
    tester.expect_unlisted("127.9.8.7".parse().expect("an address"));
}
