//! What real mail servers are found to be.

use std::net::{SocketAddr, SocketAddrV4};

use dnsbl_tests::mta::{
    Exim, EximRelaying, Heard, Postfix, PostfixRelaying, ScriptedServer, SmtpAnswer, unique_addr,
};
use serde_json::{Value, json};

use super::{Tester, mail_goes_to, outcomes};

/// The probes that every test has.
const DEFAULT_PROBES: [&str; 6] =
    ["plain", "null-sender", "sender-ownhost", "pct-at-host", "bang-at-host", "quoted-all"];

/// Panics unless the host is found open, by this probe among others, and listed.
#[track_caller]
fn expect_open(tester: &Tester, host: SocketAddr, leak: &str) {
    let test = tester.test(host);
    assert_eq!(test["verdict"], "open", "{test}");
    assert_eq!(test["via"], Value::Null, "{test}");
    assert_eq!(test["address"], host.ip().to_string(), "{test}");
    assert_eq!(test["port"], host.port(), "{test}");
    let id = test["id"].as_str().expect("an id");
    tester.wait(id, |test| outcomes(test).contains(&(leak, "returned")));
    tester.expect_listed(host.ip());
    expect_evidence(tester, id, host);
}

/// Panics unless everybody who reads the test sees what was said and what came back.
#[track_caller]
fn expect_evidence(tester: &Tester, id: &str, host: SocketAddr) {
    let test = tester.read(id);
    assert_eq!(test["listed"], true, "{test}");
    let transcript = test["transcript"].as_array().expect("a transcript");
    let said = |words: &str| {
        transcript.iter().any(|line| line.as_str().is_some_and(|line| line.contains(words)))
    };
    assert!(said("RCPT TO:") && said("250"), "{test}");
    let returned = &test["returns"][0];
    assert_eq!(returned["peer"], host.ip().to_string(), "{test}");
    let headers = returned["headers"].as_str().expect("headers");
    assert!(headers.contains("Received:") && headers.contains("Subject:"), "{headers}");
    let path = tester.relays().listing_path(&host.ip().to_string());
    let listing = tester.server.admin().get(&path).expect(200).json();
    let note = listing["listings"][0]["note"].as_str().expect("a note");
    assert!(note.contains(id), "{note}");
}

/// Panics unless the host is found clean although it was asked everything.
#[track_caller]
fn expect_clean(tester: &Tester, host: SocketAddr) -> Value {
    let test = tester.test(host);
    assert_eq!(test["verdict"], "clean", "{test}");
    for (probe, outcome) in outcomes(&test) {
        assert!(matches!(outcome, "refused" | "accepted" | "bounced"), "{probe} was {outcome}");
    }
    for probe in DEFAULT_PROBES {
        assert!(outcomes(&test).iter().any(|(name, _)| *name == probe), "no {probe} in {test}");
    }
    tester.expect_unlisted(host.ip());
    test
}

#[test]
fn an_open_exim_is_found_and_listed() {
    let tester = Tester::start();
    let exim = Exim::start(&EximRelaying::Open, tester.receiver);
    expect_open(&tester, exim.addr(), "plain");
}

#[test]
fn each_leak_of_an_exim_is_found_by_its_probe() {
    let tester = Tester::start();
    for (relaying, leak) in [
        (EximRelaying::OwnSender, "sender-ownhost"),
        (EximRelaying::NullSender, "null-sender"),
        (EximRelaying::Percent, "pct-at-host"),
        (EximRelaying::Bang, "bang-at-host"),
    ] {
        let exim = Exim::start(&relaying, tester.receiver);
        expect_open(&tester, exim.addr(), leak);
    }
}

#[test]
fn a_closed_exim_is_clean_whatever_it_is_asked() {
    let tester = Tester::start();
    let exim = Exim::start(&EximRelaying::Closed, tester.receiver);
    let test = expect_clean(&tester, exim.addr());
    assert!(outcomes(&test).contains(&("plain", "refused")), "{test}");
}

#[test]
fn an_exim_that_accepts_and_bounces_is_clean() {
    let tester = Tester::start();
    let exim = Exim::start(&EximRelaying::AcceptThenBounce, tester.receiver);
    let test = expect_clean(&tester, exim.addr());
    assert!(outcomes(&test).contains(&("plain", "bounced")), "{test}");
}

#[test]
fn an_open_postfix_is_found_and_listed() {
    let tester = Tester::start();
    let postfix = Postfix::start(&PostfixRelaying::Open, tester.receiver);
    expect_open(&tester, postfix.addr(), "plain");
}

#[test]
fn a_closed_postfix_is_clean_whatever_it_is_asked() {
    let tester = Tester::start();
    let postfix = Postfix::start(&PostfixRelaying::Closed, tester.receiver);
    let test = expect_clean(&tester, postfix.addr());
    assert!(outcomes(&test).contains(&("plain", "refused")), "{test}");
}

/// Panics unless the leak of a backup MX is found, where its domain is known, and only then.
#[track_caller]
fn expect_backup_leak(tester: &Tester, front: SocketAddrV4, inner: SocketAddrV4) {
    let body = json!({
        "address": front.ip(), "port": front.port(), "ground": "owner", "domain": "inside.example",
    });
    let test = tester.verdict(&tester.submit(&body));
    assert_eq!(test["verdict"], "open", "{test}");
    assert_eq!(test["via"], inner.ip().to_string(), "{test}");
    assert!(outcomes(&test).contains(&("pct-backupmx", "returned")), "{test}");
    tester.expect_listed((*front.ip()).into());
}

#[test]
fn a_backup_mx_in_front_of_an_exim_that_undoes_the_percent_is_found() {
    let (front, inner) = (unique_addr(), unique_addr());
    let names = mail_goes_to(&[(*front.ip()).into()]);
    let tester = Tester::asking(names.addr(), "settle-for = \"2s\"\n", "");
    let domain = "inside.example".to_owned();
    let behind = EximRelaying::Inner { domain: domain.clone(), front: *front.ip() };
    let _inside = Exim::start_at(inner, &behind, tester.receiver);
    let backup = EximRelaying::BackupMx { domain, inner };
    let _outside = Exim::start_at(front, &backup, tester.receiver);
    expect_backup_leak(&tester, front, inner);
}

#[test]
fn a_backup_mx_in_front_of_a_postfix_is_found() {
    let (front, inner) = (unique_addr(), unique_addr());
    let names = mail_goes_to(&[(*front.ip()).into()]);
    let tester = Tester::asking(names.addr(), "settle-for = \"2s\"\n", "");
    let domain = "inside.example".to_owned();
    let behind = PostfixRelaying::Inner { domain: domain.clone(), front: *front.ip() };
    let _inside = Postfix::start_at(inner, &behind, tester.receiver);
    let backup = PostfixRelaying::BackupMx { domain, inner };
    let _outside = Postfix::start_at(front, &backup, tester.receiver);
    expect_backup_leak(&tester, front, inner);
}

#[test]
fn a_host_that_turns_the_tester_away_is_blocked_and_not_listed() {
    let tester = Tester::start();
    let host = ScriptedServer::start(|heard| match heard {
        Heard::Connection => SmtpAnswer::line("554 5.7.1 no testers here"),
        other => SmtpAnswer::polite(other),
    });
    let test = tester.test(host.addr());
    assert_eq!(test["verdict"], "blocked", "{test}");
    tester.expect_unlisted(host.addr().ip());
}

#[test]
fn a_host_that_does_not_answer_is_never_clean() {
    let tester = Tester::start();
    let nobody = SocketAddr::from(unique_addr());
    let test = tester.test(nobody);
    assert!(matches!(test["verdict"].as_str(), Some("unreachable" | "inconclusive")), "{test}");
    tester.expect_unlisted(nobody.ip());
}
