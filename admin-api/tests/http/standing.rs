//! Delisting tells the truth: who else lists a subject, what covers it, and what DNS makes of it.

use serde_json::{Value, json};

use crate::fixture::{Fixture, ZONE};

const DOMAINS: &str = "/v1/zones/dbl.example.org";

fn at(subject: &str) -> String {
    format!("{ZONE}/listings/{subject}")
}

async fn listed(fixture: &Fixture, subject: &str) -> bool {
    let answer = fixture.post("/v1/check", json!({"subjects": [subject]})).await;
    answer.ok()["results"][0]["listed"] == true
}

/// Field case 31, newcomer A3: "nothing covers it" while DNS listed it.
#[tokio::test]
async fn a_deletion_that_finds_nothing_names_who_lists_the_subject() {
    let fixture = Fixture::new().await;
    for source in ["ipsum", "honeypot"] {
        fixture.list(&format!("192.0.2.50?source={source}"), json!({})).await;
    }
    let missing = fixture.delete(&at("192.0.2.50")).await;
    let problem = missing.problem(404);
    assert_eq!(problem["listed_by"], json!(["honeypot", "ipsum"]));
    assert_eq!((&problem["listed"], &problem["by"]), (&json!(true), &json!("192.0.2.50")));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("listed by honeypot, ipsum"), "{detail}");
    assert!(detail.ends_with("DNS lists it") && !detail.contains("nothing covers"), "{detail}");
    assert!(problem["delete"].as_str().unwrap().contains("source=*"));
}

#[tokio::test]
async fn what_covers_a_subject_is_named_with_its_sources() {
    let fixture = Fixture::new().await;
    fixture.list("198.51.100.0%2F24?source=drop", json!({})).await;
    fixture.list("198.51.0.0%2F16?source=wide", json!({})).await;
    fixture.list("2001:db8::%2F32?source=six", json!({})).await;
    for (subject, by, source) in [
        ("198.51.100.7", "198.51.100.0/24", "drop"),
        ("::ffff:198.51.100.7", "198.51.100.0/24", "drop"),
        ("198.51.100.128%2F25", "198.51.100.0/24", "drop"),
        ("2001:db8::1", "2001:db8::/32", "six"),
        ("2002:c633:6407::1", "198.51.100.0/24", "drop"),
    ] {
        for missing in [fixture.delete(&at(subject)).await, fixture.get(&at(subject)).await] {
            let problem = missing.problem(404);
            assert_eq!(problem["covering"], by, "{subject}");
            assert_eq!(problem["covered_by"][0]["listed_by"], json!([source]), "{subject}");
            assert_eq!(problem["listed"], true, "{subject}");
        }
    }
    fixture.put_zone(DOMAINS, "domain").await;
    let put = format!("{DOMAINS}/listings/*.example.com?source=drop");
    fixture.put(&put, json!({})).await.ok();
    for subject in ["mail.example.com", "*.mail.example.com"] {
        let missing = fixture.delete(&format!("{DOMAINS}/listings/{subject}")).await;
        assert_eq!(missing.problem(404)["covering"], "*.example.com", "{subject}");
        assert_eq!(missing.json["covered_by"][0]["listed_by"], json!(["drop"]));
    }
}

/// Newcomer A3: "deleted" while DNS goes on listing.
#[tokio::test]
async fn a_deletion_says_what_lists_the_subject_all_the_same() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.50", json!({})).await;
    fixture.list("192.0.2.50?source=ipsum", json!({})).await;
    fixture.list("192.0.2.0%2F24?source=drop", json!({})).await;
    let told = |answer: &crate::fixture::Answer| answer.header("dnsbl-still-listed").to_owned();
    let first = fixture.delete(&at("192.0.2.50")).await;
    assert_eq!((first.status.as_u16(), told(&first)), (204, "\"192.0.2.50\";by=\"ipsum\"".into()));
    let second = fixture.delete(&at("192.0.2.50?source=*")).await;
    assert_eq!(told(&second), "\"192.0.2.0/24\";by=\"drop\"");
    assert!(listed(&fixture, "192.0.2.50").await);
    // What lies inside a prefix does not go with it.
    fixture.list("192.0.2.9?source=feed", json!({})).await;
    let third = fixture.delete(&at("192.0.2.0%2F24?source=drop")).await;
    assert_eq!(told(&third), "\"192.0.2.9\";by=\"feed\"");
    let last = fixture.delete(&at("192.0.2.9?source=feed")).await;
    assert_eq!((last.status.as_u16(), told(&last)), (204, String::new()));
    assert!(!listed(&fixture, "192.0.2.9").await);
}

#[tokio::test]
async fn a_6to4_address_stays_listed_by_the_address_inside() {
    let fixture = Fixture::new().await;
    fixture.list("2002:c000:207::1", json!({})).await;
    fixture.list("192.0.2.7?source=feed", json!({})).await;
    let gone = fixture.delete(&at("2002:c000:207::1")).await;
    assert_eq!(gone.header("dnsbl-still-listed"), "\"192.0.2.7\";by=\"feed\"");
}

#[tokio::test]
async fn an_exclusion_that_goes_names_what_lists_the_subject_now() {
    let fixture = Fixture::new().await;
    fixture.put_zone(DOMAINS, "domain").await;
    let name = format!("{DOMAINS}/listings/good.example.com");
    let all = format!("{DOMAINS}/listings/*.example.com?source=drop");
    fixture.put(&all, json!({})).await.ok();
    fixture.put(&name, json!({"exclusion": true})).await.ok();
    let gone = fixture.delete(&name).await;
    assert_eq!(gone.header("dnsbl-now-listed"), "\"*.example.com\";by=\"drop\"");
    assert_eq!(gone.header("dnsbl-still-listed"), "");
    fixture.list("192.0.2.0%2F24?source=drop", json!({})).await;
    fixture.list("192.0.2.7", json!({"exclusion": true})).await;
    fixture.list("192.0.2.0%2F26", json!({"exclusion": true})).await;
    for subject in ["192.0.2.7", "192.0.2.0_26"] {
        let gone = fixture.delete(&at(subject)).await;
        let told = ["dnsbl-now-listed", "dnsbl-still-listed"].map(|name| gone.header(name));
        let expected = if subject == "192.0.2.7" { "" } else { "\"192.0.2.0/24\";by=\"drop\"" };
        assert_eq!(told, [expected, ""], "{subject}");
    }
}

/// A listing that an exclusion keeps without effect looked as if it had one.
#[tokio::test]
async fn a_listing_without_effect_names_the_exclusion() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.7?source=friend", json!({"exclusion": true})).await;
    let put = fixture.put(&at("192.0.2.7"), json!({})).await;
    assert_eq!(put.status, 201);
    assert_eq!(put.header("dnsbl-excluded"), "\"192.0.2.7\";by=\"friend\"");
    let missing = fixture.delete(&at("192.0.2.7?source=other")).await;
    assert_eq!(missing.problem(404)["excluded_by"], json!(["friend"]));
    assert_eq!(missing.json["listed"], false);
    let fine = fixture.put(&at("192.0.2.8"), json!({})).await;
    assert_eq!(fine.header("dnsbl-excluded"), "");
}

/// Field case 49: a proxy that decodes `%2F` made a 404 that blamed the caller.
#[tokio::test]
async fn a_prefix_survives_a_proxy_that_decodes_paths() {
    let fixture = Fixture::new().await;
    let torn = fixture.put(&at("192.0.2.0/24"), json!({})).await;
    let detail = torn.problem(404)["detail"].as_str().unwrap().to_owned();
    for told in ["something between", "decodes the path", "192.0.2.0_24"] {
        assert!(detail.contains(told), "{detail}");
    }
    for (written, subject) in [("192.0.2.0_24", "192.0.2.0/24"), ("2001:db8::_32", "2001:db8::/32")]
    {
        let put = fixture.put(&at(written), json!({"subject": subject})).await;
        assert_eq!(put.ok()["subject"], subject);
        let found = fixture.get(&at(&subject.replace('/', "%2F"))).await;
        assert_eq!(found.ok()["subject"], subject);
        assert_eq!(fixture.delete(&at(written)).await.status, 204);
    }
    let plain = fixture.get("/v2").await;
    assert!(!plain.problem(404)["detail"].as_str().unwrap().contains("decodes"));
    assert_eq!(plain.json["write"], Value::Null);
}
