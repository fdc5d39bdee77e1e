//! The log line of a request: who asked for what, and never a secret.

use dnsbl_tests::{HttpReply, PATIENCE, TestServer, eventually};
use reqwest::Method;
use serde_json::json;

/// The line of the log with all of these words.
#[track_caller]
fn line(server: &TestServer, words: &[&str]) -> String {
    eventually(PATIENCE, || {
        let log = server.stderr();
        let found = log.lines().find(|line| words.iter().all(|word| line.contains(word)));
        found.map(str::to_owned).ok_or(log)
    })
}

/// Newcomer A3, red team L7: the log named the route, not the thing, nor who asked.
#[test]
fn a_change_is_logged_with_client_zone_subject_and_token() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    zone.put("192.0.2.0/24", "?source=feed", &json!({}));
    let logged = line(&server, &[" INFO ", "status=201", "subject=192.0.2.0/24"]);
    let zone = format!("zone={}", zone.origin());
    for word in ["client=127.0.0.1", &zone, "actor=\"admin\"", "token=\"", "seq="] {
        assert!(logged.contains(word), "{word} in {logged}");
    }
}

/// Red team L7: guessing left no trace.
#[test]
fn refused_requests_leave_a_warning_with_the_address_and_without_the_token() {
    let server = TestServer::start();
    let guess = "dnsbl_0123456789abcdef_00000000000000000000000000000000000000000000000000";
    let path = "/v1/tokens/0123456789abcdef";
    let request = server.admin().bare(Method::DELETE, path).bearer_auth(guess);
    HttpReply::of(request).expect_problem(401);
    let logged = line(&server, &[" WARN ", "request refused status=401 client=127.0.0.1 "]);
    assert!(logged.contains("/v1/tokens/{id}"), "{logged}");
    let body = json!({"name": "reader", "scopes": ["zones:read"]});
    let made = server.admin().post("/v1/tokens", &body).expect(201).json();
    let reader = server.admin().with_token(made["token"].as_str().unwrap());
    reader.get("/v1/audit").expect_problem(403);
    line(&server, &[" WARN ", "request refused status=403 client=127.0.0.1 ", "actor=\"reader\""]);
    assert!(!server.stderr().contains(guess));
}

#[test]
fn behind_a_proxy_that_is_named_its_client_is_told() {
    let server = TestServer::with_http_config("proxies = [\"127.0.0.1\"]");
    let forwarded = |value: &str| {
        let request = server.admin().request(Method::PUT, "/v1/zones/forwarded.example.org");
        let request = request.header("x-forwarded-for", value);
        let body = json!({"kind": "ip", "ns": ["ns.example.net."]});
        HttpReply::of(request.json(&body)).status
    };
    assert_eq!(forwarded("198.51.100.9, 203.0.113.7"), 201);
    line(&server, &[" INFO ", "status=201 client=203.0.113.7 "]);
    let audit = server.admin().get("/v1/audit?limit=1").expect(200).json();
    assert_eq!(audit["records"][0]["remote"], "203.0.113.7");
    // Who is no proxy tells nothing.
    let server = TestServer::start();
    let request = server.admin().bare(Method::GET, "/v1/zones");
    HttpReply::of(request.header("x-forwarded-for", "203.0.113.8")).expect_problem(401);
    line(&server, &[" WARN ", "status=401 client=127.0.0.1 "]);
}

/// Red team: a page reached by DNS rebinding read what needs no token.
#[test]
fn a_foreign_host_name_reaches_nothing_that_is_open() {
    let lines = "open-metrics = true\nhosts = [\"dnsbl.example.org\"]";
    let server = TestServer::with_http_config(lines);
    let ask = |host: &str, path: &str| {
        HttpReply::of(server.admin().bare(Method::GET, path).header("host", host))
    };
    for path in ["/metrics", "/openapi.json", "/readyz"] {
        ask("evil.example", path).expect_problem(421);
        ask("dnsbl.example.org", path).expect(200);
        HttpReply::of(server.admin().bare(Method::GET, path)).expect(200);
    }
    ask("evil.example", "/healthz").expect(200);
}
