//! The receiver over TCP, and a whole test: out through a relay and back.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::peer::{Notes, Server, assignment, keys, open, plan, settings};
use dnsbl_types::UnixTime;
use relay_tester::{
    Binding, Candidate, Inbox, Kind, NotTaken, Probe, Received, Receiver, ReceiverSettings, Return,
    SmtpOutcome, TestId, Tier, drive::run, judge,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

const NOW: UnixTime = UnixTime(1_800_000_000);

fn binding() -> Binding {
    Binding { addr: "127.0.0.1".parse().unwrap(), port: 2525, expires_at: crate::peer::EXPIRES_AT }
}

/// Keeps what comes; it is broken on demand.
struct Mailbox {
    binding: Binding,
    taken: Mutex<Vec<Received>>,
    full: AtomicBool,
}

impl Inbox for Mailbox {
    async fn expects(&self, candidate: &Candidate) -> bool {
        keys().verify(candidate, &self.binding, NOW)
    }

    async fn returned(&self, received: Received) -> Result<(), NotTaken> {
        if self.full.load(Ordering::SeqCst) {
            return Err(NotTaken);
        }
        self.taken.lock().unwrap().push(received);
        Ok(())
    }
}

struct Rig {
    receiver: Receiver,
    inbox: Arc<Mailbox>,
}

impl Rig {
    async fn new() -> Self {
        Self::with(binding(), |settings| settings).await
    }

    async fn with(
        binding: Binding,
        change: impl FnOnce(ReceiverSettings) -> ReceiverSettings,
    ) -> Self {
        let name = |text: &str| text.parse().unwrap();
        let settings =
            ReceiverSettings::new(name("mx.probe.example.org"), name("probe.example.org"));
        let taken = Mutex::default();
        let inbox = Arc::new(Mailbox { binding, taken, full: AtomicBool::new(false) });
        let addr = "127.0.0.1:0".parse().unwrap();
        let receiver = Receiver::bind(addr, change(settings), Arc::clone(&inbox)).await.unwrap();
        Self { receiver, inbox }
    }

    async fn client(&self) -> Client {
        let stream = TcpStream::connect(self.receiver.local_addr()).await.unwrap();
        Client(BufReader::new(stream))
    }

    fn taken(&self) -> Vec<Received> {
        self.inbox.taken.lock().unwrap().clone()
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    /// The code of the next reply.
    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.chars().take(3).collect();
            }
        }
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    async fn say(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n")).await;
        self.reply().await
    }

    /// What comes until the server hangs up.
    async fn rest(&mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).await.unwrap();
        text
    }
}

fn recipient(kind: Kind, probe: &str) -> String {
    let index = Probe::by_name(probe).unwrap().index;
    let token = keys().mint(kind, TestId(0x0123_4567_89ab_cdef), index, &binding());
    format!("<{}@probe.example.org>", token.expose())
}

#[tokio::test]
async fn a_message_to_a_token_is_taken_once_it_is_stored() {
    let rig = Rig::new().await;
    let mut client = rig.client().await;
    assert_eq!(client.reply().await, "220");
    assert_eq!(client.say("EHLO mail.example.net").await, "250");
    assert_eq!(client.say("MAIL FROM:<a@b.example> SIZE=100").await, "250");
    let rcpt = format!("RCPT TO:{}", recipient(Kind::Return, "plain"));
    assert_eq!(client.say(&rcpt).await, "250");
    assert_eq!(client.say("DATA").await, "354");
    assert_eq!(client.say("Subject: x\r\n\r\n..dot\r\n.").await, "250");
    assert_eq!(client.say("QUIT").await, "221");
    let taken = rig.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].data, b"Subject: x\r\n\r\n.dot\r\n");
    assert_eq!(
        (taken[0].helo.as_str(), taken[0].mail_from.as_str()),
        ("mail.example.net", "a@b.example")
    );
    assert_eq!(taken[0].candidates.len(), 1);
    assert_eq!(rig.receiver.counts().returned, 1);
}

#[tokio::test]
async fn what_can_not_be_stored_is_not_taken() {
    let rig = Rig::new().await;
    rig.inbox.full.store(true, Ordering::SeqCst);
    let mut client = rig.client().await;
    client.reply().await;
    let rcpt = format!("RCPT TO:{}", recipient(Kind::Return, "plain"));
    for line in ["MAIL FROM:<a@b.example>", &rcpt, "DATA"] {
        client.say(line).await;
    }
    assert_eq!(client.say("x\r\n.").await, "451");
    assert_eq!(rig.receiver.counts().returned, 0);
}

#[tokio::test]
async fn strangers_and_forged_tokens_are_no_recipients() {
    let rig = Rig::new().await;
    let mut client = rig.client().await;
    client.reply().await;
    client.say("MAIL FROM:<a@b.example>").await;
    let genuine = recipient(Kind::Return, "plain");
    let truncated = format!("{}@probe.example.org>", &genuine[..30]);
    let other = {
        let token = keys().mint(Kind::Return, TestId(7), 0, &Binding { port: 26, ..binding() });
        format!("<{}@probe.example.org>", token.expose())
    };
    for rcpt in ["<user@example.com>", &truncated, &other] {
        assert_eq!(client.say(&format!("RCPT TO:{rcpt}")).await, "550", "{rcpt}");
    }
    assert_eq!(client.say("DATA").await, "554");
    assert_eq!(rig.receiver.counts().refused, 3);
}

#[tokio::test]
async fn mail_for_postmaster_is_taken_and_dropped() {
    let rig = Rig::new().await;
    let mut client = rig.client().await;
    client.reply().await;
    for line in ["MAIL FROM:<>", "RCPT TO:<postmaster@probe.example.org>", "DATA"] {
        client.say(line).await;
    }
    assert_eq!(client.say("hello\r\n.").await, "250");
    assert_eq!((rig.taken().len(), rig.receiver.counts().dropped), (0, 1));
}

#[tokio::test]
async fn rfc2920_s3_1_commands_may_come_all_at_once() {
    let rig = Rig::new().await;
    let mut client = rig.client().await;
    let rcpt = recipient(Kind::Return, "plain");
    client.send(&format!("EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:{rcpt}\r\nDATA\r\n")).await;
    let mut codes = vec![];
    for _ in 0..5 {
        codes.push(client.reply().await);
    }
    assert_eq!(codes, ["220", "250", "250", "250", "354"]);
    client.send("a\r\n.\r\nMAIL FROM:<>\r\nQUIT\r\n").await;
    let rest = client.rest().await;
    let codes: Vec<_> = rest.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "250", "221"]);
    assert_eq!(rig.taken().len(), 1);
}

#[tokio::test]
async fn a_second_message_can_not_be_smuggled_into_the_first() {
    let rig = Rig::new().await;
    let mut client = rig.client().await;
    client.reply().await;
    let rcpt = format!("RCPT TO:{}", recipient(Kind::Return, "plain"));
    for line in ["MAIL FROM:<a@b.example>", &rcpt, "DATA"] {
        client.say(line).await;
    }
    let smuggled = format!("a\n.\nMAIL FROM:<>\n{rcpt}\r\n.\rDATA\n.\r\nb\r\n.");
    assert_eq!(client.say(&smuggled).await, "250");
    assert_eq!(client.say("NOOP").await, "250");
    assert_eq!(rig.taken().len(), 1);
}

#[tokio::test]
async fn large_messages_and_long_lines_end_the_session() {
    let rig = Rig::new().await;
    let mut client = rig.client().await;
    client.reply().await;
    let rcpt = format!("RCPT TO:{}", recipient(Kind::Return, "plain"));
    for line in ["MAIL FROM:<a@b.example>", &rcpt, "DATA"] {
        client.say(line).await;
    }
    client.send(&"a".repeat(100 * 1024)).await;
    assert_eq!(client.reply().await, "552");
    assert_eq!(client.rest().await, "");
    let mut client = rig.client().await;
    client.reply().await;
    client.send(&"a".repeat(2_049)).await;
    assert_eq!(client.reply().await, "500");
    assert_eq!(rig.taken().len(), 0);
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_sent_away() {
    let rig = Rig::with(binding(), |settings| ReceiverSettings {
        command_timeout: Duration::from_millis(100),
        ..settings
    })
    .await;
    let mut client = rig.client().await;
    let rest = client.rest().await;
    let codes: Vec<_> = rest.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["220", "421"]);
}

#[tokio::test]
async fn the_longest_idle_connection_of_a_peer_makes_room_for_its_next() {
    let rig =
        Rig::with(binding(), |settings| ReceiverSettings { max_per_peer: 2, ..settings }).await;
    let mut clients = vec![];
    for _ in 0..2 {
        let mut client = rig.client().await;
        assert_eq!(client.reply().await, "220");
        clients.push(client);
    }
    assert_eq!(rig.client().await.reply().await, "220");
    // It may come again.
    let rest = clients[0].rest().await;
    assert!(rest.starts_with("421 4.7.0"), "{rest}");
    assert_eq!(rig.receiver.counts().turned_away, 1);
    assert_eq!(clients.pop().unwrap().say("QUIT").await, "221");
}

#[tokio::test]
async fn the_receiver_stops_when_it_is_dropped() {
    let rig = Rig::new().await;
    let addr = rig.receiver.local_addr();
    let mut client = rig.client().await;
    client.reply().await;
    drop(rig);
    assert_eq!(client.rest().await, "");
    let gone = async {
        while TcpStream::connect(addr).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
}

/// Hands a message to the receiver as a relay does.
async fn deliver(to: SocketAddr, from: &str, rcpt: &str, message: &str) -> String {
    let mut client = Client(BufReader::new(TcpStream::connect(to).await.unwrap()));
    client.reply().await;
    for line in ["EHLO mail.example.net", &format!("MAIL FROM:{from}"), &format!("RCPT TO:{rcpt}")]
    {
        assert_eq!(client.say(line).await, "250", "{line}");
    }
    assert_eq!(client.say("DATA").await, "354");
    client.send(message).await;
    client.reply().await
}

#[tokio::test]
async fn what_goes_out_through_a_relay_comes_back_as_a_genuine_return() {
    let relay = Server::start(open).await;
    let binding = Binding { addr: relay.addr.ip(), port: relay.addr.port(), ..binding() };
    let rig = Rig::with(binding, |settings| settings).await;
    let attempt =
        run(assignment(relay.addr), plan(Tier::Default), &settings(), &mut Notes::default()).await;
    assert!(attempt.outcomes.iter().all(|(_, o)| matches!(o, SmtpOutcome::Accepted { .. })));
    let heard = relay.heard();
    let arguments = |verb: &str| -> Vec<String> {
        heard.iter().filter_map(|line| line.strip_prefix(verb)).map(str::to_owned).collect()
    };
    let (from, to) = (arguments("MAIL FROM:"), arguments("RCPT TO:"));
    for ((from, to), message) in from.iter().zip(&to).zip(relay.messages()) {
        assert_eq!(deliver(rig.receiver.local_addr(), from, to, &message).await, "250", "{to}");
    }
    let taken = rig.taken();
    assert_eq!(taken.len(), 7);
    for (received, (probe, _)) in taken.iter().zip(&attempt.outcomes) {
        let judged = judge(received, &received.candidates[0], &binding, &keys(), NOW);
        let Return::Genuine { probe: found, test, .. } = judged else { panic!("{judged:?}") };
        assert_eq!((found, test), (*probe, TestId(0x0123_4567_89ab_cdef)));
    }
}
