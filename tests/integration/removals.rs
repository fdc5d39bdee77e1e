//! Requests for removal against the real server: from the request to DNS and to the mail, over restarts.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use dnsbl_tests::{
    Answer, Finished, PATIENCE, Process, TestServer, TestZone, eventually,
    mta::{Heard, Message, Postfix, PostfixRelaying, ScriptedServer, SmtpAnswer},
    program,
};
use hickory_proto::rr::RecordType::A;
use serde_json::{Value, json};

use crate::metrics::value;

const REQUESTS: &str = "/v1/removal-requests";

#[track_caller]
fn ctl(server: &TestServer, words: &[&str]) -> Finished {
    let token = server.data_dir().join("admin.token");
    let mut command = Command::new(program("dnsblctl"));
    command.args(["--server", server.admin().url()]).arg("--token-file").arg(token).args(words);
    Process::run(&mut command).unwrap()
}

fn is_listed(zone: &TestZone, subject: &str) -> bool {
    matches!(zone.ask_address(subject, A), Answer::Records(_))
}

fn mail_table(smarthost: &str) -> String {
    format!(
        "[mail]\nsmarthost = \"{smarthost}\"\nfrom = \"list@example.org\"\nname = \"Example list\"\n"
    )
}

/// The text of a message, quoted-printable undone as far as its lines go.
fn text(message: &Message) -> String {
    message.data.replace("=\r\n", "")
}

/// The token in a mail that asks to confirm: the only word as long as one.
fn token(message: &Message) -> Option<String> {
    let text = text(message);
    let is_token =
        |word: &&str| word.len() == 39 && word.bytes().all(|c| c.is_ascii_alphanumeric());
    text.split_whitespace().find(is_token).map(ToOwned::to_owned)
}

#[test]
fn who_asks_is_removed_at_once_and_dns_says_so() {
    let mut server = TestServer::start();
    let zone = server.ip_zone(json!({"removal": {"self_service": true}}));
    zone.list("192.0.2.1");
    assert!(is_listed(&zone, "192.0.2.1"));
    let done = ctl(&server, &["removal", "submit", "192.0.2.1", "--json"]);
    let done: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(done["state"], "done", "{done}");
    assert!(!is_listed(&zone, "192.0.2.1"));
    zone.list("192.0.2.1");
    let waits = ctl(&server, &["removal", "submit", "192.0.2.1"]);
    assert!(waits.stdout.starts_with("waiting  "), "{}", waits.stdout);
    server.kill();
    server.start_again();
    let zone = TestZone::at(&server, zone.origin());
    assert!(is_listed(&zone, "192.0.2.1"), "it waits for a day, also over a kill");
    let ticket = done["ticket"].as_str().unwrap();
    let seen = ctl(&server, &["removal", "ticket", ticket]);
    assert!(seen.stdout.contains("done"), "{}", seen.stdout);
    for (name, labels, count) in [
        ("dnsbl_removal_requests", vec![("state", "done")], 1),
        ("dnsbl_removal_requests", vec![("state", "waiting")], 1),
        ("dnsbl_removal_requests_overdue", vec![], 0),
    ] {
        assert_eq!(value(&server, name, &labels), count, "{name} {labels:?}");
    }
}

#[test]
fn a_mail_is_not_lost_where_nobody_takes_it_and_the_server_is_killed() {
    let is_up = Arc::new(AtomicBool::new(false));
    let switch = is_up.clone();
    let smarthost = ScriptedServer::start(move |heard| match heard {
        Heard::Connection if !switch.load(Ordering::SeqCst) => {
            SmtpAnswer::line("421 4.3.2 not now")
        }
        other => SmtpAnswer::polite(other),
    });
    let mut server = TestServer::with_tables(&mail_table(&smarthost.addr().to_string()));
    let zone = server.ip_zone(json!({"removal": {"self_service": true, "confirm_by_mail": true}}));
    let admin = server.admin();
    zone.list("192.0.2.1");
    admin.post(REQUESTS, &json!({"subject": "192.0.2.1"})).expect_problem(422);
    let body = json!({"subject": "192.0.2.1", "contact": "taro@example.jp", "language": "ja"});
    let made = admin.post(REQUESTS, &body).expect(201).json();
    assert_eq!(made["state"], "unconfirmed");
    eventually(PATIENCE, || match value(&server, "dnsbl_mail_failing", &[]) {
        1 => Ok(()),
        other => Err(other),
    });
    assert_eq!(value(&server, "dnsbl_mails_queued", &[]), 1);
    server.kill();
    is_up.store(true, Ordering::SeqCst);
    server.start_again();
    let token = smarthost.wait_for(PATIENCE, token);
    let mail = smarthost.messages().remove(0);
    assert!(mail.sender.starts_with("<list@example.org>"), "{}", mail.sender);
    assert_eq!(mail.recipients, ["<taro@example.jp>"]);
    assert!(mail.data.is_ascii() && mail.data.contains("Content-Language: ja"), "{}", mail.data);
    let zone = TestZone::at(&server, zone.origin());
    assert!(is_listed(&zone, "192.0.2.1"), "it is not confirmed");
    let confirmed = ctl(&server, &["removal", "confirm", &token]);
    assert!(confirmed.stdout.starts_with("done  "), "{} {}", confirmed.stdout, confirmed.stderr);
    assert!(!is_listed(&zone, "192.0.2.1"));
    smarthost.wait_for(PATIENCE, |message| {
        (message.data != mail.data && message.data.contains("Auto-Submitted: auto-replied"))
            .then_some(())
    });
    eventually(PATIENCE, || match value(&server, "dnsbl_mails_queued", &[]) {
        0 => Ok(()),
        other => Err(other),
    });
    let again = ctl(&server, &["removal", "confirm", &token]);
    assert!(again.stdout.starts_with("done  "), "{}", again.stdout);
}

#[test]
fn a_real_postfix_takes_the_mails_and_the_reviewer_answers() {
    let inbox = ScriptedServer::accepting();
    let postfix = Postfix::start(&PostfixRelaying::Open, inbox.addr());
    let server = TestServer::with_tables(&mail_table(&postfix.addr().to_string()));
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.0/24");
    zone.list("192.0.2.1");
    let words =
        ["removal", "submit", "192.0.2.1", "--contact", "taro@example.jp", "--comment", "closed"];
    assert!(ctl(&server, &words).stdout.starts_with("waiting  "));
    let run = |words: &[&str]| {
        let done = ctl(&server, words);
        assert_eq!(done.code, Some(0), "{words:?}: {}", done.stderr);
        done.stdout
    };
    let list = run(&["review", "list", "--kind", "removal"]);
    let id = list.split_whitespace().next().unwrap().to_owned();
    assert!(list.lines().count() == 1 && list.contains("192.0.2.1"), "{list}");
    assert!(run(&["review", "show", &id]).contains("closed"));
    run(&["review", "claim", &id, "--term", "5m"]);
    run(&["review", "release", &id]);
    let decided = run(&["review", "decide", &id, "grant", "--note", "thank you"]);
    assert!(!is_listed(&zone, "192.0.2.1") && is_listed(&zone, "192.0.2.2"));
    let mail = inbox
        .wait_for(PATIENCE, |message| text(message).contains("thank you").then(|| message.clone()));
    assert!(mail.data.contains("192.0.2.1 has been removed from"), "{}", mail.data);
    assert!(mail.data.contains("From: Example list <list@example.org>"), "{}", mail.data);
    let seq = decided.rsplit(' ').next().unwrap().trim();
    run(&["undo", seq]);
    assert!(is_listed(&zone, "192.0.2.1"));
    assert_eq!(run(&["review", "list", "--kind", "removal"]).split_whitespace().next(), Some(&*id));
}
