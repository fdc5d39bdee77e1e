//! `/v1/subscribers`: keys are shown once, terms change, and whoever lacks the scope hears nothing of it.

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture};

const ALL: &str = "/v1/subscribers";

fn body(name: &str) -> Value {
    json!({"name": name, "zones": ["bl.example.org"]})
}

async fn add(fixture: &Fixture, body: Value) -> Answer {
    let made = fixture.post(ALL, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made
}

#[track_caller]
fn path(made: &Answer) -> String {
    format!("{ALL}/{}", made.json["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_key_is_shown_when_it_is_made_and_never_again() {
    let fixture = Fixture::new().await;
    let made = add(&fixture, body("Example Mail")).await;
    let key = made.json["key"].as_str().unwrap().to_owned();
    assert_eq!(key.len(), 26);
    assert_eq!(made.header("location"), path(&made));
    let rotated = fixture.post(&format!("{}/rotate", path(&made)), json!({})).await;
    let new = rotated.ok()["key"].as_str().unwrap().to_owned();
    assert_ne!(key, new);
    for shown in [path(&made), ALL.into(), "/v1/changes".into(), "/v1/audit".into()] {
        let shown = fixture.get(&shown).await;
        assert!(shown.status.is_success(), "{}", shown.text);
        assert!(!shown.text.contains(&key) && !shown.text.contains(&new), "{}", shown.text);
    }
    let shown = fixture.get(&path(&made)).await;
    let keys = shown.ok()["keys"].as_array().unwrap().clone();
    assert_eq!((keys.len(), &keys[0]["until"]), (2, &Value::Null));
    assert!(keys[1]["until"].is_string() && keys[0]["fingerprint"] != keys[1]["fingerprint"]);
    let at_once = fixture.post(&format!("{}/rotate", path(&made)), json!({"overlap": 0})).await;
    assert_eq!(at_once.ok()["keys"].as_array().unwrap().len(), 1);
    let long = json!({"overlap": 31 * 86_400});
    fixture.post(&format!("{}/rotate", path(&made)), long).await.problem(422);
}

#[tokio::test]
async fn terms_are_replaced_on_condition_and_keys_stay() {
    let fixture = Fixture::new().await;
    let made = add(&fixture, body("a")).await;
    let tag = made.header("etag").to_owned();
    let mut terms = body("b");
    terms["networks"] = json!(["192.0.2.0/24"]);
    terms["quota"] = json!({"per_day": 5});
    let put = fixture.ask("PUT", &path(&made)).header("if-match", &*tag).json(&terms).send().await;
    assert_eq!((&put.ok()["name"], &put.json["recognition"]), (&json!("b"), &json!("either")));
    assert_eq!(put.json["keys"], made.json["keys"]);
    let again =
        fixture.ask("PUT", &path(&made)).header("if-match", &*tag).json(&terms).send().await;
    again.problem(412);
    let same = fixture.ask("GET", &path(&made)).header("if-none-match", put.header("etag"));
    assert_eq!(same.send().await.status, 304);
    let ended =
        json!({"name": "b", "zones": ["bl.example.org"], "expires_at": "2001-01-01T00:00:00Z"});
    let ended = fixture.put(&path(&made), ended).await;
    assert!(ended.ok()["expires_at"].as_str().unwrap() > "2020", "it ends now: {}", ended.text);
    assert_eq!(fixture.delete(&path(&made)).await.status, 204);
    fixture.get(&path(&made)).await.problem(404);
    fixture.delete(&path(&made)).await.problem(404);
}

#[tokio::test]
async fn what_can_not_be_is_refused_with_its_reason() {
    let fixture = Fixture::new().await;
    let first = json!({"name": "a", "zones": ["bl.example.org"], "networks": ["192.0.2.0/24"]});
    let id = add(&fixture, first).await.json["id"].clone();
    let same_name = fixture.post(ALL, body("A")).await;
    assert!(same_name.problem(409)["detail"].as_str().unwrap().contains(id.as_str().unwrap()));
    let same_network =
        json!({"name": "b", "zones": ["bl.example.org"], "networks": ["192.0.2.0/24"]});
    let same_network = fixture.post(ALL, same_network).await;
    assert!(same_network.problem(409)["detail"].as_str().unwrap().contains("(a)"));
    for wrong in [
        json!({"name": "b", "zones": ["no.example.org"]}),
        json!({"name": "b", "zones": ["bl.example.org"], "recognition": "both"}),
        json!({"name": "b", "zones": ["bl.example.org"], "expires_at": "2001-01-01T00:00:00Z"}),
    ] {
        fixture.post(ALL, wrong).await.problem(422);
    }
    let networks = json!({"name": "b", "zones": ["bl.example.org"], "networks": ["192.0.2.1"], "recognition": "networks"});
    let made = add(&fixture, networks).await;
    assert_eq!((made.json.get("key"), &made.json["keys"]), (None, &json!([])));
    fixture.post(&format!("{}/rotate", path(&made)), json!({})).await.problem(409);
}

#[tokio::test]
async fn pages_and_filters() {
    let fixture = Fixture::new().await;
    for name in ["a", "b", "c"] {
        add(&fixture, body(name)).await;
    }
    let mut seen = Vec::new();
    let mut next = String::from("?limit=2");
    for _ in 0..2 {
        let page = fixture.get(&format!("{ALL}{next}")).await;
        let found = page.ok()["subscribers"].as_array().unwrap().clone();
        seen.extend(found.iter().map(|s| s["name"].as_str().unwrap().to_owned()));
        next = format!("?limit=2&cursor={}", page.json["next"].as_str().unwrap_or_default());
    }
    seen.sort();
    assert_eq!(seen, ["a", "b", "c"]);
    let named = fixture.get(&format!("{ALL}?name=B&zone=bl.example.org")).await;
    assert_eq!(named.ok()["subscribers"].as_array().unwrap().len(), 1);
    let elsewhere = fixture.get(&format!("{ALL}?zone=no.example.org")).await;
    assert_eq!(elsewhere.ok()["subscribers"], json!([]));
}

#[tokio::test]
async fn changes_of_subscribers_are_hidden_from_those_without_the_scope() {
    let fixture = Fixture::new().await;
    let made = add(&fixture, body("Secret Customer")).await;
    fixture.delete(&path(&made)).await.ok();
    let blind = fixture.mint("blind", &["changes:read", "audit:read"]);
    let sees = fixture.mint("sees", &["changes:read", "audit:read", "subscribers:read"]);
    for path in ["/v1/changes", "/v1/audit"] {
        let hidden = fixture.ask_as(&blind, "GET", path).send().await;
        assert!(!hidden.text.contains("Secret"), "{}", hidden.text);
        let shown = fixture.ask_as(&sees, "GET", path).send().await;
        assert!(shown.text.contains("subscriber-put") && shown.text.contains("subscriber-delete"));
        assert!(shown.text.contains("Secret Customer"), "{}", shown.text);
    }
}
