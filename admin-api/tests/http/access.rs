//! Tokens and scopes.

use admin_api::SCOPES;
use serde_json::json;

use crate::fixture::{Fixture, ZONE};

const NEEDS: &[(&str, &str, &str)] = &[
    ("GET", "/v1/zones", "zones:read"),
    ("GET", ZONE, "zones:read"),
    ("PUT", ZONE, "zones:write"),
    ("DELETE", ZONE, "zones:write"),
    ("GET", "/v1/zones/bl.example.org/listings", "listings:read"),
    ("GET", "/v1/zones/bl.example.org/listings/192.0.2.1", "listings:read"),
    ("PUT", "/v1/zones/bl.example.org/listings/192.0.2.1", "listings:write"),
    ("DELETE", "/v1/zones/bl.example.org/listings/192.0.2.1", "listings:write"),
    ("POST", "/v1/zones/bl.example.org/import?format=plain", "imports:write"),
    ("GET", "/v1/zones/bl.example.org/export", "listings:read"),
    ("POST", "/v1/check", "listings:read"),
    ("GET", "/v1/changes", "changes:read"),
    ("GET", "/v1/audit", "audit:read"),
    ("GET", "/v1/tokens", "tokens:admin"),
    ("POST", "/v1/tokens", "tokens:admin"),
    ("DELETE", "/v1/tokens/x", "tokens:admin"),
    ("POST", "/v1/tokens/x/rotate", "tokens:admin"),
    ("GET", "/metrics", "metrics:read"),
    ("POST", "/v1/logins", "logins:write"),
    ("GET", "/v1/grants", "grants:read"),
    ("DELETE", "/v1/grants/bl.example.org/192.0.2.1", "grants:write"),
    ("GET", "/v1/subscribers", "subscribers:read"),
    ("POST", "/v1/subscribers", "subscribers:write"),
    ("GET", "/v1/subscribers/x", "subscribers:read"),
    ("PUT", "/v1/subscribers/x", "subscribers:write"),
    ("DELETE", "/v1/subscribers/x", "subscribers:write"),
    ("POST", "/v1/subscribers/x/rotate", "subscribers:write"),
    ("GET", "/v1/allowlist", "allowlist:read"),
    ("GET", "/v1/allowlist/192.0.2.1", "allowlist:read"),
    ("PUT", "/v1/allowlist/192.0.2.1", "allowlist:write"),
    ("DELETE", "/v1/allowlist/192.0.2.1", "allowlist:write"),
];

#[tokio::test]
async fn every_call_needs_its_scope_and_no_other() {
    let fixture = Fixture::new().await;
    for (i, &(method, path, scope)) in NEEDS.iter().enumerate() {
        let others: Vec<&str> = SCOPES.iter().copied().filter(|s| *s != scope).collect();
        let without = fixture.mint(&format!("without{i}"), &others);
        let refused = fixture.ask_as(&without, method, path).send().await;
        assert_eq!(refused.problem(403)["scope"], scope, "{method} {path}");
        let with = fixture.mint(&format!("with{i}"), &[scope]);
        let answer = fixture.ask_as(&with, method, path).send().await;
        assert!(![401, 403].contains(&answer.status.as_u16()), "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn without_a_token_that_counts_nothing_is_shown() {
    for (method, path, _) in NEEDS {
        // Each has its own, since failed tries are limited.
        let fixture = Fixture::new().await;
        for token in ["", "x", "dnsbl_0101010101010101_00"] {
            let answer = fixture.ask_as(token, method, path).send().await;
            answer.problem(401);
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
    }
    let fixture = Fixture::new().await;
    assert_eq!(fixture.ask_as("", "GET", "/openapi.json").send().await.status, 401);
    assert_eq!(fixture.ask_as("", "GET", "/healthz").send().await.status, 200);
    let ready = fixture.ask_as("", "GET", "/readyz").send().await;
    assert_eq!((ready.status.as_u16(), &ready.json["ready"]), (503, &json!(false)));
}

#[tokio::test]
async fn a_token_in_the_url_is_refused() {
    let fixture = Fixture::new().await;
    for path in ["/v1/zones?token=secret", "/healthz?a=b&access_token=secret"] {
        let answer = fixture.get(path).await;
        answer.problem(400);
        assert!(!answer.text.contains("secret"));
    }
}

#[tokio::test]
async fn a_token_hands_out_only_what_it_has() {
    let fixture = Fixture::new().await;
    let clerk = fixture.mint("clerk", &["tokens:admin", "listings:read"]);
    let ask = |scopes: serde_json::Value| {
        let body = json!({"name": "new", "scopes": scopes, "expires_in": 60});
        fixture.ask_as(&clerk, "POST", "/v1/tokens").json(&body).send()
    };
    ask(json!(["listings:write"])).await.problem(403);
    ask(json!(["everything"])).await.problem(422);
    ask(json!([])).await.problem(422);
    let made = ask(json!(["listings:read"])).await;
    assert_eq!(made.status, 201);
    assert!(!made.header("dnsbl-seq").is_empty());
    let token = made.json["token"].as_str().unwrap();
    let page = fixture.ask_as(token, "GET", &format!("{ZONE}/listings")).send().await;
    assert_eq!(page.status, 200);
    let all = fixture.get("/v1/tokens").await;
    assert!(!all.text.contains(token.rsplit('_').next().unwrap()));
    let path = format!("/v1/tokens/{}", made.json["id"].as_str().unwrap());
    assert_eq!(fixture.delete(&path).await.status, 204);
    fixture.delete(&path).await.problem(404);
    let page = fixture.ask_as(token, "GET", "/v1/zones").send().await;
    page.problem(401);
}

#[tokio::test]
async fn all_sources_and_guards_need_scopes_of_their_own() {
    let fixture = Fixture::new().await;
    let clerk = fixture.mint("clerk", &["listings:write", "imports:write"]);
    let at = |subject: &str, query: &str| format!("{ZONE}/listings/{subject}?{query}");
    let ask = |method, path: String| fixture.ask_as(&clerk, method, &path).send();
    assert_eq!(
        ask("DELETE", at("192.0.2.1", "source=*")).await.problem(403)["scope"],
        "sources:all"
    );
    let refused = ask("PUT", at("10.0.0.1", "override=special-use")).await;
    assert_eq!(refused.problem(403)["scope"], "guards:override");
    let import = format!("{ZONE}/import?format=plain&override=short-prefix");
    ask("POST", import).await.problem(403);
    ask("PUT", at("10.0.0.1", "")).await.problem(422);
    ask("PUT", at("192.0.2.1", "")).await.ok();
}

#[tokio::test]
async fn requests_are_counted_by_route_and_code() {
    let fixture = Fixture::new().await;
    fixture.get("/v1/zones/nowhere.example").await.problem(404);
    fixture.get("/nothing").await.problem(404);
    let counted = fixture.server.counted();
    assert!(counted.contains(&("/v1/zones/{zone}".into(), 404)));
    assert!(counted.contains(&("unmatched".into(), 404)));
    let metrics = fixture.get("/metrics").await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4");
    assert_eq!(metrics.text, "dnsbl_head_seq 1\n");
}

#[tokio::test]
async fn a_token_in_use_counts_no_more_once_its_revocation_is_acknowledged() {
    let mut fixture = Fixture::new().await;
    for round in 0..20 {
        if round % 4 == 0 {
            // Failed tries are limited.
            fixture = Fixture::new().await;
        }
        let body = json!({"name": "new", "scopes": ["zones:read"]});
        let made = fixture.post("/v1/tokens", body).await;
        let token = made.json["token"].as_str().unwrap();
        let path = format!("/v1/tokens/{}", made.json["id"].as_str().unwrap());
        let ask = || fixture.ask_as(token, "GET", "/v1/zones").send();
        if round % 2 == 0 {
            ask().await.ok();
        }
        // Some of these read the token before it goes, and come back with it afterwards.
        let revoke = async {
            let gone = fixture.delete(&path).await;
            ask().await.problem(401);
            gone
        };
        let (_, _, gone, _, _) = tokio::join!(ask(), ask(), revoke, ask(), ask());
        assert_eq!(gone.status, 204);
        ask().await.problem(401);
    }
}
