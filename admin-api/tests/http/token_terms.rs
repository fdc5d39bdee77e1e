//! What limits a token beside its scopes, how it is changed and rotated, and what is said of one that is no good.

use dnsbl_store::{Actor, Change, MintedToken, Operation};
use dnsbl_types::UnixTime;
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, ZONE};

async fn make(fixture: &Fixture, body: Value) -> Answer {
    let made = fixture.post("/v1/tokens", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made
}

fn member(answer: &Answer, name: &str) -> String {
    answer.ok()[name].as_str().unwrap().to_owned()
}

async fn zones(fixture: &Fixture, token: &str) -> Answer {
    fixture.ask_as(token, "GET", "/v1/zones").send().await
}

#[track_caller]
fn is_refused(answer: &Answer, status: u16, word: &str) {
    assert_eq!(answer.problem(status)["type"], format!("/problems/{word}"));
}

/// The text with its last digit changed.
fn mistyped(token: &str) -> String {
    let (most, last) = token.split_at(token.len() - 1);
    format!("{most}{}", if last == "0" { '1' } else { '0' })
}

#[tokio::test]
async fn a_slip_of_the_finger_is_told_from_a_revoked_token_and_both_from_an_expired_one() {
    let fixture = Fixture::new().await;
    let made = make(&fixture, json!({"name": "feed", "scopes": ["zones:read"]})).await;
    let token = member(&made, "token");
    zones(&fixture, &token).await.ok();
    is_refused(&zones(&fixture, &mistyped(&token)).await, 401, "mistyped-token");
    is_refused(&zones(&fixture, &token[..50]).await, 401, "mistyped-token");
    is_refused(&zones(&fixture, "something-else").await, 401, "mistyped-token");
    fixture.delete(&format!("/v1/tokens/{}", member(&made, "id"))).await;
    let revoked = zones(&fixture, &token).await;
    is_refused(&revoked, 401, "revoked-token");
    assert!(revoked.header("www-authenticate").contains("invalid_token"));
    // The API makes none that has expired.
    let random = [99; MintedToken::RANDOM];
    let end = UnixTime::now();
    let minted = MintedToken::mint(random, "old".into(), vec![], UnixTime(1), Some(end));
    let put = Operation::PutToken(minted.record);
    fixture.store.commit(Change::new(Actor::server(), put), UnixTime(2)).unwrap();
    is_refused(&zones(&fixture, minted.text.reveal()).await, 401, "expired-token");
}

#[tokio::test]
async fn a_text_without_a_checksum_goes_on_and_a_new_one_that_lost_it_does_not() {
    let fixture = Fixture::new().await;
    let token = fixture.admin();
    is_refused(&zones(&fixture, &token[..token.len() - 8]).await, 401, "revoked-token");
}

#[tokio::test]
async fn a_rotated_token_has_both_secrets_until_the_overlap_ends_and_no_more_than_four() {
    let fixture = Fixture::new().await;
    let made = make(&fixture, json!({"name": "feed", "scopes": ["zones:read"]})).await;
    let path = format!("/v1/tokens/{}/rotate", member(&made, "id"));
    let rotate = |body: Value| fixture.post(&path, body);
    let first = member(&made, "token");
    let rotated = rotate(json!({"overlap": 3600})).await;
    let second = member(&rotated, "token");
    let secrets = rotated.ok()["secrets"].as_array().unwrap().clone();
    assert_eq!((secrets.len(), &secrets[0]["until"]), (2, &Value::Null));
    assert!(secrets[1]["until"].is_string());
    for token in [&first, &second] {
        zones(&fixture, token).await.ok();
    }
    rotate(json!({"overlap": 3600})).await.ok();
    rotate(json!({"overlap": 3600})).await.ok();
    is_refused(&rotate(json!({"overlap": 3600})).await, 409, "too-many-secrets");
    is_refused(&rotate(json!({"overlap": 2_592_001})).await, 422, "refused");
    let last = member(&rotate(json!({})).await, "token");
    for token in [&first, &second] {
        is_refused(&zones(&fixture, token).await, 401, "revoked-token");
    }
    zones(&fixture, &last).await.ok();
    let audit = fixture.get("/v1/audit?action=token-rotate").await;
    assert_eq!(audit.ok()["records"].as_array().unwrap().len(), 4);
    let changes = fixture.get("/v1/changes?after=0").await;
    let rotated = changes.text.lines().filter(|line| line.contains("token-rotate"));
    let until: Vec<bool> = rotated.map(|line| line.contains("overlap_until")).collect();
    assert_eq!(until, [true, true, true, false]);
}

#[tokio::test]
async fn so_many_requests_a_minute_and_then_a_time_to_come_again() {
    let fixture = Fixture::new().await;
    let body =
        json!({"name": "few", "scopes": ["zones:read", "tokens:admin"], "requests_per_minute": 3});
    let made = make(&fixture, body).await;
    let token = member(&made, "token");
    for _ in 0..2 {
        zones(&fixture, &token).await.ok();
    }
    // What a token makes shares its requests, and has no more itself.
    let more = json!({"name": "more", "scopes": ["zones:read"], "requests_per_minute": 4});
    fixture.ask_as(&token, "POST", "/v1/tokens").json(&more).send().await.problem(403);
    let refused = zones(&fixture, &token).await;
    is_refused(&refused, 429, "too-many-requests");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    zones(&fixture, &fixture.admin()).await.ok();
    // Another secret gives no fresh minute.
    let path = format!("/v1/tokens/{}/rotate", member(&made, "id"));
    let rotated = member(&fixture.post(&path, json!({})).await, "token");
    is_refused(&zones(&fixture, &rotated).await, 429, "too-many-requests");
}

#[tokio::test]
async fn what_is_made_with_a_token_takes_from_its_requests() {
    let fixture = Fixture::new().await;
    let body =
        json!({"name": "few", "scopes": ["zones:read", "tokens:admin"], "requests_per_minute": 3});
    let token = member(&make(&fixture, body).await, "token");
    let child = json!({"name": "child", "scopes": ["zones:read"]});
    let child = fixture.ask_as(&token, "POST", "/v1/tokens").json(&child).send().await;
    assert_eq!(child.ok()["requests_per_minute"], 3);
    let child = member(&child, "token");
    for _ in 0..2 {
        zones(&fixture, &child).await.ok();
    }
    is_refused(&zones(&fixture, &token).await, 429, "too-many-requests");
}

/// Guesses until no more are taken; how many were.
async fn exhaust(fixture: &Fixture) -> usize {
    for n in 0..1000 {
        let guess = format!("dnsbl_{n:016x}_{}", "7".repeat(64));
        match zones(fixture, &guess).await.status.as_u16() {
            401 => {}
            status => {
                assert_eq!(status, 429);
                return n;
            }
        }
    }
    panic!("guesses are taken without end");
}

/// The fixture's requests come over no network, which is one place too.
#[tokio::test]
async fn failed_tries_are_limited_and_those_whose_token_is_known_are_not_shut_out() {
    let fixture = Fixture::new().await;
    let known = fixture.mint("known", &["zones:read"]);
    zones(&fixture, &known).await.ok();
    assert!(exhaust(&fixture).await >= 10);
    let refused = zones(&fixture, "dnsbl_other").await;
    is_refused(&refused, 429, "too-many-tries");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait}");
    zones(&fixture, &known).await.ok();
    // Also when tokens have changed, so that it is looked up again.
    let fresh = fixture.mint("fresh", &["zones:read"]);
    fixture.post("/v1/tokens", json!({"name": "x", "scopes": ["zones:read"]})).await.ok();
    zones(&fixture, &known).await.ok();
    exhaust(&fixture).await;
    is_refused(&zones(&fixture, &fresh).await, 429, "too-many-tries");
}

#[tokio::test]
async fn one_bad_token_again_and_again_shuts_out_no_other() {
    let fixture = Fixture::new().await;
    let bad = format!("dnsbl_{}_{}", "0".repeat(16), "7".repeat(64));
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(zones(&fixture, &bad).await.status.as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    let fresh = fixture.mint("fresh", &["zones:read"]);
    zones(&fixture, &fresh).await.ok();
}

#[tokio::test]
async fn a_token_in_a_url_is_refused_in_words_and_does_nothing() {
    let fixture = Fixture::new().await;
    let token = fixture.admin();
    for path in [
        format!("/v1/zones?token={token}"),
        format!("/v1/zones?access_token={token}"),
        format!("/v1/zones?api_key={token}"),
        format!("/v1/zones?Api-Key={token}"),
        format!("/v1/zones?limit={token}"),
        format!("/v1/zones/{token}"),
        format!("/nothing/{token}"),
        format!("http://user:{token}@bl.example.org/v1/zones"),
    ] {
        for ask in [fixture.ask("GET", &path), fixture.ask("GET", &path).without_token()] {
            let refused = ask.send().await;
            is_refused(&refused, 400, "token-in-url");
            let detail = refused.json["detail"].as_str().unwrap();
            assert!(
                detail.contains("Authorization: Bearer") && detail.contains("revoke"),
                "{detail}"
            );
            assert!(!refused.text.contains(&token), "{}", refused.text);
        }
    }
    let basic = fixture.ask("GET", "/v1/zones").without_token();
    let basic = basic.header("authorization", "Basic dTpw").send().await;
    let detail = basic.problem(401)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("user and password of a URL"), "{detail}");
}

#[tokio::test]
async fn terms_are_shown_and_changed_and_a_change_holds_at_once() {
    let fixture = Fixture::new().await;
    let body = json!({"name": "feed", "role": "reader", "zones": ["bl.example.org"],
        "max_prefix": {"ipv4": 24, "ipv6": 48}, "networks": ["127.0.0.0/8", "192.0.2.7"],
        "requests_per_minute": 600, "expires_in": 3600});
    let made = make(&fixture, body).await;
    assert_eq!(made.json["networks"], json!(["127.0.0.0/8", "192.0.2.7/32"]));
    assert_eq!(
        (&made.json["role"], &made.json["requests_per_minute"]),
        (&json!("reader"), &json!(600))
    );
    assert_eq!(made.header("location"), format!("/v1/tokens/{}", member(&made, "id")));
    let (path, token) = (made.header("location").to_owned(), member(&made, "token"));
    zones(&fixture, &token).await.ok();
    let shown = fixture.get(&path).await;
    assert!(shown.ok()["last_used_at"].is_string() && shown.json.get("token").is_none());
    let etag = shown.header("etag").to_owned();
    assert_eq!(etag, made.header("etag"));
    let put = |tag: &str, body: Value| {
        fixture.ask("PUT", &path).header("if-match", tag).json(&body).send()
    };
    let changed = put(&etag, json!({"scopes": ["metrics:read"]})).await;
    let all = json!([]);
    assert_eq!((&changed.ok()["zones"], &changed.json["max_prefix"]), (&all, &Value::Null));
    assert_eq!(changed.json["expires_at"], Value::Null, "what is left out has its default");
    put(&etag, json!({"role": "reader"})).await.problem(412);
    zones(&fixture, &token).await.problem(403);
    let same = put(changed.header("etag"), json!({"scopes": ["metrics:read"]})).await;
    assert_eq!(same.header("etag"), changed.header("etag"), "nothing has changed");
    for wrong in [json!({}), json!({"role": "reader", "name": "other"}), json!({"role": "king"})] {
        assert!(put("*", wrong).await.status.is_client_error());
    }
    fixture.put("/v1/tokens/0123456789abcdef", json!({"role": "reader"})).await.problem(404);
}

#[tokio::test]
async fn of_many_who_change_a_token_at_once_none_is_overtaken() {
    let fixture = Fixture::new().await;
    let made = make(&fixture, json!({"name": "feed", "role": "reader"})).await;
    let path = made.header("location").to_owned();
    let etag = made.header("etag").to_owned();
    let put = |most: u32| {
        let ask = fixture.ask("PUT", &path).header("if-match", etag.clone());
        ask.json(&json!({"role": "reader", "requests_per_minute": most})).send()
    };
    let (a, b, c, d) = tokio::join!(put(1), put(2), put(3), put(4));
    let mut statuses = [a, b, c, d].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);
    // Without a condition all are made, and a new secret is not lost to a change of terms.
    let rotate = format!("{path}/rotate");
    let (rotated, put) = tokio::join!(
        fixture.post(&rotate, json!({})),
        fixture.put(&path, json!({"scopes": ["zones:read"]}))
    );
    put.ok();
    zones(&fixture, &member(&rotated, "token")).await.ok();
}

#[tokio::test]
async fn what_is_taken_from_a_token_is_taken_from_those_that_it_made() {
    let fixture = Fixture::new().await;
    let ops = json!({"name": "ops", "scopes": ["tokens:admin", "zones:read", "listings:read"]});
    let ops = make(&fixture, ops).await;
    let child = json!({"name": "child", "scopes": ["zones:read", "listings:read"]});
    let child =
        fixture.ask_as(&member(&ops, "token"), "POST", "/v1/tokens").json(&child).send().await;
    let (child_path, child) = (child.header("location").to_owned(), member(&child, "token"));
    let search = async || {
        fixture.ask_as(&child, "GET", &format!("{ZONE}/listings")).send().await.status.as_u16()
    };
    assert_eq!(search().await, 200);
    let path = ops.header("location");
    fixture.put(path, json!({"scopes": ["tokens:admin", "zones:read"]})).await.ok();
    assert_eq!(search().await, 403);
    zones(&fixture, &child).await.ok();
    let beyond = fixture.put(&child_path, json!({"scopes": ["audit:read"]})).await;
    assert!(beyond.problem(403)["detail"].as_str().unwrap().contains("made with another one"));
    let in_time = json!({"scopes": ["tokens:admin", "zones:read"], "zones": ["other.example.org"]});
    fixture.put(path, in_time).await.ok();
    let seen = zones(&fixture, &child).await;
    assert_eq!(seen.ok()["zones"], json!([]));
}

#[tokio::test]
async fn nobody_is_locked_out_by_a_change_unless_it_is_meant() {
    let fixture = Fixture::new().await;
    let tokens = fixture.get("/v1/tokens").await;
    let path = format!("/v1/tokens/{}", tokens.json["tokens"][0]["id"].as_str().unwrap());
    let reader = json!({"role": "reader"});
    is_refused(&fixture.put(&path, reader.clone()).await, 409, "last-token");
    fixture.put(&format!("{path}?force=1"), reader).await.ok();
    fixture.get("/v1/tokens").await.problem(403);
}

#[tokio::test]
async fn a_token_can_take_from_itself_and_give_itself_nothing() {
    let fixture = Fixture::new().await;
    let ops = json!({"name": "ops", "scopes": ["tokens:admin", "zones:read"], "requests_per_minute": 600});
    let ops = make(&fixture, ops).await;
    let (path, token) = (ops.header("location").to_owned(), member(&ops, "token"));
    let put = |body: Value| fixture.ask_as(&token, "PUT", &path).json(&body).send();
    put(json!({"scopes": ["tokens:admin", "audit:read"]})).await.problem(403);
    put(json!({"scopes": ["tokens:admin"], "requests_per_minute": 601})).await.problem(403);
    put(json!({"scopes": ["tokens:admin"], "sources": ["drop"]})).await.problem(403);
    put(json!({"scopes": ["tokens:admin"], "networks": ["127.0.0.1"]})).await.ok();
    zones(&fixture, &token).await.problem(403);
}
