//! Which logins count, and how often.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use dnsbl_tests::{HttpReply, PATIENCE, eventually, mta::unique_host};
use reqwest::{Method, blocking::Client};
use serde_json::{Value, json};

use super::{Asks, LONG, SECRET, USERS, World, poll};

/// The present, in seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// What Dovecot's exporter sends of a success, with a time in one of its forms.
fn event(client: Ipv4Addr, session: &str, at: u64) -> Value {
    json!({
        "event": "auth_request_finished", "hostname": "mail", "start_time": at, "end_time": at,
        "categories": ["auth", "service:auth"],
        "fields": {"success": "yes", "service": "pop3", "user": "taro@mail.example", "session": session,
            "remote_ip": client, "real_remote_ip": client, "transport": "TLS"},
    })
}

/// What Dovecot's auth policy sends of a success.
fn report(client: Ipv4Addr, session: &str) -> Value {
    json!({"device_id": "", "login": "taro@mail.example", "protocol": "pop3", "pwhash": "0dc6",
        "remote": client, "session_id": session, "success": true, "policy_reject": false, "tls": false})
}

impl World {
    fn bare(&self, path: &str, body: &Value) -> reqwest::blocking::RequestBuilder {
        self.server.admin().bare(Method::POST, path).json(body)
    }

    #[track_caller]
    fn export(&self, secret: &str, body: &Value) -> HttpReply {
        HttpReply::of(self.bare(&format!("/v1/logins/dovecot/{secret}"), body))
    }
}

#[test]
fn a_forged_report_without_the_secret_or_a_token_grants_nothing() {
    let world = World::new(LONG, "");
    let client = unique_host();
    for wrong in ["0123456789abcdef", "SECRET", &SECRET[1..], &SECRET.to_uppercase(), "%00"] {
        world.export(wrong, &event(client, "s1", now())).expect_problem(401);
        let cyrus =
            json!({"event": "Login", "clientIP": client, "service": "imap", "user": "taro"});
        let path = format!("/v1/logins/cyrus/{wrong}");
        HttpReply::of(world.bare(&path, &cyrus)).expect_problem(401);
        let policy = world.bare("/v1/logins/policy?command=report", &report(client, "s2"));
        HttpReply::of(policy.header("X-API-Key", wrong)).expect_problem(401);
    }
    let policy = world.bare("/v1/logins/policy?command=report", &report(client, "s2"));
    HttpReply::of(policy).expect_problem(401);
    let plain = json!({"address": client, "user": "taro@mail.example", "service": "pop3"});
    HttpReply::of(world.bare("/v1/logins", &plain)).expect_problem(401);
    let scopes = json!({"name": "feed", "scopes": ["listings:write", "imports:write", "zones:read",
        "grants:read", "grants:write"]});
    let token = world.server.admin().post("/v1/tokens", &scopes).expect(201).json();
    let other = world.server.admin().with_token(token["token"].as_str().unwrap());
    other.post("/v1/logins", &plain).expect_problem(403);
    world.assert_nothing(client);
    // What was refused was good but for what it lacked.
    let granted = world.export(SECRET, &event(client, "s1", now())).expect(202).json();
    assert_eq!(granted["granted"], true, "{granted}");
    assert!(world.is_granted(client));
}

#[test]
fn a_report_from_another_network_grants_nothing_though_it_has_the_secret() {
    let world = World::new(LONG, "from = [\"127.0.0.1\"]\n");
    let (reporter, client) = (unique_host(), unique_host());
    let elsewhere =
        Client::builder().no_proxy().local_address(IpAddr::from(reporter)).build().unwrap();
    let url = |path: &str| format!("{}{path}", world.server.admin().url());
    let exporter = elsewhere.post(url(&format!("/v1/logins/dovecot/{SECRET}")));
    let policy =
        elsewhere.post(url("/v1/logins/policy?command=report")).header("X-API-Key", SECRET);
    let plain = elsewhere.post(url("/v1/logins")).bearer_auth(world.server.admin().token());
    for request in [
        exporter.json(&event(client, "s1", now())),
        policy.json(&report(client, "s2")),
        plain.json(&json!({"address": client, "user": "taro@mail.example", "service": "pop3"})),
    ] {
        let problem = HttpReply::of(request).expect_problem(403);
        assert!(problem["detail"].as_str().unwrap().contains("logins.from"), "{problem}");
    }
    world.assert_nothing(client);
}

#[test]
fn a_report_with_an_old_time_grants_nothing() {
    let world = World::new(LONG, "");
    let client = unique_host();
    for at in [now() - 3_600, now() - 120, now() + 120, 0] {
        let reply = world.export(SECRET, &event(client, "s1", at)).expect(202).json();
        assert_eq!((&reply["granted"], &reply["reason"]), (&json!(false), &json!("stale")));
    }
    let body = json!({"address": client, "user": "taro@mail.example", "service": "pop3",
        "at": "2026-01-01T00:00:00Z"});
    let problem = world.server.admin().post("/v1/logins", &body).expect_problem(422);
    assert_eq!(problem["reason"], "stale", "{problem}");
    world.assert_nothing(client);
    assert_eq!(world.metric("dnsbl_logins_refused_total", &["\"dovecot\"", "\"stale\""]), 4);
}

#[test]
fn a_report_that_is_replayed_after_its_grant_has_ended_grants_nothing() {
    let world = World::new(2, "");
    let client = unique_host();
    let seen = event(client, "s1", now());
    assert_eq!(world.export(SECRET, &seen).expect(202).json()["granted"], true);
    eventually(PATIENCE, || if world.is_granted(client) { Err("it has a grant") } else { Ok(()) });
    assert_eq!(world.export(SECRET, &seen).expect(202).json()["granted"], false);
    world.assert_nothing(client);
}

#[test]
fn a_login_that_exporter_and_auth_policy_both_report_counts_once() {
    let world = World::new(LONG, "");
    let dovecot = world.dovecot(&["dovecot-exporter.conf", "dovecot-policy.conf"]);
    for mailbox in [dovecot.pop3(), dovecot.imap()] {
        let client = unique_host();
        let before = world.metric("dnsbl_logins_total", &[]);
        poll(mailbox, client);
        eventually(PATIENCE, || match world.metric("dnsbl_logins_total", &[]) - before {
            2 => Ok(()),
            reports => Err(reports),
        });
        let grant = world.grant(client).unwrap();
        let holds = grant["holds"].as_array().unwrap();
        assert_eq!(holds.len(), 1, "{grant}");
        assert_eq!((&holds[0]["user"], &holds[0]["logins"]), (&json!(USERS[0].0), &json!(1)));
    }
    assert_eq!(world.metric("dnsbl_logins_total", &["\"granted\""]), 2);
    // It is counted once a second.
    eventually(PATIENCE, || {
        match world.metric("dnsbl_grants", &["zone=\"popauth.example.org\""]) {
            2 => Ok(()),
            count => Err(count),
        }
    });
}

/// Behind one NAT address.
#[test]
fn a_second_user_at_an_address_is_one_too_many_where_one_may_be_there() {
    let world = World::new(LONG, "[logins.limits]\nusers-per-address = 1\n");
    let dovecot = world.dovecot(&["dovecot-policy.conf"]);
    let client = unique_host();
    poll(dovecot.pop3(), client);
    eventually(PATIENCE, || world.grant(client).ok_or("no grant"));
    let (second, password) = USERS[1];
    assert!(dovecot.imap().poll(client.into(), second, password).unwrap());
    eventually(PATIENCE, || {
        match world.metric("dnsbl_logins_refused_total", &["\"policy\"", "\"users\""]) {
            1 => Ok(()),
            count => Err(count),
        }
    });
    let grant = world.grant(client).unwrap();
    assert_eq!(grant["holds"].as_array().unwrap().len(), 1);
    assert_eq!(grant["holds"][0]["user"], USERS[0].0);
    let problem = world.login(client, second).expect_problem(422);
    assert_eq!(problem["reason"], "users", "{problem}");
    // The first one goes on, and the second elsewhere.
    world.login(client, USERS[0].0).expect(202);
    world.login(unique_host(), second).expect(202);
}

#[test]
fn many_users_share_an_address_and_each_holds_a_part_of_its_grant() {
    let world = World::new(LONG, "");
    let dovecot = world.dovecot(&["dovecot-exporter.conf"]);
    let client = unique_host();
    for (user, password) in USERS {
        assert!(dovecot.pop3().poll(client.into(), user, password).unwrap());
    }
    eventually(PATIENCE, || match world.grant(client) {
        Some(grant) if grant["holds"].as_array().unwrap().len() == 2 => Ok(()),
        other => Err(other),
    });
    let leaves = |user: &str| {
        let body = json!({"address": client, "user": user, "event": "logout"});
        world.server.admin().post("/v1/logins", &body).expect(202);
    };
    leaves(USERS[0].0);
    assert!(world.is_granted(client));
    leaves(USERS[1].0);
    world.assert_nothing(client);
}

#[test]
fn a_user_has_grants_for_no_more_addresses_than_one_may_have() {
    let world = World::new(LONG, "[logins.limits]\naddresses-per-user = 2\n");
    let [first, second, third] = [(); 3].map(|()| unique_host());
    world.login(first, "taro@mail.example").expect(202);
    world.login(second, "taro@mail.example").expect(202);
    let problem = world.login(third, "taro@mail.example").expect_problem(422);
    assert_eq!(problem["reason"], "addresses", "{problem}");
    world.assert_nothing(third);
    let body = json!({"address": first, "user": "taro@mail.example", "event": "logout"});
    world.server.admin().post("/v1/logins", &body).expect(202);
    world.login(third, "taro@mail.example").expect(202);
}

#[test]
fn renewals_never_grant_for_longer_than_longest_from_the_first_login() {
    let world = World::new(LONG, "");
    world.put_zone(&json!({"lifetime": 4, "longest": 6})).expect(200);
    let client = unique_host();
    let began = Instant::now();
    world.login(client, "taro@mail.example").expect(202);
    eventually(Duration::from_secs(6) + PATIENCE, || {
        let first = || world.grant(client).map(|grant| grant["holds"][0]["first"].clone());
        let before = first();
        world.login(client, "taro@mail.example").expect(202);
        // Another first login: the grant before it has ended, however often it was renewed. There is none for a moment
        // where that was just about to end.
        match first() {
            Some(again) if before.as_ref() != Some(&again) => Ok(()),
            again => Err(again),
        }
    });
    assert!(began.elapsed() >= Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn the_word_of_a_proxy_counts_only_where_the_proxy_is_named() {
    let (proxy, client) = (unique_host(), unique_host());
    for (logins, reason) in
        [(String::new(), json!("proxy")), (format!("proxies = [\"{proxy}\"]\n"), Value::Null)]
    {
        let world = World::new(LONG, &logins);
        let mut through = event(client, "s1", now());
        through["fields"]["real_remote_ip"] = json!(proxy);
        let reply = world.export(SECRET, &through).expect(202).json();
        assert_eq!(reply["reason"], reason, "{logins}: {reply}");
        assert_eq!(world.is_granted(client), reason.is_null());
        // The proxy itself is never granted anything: all users would be.
        let of_proxy = event(proxy, "s2", now());
        let reply = world.export(SECRET, &of_proxy).expect(202).json();
        assert_eq!(reply["granted"], logins.is_empty(), "{logins}: {reply}");
    }
}

#[test]
fn only_logins_over_tls_grant_where_that_is_asked_for() {
    let world = World::new(LONG, "tls-only = true\n");
    let dovecot = world.dovecot(&["dovecot-policy.conf"]);
    let relay = world.relay(Asks::PostfixPolicy);
    let client = unique_host();
    poll(dovecot.pop3(), client);
    eventually(PATIENCE, || {
        match world.metric("dnsbl_logins_refused_total", &["\"policy\"", "\"tls\""]) {
            1 => Ok(()),
            count => Err(count),
        }
    });
    world.assert_nothing(client);
    assert!(!relay.relays(client));
    world.export(SECRET, &event(client, "s1", now())).expect(202);
    assert!(world.is_granted(client));
}
