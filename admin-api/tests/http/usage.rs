//! What subscribers asked, by day and zone.

use dnsbl_store::{Spent, UsageRow};
use dnsbl_types::{Day, SubscriberId, Usage};
use serde_json::json;

use crate::fixture::Fixture;

/// 2030-01-01.
const DAY: u32 = 21_915;

fn row(day: u32, subscriber: u64, zone: &str, questions: u64) -> UsageRow {
    let usage = Usage { questions, listed: 2, refused: 1 };
    let zone = zone.parse().unwrap();
    UsageRow { day: Day(day), subscriber: SubscriberId(subscriber), zone, usage }
}

async fn used() -> Fixture {
    let fixture = Fixture::new().await;
    let spent = Spent { day: Day(DAY), subscribers: vec![], others: vec![] };
    let rows = [
        row(DAY, 1, "a.example.org", 10),
        row(DAY, 1, "b.example.org", 20),
        row(DAY, 2, "a.example.org", 100),
        row(DAY + 1, 1, "a.example.org", 5),
        row(DAY + 40, 1, "a.example.org", 7),
    ];
    fixture.store.add_usage(&rows, &spent).unwrap();
    fixture
}

const JANUARY: &str = "from=2030-01-01&to=2030-01-31";

#[tokio::test]
async fn a_subscriber_has_its_usage_by_day_and_zone() {
    let fixture = used().await;
    let path = format!("/v1/subscribers/0000000000000001/usage?{JANUARY}");
    let usage = fixture.get(&path).await.ok().clone();
    assert_eq!(
        usage,
        json!({
            "subscriber": "0000000000000001",
            "from": "2030-01-01",
            "to": "2030-01-31",
            "total": {"questions": 35, "listed": 6, "refused": 3},
            "days": [
                {"day": "2030-01-01", "zone": "a.example.org", "questions": 10, "listed": 2, "refused": 1},
                {"day": "2030-01-01", "zone": "b.example.org", "questions": 20, "listed": 2, "refused": 1},
                {"day": "2030-01-02", "zone": "a.example.org", "questions": 5, "listed": 2, "refused": 1},
            ],
        })
    );
    let other = "/v1/subscribers/0000000000000003/usage?from=2030-01-01&to=2030-01-31";
    fixture.get(other).await.problem(404);
    let long = "/v1/subscribers/0000000000000001/usage?from=2030-01-01&to=2031-12-31";
    fixture.get(long).await.problem(400);
}

#[tokio::test]
async fn all_subscribers_are_added_up_and_the_first_ones_named() {
    let fixture = used().await;
    let usage = fixture.get(&format!("/v1/usage?{JANUARY}&limit=1")).await.ok().clone();
    assert_eq!(usage["total"], json!({"questions": 135, "listed": 8, "refused": 4}));
    assert_eq!(usage["days"].as_array().unwrap().len(), 3);
    assert_eq!(usage["days"][0]["questions"], 110);
    assert_eq!(
        usage["subscribers"],
        json!([{"subscriber": "0000000000000002", "questions": 100, "listed": 2, "refused": 1}])
    );
    let of_zone = format!("/v1/usage?{JANUARY}&zone=B.example.org");
    assert_eq!(fixture.get(&of_zone).await.ok()["total"]["questions"], 20);
}

#[tokio::test]
async fn usage_and_who_asks_most_take_a_scope() {
    let fixture = used().await;
    let other = fixture.mint("reader", &["zones:read", "metrics:read"]);
    for path in ["/v1/usage", "/v1/subscribers/0000000000000001/usage", "/v1/top"] {
        fixture.ask_as(&other, "GET", path).send().await.problem(403);
    }
    let reader = fixture.mint("usage", &["subscribers:read"]);
    let top = fixture.ask_as(&reader, "GET", "/v1/top?by=client").send().await.ok().clone();
    assert_eq!(top["entries"], json!([]));
    fixture.get("/v1/top?day=tomorrow").await.problem(400);
}
