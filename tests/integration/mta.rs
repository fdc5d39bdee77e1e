//! The real mail servers relay what they are configured to relay, and nothing else: what the tests of
//! the relay tester rest on.

use std::{
    net::{IpAddr, SocketAddr, SocketAddrV4},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use dnsbl_tests::{
    eventually,
    mta::{
        Exim, EximRelaying, Message, Postfix, PostfixRelaying, ScriptedServer, SmtpClient,
        unique_addr,
    },
};

/// How long mail may take through two servers.
const DELIVERY: Duration = Duration::from_secs(60);

/// Probes by name, with `{t}` for what is looked for and `{h}` for the name of the server.
const PLAIN: Probe = ("<s@probe.example>", "<{t}@probe.example>");
const NULL_SENDER: Probe = ("<>", "<{t}@probe.example>");
const OWN_SENDER: Probe = ("<s@{h}>", "<{t}@probe.example>");
const PERCENT: Probe = ("<s@probe.example>", "<{t}%probe.example@{h}>");
const BANG: Probe = ("<s@probe.example>", "<probe.example!{t}@{h}>");
const BACKUP_MX: Probe = ("<s@probe.example>", "<{t}%probe.example@inside.example>");

type Probe = (&'static str, &'static str);

/// A server, and where what it relays comes out.
struct Relay<'a> {
    addr: SocketAddr,
    name: &'a str,
    sink: &'a ScriptedServer,
    output: IpAddr,
}

impl<'a> Relay<'a> {
    fn exim(exim: &'a Exim, sink: &'a ScriptedServer) -> Self {
        Self { addr: exim.addr(), name: exim.name(), sink, output: exim.addr().ip() }
    }

    fn postfix(postfix: &'a Postfix, sink: &'a ScriptedServer) -> Self {
        Self { addr: postfix.addr(), name: postfix.name(), sink, output: postfix.addr().ip() }
    }

    fn through(self, output: SocketAddrV4) -> Self {
        Self { output: (*output.ip()).into(), ..self }
    }

    /// Sends one message; the mark by which it can be found, if it was accepted.
    #[track_caller]
    fn send(&self, (sender, recipient): Probe) -> Option<String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("mark{}x", NEXT.fetch_add(1, Ordering::Relaxed));
        let fill = |address: &str| address.replace("{t}", &mark).replace("{h}", self.name);
        let mut client = SmtpClient::connect(self.addr).unwrap();
        client.command("EHLO tester.example").unwrap();
        let message = format!("Subject: {mark}\n\n.\n");
        let reply = client.transact(&fill(sender), &fill(recipient), &message).unwrap();
        reply.is_positive().then_some(mark)
    }

    #[track_caller]
    fn refuses(&self, probes: &[Probe]) {
        for &probe in probes {
            assert_eq!(self.send(probe), None, "{probe:?} was accepted");
        }
    }

    #[track_caller]
    fn relays(&self, probes: &[Probe]) {
        for &probe in probes {
            let mark = self.send(probe).unwrap_or_else(|| panic!("{probe:?} was refused"));
            let relayed = self.wait_for(|message| message.header("Subject") == Some(mark.clone()));
            assert_eq!(relayed.peer, self.output, "{probe:?}");
            assert_eq!(relayed.recipients, [format!("<{mark}@probe.example>")]);
            assert!(relayed.data.ends_with("\r\n\r\n.\r\n"), "{:?}", relayed.data);
        }
    }

    #[track_caller]
    fn wait_for(&self, wanted: impl Fn(&Message) -> bool) -> Message {
        self.sink.wait_for(DELIVERY, |message| wanted(message).then(|| message.clone()))
    }
}

#[test]
fn an_open_exim_relays_and_a_closed_one_does_not() {
    let sink = ScriptedServer::accepting();
    let open = Exim::start(&EximRelaying::Open, sink.addr());
    let relay = Relay::exim(&open, &sink);
    relay.relays(&[PLAIN, NULL_SENDER, OWN_SENDER]);
    let closed = Exim::start(&EximRelaying::Closed, sink.addr());
    let relay = Relay::exim(&closed, &sink);
    relay.refuses(&[PLAIN, NULL_SENDER, OWN_SENDER, BACKUP_MX]);
}

#[test]
fn an_exim_with_one_leak_relays_by_that_alone() {
    let sink = ScriptedServer::accepting();
    for (relaying, leak, tight) in [
        (EximRelaying::OwnSender, OWN_SENDER, [PLAIN, NULL_SENDER]),
        (EximRelaying::NullSender, NULL_SENDER, [PLAIN, OWN_SENDER]),
        (EximRelaying::Percent, PERCENT, [PLAIN, NULL_SENDER]),
        (EximRelaying::Bang, BANG, [PLAIN, NULL_SENDER]),
    ] {
        let exim = Exim::start(&relaying, sink.addr());
        let relay = Relay::exim(&exim, &sink);
        relay.relays(&[leak]);
        relay.refuses(&tight);
    }
}

#[test]
fn an_exim_that_accepts_and_bounces_returns_only_bounces() {
    let sink = ScriptedServer::accepting();
    let exim = Exim::start(&EximRelaying::AcceptThenBounce, sink.addr());
    let relay = Relay::exim(&exim, &sink);
    let mark = relay.send(PLAIN).expect("it accepts everything");
    let bounce = relay.wait_for(|message| message.data.contains(&mark));
    assert_eq!(bounce.sender.split(' ').next(), Some("<>"), "{bounce:?}");
    assert_eq!(bounce.recipients, ["<s@probe.example>"]);
    assert_eq!(bounce.peer, exim.addr().ip());
}

#[test]
fn mail_into_a_multi_hop_relay_comes_out_of_its_other_end() {
    let sink = ScriptedServer::accepting();
    let (input, output) = (unique_addr(), unique_addr());
    let trusted = vec![*input.ip()];

    let last = Exim::start_at(output, &EximRelaying::From(trusted.clone()), sink.addr());
    let first = Exim::start_at(input, &EximRelaying::Open, output.into());
    Relay::exim(&first, &sink).through(output).relays(&[PLAIN]);
    Relay::exim(&last, &sink).refuses(&[PLAIN]);
    drop((first, last));

    let last = Postfix::start_at(output, &PostfixRelaying::From(trusted), sink.addr());
    let first = Postfix::start_at(input, &PostfixRelaying::Open, output.into());
    Relay::postfix(&first, &sink).through(output).relays(&[PLAIN]);
    Relay::postfix(&last, &sink).refuses(&[PLAIN]);
}

#[test]
fn a_postfix_relays_when_open_and_not_when_closed() {
    let sink = ScriptedServer::accepting();
    let open = Postfix::start(&PostfixRelaying::Open, sink.addr());
    let relay = Relay::postfix(&open, &sink);
    relay.relays(&[PLAIN, NULL_SENDER, OWN_SENDER, PERCENT, BANG]);
    let closed = Postfix::start(&PostfixRelaying::Closed, sink.addr());
    let relay = Relay::postfix(&closed, &sink);
    relay.refuses(&[PLAIN, NULL_SENDER, OWN_SENDER, PERCENT, BANG, BACKUP_MX]);
}

#[test]
fn mail_servers_say_what_they_do() {
    let sink = ScriptedServer::accepting();
    let exim = Exim::start(&EximRelaying::Closed, sink.addr());
    Relay::exim(&exim, &sink).refuses(&[PLAIN]);
    let postfix = Postfix::start(&PostfixRelaying::Closed, sink.addr());
    Relay::postfix(&postfix, &sink).refuses(&[PLAIN]);
    eventually(DELIVERY, || {
        let said = exim.said();
        if said.contains("relay not permitted") { Ok(()) } else { Err(said) }
    });
    eventually(DELIVERY, || {
        let said = postfix.said();
        if said.contains("Relay access denied") { Ok(()) } else { Err(said) }
    });
}

#[test]
fn a_backup_mx_passes_the_percent_on_to_a_server_that_trusts_it() {
    let sink = ScriptedServer::accepting();
    let domain = "inside.example".to_owned();
    let (front, inner) = (unique_addr(), unique_addr());

    let backup = PostfixRelaying::BackupMx { domain: domain.clone(), inner };
    let behind = PostfixRelaying::Inner { domain: domain.clone(), front: *front.ip() };
    let inside = Postfix::start_at(inner, &behind, sink.addr());
    let outside = Postfix::start_at(front, &backup, sink.addr());
    let relay = Relay::postfix(&outside, &sink).through(inner);
    relay.relays(&[BACKUP_MX]);
    relay.refuses(&[PLAIN, NULL_SENDER, PERCENT]);
    drop((inside, outside));

    let backup = EximRelaying::BackupMx { domain: domain.clone(), inner };
    let behind = EximRelaying::Inner { domain, front: *front.ip() };
    let _inside = Exim::start_at(inner, &behind, sink.addr());
    let outside = Exim::start_at(front, &backup, sink.addr());
    let relay = Relay::exim(&outside, &sink).through(inner);
    relay.relays(&[BACKUP_MX]);
    relay.refuses(&[PLAIN, NULL_SENDER]);
}
