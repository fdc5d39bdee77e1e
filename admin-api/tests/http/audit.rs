//! `/v1/audit`: who did what, found again.

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

#[tokio::test]
async fn audit_records_come_newest_first_and_in_pages() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.1", json!({})).await;
    fixture.list("192.0.2.2", json!({})).await;
    let mut seqs = Vec::new();
    let mut query = "limit=3".to_owned();
    loop {
        let page = fixture.get(&format!("/v1/audit?{query}")).await;
        let records = page.ok()["records"].as_array().unwrap().clone();
        seqs.extend(records.iter().map(|record| record["seq"].as_u64().unwrap()));
        if records.first().is_some_and(|record| record["seq"] == 4) {
            assert_eq!(records[0]["actor"], "admin");
            assert_eq!(records[0]["action"], "put");
            assert_eq!(records[0]["subject"], "192.0.2.2");
        }
        match page.json["next"].as_u64() {
            Some(next) => query = format!("limit=3&before={next}"),
            None => break,
        }
    }
    assert_eq!(seqs, [4, 3, 2, 1]);
    fixture.get("/v1/audit?limit=0").await.problem(400);
    fixture.get("/v1/audit?page=1").await.problem(400);
}
