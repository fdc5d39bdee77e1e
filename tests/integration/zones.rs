//! `/v1/zones…`.

use dnsbl_tests::Answer;
use hickory_proto::rr::RecordType::{A, SOA};
use serde_json::json;

use crate::server;

#[test]
fn a_zone_is_created_replaced_listed_and_deleted() {
    let server = server();
    let admin = server.admin();
    let path = "/v1/zones/crud.example.org";
    admin.get(path).expect_problem(404);
    let body = json!({"kind": "ip", "ns": ["ns1.example.net."], "ttl": 120});
    let created = admin.put(path, &body).expect(201);
    assert!(created.seq() > 0);
    let read = admin.get(path).expect(200).json();
    assert_eq!(read["kind"], "ip");
    assert_eq!(read["ttl"], 120);
    assert_eq!(read["negative_ttl"], 60, "a documented default");
    assert_eq!(read["return_codes"], json!(["127.0.0.2"]), "a documented default");
    let body = json!({"kind": "ip", "ns": ["ns2.example.net."]});
    let replaced = admin.put(path, &body).expect(200);
    assert!(replaced.seq() > created.seq());
    assert_eq!(admin.get(path).expect(200).json()["ns"], json!(["ns2.example.net."]));
    let zones = admin.get("/v1/zones").expect(200).text;
    assert!(zones.contains("crud.example.org"), "{zones}");
    let deleted = admin.delete(path);
    assert!(matches!(deleted.status, 200 | 204), "{}", deleted.text);
    assert!(deleted.seq() > replaced.seq());
    admin.get(path).expect_problem(404);
    admin.delete(path).expect_problem(404);
}

#[test]
fn a_zone_read_and_put_back_stays_the_same() {
    let server = server();
    let admin = server.admin();
    let path = "/v1/zones/round.example.org";
    let body = json!({"kind": "domain", "ns": ["ns.round.example.org."], "soa": {"refresh": 7200},
        "reason": "Spam $", "glue": {"ns.round.example.org": ["192.0.2.53"]},
        "apex": {"a": ["192.0.2.80"], "txt": ["hello"]}});
    admin.put(path, &body).expect(201);
    let first = admin.get(path).expect(200).json();
    let settings = [
        "kind",
        "ns",
        "soa",
        "ttl",
        "negative_ttl",
        "return_codes",
        "reason",
        "test_codes",
        "apex",
        "glue",
    ];
    let back: serde_json::Map<_, _> =
        settings.iter().map(|&field| (field.to_owned(), first[field].clone())).collect();
    admin.put(path, &json!(back)).expect(200);
    let second = admin.get(path).expect(200).json();
    for field in settings {
        assert_eq!(first[field], second[field], "{field}");
    }
}

#[test]
fn settings_that_make_no_zone_are_refused() {
    let server = server();
    let bad = [
        json!({"kind": "ip", "ns": []}),
        json!({"kind": "ip", "ns": ["ns1.bad.example.org."]}),
        json!({"kind": "ip", "ns": ["ns1.example.net."], "ttl": 0}),
        json!({"kind": "ip", "ns": ["ns1.example.net."], "return_codes": ["192.0.2.1"]}),
        json!({"kind": "ip", "ns": ["ns1.example.net."], "test_codes": [1]}),
        json!({"kind": "ip", "ns": ["ns1.example.net."], "nonsense": 1}),
        json!({"kind": "mx", "ns": ["ns1.example.net."]}),
        json!({"ns": ["ns1.example.net."]}),
    ];
    for body in bad {
        let refused = server.admin().put("/v1/zones/bad.example.org", &body);
        assert!(matches!(refused.status, 400 | 422), "{body}: {} {}", refused.status, refused.text);
    }
    let missing_glue = json!({"kind": "ip", "ns": ["ns1.bad.example.org."]});
    server.admin().put("/v1/zones/bad.example.org", &missing_glue).expect_problem(422);
    server.admin().get("/v1/zones/bad.example.org").expect_problem(404);
}

#[test]
fn the_kind_of_a_zone_with_listings_stays() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let body = json!({"kind": "domain", "ns": ["ns1.example.net."]});
    zone.list("192.0.2.1");
    server.admin().put(&zone.path(), &body).expect_problem(409);
    zone.remove("192.0.2.1");
    server.admin().put(&zone.path(), &body).expect(200);
    zone.list("spam.example.com");
    zone.check([("spam.example.com", A, Answer::listed())]);
}

#[test]
fn a_zone_made_again_is_empty_and_its_serial_goes_on() {
    let server = server();
    let admin = server.admin();
    let zone = server.ip_zone(json!({}));
    let serial = || match &zone.reply("", SOA).message.answers[0].data {
        hickory_proto::rr::RData::SOA(soa) => soa.serial,
        other => panic!("{other}"),
    };
    for last in 1..=5 {
        zone.list(&format!("192.0.2.{last}"));
    }
    let before = serial();
    admin.delete(&zone.path());
    admin.put(&zone.path(), &json!({"kind": "ip", "ns": ["ns1.example.net."]})).expect(201);
    assert!((serial().wrapping_sub(before) as i32) > 0, "{before} {}", serial());
    zone.check([("1.2.0.192", A, Answer::NxDomain)]);
    let listings = admin.get(&format!("{}/listings", zone.path())).expect(200).json();
    assert_eq!(listings["listings"], json!([]));
}

#[test]
fn names_of_zones_are_read_in_any_case_and_with_a_final_dot() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for name in [zone.origin().to_uppercase(), format!("{}.", zone.origin())] {
        server.admin().get(&format!("/v1/zones/{name}")).expect(200);
    }
}

#[test]
fn a_zone_that_is_not_there_has_no_listings() {
    let server = server();
    let admin = server.admin();
    let path = "/v1/zones/absent.example.org";
    admin.put(&format!("{path}/listings/192.0.2.1"), &json!({})).expect_problem(404);
    admin.get(&format!("{path}/listings")).expect_problem(404);
    admin.get(&format!("{path}/export?format=plain")).expect_problem(404);
    admin.post_bytes(&format!("{path}/import?format=plain"), "192.0.2.1").expect_problem(404);
}
