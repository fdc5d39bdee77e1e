//! `/openapi.json`: the description of the API.

use serde_json::Value;

use crate::fixture::Fixture;

/// The description as it is checked in, and the variable that has a test write it anew.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
const RENEW: &str = "DNSBL_RENEW_OPENAPI";

#[tokio::test]
async fn the_description_is_the_one_that_is_checked_in() {
    let served: Value = Fixture::new().await.get("/openapi.json").await.ok().clone();
    let served = format!("{served:#}\n");
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(FILE, &served).unwrap();
    }
    let checked_in = std::fs::read_to_string(FILE).unwrap_or_default();
    let differs = served.lines().zip(checked_in.lines()).position(|(is, was)| is != was);
    assert!(
        served == checked_in,
        "admin-api/openapi.json is not what the server serves, from line {} on. If that is meant, renew it:\n\
         {RENEW}=1 cargo test --release --locked --workspace --test http description_is_the_one",
        differs.unwrap_or_else(|| checked_in.lines().count()) + 1,
    );
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
            "claim_review_item",
            "confirm_removal_request",
            "confirm_report",
            "create_removal_request",
            "create_report",
            "create_reports",
            "create_subscriber",
            "create_token",
            "decide_review_item",
            "delete_allow_entry",
            "delete_feed",
            "delete_listing",
            "delete_opt_out",
            "delete_subscriber",
            "delete_token",
            "delete_zone",
            "export_listings",
            "find_allow_entry",
            "find_feed",
            "find_listing",
            "find_relay_test",
            "find_removal_request",
            "find_removal_request_by_ticket",
            "find_report",
            "find_review_item",
            "find_subscriber",
            "find_token",
            "find_zone",
            "import_listings",
            "list_allow_entries",
            "list_audit_records",
            "list_changes",
            "list_feeds",
            "list_grants",
            "list_opt_outs",
            "list_relay_tests",
            "list_removal_requests",
            "list_reporters",
            "list_reports",
            "list_review_items",
            "list_sources",
            "list_subscribers",
            "list_tokens",
            "list_zones",
            "purge_listings",
            "put_allow_entry",
            "put_feed",
            "put_listing",
            "put_opt_out",
            "put_source",
            "put_subscriber",
            "put_token",
            "put_zone",
            "refute_report",
            "release_review_item",
            "reload_configuration",
            "report_cyrus_event",
            "report_dovecot_event",
            "report_login",
            "report_policy",
            "revoke_grant",
            "rotate_subscriber",
            "rotate_token",
            "run_feed",
            "search_listings",
            "show_health",
            "show_metrics",
            "show_openapi",
            "show_readiness",
            "show_subscriber_usage",
            "show_top",
            "show_usage",
            "submit_relay_test",
            "take_backup",
            "undo_change",
        ]
    );
    let search = &answer.json["paths"]["/v1/zones/{zone}/listings"]["get"]["parameters"];
    let names: Vec<&str> =
        search.as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["subject", "match", "source", "tag", "cursor", "limit", "zone"]);
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
