//! Zones, listings, preconditions, guards, searches and checks.

use serde_json::{Value, json};

use crate::fixture::{Fixture, ZONE};

fn at(subject: &str) -> String {
    format!("{ZONE}/listings/{subject}")
}

#[tokio::test]
async fn a_zone_reads_back_whole_and_may_be_put_again() {
    let fixture = Fixture::new().await;
    let zone = fixture.get(ZONE).await;
    let body = zone.ok();
    assert_eq!(body["zone"], "bl.example.org");
    assert_eq!(body["ns"], json!(["ns1.example.net."]));
    assert_eq!(body["soa"]["mname"], "ns1.example.net.");
    assert_eq!(body["soa"]["rname"], "hostmaster.bl.example.org.");
    assert_eq!(body["return_codes"], json!(["127.0.0.2"]));
    assert_eq!((&body["listings"], &body["exclusions"]), (&json!(0), &json!(0)));
    assert!(body["soa"]["serial"].is_u64());
    let again = fixture.put(ZONE, body.clone()).await;
    assert_eq!(again.status, 200, "{}", again.text);
    let mut floor = body.clone();
    floor["soa"]["serial"] = json!(2_026_112_200u32);
    let raised = fixture.put(ZONE, floor).await;
    assert_eq!(raised.ok()["soa"]["serial"], 2_026_112_200u32);
    assert_eq!(fixture.get("/v1/zones").await.json["zones"][0], raised.json);
}

#[tokio::test]
async fn a_zone_with_listings_keeps_its_kind_until_it_is_deleted() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.1", json!({})).await;
    let domain = json!({"kind": "domain", "ns": ["ns1.example.net"]});
    fixture.put(ZONE, domain.clone()).await.problem(409);
    let gone = fixture.delete(ZONE).await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));
    assert!(!gone.header("dnsbl-seq").is_empty());
    fixture.get(ZONE).await.problem(404);
    fixture.delete(ZONE).await.problem(404);
    fixture.put(ZONE, domain).await.ok();
}

#[tokio::test]
async fn zones_that_break_a_rule_are_refused() {
    let fixture = Fixture::new().await;
    for body in [
        json!({"kind": "ip", "ns": []}),
        json!({"kind": "ip", "ns": ["ns.bl.example.org"]}),
        json!({"kind": "ip", "ns": ["ns.example.net"], "ttl": 0}),
    ] {
        fixture.put(ZONE, body).await.problem(422);
    }
    for body in [
        json!({}),
        json!({"kind": "ip"}),
        json!({"kind": "mail", "ns": ["ns.example.net"]}),
        json!({"kind": "ip", "ns": ["a b"]}),
        json!({"kind": "ip", "ns": ["ns.example.net"], "colour": 1}),
        json!({"kind": "ip", "ns": ["ns.example.net"], "soa": {"refresh": "x"}}),
        json!({"kind": "ip", "ns": ["ns.example.net"], "return_codes": ["127.0.0.1"]}),
    ] {
        fixture.put(ZONE, body).await.problem(400);
    }
    fixture.put("/v1/zones/.", json!({"kind": "ip", "ns": ["ns.example.net"]})).await.problem(422);
}

#[tokio::test]
async fn a_listing_is_put_read_and_deleted_by_source() {
    let fixture = Fixture::new().await;
    let first = fixture.put(&at("192.0.2.1"), json!({"tags": ["b", "a"]})).await;
    assert_eq!(first.status, 201);
    assert_eq!(first.json["source"], "admin");
    assert_eq!(first.json["tags"], json!(["a", "b"]));
    for field in ["return_codes", "reason", "note", "expires_at"] {
        assert_eq!(first.json[field], Value::Null, "{field}");
    }
    assert_eq!(first.json["etag"], first.header("etag"));
    assert_eq!(first.header("etag"), format!("\"{}\"", first.header("dnsbl-seq")));
    let again = fixture.put(&at("192.0.2.1"), json!({"tags": ["a", "b"]})).await;
    assert_eq!((again.status.as_u16(), again.header("etag")), (200, first.header("etag")));
    let other = json!({"return_codes": ["127.0.0.9"], "expires_in": 600});
    fixture.put(&format!("{}?source=feed", at("192.0.2.1")), other).await.ok();
    let both = fixture.get(&at("192.0.2.1")).await;
    assert_eq!(both.ok()["return_codes"], json!(["127.0.0.2", "127.0.0.9"]));
    assert_eq!(both.json["listings"].as_array().unwrap().len(), 2);
    assert_eq!(both.header("etag"), "");
    let one = fixture.get(&format!("{}?source=feed", at("192.0.2.1"))).await;
    assert_eq!(one.ok()["return_codes"], json!(["127.0.0.9"]));
    assert_eq!(one.header("etag"), one.json["listings"][0]["etag"]);
    assert_eq!(fixture.delete(&at("192.0.2.1")).await.status, 204);
    let missing = fixture.delete(&at("192.0.2.1")).await;
    assert_eq!(missing.problem(404)["sources"], json!(["feed"]));
    assert_eq!(fixture.delete(&format!("{}?source=*", at("192.0.2.1"))).await.status, 204);
    assert_eq!(fixture.get(ZONE).await.json["listings"], 0);
}

#[tokio::test]
async fn what_is_absent_is_404_and_names_what_covers_it() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.0%2F24", json!({})).await;
    let found = fixture.get(&at("192.0.2.7")).await;
    assert_eq!(found.problem(404)["covering"], "192.0.2.0/24");
    let deleted = fixture.delete(&at("192.0.2.7")).await;
    assert_eq!(deleted.problem(404)["covering"], "192.0.2.0/24");
    assert!(deleted.json["exclude"].as_str().unwrap().contains("exclusion"));
    assert_eq!(fixture.get(&at("8.8.8.8")).await.problem(404)["covering"], Value::Null);
    fixture.get("/v1/zones/nowhere.example/listings/8.8.8.8").await.problem(404);
    fixture.list("192.0.2.7", json!({"exclusion": true})).await;
    assert_eq!(fixture.get(&at("192.0.2.7")).await.ok()["return_codes"], json!([]));
    let zone = fixture.get(ZONE).await;
    assert_eq!((&zone.json["listings"], &zone.json["exclusions"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn preconditions_are_about_one_source() {
    let fixture = Fixture::new().await;
    let put = |query: &str, header: &'static str, value: String, note: &str| {
        let path = format!("{}?{query}", at("192.0.2.1"));
        let body = json!({"note": note});
        fixture.ask("PUT", &path).header(header, value).json(&body).send()
    };
    put("", "if-match", "*".into(), "0").await.problem(412);
    let first = put("", "if-none-match", "*".into(), "1").await;
    assert_eq!(first.status, 201);
    put("", "if-none-match", "*".into(), "2").await.problem(412);
    assert_eq!(put("source=feed", "if-none-match", "*".into(), "2").await.status, 201);
    let tag = first.header("etag").to_owned();
    put("", "if-match", format!("W/{tag}"), "3").await.problem(412);
    let second = put("", "if-match", format!("\"x\", {tag}"), "3").await;
    assert_eq!(second.status, 200);
    put("", "if-match", tag.clone(), "4").await.problem(412);
    put("", "if-none-match", tag.clone(), "4").await.problem(400);
    let delete = |tag: &str| fixture.ask("DELETE", &at("192.0.2.1")).header("if-match", tag).send();
    delete(&tag).await.problem(412);
    assert_eq!(delete(second.header("etag")).await.status, 204);
    delete("*").await.problem(412);
}

#[tokio::test]
async fn guards_refuse_and_may_be_lifted() {
    let fixture = Fixture::new().await;
    for (subject, lift) in [("10.0.0.1", "special-use"), ("2.0.0.0%2F7", "short-prefix")] {
        let refused = fixture.put(&at(subject), json!({})).await;
        assert!(refused.problem(422)["type"].as_str().unwrap().ends_with(lift));
        fixture.put(&at(subject), json!({"exclusion": true})).await.ok();
        fixture.put(&format!("{}?override={lift}", at(subject)), json!({})).await.ok();
    }
    for subject in ["0.0.0.0%2F0", "::%2F0", "127.0.0.1"] {
        let path = format!("{}?override=special-use,short-prefix", at(subject));
        fixture.put(&path, json!({})).await.problem(422);
    }
    fixture.put(&format!("{}?override=all", at("192.0.2.1")), json!({})).await.problem(400);
    for method in ["PUT", "DELETE"] {
        let answer = fixture.ask(method, &at("127.0.0.2")).send().await;
        answer.problem(409);
    }
    fixture.put(&at("spam.example"), json!({})).await.problem(422);
}

#[tokio::test]
async fn listings_that_make_no_sense_are_refused() {
    let fixture = Fixture::new().await;
    for body in [
        json!({"exclusion": true, "return_codes": ["127.0.0.2"]}),
        json!({"expires_at": "2001-01-01T00:00:00Z"}),
        json!({"expires_in": 0}),
        json!({"tags": [""]}),
    ] {
        fixture.put(&at("192.0.2.1"), body).await.problem(422);
    }
    for body in [
        json!({"expires_at": "2101-01-01T00:00:00Z", "expires_in": 5}),
        json!({"expires_at": "soon"}),
        json!({"return_codes": ["192.0.2.1"]}),
        json!({"reason": ""}),
        json!({"code": 2}),
        json!({"subject": "192.0.2.2"}),
        json!({"source": "feed"}),
        json!([]),
    ] {
        fixture.put(&at("192.0.2.1"), body).await.problem(400);
    }
    for subject in ["192.0.2.1%2F24", "a%20b", "300.1.1.1", "%FF"] {
        fixture.put(&at(subject), json!({})).await.problem(400);
    }
    let hint = fixture.put(&at("192.0.2.0/24"), json!({})).await;
    assert!(hint.problem(404)["detail"].as_str().unwrap().contains("%2F"));
}

#[tokio::test]
async fn a_listing_that_was_read_and_edited_may_be_put() {
    let fixture = Fixture::new().await;
    let first = fixture.list("192.0.2.1", json!({"note": "x"})).await;
    let mut body = fixture.get(&at("192.0.2.1")).await.json["listings"][0].clone();
    body["note"] = json!("y");
    let put = fixture.ask("PUT", &at("192.0.2.1")).header("if-match", first.header("etag"));
    assert_eq!(put.json(&body).send().await.ok()["note"], "y");
}

#[tokio::test]
async fn pages_hold_every_listing_once() {
    let fixture = Fixture::new().await;
    for i in 1..=7 {
        fixture
            .list(
                &format!("192.0.2.{i}"),
                json!({"tags": [if i % 2 == 0 { "even" } else { "odd" }]}),
            )
            .await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = fixture.get(&format!("{ZONE}/listings?limit=3{cursor}")).await;
        let listings = page.ok()["listings"].as_array().unwrap().clone();
        seen.extend(listings.iter().map(|l| l["subject"].as_str().unwrap().to_owned()));
        match page.json["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (1..=7).map(|i| format!("192.0.2.{i}")).collect::<Vec<_>>());
    let even = fixture.get(&format!("{ZONE}/listings?tag=even&source=admin")).await;
    assert_eq!(even.json["listings"].as_array().unwrap().len(), 3);
    for query in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "cursor=zz",
        "match=exact",
        "subject=x%20",
        "colour=1",
        "subject=1.2.3.4&match=near",
    ] {
        fixture.get(&format!("{ZONE}/listings?{query}")).await.problem(400);
    }
}

#[tokio::test]
async fn searches_tell_what_covers_and_what_is_covered() {
    let fixture = Fixture::new().await;
    for subject in ["192.0.2.0%2F24", "192.0.2.0%2F25", "192.0.2.1", "8.8.8.8"] {
        fixture.list(subject, json!({})).await;
    }
    for (kind, expected) in [
        ("exact", vec!["192.0.2.0/25"]),
        ("covering", vec!["192.0.2.0/24", "192.0.2.0/25"]),
        ("covered", vec!["192.0.2.0/25", "192.0.2.1"]),
        ("overlap", vec!["192.0.2.0/24", "192.0.2.0/25", "192.0.2.1"]),
    ] {
        let page =
            fixture.get(&format!("{ZONE}/listings?subject=192.0.2.0%2F25&match={kind}")).await;
        let listings = page.ok()["listings"].as_array().unwrap();
        let mut found: Vec<&str> =
            listings.iter().map(|l| l["subject"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{kind}");
    }
}

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

#[tokio::test]
async fn rfc9110_s13_1_2_what_a_reader_has_already_is_not_sent_again() {
    let fixture = Fixture::new().await;
    let at = format!("{ZONE}/listings/192.0.2.1");
    let get = |tag: &str| fixture.ask("GET", &at).header("if-none-match", tag).send();
    let put = fixture.list("192.0.2.1", json!({"return_codes": ["127.0.0.4"]})).await;
    let tag = put.header("etag").to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"1\", {tag}"), "*".into()] {
        let answer = get(&known).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{known}");
        assert_eq!(answer.header("etag"), tag);
    }
    fixture.list("192.0.2.1", json!({"return_codes": ["127.0.0.5"]})).await;
    assert_eq!(get(&tag).await.json["return_codes"], json!(["127.0.0.5"]));
    // Two listings have no tag between them; one with the zone's codes changes with the zone.
    fixture.list("192.0.2.1?source=feed", json!({})).await;
    assert_eq!(get("*").await.status, 200);
    assert_eq!(fixture.delete(&at).await.status, 204);
    let tag = get("\"1\"").await.header("etag").to_owned();
    assert_eq!(get(&tag).await.status, 200);
}
