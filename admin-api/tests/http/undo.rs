//! `/v1/undo`, `/v1/purge`, `/v1/zones/{zone}/sources`, `dry_run` and `expect_delta`.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, ZONE, addresses, counts};

fn seq(answer: &Answer) -> u64 {
    answer.header("dnsbl-seq").parse().unwrap()
}

async fn undo(fixture: &Fixture, seq: u64) -> Answer {
    fixture.post("/v1/undo", json!({"seq": seq})).await
}

async fn listed(fixture: &Fixture) -> u64 {
    fixture.get(ZONE).await.ok()["listings"].as_u64().unwrap()
}

#[tokio::test]
async fn a_change_is_undone_by_its_number_and_an_undo_too() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.1", json!({"note": "first"})).await;
    let second = seq(&fixture.list("192.0.2.1", json!({"note": "second"})).await);
    let tried = fixture.post("/v1/undo?dry_run=1", json!({"seq": second})).await;
    assert_eq!(tried.ok()["updated"], 1);
    let note = async || {
        let found = fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await;
        found.ok()["listings"][0]["note"].clone()
    };
    assert_eq!(note().await, "second");
    let undone = undo(&fixture, second).await;
    assert_eq!(undone.ok()["undone"], second);
    assert_eq!(note().await, "first");
    let problem = undo(&fixture, second).await;
    assert_eq!(problem.problem(409)["type"], "/problems/changed-later");
    assert!(problem.json["by"].is_u64() && problem.json["zone"] == "bl.example.org");
    undo(&fixture, seq(&undone)).await.ok();
    assert_eq!(note().await, "second");
    let changes = fixture.get(&format!("/v1/changes?after={second}")).await;
    let lines: Vec<Value> =
        changes.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["op"], &lines[0]["undo"]["seq"]), (&json!("undo"), &json!(second)));
    assert_eq!((&lines[1]["op"], &lines[1]["seq"]), (&json!("put"), &lines[0]["seq"]));
}

#[tokio::test]
async fn what_can_not_be_undone_says_why() {
    let fixture = Fixture::new().await;
    let token = fixture.post("/v1/tokens", json!({"name": "x", "scopes": ["zones:read"]})).await;
    token.ok();
    let problem = undo(&fixture, seq(&token)).await;
    assert!(problem.problem(422)["detail"].as_str().unwrap().contains("secret"));
    assert_eq!(undo(&fixture, 9999).await.problem(404)["type"], "/problems/no-such-change");
    fixture.post("/v1/undo", json!({"import": "ffffffff"})).await.problem(404);
    fixture.post("/v1/undo", json!({})).await.problem(400);
    fixture.post("/v1/undo", json!({"seq": 1, "import": "1"})).await.problem(400);
    let writer = fixture.mint("writer", &["listings:write", "changes:read"]);
    let body = json!({"seq": 1});
    let refused = fixture.ask_as(&writer, "POST", "/v1/undo").json(&body).send().await;
    assert_eq!(refused.problem(403)["scope"], "undo");
}

#[tokio::test]
async fn an_import_is_undone_by_its_id() {
    let fixture = Fixture::new().await;
    let import = fixture.import("format=plain&source=feed", addresses(500)).await;
    let id = import.ok()["id"].clone();
    let undone = fixture.post("/v1/undo", json!({"import": id})).await;
    assert_eq!(undone.ok()["removed"], 500);
    assert_eq!(listed(&fixture).await, 0);
    undo(&fixture, seq(&undone)).await.ok();
    assert_eq!(listed(&fixture).await, 500);
    let check = fixture.post("/v1/check", json!({"subjects": ["8.0.0.7"]})).await;
    assert_eq!(check.ok()["results"][0]["listed"], true);
}

#[tokio::test]
async fn a_purge_is_counted_confirmed_and_undone() {
    let fixture = Fixture::new().await;
    fixture.import("format=plain&source=feed", addresses(300)).await.ok();
    fixture.list("192.0.2.1", json!({"tags": ["x"]})).await;
    let of_feed = json!({"zones": ["bl.example.org"], "source": "feed"});
    let tried = fixture.post("/v1/purge?dry_run=1", of_feed.clone()).await;
    let sources =
        json!([{"zone": "bl.example.org", "source": "feed", "listings": 300, "exclusions": 0}]);
    assert_eq!((&tried.ok()["count"], &tried.ok()["sources"]), (&json!(300), &sources));
    let confirmed = |count: u64| {
        let mut body = of_feed.clone();
        body["expect"] = count.into();
        body
    };
    for body in [of_feed.clone(), confirmed(299)] {
        let refused = fixture.post("/v1/purge", body).await;
        assert_eq!(
            (&refused.problem(409)["count"], &refused.json["sources"]),
            (&json!(300), &sources)
        );
    }
    assert_eq!(listed(&fixture).await, 301);
    let purged = fixture.post("/v1/purge", confirmed(300)).await;
    assert_eq!(purged.ok()["count"], 300);
    assert_eq!(listed(&fixture).await, 1);
    let check = fixture.post("/v1/check", json!({"subjects": ["8.0.0.7"]})).await;
    assert_eq!(check.ok()["results"][0]["listed"], false);
    undo(&fixture, seq(&purged)).await.ok();
    assert_eq!(listed(&fixture).await, 301);
    let zones = json!(["bl.example.org"]);
    fixture.post("/v1/purge", json!({"zones": zones, "expect": 301})).await.problem(422);
    fixture.post("/v1/purge", json!({"zones": [], "tag": "x"})).await.problem(400);
    fixture.post("/v1/purge", json!({"zones": ["no.example.org"], "tag": "x"})).await.problem(404);
    let by_tag =
        json!({"zones": zones, "tag": "x", "listed_from": "2020-01-01T00:00:00Z", "expect": 1});
    fixture.post("/v1/purge", by_tag).await.ok();
    assert_eq!(listed(&fixture).await, 300);
}

#[tokio::test]
async fn a_frozen_source_is_refused_with_the_reason_and_its_listings_stay() {
    let fixture = Fixture::new().await;
    fixture.import("format=plain&source=feed", addresses(3)).await.ok();
    let source = format!("{ZONE}/sources/feed");
    fixture.put(&source, json!({"frozen": true})).await.problem(422);
    fixture
        .put(&format!("{ZONE}/sources/relay-test"), json!({"frozen": true, "why": "x"}))
        .await
        .problem(403);
    let tried =
        fixture.put(&format!("{source}?dry_run=1"), json!({"frozen": true, "why": "x"})).await;
    assert_eq!(tried.ok()["frozen"], true);
    let frozen = fixture.put(&source, json!({"frozen": true, "why": "lists customers"})).await;
    assert_eq!(frozen.ok()["by"], "admin");
    let refusals = [
        fixture.import("format=plain&source=feed", addresses(4)).await,
        fixture.put(&format!("{ZONE}/listings/192.0.2.1?source=feed"), json!({})).await,
        fixture.delete(&format!("{ZONE}/listings/8.0.0.1?source=feed")).await,
    ];
    for refused in refusals {
        let problem = refused.problem(409);
        assert_eq!(problem["type"], "/problems/frozen");
        assert_eq!(problem["why"], "lists customers");
        assert_eq!(problem["since"], frozen.json["since"]);
        assert!(problem["detail"].as_str().unwrap().contains("lists customers"));
    }
    assert_eq!(listed(&fixture).await, 3);
    assert_eq!(fixture.get(ZONE).await.ok()["frozen_sources"], json!(["feed"]));
    let sources = fixture.get(&format!("{ZONE}/sources")).await;
    assert_eq!(sources.ok()["sources"][0]["why"], "lists customers");
    assert!(sources.json["sources"][0]["imported_at"].is_string());
    undo(&fixture, seq(&frozen)).await.ok();
    fixture.import("format=plain&source=feed", addresses(4)).await.ok();
    fixture.put(&source, json!({"frozen": true, "why": "again"})).await.ok();
    fixture.put(&source, json!({"frozen": false})).await.ok();
    fixture.import("format=plain&source=feed", addresses(5)).await.ok();
}

#[tokio::test]
async fn what_is_only_tried_is_answered_as_if_it_were_done() {
    let fixture = Fixture::new().await;
    let listing = format!("{ZONE}/listings/192.0.2.1");
    let tried = fixture.put(&format!("{listing}?dry_run=1"), json!({"note": "x"})).await;
    assert_eq!((tried.status.as_u16(), &tried.json["note"]), (201, &json!("x")));
    fixture.get(&listing).await.problem(404);
    fixture.delete(&format!("{listing}?dry_run=1")).await.problem(404);
    let head = seq(&fixture.list("192.0.2.1", json!({})).await);
    let tried = [
        (fixture.put(&format!("{listing}?dry_run=1"), json!({"note": "y"})).await, 200),
        (fixture.delete(&format!("{listing}?dry_run=1")).await, 204),
        (fixture.delete(&format!("{ZONE}?dry_run=1")).await, 204),
        (
            fixture
                .put(
                    "/v1/zones/new.example.org?dry_run=1",
                    json!({"kind": "ip", "ns": ["ns1.example.net."]}),
                )
                .await,
            201,
        ),
        (
            fixture
                .post(
                    "/v1/subscribers?dry_run=1",
                    json!({"name": "s", "zones": ["bl.example.org"]}),
                )
                .await,
            201,
        ),
    ];
    for (answer, status) in &tried {
        assert_eq!(answer.status, *status, "{}", answer.text);
        assert_eq!(seq(answer), head, "{}", answer.text);
        assert!(answer.json["key"].is_null(), "no key of a subscriber that there is not");
    }
    assert_eq!(fixture.get("/v1/subscribers").await.ok()["subscribers"], json!([]));
    fixture
        .ask("PUT", &format!("{listing}?dry_run=1"))
        .header("if-match", "\"9\"")
        .json(&json!({}))
        .send()
        .await
        .problem(412);
}

#[tokio::test]
async fn an_import_stays_within_what_was_expected() {
    let fixture = Fixture::new().await;
    fixture.import("format=plain&source=feed", addresses(10)).await.ok();
    let import = async |expected: &str| {
        let query = format!("format=plain&source=feed&expect_delta={expected}");
        fixture.import(&query, addresses(15)).await
    };
    for wrong in ["added:6..9", "added:..4", "added:0", "updated:1.."] {
        let refused = import(wrong).await;
        assert_eq!(refused.problem(409)["added"], 5, "{wrong}");
    }
    for malformed in ["added", "5", "added:x", "added:1...2", "gone:1"] {
        import(malformed).await.problem(400);
    }
    assert_eq!(listed(&fixture).await, 10);
    assert_eq!(counts(import("added:5..9,removed:0").await.ok()), [5, 0, 10, 0, 0]);
}

/// How long writes of others wait for a purge and its undo is printed, not asserted: `DNSBL_PURGE_SIZE=1000000` with
/// `--nocapture` shows it for a million listings, `bench purge` over HTTP.
#[tokio::test]
async fn other_writes_go_on_during_a_purge_and_its_undo() {
    let size: u32 = std::env::var("DNSBL_PURGE_SIZE").map_or(20_000, |size| size.parse().unwrap());
    let fixture = Fixture::new().await;
    fixture.import("format=plain&source=feed", addresses(size)).await.ok();
    let mut of = 0;
    for path in ["/v1/purge", "/v1/undo", "/v1/undo"] {
        let purge = json!({"zones": ["bl.example.org"], "source": "feed", "expect": size});
        let body = if path == "/v1/purge" { purge } else { json!({"seq": of}) };
        let is_done = AtomicBool::new(false);
        let work = async {
            let begun = Instant::now();
            let answer = fixture.post(path, body).await;
            is_done.store(true, Ordering::Relaxed);
            (answer, begun.elapsed())
        };
        let writes = async {
            let mut times = Vec::new();
            // Once more after it is done: the write that waited for it counts.
            while times.is_empty() || !is_done.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let note = format!("{path} {}", times.len());
                fixture.list("192.0.2.1", json!({"note": note})).await;
                times.push(begun.elapsed());
            }
            times
        };
        let ((answer, took), times) = futures_util::future::join(work, writes).await;
        of = seq(&answer);
        answer.ok();
        let longest = times.iter().max().unwrap();
        println!(
            "{path} of {size}: {took:?}; {} other writes, the longest took {longest:?}",
            times.len()
        );
    }
    assert_eq!(listed(&fixture).await, 1);
}
