//! `/v1/zones/{zone}/import`.

use async_compression::tokio::bufread::{GzipEncoder, ZstdEncoder};
use axum::body::Body;
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use crate::fixture::{Fixture, ZONE, counts};

async fn subjects(fixture: &Fixture) -> Vec<String> {
    let page = fixture.get(&format!("{ZONE}/listings?limit=1000")).await;
    let listings = page.ok()["listings"].as_array().unwrap().clone();
    listings.iter().map(|l| l["subject"].as_str().unwrap().to_owned()).collect()
}

fn rows(count: u32) -> String {
    (0..count).map(|i| format!("203.0.{}.{}\n", 113, i % 256)).collect()
}

#[tokio::test]
async fn plain_text_is_imported_and_what_is_wrong_is_told() {
    let fixture = Fixture::new().await;
    let body = "\u{feff}# head\r\n192.0.2.1 x\r\n!192.0.2.2\r\n10.0.0.1\r\n192.0.2.1/23\r\n127.0.0.2\r\n192.0.2.1\r\n";
    let answer = fixture.import("format=plain", body).await;
    assert_eq!(counts(answer.ok()), [2, 0, 2, 0, 2]);
    let lines: Vec<u64> = answer.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [4, 5]);
    assert_eq!(answer.json["seq"].to_string(), answer.header("dnsbl-seq"));
    assert!(answer.json["id"].is_string());
    assert_eq!(subjects(&fixture).await, ["192.0.2.1", "192.0.2.2"]);
    let lifted = fixture.import("format=plain&override=special-use", "10.0.0.1").await;
    assert_eq!(counts(lifted.ok()), [1, 0, 0, 0, 0]);
    let never = fixture.import("format=plain&override=special-use", "127.0.0.1\n!127.0.0.1").await;
    assert_eq!(counts(never.ok()), [0, 0, 1, 0, 1]);
}

#[tokio::test]
async fn no_more_than_a_thousand_errors_are_listed_and_all_are_counted() {
    let fixture = Fixture::new().await;
    let answer = fixture.import("format=plain", "10.0.0.1\n".repeat(1500)).await;
    assert_eq!(counts(answer.problem(422)), [0, 0, 0, 0, 1500]);
    assert_eq!(answer.json["errors"].as_array().unwrap().len(), 1000);
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let fixture = Fixture::new().await;
    let answer = fixture.import("format=plain&dry_run=1", "192.0.2.1").await;
    assert_eq!(counts(answer.ok()), [1, 0, 0, 0, 0]);
    assert!(subjects(&fixture).await.is_empty());
    fixture.import("format=plain&dry_run=maybe", "192.0.2.1").await.problem(400);
}

#[tokio::test]
async fn csv_and_ndjson_carry_all_fields() {
    let fixture = Fixture::new().await;
    let csv = "subject,return_codes,tags,note,expires_in\n192.0.2.1,127.0.0.3;127.0.0.4,a;b,\"x, y\",600\n192.0.2.2,,,,\n192.0.2.3,1.2.3.4,,,\n";
    assert_eq!(counts(fixture.import("format=csv&source=feed", csv).await.ok()), [2, 0, 0, 0, 1]);
    let listing =
        fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await.json["listings"][0].clone();
    assert_eq!(listing["return_codes"], json!(["127.0.0.3", "127.0.0.4"]));
    assert_eq!((&listing["note"], &listing["source"]), (&json!("x, y"), &json!("feed")));
    assert!(listing["expires_at"].is_string());
    fixture.import("format=csv", "subject,colour\n192.0.2.1,red").await.problem(400);
    let ndjson =
        "{\"subject\":\"192.0.2.9\",\"reason\":\"r\"}\n{\"subject\":\"192.0.2.8\",\"colour\":1}\n";
    assert_eq!(counts(fixture.import("format=ndjson", ndjson).await.ok()), [1, 0, 0, 0, 1]);
    for query in [
        "",
        "format=bind",
        "format=xml",
        "format=plain&max_removed=2",
        "format=plain&colour=1",
        "format=plain&mode=all",
    ] {
        fixture.import(query, "").await.problem(400);
    }
}

#[tokio::test]
async fn compressed_bodies_are_read_and_truncated_ones_change_nothing() {
    let fixture = Fixture::new().await;
    let plain = rows(200);
    let mut gzip = Vec::new();
    GzipEncoder::new(plain.as_bytes()).read_to_end(&mut gzip).await.unwrap();
    let mut zstd = Vec::new();
    ZstdEncoder::new(plain.as_bytes()).read_to_end(&mut zstd).await.unwrap();
    for (encoding, bytes) in [("gzip", gzip), ("zstd", zstd)] {
        let import = |body: Vec<u8>| {
            fixture
                .ask("POST", &format!("{ZONE}/import?format=plain&source={encoding}"))
                .header("content-encoding", encoding)
                .body(body)
                .send()
        };
        for len in [1, 5, 20, bytes.len() / 2, bytes.len() - 5, bytes.len() - 1] {
            import(bytes[..len].to_vec()).await.problem(400);
        }
        import(b"192.0.2.1\n".to_vec()).await.problem(400);
        assert!(
            fixture.get(&format!("{ZONE}/listings?source={encoding}")).await.json["listings"]
                .as_array()
                .unwrap()
                .is_empty()
        );
        assert_eq!(counts(import(bytes.clone()).await.ok())[0], 200);
        assert_eq!(counts(import([bytes.clone(), bytes].concat()).await.ok())[2], 400);
    }
    let odd = fixture
        .ask("POST", &format!("{ZONE}/import?format=plain"))
        .header("content-encoding", "br")
        .send()
        .await;
    odd.problem(415);
}

#[tokio::test]
async fn a_body_that_breaks_off_changes_nothing() {
    let fixture = Fixture::new().await;
    let pieces = futures_util::stream::iter([
        Ok("192.0.2.1\n192.0.2.2\n"),
        Err(std::io::Error::other("gone")),
    ]);
    fixture.import("format=plain", Body::from_stream(pieces)).await.problem(400);
    assert!(subjects(&fixture).await.is_empty());
}

#[tokio::test]
async fn a_body_that_stands_still_or_is_too_large_is_refused() {
    let limits = admin_api::Limits {
        import_stall: std::time::Duration::from_millis(50),
        import_bytes: 1000,
        max_imports: 1,
        ..admin_api::Limits::default()
    };
    let fixture = Fixture::with(&limits, true);
    fixture.put_zone(ZONE, "ip").await;
    let silent = Body::from_stream(futures_util::stream::pending::<std::io::Result<&str>>());
    fixture.import("format=plain", silent).await.problem(408);
    fixture.import("format=plain", rows(500)).await.problem(413);
    assert!(subjects(&fixture).await.is_empty());
    let silent = || Body::from_stream(futures_util::stream::pending::<std::io::Result<&str>>());
    let (one, other) = tokio::join!(
        fixture.import("format=plain", silent()),
        fixture.import("format=plain", silent())
    );
    let (refused, stalled) = if one.status == 429 { (one, other) } else { (other, one) };
    stalled.problem(408);
    refused.problem(429);
    assert!(!refused.header("retry-after").is_empty());
}

#[tokio::test]
async fn replacing_a_source_is_refused_where_it_would_do_harm() {
    let fixture = Fixture::new().await;
    let import = |query: &str, body: String| {
        let query = format!("format=plain&source=feed&mode=replace-source{query}");
        let fixture = &fixture;
        async move { fixture.import(&query, body).await }
    };
    assert_eq!(counts(import("", rows(10)).await.ok())[0], 10);
    let rejected = import("", format!("{}nonsense/\n", rows(10))).await;
    assert_eq!(counts(rejected.problem(409)), [0, 0, 10, 0, 1]);
    assert_eq!(rejected.json["errors"][0]["line"], 11);
    import("&allow_rejected=1", format!("{}nonsense/\n", rows(10))).await.ok();
    assert_eq!(counts(import("", rows(5)).await.problem(409)), [0, 0, 5, 5, 0]);
    import("", String::new()).await.problem(409);
    assert_eq!(subjects(&fixture).await.len(), 10);
    assert_eq!(counts(import("&max_removed=0.5", rows(5)).await.ok()), [0, 0, 5, 5, 0]);
    assert_eq!(counts(import("&max_removed=1", String::new()).await.ok())[3], 5);
}
