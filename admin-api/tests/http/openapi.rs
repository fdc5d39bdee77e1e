//! `/openapi.json`: the description of the API.

use serde_json::Value;

use crate::{fixture::Fixture, schema::mismatch};

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
            let tag = &operation["tags"][0];
            let tags = answer.json["tags"].as_array().unwrap();
            assert!(
                tags.iter().any(|known| known["name"] == *tag),
                "{tag} has no words of its own"
            );
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
            "create_webhook",
            "decide_review_item",
            "delete_allow_entry",
            "delete_feed",
            "delete_listing",
            "delete_opt_out",
            "delete_subscriber",
            "delete_token",
            "delete_webhook",
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
            "find_webhook",
            "find_zone",
            "import_listings",
            "list_allow_entries",
            "list_audit_records",
            "list_changes",
            "list_feeds",
            "list_grants",
            "list_opt_outs",
            "list_problem_types",
            "list_relay_tests",
            "list_removal_requests",
            "list_reporters",
            "list_reports",
            "list_review_items",
            "list_sources",
            "list_subscribers",
            "list_tokens",
            "list_webhooks",
            "list_zones",
            "purge_listings",
            "put_allow_entry",
            "put_feed",
            "put_listing",
            "put_opt_out",
            "put_source",
            "put_subscriber",
            "put_token",
            "put_webhook",
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
            "rotate_webhook",
            "run_feed",
            "search_listings",
            "search_zones",
            "show_health",
            "show_metrics",
            "show_openapi",
            "show_problem_type",
            "show_readiness",
            "show_subject",
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

/// Where to write examples.
const EXAMPLES: &str = "admin-api/src/description/examples.json";

#[tokio::test]
async fn every_operation_has_examples_that_are_as_it_says() {
    let fixture = Fixture::new().await;
    let description = fixture.get("/openapi.json").await.ok().clone();
    let mut wrong = Vec::new();
    for operations in description["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap();
            for (place, holder) in holders_of_examples(operation) {
                match holder.get("example") {
                    None => wrong.push(format!("{name}: no example of {place}")),
                    Some(example) => {
                        wrong.extend(misfit(&description, &holder["schema"], example).map(|why| {
                            format!("{name}: the example of {place} does not fit its schema: {why}")
                        }));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{EXAMPLES} lacks something, or has it wrong:\n{}", wrong.join("\n"));
}

/// What an operation has to give an example of: the parameters that it needs, bodies, and answers.
fn holders_of_examples(operation: &Value) -> Vec<(String, &Value)> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let needed = parameters
        .filter(|parameter| parameter["required"] == true || parameter.get("example").is_some());
    let mut holders: Vec<(String, &Value)> = needed
        .map(|parameter| (format!("the parameter {}", parameter["name"]), parameter))
        .collect();
    let bodies = operation["requestBody"]["content"].as_object().into_iter().flatten();
    holders.extend(bodies.map(|(media_type, body)| (format!("the body as {media_type}"), body)));
    for (status, response) in operation["responses"].as_object().unwrap() {
        // What may go wrong besides has the form of all problems.
        if status == "default" {
            continue;
        }
        let bodies = response["content"].as_object().into_iter().flatten();
        holders.extend(
            bodies.map(|(media_type, body)| (format!("the answer {status} as {media_type}"), body)),
        );
    }
    holders
}

/// Of a text of several JSON lines each is as the schema says, unless that is of the text.
fn misfit(description: &Value, schema: &Value, example: &Value) -> Option<String> {
    match example.as_str() {
        Some(lines) if schema["type"] != "string" && schema.get("$ref").is_some() => {
            lines.lines().find_map(|line| match serde_json::from_str(line) {
                Ok(line) => mismatch(description, schema, &line),
                Err(_) => mismatch(description, schema, example),
            })
        }
        _ => mismatch(description, schema, example),
    }
}

#[tokio::test]
async fn every_link_leads_to_an_operation_that_takes_what_it_hands_over() {
    let fixture = Fixture::new().await;
    let description = fixture.get("/openapi.json").await.ok().clone();
    let paths = description["paths"].as_object().unwrap();
    let operations: Vec<&Value> =
        paths.values().flat_map(|methods| methods.as_object().unwrap().values()).collect();
    let mut count = 0;
    for operation in &operations {
        for response in operation["responses"].as_object().unwrap().values() {
            for link in response["links"].as_object().into_iter().flatten().map(|(_, link)| link) {
                let to = operations.iter().find(|to| to["operationId"] == link["operationId"]);
                let taken = to.unwrap()["parameters"].as_array().unwrap();
                for name in link["parameters"].as_object().unwrap().keys() {
                    assert!(taken.iter().any(|parameter| parameter["name"] == **name), "{link}");
                }
                count += 1;
            }
        }
    }
    assert!(count > 20, "{count}");
}

/// Every reference led nowhere of which utoipa was not told.
#[tokio::test]
async fn every_reference_leads_somewhere() {
    let fixture = Fixture::new().await;
    let description = fixture.get("/openapi.json").await.ok().clone();
    fn visit(description: &Value, part: &Value) {
        match part {
            Value::Array(parts) => parts.iter().for_each(|part| visit(description, part)),
            Value::Object(members) => {
                if let Some(Value::String(to)) = members.get("$ref") {
                    let found = description.pointer(to.trim_start_matches('#'));
                    assert!(found.is_some(), "{to} leads nowhere: name it in routes/openapi.rs");
                }
                members.values().for_each(|part| visit(description, part));
            }
            _ => {}
        }
    }
    visit(&description, &description);
}
