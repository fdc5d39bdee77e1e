//! `/v1/tokens`. Sources are isolated: a token speaks for its own name and the sources in it, and what it makes and
//! revokes is a part of what it has.

use dnsbl_types::UnixTime;
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, ZONE};

fn at(subject: &str, query: &str) -> String {
    format!("{ZONE}/listings/{subject}{query}")
}

/// Makes a token over the API.
async fn make(fixture: &Fixture, by: &str, body: Value) -> Answer {
    fixture.ask_as(by, "POST", "/v1/tokens").json(&body).send().await
}

#[track_caller]
fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json["token"].as_str().unwrap().to_owned()
}

#[track_caller]
fn id(answer: &Answer) -> String {
    answer.json["id"].as_str().unwrap().to_owned()
}

/// Red team M5, newcomer A4: `?source=` named anybody's listings.
#[tokio::test]
async fn a_token_does_not_touch_what_other_sources_say() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.1", json!({"note": "of admin"})).await;
    let feed = fixture.mint("feed", &["listings:write", "imports:write"]);
    let ask = |method, path: String| fixture.ask_as(&feed, method, &path).send();
    for source in ["admin", "other", "relay-test", "Feed"] {
        let query = format!("?source={source}");
        for method in ["PUT", "DELETE"] {
            let refused = ask(method, at("192.0.2.1", &query)).await;
            let problem = refused.problem(403);
            assert_eq!(problem["source"], source, "{method} {source}");
        }
        for mode in ["upsert", "replace-source&max_removed=1"] {
            let path = format!("{ZONE}/import?format=plain&source={source}&mode={mode}");
            let refused = fixture.ask_as(&feed, "POST", &path).body("192.0.2.2\n").send().await;
            refused.problem(403);
        }
    }
    let refused = ask("DELETE", at("192.0.2.1", "?source=admin")).await;
    let detail = refused.problem(403)["detail"].as_str().unwrap().to_owned();
    for needed in ["sources:all", "made for the source admin", "speaks for feed"] {
        assert!(detail.contains(needed), "{detail}");
    }
    assert_eq!(refused.json["scope"], "sources:all");
    let kept = fixture.get(&at("192.0.2.1", "")).await;
    assert_eq!(kept.ok()["listings"].as_array().unwrap().len(), 1);
    ask("PUT", at("192.0.2.1", "?source=feed")).await.ok();
    ask("DELETE", at("192.0.2.1", "")).await.ok();
}

#[tokio::test]
async fn a_token_writes_as_the_sources_in_it() {
    let fixture = Fixture::new().await;
    let body = json!({"name": "feeds", "scopes": ["listings:write", "imports:write"],
        "sources": ["ipsum", "drop", "ipsum"]});
    let made = make(&fixture, &fixture.admin(), body).await;
    assert_eq!(made.json["sources"], json!(["drop", "ipsum"]));
    let feeds = text(&made);
    for source in ["feeds", "ipsum", "drop"] {
        let path = at("192.0.2.1", &format!("?source={source}"));
        assert_eq!(fixture.ask_as(&feeds, "PUT", &path).send().await.status, 201, "{source}");
        let import =
            format!("{ZONE}/import?format=plain&source={source}&mode=replace-source&max_removed=1");
        let import = fixture.ask_as(&feeds, "POST", &import).body("192.0.2.7\n").send().await;
        assert_eq!(import.ok()["removed"], 1, "{source}");
        let path = at("192.0.2.7", &format!("?source={source}"));
        assert_eq!(fixture.ask_as(&feeds, "DELETE", &path).send().await.status, 204, "{source}");
    }
    let path = at("192.0.2.1", "?source=other");
    fixture.ask_as(&feeds, "PUT", &path).send().await.problem(403);
    for sources in [json!(["relay-test"]), json!(["*"]), json!(["a b"])] {
        let body = json!({"name": "new", "scopes": ["listings:write"], "sources": sources});
        make(&fixture, &fixture.admin(), body).await.problem(422);
    }
}

/// Red team M5: open relays were delisted, and innocents listed, in the tester's name.
#[tokio::test]
async fn nobody_lists_as_the_relay_tester_and_an_operator_still_delists() {
    let fixture = Fixture::new().await;
    for source in ["relay-test", "Relay-Test"] {
        fixture.put(&at("192.0.2.1", &format!("?source={source}")), json!({})).await.problem(403);
        let import = format!("format=plain&source={source}");
        fixture.import(&import, "192.0.2.1\n").await.problem(403);
    }
    // What the tester has listed.
    let put = dnsbl_store::Operation::PutListing {
        zone: "bl.example.org".parse().unwrap(),
        subject: "192.0.2.1".parse().unwrap(),
        source: "relay-test".parse().unwrap(),
        body: Box::default(),
        precondition: dnsbl_store::Precondition::None,
    };
    let actor = dnsbl_store::Actor::part("relay-test");
    fixture.store.commit(dnsbl_store::Change::new(actor, put), UnixTime::now()).unwrap();
    let missing = fixture.delete(&at("192.0.2.1", "")).await;
    assert_eq!(missing.problem(404)["listed_by"], json!(["relay-test"]));
    assert_eq!(fixture.delete(&at("192.0.2.1", "?source=*")).await.status, 204);
}

/// Red team L7: names repeated, and could be `relay-test`.
#[tokio::test]
async fn a_name_is_that_of_one_live_token_and_of_no_part_of_the_server() {
    let fixture = Fixture::new().await;
    let new = |name: &str| json!({"name": name, "scopes": ["zones:read"]});
    let admin = fixture.admin();
    for name in ["relay-test", "RELAY-TEST", "dnsbl-server", "anonymous"] {
        make(&fixture, &admin, new(name)).await.problem(422);
    }
    for name in ["admin", "Admin"] {
        let taken = make(&fixture, &admin, new(name)).await;
        assert!(taken.problem(409)["detail"].as_str().unwrap().contains("admin"));
    }
    let first = make(&fixture, &admin, new("monitor")).await;
    text(&first);
    make(&fixture, &admin, new("monitor")).await.problem(409);
    let gone = fixture.delete(&format!("/v1/tokens/{}", id(&first))).await;
    assert_eq!(gone.status, 204);
    text(&make(&fixture, &admin, new("monitor")).await);
}

#[tokio::test]
async fn of_two_that_ask_for_a_name_at_once_one_gets_it() {
    let fixture = Fixture::new().await;
    let ask = || {
        let body = json!({"name": "one", "scopes": ["zones:read"]});
        make(&fixture, &fixture.admin, body)
    };
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    let mut statuses = [a, b, c, d].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}

/// Red team L6: a token for an hour minted one that never expires.
#[tokio::test]
async fn a_child_ends_with_its_parent_at_the_latest() {
    let fixture = Fixture::new().await;
    let body =
        json!({"name": "hour", "scopes": ["tokens:admin", "zones:read"], "expires_in": 3600});
    let parent = make(&fixture, &fixture.admin(), body).await;
    let (parent, until, by) =
        (text(&parent), parent.json["expires_at"].clone(), parent.json["id"].clone());
    let child = |name: &str, rest: Value| {
        let mut body = json!({"name": name, "scopes": ["zones:read"]});
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        make(&fixture, &parent, body)
    };
    let open = child("open", json!({})).await;
    text(&open);
    assert_eq!((&open.json["expires_at"], &open.json["parent"]), (&until, &by));
    let later = child("later", json!({"expires_in": 7200})).await;
    assert_eq!(later.problem(422)["expires_at"], until);
    text(&child("sooner", json!({"expires_in": 60})).await);
}

/// Red team L6: revoking the parent left the children.
#[tokio::test]
async fn children_and_their_children_go_with_the_parent() {
    let fixture = Fixture::new().await;
    let body = |name: &str| json!({"name": name, "scopes": ["tokens:admin", "zones:read"]});
    let parent = make(&fixture, &fixture.admin(), body("parent")).await;
    let child = make(&fixture, &text(&parent), body("child")).await;
    let grandchild = make(&fixture, &text(&child), body("grandchild")).await;
    let other = make(&fixture, &fixture.admin(), body("other")).await;
    let zones = async |token: String| {
        fixture.ask_as(&token, "GET", "/v1/zones").send().await.status.as_u16()
    };
    assert_eq!(zones(text(&grandchild)).await, 200);
    let gone = fixture.delete(&format!("/v1/tokens/{}", id(&parent))).await;
    assert_eq!((gone.status.as_u16(), gone.header("dnsbl-revoked")), (204, "3"));
    for token in [&parent, &child, &grandchild] {
        assert_eq!(zones(text(token)).await, 401, "{}", token.json["name"]);
    }
    assert_eq!(zones(text(&other)).await, 200);
    let audit = fixture.get("/v1/audit?action=token-delete").await;
    let names: Vec<&Value> =
        audit.json["records"].as_array().unwrap().iter().map(|record| &record["subject"]).collect();
    assert_eq!(names, ["grandchild", "child", "parent"]);
}

/// Red team L6: a small token revoked greater ones.
#[tokio::test]
async fn only_tokens_with_no_more_scopes_and_sources_are_revoked_or_made() {
    let fixture = Fixture::new().await;
    let body = json!({"name": "clerk", "scopes": ["tokens:admin", "listings:write"],
        "sources": ["ipsum"]});
    let clerk = text(&make(&fixture, &fixture.admin(), body).await);
    let admin = fixture.admin();
    let listed = fixture.get("/v1/tokens").await;
    let tokens = listed.ok()["tokens"].as_array().unwrap().clone();
    let id_of = |name: &str| {
        let token = tokens.iter().find(|token| token["name"] == name).unwrap();
        token["id"].as_str().unwrap().to_owned()
    };
    let revoke = |id: String| fixture.ask_as(&clerk, "DELETE", &format!("/v1/tokens/{id}")).send();
    revoke(id_of("admin")).await.problem(403);
    let writer = |name: &str, sources: Value| json!({"name": name, "scopes": ["listings:write"], "sources": sources});
    let feed = make(&fixture, &admin, writer("feed", json!([]))).await;
    let refused = revoke(id(&feed)).await;
    assert_eq!(
        refused.problem(403)["source"],
        "feed",
        "it speaks for a source that the clerk does not"
    );
    for (name, sources) in [("feed2", json!([])), ("ipsum", json!(["drop"]))] {
        make(&fixture, &clerk, writer(name, sources)).await.problem(403);
    }
    let own = make(&fixture, &clerk, writer("ipsum", json!([]))).await;
    text(&own);
    assert_eq!(revoke(id(&own)).await.status, 204);
    assert_eq!(revoke(id_of("clerk")).await.status, 204, "its own");
}

/// Newcomer A4: the last token that makes tokens went without a word.
#[tokio::test]
async fn the_last_token_that_makes_tokens_goes_only_if_that_is_meant() {
    let fixture = Fixture::new().await;
    let tokens = fixture.get("/v1/tokens").await;
    let path = format!("/v1/tokens/{}", tokens.json["tokens"][0]["id"].as_str().unwrap());
    // It would go with its parent.
    let body = json!({"name": "second", "scopes": ["tokens:admin", "zones:read"]});
    text(&make(&fixture, &fixture.admin(), body).await);
    let refused = fixture.delete(&path).await;
    let detail = refused.problem(409)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("force=1") && detail.contains("dnsbl-server token create"), "{detail}");
    fixture.get("/v1/zones").await.ok();
    assert_eq!(fixture.delete(&format!("{path}?force=1")).await.status, 204);
    fixture.get("/v1/zones").await.problem(401);
}

/// Red team L7: audit could not tell tokens apart.
#[tokio::test]
async fn audit_and_feed_name_a_token_by_its_id_too() {
    let fixture = Fixture::new().await;
    let made = make(
        &fixture,
        &fixture.admin(),
        json!({"name": "feed", "scopes": ["listings:write"], "sources": ["drop"]}),
    )
    .await;
    fixture.ask_as(&text(&made), "PUT", &at("192.0.2.1", "")).send().await.ok();
    let audit = fixture.get("/v1/audit").await;
    let record = &audit.ok()["records"][0];
    assert_eq!((&record["actor"], &record["token_id"]), (&json!("feed"), &made.json["id"]));
    let feed = fixture.get("/v1/changes?after=0").await;
    let lines: Vec<Value> =
        feed.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let put = lines.iter().find(|line| line["op"] == "put").unwrap();
    assert_eq!((&put["actor"], &put["token_id"]), (&json!("feed"), &made.json["id"]));
    let token = lines.iter().rfind(|line| line["op"] == "token-put").unwrap();
    assert_eq!(token["token"]["sources"], json!(["drop"]));
    assert_eq!(token["token"]["parent"], token["token_id"]);
}

/// Since children go with their parent, changing its secret must not be revoking it.
#[tokio::test]
async fn a_rotated_token_has_a_new_secret_and_keeps_its_children() {
    let fixture = Fixture::new().await;
    let body = json!({"name": "ops", "scopes": ["tokens:admin", "zones:read"]});
    let ops = make(&fixture, &fixture.admin(), body).await;
    let body = json!({"name": "child", "scopes": ["zones:read"]});
    let child = text(&make(&fixture, &text(&ops), body).await);
    let path = format!("/v1/tokens/{}/rotate", id(&ops));
    let rotated = fixture.ask_as(&text(&ops), "POST", &path).send().await;
    assert_eq!(
        (rotated.ok()["id"].clone(), rotated.json["name"].clone()),
        (json!(id(&ops)), json!("ops"))
    );
    let new = rotated.json["token"].as_str().unwrap();
    for (token, status) in [(text(&ops), 401), (new.to_owned(), 200), (child, 200)] {
        assert_eq!(fixture.ask_as(&token, "GET", "/v1/zones").send().await.status, status);
    }
    let clerk = fixture.mint("clerk", &["tokens:admin"]);
    fixture.ask_as(&clerk, "POST", &path).send().await.problem(403);
}
