//! Harvests and backscatter, reported from the logs of real mail servers: by `dnsbl report`, and by a real fail2ban with the
//! files of `deploy/fail2ban/`.

mod fail2ban;
mod receiver;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    ops::Range,
    path::PathBuf,
    process::Command,
};

use dnsbl_tests::{
    PATIENCE, Process, eventually,
    mta::{
        Exim, EximRelaying, Postfix, PostfixExtras, PostfixRelaying, ScriptedServer, SmtpClient,
        unique_addr, unique_host,
    },
    program,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::receiver::{Posted, Receiver};

/// How long a mail server may take to write or deliver something.
const DELIVERY: std::time::Duration = std::time::Duration::from_secs(60);
/// Postfix hangs up on who errs more often in a session.
const ERRORS_IN_A_SESSION: u32 = 10;

/// A mail server that knows `user0` to `user59`.
struct MailServer {
    addr: SocketAddr,
    name: String,
    log: PathBuf,
    /// How a log line ends or begins when all of a message or session is logged.
    end: &'static str,
    _running: Box<dyn std::any::Any>,
}

/// `dnsbl report` at work.
struct Follower {
    process: Process,
    receiver: Receiver,
    _dir: TempDir,
}

fn users() -> impl Iterator<Item = String> {
    (0..60).map(|n| format!("user{n}"))
}

impl MailServer {
    #[track_caller]
    fn postfix() -> Self {
        let known: Vec<_> = users().map(|user| format!("{user}=x")).collect();
        let main = format!("local_recipient_maps = inline:{{ {} }}\n", known.join(", "));
        let extras = PostfixExtras { main, ..PostfixExtras::default() };
        let sink = ScriptedServer::accepting();
        let postfix =
            Postfix::start_with(unique_addr(), &PostfixRelaying::Closed, sink.addr(), &extras);
        Self {
            addr: postfix.addr(),
            name: postfix.name().to_owned(),
            log: postfix.log(),
            end: ": disconnect from ",
            _running: Box::new((postfix, sink)),
        }
    }

    #[track_caller]
    fn exim() -> Self {
        let sink = ScriptedServer::accepting();
        let exim = Exim::start(&EximRelaying::KnownUsers(users().collect()), sink.addr());
        Self {
            addr: exim.addr(),
            name: exim.name().to_owned(),
            log: exim.log(),
            end: " Completed",
            _running: Box::new((exim, sink)),
        }
    }

    /// Tries these recipients in one session, and sends something to those who are there; gives how many are not.
    #[track_caller]
    fn session(&self, client: Ipv4Addr, sender: &str, recipients: &[String]) -> usize {
        let mut smtp = SmtpClient::connect_from(client.into(), self.addr).unwrap();
        smtp.command("EHLO client.example.net").unwrap();
        smtp.command(&format!("MAIL FROM:<{sender}>")).unwrap();
        let mut refused = 0;
        for recipient in recipients {
            let reply = smtp.command(&format!("RCPT TO:<{recipient}@{}>", self.name)).unwrap();
            assert!(matches!(reply.code, 250 | 550), "{reply:?}");
            refused += usize::from(reply.code == 550);
        }
        if refused < recipients.len() {
            smtp.command("DATA").unwrap();
            let reply = smtp.command("Subject: hello\r\n\r\nhello\r\n.").unwrap();
            assert_eq!(reply.code, 250, "{reply:?}");
        }
        smtp.command("QUIT").unwrap();
        refused
    }

    /// Tries recipients that are not there, in sessions as long as Postfix allows.
    #[track_caller]
    fn harvest(&self, client: Ipv4Addr, numbers: Range<u32>) {
        let names: Vec<_> = numbers.map(|n| format!("nobody{n}")).collect();
        for some in names.chunks(ERRORS_IN_A_SESSION as usize) {
            assert_eq!(self.session(client, "a@sender.example", some), some.len());
        }
    }

    /// Waits until so many lines of the log have this.
    #[track_caller]
    fn wait_for_log(&self, text: &str, count: usize) {
        eventually(DELIVERY, || {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            if log.matches(text).count() >= count { Ok(()) } else { Err(log) }
        });
    }

    fn ends(&self) -> usize {
        fs::read_to_string(&self.log).unwrap_or_default().matches(self.end).count()
    }
}

impl Follower {
    /// Follows a log, of which there may be nothing yet, with further words of the command line.
    #[track_caller]
    fn start(server: &MailServer, words: &[&str]) -> Self {
        let (dir, receiver) = (TempDir::new().unwrap(), Receiver::start());
        let token = dir.path().join("token");
        fs::write(&token, "secret-token\n").unwrap();
        let mut command = Command::new(program("dnsbl"));
        command.args(["report", "--server", receiver.url(), "--private", "--log"]);
        command.arg(&server.log).arg("--token-file").arg(token).args(words);
        let process = Process::start(&mut command).unwrap();
        let ready = |line: &str| line.starts_with("dnsbl report: ready").then_some(());
        process.wait_for_line(PATIENCE, ready).unwrap();
        Self { process, receiver, _dir: dir }
    }

    /// Ends it, which has it report what it has recognized; gives all reports, by their subject.
    #[track_caller]
    fn finish(self) -> Vec<Value> {
        let done = self.process.terminate(2 * PATIENCE).unwrap();
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        let mut reports: Vec<Value> = Vec::new();
        for posted in self.receiver.received() {
            assert_eq!(posted.what, "POST /v1/reports HTTP/1.1");
            assert_eq!(posted.authorization, "Bearer secret-token");
            assert!(!posted.body.contains("nobody") && !posted.body.contains("sender.example"));
            reports.push(posted.json());
        }
        reports.sort_by_key(|report| report["subject"].to_string());
        reports
    }
}

/// Of all that happens to a mail server, the harvest and the backscatter are reported, each once.
#[track_caller]
fn reports_abuse_and_nothing_else(server: &MailServer) {
    let follower = Follower::start(server, &["--quiet", "600"]);
    let [harvester, user, bouncer, newsletter] = [(); 4].map(|()| unique_host());
    let before = server.ends();

    server.harvest(harvester, 0..50);
    // A user's two typing errors, tried again, and what was meant.
    let typed = ["usr1", "user01"].map(str::to_owned);
    assert_eq!(server.session(user, "b@sender.example", &typed), 2);
    assert_eq!(server.session(user, "b@sender.example", &typed), 2);
    assert_eq!(server.session(user, "b@sender.example", &["user1".to_owned()]), 0);
    // Bounces of what was sent with forged senders.
    for n in 0..30 {
        assert_eq!(server.session(bouncer, "", &[format!("nobody{}", n % 3)]), 1);
    }
    // A newsletter that 25 have left.
    let readers: Vec<_> = users().collect();
    let gone: Vec<_> = (0..25).map(|n| format!("gone{n}")).collect();
    assert_eq!(server.session(newsletter, "news@sender.example", &readers), 0);
    for some in gone.chunks(ERRORS_IN_A_SESSION as usize) {
        server.session(newsletter, "news@sender.example", some);
    }

    // Postfix ends a session with a line, Exim a message.
    let ends = if server.end == " Completed" { 2 } else { 5 + 3 + 30 + 4 };
    server.wait_for_log(server.end, before + ends);
    let told: Vec<_> = follower
        .finish()
        .into_iter()
        .map(|report| json!([report["subject"], report["category"], report["count"]]))
        .collect();
    let mut expected =
        vec![json!([harvester, "directory-harvest", 50]), json!([bouncer, "backscatter", 30])];
    expected.sort_by_key(|report| report[0].to_string());
    assert_eq!(told, expected);
}

#[test]
fn of_a_postfix_a_harvest_and_backscatter_are_reported_and_nothing_else() {
    reports_abuse_and_nothing_else(&MailServer::postfix());
}

#[test]
fn of_an_exim_a_harvest_and_backscatter_are_reported_and_nothing_else() {
    reports_abuse_and_nothing_else(&MailServer::exim());
}

#[test]
fn a_harvest_is_reported_while_the_log_is_followed_and_not_again_within_its_window() {
    let server = MailServer::postfix();
    let follower = Follower::start(&server, &["--quiet", "1"]);
    let harvester = unique_host();
    server.harvest(harvester, 0..50);
    let report = follower.receiver.wait_for(1)[0].json();
    assert_eq!(report["category"], "directory-harvest");
    assert!((20..=50).contains(&report["count"].as_u64().unwrap()), "{report}");
    server.harvest(harvester, 50..100);
    server.wait_for_log("User unknown", 100);
    assert_eq!(follower.finish().len(), 1);
}

#[test]
fn a_dry_run_prints_what_it_would_report() {
    let server = MailServer::exim();
    let harvester = unique_host();
    server.harvest(harvester, 0..50);
    server.wait_for_log("rejected RCPT", 50);
    let mut command = Command::new("sh");
    let script =
        format!("exec {} report --dry-run --private --log - <\"$1\"", program("dnsbl").display());
    let done = Process::run(command.args(["-c", &script, "sh"]).arg(&server.log)).unwrap();
    let report: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
    assert_eq!(report["subject"], json!(harvester));
    assert_eq!(report["comment"], "50 unknown recipients were refused, 0 recipients accepted");
}
