//! Telling the postmaster of a host that is listed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use dnsbl_tests::{
    eventually,
    mta::{Heard, Message, ScriptedServer, SmtpAnswer},
};
use serde_json::json;

use super::{TEST, Tester, plain_probe};

/// A host that relays for anyone while the switch is on; the test carries its mail.
fn relay() -> (ScriptedServer, Arc<AtomicBool>) {
    let open = Arc::new(AtomicBool::new(true));
    let switch = open.clone();
    let host = ScriptedServer::start(move |heard| {
        if open.load(Ordering::SeqCst) {
            SmtpAnswer::polite(heard)
        } else {
            SmtpAnswer::refusing(heard)
        }
    });
    (host, switch)
}

fn is_to_postmaster(message: &Message) -> bool {
    message.recipients.iter().any(|recipient| recipient.starts_with("<postmaster@["))
}

fn notices(host: &ScriptedServer) -> Vec<Message> {
    host.messages().into_iter().filter(is_to_postmaster).collect()
}

impl Tester {
    /// Has a host listed: its owner asks, and a message comes back.
    #[track_caller]
    fn find_open(&self, host: &ScriptedServer) {
        let seen = host.messages().len();
        let id = self.submit_owned(host.addr());
        let probe = if seen == 0 {
            plain_probe(host)
        } else {
            host.wait_for(TEST, |message| {
                let is_new = host.messages().iter().skip(seen).any(|new| new == message);
                let is_return = message.recipients.len() == 1 && !message.sender.contains("<>");
                (is_new && is_return).then(|| message.clone())
            })
        };
        self.send_back(host.addr().ip(), &probe);
        self.wait(&id, |test| test["verdict"] == "open");
        self.expect_listed(host.addr().ip());
    }

    /// Waits for the notice of another host that is listed now, when an earlier one had its time too.
    #[track_caller]
    fn outwait_notices(&self) {
        let (later, _) = relay();
        self.find_open(&later);
        later.wait_for(TEST, |message| is_to_postmaster(message).then_some(()));
    }
}

#[test]
fn the_postmaster_of_a_listed_host_is_told_once() {
    let tester = Tester::with("notice = true", "per-address-days = 0");
    let (host, open) = relay();
    tester.find_open(&host);
    let notice = host.wait_for(TEST, |message| is_to_postmaster(message).then(|| message.clone()));
    let address = host.addr().ip().to_string();
    assert_eq!(notice.recipients, [format!("<postmaster@[{address}]>")]);
    assert_eq!(notice.sender.split(' ').next(), Some("<>"), "nothing is ever bounced");
    assert_eq!(notice.helo, "relaytest.example.org");
    let subject = notice.header("Subject").expect("a subject");
    assert!(subject.contains(&address) && subject.contains("relays.example.org"), "{subject}");
    for field in ["Date", "From", "Message-ID"] {
        assert!(notice.header(field).is_some(), "no {field} in {}", notice.data);
    }
    assert!(notice.data.is_ascii(), "the host does not offer 8BITMIME: {}", notice.data);
    assert!(notice.data.contains("=E3=83=A1=E3=83=BC=E3=83=AB"), "Japanese too: {}", notice.data);

    // It is closed, delisted, open again and listed again, all within seven days.
    open.store(false, Ordering::SeqCst);
    let delisted = tester.submit(&json!({"address": address, "ground": "delist"}));
    assert_eq!(tester.verdict(&delisted)["verdict"], "clean");
    tester.wait_unlisted(host.addr().ip());
    open.store(true, Ordering::SeqCst);
    tester.find_open(&host);
    tester.outwait_notices();
    assert_eq!(notices(&host).len(), 1);
}

#[test]
fn nobody_is_told_unless_the_operator_wants_it() {
    let tester = Tester::with("", "");
    let (host, _) = relay();
    tester.find_open(&host);
    // A whole other test has passed by then.
    assert_eq!(tester.test(ScriptedServer::refusing().addr())["verdict"], "clean");
    assert!(notices(&host).is_empty());
}

/// Security review, L3: what a mail server says when it is told went to the log as it came.
#[test]
fn what_a_host_says_to_a_notice_moves_no_terminal_and_forges_no_line() {
    let tester = Tester::with("notice = true", "");
    let host = ScriptedServer::start(|heard| match heard {
        Heard::Command(line) if line.contains("<postmaster@[") => SmtpAnswer::line(
            "550 \x1b[31mRED\x1b[0m \r2026-11-29T00:00:00Z INFO forged\u{7}\u{202e}x\u{2028}y",
        ),
        other => SmtpAnswer::polite(other),
    });
    let id = tester.submit_owned(host.addr());
    tester.send_back(host.addr().ip(), &plain_probe(&host));
    tester.wait(&id, |test| test["verdict"] == "open");
    let line = eventually(TEST, || {
        let log = tester.server.stderr();
        let line = log.split('\n').find(|line| line.contains("was not told")).map(str::to_owned);
        line.ok_or(log)
    });
    assert!(line.contains("RED"), "{line}");
    for raw in ["[31m", "\r", "\u{7}", "\u{202e}", "\u{2028}"] {
        let raw = if raw == "[31m" { "\x1b[31mRED" } else { raw };
        assert!(!line.contains(raw), "{raw:?} in {line:?}");
    }
}
