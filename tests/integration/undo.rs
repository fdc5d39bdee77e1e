//! Undo, purge and `Idempotency-Key` across a SIGKILL, and writers that never lose an update.

use std::{sync::mpsc, thread};

use dnsbl_tests::{
    Answer::{self, NxDomain},
    HttpReply, Query, Random, TestServer, TestZone, Transport,
};
use hickory_proto::rr::RecordType::A;
use reqwest::Method;
use serde_json::{Value, json};

/// Sends a request with a key.
fn keyed(server: &TestServer, path: &str, key: &str, body: &Value) -> reqwest::Result<HttpReply> {
    let request = server.admin().request(Method::POST, path).header("Idempotency-Key", key);
    HttpReply::try_of(request.json(body))
}

fn token(name: &str) -> Value {
    json!({"name": name, "scopes": ["zones:read"]})
}

#[test]
fn what_was_carried_out_is_not_again_after_a_kill() {
    let mut server = TestServer::start();
    let first = keyed(&server, "/v1/tokens", "k-1", &token("a")).unwrap().expect(201);
    server.kill();
    server.start_again();
    let again = keyed(&server, "/v1/tokens", "k-1", &token("a")).unwrap().expect(201);
    assert_eq!(
        (again.text, again.headers["dnsbl-seq"].clone()),
        (first.text, first.headers["dnsbl-seq"].clone())
    );
    keyed(&server, "/v1/tokens", "k-1", &token("b")).unwrap().expect_problem(422);
}

/// Whenever it is killed: a request that is sent until it is answered has one effect.
#[test]
fn a_request_that_is_repeated_over_kills_has_one_effect() {
    let mut server = TestServer::start();
    let mut random = Random::from_env("DNSBL_KEYS_SEED");
    for round in 0..12 {
        let (name, key) = (format!("t{round}"), format!("key-{round}"));
        let delay = random.below(6) as u64;
        let (sent, has_sent) = mpsc::sync_channel(0);
        let reply = thread::scope(|scope| {
            let (server, name, key) = (&server, &name, &key);
            let asking = scope.spawn(move || {
                sent.send(()).unwrap();
                keyed(server, "/v1/tokens", key, &token(name))
            });
            has_sent.recv().unwrap();
            // The moment of the kill is what is tried out.
            let (_hold, held) = mpsc::sync_channel::<()>(0);
            let _ = held.recv_timeout(std::time::Duration::from_millis(delay));
            let id = kill_by_id(server.id());
            assert!(id, "the server is there to be killed");
            asking.join().unwrap()
        });
        server.kill();
        server.start_again();
        let again = keyed(&server, "/v1/tokens", &key, &token(&name)).unwrap();
        match reply {
            Ok(first) => assert_eq!((again.status, &again.text), (first.status, &first.text)),
            // Where nobody heard the answer, the change may have been made without one.
            Err(_) => assert!([201, 409].contains(&again.status), "{}", again.text),
        }
        let tokens = server.admin().get("/v1/tokens").expect(200).json();
        let named =
            tokens["tokens"].as_array().unwrap().iter().filter(|token| token["name"] == *name);
        assert_eq!(named.count(), 1, "round {round}");
    }
}

/// Kills a process at once; its owner finds it dead.
fn kill_by_id(id: u32) -> bool {
    let done = std::process::Command::new("kill").args(["-KILL", &id.to_string()]).status();
    done.is_ok_and(|status| status.success())
}

#[test]
fn a_purge_and_its_undo_are_whole_after_a_kill() {
    let mut server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let lines: String = (0..2000u32).map(|n| format!("8.0.{}.{}\n", n / 250, n % 250)).collect();
    let import = format!("{}/import?format=plain&source=feed", zone.path());
    server.admin().post_bytes(&import, lines).expect(200);
    let origin = zone.origin().to_owned();
    let listed = |server: &TestServer| {
        let zone = TestZone::at(server, &origin);
        let query = Query::new(&zone.below("7.1.0.8"), A);
        let answer = Answer::of(&query.ask(server.dns(), Transport::Udp));
        let count = server.admin().get(&zone.path()).expect(200).json()["listings"].as_u64();
        assert_eq!(answer != NxDomain, count == Some(2000), "{answer:?} {count:?}");
        count
    };
    let body = json!({"zones": [origin], "source": "feed", "expect": 2000});
    let purged = server.admin().post("/v1/purge", &body).expect(200).seq();
    assert_eq!(listed(&server), Some(0));
    server.kill();
    server.start_again();
    assert_eq!(listed(&server), Some(0));
    let undone = server.admin().post("/v1/undo", &json!({"seq": purged})).expect(200).seq();
    server.kill();
    server.start_again();
    assert_eq!(listed(&server), Some(2000));
    server.admin().post("/v1/undo", &json!({"seq": undone})).expect(200);
    assert_eq!(listed(&server), Some(0));
}

#[test]
fn writers_with_if_match_never_lose_an_update() {
    const WRITERS: usize = 8;
    const UPDATES: usize = 25;
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let path = zone.listing_path("203.0.113.7");
    server.admin().put(&path, &json!({"note": "0"})).expect(201);
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            let (admin, path) = (server.admin().clone(), path.clone());
            scope.spawn(move || {
                let mut made = 0;
                while made < UPDATES {
                    let found = admin.get(&path).expect(200);
                    let tag = found.header("etag").to_owned();
                    let note = found.json()["listings"][0]["note"].as_str().unwrap().to_owned();
                    let next = note.parse::<usize>().unwrap() + 1;
                    let put = admin.request(Method::PUT, &path).header("If-Match", tag);
                    let put = HttpReply::of(put.json(&json!({"note": next.to_string()})));
                    match put.status {
                        200 => made += 1,
                        status => assert_eq!(status, 412, "{}", put.text),
                    }
                }
            });
        }
    });
    let found = server.admin().get(&path).expect(200).json();
    assert_eq!(found["listings"][0]["note"], (WRITERS * UPDATES).to_string());
}
