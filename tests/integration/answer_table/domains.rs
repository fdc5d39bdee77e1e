//! Zones of domains.

use dnsbl_tests::Answer::{self, NoData, NxDomain};
use hickory_proto::rr::RecordType::{A, AAAA, MX, TXT};
use serde_json::json;

use crate::server;

#[test]
fn a_domain_is_that_name_only() {
    let server = server();
    let zone = server.domain_zone(json!({"reason": "Spam for $"}));
    zone.list("spam.example.com");
    zone.check([
        ("spam.example.com", A, Answer::listed()),
        ("SPAM.example.COM", A, Answer::listed()),
        ("spam.example.com", TXT, Answer::record("Spam for spam.example.com")),
        ("spam.example.com", AAAA, NoData),
        ("www.spam.example.com", A, NxDomain),
        ("notspam.example.com", A, NxDomain),
        ("other.example.com", A, NxDomain),
    ]);
}

#[test]
fn a_wildcard_is_every_name_below_but_not_the_name() {
    let server = server();
    let zone = server.domain_zone(json!({"reason": "$"}));
    zone.list("*.example.com");
    zone.check([
        ("a.example.com", A, Answer::listed()),
        ("b.a.example.com", A, Answer::listed()),
        ("b.a.example.com", TXT, Answer::record("b.a.example.com")),
        ("example.com", A, NoData),
        ("example.net", A, NxDomain),
    ]);
}

#[test]
fn a_name_above_a_listed_domain_is_nodata() {
    let server = server();
    let zone = server.domain_zone(json!({}));
    zone.list("a.b.example.com");
    zone.check([
        ("b.example.com", A, NoData),
        ("example.com", TXT, NoData),
        ("com", MX, NoData),
        ("net", A, NxDomain),
        ("x.a.b.example.com", A, NxDomain),
    ]);
    zone.remove("a.b.example.com");
    zone.check(["b.example.com", "example.com", "com"].map(|name| (name, A, NxDomain)));
}

#[test]
fn an_exact_name_comes_before_the_longest_wildcard() {
    let server = server();
    let zone = server.domain_zone(json!({}));
    zone.put("*.example.com", "", &json!({"return_codes": ["127.0.0.3"]}));
    zone.put("*.a.example.com", "", &json!({"return_codes": ["127.0.0.4"]}));
    zone.put("b.a.example.com", "", &json!({"return_codes": ["127.0.0.5"]}));
    zone.check([
        ("a.example.com", A, Answer::record("127.0.0.3")),
        ("c.a.example.com", A, Answer::record("127.0.0.4")),
        ("b.a.example.com", A, Answer::record("127.0.0.5")),
        ("c.b.a.example.com", A, Answer::record("127.0.0.4")),
    ]);
}

#[test]
fn an_excluded_domain_is_not_listed() {
    let server = server();
    let zone = server.domain_zone(json!({}));
    zone.list("*.example.com");
    zone.exclude("good.example.com");
    // Names below it are listed, so it must not be denied.
    zone.check([("good.example.com", A, NoData), ("x.good.example.com", A, Answer::listed())]);
    zone.exclude("*.good.example.com");
    zone.check([
        ("good.example.com", A, NxDomain),
        ("x.good.example.com", A, NxDomain),
        ("bad.example.com", A, Answer::listed()),
    ]);
}

#[test]
fn an_international_domain_is_its_a_labels() {
    let server = server();
    let zone = server.domain_zone(json!({}));
    zone.list("Bücher.Example");
    zone.check([("xn--bcher-kva.example", A, Answer::listed())]);
}

#[test]
fn a_name_that_would_not_fit_is_refused() {
    let server = server();
    let zone = server.domain_zone(json!({}));
    let label = "x".repeat(60);
    let long = format!("{label}.{label}.{label}.{label}.example.com");
    let path = zone.listing_path(&long);
    let refused = server.admin().put(&path, &json!({}));
    assert!(matches!(refused.status, 400 | 422), "{}", refused.text);
    let fits = format!("{label}.{label}.{label}.example.com");
    zone.list(&fits);
    zone.check([(&fits, A, Answer::listed())]);
}
