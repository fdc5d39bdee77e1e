//! SIGKILL in the middle of tests: none is lost, and hosts are not asked the same again and again.

use std::sync::{
    Arc, Mutex, PoisonError,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use dnsbl_tests::{
    Random,
    mta::{Heard, ScriptedServer, SmtpAnswer},
};

use super::{TEST, Tester, outcomes, plain_probe};

const HOSTS: usize = 4;
const KILLS: usize = 3;

/// The moment of a kill: when some hosts have heard so many commands. The last has no answer.
struct Fuse {
    /// None: it does not burn.
    left: Mutex<usize>,
    burnt: SyncSender<()>,
}

impl Fuse {
    fn new() -> (Arc<Self>, Receiver<()>) {
        let (burnt, moment) = sync_channel(1);
        (Arc::new(Self { left: Mutex::new(0), burnt }), moment)
    }

    fn light(&self, commands: usize) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = commands;
    }

    /// Whether this command is the last.
    fn burns_down(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let is_last = *left == 1;
        *left = left.saturating_sub(1);
        is_last && self.burnt.try_send(()).is_ok()
    }
}

/// A host that answers like this as long as the fuse burns.
fn host(fuse: &Arc<Fuse>, answer: fn(Heard<'_>) -> SmtpAnswer) -> ScriptedServer {
    let fuse = fuse.clone();
    ScriptedServer::start(move |heard| match heard {
        Heard::Command(_) if fuse.burns_down() => SmtpAnswer::Silence,
        heard => answer(heard),
    })
}

/// Panics if the host was asked anything twice, or called more often than `most` times.
#[track_caller]
fn expect_patience(host: &ScriptedServer, most: usize) {
    let record = host.record();
    assert!(record.connections.len() <= most, "{} connections", record.connections.len());
    assert!(record.messages.len() <= 12, "{} messages", record.messages.len());
    // Each probe of a test has a token of its own.
    let mut recipients: Vec<_> =
        record.commands.into_iter().filter(|line| line.starts_with("RCPT")).collect();
    recipients.sort_unstable();
    let twice = recipients.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None, "a probe was sent twice");
}

#[test]
fn a_test_survives_sigkill_and_hosts_are_not_asked_twice() {
    let mut random = Random::from_env("DNSBL_RELAY_CRASH_SEED");
    let mut tester = Tester::start();
    let (fuse, moment) = Fuse::new();
    let undisturbed = host(&fuse, SmtpAnswer::refusing);
    assert_eq!(tester.test(undisturbed.addr())["verdict"], "clean");
    let usual = undisturbed.record();
    // Fewer than all hosts hear together, so that each fuse burns down.
    let mut commands = || 1 + random.below(usual.commands.len());

    let refusing: Vec<_> = (0..HOSTS).map(|_| host(&fuse, SmtpAnswer::refusing)).collect();
    let accepting: Vec<_> = (0..HOSTS).map(|_| host(&fuse, SmtpAnswer::polite)).collect();
    let hosts: Vec<_> = refusing.iter().chain(&accepting).collect();
    fuse.light(commands());
    let ids: Vec<_> = hosts.iter().map(|host| tester.submit_owned(host.addr())).collect();
    for kill in 1..=KILLS {
        moment.recv_timeout(TEST).expect("the hosts hear more");
        tester.server.kill();
        if kill < KILLS {
            fuse.light(commands());
        }
        tester.server.start_again();
    }
    for (id, host) in ids.iter().zip(&hosts) {
        let test = tester.verdict(id);
        // What was lost with the server is not sent again, and nobody is called clean for it.
        let is_lost = outcomes(&test).iter().any(|(_, outcome)| *outcome == "error");
        let is_possible = match test["verdict"].as_str() {
            Some("clean") => !is_lost,
            Some("inconclusive") => true,
            _ => false,
        };
        assert!(is_possible, "{test}");
        expect_patience(host, usual.connections.len() + KILLS);
        tester.expect_unlisted(host.addr().ip());
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
