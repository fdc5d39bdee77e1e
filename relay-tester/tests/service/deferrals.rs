//! A 4xx is "try again", and neither a refusal nor a reason to delist.

use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use dnsbl_tests::{
    eventually,
    mta::{Heard, ScriptedServer, SmtpAnswer},
};
use relay_tester::{
    Ground,
    life::{Outcome, Test, Verdict},
};

use crate::fixture::{DAY, Fixture, PATIENCE, open_since, relays};

/// A host that relays, but puts each recipient off at the first try.
fn greylisting() -> ScriptedServer {
    let seen = Mutex::new(HashSet::new());
    ScriptedServer::start(move |heard| match heard {
        Heard::Command(line) if line.starts_with("RCPT") => {
            if seen.lock().unwrap().insert(line.to_owned()) {
                SmtpAnswer::line("450 4.2.0 Recipient address rejected: Greylisted for 300 seconds")
            } else {
                SmtpAnswer::line("250 2.1.5 ok")
            }
        }
        other => SmtpAnswer::polite(other),
    })
}

/// A host that puts everybody off at the first connection, in the way it is told, and then relays.
fn greylisting_at_connect(greeting: &'static str) -> ScriptedServer {
    let connections = AtomicUsize::new(0);
    ScriptedServer::start(move |heard| match heard {
        Heard::Connection if connections.fetch_add(1, Ordering::Relaxed) == 0 => {
            SmtpAnswer::line(greeting)
        }
        other => SmtpAnswer::polite(other),
    })
}

/// Mail row F1: a host that keeps a grey list was clean.
#[test]
fn an_open_relay_that_keeps_a_grey_list_is_found() {
    for host in [
        greylisting(),
        greylisting_at_connect("450 4.3.2 try again later"),
        greylisting_at_connect("421 4.7.0 try again later"),
    ] {
        let mut fixture = Fixture::new();
        fixture.start();
        fixture.submit(host.addr());
        let put_off = |test: &Test| test.retry_at().is_some();
        eventually(PATIENCE, || {
            let tests = fixture.tests();
            let is_over = |test: &Test| put_off(test) || test.retries > 0;
            if tests.iter().any(is_over) { Ok(()) } else { Err(tests) }
        });
        fixture.send_back(host.addr().ip(), &host);
        let test = fixture.only_test();
        assert_eq!((test.verdict(), test.retries), (Some(Verdict::Open), 1));
        assert_eq!(fixture.listings(&relays(), host.addr().ip()).len(), 1);
    }
}

/// Mail row F1: a listed host that answered 450 was delisted at once.
#[test]
fn a_host_that_puts_everything_off_is_inconclusive_and_stays_listed() {
    let mut fixture = Fixture::new();
    let host = ScriptedServer::start(|heard| match heard {
        Heard::Command(line) if line.starts_with("RCPT") => {
            SmtpAnswer::line("450 4.7.1 Client host rejected: try again later")
        }
        other => SmtpAnswer::polite(other),
    });
    let address = host.addr().ip();
    fixture.remember_host(&open_since(host.addr(), 7 * DAY));
    fixture.start();
    let test = fixture.only_test();
    assert_eq!((test.ground, test.verdict()), (Ground::Retest, Some(Verdict::Inconclusive)));
    let is_put_off = |sent: &relay_tester::life::Sent| {
        (sent.outcome, sent.deferrals) == (Some(Outcome::Deferred), 2)
    };
    assert!(test.sent.iter().all(is_put_off), "each twice: {:?}", test.sent);
    assert_eq!(fixture.host(address).unwrap().cleared_at, None);
    assert_eq!(fixture.listings(&relays(), address).len(), 1);
}

/// Mail row F1: a balancer's closed backend answered, and the relay was delisted.
#[test]
fn a_balancer_with_one_closed_host_behind_it_stays_listed() {
    let mut fixture = Fixture::new();
    let connections = AtomicUsize::new(0);
    let host = ScriptedServer::start(move |heard| {
        if matches!(heard, Heard::Connection) {
            connections.fetch_add(1, Ordering::Relaxed);
        }
        let is_closed = connections.load(Ordering::Relaxed) % 2 == 1;
        if is_closed { SmtpAnswer::refusing(heard) } else { SmtpAnswer::polite(heard) }
    });
    let address = host.addr().ip();
    fixture.remember_host(&open_since(host.addr(), 7 * DAY));
    fixture.start();
    let test = fixture.only_test();
    assert_eq!(fixture.host(address).unwrap().cleared_at, None, "{test:?}");
    assert_eq!(fixture.listings(&relays(), address).len(), 1);
    let plain = test.sent.iter().find(|sent| sent.probe == 0).unwrap();
    assert_eq!((plain.refusals, plain.outcome), (1, Some(Outcome::Accepted)));
}

/// A record that could not be read ended every round.
#[test]
fn a_record_that_can_not_be_read_stands_in_nobodys_way_and_is_kept() {
    let mut fixture = Fixture::new();
    fixture.remember_damage();
    let host = ScriptedServer::refusing();
    fixture.start();
    fixture.submit(host.addr());
    assert_eq!(fixture.only_test().verdict(), Some(Verdict::Clean));
    for due in fixture.damage_is_due() {
        assert!(due > crate::fixture::ago(0), "it is looked at again later");
    }
}
