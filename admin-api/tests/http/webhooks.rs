//! `/v1/webhooks`: receivers that are told of changes.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use dnsbl_store::{Actor, Change, Operation};
use dnsbl_types::UnixTime;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

use crate::fixture::{Answer, Fixture, ZONE};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A receiver on this machine, which answers each message with a status line and fields that the test can change.
struct Receiver {
    url: String,
    answer: Arc<Mutex<&'static str>>,
    received: mpsc::Receiver<Received>,
}

/// A message as it came.
#[derive(Debug)]
struct Received {
    head: String,
    body: Value,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new("204 No Content"));
        let (tx, received) = mpsc::channel(100);
        let answers = answer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let status = *answers.lock().unwrap();
                let Some(message) = receive(stream, status).await else { continue };
                if tx.send(message).await.is_err() {
                    return;
                }
            }
        });
        Self { url, answer, received }
    }

    fn answer(&self, with: &'static str) {
        *self.answer.lock().unwrap() = with;
    }

    async fn next(&mut self) -> Received {
        timeout(PATIENCE, self.received.recv()).await.expect("a message in time").unwrap()
    }

    /// The operations of the next message, each with its subject.
    async fn told(&mut self) -> Vec<(String, Value)> {
        let message = self.next().await;
        let changes = message.body["data"]["changes"].as_array().unwrap().clone();
        let told = changes.into_iter().map(|mut change| {
            (change["op"].as_str().unwrap().to_owned(), change["subject"].take())
        });
        told.collect()
    }
}

async fn receive(mut stream: TcpStream, status: &str) -> Option<Received> {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length =
            head.split("content-length: ").nth(1)?.lines().next()?.parse::<usize>().ok()?;
        break (head, end + 4 + length);
    };
    while bytes.len() < length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&bytes[head.len() + 4..]).unwrap();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
    Some(Received { head, body })
}

/// Makes a webhook as the holder of a token.
async fn create(fixture: &Fixture, token: &str, body: Value) -> Value {
    let made = fixture.ask_as(token, "POST", "/v1/webhooks").json(&body).send().await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json
}

async fn status(fixture: &Fixture, id: &str) -> Value {
    fixture.get(&format!("/v1/webhooks/{id}")).await.ok()["status"].clone()
}

/// Waits until a webhook is paused for a reason.
async fn paused(fixture: &Fixture, id: &str, reason: &str) -> Value {
    let wait = async {
        loop {
            let status = status(fixture, id).await;
            if status["state"] == "paused" {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    let status = timeout(PATIENCE, wait).await.expect("it is paused in time");
    assert_eq!(status["paused"]["reason"], reason, "{status}");
    assert!(status["paused"]["advice"].as_str().unwrap().contains("PUT"), "{status}");
    status
}

fn scopes_of_a_follower() -> [&'static str; 3] {
    ["changes:read", "webhooks:read", "webhooks:write"]
}

#[tokio::test]
async fn a_webhook_is_told_of_changes_as_they_come_and_its_secret_is_shown_once() {
    let (fixture, mut receiver) = (Fixture::new().await, Receiver::start().await);
    let body = json!({"url": receiver.url, "kinds": ["put", "delete"]});
    let made = create(&fixture, &fixture.admin(), body).await;
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    assert!(secret.starts_with("whsec_"), "{made}");
    fixture.list("192.0.2.1", json!({"note": "x"})).await;
    let first = receiver.next().await;
    let message: admin_api_types::WebhookMessage =
        serde_json::from_value(first.body.clone()).unwrap();
    assert_eq!((&*message.kind, message.data.changes.len()), ("changes", 1));
    assert_eq!(first.body["data"]["changes"][0]["listing"]["note"], "x");
    for field in [
        "post /hook http/1.1",
        "content-type: application/json",
        "webhook-id: wh-",
        "webhook-timestamp: ",
        "webhook-signature: v1,",
    ] {
        assert!(first.head.contains(field), "{field}: {}", first.head);
    }
    fixture.delete(&format!("{ZONE}/listings/192.0.2.1")).await;
    let second = receiver.next().await;
    assert_eq!(second.body["data"]["after"], first.body["data"]["next"], "nothing is left out");
    assert_eq!(second.body["data"]["changes"][0]["op"], "delete");
    let shown = fixture.get("/v1/webhooks").await;
    assert_eq!(shown.ok()["webhooks"][0]["id"], id);
    assert_eq!(shown.json["webhooks"][0]["url"], receiver.url);
    let audit = fixture.get("/v1/audit?limit=1000").await;
    assert!(audit.text.contains("webhook-put"), "{}", audit.text);
    for text in [shown.text, audit.text, fixture.get("/v1/changes").await.text] {
        assert!(!text.contains(&secret[6..20]), "{text}");
    }
    assert_eq!(fixture.delete(&format!("/v1/webhooks/{id}")).await.status, 204);
    fixture.get(&format!("/v1/webhooks/{id}")).await.problem(404);
    fixture.list("192.0.2.2", json!({})).await;
    assert!(receiver.received.try_recv().is_err());
}

#[tokio::test]
async fn a_message_that_is_not_taken_comes_again_with_its_id_and_nothing_overtakes_it() {
    let (fixture, mut receiver) = (Fixture::new().await, Receiver::start().await);
    receiver.answer("503 Busy");
    let body = json!({"url": receiver.url, "kinds": ["put"]});
    let made = create(&fixture, &fixture.admin(), body).await;
    fixture.list("192.0.2.1", json!({})).await;
    let first = receiver.next().await;
    fixture.list("192.0.2.2", json!({})).await;
    let second = receiver.next().await;
    let id = |message: &Received| {
        message.head.lines().find(|line| line.starts_with("webhook-id")).unwrap().to_owned()
    };
    assert_eq!((id(&first), &first.body), (id(&second), &second.body));
    let status = status(&fixture, made["id"].as_str().unwrap()).await;
    assert_eq!(
        (&status["state"], &status["failing"]["reason"]),
        (&json!("failing"), &json!("status"))
    );
    assert!(status["failing"]["next_try"].is_string());
    receiver.answer("200 OK");
    let mut subjects = Vec::new();
    while subjects.last() != Some(&json!("192.0.2.2")) {
        subjects.extend(receiver.told().await.into_iter().map(|(_, subject)| subject));
    }
    subjects.dedup();
    assert_eq!(subjects, [json!("192.0.2.1"), json!("192.0.2.2")]);
}

#[tokio::test]
async fn a_webhook_is_told_what_its_token_may_see_at_the_time() {
    let (fixture, mut receiver) = (Fixture::new().await, Receiver::start().await);
    let other = "/v1/zones/other.example.org";
    fixture.put_zone(other, "ip").await;
    let role =
        json!({"name": "partner", "scopes": scopes_of_a_follower(), "zones": ["bl.example.org"]});
    let token = fixture.post("/v1/tokens", role).await;
    let (id, text) = (token.ok()["id"].as_str().unwrap(), token.json["token"].as_str().unwrap());
    let hook = create(&fixture, text, json!({"url": receiver.url})).await;
    fixture.put(&format!("{other}/listings/192.0.2.9"), json!({})).await.ok();
    fixture.list("192.0.2.1", json!({})).await;
    assert_eq!(receiver.told().await, [("put".to_owned(), json!("192.0.2.1"))]);
    // It is moved to the other zone, and its webhook with it.
    let terms = json!({"scopes": scopes_of_a_follower(), "zones": ["other.example.org"]});
    fixture.put(&format!("/v1/tokens/{id}"), terms).await.ok();
    fixture.list("192.0.2.2", json!({})).await;
    fixture.put(&format!("{other}/listings/192.0.2.8"), json!({})).await.ok();
    assert_eq!(receiver.told().await, [("put".to_owned(), json!("192.0.2.8"))]);
    // Without the scope it is told nothing more.
    let terms = json!({"scopes": ["webhooks:write"], "zones": ["other.example.org"]});
    fixture.put(&format!("/v1/tokens/{id}"), terms).await.ok();
    let hook = hook["id"].as_str().unwrap();
    paused(&fixture, hook, "token").await;
    fixture.put(&format!("{other}/listings/192.0.2.7"), json!({})).await.ok();
    assert!(receiver.received.try_recv().is_err());
    // Who takes it over is told what came meanwhile.
    let body = json!({"url": receiver.url, "zones": ["other.example.org"]});
    let put = fixture.put(&format!("/v1/webhooks/{hook}"), body).await;
    assert_eq!(put.ok()["status"]["state"], "ok");
    assert_eq!(receiver.told().await, [("put".to_owned(), json!("192.0.2.7"))]);
}

#[tokio::test]
async fn a_revoked_token_stops_its_webhook() {
    let (fixture, mut receiver) = (Fixture::new().await, Receiver::start().await);
    let token = fixture.mint("partner", &scopes_of_a_follower());
    let body = json!({"url": receiver.url, "kinds": ["put"]});
    let hook = create(&fixture, &token, body).await;
    let id = token.split('_').nth(1).unwrap();
    assert_eq!(fixture.delete(&format!("/v1/tokens/{id}")).await.status, 204);
    paused(&fixture, hook["id"].as_str().unwrap(), "token").await;
    fixture.list("192.0.2.1", json!({})).await;
    assert!(receiver.received.try_recv().is_err());
}

#[tokio::test]
async fn a_receiver_that_wants_no_more_is_told_nothing_more() {
    let (fixture, mut receiver) = (Fixture::new().await, Receiver::start().await);
    receiver.answer("410 Gone");
    let hook = create(&fixture, &fixture.admin(), json!({"url": receiver.url})).await;
    fixture.list("192.0.2.1", json!({})).await;
    receiver.next().await;
    paused(&fixture, hook["id"].as_str().unwrap(), "gone").await;
}

#[tokio::test]
async fn what_the_change_log_no_longer_has_pauses_a_webhook_until_it_begins_anew() {
    let (fixture, mut receiver) = (Fixture::new().await, Receiver::start().await);
    let off = json!({"url": receiver.url, "enabled": false});
    let hook = create(&fixture, &fixture.admin(), off).await;
    let path = format!("/v1/webhooks/{}", hook["id"].as_str().unwrap());
    for subject in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        fixture.list(subject, json!({})).await;
    }
    let truncate = Operation::TruncateLog { floor: u64::MAX };
    fixture.store.commit(Change::new(Actor::server(), truncate), UnixTime::now().plus(10)).unwrap();
    let on = |after: Option<u64>| json!({"url": receiver.url, "after": after, "kinds": ["put"]});
    fixture.put(&path, on(None)).await.ok();
    let status = paused(&fixture, hook["id"].as_str().unwrap(), "compacted").await;
    assert!(status["paused"]["advice"].as_str().unwrap().contains("export"), "{status}");
    let floor = fixture.put(&path, on(Some(1))).await;
    assert!(floor.problem(410)["type"].as_str().unwrap().ends_with("compacted"));
    fixture.put(&path, on(Some(u64::MAX))).await.problem(400);
    let seq = fixture.list("192.0.2.4", json!({})).await;
    let seq: u64 = seq.header("dnsbl-seq").parse().unwrap();
    fixture.put(&path, on(Some(seq))).await.ok();
    fixture.list("192.0.2.5", json!({})).await;
    assert_eq!(receiver.told().await, [("put".to_owned(), json!("192.0.2.5"))]);
}

#[tokio::test]
async fn messages_go_nowhere_but_where_they_may() {
    let (fixture, mut receiver) = (Fixture::new().await, Receiver::start().await);
    let admin = fixture.admin();
    let create = async |body: Value| -> Answer {
        fixture.ask_as(&admin, "POST", "/v1/webhooks").json(&body).send().await
    };
    for url in [
        "http://hooks.example.org:1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "http://169.254.169.254/",
    ] {
        let made = create(json!({"url": url, "enabled": false})).await;
        // A name's addresses are looked at when it is connected to.
        let expected = if url.contains("hooks") { 201 } else { 422 };
        assert_eq!(made.status, expected, "{url}: {}", made.text);
    }
    for body in [
        json!({}),
        json!({"url": "ftp://hooks.example.org/"}),
        json!({"url": "https://u:p@hooks.example.org/"}),
        json!({"url": receiver.url, "kinds": ["puts"]}),
        json!({"url": receiver.url, "zones": ["a b"]}),
        json!({"url": receiver.url, "secret": "whsec_short"}),
        json!({"url": receiver.url, "more": 1}),
    ] {
        create(body).await.problem(400);
    }
    // Redirects are not followed.
    receiver.answer("302 Found\r\nLocation: /elsewhere");
    let made = create(json!({"url": receiver.url})).await;
    let id = made.ok()["id"].as_str().unwrap().to_owned();
    fixture.list("192.0.2.1", json!({})).await;
    receiver.next().await;
    let second = receiver.next().await;
    assert!(second.head.starts_with("post /hook "), "{}", second.head);
    assert_eq!(status(&fixture, &id).await["failing"]["reason"], "redirect");
    let reader = fixture.mint("reader", &["webhooks:write"]);
    let lacking =
        fixture.ask_as(&reader, "POST", "/v1/webhooks").json(&json!({"url": receiver.url}));
    lacking.send().await.problem(403);
}

#[tokio::test]
async fn while_a_secret_is_rotated_messages_have_two_signatures() {
    let (fixture, mut receiver) = (Fixture::new().await, Receiver::start().await);
    let body = json!({"url": receiver.url, "kinds": ["put"]});
    let hook = create(&fixture, &fixture.admin(), body).await;
    let rotate = format!("/v1/webhooks/{}/rotate", hook["id"].as_str().unwrap());
    let rotated = fixture.post(&rotate, json!({"overlap": 600})).await;
    assert_ne!(rotated.ok()["secret"], hook["secret"]);
    assert_eq!(rotated.json["secrets_until"].as_array().unwrap().len(), 1);
    let signatures = |message: &Received| {
        let line = message.head.lines().find_map(|line| line.strip_prefix("webhook-signature: "));
        line.unwrap().split(' ').filter(|one| one.starts_with("v1,")).count()
    };
    fixture.list("192.0.2.1", json!({})).await;
    assert_eq!(signatures(&receiver.next().await), 2);
    fixture.post(&rotate, json!({})).await.ok();
    let many = fixture.post(&rotate, json!({})).await;
    assert!(many.problem(409)["type"].as_str().unwrap().ends_with("too-many-secrets"));
    fixture.post(&rotate, json!({"overlap": 2_592_001})).await.problem(422);
    let given = json!({"overlap": 0, "secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"});
    let given = fixture.post(&rotate, given).await;
    assert_eq!(given.ok()["secret"], Value::Null, "whoever gave it has it");
    fixture.list("192.0.2.2", json!({})).await;
    assert_eq!(signatures(&receiver.next().await), 1);
}

#[tokio::test]
async fn a_webhook_is_made_once_for_one_idempotency_key() {
    let (fixture, receiver) = (Fixture::new().await, Receiver::start().await);
    let create = async || {
        let ask = fixture.ask("POST", "/v1/webhooks").header("idempotency-key", "one");
        ask.json(&json!({"url": receiver.url})).send().await
    };
    let (first, again) = (create().await, create().await);
    assert_eq!((first.status.as_u16(), &first.text), (201, &again.text));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(fixture.get("/v1/webhooks").await.ok()["webhooks"].as_array().unwrap().len(), 1);
}
