//! Limits hold however many ask at once.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use dnsbl_tests::{
    HttpReply, eventually,
    mta::{Heard, ScriptedServer, SmtpAnswer, unique_host},
};
use serde_json::json;

use super::{TEST, Tester};

/// How many ask.
const SUBMISSIONS: usize = 1000;
/// How many of them at the same time.
const SUBMITTERS: usize = 50;

/// A message that an address relayed.
fn evidence(addr: IpAddr) -> String {
    format!(
        "Received: from relay.example ([{addr}]) by mx.example.org; \
         Sun, 22 Nov 2026 05:00:00 +0000\r\nSubject: buy\r\n\r\nnow\r\n"
    )
}

/// Submits tests of these addresses from many connections at once, and sorts the replies: the ids of
/// accepted tests, one for each reply, and how many were turned away by a limit.
#[track_caller]
fn submit_at_once(tester: &Tester, addresses: &[IpAddr]) -> (Vec<String>, usize) {
    let submit = |share: &[IpAddr]| -> Vec<HttpReply> {
        let body = |addr: &IpAddr| json!({"address": addr, "ground": "evidence", "evidence": evidence(*addr)});
        share.iter().map(|addr| tester.post(&body(addr))).collect()
    };
    let replies: Vec<_> = thread::scope(|scope| {
        let submitters: Vec<_> = addresses
            .chunks(addresses.len().div_ceil(SUBMITTERS))
            .map(|share| scope.spawn(move || submit(share)))
            .collect();
        submitters.into_iter().flat_map(|each| each.join().expect("it submits")).collect()
    });
    let (mut accepted, mut limited) = (Vec::new(), 0);
    for reply in replies {
        if reply.status == 202 {
            accepted.push(reply.json()["id"].as_str().expect("an id").to_owned());
        } else {
            let wait: u64 = reply.header("retry-after").parse().unwrap_or_default();
            reply.expect_problem(429);
            assert!(wait > 0, "a limit says when to come again");
            limited += 1;
        }
    }
    (accepted, limited)
}

/// Addresses where nobody is, each in a /24 of its own.
fn far_apart(count: u16) -> Vec<IpAddr> {
    let last = unique_host().octets()[3];
    let each = |number: u16| {
        let [high, low] = number.to_be_bytes();
        Ipv4Addr::new(127, 200 + high, low, last).into()
    };
    (0..count).map(each).collect()
}

fn distinct(ids: &[String]) -> usize {
    ids.iter().collect::<BTreeSet<_>>().len()
}

#[test]
fn the_global_limit_holds_under_a_thousand_submissions() {
    let tester = Tester::with("", "global-hour = 60");
    let (accepted, limited) = submit_at_once(&tester, &far_apart(SUBMISSIONS as u16));
    assert_eq!(distinct(&accepted), 60);
    assert_eq!(accepted.len() + limited, SUBMISSIONS);
}

#[test]
fn the_limit_of_a_network_holds_under_a_thousand_submissions() {
    let tester = Tester::with("", "global-hour = 10000\nper-24-hour = 4");
    let [a, b, c, _] = unique_host().octets();
    let hosts: Vec<IpAddr> = (0..SUBMISSIONS)
        .map(|number| Ipv4Addr::new(a, b, c, (number % 250) as u8 + 1).into())
        .collect();
    let (accepted, limited) = submit_at_once(&tester, &hosts);
    assert_eq!(distinct(&accepted), 4);
    assert_eq!(accepted.len() + limited, SUBMISSIONS);
}

#[test]
fn an_address_that_is_pending_has_one_test_however_often_it_is_submitted() {
    // It keeps its tester busy: the greeting does not come.
    let host = ScriptedServer::start(|heard| match heard {
        Heard::Connection => SmtpAnswer::Silence,
        other => SmtpAnswer::polite(other),
    });
    let tester = Tester::start();
    let first = tester.submit_owned(host.addr());
    let (accepted, limited) = submit_at_once(&tester, &[host.addr().ip(); SUBMISSIONS]);
    assert_eq!((accepted.len(), limited), (SUBMISSIONS, 0));
    assert!(accepted.iter().all(|id| *id == first), "{first} is pending");
    assert_eq!(host.record().connections.len(), 1);
}

#[test]
fn no_more_tests_than_allowed_run_at_once() {
    let [open, most, begun] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
    let (release, released) = mpsc::channel();
    let released = Arc::new(Mutex::new(released));
    let hosts: Vec<_> = (0..8)
        .map(|_| {
            let (open, most, begun) = (open.clone(), most.clone(), begun.clone());
            let released = released.clone();
            ScriptedServer::start(move |heard| match heard {
                Heard::Connection => {
                    most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    begun.fetch_add(1, Ordering::SeqCst);
                    // It ends early where the test has failed.
                    let _ = released.lock().expect("nobody panics").recv();
                    open.fetch_sub(1, Ordering::SeqCst);
                    SmtpAnswer::line("554 5.7.1 no testers here")
                }
                other => SmtpAnswer::polite(other),
            })
        })
        .collect();
    let tester = Tester::with("", "at-once = 3");
    let ids: Vec<_> = hosts.iter().map(|host| tester.submit_owned(host.addr())).collect();
    for ended in 0..hosts.len() {
        // All that may be tested at once are, and wait for the greeting.
        let expected = hosts.len().min(ended + 3);
        eventually(TEST, || match begun.load(Ordering::SeqCst) {
            begun if begun >= expected => Ok(()),
            begun => Err((begun, expected)),
        });
        release.send(()).expect("hosts wait for it");
    }
    for id in &ids {
        assert_eq!(tester.verdict(id)["verdict"], "blocked");
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn an_address_is_tested_once_in_seven_days_unless_its_owner_asks() {
    let tester = Tester::start();
    let token = tester.token("some", &["relay-tests:write"]);
    let addr = SocketAddr::from((unique_host(), 25));
    let host = ScriptedServer::start_at(addr, SmtpAnswer::refusing);
    let by_others = json!({
        "address": addr.ip(),
        "ground": "evidence",
        "evidence": evidence(addr.ip()),
    });
    let id = tester.submit(&by_others);
    assert_eq!(tester.verdict(&id)["verdict"], "clean");
    let connections = host.record().connections.len();
    let refused = token.post("/v1/relay-tests", &by_others).expect_problem(429);
    let detail = refused["detail"].as_str().expect("why");
    assert!(detail.contains("try again in 7 days ("), "{detail}");
    assert_eq!(host.record().connections.len(), connections);
    let owned = tester.submit_owned(addr);
    assert_ne!(owned, id);
    assert_eq!(tester.verdict(&owned)["verdict"], "clean");
    assert!(host.record().connections.len() > connections);
}
