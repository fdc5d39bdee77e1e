//! `/v1/changes`: the change feed.

use std::time::Duration;

use admin_api::Limits;
use dnsbl_store::{Actor, Change, Document, Operation, Precondition};
use dnsbl_types::UnixTime;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::fixture::{Answer, Fixture, ZONE};

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_feed_tells_every_change_and_where_it_ends() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.1", json!({"note": "x"})).await;
    fixture.import("format=plain&source=feed", "192.0.2.2\n").await.ok();
    fixture.delete(&format!("{ZONE}/listings/192.0.2.1")).await;
    fixture.delete(ZONE).await;
    let all = lines(&fixture.get("/v1/changes").await);
    let ops: Vec<&str> = all.iter().map(|line| line["op"].as_str().unwrap_or("end")).collect();
    assert_eq!(ops, ["token-put", "zone-put", "put", "import", "delete", "zone-delete", "end"]);
    assert_eq!(all[1]["zone_settings"]["kind"], "ip");
    assert_eq!(all[2]["listing"]["note"], "x");
    assert_eq!(
        (&all[3]["import"]["added"], &all[3]["import"]["mode"]),
        (&json!(1), &json!("upsert"))
    );
    assert_eq!((&all[4]["listing"], &all[4]["subject"]), (&Value::Null, &json!("192.0.2.1")));
    assert_eq!(all[6], json!({"end": true, "next": 6}));
    for line in &all[..6] {
        assert!(line["epoch"].is_u64() && line["at"].is_string());
    }
    let rest = lines(&fixture.get("/v1/changes?after=5").await);
    assert_eq!(rest.len(), 2);
    assert_eq!(lines(&fixture.get("/v1/changes?after=6").await), [json!({"end": true, "next": 6})]);
    fixture.get("/v1/changes?after=7").await.problem(400);
    fixture.get("/v1/changes?wait=61").await.problem(400);
}

#[tokio::test]
async fn changes_of_tokens_are_hidden_from_those_who_do_not_manage_them() {
    let fixture = Fixture::new().await;
    let reader = fixture.mint("reader", &["changes:read"]);
    let all = lines(&fixture.ask_as(&reader, "GET", "/v1/changes").send().await);
    assert_eq!(all[0], json!({"seq": 1, "op": "hidden"}));
    assert_eq!(all[1]["op"], "zone-put");
    assert_eq!(all[2], json!({"seq": 3, "op": "hidden"}));
    assert_eq!(all[3], json!({"end": true, "next": 3}));
}

#[tokio::test]
async fn changes_of_documents_are_shown_without_their_body_to_those_who_may_see_them() {
    let fixture = Fixture::new().await;
    let reader = fixture.mint("reader", &["changes:read"]);
    let tester = fixture.mint("tester", &["changes:read", "relay-tests:read"]);
    let (kind, id) = ("relay-test".parse().unwrap(), "2026-1".parse().unwrap());
    let document = Document::new(kind, id, vec![], None, b"unread".to_vec()).unwrap();
    let (kind, id) = (document.kind().clone(), document.id().clone());
    let document = Box::new(document);
    let together = |operations| {
        let change = Change { actor: Actor::server(), operations };
        fixture.store.commit(change, UnixTime::now()).unwrap()
    };
    let listing = Operation::PutListing {
        zone: "bl.example.org".parse().unwrap(),
        subject: "192.0.2.1".parse().unwrap(),
        source: "relay-test".parse().unwrap(),
        body: Box::default(),
        precondition: Precondition::None,
    };
    let both = together(vec![
        Operation::PutDocument { document, precondition: Precondition::Absent },
        listing,
    ])
    .seq;
    together(vec![Operation::DeleteDocument { kind, id, precondition: Precondition::None }]);

    let path = format!("/v1/changes?after={}", both - 1);
    let seen = fixture.ask_as(&tester, "GET", &path).send().await;
    assert!(!seen.text.contains("unread"));
    let seen = lines(&seen);
    let at = &seen[0]["at"];
    assert_eq!(
        seen[0],
        json!({"seq": both, "epoch": 1, "at": at, "op": "relay-test-put", "id": "2026-1"})
    );
    assert_eq!((&seen[1]["seq"], &seen[1]["op"]), (&json!(both), &json!("put")));
    assert_eq!(seen[2]["op"], "relay-test-delete");

    let seen = lines(&fixture.ask_as(&reader, "GET", &path).send().await);
    assert_eq!((&seen[0]["op"], &seen[0]["subject"]), (&json!("put"), &json!("192.0.2.1")));
    assert_eq!(seen[1], json!({"seq": both + 1, "op": "hidden"}));
    assert_eq!(seen[2], json!({"end": true, "next": both + 1}));
}

#[tokio::test]
async fn a_waiting_client_hears_of_a_change_at_once() {
    let fixture = Fixture::with(&Limits { max_waits: 1, ..Limits::default() }, true);
    fixture.put_zone(ZONE, "ip").await;
    let heard = async {
        tokio::join!(fixture.get("/v1/changes?after=2&wait=60"), async {
            // While it waits nobody else may.
            while fixture.get("/v1/changes?after=1&wait=60").await.status != 429 {}
            fixture.list("192.0.2.1", json!({})).await
        })
    };
    let (feed, _) = timeout(Duration::from_secs(30), heard).await.expect("no wait to its end");
    assert_eq!(lines(&feed)[0]["subject"], "192.0.2.1");
    let feed = fixture.get("/v1/changes?after=3&wait=1").await;
    assert_eq!(lines(&feed), [json!({"end": true, "next": 3})]);
}

#[tokio::test]
async fn a_feed_of_several_batches_is_dense() {
    let fixture = Fixture::new().await;
    for i in 0..1100u32 {
        let subject = std::net::Ipv4Addr::from(0x0808_0000 + i);
        fixture.list(&subject.to_string(), json!({})).await;
    }
    let all = lines(&fixture.get("/v1/changes").await);
    let seqs: Vec<u64> = all.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=1102).collect::<Vec<_>>());
    assert_eq!(all.last().unwrap()["next"], 1102);
}

#[tokio::test]
async fn what_was_compacted_is_gone() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.1", json!({})).await;
    fixture.list("192.0.2.2", json!({})).await;
    let before = UnixTime::now().plus(10);
    let truncate = Operation::TruncateLog { floor: u64::MAX };
    fixture.store.commit(Change::new(Actor::server(), truncate), before).unwrap();
    let gone = fixture.get("/v1/changes?after=1").await;
    assert!(gone.problem(410)["type"].as_str().unwrap().ends_with("compacted"));
}

/// What comes of an answer that goes on, until it has so many events.
async fn events(fixture: &Fixture, path: &str, last: Option<u64>, count: usize) -> Vec<String> {
    let mut ask = fixture.ask("GET", path).header("accept", "text/event-stream");
    if let Some(last) = last {
        ask = ask.header("last-event-id", last.to_string());
    }
    let answer = ask.open().await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut body = answer.into_body().into_data_stream();
    let mut text = String::new();
    while text.matches("event: ").count() < count {
        let piece = timeout(Duration::from_secs(60), body.next()).await.expect("an event in time");
        text.push_str(std::str::from_utf8(&piece.unwrap().unwrap()).unwrap());
    }
    text.split("\n\n").map(str::to_owned).filter(|event| event.contains("event: ")).collect()
}

#[tokio::test]
async fn events_go_on_with_each_change_and_after_a_cut_from_the_last_that_was_seen() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.1", json!({})).await;
    let seen = events(&fixture, "/v1/changes", None, 3).await;
    assert!(seen[2].starts_with("id: 3\nevent: change\ndata: {"), "{seen:?}");
    let (rest, ()) = tokio::join!(events(&fixture, "/v1/changes?after=1", Some(3), 1), async {
        fixture.list("192.0.2.2", json!({})).await;
    });
    assert!(rest[0].starts_with("id: 4\n") && rest[0].contains("192.0.2.2"), "{rest:?}");
    let malformed = fixture.ask("GET", "/v1/changes").header("accept", "text/event-stream");
    malformed.header("last-event-id", "x").send().await.problem(400);
}

/// A change of several operations is cut off between two of them.
#[tokio::test]
async fn of_the_events_of_one_change_the_last_has_its_number() {
    let fixture = Fixture::new().await;
    let put = |subject: &str| Operation::PutListing {
        zone: "bl.example.org".parse().unwrap(),
        subject: subject.parse().unwrap(),
        source: "admin".parse().unwrap(),
        body: Box::default(),
        precondition: Precondition::None,
    };
    let change =
        Change { actor: Actor::server(), operations: vec![put("192.0.2.1"), put("192.0.2.2")] };
    let seq = fixture.store.commit(change, UnixTime::now()).unwrap().seq;
    let seen = events(&fixture, "/v1/changes", Some(seq - 1), 2).await;
    assert!(!seen[0].contains("id: "), "{seen:?}");
    assert!(seen[1].starts_with(&format!("id: {seq}\n")), "{seen:?}");
}

#[tokio::test]
async fn events_end_with_their_token() {
    let fixture = Fixture::new().await;
    let reader = fixture.mint("reader", &["changes:read"]);
    let answer =
        fixture.ask_as(&reader, "GET", "/v1/changes").header("accept", "text/event-stream");
    let mut body = answer.open().await.into_body().into_data_stream();
    body.next().await.unwrap().unwrap();
    let id = reader.split('_').nth(1).unwrap();
    assert_eq!(fixture.delete(&format!("/v1/tokens/{id}")).await.status, 204);
    let rest = timeout(Duration::from_secs(60), body.map(Result::unwrap).collect::<Vec<_>>());
    rest.await.expect("they end");
}
