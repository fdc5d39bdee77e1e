//! `/v1/check`: what DNS would answer.

use serde_json::{Value, json};

use crate::fixture::Fixture;

#[tokio::test]
async fn a_check_answers_as_dns_would() {
    let fixture = Fixture::new().await;
    fixture.put_zone("/v1/zones/dbl.example.org", "domain").await;
    fixture.list("192.0.2.0%2F24", json!({"reason": "see $"})).await;
    fixture.list("192.0.2.9", json!({"exclusion": true})).await;
    fixture.put("/v1/zones/dbl.example.org/listings/*.spam.example", json!({})).await.ok();
    let subjects = [
        "192.0.2.1",
        "192.0.2.9",
        "127.0.0.2",
        "127.0.0.1",
        "192.0.2.0/25",
        "192.0.2.9/32",
        "a.spam.example",
        "spam.example",
        "test",
    ];
    let answer = fixture.post("/v1/check", json!({"subjects": subjects})).await;
    let results = answer.ok()["results"].as_array().unwrap();
    let listed: Vec<bool> = results.iter().map(|r| r["listed"].as_bool().unwrap()).collect();
    assert_eq!(listed, [true, false, true, false, true, false, true, false, true]);
    assert_eq!(results[0]["reasons"], json!(["see 192.0.2.1"]));
    assert_eq!(results[0]["by"], "192.0.2.0/24");
    assert_eq!(results[2]["by"], Value::Null);
    assert_eq!(results[4]["reasons"], json!(["see 192.0.2.0/25"]));
    assert_eq!(results[6]["by"], "*.spam.example");
    assert_eq!(results[6]["zone"], "dbl.example.org");
    let check = |body: Value| fixture.post("/v1/check", body);
    check(json!({"subjects": vec!["192.0.2.1"; 1001]})).await.problem(422);
    check(json!({"subjects": ["192.0.2.1"], "zones": ["nowhere.example"]})).await.problem(404);
    check(json!({"subjects": ["192.0.2.1"], "zones": ["dbl.example.org"]})).await.problem(422);
    let wrong = check(json!({"subjects": ["192.0.2.1", "300.1.1.1"]})).await;
    assert!(wrong.problem(400)["detail"].as_str().unwrap().starts_with("subjects[1]"));
}

/// Newcomer A2: where an exclusion decides, `check` named nothing.
#[tokio::test]
async fn a_check_names_the_exclusion_that_decides_and_the_sources() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.0%2F24?source=drop", json!({})).await;
    fixture.list("192.0.2.64%2F26?source=friend", json!({"exclusion": true})).await;
    fixture.list("192.0.2.9?source=b", json!({})).await;
    fixture.list("192.0.2.9?source=a", json!({})).await;
    let subjects =
        ["192.0.2.77", "192.0.2.9", "192.0.2.1", "198.51.100.1", "127.0.0.1", "127.0.0.2"];
    let answer = fixture.post("/v1/check", json!({"subjects": subjects})).await;
    let rows = answer.ok()["results"].as_array().unwrap();
    let row = |i: usize| {
        let names = ["listed", "by", "excluded", "sources"];
        names.map(|name| rows[i][name].clone())
    };
    let told = |listed: bool, by: Option<&str>, excluded: bool, sources: &[&str]| {
        [json!(listed), json!(by), json!(excluded), json!(sources)]
    };
    assert_eq!(row(0), told(false, Some("192.0.2.64/26"), true, &["friend"]));
    assert_eq!(row(1), told(true, Some("192.0.2.9"), false, &["a", "b"]));
    assert_eq!(row(2), told(true, Some("192.0.2.0/24"), false, &["drop"]));
    assert_eq!(row(3), told(false, None, false, &[]));
    assert_eq!(row(4), told(false, None, false, &[]));
    assert_eq!(row(5), told(true, None, false, &[]));
}

#[tokio::test]
async fn a_check_of_a_combined_zone_names_the_zones_that_list_it() {
    let fixture = Fixture::new().await;
    fixture.put_zone("/v1/zones/relays.example.org", "ip").await;
    let relays =
        json!({"zone": "relays.example.org", "return_codes": ["127.0.0.9"], "reason": "relay $"});
    let body = json!({"kind": "ip", "ns": ["ns1.example.net."], "reason": "all: $",
        "includes": [{"zone": "bl.example.org"}, relays]});
    fixture.put("/v1/zones/all.example.org", body).await.ok();
    let put = async |zone: &str, subject: &str, body: Value| {
        fixture.put(&format!("/v1/zones/{zone}/listings/{subject}"), body).await.ok();
    };
    put("bl.example.org", "192.0.2.1?source=a", json!({"reason": "spam"})).await;
    put("relays.example.org", "192.0.2.0_24?source=b", json!({})).await;
    put("all.example.org", "192.0.2.1?source=c", json!({"exclusion": true})).await;
    put("all.example.org", "192.0.2.2?source=c", json!({})).await;
    put("relays.example.org", "192.0.2.3?source=b", json!({"exclusion": true})).await;
    let subjects =
        ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.0/25", "127.0.0.2", "198.51.100.1"];
    let check = json!({"subjects": subjects, "zones": ["all.example.org"]});
    let answer = fixture.post("/v1/check", check).await;
    let rows = answer.ok()["results"].as_array().unwrap();
    let told = |i: usize| {
        let names = ["listed", "return_codes", "reasons", "by", "sources", "listed_in"];
        Value::Array(names.map(|name| rows[i][name].clone()).to_vec())
    };
    let (bl, relays, all) = ("bl.example.org", "relays.example.org", "all.example.org");
    assert_eq!(
        told(0),
        json!([
            true,
            ["127.0.0.2", "127.0.0.9"],
            ["spam", "relay 192.0.2.1"],
            "192.0.2.1",
            ["a", "b"],
            [bl, relays]
        ])
    );
    assert_eq!(
        told(1),
        json!([
            true,
            ["127.0.0.2", "127.0.0.9"],
            ["all: 192.0.2.2", "relay 192.0.2.2"],
            "192.0.2.2",
            ["b", "c"],
            [all, relays]
        ])
    );
    assert_eq!(told(2), json!([false, [], [], "192.0.2.3", ["b"], null]));
    assert_eq!(rows[2]["excluded"], true);
    assert_eq!(
        told(3),
        json!([true, ["127.0.0.9"], ["relay 192.0.2.0/25"], "192.0.2.0/24", ["b"], [relays]])
    );
    assert_eq!(told(4)[5], json!([all, bl, relays]));
    assert_eq!(told(5), json!([false, [], [], null, [], null]));
    // A deletion tells that another zone goes on listing it.
    let gone = fixture.delete("/v1/zones/all.example.org/listings/192.0.2.2?source=c").await;
    assert_eq!(gone.header("dnsbl-still-listed"), r#""192.0.2.2";zone="relays.example.org""#);
    let absent = fixture.get("/v1/zones/all.example.org/listings/192.0.2.2").await;
    assert_eq!(absent.problem(404)["included"], json!([relays]));
}
