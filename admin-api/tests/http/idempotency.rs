//! `Idempotency-Key`: one effect and one answer, however often a request is sent.

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, ZONE, addresses};

async fn send(
    fixture: &Fixture,
    method: &str,
    path: &str,
    key: &str,
    body: Option<Value>,
) -> Answer {
    let ask = fixture.ask(method, path).header("idempotency-key", key);
    match body {
        Some(body) => ask.json(&body).send().await,
        None => ask.send().await,
    }
}

fn token(name: &str) -> Option<Value> {
    Some(json!({"name": name, "scopes": ["zones:read"]}))
}

async fn tokens(fixture: &Fixture) -> usize {
    fixture.get("/v1/tokens").await.ok()["tokens"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_request_that_is_sent_again_makes_nothing_again_and_is_answered_the_same() {
    let fixture = Fixture::new().await;
    let before = tokens(&fixture).await;
    let first = send(&fixture, "POST", "/v1/tokens", "\"k-1\"", token("a")).await;
    let again = send(&fixture, "POST", "/v1/tokens", "k-1", token("a")).await;
    assert_eq!(first.ok()["name"], "a");
    assert_eq!((again.status, &again.text), (first.status, &first.text), "the secret as well");
    for header in ["dnsbl-seq", "content-type"] {
        assert_eq!(again.header(header), first.header(header));
    }
    assert_eq!(
        (first.header("idempotency-replayed"), again.header("idempotency-replayed")),
        ("", "true")
    );
    assert_eq!(tokens(&fixture).await, before + 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_token() {
    let fixture = Fixture::new().await;
    send(&fixture, "POST", "/v1/tokens", "k", token("a")).await.ok();
    let others = [
        send(&fixture, "POST", "/v1/tokens", "k", token("b")).await,
        send(&fixture, "PUT", &format!("{ZONE}/listings/192.0.2.1"), "k", Some(json!({}))).await,
    ];
    for other in others {
        assert_eq!(other.problem(422)["type"], "/problems/idempotency-key-reused");
    }
    let other = fixture.mint("other", &["tokens:admin", "zones:read"]);
    let body = token("c").unwrap();
    let ask = fixture.ask_as(&other, "POST", "/v1/tokens").header("idempotency-key", "k");
    ask.json(&body).send().await.ok();
    for wrong in ["", "a b", "\"\""] {
        send(&fixture, "POST", "/v1/tokens", wrong, token("d")).await.problem(400);
    }
}

#[tokio::test]
async fn a_request_that_was_refused_may_be_tried_again_with_its_key() {
    let fixture = Fixture::new().await;
    let path = "/v1/zones/new.example.org/listings/192.0.2.1";
    send(&fixture, "PUT", path, "k", Some(json!({}))).await.problem(404);
    fixture.put_zone("/v1/zones/new.example.org", "ip").await;
    assert_eq!(send(&fixture, "PUT", path, "k", Some(json!({}))).await.status, 201);
    fixture.delete(path).await.ok();
    // It was carried out, and is not again.
    assert_eq!(send(&fixture, "PUT", path, "k", Some(json!({}))).await.status, 201);
    fixture.get(path).await.problem(404);
}

#[tokio::test]
async fn a_stream_is_known_by_all_of_it() {
    let fixture = Fixture::new().await;
    let path = format!("{ZONE}/import?format=plain&source=feed");
    let import = async |rows: u32| {
        let ask = fixture.ask("POST", &path).header("idempotency-key", "import-1");
        ask.body(addresses(rows)).send().await
    };
    let first = import(2000).await;
    assert_eq!(first.ok()["added"], 2000);
    let again = import(2000).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    import(2001).await.problem(422);
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let fixture = Fixture::new().await;
    let before = tokens(&fixture).await;
    let one = || send(&fixture, "POST", "/v1/tokens", "k", token("a"));
    let all = futures_util::future::join_all((0..16).map(|_| one())).await;
    let mut texts = Vec::new();
    for answer in all {
        match answer.status.as_u16() {
            201 => texts.push(answer.text),
            _ => assert_eq!(answer.problem(409)["type"], "/problems/in-progress"),
        }
    }
    texts.dedup();
    assert_eq!(texts.len(), 1);
    assert_eq!(tokens(&fixture).await, before + 1);
}

#[tokio::test]
async fn an_undo_and_a_purge_are_made_once() {
    let fixture = Fixture::new().await;
    fixture.import("format=plain&source=feed", addresses(30)).await.ok();
    let purge = Some(json!({"zones": ["bl.example.org"], "source": "feed", "expect": 30}));
    let first = send(&fixture, "POST", "/v1/purge", "p", purge.clone()).await;
    let again = send(&fixture, "POST", "/v1/purge", "p", purge).await;
    assert_eq!((first.ok(), &first.text), (&again.json, &again.text));
    let body = Some(json!({"seq": first.json["seq"]}));
    let first = send(&fixture, "POST", "/v1/undo", "u", body.clone()).await;
    let again = send(&fixture, "POST", "/v1/undo", "u", body).await;
    assert_eq!((first.ok(), &first.text), (&again.json, &again.text));
    assert_eq!(fixture.get(ZONE).await.ok()["listings"], 30);
}
