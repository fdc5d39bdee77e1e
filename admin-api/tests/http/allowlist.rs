//! `/v1/allowlist`, and the states of zones: what keeps subjects from being listed, whatever is said of them.

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, ZONE};

const ALL: &str = "/v1/allowlist";
const OURS: &str = "/v1/allowlist/192.0.2.0_24";

fn why(reason: &str) -> Value {
    json!({ "reason": reason })
}

/// What a check says of a subject in the zone.
async fn check(fixture: &Fixture, subject: &str) -> Value {
    let zones = json!(["bl.example.org"]);
    let answer = fixture.post("/v1/check", json!({"subjects": [subject], "zones": zones})).await;
    answer.ok()["results"][0].clone()
}

#[track_caller]
fn made(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.header("etag").to_owned()
}

#[tokio::test]
async fn what_is_allowed_is_not_listed_from_the_answer_on_and_is_again_once_the_entry_goes() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.7", json!({})).await;
    assert_eq!(check(&fixture, "192.0.2.7").await["listed"], true);
    made(&fixture.put(OURS, why("our own servers")).await);
    let seen = check(&fixture, "192.0.2.7").await;
    assert_eq!((&seen["listed"], &seen["allowed_by"]), (&json!(false), &json!("192.0.2.0/24")));
    // Whoever lists it hears that nobody will see it.
    let put = fixture.list("192.0.2.9", json!({})).await;
    assert_eq!(put.header("dnsbl-excluded"), r#""192.0.2.0/24";by="allowlist""#);
    let imported = fixture.import("format=plain", "192.0.2.10\n192.0.2.11\n198.51.100.1\n").await;
    let warnings = imported.ok()["warnings"].to_string();
    assert!(warnings.contains("2 of the rows are not answered"), "{warnings}");
    let prefix = check(&fixture, "192.0.2.0/28").await;
    assert_eq!((&prefix["listed"], &prefix["allowed_by"]), (&json!(false), &json!("192.0.2.0/24")));
    assert_eq!(fixture.delete(OURS).await.status, 204);
    assert_eq!(check(&fixture, "192.0.2.7").await["listed"], true);
    fixture.delete(OURS).await.problem(404);
}

#[tokio::test]
async fn an_entry_holds_for_one_zone_or_for_all_and_both_may_stand_side_by_side() {
    let fixture = Fixture::new().await;
    fixture.put_zone("/v1/zones/other.example.org", "ip").await;
    let of_zone = format!("{OURS}?zone=other.example.org");
    made(&fixture.put(&of_zone, why("a customer")).await);
    fixture.list("192.0.2.7", json!({})).await;
    assert_eq!(check(&fixture, "192.0.2.7").await["listed"], true);
    made(&fixture.put(OURS, why("ours")).await);
    assert_eq!(check(&fixture, "192.0.2.7").await["listed"], false);
    for (query, reasons) in [
        ("", json!(["ours", "a customer"])),
        ("?zone=*", json!(["ours"])),
        ("?zone=other.example.org", json!(["a customer"])),
        ("?subject=192.0.2.7&zone=*", json!(["ours"])),
        ("?subject=192.0.3.7", json!([])),
    ] {
        let page = fixture.get(&format!("{ALL}{query}")).await;
        let found = page.ok()["entries"].as_array().unwrap();
        let found: Vec<&Value> = found.iter().map(|entry| &entry["reason"]).collect();
        assert_eq!(json!(found), reasons, "{query}");
    }
    let first = fixture.get(&format!("{ALL}?limit=1")).await;
    let next = first.ok()["next"].as_str().unwrap().replace(' ', "%20").replace('*', "%2A");
    let second = fixture.get(&format!("{ALL}?limit=1&cursor={next}")).await;
    assert_eq!(
        (&second.ok()["entries"][0]["zone"], &second.json["next"]),
        (&json!("other.example.org"), &Value::Null)
    );
    fixture.put(&format!("{OURS}?zone=no.example.org"), why("x")).await.problem(404);
    fixture.put("/v1/allowlist/example.com?zone=bl.example.org", why("x")).await.problem(422);
}

#[tokio::test]
async fn entries_are_conditional_and_what_can_not_be_is_refused_with_its_reason() {
    let fixture = Fixture::new().await;
    let tag = made(&fixture.put(OURS, why("ours")).await);
    let shown = fixture.get(OURS).await;
    assert_eq!((&shown.ok()["owner"], &shown.json["zone"]), (&json!("admin"), &Value::Null));
    assert_eq!(fixture.ask("GET", OURS).header("if-none-match", &*tag).send().await.status, 304);
    let changed = fixture.ask("PUT", OURS).header("if-match", &*tag).json(&why("still ours"));
    changed.send().await.ok();
    let stale = fixture.ask("PUT", OURS).header("if-match", &*tag).json(&why("x"));
    stale.send().await.problem(412);
    fixture.ask("DELETE", OURS).header("if-match", &*tag).send().await.problem(412);
    let again = fixture.ask("PUT", OURS).header("if-none-match", "*").json(&why("x"));
    again.send().await.problem(412);
    for (path, body) in [
        ("/v1/allowlist/192.0.2.1", json!({"reason": ""})),
        ("/v1/allowlist/192.0.2.1", json!({"reason": "x", "expires_in": 0})),
        // It would empty the list.
        ("/v1/allowlist/0.0.0.0_0", why("x")),
        ("/v1/allowlist/10.0.0.0_7", why("x")),
        ("/v1/allowlist/%2A.co.uk", why("x")),
    ] {
        fixture.put(path, body).await.problem(422);
    }
    // Unlike a listing, this may be about what sends no mail.
    made(&fixture.put("/v1/allowlist/10.0.0.0_8", why("our network")).await);
}

#[tokio::test]
async fn changes_of_entries_are_hidden_from_those_without_the_scope() {
    let fixture = Fixture::new().await;
    made(&fixture.put(OURS, why("a secret customer")).await);
    let blind = fixture.mint("blind", &["changes:read"]);
    let sees = fixture.mint("sees", &["changes:read", "allowlist:read"]);
    let hidden = fixture.ask_as(&blind, "GET", "/v1/changes").send().await;
    assert!(!hidden.text.contains("secret"), "{}", hidden.text);
    let shown = fixture.ask_as(&sees, "GET", "/v1/changes").send().await;
    assert!(shown.text.contains("allow-put") && shown.text.contains("a secret customer"));
}

#[tokio::test]
async fn a_frozen_zone_lists_nothing_more_and_lets_go_and_a_retired_one_lists_nothing() {
    let fixture = Fixture::new().await;
    let settings = |state: Value| {
        let mut settings = json!({"kind": "ip", "ns": ["ns1.example.net."]});
        settings.as_object_mut().unwrap().extend(state.as_object().unwrap().clone());
        settings
    };
    fixture.list("192.0.2.7", json!({})).await;
    fixture.list("192.0.2.8", json!({})).await;
    fixture.put(ZONE, settings(json!({"state": "frozen"}))).await.ok();
    let listing = format!("{ZONE}/listings/192.0.2.9");
    fixture.put(&listing, json!({})).await.problem(409);
    let import = fixture.import("format=plain", "192.0.2.10\n").await;
    import.problem(409);
    assert_eq!(fixture.put(&listing, json!({"exclusion": true})).await.status, 201);
    assert_eq!(fixture.delete(&format!("{ZONE}/listings/192.0.2.8")).await.status, 204);
    assert_eq!(check(&fixture, "192.0.2.7").await["listed"], true);

    let state =
        json!({"state": "retired", "retirement": {"test_entries_until": "2001-01-01T00:00:00Z"}});
    let retired = fixture.put(ZONE, settings(state)).await;
    let notice = retired.ok()["retirement"]["notice"].as_str().unwrap().to_owned();
    assert!(notice.contains("bl.example.org has been retired"), "{notice}");
    assert_eq!(check(&fixture, "192.0.2.7").await["listed"], false);
    fixture.put(&listing, json!({})).await.problem(409);
    // What it listed is kept.
    let found = fixture.get(&format!("{ZONE}/listings")).await;
    assert_eq!(found.ok()["listings"].as_array().unwrap().len(), 2);
    fixture.put(ZONE, settings(json!({}))).await.ok();
    assert_eq!(check(&fixture, "192.0.2.7").await["listed"], true);
    for wrong in [
        json!({"state": "frozen", "retirement": {}}),
        json!({"state": "retired", "retirement": {"notice": ""}}),
    ] {
        fixture.put(ZONE, settings(wrong)).await.problem(422);
    }
}
