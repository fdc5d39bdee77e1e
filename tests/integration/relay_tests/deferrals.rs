//! Real relays that keep a grey list, and hosts that put everybody off.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use dnsbl_tests::mta::{
    Heard, Postfix, PostfixExtras, PostfixRelaying, ScriptedServer, SmtpAnswer, unique_addr,
};
use serde_json::json;

use super::{Tester, outcomes};

/// A policy service of Postfix that keeps a grey list as postgrey does: who is new waits for a second,
/// known by client, sender and recipient. It ends with the test process.
struct GreyList {
    addr: SocketAddr,
    is_on: Arc<AtomicBool>,
}

impl GreyList {
    fn start(is_on: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let is_on = Arc::new(AtomicBool::new(is_on));
        let (switch, seen) = (is_on.clone(), Arc::<Mutex<HashMap<String, Instant>>>::default());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (switch, seen) = (switch.clone(), seen.clone());
                // Postfix hangs up when it is done.
                thread::spawn(move || drop(serve(&stream, &switch, &seen)));
            }
        });
        Self { addr, is_on }
    }

    /// Lines for a Postfix that asks it.
    fn lines(&self) -> PostfixExtras {
        let main =
            format!("smtpd_recipient_restrictions = check_policy_service inet:{}\n", self.addr);
        PostfixExtras { main, ..PostfixExtras::default() }
    }
}

fn serve(
    mut stream: &TcpStream,
    is_on: &AtomicBool,
    seen: &Mutex<HashMap<String, Instant>>,
) -> std::io::Result<()> {
    let mut triplet = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if ["client_address=", "sender=", "recipient="].iter().any(|name| line.starts_with(name)) {
            triplet += &line;
        }
        if !line.is_empty() {
            continue;
        }
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let first = *seen.entry(std::mem::take(&mut triplet)).or_insert_with(Instant::now);
        let waits = is_on.load(Ordering::Acquire) && first.elapsed() < Duration::from_secs(1);
        let answer: &[u8] = if waits {
            b"action=450 4.2.0 Greylisted, see http://postgrey.example/help\n\n"
        } else {
            b"action=DUNNO\n\n"
        };
        stream.write_all(answer)?;
    }
    Ok(())
}

/// Mail row F1: it was clean, since 450 counted as a refusal.
#[test]
fn an_open_postfix_behind_a_grey_list_is_found_and_listed() {
    let tester = Tester::start();
    let grey = GreyList::start(true);
    let postfix =
        Postfix::start_with(unique_addr(), &PostfixRelaying::Open, tester.receiver, &grey.lines());
    let id = tester.submit_owned(postfix.addr());
    let waiting =
        tester.wait(&id, |test| !test["retry_at"].is_null() || !test["verdict"].is_null());
    assert_eq!((&waiting["state"], &waiting["verdict"]), (&json!("pending"), &json!(null)));
    assert!(outcomes(&waiting).contains(&("plain", "deferred")), "{waiting}");
    let test = tester.verdict(&id);
    assert_eq!(test["verdict"], "open", "{test}");
    tester.expect_listed(postfix.addr().ip());
}

/// Mail row F1: a listed relay put postgrey in front, asked for its removal, and was delisted at once.
#[test]
fn a_listed_postfix_that_starts_to_keep_a_grey_list_stays_listed() {
    let tester = Tester::start();
    let grey = GreyList::start(false);
    let postfix =
        Postfix::start_with(unique_addr(), &PostfixRelaying::Open, tester.receiver, &grey.lines());
    let host = postfix.addr();
    assert_eq!(tester.test(host)["verdict"], "open");
    tester.expect_listed(host.ip());
    grey.is_on.store(true, Ordering::Release);
    let test = tester.verdict(&tester.submit(&json!({"address": host.ip(), "ground": "delist"})));
    assert_eq!(test["verdict"], "open", "{test}");
    tester.expect_listed(host.ip());
}

/// Mail row F1.
#[test]
fn a_host_that_answers_450_to_everything_is_inconclusive() {
    let tester = Tester::start();
    for stage in ["", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let host = ScriptedServer::start(move |heard| match heard {
            Heard::Connection if stage.is_empty() => SmtpAnswer::line("421 4.3.2 later"),
            Heard::Command(line) if stage == "EHLO" && line.contains("LO ") => {
                SmtpAnswer::line("450 4.3.2 later")
            }
            Heard::Command(line) if stage.len() == 4 && line.starts_with(stage) => {
                SmtpAnswer::line("450 4.3.2 later")
            }
            Heard::Message(_) if stage == "." => SmtpAnswer::line("452 4.3.1 later"),
            other => SmtpAnswer::polite(other),
        });
        let test = tester.test(host.addr());
        assert_eq!(test["verdict"], "inconclusive", "{stage:?}: {test}");
        assert!(host.record().connections.len() >= 2, "it was tried again");
        tester.expect_unlisted(host.addr().ip());
    }
}

/// Mail row F3: OpenSMTPD answers 503 to a second EHLO, and a closed host was inconclusive.
#[test]
fn a_server_that_takes_one_ehlo_a_connection_is_clean() {
    let tester = Tester::start();
    let host = ScriptedServer::start({
        let greeted = AtomicBool::new(false);
        move |heard| match heard {
            Heard::Connection => {
                greeted.store(false, Ordering::Release);
                SmtpAnswer::polite(heard)
            }
            Heard::Command(line) if line.starts_with("EHLO") => {
                if greeted.swap(true, Ordering::AcqRel) {
                    SmtpAnswer::line(
                        "503 5.5.1 Invalid command: Command not allowed at this point.",
                    )
                } else {
                    SmtpAnswer::polite(heard)
                }
            }
            other => SmtpAnswer::refusing(other),
        }
    });
    let body = json!({
        "address": host.addr().ip(), "port": host.addr().port(), "ground": "owner", "tier": 2,
    });
    let test = tester.verdict(&tester.submit(&body));
    assert_eq!(test["verdict"], "clean", "{test}");
    assert!(outcomes(&test).contains(&("helo-own", "refused")), "{test}");
    let under_own_name =
        host.record().commands.iter().filter(|l| l.contains("scripted.test")).count();
    assert!(under_own_name > 0, "{:?}", host.record().commands);
}
