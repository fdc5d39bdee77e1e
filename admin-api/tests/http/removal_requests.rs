//! `/v1/removal-requests`: who wants a subject to be listed no more.

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, ZONE};

const REQUESTS: &str = "/v1/removal-requests";

/// A zone with these rules.
async fn fixture(rules: Value) -> Fixture {
    let fixture = Fixture::taking_reports().await.and_removals().await;
    let zone = json!({"kind": "ip", "ns": ["ns1.example.net."], "ttl": 600, "removal": rules});
    assert_eq!(fixture.put(ZONE, zone).await.status, 201);
    fixture
}

async fn ask(fixture: &Fixture, subject: &str) -> Answer {
    fixture.post(REQUESTS, json!({"subject": subject})).await
}

#[tokio::test]
async fn the_rules_of_a_zone_read_back_as_they_were_put() {
    let fixture = fixture(json!({"self_service": true, "promise": "72h", "wait": "12h"})).await;
    let rules = json!({"self_service": true, "confirm_by_mail": false, "promise": "3d",
        "wait": "12h", "longest_wait": "30d"});
    assert_eq!(fixture.get(ZONE).await.ok()["removal"], rules);
    for (bad, status) in [
        (json!({"promise": "8d"}), 422),
        (json!({"promise": "72"}), 400),
        (json!({"wait": "2d", "longest_wait": "1d"}), 422),
        (json!({"self-service": true}), 400),
    ] {
        let zone = json!({"kind": "ip", "ns": ["ns1.example.net."], "removal": bad});
        fixture.put(ZONE, zone).await.problem(status);
    }
    let allow =
        json!({"kind": "allow", "ns": ["ns1.example.net."], "removal": {"self_service": true}});
    fixture.put("/v1/zones/pop.example.org", allow).await.problem(422);
    fixture.put_zone("/v1/zones/usual.example.org", "ip").await;
    assert!(fixture.get("/v1/zones/usual.example.org").await.ok().get("removal").is_none());
}

#[tokio::test]
async fn a_subject_is_removed_at_once_and_waits_when_it_is_listed_again() {
    let fixture = fixture(json!({"self_service": true})).await;
    fixture.list("192.0.2.1", json!({})).await;
    fixture.list("192.0.2.1?source=other", json!({})).await;
    let done = ask(&fixture, "192.0.2.1").await;
    assert_eq!((done.status.as_u16(), &done.json["state"]), (201, &json!("done")), "{}", done.text);
    let id = done.json["id"].as_str().unwrap();
    assert_eq!(done.header("location"), format!("{REQUESTS}/{id}"));
    fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await.problem(404);
    let audit = fixture.get("/v1/audit").await;
    assert!(
        audit.text.contains("listing-delete") || audit.text.contains("\"delete\""),
        "{}",
        audit.text
    );
    assert!(done.json["cached_until"].as_str() > done.json["removed_at"].as_str());
    ask(&fixture, "192.0.2.1").await.problem(422);
    fixture.list("192.0.2.1", json!({})).await;
    let waits = ask(&fixture, "192.0.2.1").await;
    assert_eq!(waits.ok()["state"], "waiting");
    assert!(waits.json["removed_at"].as_str() > done.json["removed_at"].as_str(), "{}", waits.text);
    fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await.ok();
}

#[tokio::test]
async fn nothing_wider_than_the_subject_goes_without_a_reviewer() {
    let fixture = fixture(json!({"self_service": true})).await;
    fixture.list("192.0.2.0_24", json!({})).await;
    fixture.list("192.0.2.1", json!({})).await;
    for subject in ["192.0.2.1", "192.0.2.7", "192.0.2.0/24"] {
        let waits = ask(&fixture, subject).await;
        assert_eq!(waits.ok()["state"], "waiting", "{subject}: {}", waits.text);
        assert!(waits.json.get("removed_at").is_none());
        let wider = (subject != "192.0.2.0/24").then_some("192.0.2.0/24");
        assert_eq!(waits.json["wider"].as_str(), wider);
    }
    fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await.ok();
    fixture.get(&format!("{ZONE}/listings/192.0.2.0_24")).await.ok();
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused_saying_why() {
    let fixture = fixture(json!({})).await;
    fixture.put_zone("/v1/zones/other.example.org", "ip").await;
    let combined =
        json!({"kind": "ip", "ns": ["ns1.example.net."], "includes": [{"zone": "bl.example.org"}]});
    assert_eq!(fixture.put("/v1/zones/all.example.org", combined).await.status, 201);
    fixture.list("192.0.2.1", json!({})).await;
    fixture.list("192.0.2.2", json!({})).await;
    fixture.put("/v1/zones/other.example.org/listings/192.0.2.2", json!({})).await.ok();
    fixture.list("192.0.2.3", json!({"exclusion": true})).await;
    for (body, status, word) in [
        (json!({"subject": "192.0.2.9"}), 422, "nothing-to-remove"),
        (json!({"subject": "192.0.2.3"}), 422, "nothing-to-remove"),
        (json!({"subject": "example.com"}), 422, "nothing-to-remove"),
        (json!({"subject": "192.0.2.1", "zone": "other.example.org"}), 422, "nothing-to-remove"),
        (json!({"subject": "192.0.2.1", "zone": "all.example.org"}), 422, "listed-elsewhere"),
        (json!({"subject": "192.0.2.1", "zone": "none.example.org"}), 404, "no-such-zone"),
        (json!({"subject": "192.0.2.2"}), 422, "several-zones"),
        (json!({"subject": "127.0.0.2", "zone": "bl.example.org"}), 409, "test-entry"),
        (json!({"subject": "192.0.2.1", "contact": "a@b\r\nBcc: c@d"}), 400, "malformed"),
        (json!({"subject": "192.0.2.1", "language": "fr"}), 400, "malformed"),
        (json!({"subject": "192.0.2.1", "colour": 1}), 400, "malformed"),
        (json!({}), 400, "malformed"),
    ] {
        let answer = fixture.post(REQUESTS, body.clone()).await;
        let kind = answer.problem(status)["type"].as_str().unwrap().to_owned();
        assert_eq!(kind, format!("urn:dnsbl:problem:{word}"), "{body}: {}", answer.text);
    }
    for _ in 0..8 {
        assert_eq!(ask(&fixture, "192.0.2.1").await.status, 201);
    }
    let crowded = ask(&fixture, "192.0.2.1").await;
    crowded.problem(429);
    assert!(!crowded.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_ticket_shows_how_a_request_stands_and_not_who_decides() {
    let fixture = fixture(json!({})).await;
    fixture.list("192.0.2.1", json!({})).await;
    let submitter = fixture.mint("desk", &["removals:write"]);
    let body = json!({"subject": "192.0.2.1", "comment": "closed\nnow", "language": "ja"});
    let made = fixture.ask_as(&submitter, "POST", REQUESTS).json(&body).send().await;
    assert_eq!((&made.ok()["state"], &made.json["language"]), (&json!("waiting"), &json!("ja")));
    let (id, ticket) = (made.json["id"].as_str().unwrap(), &made.json["ticket"]);
    assert_eq!(ticket.as_str().unwrap().len(), 39);
    let find = |ticket: &Value| {
        let body = json!({"ticket": ticket});
        fixture.ask_as(&submitter, "POST", &format!("{REQUESTS}:find")).json(&body).send()
    };
    let seen = find(ticket).await;
    assert_eq!((&seen.ok()["listed"], &seen.json["has_contact"]), (&json!(true), &json!(false)));
    assert!(!seen.text.contains("closed") && !seen.text.contains(ticket.as_str().unwrap()));
    let other = ticket.as_str().unwrap().to_owned();
    let other = if other.ends_with('a') {
        other[..38].to_owned() + "i"
    } else {
        other[..38].to_owned() + "a"
    };
    for wrong in [json!(other), json!("x"), json!("")] {
        find(&wrong).await.problem(404);
    }
    let path = format!("{REQUESTS}/{id}");
    fixture.ask_as(&submitter, "GET", &path).send().await.problem(403);
    let whole = fixture.get(&path).await;
    assert_eq!(
        (&whole.ok()["comment"], &whole.json["requested_by"]),
        (&json!("closed now"), &json!("desk"))
    );
    assert!(whole.json.get("ticket").is_none());
    let item = format!("/v1/review/removal-{id}/decide");
    fixture.post(&item, json!({"decision": "refuse", "note": "seen again"})).await.ok();
    let refused = find(ticket).await;
    let decision = json!({"at": refused.json["decision"]["at"], "note": "seen again"});
    assert_eq!((&refused.ok()["state"], &refused.json["decision"]), (&json!("refused"), &decision));
    let confirm = format!("{REQUESTS}:confirm");
    fixture.post(&confirm, json!({"ticket": ticket})).await.problem(404);
}

#[tokio::test]
async fn requests_are_listed_filtered_and_paged() {
    let fixture = fixture(json!({})).await;
    for last in 1..=5 {
        let subject = format!("192.0.2.{last}");
        fixture.list(&subject, json!({})).await;
        ask(&fixture, &subject).await.ok();
    }
    let all = fixture.get(&format!("{REQUESTS}?limit=3")).await;
    assert_eq!(all.ok()["removal_requests"].as_array().unwrap().len(), 3);
    let next = all.json["next"].as_str().unwrap();
    let rest = fixture.get(&format!("{REQUESTS}?limit=3&cursor={next}")).await;
    assert_eq!(rest.ok()["removal_requests"].as_array().unwrap().len(), 2);
    assert_eq!(rest.json["next"], Value::Null);
    for (query, count) in [
        ("state=waiting", 5),
        ("state=done", 0),
        ("subject=192.0.2.2", 1),
        ("zone=bl.example.org&subject=192.0.2.2", 1),
        ("zone=none.example.org", 0),
    ] {
        let page = fixture.get(&format!("{REQUESTS}?{query}")).await;
        assert_eq!(page.ok()["removal_requests"].as_array().unwrap().len(), count, "{query}");
    }
    for query in ["state=x", "cursor=x", "limit=0", "subject=a%20b", "colour=1"] {
        fixture.get(&format!("{REQUESTS}?{query}")).await.problem(400);
    }
    fixture.get(&format!("{REQUESTS}/0000000000000001")).await.problem(404);
}
