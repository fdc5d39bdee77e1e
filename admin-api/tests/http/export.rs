//! `/v1/zones/{zone}/export`.

use admin_api::Limits;
use serde_json::{Value, json};

use crate::fixture::{Fixture, ZONE, addresses, counts};

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.0%2F24", json!({"return_codes": ["127.0.0.3"], "reason": "=1+1 $", "tags": ["a;b", "c\\d", "-x"], "note": "two\nlines, \"quoted\""})).await;
    fixture.list("192.0.2.1", json!({"exclusion": true})).await;
    fixture
        .put(&format!("{ZONE}/listings/192.0.2.1?source=other"), json!({"expires_in": 600}))
        .await
        .ok();
    fixture.list("2001:db8::1", json!({})).await;
    let plain = fixture.get(&format!("{ZONE}/export")).await;
    assert_eq!(plain.text, "192.0.2.0/24\n!192.0.2.1\n2001:db8::1\n");
    assert!(!plain.header("dnsbl-seq").is_empty());
    fixture.put_zone("/v1/zones/copy.example.org", "ip").await;
    for format in ["csv", "ndjson"] {
        let export = fixture.get(&format!("{ZONE}/export?format={format}&source=admin")).await;
        export.headers.get("content-type").unwrap();
        if format == "csv" {
            assert!(export.text.contains("'=1+1"), "{}", export.text);
        }
        let path = format!("/v1/zones/copy.example.org/import?format={format}&source={format}");
        let answer = fixture.ask("POST", &path).body(export.text).send().await;
        assert_eq!(counts(answer.ok()), [3, 0, 0, 0, 0], "{}", answer.text);
        for subject in ["192.0.2.0%2F24", "192.0.2.1", "2001:db8::1"] {
            let of = async |zone: &str, source: &str| {
                let answer =
                    fixture.get(&format!("{zone}/listings/{subject}?source={source}")).await;
                let listing = answer.ok()["listings"][0].clone();
                ["return_codes", "reason", "exclusion", "tags", "note"]
                    .map(|name| listing[name].clone())
            };
            assert_eq!(of(ZONE, "admin").await, of("/v1/zones/copy.example.org", format).await);
        }
    }
    let other = fixture.get(&format!("{ZONE}/export?format=ndjson&source=other")).await;
    let listing: Value = serde_json::from_str(&other.text).unwrap();
    assert!(listing["expires_at"].is_string());
    fixture.get(&format!("{ZONE}/export?format=bind")).await.problem(501);
    fixture.get("/v1/zones/nowhere.example/export").await.problem(404);
}

#[tokio::test]
async fn large_exports_are_whole() {
    let fixture = Fixture::new().await;
    let body: String = (0..30_000u32)
        .map(|i| format!("{}\n", std::net::Ipv4Addr::from(0x0808_0000 + i)))
        .collect();
    assert_eq!(counts(fixture.import("format=plain", body.clone()).await.ok())[0], 30_000);
    assert_eq!(fixture.get(&format!("{ZONE}/export")).await.text, body);
}

/// Durability F10: eight searches of one token used up all places.
#[tokio::test]
async fn exports_of_one_token_leave_places_to_others_and_end_with_their_readers() {
    let limits = Limits { max_scans_per_token: 2, ..Limits::default() };
    let fixture = Fixture::limited(&limits).await;
    fixture.import("format=plain&source=feed", addresses(100_000)).await.ok();
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
    assert_eq!(fixture.server.refused(), [("one".to_owned(), 429), ("one".to_owned(), 429)]);
    drop(held.pop());
    // The thread that reads learns of it with the next piece that it sends.
    while fixture.ask_as(&one, "GET", &search).send().await.status == 429 {
        tokio::task::yield_now().await;
    }
}
