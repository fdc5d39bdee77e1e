//! Who sees what is granted, and who does not: an allow zone tells where users are.

use std::{net::Ipv4Addr, process::Command};

use dnsbl_tests::{Admin, Process, Query, Transport, mta::unique_host, tool};
use dnsbl_types::query_name;
use hickory_proto::{op::ResponseCode, rr::RecordType};
use serde_json::{Value, json};

use super::{LONG, World, ZONE};

impl World {
    /// Somebody who may do so much.
    #[track_caller]
    fn with_scopes(&self, name: &str, scopes: &[&str]) -> Admin {
        let admin = self.server.admin();
        let body = json!({"name": name, "scopes": scopes});
        let token = admin.post("/v1/tokens", &body).expect(201).json();
        admin.with_token(token["token"].as_str().unwrap())
    }

    /// What `dig` is told from an address of this machine.
    #[track_caller]
    fn dig_from(&self, source: Ipv4Addr, name: &str, rtype: &str) -> String {
        let dns = self.server.dns();
        let mut dig = Command::new(tool("dig"));
        dig.args(["-b", &source.to_string(), "-p", &dns.port().to_string()]);
        dig.args([&*format!("@{}", dns.ip()), name, rtype]);
        Process::run(&mut dig).unwrap().stdout
    }
}

#[test]
fn networks_that_may_not_ask_are_refused_whatever_they_ask() {
    let world = World::new(LONG, "");
    let (client, ours, theirs) = (unique_host(), unique_host(), unique_host());
    world.login(client, "taro@mail.example").expect(202);
    let name = query_name::encode(client.into(), &ZONE.parse().unwrap()).unwrap().to_string();
    // By default all of this machine may ask.
    assert!(world.dig_from(theirs, &name, "A").contains("127.0.0.10"));
    world
        .put_zone(&json!({"access": {"default": "refuse", "rules": [
            {"prefix": format!("{ours}/32"), "action": "pass"}]}}))
        .expect(200);
    let answer = world.dig_from(ours, &name, "A");
    assert!(answer.contains("status: NOERROR") && answer.contains("127.0.0.10"), "{answer}");
    for (name, rtype) in [
        (name.as_str(), "A"),
        (name.as_str(), "TXT"),
        (ZONE, "SOA"),
        (ZONE, "NS"),
        ("2.0.0.127.popauth.example.org", "A"),
    ] {
        let answer = world.dig_from(theirs, name, rtype);
        assert!(answer.contains("status: REFUSED"), "{name} {rtype}: {answer}");
        assert!(answer.contains("ANSWER: 0"), "{name} {rtype}: {answer}");
    }
}

#[test]
fn nobody_gets_the_zone_by_transfer() {
    let world = World::new(LONG, "");
    world.login(unique_host(), "taro@mail.example").expect(202);
    for rtype in [RecordType::AXFR, RecordType::IXFR] {
        for transport in Transport::BOTH {
            let reply = Query::new(ZONE, rtype).ask(world.server.dns(), transport);
            assert_eq!(reply.message.metadata.response_code, ResponseCode::Refused, "{rtype}");
            assert!(reply.message.answers.is_empty(), "{rtype}");
        }
    }
}

#[test]
fn who_may_not_see_grants_sees_them_nowhere() {
    let world = World::new(LONG, "");
    let client = unique_host();
    world.login(client, "taro@mail.example").expect(202);
    let scopes = ["zones:read", "listings:read", "changes:read", "audit:read", "metrics:read"];
    let reader = world.with_scopes("reader", &scopes);
    let zone = format!("/v1/zones/{ZONE}");
    for path in [
        format!("{zone}/export"),
        format!("{zone}/export?format=ndjson"),
        format!("{zone}/listings"),
        format!("{zone}/listings/{client}"),
        "/v1/grants".into(),
        format!("/v1/grants?address={client}"),
    ] {
        let problem = reader.get(&path).expect_problem(403);
        assert!(problem["detail"].as_str().unwrap().contains("grants:read"), "{path}: {problem}");
    }
    let shown = client.to_string();
    for path in ["/v1/changes?after=0", "/v1/audit", "/v1/zones", "/metrics"] {
        let text = reader.get(path).expect(200).text;
        assert!(!text.contains(&shown), "{path}: {text}");
    }
    reader.delete(&format!("/v1/grants/{ZONE}/{client}")).expect_problem(403);
    let operator = world.with_scopes("operator", &["zones:read", "listings:read", "grants:read"]);
    assert!(operator.get(&format!("{zone}/export")).expect(200).text.contains(&shown));
    operator.delete(&format!("/v1/grants/{ZONE}/{client}")).expect_problem(403);
    assert!(world.is_granted(client));
}

#[test]
fn nothing_but_a_login_lists_anything_in_an_allow_zone() {
    let world = World::new(LONG, "");
    let (client, admin) = (unique_host(), world.server.admin());
    let path = format!("/v1/zones/{ZONE}/listings/{client}?override=special-use");
    admin.put(&path, &json!({})).expect_problem(422);
    let import = format!("/v1/zones/{ZONE}/import?format=plain&override=special-use");
    let imported = admin.post_bytes(&import, format!("{client}\n"));
    imported.expect_problem(422);
    world.assert_nothing(client);
    // An exclusion is a ban.
    admin.put(&path, &json!({"exclusion": true})).expect(201);
    world.login(client, "taro@mail.example");
    assert!(!world.is_granted(client));
}

/// "Why can I receive, but not send?"
#[test]
fn an_operator_sees_who_has_a_grant_since_when_how_and_who_had_one() {
    let world = World::new(LONG, "");
    let client = unique_host();
    world.login(client, "taro@mail.example").expect(202);
    world.login(unique_host(), "hanako@mail.example").expect(202);
    let operator = world.with_scopes("operator", &["grants:read", "grants:write"]);
    let grants = |query: &str| {
        let page = operator.get(&format!("/v1/grants?{query}")).expect(200).json();
        page["grants"].as_array().unwrap().clone()
    };
    let holds_of =
        |grants: &[Value]| grants.iter().map(|grant| grant["holds"][0].clone()).collect::<Vec<_>>();
    assert_eq!(grants("").len(), 2);
    let found = grants(&format!("address={client}"));
    let holds = holds_of(&found);
    let [hold] = &holds[..] else { panic!("{found:?}") };
    assert_eq!((&hold["user"], &hold["service"]), (&json!("taro@mail.example"), &json!("pop3")));
    assert_eq!((&hold["via"], &hold["logins"]), (&json!("api"), &json!(1)));
    assert!(found[0]["since"].is_string() && found[0]["until"].is_string(), "{found:?}");
    assert!(grants(&format!("address={client}&ended=1")).is_empty());
    operator.delete(&format!("/v1/grants/{ZONE}/{client}")).expect(204);
    assert!(grants(&format!("address={client}")).is_empty());
    let ended = grants(&format!("address={client}&ended=1"));
    assert_eq!(holds_of(&ended)[0]["user"], "taro@mail.example", "{ended:?}");
}
