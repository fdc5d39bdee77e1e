//! A list for subscribers, by the key in its name.

use std::{fs, net::Ipv4Addr, process::Command};

use dnsbl_tests::{
    Process, TestServer,
    mta::{
        Exim, EximExtras, EximRelaying, Postfix, PostfixExtras, PostfixRelaying, ScriptedServer,
        unique_addr, unique_host,
    },
    program,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{World, rspamd::Rspamd, send, snippet};
use crate::server;

/// A subscriber to the list.
struct Subscription<'s> {
    server: &'s TestServer,
    world: World,
    id: String,
    key: String,
}

impl<'s> Subscription<'s> {
    #[track_caller]
    fn new(server: &'s TestServer) -> Self {
        let world = World::with(server, json!({"access": {"subscribers": "required"}}));
        let origin = world.zone.origin();
        let body = json!({"name": format!("Who asks {origin}"), "zones": [origin]});
        let made: Value = server.admin().post("/v1/subscribers", &body).expect(201).json();
        let [id, key] = ["id", "key"].map(|name| made[name].as_str().unwrap().to_owned());
        Self { server, world, id, key }
    }

    /// The list's name as a subscriber writes it.
    fn list(&self) -> String {
        format!("{}.{}", self.key, self.world.zone.origin())
    }

    /// Revokes the key; a listed client that nobody has asked about.
    #[track_caller]
    fn revoke(&self) -> Ipv4Addr {
        self.server.admin().delete(&format!("/v1/subscribers/{}", self.id)).expect(204);
        let listed = unique_host();
        self.world.zone.put(&listed.to_string(), "?override=special-use", &json!({}));
        listed
    }
}

#[test]
fn postfix_rejects_by_a_key_and_nothing_once_it_is_revoked() {
    let server = server();
    let subscription = Subscription::new(&server);
    let (world, sink) = (&subscription.world, ScriptedServer::accepting());
    let extras = PostfixExtras {
        main: snippet("postfix/main.cf.smtpd", &subscription.list()),
        resolver: Some(world.resolver_host()),
        ..PostfixExtras::default()
    };
    let postfix =
        Postfix::start_with(unique_addr(), &PostfixRelaying::Closed, sink.addr(), &extras);
    let code = |client| send(client, postfix.addr(), postfix.name()).code;
    assert_eq!((code(world.listed), code(world.clean)), (554, 250));
    assert_eq!(code(subscription.revoke()), 250);
}

#[test]
fn exim_rejects_by_a_key_and_nothing_once_it_is_revoked() {
    let server = server();
    let subscription = Subscription::new(&server);
    let (world, sink) = (&subscription.world, ScriptedServer::accepting());
    let extras = EximExtras {
        acl: snippet("exim/dnslists.acl", &subscription.list()),
        resolver: Some(world.resolver_host()),
    };
    let exim = Exim::start_with(unique_addr(), &EximRelaying::Closed, sink.addr(), &extras);
    let code = |client| send(client, exim.addr(), exim.name()).code;
    assert_eq!((code(world.listed), code(world.clean)), (550, 250));
    assert_eq!(code(subscription.revoke()), 250);
}

#[test]
fn rspamd_scores_by_a_key_and_nothing_once_it_is_revoked() {
    let server = server();
    let subscription = Subscription::new(&server);
    let world = &subscription.world;
    for (address, score) in [("192.0.2.9", 4.0), ("192.0.2.8", 0.0)] {
        world.zone.put("192.0.2.9", "", &json!({}));
        let rspamd = Rspamd::start(world.resolver.addr(), &subscription.list());
        assert!((rspamd.score(address) - score).abs() < 0.01, "{address}");
    }
    subscription.revoke();
    world.zone.put("192.0.2.7", "", &json!({}));
    let rspamd = Rspamd::start(world.resolver.addr(), &subscription.list());
    assert!(rspamd.score("192.0.2.7").abs() < 0.01);
}

#[test]
fn dnsbl_finds_a_listing_by_a_key_file_and_fails_without_rejecting_once_it_is_revoked() {
    let server = server();
    let subscription = Subscription::new(&server);
    let (world, dir) = (&subscription.world, TempDir::new().unwrap());
    let file = dir.path().join("key");
    fs::write(&file, format!("{}\n", subscription.key)).unwrap();
    let check = |client: Ipv4Addr| {
        let mut command = Command::new(program("dnsbl"));
        command.args(["check", &client.to_string(), "--zone", world.zone.origin()]);
        command.args(["--resolver", &world.resolver.addr().to_string(), "--json"]);
        let finished = Process::run(command.arg("--key-file").arg(&file)).unwrap();
        let shown = format!("{}{}", finished.stdout, finished.stderr);
        assert!(!shown.contains(&subscription.key), "{shown}");
        let results: Value = serde_json::from_str(&finished.stdout).unwrap();
        (finished.code, results["results"][0]["status"].as_str().unwrap().to_owned())
    };
    assert_eq!(check(world.listed), (Some(1), "listed".into()));
    assert_eq!(check(world.clean), (Some(0), "not-listed".into()));
    let (code, status) = check(subscription.revoke());
    assert_eq!(code, Some(2));
    assert!(matches!(status.as_str(), "failed" | "blocked"), "{status}");
}
