//! Listed hosts are tested again, and forgotten in the end.

use dnsbl_tests::{
    eventually,
    mta::{ScriptedServer, unique_addr},
};
use relay_tester::{
    Ground,
    life::{StateKind, Verdict},
};

use crate::fixture::{DAY, Fixture, PATIENCE, ago, open_since, relays};

#[test]
fn a_host_that_is_closed_after_seven_days_is_delisted_without_being_asked() {
    let mut fixture = Fixture::new();
    let server = ScriptedServer::refusing();
    let address = server.addr().ip();
    fixture.remember_host(&open_since(server.addr(), 7 * DAY));
    assert_eq!(fixture.listings(&relays(), address).len(), 1);
    fixture.start();
    eventually(PATIENCE, || fixture.host(address).map_or(Ok(()), |host| Err(Box::new(host))));
    let tests = fixture.tests();
    assert_eq!(tests.len(), 2, "one lucky test delists nobody");
    for test in &tests {
        assert_eq!((test.ground, test.verdict()), (Ground::Retest, Some(Verdict::Clean)));
        assert_eq!(test.port, server.addr().port());
    }
    assert!(tests[0].submitted_at > tests[1].tested_at().unwrap());
    assert!(fixture.listings(&relays(), address).is_empty());
    let connections = server.record().connections.len();
    assert!(connections >= 8, "{connections} connections");
}

#[test]
fn a_host_that_is_still_open_stays_listed_for_ninety_days_more() {
    let mut fixture = Fixture::new();
    let server = ScriptedServer::accepting();
    let address = server.addr().ip();
    let host = open_since(server.addr(), 60 * DAY + 5);
    fixture.remember_host(&host);
    fixture.start();
    fixture.send_back(address, &server);
    let test = fixture.only_test();
    assert_eq!((test.ground, test.verdict()), (Ground::Retest, Some(Verdict::Open)));
    let confirmed = fixture.host(address).unwrap();
    assert_eq!(confirmed.listed_at, host.listed_at);
    assert!(confirmed.confirmed_at >= test.submitted_at);
    let listings = fixture.listings(&relays(), address);
    assert_eq!(listings[0].body.expires_at, Some(confirmed.confirmed_at.plus(90 * DAY)));
    assert_eq!(fixture.due(address), Some(host.listed_at.plus(90 * DAY)), "the next retest");
}

#[test]
fn a_host_that_can_not_be_reached_stays_listed_until_it_expires() {
    let mut fixture = Fixture::new();
    let host = open_since(unique_addr().into(), 14 * DAY + 1);
    fixture.remember_host(&host);
    fixture.start();
    let test = fixture.only_test();
    assert_eq!((test.ground, test.verdict()), (Ground::Retest, Some(Verdict::Unreachable)));
    assert_eq!(fixture.host(host.address), Some(host.clone()), "nothing confirmed it");
    let listings = fixture.listings(&relays(), host.address);
    assert_eq!(listings[0].body.expires_at, Some(host.expires_at()));
    assert_eq!(fixture.due(host.address), Some(host.listed_at.plus(30 * DAY)));
}

#[test]
fn a_host_is_not_tested_before_its_time() {
    let mut fixture = Fixture::new();
    let (early, due) = (ScriptedServer::refusing(), ScriptedServer::refusing());
    fixture.remember_host(&open_since(early.addr(), 7 * DAY - 3600));
    fixture.remember_host(&open_since(due.addr(), 7 * DAY));
    fixture.start();
    // The second test may have come by the time that one looks.
    let tests = eventually(PATIENCE, || {
        let tests = fixture.tests();
        let is_done = tests.iter().any(|test| test.state.kind() == StateKind::Done);
        if is_done { Ok(tests) } else { Err(tests) }
    });
    assert!(tests.iter().all(|test| test.address == due.addr().ip()), "{tests:?}");
    assert!(early.record().connections.is_empty());
}

#[test]
fn a_host_that_nothing_has_confirmed_for_ninety_days_is_forgotten() {
    let mut fixture = Fixture::new();
    let server = ScriptedServer::accepting();
    let address = server.addr().ip();
    fixture.remember_host(&open_since(server.addr(), 90 * DAY + 1));
    assert!(fixture.listings(&relays(), address).is_empty(), "it has expired");
    fixture.start();
    eventually(PATIENCE, || fixture.host(address).map_or(Ok(()), |host| Err(Box::new(host))));
    assert!(fixture.tests().is_empty() && server.record().connections.is_empty());
}

#[test]
fn a_host_whose_listing_the_operator_has_deleted_is_forgotten_not_tested() {
    let mut fixture = Fixture::new();
    let server = ScriptedServer::accepting();
    let address = server.addr().ip();
    fixture.remember_host_alone(&open_since(server.addr(), 8 * DAY));
    fixture.start();
    eventually(PATIENCE, || fixture.host(address).map_or(Ok(()), |host| Err(Box::new(host))));
    assert!(fixture.tests().is_empty() && server.record().connections.is_empty());
    assert!(fixture.listings(&relays(), address).is_empty());
}

#[test]
fn a_retest_tries_what_came_back_though_it_is_of_no_default_test() {
    let mut fixture = Fixture::new();
    let server = ScriptedServer::refusing();
    let mut host = open_since(server.addr(), 30 * DAY);
    let odd = relay_tester::Plan::select(relay_tester::Tier::Odd, relay_tester::Known::default());
    let odd = odd.probes.last().unwrap().index;
    host.probes = vec![odd];
    fixture.remember_host(&host);
    fixture.start();
    eventually(PATIENCE, || fixture.host(host.address).map_or(Ok(()), |host| Err(Box::new(host))));
    let test = &fixture.tests()[0];
    assert!(test.plan.contains(&odd), "{:?}", test.plan);
    assert_eq!(test.verdict(), Some(Verdict::Clean));
    assert!(test.submitted_at >= ago(PATIENCE.as_secs()));
}
