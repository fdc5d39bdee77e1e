//! `/v1/review`: what waits for a decision, claimed, released, decided and undone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, ZONE};

/// A zone with a request for removal, a report, and listings by hand and by an import.
async fn fixture() -> Fixture {
    let fixture = Fixture::taking_reports().await.and_removals().await;
    let zone = json!({"kind": "ip", "ns": ["ns1.example.net."],
        "reports": {"categories": {"spam": {"reporters": 9}}}});
    assert_eq!(fixture.put(ZONE, zone).await.status, 201);
    fixture.list("192.0.2.0_24", json!({})).await;
    fixture.list("192.0.2.1", json!({"expires_in": 3600})).await;
    fixture.list("192.0.2.9", json!({"exclusion": true})).await;
    let imported = fixture.import("format=plain&source=bulk", "198.51.100.1\n").await;
    imported.ok();
    fixture.post("/v1/removal-requests", json!({"subject": "192.0.2.1"})).await.ok();
    let report = json!({"subject": "192.0.2.77", "category": "spam"});
    fixture.post("/v1/reports", report).await.ok();
    fixture
}

/// The names of what waits.
async fn waiting(fixture: &Fixture, query: &str) -> Vec<String> {
    let page = fixture.get(&format!("/v1/review?{query}")).await;
    let items = page.ok()["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn act(fixture: &Fixture, token: &str, id: &str, verb: &str, body: Value) -> Answer {
    fixture.ask_as(token, "POST", &format!("/v1/review/{id}/{verb}")).json(&body).send().await
}

#[tokio::test]
async fn all_that_waits_is_shown_in_one_order_page_by_page() {
    let fixture = fixture().await;
    let all = waiting(&fixture, "").await;
    let kinds: Vec<&str> = all.iter().map(|id| id.split('-').next().unwrap()).collect();
    assert_eq!(kinds, ["removal", "report", "listing"], "neither an import nor an exclusion waits");
    for (kind, id) in kinds.iter().zip(&all) {
        assert_eq!(waiting(&fixture, &format!("kind={kind}")).await, [id.as_str()]);
        let item = fixture.get(&format!("/v1/review/{id}")).await;
        assert_eq!((&item.ok()["id"], &item.json["kind"]), (&json!(id), &json!(kind)));
        assert_eq!(item.header("etag"), item.json["etag"].as_str().unwrap());
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = fixture.get(&format!("/v1/review?limit=1{cursor}")).await;
        let items = page.ok()["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page.json["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, all);
    for query in ["kind=x", "state=x", "cursor=x", "limit=0", "zone=a%20b", "colour=1"] {
        fixture.get(&format!("/v1/review?{query}")).await.problem(400);
    }
    for id in ["removal-0000000000000001", "report-0000000000000001", "listing-x", "x"] {
        fixture.get(&format!("/v1/review/{id}")).await.problem(404);
    }
}

#[tokio::test]
async fn a_claim_keeps_others_away_until_it_is_released() {
    let fixture = fixture().await;
    let (one, two) = (fixture.mint("one", &["review"]), fixture.mint("two", &["review"]));
    for id in waiting(&fixture, "").await {
        let before = fixture.get(&format!("/v1/review/{id}")).await.json["etag"].clone();
        let claimed = act(&fixture, &one, &id, "claim", json!({"term": "5m"})).await;
        assert_eq!(claimed.ok()["claim"]["by"], "one", "{}", claimed.text);
        assert_ne!(claimed.json["etag"], before);
        act(&fixture, &one, &id, "claim", json!({})).await.ok();
        assert_eq!(waiting(&fixture, "state=claimed").await, [id.as_str()]);
        assert!(!waiting(&fixture, "state=unclaimed").await.contains(&id));
        for (verb, body) in [
            ("claim", json!({})),
            ("release", json!({})),
            ("decide", json!({"decision": "refuse"})),
        ] {
            let refused = act(&fixture, &two, &id, verb, body).await;
            let kind = &refused.problem(409)["type"];
            assert_eq!(kind, "urn:dnsbl:problem:claimed", "{verb}");
        }
        let released = act(&fixture, &one, &id, "release", json!({})).await;
        assert!(released.ok().get("claim").is_none());
        act(&fixture, &two, &id, "claim", json!({})).await.ok();
        act(&fixture, &two, &id, "release", json!({})).await.ok();
    }
    let id = &waiting(&fixture, "").await[0];
    for term in ["59s", "25h", "x"] {
        let status = act(&fixture, &one, id, "claim", json!({"term": term})).await.status;
        assert!(status.is_client_error(), "{term}");
    }
}

#[tokio::test]
async fn who_has_seen_an_older_state_decides_nothing() {
    let fixture = fixture().await;
    let id = &waiting(&fixture, "kind=removal").await[0];
    let path = format!("/v1/review/{id}");
    let stale = fixture.get(&path).await.json["etag"].as_str().unwrap().to_owned();
    let admin = fixture.admin();
    act(&fixture, &admin, id, "claim", json!({})).await.ok();
    let decide = |etag: String| {
        let ask = fixture.ask("POST", &format!("{path}/decide")).header("if-match", etag);
        ask.json(&json!({"decision": "refuse"})).send()
    };
    decide(stale).await.problem(412);
    let fresh = fixture.get(&path).await.json["etag"].as_str().unwrap().to_owned();
    decide(fresh).await.ok();
    fixture.get(&path).await.problem(404);
}

#[tokio::test]
async fn a_removal_that_is_granted_leaves_what_covers_it_and_comes_back_when_it_is_undone() {
    let fixture = fixture().await;
    let admin = fixture.admin();
    let id = &waiting(&fixture, "kind=removal").await[0];
    let wrong = act(&fixture, &admin, id, "decide", json!({"decision": "keep"})).await;
    wrong.problem(422);
    let body = json!({"decision": "grant", "note": "closed"});
    let granted = act(&fixture, &admin, id, "decide", body).await;
    let request = &granted.ok()["removal_request"];
    assert_eq!(
        (&request["state"], &request["decision"]["note"]),
        (&json!("granted"), &json!("closed"))
    );
    let listings = fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await;
    let listing = &listings.ok()["listings"][0];
    assert_eq!((&listing["source"], &listing["exclusion"]), (&json!("removals"), &json!(true)));
    fixture.get(&format!("{ZONE}/listings/192.0.2.0_24")).await.ok();
    let undone = fixture.post("/v1/undo", json!({"seq": granted.json["seq"]})).await;
    undone.ok();
    let listings = fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await;
    assert_eq!(listings.ok()["listings"][0]["source"], "admin");
    assert_eq!(waiting(&fixture, "kind=removal").await, [id.as_str()], "it waits again");
    let wider = act(&fixture, &admin, id, "decide", json!({"decision": "grant-wider"})).await;
    wider.ok();
    fixture.get(&format!("{ZONE}/listings/192.0.2.0_24")).await.problem(404);
    fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await.problem(404);
}

#[tokio::test]
async fn a_listing_is_kept_or_removed_and_a_report_confirmed() {
    let fixture = fixture().await;
    let admin = fixture.admin();
    let listing = &waiting(&fixture, "kind=listing").await[0];
    act(&fixture, &admin, listing, "claim", json!({})).await.ok();
    let kept =
        act(&fixture, &admin, listing, "decide", json!({"decision": "keep", "note": "a lab"}))
            .await;
    kept.ok();
    assert!(waiting(&fixture, "kind=listing").await.is_empty());
    fixture.list("192.0.2.0_24", json!({"note": "changed"})).await;
    assert_eq!(waiting(&fixture, "kind=listing").await, [listing.as_str()], "it has changed");
    let removed = act(&fixture, &admin, listing, "decide", json!({"decision": "remove"})).await;
    removed.ok();
    fixture.get(&format!("{ZONE}/listings/192.0.2.0_24")).await.problem(404);
    fixture.post("/v1/undo", json!({"seq": removed.json["seq"]})).await.ok();
    fixture.get(&format!("{ZONE}/listings/192.0.2.0_24")).await.ok();
    assert_eq!(waiting(&fixture, "kind=listing").await, [listing.as_str()]);
    let report = &waiting(&fixture, "kind=report").await[0];
    act(&fixture, &admin, report, "claim", json!({})).await.ok();
    let confirmed = act(&fixture, &admin, report, "decide", json!({"decision": "confirm"})).await;
    assert_eq!(confirmed.ok()["report"]["state"], "confirmed");
    fixture.get(&format!("{ZONE}/listings/192.0.2.77")).await.ok();
    assert!(waiting(&fixture, "kind=report").await.is_empty());
}

#[tokio::test]
async fn of_reviewers_who_decide_at_once_one_does() {
    let fixture = fixture().await;
    let id = waiting(&fixture, "kind=removal").await.remove(0);
    let etag = fixture.get(&format!("/v1/review/{id}")).await.json["etag"].clone();
    let etag = etag.as_str().unwrap();
    let decide = |decision: &str| {
        let path = format!("/v1/review/{id}/decide");
        let ask = fixture.ask("POST", &path).header("if-match", etag);
        ask.json(&json!({"decision": decision})).send()
    };
    let answers =
        tokio::join!(decide("grant"), decide("refuse"), decide("grant"), decide("refuse"));
    let statuses: Vec<u16> =
        [answers.0, answers.1, answers.2, answers.3].iter().map(|a| a.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    let others: BTreeSet<u16> = statuses.into_iter().filter(|status| *status != 200).collect();
    assert!(others.is_subset(&[404, 409, 412].into()), "{others:?}");
}
