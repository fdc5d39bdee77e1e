//! `/v1/zones/{zone}/listings` and `/v1/search`: searches, page by page, also where there is much to look through.

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

const OTHER: &str = "/v1/zones/other.example.org";

/// What a search finds, as zone and subject.
async fn found(fixture: &Fixture, query: &str) -> Vec<String> {
    let page = fixture.get(&format!("/v1/search?{query}")).await;
    let listings = page.ok()["listings"].as_array().unwrap();
    assert!(page.json["next"].is_null(), "{}", page.text);
    let name = |listing: &Value| {
        let zone = listing["zone"].as_str().unwrap().split('.').next().unwrap();
        format!("{zone} {}", listing["subject"].as_str().unwrap())
    };
    listings.iter().map(name).collect()
}

#[tokio::test]
async fn a_search_finds_in_several_zones_by_all_that_a_listing_says() {
    let fixture = Fixture::new().await;
    fixture.put_zone(OTHER, "ip").await;
    fixture.put_zone("/v1/zones/names.example.org", "domain").await;
    let phishing = json!({"reason": "Sends Phishing, see $", "return_codes": ["127.0.0.4"],
        "expires_in": 3600, "tags": ["mail"]});
    fixture.list("192.0.2.1", phishing).await;
    fixture.list("192.0.2.2", json!({"expires_in": 7200})).await;
    fixture.list("192.0.2.2?source=else", json!({"exclusion": true})).await;
    fixture.put(&format!("{OTHER}/listings/192.0.2.0_24"), json!({})).await.ok();
    let names = "/v1/zones/names.example.org/listings/mail.example.com";
    fixture.put(names, json!({})).await.ok();
    let bob = fixture.mint("bob", &["listings:write", "sources:all"]);
    let by_bob = fixture.ask_as(&bob, "PUT", &format!("{OTHER}/listings/192.0.2.9?source=admin"));
    by_bob.json(&json!({})).send().await.ok();
    let [soon, later] = [1800, 5400].map(|seconds| {
        let at = dnsbl_types::UnixTime::now().plus(seconds);
        jiff::Timestamp::from_second(at.0 as i64).unwrap().to_string()
    });
    for (query, expected) in [
        ("subject=192.0.2.1&match=covering", vec!["bl 192.0.2.1", "other 192.0.2.0/24"]),
        ("subject=192.0.2.1", vec!["bl 192.0.2.1"]),
        ("subject=192.0.2.0/24&match=covered&kind=exclusion", vec!["bl 192.0.2.2"]),
        ("subject=mail.example.com", vec!["names mail.example.com"]),
        ("subject=192.0.2.0/31&match=overlap", vec!["bl 192.0.2.1", "other 192.0.2.0/24"]),
        ("reason=PHISHING", vec!["bl 192.0.2.1"]),
        ("reason=phishing&tag=none", vec![]),
        ("code=127.0.0.4", vec!["bl 192.0.2.1"]),
        ("code=127.0.0.2&zone=bl.example.org", vec!["bl 192.0.2.2"]),
        ("author=bob", vec!["other 192.0.2.9"]),
        ("author=admin&zone=other.example.org", vec!["other 192.0.2.0/24"]),
        ("source=else", vec!["bl 192.0.2.2"]),
        ("tag=mail", vec!["bl 192.0.2.1"]),
        ("never_expires=1&zone=bl.example.org", vec!["bl 192.0.2.2"]),
        ("zone=other.example.org,bl.example.org&code=127.0.0.4", vec!["bl 192.0.2.1"]),
        (&format!("expires_until={later}"), vec!["bl 192.0.2.1"]),
        (&format!("expires_from={later}"), vec!["bl 192.0.2.2"]),
        (&format!("expires_from={soon}&expires_until={later}"), vec!["bl 192.0.2.1"]),
        (&format!("changed_from={soon}"), vec![]),
        (&format!("listed_until={soon}&author=bob"), vec!["other 192.0.2.9"]),
    ] {
        assert_eq!(found(&fixture, query).await, expected, "{query}");
        let counted = fixture.get(&format!("/v1/search?{query}&count=1")).await;
        let whole = json!({"count": expected.len(), "exact": true, "next": null});
        assert_eq!(*counted.ok(), whole, "{query}");
    }
    assert_eq!(fixture.get("/v1/search?count=1").await.ok()["count"], 6);
    for query in [
        "match=covered",
        "limit=0",
        "colour=1",
        "code=1.2.3.4",
        "reason=",
        "kind=x",
        "count=x",
        "listed_from=yesterday",
        "never_expires=1&expires_from=2030-01-01T00:00:00Z",
        "cursor=zz",
        "zone=",
    ] {
        fixture.get(&format!("/v1/search?{query}")).await.problem(400);
    }
    fixture.get("/v1/search?zone=absent.example.org").await.problem(404);
}

/// Pages go over the ends of zones, and each request does something, however little time it has.
#[tokio::test]
async fn pages_and_counts_of_several_zones_go_on_at_their_cursors() {
    let limits = Limits { search_slice: Duration::ZERO, ..Limits::default() };
    let fixture = Fixture::limited(&limits).await;
    fixture.put_zone(OTHER, "ip").await;
    fixture.put_zone("/v1/zones/empty.example.org", "ip").await;
    for i in 1..=3 {
        fixture.list(&format!("192.0.2.{i}"), json!({})).await;
        fixture.put(&format!("{OTHER}/listings/192.0.2.{i}"), json!({})).await.ok();
    }
    for limit in [1, 2, 3, 4, 100] {
        let (mut seen, mut count, mut cursor) = (Vec::new(), 0, String::new());
        loop {
            let page = fixture.get(&format!("/v1/search?limit={limit}{cursor}")).await;
            let listings = page.ok()["listings"].as_array().unwrap();
            assert!(listings.len() <= limit);
            seen.extend(
                listings.iter().map(|found| format!("{} {}", found["zone"], found["subject"])),
            );
            let Some(next) = page.json["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen.len(), 6, "{limit}: {seen:?}");
        assert!(seen.is_sorted(), "{seen:?}");
        cursor.clear();
        loop {
            let counted = fixture.get(&format!("/v1/search?count=1&source=admin{cursor}")).await;
            count += counted.ok()["count"].as_u64().unwrap();
            assert_eq!(counted.json["exact"], counted.json["next"].is_null());
            let Some(next) = counted.json["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(count, 6);
    }
}

#[tokio::test]
async fn a_search_leaves_out_allow_zones_unless_they_are_named_by_who_may_see_them() {
    let fixture = Fixture::new().await;
    let allow = json!({"kind": "allow", "ns": ["ns1.example.net."]});
    fixture.put("/v1/zones/pop.example.org", allow).await.ok();
    fixture.list("192.0.2.1", json!({})).await;
    assert_eq!(found(&fixture, "subject=192.0.2.1").await, ["bl 192.0.2.1"]);
    assert_eq!(found(&fixture, "zone=pop.example.org").await, Vec::<String>::new());
    let reader = fixture.mint("reader", &["listings:read"]);
    let named = fixture.ask_as(&reader, "GET", "/v1/search?zone=pop.example.org").send().await;
    named.problem(403);
}
