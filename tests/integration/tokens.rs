//! Who may do what: `Authorization: Bearer`, `/v1/tokens`, `dnsbl-server token create`.

use std::{os::unix::fs::PermissionsExt, process::Command};

use dnsbl_tests::{Admin, HttpReply, Process, TestServer, program};
use reqwest::Method;
use serde_json::json;

use crate::server;

/// A token with these scopes.
#[track_caller]
fn token(server: &TestServer, name: &str, scopes: &[&str]) -> Admin {
    let created = server
        .admin()
        .post("/v1/tokens", &json!({"name": name, "scopes": scopes}))
        .expect(201)
        .json();
    server.admin().with_token(created["token"].as_str().expect("the new token is told once"))
}

#[test]
fn without_a_good_token_nothing_goes() {
    let server = server();
    let admin = server.admin();
    let zone = server.ip_zone(json!({}));
    let own = std::fs::read_to_string(server.data_dir().join("admin.token")).unwrap();
    let own = own.trim();
    let almost = format!("{}{}", &own[..own.len() - 1], if own.ends_with('0') { '1' } else { '0' });
    let authorizations = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        &format!("Bearer {almost}"),
        &format!("Basic {own}"),
        own,
    ];
    let path = zone.listing_path("192.0.2.1");
    for authorization in authorizations {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let request = admin.bare(method, &path).header("authorization", authorization);
            HttpReply::of(request.json(&json!({}))).expect_problem(401);
        }
    }
    for path in ["/v1/zones", "/v1/changes", "/v1/audit", "/v1/tokens"] {
        HttpReply::of(admin.bare(Method::GET, path)).expect_problem(401);
    }
    for parameter in ["token", "access_token"] {
        let in_url = format!("{path}?{parameter}={own}");
        let request = admin.bare(Method::PUT, &in_url).json(&json!({}));
        let status = HttpReply::of(request).status;
        assert!(matches!(status, 400 | 401), "{parameter} in a URL: {status}");
    }
    admin.get(&path).expect_problem(404);
}

#[test]
fn health_needs_no_token() {
    let server = server();
    for path in ["/healthz", "/readyz"] {
        HttpReply::of(server.admin().bare(Method::GET, path)).expect(200);
    }
    for path in ["/metrics", "/openapi.json"] {
        HttpReply::of(server.admin().bare(Method::GET, path)).expect_problem(401);
        server.admin().get(path).expect(200);
    }
}

#[test]
fn a_token_may_do_what_its_scopes_say() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let reader = token(&server, "reader", &["listings:read"]);
    let path = zone.listing_path("192.0.2.1");
    reader.get(&path).expect_problem(404);
    reader.put(&path, &json!({})).expect_problem(403);
    reader.delete(&path).expect_problem(403);
    reader
        .put("/v1/zones/other.example.org", &json!({"kind": "ip", "ns": ["ns.example.net."]}))
        .expect_problem(403);
    reader
        .post("/v1/tokens", &json!({"name": "more", "scopes": ["listings:write"]}))
        .expect_problem(403);
    let writer = token(&server, "writer", &["listings:write"]);
    let created = writer.put(&path, &json!({})).expect(201).json();
    assert_eq!(created["source"], "writer", "the default source is the token's name");
    let guarded = zone.listing_path("10.0.0.1");
    writer.put(&format!("{guarded}?override=special-use"), &json!({})).expect_problem(403);
    server.admin().put(&format!("{guarded}?override=special-use"), &json!({})).expect(201);
}

#[test]
fn a_deleted_token_is_locked_out_at_once() {
    let server = server();
    let created = server
        .admin()
        .post("/v1/tokens", &json!({"name": "short", "scopes": ["zones:read"]}))
        .expect(201)
        .json();
    let short = server.admin().with_token(created["token"].as_str().unwrap());
    short.get("/v1/zones").expect(200);
    let id = created["id"].as_str().expect("an id");
    server.admin().delete(&format!("/v1/tokens/{id}")).expect(204);
    short.get("/v1/zones").expect_problem(401);
}

#[test]
fn secrets_are_told_once_and_never_logged() {
    let server = TestServer::start();
    let created = server
        .admin()
        .post("/v1/tokens", &json!({"name": "secret", "scopes": ["zones:read"]}))
        .expect(201)
        .json();
    let secret = created["token"].as_str().unwrap();
    server.admin().with_token(secret).get("/v1/zones").expect(200);
    for path in ["/v1/tokens", "/v1/audit", "/v1/changes?after=0"] {
        let shown = server.admin().get(path).expect(200).text;
        assert!(!shown.contains(secret), "{path}");
    }
    assert!(!server.stderr().contains(secret));
    let own = std::fs::read_to_string(server.data_dir().join("admin.token")).unwrap();
    assert!(!server.stderr().contains(own.trim()));
}

#[test]
fn the_first_token_is_for_its_owner_only() {
    let server = server();
    let file = server.data_dir().join("admin.token");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_lost_token_is_no_lock_out() {
    let mut server = TestServer::start();
    server.stop();
    std::fs::remove_file(server.data_dir().join("admin.token")).unwrap();
    let mut command = Command::new(program("dnsbl-server"));
    command.args(["token", "create", "--name", "rescue", "--config"]).arg(server.config_file());
    let created = Process::run(&mut command).unwrap();
    assert_eq!(created.code, Some(0), "{}", created.stderr);
    let create = |words: &[&str]| {
        let mut command = Command::new(program("dnsbl-server"));
        command.args(["token", "create", "--config"]).arg(server.config_file()).args(words);
        Process::run(&mut command).unwrap()
    };
    let feed = ["--scope", "listings:write", "--source", "ipsum,drop"];
    let feed = create(&[&["--name", "feed"], &feed[..]].concat());
    assert_eq!(feed.code, Some(0), "{}", feed.stderr);
    for name in ["rescue", "relay-test"] {
        let refused = create(&["--name", name]);
        assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    }
    assert_eq!(create(&["--name", "other", "--source", "relay-test"]).code, Some(1));
    // The harness reads this file.
    std::fs::write(server.data_dir().join("admin.token"), &created.stdout).unwrap();
    server.start_again();
    let zone = server.ip_zone(json!({}));
    let feed = server.admin().with_token(feed.stdout.trim());
    let at = |source: &str| format!("{}?source={source}", zone.listing_path("192.0.2.1"));
    feed.put(&at("drop"), &json!({})).expect(201);
    feed.put(&at("other"), &json!({})).expect_problem(403);
}
