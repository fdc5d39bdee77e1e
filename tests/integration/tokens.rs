//! Who may do what: `Authorization: Bearer`, `/v1/tokens`, `dnsbl-server token create`.

use std::{
    os::unix::fs::PermissionsExt,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use dnsbl_tests::{Admin, HttpReply, Process, TestServer, eventually, program};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{metrics::value, server};

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
        let problem = HttpReply::of(request).expect_problem(400);
        assert_eq!(problem["type"], "/problems/token-in-url", "{parameter}");
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

/// How long the server may take until it keeps when tokens were used.
const KEPT: Duration = Duration::from_secs(60);

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn when_a_token_was_last_used_outlives_a_kill_and_a_stop() {
    let mut server = TestServer::start();
    let body = json!({"name": "feed", "scopes": ["zones:read"]});
    let made = server.admin().post("/v1/tokens", &body).expect(201).json();
    let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    let last_used = |server: &TestServer| server.admin().get(&path).expect(200).json();
    assert_eq!(last_used(&server)["last_used_at"], Value::Null);
    let ask = |server: &TestServer| {
        server.admin().with_token(made["token"].as_str().unwrap()).get("/v1/zones").expect(200);
    };
    ask(&server);
    // What came within this second may come after the next round.
    let asked_until = now() + 1;
    eventually(KEPT, || match value(&server, "dnsbl_token_uses_kept_timestamp_seconds", &[]) {
        kept if kept > asked_until => Ok(()),
        kept => Err(kept),
    });
    let before = last_used(&server);
    assert_eq!(before["last_used_from"], "127.0.0.1");
    server.kill();
    server.start_again();
    let after = last_used(&server);
    assert_eq!(after["last_used_at"], before["last_used_at"]);
    assert!(after["last_used_at"].is_string());
    ask(&server);
    let before = last_used(&server);
    server.stop();
    server.start_again();
    assert_eq!(last_used(&server)["last_used_at"], before["last_used_at"]);
    let seq = server.admin().get("/v1/changes?after=0").expect(200).lines();
    assert!(seq.iter().all(|line| line["op"] != "token-use"), "it is no change");
}

#[test]
fn a_token_is_limited_by_the_options_of_both_programs() {
    let mut server = TestServer::start();
    let token = server.data_dir().join("admin.token");
    let ctl = |words: &[&str]| {
        let mut command = Command::new(program("dnsblctl"));
        command.args(["--server", server.admin().url()]).arg("--token-file").arg(&token);
        let done = Process::run(command.arg("token").args(words)).unwrap();
        assert_eq!(done.code, Some(0), "{words:?}: {}", done.stderr);
        done.stdout
    };
    let options = [
        "--role",
        "submitter",
        "--zone",
        "a.example.org,b.example.org",
        "--max-prefix-ipv4",
        "24",
        "--network",
        "127.0.0.0/8",
        "--requests-per-minute",
        "600",
        "--expires-in",
        "52w",
    ];
    let text = ctl(&[&["create", "honeypot"], &options[..]].concat());
    let id = text.split('_').nth(1).unwrap().to_owned();
    let shown = ctl(&["show", &id, "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["role"], "submitter");
    assert_eq!(shown["max_prefix"], json!({"ipv4": 24, "ipv6": 128}));
    assert_eq!(shown["zones"], json!(["a.example.org", "b.example.org"]));
    assert_eq!(shown["requests_per_minute"], 600);
    ctl(&["set", &id, "--all-zones", "--requests-per-minute", "60", "--no-expiry"]);
    let shown: Value = serde_json::from_str(&ctl(&["show", &id, "--json"])).unwrap();
    assert_eq!((&shown["zones"], &shown["expires_at"]), (&json!([]), &Value::Null));
    assert_eq!(shown["networks"], json!(["127.0.0.0/8"]), "what is not said stays");
    let rotated = ctl(&["rotate", &id, "--overlap", "7d"]);
    for text in [&text, &rotated] {
        server.admin().with_token(text.trim()).get("/v1/zones").expect(200);
    }
    assert!(
        ctl(&["list"]).lines().any(|line| line.contains("honeypot") && line.contains("submitter"))
    );
    ctl(&["revoke", &id]);
    server.stop();
    let mut command = Command::new(program("dnsbl-server"));
    command.args(["token", "create", "--name", "cold", "--config"]).arg(server.config_file());
    let created = Process::run(command.args(options)).unwrap();
    assert_eq!(created.code, Some(0), "{}", created.stderr);
    server.start_again();
    let tokens = server.admin().get("/v1/tokens").expect(200).json();
    let cold = tokens["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "cold");
    let cold = cold.unwrap();
    assert_eq!((&cold["role"], &cold["parent"]), (&json!("submitter"), &Value::Null));
    assert_eq!(cold["zones"], json!(["a.example.org", "b.example.org"]));
    assert!(cold["expires_at"].is_string());
}

#[test]
fn failed_tries_of_an_address_are_limited_and_leave_those_of_others() {
    let server = TestServer::start();
    let admin = server.admin();
    let fresh = token(&server, "fresh", &["zones:read"]);
    let taken = (0..1000u32).take_while(|n| {
        let guess = format!("Bearer dnsbl_{n:016x}_{}", "7".repeat(64));
        let request = admin.bare(Method::GET, "/v1/zones").header("authorization", guess);
        HttpReply::of(request).status == 401
    });
    assert!((10..100).contains(&taken.count()));
    admin.get("/v1/zones").expect(200);
    let own = std::fs::read_to_string(server.data_dir().join("admin.token")).unwrap();
    let refused = fresh.get("/v1/zones");
    assert!(!refused.header("retry-after").is_empty());
    refused.expect_problem(429);
    assert!(!server.stderr().contains(own.trim()));
}

#[test]
fn plain_http_that_others_can_reach_must_be_meant() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("test.toml");
    let check = |http: &str| {
        let text = format!("version = \"v1\"\ndata-dir = \"x\"\n[http]\n{http}\n");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(program("dnsbl-server"));
        let done = Process::run(command.args(["check-config", "--config"]).arg(&file)).unwrap();
        (done.code, done.stderr)
    };
    for listen in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080"] {
        let (code, stderr) = check(&format!("listen = \"{listen}\""));
        assert_eq!(code, Some(1), "{listen}");
        assert!(
            stderr.contains("line 4: http.listen") && stderr.contains("insecure = true"),
            "{stderr}"
        );
        assert_eq!(check(&format!("listen = \"{listen}\"\ninsecure = true")).0, Some(0));
    }
    for listen in ["127.0.0.1:8080", "127.9.9.9:8080", "[::1]:8080", "unix:/run/x"] {
        assert_eq!(check(&format!("listen = \"{listen}\"")).0, Some(0), "{listen}");
    }
}
