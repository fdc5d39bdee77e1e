//! How a grant ends, and that it outlives what it should.

use std::time::{Duration, Instant};

use dnsbl_tests::{PATIENCE, eventually, mta::unique_host};
use serde_json::json;

use super::{Asks, LONG, SECRET, World, ZONE, poll};

#[test]
fn a_grant_that_an_operator_deletes_has_ended_everywhere_at_once() {
    let world = World::new(LONG, "");
    let dovecot = world.dovecot(&["dovecot-exporter.conf"]);
    let relays = Asks::ALL.map(|asks| world.relay(asks));
    let client = unique_host();
    poll(dovecot.pop3(), client);
    relays.iter().for_each(|relay| relay.wait_for_grant(client));
    let path = format!("/v1/grants/{ZONE}/{client}");
    world.server.admin().delete(&path).expect(204);
    for relay in &relays {
        assert!(!relay.relays(client), "{:?}", relay.asks);
    }
    world.assert_nothing(client);
    world.server.admin().delete(&path).expect_problem(404);
    // It is no ban.
    poll(dovecot.imap(), client);
    relays[0].wait_for_grant(client);
}

#[test]
fn a_logout_that_is_reported_ends_a_grant_at_once() {
    let world = World::new(LONG, "");
    let relay = world.relay(Asks::PostfixPolicy);
    let client = unique_host();
    let user = "taro@mail.example";
    let logout = |user: &str| {
        let body = json!({"address": client, "user": user, "event": "logout", "zone": ZONE});
        world.server.admin().post("/v1/logins", &body).expect(202);
    };
    world.login(client, user).expect(202);
    assert!(relay.relays(client));
    // Somebody else's logout is not theirs.
    logout("hanako@mail.example");
    assert!(relay.relays(client));
    logout(user);
    assert!(!relay.relays(client));
    world.assert_nothing(client);
}

/// What was granted is on the disk before the login is acknowledged.
#[test]
fn a_grant_outlives_kill_9_and_ends_on_time() {
    let lifetime = 8;
    let mut world = World::new(lifetime, "");
    let client = unique_host();
    let began = Instant::now();
    world.login(client, "taro@mail.example").expect(202);
    let before = world.grant(client).unwrap();
    world.server.kill();
    world.server.start_again();
    // It may have ended by now on a machine that is very busy.
    if began.elapsed() < Duration::from_secs(u64::from(lifetime) - 2) {
        assert!(world.is_granted(client), "{:?}", began.elapsed());
        assert_eq!(world.grant(client), Some(before));
    }
    let end = Duration::from_secs(lifetime.into());
    eventually(
        end + PATIENCE,
        || if world.is_granted(client) { Err("it goes on") } else { Ok(()) },
    );
    assert!(began.elapsed() >= end - Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(world.grant(client), None);
}

#[test]
fn what_ended_while_the_server_was_down_has_ended() {
    let mut world = World::new(2, "");
    let (client, other) = (unique_host(), unique_host());
    world.login(client, "taro@mail.example").expect(202);
    let ended = Instant::now() + Duration::from_secs(2);
    world.server.kill();
    eventually(PATIENCE, || if Instant::now() < ended { Err("it may last") } else { Ok(()) });
    world.server.start_again();
    world.assert_nothing(client);
    world.login(other, "taro@mail.example").expect(202);
    assert!(world.is_granted(other));
}

/// Who reports to a server that is away is told so by nobody: the next poll grants.
#[test]
fn dovecot_lets_users_in_while_the_server_is_away() {
    let mut world = World::new(LONG, "");
    let dovecot = world.dovecot(&["dovecot-exporter.conf", "dovecot-policy.conf"]);
    let (relay, client) = (world.relay(Asks::PostfixPolicy), unique_host());
    world.server.kill();
    poll(dovecot.pop3(), client);
    poll(dovecot.imap(), client);
    // Nobody to ask is nobody who grants, and no reason to refuse other mail.
    assert!(!relay.relays(client));
    let said = dovecot.said();
    assert!(!said.contains(SECRET), "{said}");
    world.server.start_again();
    world.assert_nothing(client);
}
