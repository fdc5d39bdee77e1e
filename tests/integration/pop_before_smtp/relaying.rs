//! Who has logged in may relay, for a while.

use std::{
    thread,
    time::{Duration, Instant},
};

use dnsbl_tests::{
    eventually,
    mta::{Mailbox, SmtpClient, unique_host},
};

use super::{Asks, LONG, Relay, USERS, World, is_taken, poll, postfix};

/// How long what should take no time may take on a busy machine.
const SLACK: Duration = Duration::from_secs(10);

/// One client's way from a refusal over a login to the end of its grant.
#[track_caller]
fn login_relay_and_lose_it(mailbox: Mailbox, relay: &Relay, lifetime: Duration) {
    let (client, other) = (unique_host(), unique_host());
    assert!(!relay.relays(client), "{:?} before the login", relay.asks);
    let began = Instant::now();
    poll(mailbox, client);
    let logged_in = Instant::now();
    relay.wait_for_grant(client);
    let granted = Instant::now();
    assert!(!relay.relays(other), "{:?} for another address", relay.asks);
    relay.wait_for_end(client, lifetime + SLACK);
    let ended = Instant::now();
    // A grant ends with a second of the clock, so it may be shorter by a part of one.
    let least = lifetime.saturating_sub(Duration::from_secs(1));
    assert!(ended - began >= least, "{:?}: over after {:?}", relay.asks, ended - began);
    println!(
        "{:?} after {mailbox:?}: relays {:?} after the login, until {:?} after it",
        relay.asks,
        granted - logged_in,
        ended - logged_in
    );
}

#[test]
fn who_fetches_mail_may_relay_from_there_and_nowhere_else_until_the_lifetime_is_over() {
    let lifetime = 8;
    let world = World::new(lifetime, "");
    let dovecot = world.dovecot(&["dovecot-exporter.conf"]);
    let relays = Asks::ALL.map(|asks| world.relay(asks));
    thread::scope(|scope| {
        for relay in &relays {
            for mailbox in [dovecot.pop3(), dovecot.imap()] {
                let lifetime = Duration::from_secs(lifetime.into());
                scope.spawn(move || login_relay_and_lose_it(mailbox, relay, lifetime));
            }
        }
    });
}

#[test]
fn dovecots_auth_policy_grants_as_its_exporter_does() {
    let world = World::new(LONG, "");
    let dovecot = world.dovecot(&["dovecot-policy.conf"]);
    let relay = world.relay(Asks::PostfixPolicy);
    for mailbox in [dovecot.pop3(), dovecot.imap()] {
        let client = unique_host();
        assert!(!relay.relays(client));
        poll(mailbox, client);
        relay.wait_for_grant(client);
        assert_eq!(world.grant(client).unwrap()["holds"][0]["via"], "policy");
    }
}

/// A login that was acknowledged counts from the next attempt on: no wait, and no second try.
#[test]
fn who_was_refused_and_then_logs_in_is_let_through_at_the_next_attempt() {
    let world = World::new(LONG, "");
    for asks in Asks::ALL {
        let (relay, client) = (world.relay(asks), unique_host());
        for _ in 0..3 {
            assert!(!relay.relays(client), "{asks:?}");
        }
        let began = Instant::now();
        world.login(client, "taro@mail.example").expect(202);
        assert!(relay.relays(client), "{asks:?}");
        println!("{asks:?}: login and relaying took {:?}", began.elapsed());
    }
}

#[test]
fn a_poll_five_seconds_before_the_end_keeps_a_grant() {
    let lifetime = Duration::from_secs(10);
    let world = World::new(10, "");
    let dovecot = world.dovecot(&["dovecot-exporter.conf"]);
    let (relay, client) = (world.relay(Asks::PostfixPolicy), unique_host());
    poll(dovecot.pop3(), client);
    relay.wait_for_grant(client);
    for _ in 0..2 {
        let next_poll = Instant::now() + lifetime - Duration::from_secs(5);
        eventually(lifetime, || {
            assert!(relay.relays(client), "the grant ended between two polls");
            if Instant::now() < next_poll { Err("it is not time yet") } else { Ok(()) }
        });
        poll(dovecot.pop3(), client);
    }
    let last = Instant::now();
    relay.wait_for_end(client, lifetime + SLACK);
    assert!(last.elapsed() >= lifetime - Duration::from_secs(2), "{:?}", last.elapsed());
}

#[test]
fn a_failed_login_grants_nothing() {
    let world = World::new(LONG, "");
    let dovecot = world.dovecot(&["dovecot-exporter.conf", "dovecot-policy.conf"]);
    let relay = world.relay(Asks::PostfixPolicy);
    for (tries, mailbox) in (1..).zip([dovecot.pop3(), dovecot.imap()]) {
        let client = unique_host();
        for (user, password) in [(USERS[0].0, "wrong"), ("nobody@mail.example", "wrong")] {
            assert!(!mailbox.poll(client.into(), user, password).unwrap());
        }
        // Dovecot has told of both.
        eventually(SLACK, || {
            match world.metric("dnsbl_logins_refused_total", &["via=\"policy\"", "\"failed\""]) {
                count if count == 2 * tries => Ok(()),
                count => Err(count),
            }
        });
        world.assert_nothing(client);
        assert!(!relay.relays(client));
    }
    assert_eq!(world.metric("dnsbl_logins_total", &[]), 0);
}

/// `AUTH PLAIN` of the first user (RFC 4616), in Base64.
const AUTH_PLAIN: &str = "AUTH PLAIN AHRhcm9AbWFpbC5leGFtcGxlAHRhbnVraS0x";

#[test]
fn smtp_auth_works_beside_it_and_grants_nothing_itself() {
    let world = World::new(LONG, "");
    let dovecot = world.dovecot(&["dovecot-exporter.conf", "dovecot-policy.conf"]);
    let policy = world.policy();
    let main = super::deployed(
        "main.cf.policy",
        &[("127.0.0.1:10040", &*policy.policy.to_string())],
    ) + &format!(
        "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = inet:{}\n\
         broken_sasl_auth_clients = yes\n",
        dovecot.sasl()
    );
    let relay = postfix(Asks::PostfixPolicy, main, Some(policy), None);
    let (with_auth, with_pop) = (unique_host(), unique_host());
    let mut smtp = SmtpClient::connect_from(with_auth.into(), relay.addr).unwrap();
    smtp.command("EHLO client.example.net").unwrap();
    let reply = smtp.command(AUTH_PLAIN).unwrap();
    assert_eq!(reply.code, 235, "{reply:?}");
    assert!(is_taken(&mut smtp, &relay), "who is authenticated may relay");
    // Dovecot has told of it, and it counts for no more than the session.
    eventually(SLACK, || {
        match world.metric("dnsbl_logins_refused_total", &["via=\"policy\"", "\"service\""]) {
            1 => Ok(()),
            count => Err(count),
        }
    });
    world.assert_nothing(with_auth);
    assert!(!relay.relays(with_auth));
    poll(dovecot.pop3(), with_pop);
    relay.wait_for_grant(with_pop);
}

/// Postfix believes an allow list for its restrictions on clients, but never for relaying.
#[test]
fn permit_dnswl_client_relays_for_nobody() {
    let world = World::new(LONG, "");
    let main = "smtpd_relay_restrictions = permit_mynetworks,\n \
                permit_dnswl_client popauth.example.org=127.0.0.10, reject_unauth_destination\n";
    let asks = Asks::PostfixPolicy;
    let relay = postfix(asks, main.to_owned(), None, Some(world.unbound()));
    let client = unique_host();
    world.login(client, "taro@mail.example").expect(202);
    assert!(world.is_granted(client));
    assert!(!relay.relays(client));
}
