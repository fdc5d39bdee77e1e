//! `/v1/subjects/{subject}`: all that is known of a subject, as far as the token may see it.

use admin_api::SCOPES;
use serde_json::{Value, json};

use crate::fixture::{Fixture, ZONE};

const OTHER: &str = "/v1/zones/other.example.org";

/// The values of a member of all objects in a list.
fn each<'a>(list: &'a Value, member: &str) -> Vec<&'a Value> {
    list.as_array().unwrap().iter().map(|object| &object[member]).collect()
}

/// A world in which much has happened to an address.
async fn world() -> Fixture {
    let fixture = Fixture::taking_reports().await;
    let zone = json!({"kind": "ip", "ns": ["ns1.example.net."],
        "reports": {"categories": {"spam": {"reporters": 9}}}});
    for path in [ZONE, OTHER] {
        fixture.put(path, zone.clone()).await.ok();
    }
    fixture.list("192.0.2.9", json!({"reason": "first"})).await;
    fixture.list("192.0.2.9", json!({"reason": "second"})).await;
    fixture.put(&format!("{OTHER}/listings/192.0.2.0_24"), json!({})).await.ok();
    fixture.delete(&format!("{ZONE}/listings/192.0.2.9")).await.ok();
    fixture.list("192.0.2.9?source=manual", json!({"reason": "again"})).await;
    for zone in ["bl.example.org", "other.example.org"] {
        let report = json!({"subject": "192.0.2.9", "category": "spam", "zone": zone});
        let made = fixture.post("/v1/reports", report).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let allowed = "/v1/allowlist/192.0.2.8_31?zone=bl.example.org";
    fixture.put(allowed, json!({"reason": "a customer"})).await.ok();
    fixture
}

#[tokio::test]
async fn a_subject_is_told_with_listings_allow_entries_reports_and_changes() {
    let fixture = world().await;
    let told = fixture.get("/v1/subjects/192.0.2.9").await;
    let told = told.ok();
    assert_eq!(told["subject"], "192.0.2.9");
    assert_eq!(each(&told["zones"], "zone"), ["bl.example.org", "other.example.org"]);
    let [bl, other] = [0, 1].map(|at| &told["zones"][at]);
    assert_eq!((&bl["listed"], &other["listed"]), (&json!(false), &json!(true)), "it is allowed");
    assert_eq!(each(&bl["listings"], "source"), ["manual"]);
    assert_eq!(each(&other["covering"], "subject"), ["192.0.2.0/24"]);
    assert_eq!(each(&told["allow_entries"], "subject"), ["192.0.2.8/31"]);
    assert_eq!(each(&told["reports"], "zone"), ["other.example.org", "bl.example.org"]);
    assert!(told["relay_tests"].is_null(), "this server has no tester");
    let ops = ["allow-put", "put", "delete", "put", "put", "put"];
    assert_eq!(each(&told["changes"], "op"), ops);
    assert_eq!(told["changes"][2]["previous"]["reason"], "second");
    assert_eq!(told["changes"][0]["allow_entry"]["reason"], "a customer");
    assert_eq!((&told["next"], &told["withheld"]), (&Value::Null, &json!([])));

    let (mut seqs, mut before) = (Vec::new(), String::new());
    loop {
        let page = fixture.get(&format!("/v1/subjects/192.0.2.9?limit=2{before}")).await;
        seqs.extend(each(&page.ok()["changes"], "seq").into_iter().cloned());
        let Some(next) = page.json["next"].as_u64() else { break };
        before = format!("&before={next}");
    }
    assert_eq!(seqs, each(&told["changes"], "seq").into_iter().cloned().collect::<Vec<_>>());

    let prefix = fixture.get("/v1/subjects/192.0.2.0_24").await;
    assert!(prefix.ok()["zones"][1]["listed"].is_null(), "nobody can ask for a prefix");
    assert_eq!(each(&prefix.json["zones"][1]["listings"], "source"), ["admin"]);
    let name = fixture.get("/v1/subjects/mail.example.com").await;
    assert_eq!(name.ok()["zones"], json!([]), "no zone lists names");
    fixture.get("/v1/subjects/192.0.2.9%20x").await.problem(400);
    fixture.get("/v1/subjects/192.0.2.9?limit=0").await.problem(400);
}

#[tokio::test]
async fn what_a_token_may_not_see_is_named_and_not_shown() {
    let fixture = world().await;
    let parts = [
        ("allow_entries", "allowlist:read"),
        ("changes", "changes:read"),
        ("reports", "reports:read"),
    ];
    for (part, scope) in parts {
        let scopes: Vec<&str> = SCOPES.iter().copied().filter(|other| *other != scope).collect();
        let token = fixture.mint(&format!("without-{part}"), &scopes);
        let told = fixture.ask_as(&token, "GET", "/v1/subjects/192.0.2.9").send().await;
        assert!(told.ok()[part].is_null(), "{part}");
        assert_eq!(told.json["withheld"], json!([{"part": part, "needs": scope}]));
    }
    let bare = fixture.mint("bare", &["listings:read"]);
    let told = fixture.ask_as(&bare, "GET", "/v1/subjects/192.0.2.9").send().await;
    let withheld = ["allow_zones", "allow_entries", "changes", "reports"];
    assert_eq!(each(&told.ok()["withheld"], "part"), withheld);
    for secret in ["a customer", "first", "reporter"] {
        assert!(!told.text.contains(secret), "{secret}: {}", told.text);
    }

    let terms = json!({"name": "mine", "role": "operator", "zones": ["bl.example.org"]});
    let mine = fixture.post("/v1/tokens", terms).await;
    let mine = mine.ok()["token"].as_str().unwrap().to_owned();
    let told = fixture.ask_as(&mine, "GET", "/v1/subjects/192.0.2.9").send().await;
    assert_eq!(each(&told.ok()["zones"], "zone"), ["bl.example.org"]);
    assert!(!told.text.contains("other.example.org"), "{}", told.text);
    assert_eq!(told.json["reports"].as_array().unwrap().len(), 1);
}
