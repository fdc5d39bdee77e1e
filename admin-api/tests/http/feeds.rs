//! `/v1/feeds`: files of a folder, fetched again and again.

use std::{fs, path::PathBuf, time::Duration};

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, ZONE};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const DOMAINS: &str = "/v1/zones/dbl.example.org";
const FEED: &str = "/v1/feeds/list";

/// A zone of each kind, and a folder from which feeds may read.
async fn fixture() -> (Fixture, PathBuf) {
    let fixture = Fixture::new().await;
    fixture.put_zone(DOMAINS, "domain").await;
    let folder = fixture.lists();
    fs::create_dir(&folder).unwrap();
    (fixture, folder)
}

/// Puts the feed `list` with more in its body than zone and path.
async fn put(fixture: &Fixture, path: &std::path::Path, more: Value) -> Answer {
    let mut body = json!({"zone": "bl.example.org", "path": path});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    fixture.put(FEED, body).await
}

/// Runs the feed `list`, and gives its status.
async fn run(fixture: &Fixture) -> Value {
    fixture.post(&format!("{FEED}/run"), json!({})).await.ok()["status"].clone()
}

async fn subjects(fixture: &Fixture, zone: &str) -> Vec<String> {
    let page = fixture.get(&format!("{zone}/listings?limit=1000")).await;
    let listings = page.ok()["listings"].as_array().unwrap().clone();
    listings.iter().map(|l| l["subject"].as_str().unwrap().to_owned()).collect()
}

/// Waits for changes until the zone lists these.
async fn lists(fixture: &Fixture, expected: &[&str]) {
    let wait = async {
        let mut after = 0;
        while subjects(fixture, ZONE).await != expected {
            let path = format!("/v1/changes?after={after}&wait=30");
            let changes = fixture.get(&path).await;
            let end: Value = serde_json::from_str(changes.text.lines().last().unwrap()).unwrap();
            after = end["next"].as_u64().unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("not listed: {expected:?}"));
}

#[tokio::test]
async fn a_feed_is_made_shown_run_and_deleted_and_its_listings_stay() {
    let (fixture, folder) = fixture().await;
    let path = folder.join("list.txt");
    fs::write(&path, "192.0.2.1\n192.0.2.8 - 192.0.2.15\n").unwrap();
    let made = put(&fixture, &path, json!({"format": "ranges"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let status = run(&fixture).await;
    assert_eq!(status["state"], "ok", "{status}");
    assert_eq!(subjects(&fixture, ZONE).await, ["192.0.2.1", "192.0.2.8/29"]);
    let shown = fixture.get(FEED).await;
    let feed = shown.ok();
    assert_eq!(
        (&feed["source"], &feed["every"], &feed["configured"]),
        (&json!("list"), &json!(3600), &json!(false))
    );
    assert_eq!(feed["status"]["imported"]["added"], 2, "{feed}");
    assert_eq!(fixture.get("/v1/feeds").await.ok()["feeds"].as_array().unwrap().len(), 1);
    let listing = fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await;
    assert_eq!(listing.ok()["listings"][0]["listed_by"], "feed:list");
    assert_eq!(put(&fixture, &path, json!({"format": "ranges", "every": 60})).await.status, 200);
    assert_eq!(fixture.delete(FEED).await.status, 204);
    fixture.get(FEED).await.problem(404);
    assert_eq!(subjects(&fixture, ZONE).await.len(), 2);
    let audit = fixture.get("/v1/audit?limit=100").await.text;
    assert!(audit.contains("feed-put") && audit.contains("feed-delete"), "{audit}");
}

#[tokio::test]
async fn a_file_that_is_written_or_replaced_is_read_at_once() {
    let (fixture, folder) = fixture().await;
    let path = folder.join("list.txt");
    fs::write(&path, "192.0.2.1\n192.0.2.2\n").unwrap();
    put(&fixture, &path, json!({})).await.ok();
    lists(&fixture, &["192.0.2.1", "192.0.2.2"]).await;
    fs::write(&path, "192.0.2.1\n192.0.2.3\n").unwrap();
    lists(&fixture, &["192.0.2.1", "192.0.2.3"]).await;
    fs::write(folder.join(".new"), "192.0.2.3\n192.0.2.4\n").unwrap();
    fs::rename(folder.join(".new"), &path).unwrap();
    lists(&fixture, &["192.0.2.3", "192.0.2.4"]).await;
    // One run after the other: what this one sees is what the one before has left.
    let changed = run(&fixture).await["imported"].clone();
    assert_eq!(
        (&changed["added"], &changed["removed"], &changed["unchanged"]),
        (&json!(1), &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn a_folder_is_one_list_and_one_bad_file_changes_nothing() {
    let (fixture, folder) = fixture().await;
    fs::write(folder.join("a"), "192.0.2.1\n").unwrap();
    fs::write(folder.join("b"), "192.0.2.2\n").unwrap();
    put(&fixture, &folder, json!({})).await.ok();
    lists(&fixture, &["192.0.2.1", "192.0.2.2"]).await;
    fs::write(folder.join("c"), "<html>\nmoved\n</html>\n").unwrap();
    let status = run(&fixture).await;
    assert_eq!(status["failing"]["reason"], "unreadable", "{status}");
    assert!(status["failing"]["detail"].as_str().unwrap().starts_with("c: this is an HTML page"));
    assert_eq!(subjects(&fixture, ZONE).await.len(), 2);
    fs::remove_file(folder.join("c")).unwrap();
    fs::write(folder.join("b"), "192.0.2.2\n192.0.2.3\n").unwrap();
    lists(&fixture, &["192.0.2.1", "192.0.2.2", "192.0.2.3"]).await;
}

#[tokio::test]
async fn what_is_broken_shrunken_or_no_list_changes_nothing_and_is_told() {
    let (fixture, folder) = fixture().await;
    let path = folder.join("list.txt");
    let whole: String = (1..=100).map(|n| format!("192.0.2.{n}\n")).collect();
    fs::write(&path, &whole).unwrap();
    put(&fixture, &path, json!({})).await.ok();
    assert_eq!(run(&fixture).await["state"], "ok");
    let wide: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let half_rejected: String = (1..=100).map(|n| format!("192.0.2.{n}\n10.0.0.{n}\n")).collect();
    let broken: [(&str, &[u8]); 8] = [
        ("shrunk", &whole.as_bytes()[..whole.len() / 2]),
        ("shrunk", b""),
        ("shrunk", b"# all gone\n"),
        ("unreadable", b"<!doctype html>\n<html></html>\n"),
        ("unreadable", &[b"\xff\xfe", &wide[..]].concat()),
        ("unreadable", b"PK\x03\x04192.0.2.1\n"),
        ("rejected", half_rejected.as_bytes()),
        ("packed", b"\x1f\x8b\x08\x00broken"),
    ];
    for (times, (reason, bytes)) in broken.iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        let status = run(&fixture).await;
        assert_eq!(status["failing"]["reason"], *reason, "{status}");
        assert!(status["failures"].as_u64().unwrap() > times as u64, "{status}");
        assert_ne!(status["last_success"], Value::Null);
        assert_eq!(subjects(&fixture, ZONE).await.len(), 100, "{reason}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(run(&fixture).await["failing"]["reason"], "file");
    fs::write(&path, "192.0.2.1\n").unwrap();
    assert_eq!(run(&fixture).await["failing"]["reason"], "shrunk");
    let lifted = fixture.post(&format!("{FEED}/run?max_removed=1"), json!({})).await;
    assert_eq!(lifted.ok()["status"]["failing"], Value::Null, "{}", lifted.text);
    assert_eq!(subjects(&fixture, ZONE).await, ["192.0.2.1"]);
}

#[tokio::test]
async fn rows_that_are_not_understood_are_told_with_their_lines() {
    let (fixture, folder) = fixture().await;
    let path = folder.join("list.txt");
    let rows: String = (1..=40).map(|n| format!("192.0.2.{n}\n")).collect();
    fs::write(&path, format!("{rows}192.0.2.300\n")).unwrap();
    put(&fixture, &path, json!({"format": "plain"})).await.ok();
    let status = run(&fixture).await;
    assert_eq!((&status["state"], &status["imported"]["rejected"]), (&json!("ok"), &json!(1)));
    assert_eq!(status["imported"]["notes"][0]["line"], 41, "{status}");
    put(&fixture, &path, json!({"format": "plain", "max_rejected": 0})).await.ok();
    fs::write(&path, format!("{rows}192.0.2.301\n")).unwrap();
    let status = run(&fixture).await;
    assert_eq!(status["failing"]["reason"], "rejected", "{status}");
    assert_eq!(status["failing"]["notes"][0]["line"], 41, "{status}");
}

#[tokio::test]
async fn rows_expire_unless_they_are_renewed() {
    let (fixture, folder) = fixture().await;
    let path = folder.join("list.txt");
    fs::write(&path, "192.0.2.1\n").unwrap();
    put(&fixture, &path, json!({"expires_in": 86_400})).await.ok();
    run(&fixture).await;
    let listing = fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await;
    let first = listing.ok()["listings"][0]["expires_at"].clone();
    assert!(first.is_string(), "{}", listing.text);
    let imported = run(&fixture).await["imported"].clone();
    assert_eq!(
        run(&fixture).await["imported"],
        imported,
        "what has not changed is not imported again"
    );
    fs::write(&path, "192.0.2.1\n192.0.2.2\n").unwrap();
    let status = run(&fixture).await;
    assert_eq!(
        status["imported"]["unchanged"].as_u64().unwrap()
            + status["imported"]["updated"].as_u64().unwrap(),
        1
    );
}

#[tokio::test]
async fn a_zone_that_is_made_again_gets_what_the_feed_has() {
    let (fixture, folder) = fixture().await;
    let path = folder.join("list.txt");
    fs::write(&path, "192.0.2.1\n").unwrap();
    put(&fixture, &path, json!({})).await.ok();
    run(&fixture).await;
    fixture.delete(ZONE).await.ok();
    assert_eq!(run(&fixture).await["failing"]["reason"], "zone");
    fixture.put_zone(ZONE, "ip").await;
    assert_eq!(run(&fixture).await["state"], "ok");
    assert_eq!(subjects(&fixture, ZONE).await, ["192.0.2.1"]);
}

#[tokio::test]
async fn a_feed_is_made_only_by_who_speaks_for_its_source_and_reads_only_where_it_may() {
    let (fixture, folder) = fixture().await;
    let path = folder.join("list.txt");
    fs::write(&path, "192.0.2.1\n").unwrap();
    let feeder = fixture.mint("feeder", &["feeds:read", "feeds:write"]);
    let body = json!({"zone": "bl.example.org", "path": path, "source": "feeder"});
    let ask = |token: &str, method: &str, path: &str, body: &Value| {
        fixture.ask_as(token, method, path).json(body).send()
    };
    ask(&feeder, "PUT", FEED, &json!({"zone": "bl.example.org", "path": path})).await.problem(403);
    ask(&feeder, "PUT", FEED, &body).await.ok();
    let other = fixture.mint("other", &["feeds:read", "feeds:write"]);
    for (method, path) in [("PUT", FEED), ("DELETE", FEED), ("POST", "/v1/feeds/list/run")] {
        ask(&other, method, path, &body).await.problem(403);
    }
    let private = json!({"zone": "bl.example.org", "url": "http://127.0.0.1:1/", "source": "other", "allow_private": true});
    ask(&other, "PUT", "/v1/feeds/other", &private).await.problem(403);
    let reader = fixture.mint("reader", &["feeds:read"]);
    assert_eq!(ask(&reader, "GET", FEED, &json!({})).await.status, 200);
    ask(&reader, "POST", "/v1/feeds/list/run", &json!({})).await.problem(403);
    for (more, status) in [
        (json!({"path": "/etc/passwd"}), 422),
        (json!({"path": "list.txt"}), 400),
        (json!({"path": folder.join("../x")}), 400),
        (json!({"path": null}), 400),
        (json!({"url": "http://a.example/"}), 400),
        (json!({"path": null, "url": "file:///etc/passwd"}), 400),
        (json!({"format": "plane"}), 400),
        (json!({"format": "json"}), 400),
        (json!({"every": 1}), 400),
        (json!({"max_removed": 2}), 400),
        (json!({"expires_in": 61}), 400),
        (json!({"source": "logins"}), 403),
        (json!({"override": ["everything"]}), 400),
        (json!({"colour": 1}), 400),
    ] {
        let answer = put(&fixture, &path, more.clone()).await;
        assert_eq!(answer.status, status, "{more}: {}", answer.text);
    }
    let twice = json!({"zone": "bl.example.org", "path": path, "source": "feeder"});
    let taken = fixture.put("/v1/feeds/second", twice).await;
    assert!(taken.problem(409)["detail"].as_str().unwrap().contains("the feed list replaces"));
    let url = json!({"zone": "bl.example.org", "url": "https://me:secret@192.0.2.1/x?key=secret"});
    let shown = fixture.put("/v1/feeds/url", url).await;
    assert!(shown.status == 201 && !shown.text.contains("secret"), "{}", shown.text);
    let status = fixture.post("/v1/feeds/url/run", json!({})).await;
    assert_eq!(status.ok()["status"]["failing"]["reason"], "special-use", "{}", status.text);
    assert!(!status.text.contains("secret"));
    fixture.post("/v1/feeds/none/run", json!({})).await.problem(404);
}
