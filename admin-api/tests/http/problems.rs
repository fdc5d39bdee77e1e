//! One envelope for whatever goes wrong, and the API's description.

use std::sync::atomic::Ordering;

use admin_api::Limits;
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
async fn the_description_names_every_operation_after_its_handler() {
    let fixture = Fixture::new().await;
    let answer = fixture.get("/openapi.json").await;
    let mut operations = Vec::new();
    for (path, methods) in answer.ok()["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            operations.push(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    operations.sort();
    assert_eq!(
        operations,
        [
            "cancel_relay_test",
            "check_subjects",
            "create_token",
            "delete_listing",
            "delete_opt_out",
            "delete_token",
            "delete_zone",
            "export_listings",
            "find_listing",
            "find_relay_test",
            "find_zone",
            "import_listings",
            "list_audit_records",
            "list_changes",
            "list_opt_outs",
            "list_relay_tests",
            "list_tokens",
            "list_zones",
            "put_listing",
            "put_opt_out",
            "put_zone",
            "rotate_token",
            "search_listings",
            "show_health",
            "show_metrics",
            "show_openapi",
            "show_readiness",
            "submit_relay_test",
        ]
    );
    let search = &answer.json["paths"]["/v1/zones/{zone}/listings"]["get"]["parameters"];
    let names: Vec<&str> =
        search.as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["subject", "match", "source", "tag", "cursor", "limit", "zone"]);
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
    fixture.host.broken.store(true, Ordering::Relaxed);
    let answer = fixture.get("/metrics").await;
    assert!(!answer.problem(500)["detail"].as_str().unwrap().contains("broken"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(fixture.host.counted().contains(&("/metrics".into(), 500)));
    fixture.host.broken.store(false, Ordering::Relaxed);
    fixture.get("/metrics").await.ok();
}
