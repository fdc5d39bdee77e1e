//! `/v1/zones`: settings of zones.

use serde_json::json;

use crate::fixture::{Fixture, ZONE};

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
async fn a_combined_zone_includes_zones_that_are_there_and_keeps_them() {
    let fixture = Fixture::new().await;
    let all = "/v1/zones/all.example.org";
    let body = |zones: &[&str]| {
        let includes: Vec<_> = zones.iter().map(|zone| json!({"zone": zone})).collect();
        json!({"kind": "ip", "ns": ["ns1.example.net."], "includes": includes})
    };
    let missing = fixture.put(all, body(&["relays.example.org"])).await;
    assert!(missing.problem(409)["detail"].as_str().unwrap().contains("relays.example.org"));
    fixture.put_zone("/v1/zones/relays.example.org", "ip").await;
    fixture.put_zone("/v1/zones/dbl.example.org", "domain").await;
    fixture.put(all, body(&["dbl.example.org"])).await.problem(409);
    let made = fixture.put(all, body(&["bl.example.org", "relays.example.org"])).await;
    assert_eq!(made.ok()["includes"][1], json!({"zone": "relays.example.org"}));
    fixture.put("/v1/zones/more.example.org", body(&["all.example.org"])).await.problem(409);
    let kept = fixture.delete("/v1/zones/relays.example.org").await;
    let problem = kept.problem(409);
    assert_eq!(problem["type"], "/problems/included");
    assert!(problem["detail"].as_str().unwrap().contains("all.example.org"), "{problem}");
    // What reads back may be put again.
    assert_eq!(fixture.put(all, made.json.clone()).await.status, 200);
    fixture.put(all, body(&["bl.example.org"])).await.ok();
    assert_eq!(fixture.delete("/v1/zones/relays.example.org").await.status, 204);
}
