//! SIGKILL in the middle of tests: none is lost, and hosts are not asked the same again and again.

use std::{collections::BTreeMap, time::Duration};

use dnsbl_tests::{
    Random,
    mta::{Heard, ScriptedServer, SmtpAnswer},
    pause,
};

use super::{Tester, outcomes, plain_probe};

const HOSTS: usize = 4;
const KILLS: usize = 5;

/// A host that takes its time for each answer.
fn slow(answer: impl Fn(Heard<'_>) -> SmtpAnswer + Send + Sync + 'static) -> ScriptedServer {
    ScriptedServer::start(move |heard| {
        pause(Duration::from_millis(10));
        answer(heard)
    })
}

#[test]
fn a_test_survives_sigkill_and_hosts_are_not_asked_twice() {
    let mut random = Random::from_env("DNSBL_RELAY_CRASH_SEED");
    let mut tester = Tester::start();
    // How it goes without a kill.
    let undisturbed = slow(SmtpAnswer::refusing);
    let test = tester.test(undisturbed.addr());
    assert_eq!(test["verdict"], "clean", "{test}");
    let usual = undisturbed.record();

    let refusing: Vec<_> = (0..HOSTS).map(|_| slow(SmtpAnswer::refusing)).collect();
    let accepting: Vec<_> = (0..HOSTS).map(|_| slow(SmtpAnswer::polite)).collect();
    let hosts: Vec<_> = refusing.iter().chain(&accepting).collect();
    let ids: Vec<_> = hosts.iter().map(|host| tester.submit_owned(host.addr())).collect();
    for _ in 0..KILLS {
        pause(Duration::from_millis(20 + random.below(400) as u64));
        tester.server.kill();
        tester.server.start_again();
    }
    for (id, host) in ids.iter().zip(&hosts) {
        let test = tester.verdict(id);
        assert_eq!(test["verdict"], "clean", "{test}");
        let connections = host.record().connections.len();
        assert!(
            connections <= usual.connections.len() + KILLS,
            "{connections} connections, usually {}",
            usual.connections.len()
        );
    }
    for host in &accepting {
        let mut times = BTreeMap::<Vec<String>, usize>::new();
        for message in host.messages() {
            *times.entry(message.recipients).or_default() += 1;
        }
        assert!(times.values().all(|&times| times == 1), "a message was sent twice: {times:?}");
    }
    for (id, _) in ids.iter().zip(&refusing) {
        let test = tester.read(id);
        assert!(outcomes(&test).contains(&("plain", "refused")), "{test}");
    }
}

#[test]
fn what_comes_back_after_a_kill_counts() {
    let mut tester = Tester::start();
    let host = ScriptedServer::accepting();
    let id = tester.submit_owned(host.addr());
    let probe = plain_probe(&host);
    tester.wait(&id, |test| test["state"] == "pending");
    tester.server.kill();
    tester.server.start_again();
    tester.send_back(host.addr().ip(), &probe);
    tester.wait(&id, |test| test["verdict"] == "open");
    tester.expect_listed(host.addr().ip());
}

#[test]
fn a_listing_and_its_test_end_together() {
    for _ in 0..KILLS {
        let mut tester = Tester::start();
        let host = ScriptedServer::accepting();
        let id = tester.submit_owned(host.addr());
        let probe = plain_probe(&host);
        tester.send_back(host.addr().ip(), &probe);
        tester.server.kill();
        tester.server.start_again();
        // The receiver had answered: what it took is kept.
        tester.wait(&id, |test| test["verdict"] == "open");
        tester.expect_listed(host.addr().ip());
    }
}
