//! Who did what, found again.

use serde_json::{Value, json};

use crate::fixture::{Fixture, ZONE};

async fn found(fixture: &Fixture, query: &str) -> Vec<String> {
    let page = fixture.get(&format!("/v1/audit?{query}")).await;
    let text = |record: &Value| {
        let name = |name: &str| record[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", name("action"), name("subject"), name("actor"))
    };
    page.ok()["records"].as_array().unwrap().iter().map(text).collect()
}

/// Newcomer A3: "who delisted X in March" meant paging through all.
#[tokio::test]
async fn audit_records_are_found_by_zone_subject_actor_and_time() {
    let fixture = Fixture::new().await;
    fixture.put_zone("/v1/zones/dbl.example.org", "domain").await;
    let feed = fixture.mint("feed", &["listings:write"]);
    fixture.list("192.0.2.1", json!({})).await;
    let put =
        |subject: &str| fixture.ask_as(&feed, "PUT", &format!("{ZONE}/listings/{subject}")).send();
    put("192.0.2.1").await.ok();
    put("192.0.2.0_24").await.ok();
    fixture.put("/v1/zones/dbl.example.org/listings/spam.example.com", json!({})).await.ok();
    let path = format!("{ZONE}/listings/192.0.2.1");
    assert_eq!(fixture.delete(&path).await.status, 204);

    let one = ["delete 192.0.2.1 admin", "put 192.0.2.1 feed", "put 192.0.2.1 admin"];
    assert_eq!(found(&fixture, "subject=192.0.2.1").await, one);
    assert_eq!(found(&fixture, "subject=::ffff:192.0.2.1&action=delete").await, one[..1]);
    for written in ["192.0.2.0%2F24", "192.0.2.0_24"] {
        let query = format!("subject={written}");
        assert_eq!(found(&fixture, &query).await, ["put 192.0.2.0/24 feed"]);
    }
    let domains = ["put spam.example.com admin", "zone-put - admin"];
    assert_eq!(found(&fixture, "zone=DBL.example.org").await, domains);
    let by_feed = ["put 192.0.2.0/24 feed", "put 192.0.2.1 feed"];
    assert_eq!(found(&fixture, "actor=feed").await, by_feed);
    let tokens = fixture.get("/v1/tokens").await;
    let tokens = tokens.json["tokens"].as_array().unwrap().clone();
    let id = tokens.iter().find(|token| token["name"] == "feed").unwrap()["id"].clone();
    assert_eq!(found(&fixture, &format!("actor={}", id.as_str().unwrap())).await, by_feed);
    assert_eq!(found(&fixture, "source=feed&zone=bl.example.org").await, by_feed);
    assert_eq!(found(&fixture, "subject=feed").await, ["token-put feed dnsbl-server"]);

    let all = found(&fixture, "").await.len();
    let now = jiff::Timestamp::now();
    let time = |hours: i64| (now + jiff::SignedDuration::from_hours(hours)).to_string();
    assert_eq!(found(&fixture, &format!("from={}&to={}", time(-1), time(1))).await.len(), all);
    assert!(found(&fixture, &format!("from={}", time(1))).await.is_empty());
    assert!(found(&fixture, &format!("to={}", time(-1))).await.is_empty());
    fixture.get("/v1/audit?from=yesterday").await.problem(400);
    fixture.get("/v1/audit?zone=a..b").await.problem(400);
}

/// The description said application/json, and the answers are something else.
#[tokio::test]
async fn errors_are_described_with_their_media_type() {
    let fixture = Fixture::new().await;
    let described = fixture.get("/openapi.json").await;
    let mut count = 0;
    for operations in described.ok()["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            let Some(errors) = operation["responses"].get("default") else { continue };
            let kinds: Vec<&String> = errors["content"].as_object().unwrap().keys().collect();
            assert_eq!(kinds, ["application/problem+json"], "{}", operation["operationId"]);
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

/// The words of a failure named files to whoever asked.
#[tokio::test]
async fn only_a_token_is_told_what_exactly_failed() {
    let fixture = Fixture::new().await;
    let stranger = fixture.ask_as("", "GET", "/readyz").send().await;
    assert_eq!(
        (&stranger.json["detail"], stranger.text.contains("/secret")),
        (&Value::Null, false)
    );
    let holder = fixture.get("/readyz").await;
    assert_eq!(holder.json["detail"], "/secret");
    assert_eq!(holder.json["version"], env!("CARGO_PKG_VERSION"));
    assert!(holder.json["uptime_seconds"].is_u64() && holder.json["started_at"].is_string());
}
