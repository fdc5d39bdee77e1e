//! `/v1/zones/{zone}/listings`: searches, page by page, also where there is much to look through.

use std::time::Duration;

use admin_api::Limits;
use serde_json::{Value, json};

use crate::fixture::{Fixture, ZONE};

#[tokio::test]
async fn pages_hold_every_listing_once() {
    let fixture = Fixture::new().await;
    for i in 1..=7 {
        fixture
            .list(
                &format!("192.0.2.{i}"),
                json!({"tags": [if i % 2 == 0 { "even" } else { "odd" }]}),
            )
            .await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = fixture.get(&format!("{ZONE}/listings?limit=3{cursor}")).await;
        let listings = page.ok()["listings"].as_array().unwrap().clone();
        seen.extend(listings.iter().map(|l| l["subject"].as_str().unwrap().to_owned()));
        match page.json["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (1..=7).map(|i| format!("192.0.2.{i}")).collect::<Vec<_>>());
    let even = fixture.get(&format!("{ZONE}/listings?tag=even&source=admin")).await;
    assert_eq!(even.json["listings"].as_array().unwrap().len(), 3);
    for query in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "cursor=zz",
        "match=exact",
        "subject=x%20",
        "colour=1",
        "subject=1.2.3.4&match=near",
    ] {
        fixture.get(&format!("{ZONE}/listings?{query}")).await.problem(400);
    }
}

#[tokio::test]
async fn searches_tell_what_covers_and_what_is_covered() {
    let fixture = Fixture::new().await;
    for subject in ["192.0.2.0%2F24", "192.0.2.0%2F25", "192.0.2.1", "8.8.8.8"] {
        fixture.list(subject, json!({})).await;
    }
    for (kind, expected) in [
        ("exact", vec!["192.0.2.0/25"]),
        ("covering", vec!["192.0.2.0/24", "192.0.2.0/25"]),
        ("covered", vec!["192.0.2.0/25", "192.0.2.1"]),
        ("overlap", vec!["192.0.2.0/24", "192.0.2.0/25", "192.0.2.1"]),
    ] {
        let page =
            fixture.get(&format!("{ZONE}/listings?subject=192.0.2.0%2F25&match={kind}")).await;
        let listings = page.ok()["listings"].as_array().unwrap();
        let mut found: Vec<&str> =
            listings.iter().map(|l| l["subject"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{kind}");
    }
}

/// Durability F10: a search that found little was never answered at 100 M.
#[tokio::test]
async fn a_search_answers_with_what_it_has_found_and_where_it_goes_on() {
    let limits = Limits { search_slice: Duration::ZERO, ..Limits::default() };
    let fixture = Fixture::limited(&limits).await;
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
