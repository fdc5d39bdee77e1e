//! Searches and exports where there is much to look through, and requests that rest on the clock.

use std::time::Duration;

use admin_api::Limits;
use serde_json::{Value, json};

use crate::fixture::{Fixture, ZONE};

/// Addresses as an import takes them.
fn rows(count: u32) -> String {
    (0..count).map(|n| format!("{}\n", std::net::Ipv4Addr::from(0x0800_0000 + n))).collect()
}

async fn fixture(limits: &Limits) -> Fixture {
    let fixture = Fixture::with(limits, true);
    fixture.put_zone(ZONE, "ip").await;
    fixture
}

/// Durability F10: a search that found little was never answered at 100 M.
#[tokio::test]
async fn a_search_answers_with_what_it_has_found_and_where_it_goes_on() {
    let limits = Limits { search_slice: Duration::ZERO, ..Limits::default() };
    let fixture = fixture(&limits).await;
    let row = |n: u32| {
        let tags: &[&str] = if n.is_multiple_of(900) { &["rare"] } else { &[] };
        let subject = std::net::Ipv4Addr::from(0x0800_0000 + n);
        json!({"subject": subject, "note": "x", "tags": tags}).to_string()
    };
    let body: Vec<String> = (0..2000).map(row).collect();
    fixture.import("format=ndjson&source=feed", body.join("\n")).await.ok();
    let (mut found, mut empty, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = fixture.get(&format!("{ZONE}/listings?tag=rare&limit=10{cursor}")).await;
        let page = page.ok();
        let listings = page["listings"].as_array().unwrap();
        empty += usize::from(listings.is_empty());
        found.extend(listings.iter().map(|listing| listing["subject"].clone()));
        match &page["next"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            next => {
                assert!(next.is_null());
                break;
            }
        }
    }
    assert_eq!(found, ["8.0.0.0", "8.0.3.132", "8.0.7.8"]);
    assert!(empty > 2, "a page may be empty while there are more: {empty}");
}

/// Durability F10: eight searches of one token used up all places.
#[tokio::test]
async fn exports_of_one_token_leave_places_to_others_and_end_with_their_readers() {
    let limits = Limits { max_scans_per_token: 2, ..Limits::default() };
    let fixture = fixture(&limits).await;
    fixture.import("format=plain&source=feed", rows(100_000)).await.ok();
    let one = fixture.mint("one", &["listings:read"]);
    let other = fixture.mint("other", &["listings:read"]);
    let export = format!("{ZONE}/export?format=csv");
    let search = format!("{ZONE}/listings?limit=1");
    let mut held = vec![fixture.open(&one, &export).await, fixture.open(&one, &export).await];
    assert!(held.iter().all(|export| export.status() == 200));
    for path in [&export, &search] {
        let refused = fixture.ask_as(&one, "GET", path).send().await;
        let problem = refused.problem(429);
        assert!(problem["detail"].as_str().unwrap().contains("of this token"), "{problem}");
        assert!(!refused.header("retry-after").is_empty());
    }
    fixture.ask_as(&other, "GET", &search).send().await.ok();
    assert_eq!(fixture.host.refused(), [("one".to_owned(), 429), ("one".to_owned(), 429)]);
    drop(held.pop());
    // The thread that reads learns of it with the next piece that it sends.
    while fixture.ask_as(&one, "GET", &search).send().await.status == 429 {
        tokio::task::yield_now().await;
    }
}

/// Field case 38: what was listed for an hour in 1972 was gone once the clock was right.
#[tokio::test]
async fn what_rests_on_a_clock_in_doubt_is_refused_in_words() {
    let fixture = Fixture::new().await;
    *fixture.host.doubt.lock().unwrap() = Some(("the clock stepped forward by 9 s".into(), 120));
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
    *fixture.host.doubt.lock().unwrap() = None;
    fixture.list("192.0.2.1", json!({"expires_in": 3600})).await;
}

#[tokio::test]
async fn refusals_are_counted_by_token() {
    let fixture = Fixture::new().await;
    let reader = fixture.mint("reader", &["zones:read"]);
    fixture.ask_as("dnsbl_0000_none", "GET", "/v1/zones").send().await.problem(401);
    fixture.ask_as(&reader, "GET", &format!("{ZONE}/listings")).send().await.problem(403);
    fixture.ask_as(&reader, "GET", "/v1/zones").send().await.ok();
    assert_eq!(fixture.host.refused(), [(String::new(), 401), ("reader".to_owned(), 403)]);
}
