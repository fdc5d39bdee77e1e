//! Messages that look like a return and prove nothing. Each test ends with a true return of the same
//! probe, which shows that what was sent before could have counted.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use dnsbl_tests::mta::{Heard, Message, ScriptedServer, SmtpAnswer, unique_host};

use super::{PROBE_DOMAIN, Tester, plain_probe};

/// A host that accepted its probes, and the plain one of them.
struct Accepted {
    host: ScriptedServer,
    id: String,
    probe: Message,
}

impl Accepted {
    #[track_caller]
    fn by(tester: &Tester, host: ScriptedServer) -> Self {
        let id = tester.submit_owned(host.addr());
        let probe = plain_probe(&host);
        Self { host, id, probe }
    }

    fn ip(&self) -> IpAddr {
        self.host.addr().ip()
    }
}

impl Tester {
    /// Waits until the receiver has judged everything it was sent before: a true return of another
    /// host, sent last, has been.
    #[track_caller]
    fn wait_for_receiver(&self) {
        let control = Accepted::by(self, ScriptedServer::accepting());
        self.expect_true_return(&control);
    }

    /// A return as it should be lists the host.
    #[track_caller]
    fn expect_true_return(&self, accepted: &Accepted) {
        let reply = self.send_back(accepted.ip(), &accepted.probe);
        assert!(reply.is_positive(), "{reply:?}");
        self.wait(&accepted.id, |test| test["verdict"] == "open");
        self.expect_listed(accepted.ip());
    }

    /// These messages from these hosts list nobody.
    #[track_caller]
    fn expect_forgeries(&self, accepted: &Accepted, forgeries: &[(IpAddr, Message)]) {
        for (from, forgery) in forgeries {
            self.send_back(*from, forgery);
        }
        self.wait_for_receiver();
        assert_ne!(self.read(&accepted.id)["verdict"], "open");
        self.expect_unlisted(accepted.ip());
        for (from, _) in forgeries {
            self.expect_unlisted(*from);
        }
    }
}

fn recipient(local_part: &str) -> Vec<String> {
    vec![format!("<{local_part}@{PROBE_DOMAIN}>")]
}

/// The token: the local part of the recipient.
#[track_caller]
fn token(probe: &Message) -> String {
    let recipient = probe.recipients.first().expect("a recipient");
    recipient.trim_matches(['<', '>']).split_once('@').expect("an address").0.to_owned()
}

#[test]
fn a_token_with_a_mac_that_is_cut_or_altered_lists_nobody() {
    let tester = Tester::start();
    let accepted = Accepted::by(&tester, ScriptedServer::accepting());
    let token = token(&accepted.probe);
    let last = if token.ends_with('a') { "b" } else { "a" };
    let altered = format!("{}{last}", &token[..token.len() - 1]);
    let forgeries: Vec<_> = [
        altered.as_str(),
        &token[..token.len() - 1],
        &token[..token.len() - 8],
        &token[..token.len() / 2],
        &token[1..],
        &format!("{token}a"),
    ]
    .into_iter()
    .map(|local_part| {
        let forged = Message { recipients: recipient(local_part), ..accepted.probe.clone() };
        (accepted.ip(), forged)
    })
    .collect();
    tester.expect_forgeries(&accepted, &forgeries);
    tester.expect_true_return(&accepted);
}

#[test]
fn a_token_in_a_bounce_lists_nobody() {
    let tester = Tester::start();
    let accepted = Accepted::by(&tester, ScriptedServer::accepting());
    let probe = &accepted.probe;
    let with_fields =
        |fields: &str| Message { data: format!("{fields}{}", probe.data), ..probe.clone() };
    let attached = format!(
        "From: mailer-daemon@relay.example\r\nSubject: failed\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{}\r\n--b--\r\n",
        probe.data
    );
    let bounce_address = probe.sender.split(' ').next().expect("a word").to_owned();
    let forgeries: Vec<_> = [
        Message { sender: "<>".into(), ..probe.clone() },
        Message { data: attached.clone(), ..probe.clone() },
        Message {
            sender: "<>".into(),
            recipients: vec![bounce_address.clone()],
            data: attached,
            ..probe.clone()
        },
        // The message as it was, but to the address for bounces.
        Message { recipients: vec![bounce_address], ..probe.clone() },
        with_fields("Auto-Submitted: auto-replied\r\n"),
        with_fields("X-Failed-Recipients: somebody@example.net\r\n"),
        with_fields("Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n"),
        // The token in the message alone.
        Message { recipients: recipient("postmaster"), ..probe.clone() },
    ]
    .into_iter()
    .map(|forgery| (accepted.ip(), forgery))
    .collect();
    tester.expect_forgeries(&accepted, &forgeries);
    tester.expect_true_return(&accepted);
}

/// A host that takes every message to its end, and then refuses or accepts it.
fn refusing_at_the_end(refuses: Arc<AtomicBool>) -> ScriptedServer {
    ScriptedServer::start(move |heard| match heard {
        Heard::Message(_) if refuses.load(Ordering::Acquire) => {
            SmtpAnswer::line("554 5.7.1 relaying denied")
        }
        other => SmtpAnswer::polite(other),
    })
}

#[test]
fn a_refused_probe_that_comes_from_elsewhere_lists_nobody() {
    let tester = Tester::start();
    let refused = Accepted::by(&tester, refusing_at_the_end(Arc::new(AtomicBool::new(true))));
    let test = tester.verdict(&refused.id);
    assert_eq!(test["verdict"], "clean", "{test}");
    let elsewhere = unique_host().into();
    tester.expect_forgeries(&refused, &[(elsewhere, refused.probe.clone())]);
    assert_eq!(tester.read(&refused.id)["verdict"], "clean");
}

#[test]
fn a_token_of_another_test_lists_neither_host() {
    let tester = Tester::start();
    let refused = Accepted::by(&tester, refusing_at_the_end(Arc::new(AtomicBool::new(true))));
    tester.verdict(&refused.id);
    let accepted = Accepted::by(&tester, ScriptedServer::accepting());
    let theirs = Message { recipients: refused.probe.recipients.clone(), ..accepted.probe.clone() };
    let ours = Message { recipients: accepted.probe.recipients.clone(), ..refused.probe.clone() };
    let forgeries = [
        (accepted.ip(), refused.probe.clone()),
        // The other test's recipient on this test's message, and the other way round.
        (accepted.ip(), theirs),
        (accepted.ip(), ours),
    ];
    tester.expect_forgeries(&accepted, &forgeries);
    tester.expect_unlisted(refused.ip());
    tester.expect_true_return(&accepted);
}

#[test]
fn a_token_that_has_counted_does_not_count_again() {
    let tester = Tester::start();
    let refuses = Arc::new(AtomicBool::new(false));
    let accepted = Accepted::by(&tester, refusing_at_the_end(refuses.clone()));
    tester.expect_true_return(&accepted);
    refuses.store(true, Ordering::Release);
    let body = serde_json::json!({"address": accepted.ip(), "ground": "delist"});
    let retest = tester.submit(&body);
    assert_eq!(tester.verdict(&retest)["verdict"], "clean");
    tester.wait_unlisted(accepted.ip());
    tester.send_back(accepted.ip(), &accepted.probe);
    tester.send_back(unique_host().into(), &accepted.probe);
    tester.wait_for_receiver();
    tester.expect_unlisted(accepted.ip());
}

#[test]
fn tokens_are_shown_to_nobody() {
    let tester = Tester::start();
    let accepted = Accepted::by(&tester, ScriptedServer::accepting());
    tester.expect_true_return(&accepted);
    let listing = tester.relays().listing_path(&accepted.ip().to_string());
    let admin = tester.server.admin();
    let shown = [
        tester.read(&accepted.id).to_string(),
        admin.get("/v1/relay-tests").expect(200).text,
        admin.get(&listing).expect(200).text,
        admin.get("/v1/changes?after=0").expect(200).text,
        admin.get("/v1/audit").expect(200).text,
        tester.server.stderr(),
    ];
    for message in accepted.host.messages() {
        let token = token(&message).replace(['"', '%', '!'], "@");
        for token in token.split('@').filter(|part| part.len() > 20) {
            for text in &shown {
                assert!(!text.contains(token), "{token} is in {text}");
            }
        }
    }
    assert!(shown[0].contains("RCPT TO"), "no transcript in {}", shown[0]);
}

#[test]
fn the_receiver_relays_for_nobody_and_sends_no_bounces() {
    let tester = Tester::start();
    let from: SocketAddr = (unique_host(), 0).into();
    let mut client =
        dnsbl_tests::mta::SmtpClient::connect_from(from.ip(), tester.receiver).expect("it greets");
    client.command("EHLO spammer.example").expect("it answers");
    for to in ["<a@example.net>", "<a%example.net@probe.example.org>", "<nobody@probe.example.org>"]
    {
        let reply =
            client.transact("<b@example.net>", to, "Subject: x\n\n.\n").expect("it answers");
        assert!((500..600).contains(&reply.code), "{to}: {reply:?}");
        client.command("RSET").expect("it answers");
    }
}
