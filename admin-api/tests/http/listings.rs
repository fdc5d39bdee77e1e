//! `/v1/zones/{zone}/listings/{subject}`: listings, preconditions, guards.

use serde_json::{Value, json};

use crate::fixture::{Fixture, ZONE};

fn at(subject: &str) -> String {
    format!("{ZONE}/listings/{subject}")
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
