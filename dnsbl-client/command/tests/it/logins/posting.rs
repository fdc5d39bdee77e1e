//! What the server gets, and what becomes of what it won't have.

use std::{fs, net::TcpListener};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use super::{Reply, Server, follow, login, login_at};

#[tokio::test]
async fn a_login_is_posted_with_all_that_the_line_tells() {
    let server = Server::start([]).await;
    let words = &["--zone", "popauth.example.org", "--format", "dovecot"];
    let follower = follow(&server.url, "", words).await;
    let at = Timestamp::now() - SignedDuration::from_secs(5);
    follower.write(login_at("taro@example.org", at));
    let posted = server.requests(1).await.remove(0);
    assert_eq!(posted.what, "POST /v1/logins");
    assert_eq!(posted.authorization, "Bearer first-token");
    let expected = json!({
        "address": "192.0.2.55", "user": "taro@example.org", "service": "imap", "zone": "popauth.example.org",
        "event": "login", "session": "QR0Dsmthp8bAAAI3", "tls": true, "at": at.to_string(),
    });
    assert_eq!(posted.body, expected);
}

#[tokio::test]
async fn a_line_that_tells_less_is_posted_with_less() {
    let dir = TempDir::new().unwrap();
    let server = Server::start_unix(&dir.path().join("http.sock"));
    let follower = follow(&server.url, "", &[]).await;
    follower.write("pop3d: LOGIN, user=taro, ip=[::ffff:192.0.2.55], port=[50111]\n");
    let mut body = server.requests(1).await.remove(0).body;
    let at = body.as_object_mut().unwrap().remove("at").unwrap();
    let at: Timestamp = at.as_str().unwrap().parse().unwrap();
    assert!(Timestamp::now().duration_since(at) < SignedDuration::from_secs(30));
    let expected =
        json!({"address": "192.0.2.55", "user": "taro", "service": "pop3", "event": "login"});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn what_can_not_be_posted_is_tried_again() {
    let busy = Reply { status: 429, retry_after: Some("1"), body: "" };
    let server = Server::start([Reply::status(503), busy, Reply::status(500)]).await;
    let mut follower = follow(&server.url, "", &[]).await;
    follower.write(login("one"));
    assert_eq!(server.users(4).await, ["one"; 4]);
    follower.stderr.find(&["WARN", "could not be posted", "503"]).await;
    follower.stderr.find(&["the server takes logins again"]).await;
}

#[tokio::test]
async fn a_server_that_was_away_gets_the_newest_login_of_each() {
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut follower = follow(&format!("http://{addr}"), "", &[]).await;
    let at = Timestamp::now();
    follower.write(login("one"));
    follower.stderr.find(&["could not be posted"]).await;
    follower.write(login("two"));
    let newest = at + SignedDuration::from_secs(1);
    follower.write(login_at("two", newest));
    let server = Server::start_at(addr, []).await;
    let mut users = server.users(2).await;
    users.sort();
    assert_eq!(users, ["one", "two"]);
    follower.stop().await;
    assert_eq!(server.requests(2).await.len(), 2);
}

#[tokio::test]
async fn a_token_that_was_replaced_is_read_anew() {
    let server = Server::start([Reply::status(401)]).await;
    let mut follower = follow(&server.url, "", &[]).await;
    fs::write(follower.dir.path().join("token"), "second-token\n").unwrap();
    follower.write(login("one"));
    let tokens: Vec<String> =
        server.requests(2).await.into_iter().map(|posted| posted.authorization).collect();
    assert_eq!(tokens, ["Bearer first-token", "Bearer second-token"]);
    follower.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_dropped_and_told_without_secrets() {
    let refusal = Reply {
        status: 403,
        retry_after: None,
        body: r#"{"detail":"the scope\nlogins:write is missing"}"#,
    };
    // Which comes first is not known, so all are refused alike.
    let server = Server::start([refusal.clone(), refusal.clone(), refusal]).await;
    let mut follower = follow(&server.url, "", &[]).await;
    for user in ["one", "two", "three", "four"] {
        follower.write(login(user));
    }
    let mut users = server.users(4).await;
    users.sort();
    assert_eq!(users, ["four", "one", "three", "two"]);
    follower.stop().await;
    let lines = follower.stderr.lines();
    let told: Vec<&String> = lines.iter().filter(|line| line.contains("refuses logins")).collect();
    assert_eq!(told.len(), 1, "{lines:#?}");
    assert!(told[0].contains(r"403 the scope\nlogins:write is missing"), "{told:?}");
    assert!(
        !lines.iter().any(|line| line.contains("first-token") || line.contains("three")),
        "{lines:#?}"
    );
    follower.stderr.find(&["stopped", "posted=1", "refused=3"]).await;
}
