//! What the server gets.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Reply, Server, bounces, follow, harvest, refused_at};

#[tokio::test]
async fn a_harvest_is_posted_once_with_times_and_count_when_it_is_over() {
    let server = Server::start([]).await;
    let words = &["--quiet", "1", "--zone", "bl.example.org"];
    let mut follower = follow(&server.url, "", words).await;
    let at = Timestamp::now() - SignedDuration::from_secs(5);
    let lines: String = (0..50).map(|n| refused_at(at, "192.0.2.55", "a@b.example", n)).collect();
    follower.write(lines);
    let posted = server.requests(1).await.remove(0);
    assert_eq!(posted.what, "POST /v1/reports");
    assert_eq!(posted.authorization, "Bearer first-token");
    let expected = json!({
        "subject": "192.0.2.55", "category": "directory-harvest", "zone": "bl.example.org", "count": 50,
        "comment": "50 unknown recipients were refused, 0 recipients accepted",
        "first_seen": at.to_string(), "last_seen": at.to_string(),
    });
    assert_eq!(posted.body, expected);
    // It goes on within the window.
    follower.write(harvest("192.0.2.55", 50..100));
    follower.stop().await;
    assert_eq!(server.requests(1).await.len(), 1);
    follower.stderr.find(&["stopped", "posted=1", "refused=0", "dropped=0"]).await;
}

#[tokio::test]
async fn bounces_are_backscatter_and_typing_errors_and_private_addresses_nothing() {
    let server = Server::start([]).await;
    let words = &["--exempt", "198.51.100.0/24 [2001:db8::]/32"];
    let mut follower = follow(&server.url, "", words).await;
    follower.write(harvest("192.0.2.1", 0..2));
    follower.write(harvest("10.1.2.3", 0..50));
    follower.write(harvest("198.51.100.7", 0..50));
    follower.write(harvest("2001:db8::7", 0..50));
    follower.write(bounces("192.0.2.55", 30));
    // What was recognized is reported at the end.
    follower.stop().await;
    let posted = server.requests(1).await;
    assert_eq!(posted.len(), 1, "{posted:#?}");
    let body = &posted[0].body;
    assert_eq!((&body["category"], &body["count"]), (&json!("backscatter"), &json!(30)));
    assert_eq!(body["subject"], "192.0.2.55");
}

#[tokio::test]
async fn only_categories_that_are_wanted_are_posted() {
    let server = Server::start([]).await;
    let words = &["--category", "directory-harvest", "--harvest-threshold", "5"];
    let mut follower = follow(&server.url, "", words).await;
    follower.write(bounces("192.0.2.55", 30) + &harvest("192.0.2.56", 0..5));
    follower.stop().await;
    let posted = server.requests(1).await;
    assert_eq!((posted.len(), &posted[0].body["subject"]), (1, &json!("192.0.2.56")));
}

#[tokio::test]
async fn no_recipient_and_no_sender_leaves_the_log() {
    let server = Server::start([Reply::status(503)]).await;
    let words = &["--state-file", "state", "--quiet", "1"];
    let mut follower = follow(&server.url, "", words).await;
    follower.write(harvest("192.0.2.55", 0..50));
    server.requests(2).await;
    follower.stop().await;
    let state = fs::read_to_string(follower.dir.path().join("state")).unwrap();
    let posted = format!("{:?}", server.requests(2).await);
    for told in [state, posted, follower.stderr.lines().join("\n")] {
        assert!(!told.contains("user1") && !told.contains("b.example"), "{told}");
    }
}

#[tokio::test]
async fn what_can_not_be_posted_is_tried_again_and_what_is_refused_is_told() {
    let busy = Reply { status: 429, retry_after: Some("1"), body: "" };
    let refusal =
        Reply { status: 403, retry_after: None, body: r#"{"detail":"reports:write is missing"}"# };
    let server = Server::start([busy, Reply::status(201), refusal]).await;
    let mut follower = follow(&server.url, "", &["--quiet", "1"]).await;
    follower.write(harvest("192.0.2.55", 0..50));
    server.requests(2).await;
    follower.stderr.find(&["WARN", "reports could not be posted; they wait", "429"]).await;
    follower.stderr.find(&["the server takes reports again"]).await;
    follower.write(harvest("192.0.2.56", 0..50));
    server.requests(3).await;
    follower.stderr.find(&["ERROR", "the server refuses reports", "403 reports:write"]).await;
    follower.stop().await;
    follower.stderr.find(&["stopped", "posted=1", "refused=1"]).await;
}

#[tokio::test]
async fn after_a_restart_it_counts_on_and_reports_nothing_twice() {
    let server = Server::start([]).await;
    let words = &["--state-file", "state", "--quiet", "1"];
    let mut follower = follow(&server.url, "", words).await;
    follower.write(harvest("192.0.2.55", 0..50));
    server.requests(1).await;
    follower.write(harvest("192.0.2.56", 0..15));
    follower.stop().await;
    follower.restart().await;
    follower.write(harvest("192.0.2.56", 15..25));
    let posted = server.requests(2).await;
    assert_eq!(
        (&posted[1].body["subject"], &posted[1].body["count"]),
        (&json!("192.0.2.56"), &json!(25))
    );
    follower.stop().await;
    assert_eq!(server.requests(2).await.len(), 2);
}

#[tokio::test]
async fn what_was_not_posted_when_it_was_killed_is_posted_after_a_restart() {
    let server = Server::start([]).await;
    let words = &["--state-file", "state", "--quiet", "1"];
    let mut follower = follow(&server.url, "", words).await;
    follower.write(harvest("192.0.2.1", 0..3));
    follower.stop().await;
    server.close();
    follower.restart().await;
    follower.write(harvest("192.0.2.55", 0..50));
    server.requests(1).await;
    follower.kill().await;
    server.open();
    follower.restart().await;
    let posted = server.requests(2).await;
    assert_eq!(posted[1].body["count"], 50);
}

#[tokio::test]
async fn what_is_old_is_not_posted() {
    let server = Server::start([]).await;
    let mut follower = follow(&server.url, "", &["--max-age", "60", "--quiet", "1"]).await;
    let at = Timestamp::now() - SignedDuration::from_secs(120);
    let lines: String = (0..50).map(|n| refused_at(at, "192.0.2.55", "a@b.example", n)).collect();
    follower.write(lines);
    follower.stderr.find(&["ERROR", "reports could not be posted in time"]).await;
    follower.stop().await;
    follower.stderr.find(&["stopped", "posted=0", "dropped=1"]).await;
}
