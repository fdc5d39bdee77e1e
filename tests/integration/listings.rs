//! `/v1/zones/{zone}/listings…` and `/v1/check`: the spine over HTTP, each step seen in DNS.

use dnsbl_tests::Answer::{self, NxDomain};
use hickory_proto::rr::RecordType::{A, TXT};
use reqwest::Method;
use serde_json::{Value, json};

use dnsbl_tests::HttpReply;

use crate::server;

#[test]
fn a_listing_is_created_replaced_read_and_deleted() {
    let server = server();
    let admin = server.admin();
    let zone = server.ip_zone(json!({}));
    let path = format!("{}?source=trap", zone.listing_path("192.0.2.1"));
    let created =
        admin.put(&path, &json!({"return_codes": ["127.0.0.4"], "tags": ["b", "a"]})).expect(201);
    assert!(created.seq() > 0);
    assert_eq!(created.json()["subject"], "192.0.2.1");
    zone.check([("1.2.0.192", A, Answer::record("127.0.0.4"))]);
    let replaced = admin.put(&path, &json!({"reason": "Why $", "note": "private"})).expect(200);
    assert!(replaced.seq() > created.seq());
    zone.check([
        ("1.2.0.192", A, Answer::listed()),
        ("1.2.0.192", TXT, Answer::record("Why 192.0.2.1")),
    ]);
    let found = admin.get(&zone.listing_path("192.0.2.1")).expect(200).json();
    assert_eq!(found["subject"], "192.0.2.1");
    assert_eq!(found["return_codes"], json!(["127.0.0.2"]));
    let [listing] = found["listings"].as_array().unwrap().as_slice() else { panic!("{found}") };
    for (field, value) in [
        ("source", json!("trap")),
        ("reason", json!("Why $")),
        ("note", json!("private")),
        ("exclusion", json!(false)),
        ("tags", json!([])),
        ("expires_at", Value::Null),
    ] {
        assert_eq!(listing[field], value, "{field}");
    }
    for field in ["etag", "listed_at", "updated_at", "listed_by"] {
        assert!(listing[field].is_string(), "{field}: {listing}");
    }
    let deleted = admin.delete(&path).expect(204);
    assert!(deleted.seq() > replaced.seq());
    admin.get(&zone.listing_path("192.0.2.1")).expect_problem(404);
    admin.delete(&path).expect_problem(404);
    zone.check([("1.2.0.192", A, NxDomain)]);
}

#[test]
fn putting_the_same_again_changes_nothing() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let body = json!({"reason": "same", "return_codes": ["127.0.0.3"]});
    let first = zone.put("192.0.2.1", "", &body);
    let again = zone.put("192.0.2.1", "", &body).expect(200);
    assert_eq!(first.json()["etag"], again.json()["etag"]);
    let changes = crate::changes::of_zone(&server, zone.origin());
    assert_eq!(changes.iter().filter(|change| change["subject"] == "192.0.2.1").count(), 1);
}

#[test]
fn what_covers_an_absent_subject_is_named() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("198.51.100.0/24");
    let path = zone.listing_path("198.51.100.7");
    for problem in [server.admin().get(&path), server.admin().delete(&path)] {
        let problem = problem.expect_problem(404).to_string();
        assert!(problem.contains("198.51.100.0/24"), "{problem}");
    }
}

#[test]
fn every_form_of_a_subject_is_the_same_listing() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for (given, canonical) in [
        ("192.0.2.1/32", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:C000:201", "192.0.2.1"),
        ("2001:DB8:0:0::1/128", "2001:db8::1"),
    ] {
        zone.list(given);
        let found = server.admin().get(&zone.listing_path(given)).expect(200).json();
        assert_eq!(found["subject"], canonical);
    }
    let listings = server.admin().get(&format!("{}/listings", zone.path())).expect(200).json();
    assert_eq!(listings["listings"].as_array().map(Vec::len), Some(2));
}

#[test]
fn preconditions_guard_against_lost_updates() {
    let server = server();
    let admin = server.admin();
    let zone = server.ip_zone(json!({}));
    let path = zone.listing_path("192.0.2.1");
    let put = |field: &str, value: &str, reason: &str| {
        let request = admin.request(Method::PUT, &path).header(field, value);
        HttpReply::of(request.json(&json!({"reason": reason})))
    };
    let first = put("if-none-match", "*", "first").expect(201);
    put("if-none-match", "*", "second").expect_problem(412);
    let etag = first.header("etag").to_owned();
    assert!(!etag.is_empty(), "{first:?}");
    let second = put("if-match", &etag, "second").expect(200);
    put("if-match", &etag, "third").expect_problem(412);
    let delete =
        |etag: &str| HttpReply::of(admin.request(Method::DELETE, &path).header("if-match", etag));
    delete(&etag).expect_problem(412);
    zone.check([("1.2.0.192", TXT, Answer::record("second"))]);
    delete(second.header("etag")).expect(204);
    put("if-match", "\"1\"", "fourth").expect_problem(412);
}

#[test]
fn guards_refuse_what_can_hardly_be_meant_until_lifted() {
    let server = server();
    let admin = server.admin();
    let zone = server.ip_zone(json!({}));
    for (subject, lifted) in [
        ("10.0.0.1", "special-use"),
        ("192.168.0.0/16", "special-use"),
        ("fe80::1", "special-use"),
        ("64.0.0.0/7", "short-prefix"),
        ("2a00::/18", "short-prefix"),
    ] {
        let path = zone.listing_path(subject);
        admin.put(&path, &json!({})).expect_problem(422);
        admin.put(&format!("{path}?override={lifted}"), &json!({})).expect(201);
    }
    for never in ["0.0.0.0/0", "::/0", "127.0.0.1", "::ffff:127.0.0.1"] {
        let path = format!("{}?override=special-use,short-prefix", zone.listing_path(never));
        let refused = admin.put(&path, &json!({}));
        assert!(
            matches!(refused.status, 409 | 422),
            "{never}: {} {}",
            refused.status,
            refused.text
        );
    }
    let path = zone.listing_path("10.0.0.2");
    admin.put(&path, &json!({"exclusion": true})).expect(201);
}

#[test]
fn a_prefix_with_host_bits_is_refused_with_the_right_one() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for (given, right) in [("192.0.2.1/24", "192.0.2.0/24"), ("2001:db8::1/32", "2001:db8::/32")] {
        let refused = server.admin().put(&zone.listing_path(given), &json!({}));
        assert!(matches!(refused.status, 400 | 422), "{}", refused.text);
        assert!(refused.text.contains(right), "{}", refused.text);
    }
}

#[test]
fn a_subject_of_the_other_kind_is_refused() {
    let server = server();
    let ip = server.ip_zone(json!({}));
    let domain = server.domain_zone(json!({}));
    for path in [ip.listing_path("spam.example"), domain.listing_path("192.0.2.1")] {
        let refused = server.admin().put(&path, &json!({}));
        assert!(matches!(refused.status, 400 | 409 | 422), "{}", refused.text);
    }
}

#[test]
fn listings_are_found_by_subject_source_and_tag_page_by_page() {
    let server = server();
    let admin = server.admin();
    let zone = server.ip_zone(json!({}));
    zone.list("198.51.100.0/24");
    for last in 1..=9 {
        let body = json!({"tags": [if last % 2 == 0 { "even" } else { "odd" }]});
        zone.put(&format!("198.51.100.{last}"), "?source=count", &body);
    }
    let found = |query: &str| -> Vec<String> {
        let mut subjects = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("{}/listings?limit=3&{query}{cursor}", zone.path());
            let page = admin.get(&path).expect(200).json();
            let listings = page["listings"].as_array().expect("a list").clone();
            assert!(listings.len() <= 3);
            subjects.extend(listings.iter().map(|l| l["subject"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={}", dnsbl_tests::segment(next)),
                None => return subjects,
            }
        }
    };
    let all = found("");
    assert_eq!(all.len(), 10, "{all:?}");
    assert_eq!(found("source=count").len(), 9);
    assert_eq!(found("tag=even").len(), 4);
    assert_eq!(found("subject=198.51.100.5&match=exact"), ["198.51.100.5"]);
    assert_eq!(found("subject=198.51.100.5&match=covering").len(), 2);
    assert_eq!(found("subject=198.51.100.0%2F30&match=covered").len(), 3);
    assert_eq!(found("subject=198.51.100.0%2F30&match=overlap").len(), 4);
}

#[test]
fn check_tells_what_lists_a_subject() {
    let server = server();
    let zone = server.ip_zone(json!({"reason": "$"}));
    zone.list("198.51.100.0/24");
    zone.exclude("198.51.100.7");
    let subjects = ["198.51.100.6", "198.51.100.7", "192.0.2.1", "127.0.0.2"];
    let body = json!({"subjects": subjects, "zones": [zone.origin()]});
    let results = server.admin().post("/v1/check", &body).expect(200).json();
    let rows: Vec<_> = results["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            assert_eq!(row["zone"], zone.origin());
            (
                row["subject"].clone(),
                row["listed"].clone(),
                row["return_codes"].clone(),
                row["reasons"].clone(),
                row["by"].clone(),
            )
        })
        .collect();
    let listed = |subject: &str, by: Value| {
        (json!(subject), json!(true), json!(["127.0.0.2"]), json!([subject]), by)
    };
    assert_eq!(rows[0], listed("198.51.100.6", json!("198.51.100.0/24")));
    assert_eq!(rows[1].1, json!(false));
    assert_eq!(rows[2].1, json!(false));
    assert_eq!(rows[3], listed("127.0.0.2", Value::Null));
    let many = vec!["192.0.2.1"; 1001];
    let refused = server.admin().post("/v1/check", &json!({"subjects": many}));
    assert!(matches!(refused.status, 400 | 413 | 422), "{}", refused.text);
}
