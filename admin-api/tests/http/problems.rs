//! One envelope for whatever goes wrong, and how it is counted.

use std::{collections::BTreeSet, fs, path::Path, sync::atomic::Ordering};

use admin_api::Limits;
use regex::Regex;
use serde_json::json;

use crate::fixture::{Fixture, ZONE};

#[tokio::test]
async fn every_kind_of_bad_request_has_the_one_envelope() {
    let fixture = Fixture::new().await;
    let put = || fixture.ask("PUT", ZONE);
    put().header("content-type", "application/json").body("{").send().await.problem(400);
    put()
        .header("content-type", "application/json")
        .body(b"\"\xff\"".to_vec())
        .send()
        .await
        .problem(400);
    put().header("content-type", "text/plain").body("{}").send().await.problem(415);
    put().body("{}").send().await.problem(415);
    let large = format!("{{\"kind\":\"{}\"}}", "x".repeat(2 << 20));
    put().header("content-type", "application/json").body(large).send().await.problem(413);
    fixture.get("/v2").await.problem(404);
    fixture.get("/v1/zones/%FF").await.problem(400);
    fixture.get("/v1/zones?colour=1").await.problem(400);
    let wrong = fixture.ask("PATCH", ZONE).send().await;
    wrong.problem(405);
    for method in ["GET", "PUT", "DELETE"] {
        assert!(wrong.header("allow").contains(method), "{:?}", wrong.headers);
    }
}

#[tokio::test]
async fn an_error_says_where_it_is() {
    let fixture = Fixture::new().await;
    let body = json!({"kind": "ip", "ns": ["ns.example.net"], "soa": {"refresh": "soon"}});
    let answer = fixture.put(ZONE, body).await;
    let detail = answer.problem(400)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("soa.refresh") && detail.contains("column"), "{detail}");
    let answer = fixture.get(&format!("{ZONE}/listings?colour=1")).await;
    assert!(answer.problem(400)["detail"].as_str().unwrap().contains("colour"));
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let fixture = Fixture::new().await;
    for path in ["/healthz", "/v1/zones", "/nothing", "/v1/zones?token=x"] {
        let answer = fixture.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn nothing_is_answered_from_an_index_that_is_not_loaded() {
    let fixture = Fixture::with(&Limits::default(), false);
    let answer = fixture.get("/v1/zones").await;
    answer.problem(503);
    assert_eq!(answer.header("retry-after"), "1");
    fixture.get("/healthz").await.ok();
}

#[tokio::test]
async fn a_store_that_takes_no_writes_is_still_read() {
    let fixture = Fixture::new().await;
    fixture.store.close();
    fixture.get(ZONE).await.ok();
    let answer = fixture.put(&format!("{ZONE}/listings/192.0.2.1"), json!({})).await;
    answer.problem(503);
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_body_that_does_not_arrive_and_an_answer_that_does_not_come_are_ended() {
    let limits = Limits { body_timeout: std::time::Duration::from_millis(50), ..Limits::default() };
    let fixture = Fixture::with(&limits, true);
    let silent = futures_util::stream::pending::<std::io::Result<&str>>();
    let put = fixture.ask("PUT", ZONE).header("content-type", "application/json");
    put.body(axum::body::Body::from_stream(silent)).send().await.problem(408);
    let limits =
        Limits { request_timeout: std::time::Duration::from_millis(50), ..Limits::default() };
    let fixture = Fixture::with(&limits, true);
    let silent = futures_util::stream::pending::<std::io::Result<&str>>();
    let put = fixture.ask("PUT", ZONE).header("content-type", "application/json");
    put.body(axum::body::Body::from_stream(silent)).send().await.problem(503);
}

#[tokio::test]
async fn a_handler_that_panics_is_an_answer_of_500_and_is_counted() {
    let fixture = Fixture::new().await;
    fixture.server.broken.store(true, Ordering::Relaxed);
    let answer = fixture.get("/metrics").await;
    assert!(!answer.problem(500)["detail"].as_str().unwrap().contains("broken"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(fixture.server.counted().contains(&("/metrics".into(), 500)));
    fixture.server.broken.store(false, Ordering::Relaxed);
    fixture.get("/metrics").await.ok();
}

/// Field case 38: what was listed for an hour in 1972 was gone once the clock was right.
#[tokio::test]
async fn what_rests_on_a_clock_in_doubt_is_refused_in_words() {
    let fixture = Fixture::new().await;
    *fixture.server.doubt.lock().unwrap() = Some(("the clock stepped forward by 9 s".into(), 120));
    let listing = format!("{ZONE}/listings/192.0.2.1");
    let refused = fixture.put(&listing, json!({"expires_in": 3600})).await;
    assert!(refused.problem(503)["type"].as_str().unwrap().ends_with("clock-in-doubt"));
    assert!(refused.text.contains("the clock stepped forward"), "{}", refused.text);
    assert_eq!(refused.header("retry-after"), "120");
    let token = json!({"name": "a", "scopes": [], "expires_in": 3600});
    fixture.post("/v1/tokens", token).await.problem(503);
    fixture.import("format=plain&source=feed", "192.0.2.7\n").await.problem(503);
    fixture.import("format=plain&source=feed&dry_run=1", "192.0.2.7\n").await.ok();
    fixture.list("192.0.2.1", json!({"expires_at": "2090-01-01T00:00:00Z"})).await;
    fixture.list("192.0.2.2", json!({})).await;
    *fixture.server.doubt.lock().unwrap() = None;
    fixture.list("192.0.2.1", json!({"expires_in": 3600})).await;
}

#[tokio::test]
async fn refusals_are_counted_by_token() {
    let fixture = Fixture::new().await;
    let reader = fixture.mint("reader", &["zones:read"]);
    fixture.ask_as("dnsbl_0000_none", "GET", "/v1/zones").send().await.problem(401);
    fixture.ask_as(&reader, "GET", &format!("{ZONE}/listings")).send().await.problem(403);
    fixture.ask_as(&reader, "GET", "/v1/zones").send().await.ok();
    assert_eq!(fixture.server.refused(), [(String::new(), 401), ("reader".to_owned(), 403)]);
}

#[tokio::test]
async fn the_type_of_a_problem_is_the_path_of_its_page() {
    let fixture = Fixture::new().await;
    let problem = fixture.get("/v1/zones/absent.example.org").await.problem(404).clone();
    let path = problem["type"].as_str().unwrap().to_owned();
    assert_eq!(path, "/problems/no-such-zone");
    let ask = |accept: &str| fixture.ask("GET", &path).without_token().header("accept", accept);
    let html = ask("text/html,*/*;q=0.8").send().await;
    html.ok();
    assert_eq!(html.header("content-type"), "text/html; charset=utf-8");
    assert!(
        html.text.contains("<h1>No such zone</h1>") && html.text.contains("What to do."),
        "{}",
        html.text
    );
    let markdown = ask("text/markdown").send().await;
    assert_eq!(markdown.header("content-type"), "text/markdown; charset=utf-8");
    assert!(markdown.text.starts_with("# No such zone\n"), "{}", markdown.text);
    let plain = ask("*/*").send().await;
    assert_eq!(plain.header("content-type"), "text/plain; charset=utf-8");
    let list = fixture.ask("GET", "/problems").without_token().send().await;
    assert!(list.text.contains("(/problems/no-such-zone)"), "{}", list.text);
    fixture.get("/problems/none").await.problem(404);
    fixture.get("/problems/%3Cscript%3E").await.problem(404);
}

/// The words of all problems that the code makes, as far as their form tells them from other texts: what `Problem::new` and
/// its like are given, and what a match over errors says beside a status, or as a `word`.
fn words_in_code() -> BTreeSet<String> {
    const FORMS: [&str; 4] = [
        r#"(?:Problem|Self)::new\( ?(?:StatusCode::\w+|status), "([a-z0-9-]+)""#,
        r#"(?:not_found|unavailable|unauthorized_as)\( ?"([a-z0-9-]+)""#,
        r#"\( ?StatusCode::\w+, "([a-z0-9-]+)",? ?\)"#,
        r#"let (?:\(status, )?word\)? = match [^;]*?;"#,
    ];
    let arm = Regex::new(r#"=> "([a-z0-9-]+)""#).unwrap();
    let forms = FORMS.map(|form| Regex::new(form).unwrap());
    let mut words = BTreeSet::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for found in forms.iter().flat_map(|form| form.captures_iter(&text)) {
            match found.get(1) {
                Some(word) => drop(words.insert(word.as_str().to_owned())),
                None => words.extend(arm.captures_iter(&found[0]).map(|found| found[1].to_owned())),
            }
        }
    }
    words
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| sources(folder));
    below
        .chain(files.into_iter().filter(|file| file.extension().is_some_and(|end| end == "rs")))
        .collect()
}

#[tokio::test]
async fn every_problem_that_the_code_can_make_has_its_page() {
    let fixture = Fixture::new().await;
    let words = words_in_code();
    assert!(words.len() > 60, "the forms find few: {words:?}");
    let mut lacking = Vec::new();
    for word in &words {
        if !fixture.get(&format!("/problems/{word}")).await.status.is_success() {
            lacking.push(word);
        }
    }
    assert!(lacking.is_empty(), "docs/problems.md needs a section for each of {lacking:?}");
}
