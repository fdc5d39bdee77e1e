//! Relay tests from the submission to the answer over DNS: `/v1/relay-tests`, real mail servers and
//! scripted ones, and messages that come back or pretend to.

mod abuse;
mod anonymous;
mod audit;
mod cancel;
mod configuration;
mod crash;
mod deferrals;
mod forgery;
mod forms;
mod life_cycle;
mod limits;
mod metrics;
mod multi_hop;
mod notice;
mod operator;
mod opt_outs;
mod pages;
mod removals;
mod reports;
mod scopes;
mod start;
mod targets;
mod verdicts;

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use dnsbl_tests::{
    Answer, HttpReply, NameServer, PATIENCE, TestServer, TestZone, eventually,
    mta::{Message, ScriptedServer, SmtpClient, SmtpReply, unique_addr},
};
use hickory_proto::rr::{
    Name, RData,
    RecordType::{self, A, TXT},
    rdata::MX,
};
use serde_json::{Value, json};

/// How long a whole test may take: some dozen probes, and a server that is slow to say no.
const TEST: Duration = Duration::from_secs(120);

const PROBE_DOMAIN: &str = "probe.example.org";

/// A server that tests hosts on loopback addresses.
struct Tester {
    server: TestServer,
    receiver: SocketAddr,
    _names: Option<NameServer>,
}

impl Tester {
    /// One that waits two seconds for what was accepted.
    #[track_caller]
    fn start() -> Self {
        Self::with("settle-for = \"2s\"\n", "")
    }

    /// One with further keys and limits. It looks names up where there are none.
    #[track_caller]
    fn with(keys: &str, limits: &str) -> Self {
        let names = NameServer::empty();
        let tester = Self::asking(names.addr(), keys, limits);
        Self { _names: Some(names), ..tester }
    }

    /// One that looks names up at this server.
    #[track_caller]
    fn asking(resolver: SocketAddr, keys: &str, limits: &str) -> Self {
        let receiver = unique_addr().into();
        let waits = [("retry-after", "2s"), ("second-test-after", "1s")];
        let waits: String = waits
            .into_iter()
            .filter(|(key, _)| !keys.contains(key))
            .map(|(key, wait)| format!("{key} = \"{wait}\"\n"))
            .collect();
        let server = TestServer::with_tables(&format!(
            "[relay-tester]
enabled = true
zone = \"relays.example.org\"
outputs-zone = \"outputs.example.org\"
receiver = \"{receiver}\"
probe-domain = \"{PROBE_DOMAIN}\"
ehlo = \"relaytest.example.org\"
allow-targets = [\"127.0.0.0/8\"]
resolvers = [\"{resolver}\"]
connection-pause = \"0s\"
{waits}{keys}
[relay-tester.limits]
{limits}
"
        ));
        let reason = "Open relay $, see https://bl.example.org/lookup/$";
        server.ip_zone_at("relays.example.org", json!({"reason": reason, "negative_ttl": 1}));
        server.ip_zone_at("outputs.example.org", json!({"return_codes": ["127.0.0.3"]}));
        Self { server, receiver, _names: None }
    }

    fn post(&self, body: &Value) -> HttpReply {
        self.server.admin().post("/v1/relay-tests", body)
    }

    /// Submits a test; its id.
    #[track_caller]
    fn submit(&self, body: &Value) -> String {
        let accepted = self.post(body).expect(202);
        let id = accepted.json()["id"].as_str().expect("a test has an id").to_owned();
        assert_eq!(accepted.header("location"), format!("/v1/relay-tests/{id}"));
        id
    }

    /// Has the owner of a host ask for a test.
    #[track_caller]
    fn submit_owned(&self, host: SocketAddr) -> String {
        self.submit(&json!({"address": host.ip(), "port": host.port(), "ground": "owner"}))
    }

    #[track_caller]
    fn read(&self, id: &str) -> Value {
        self.server.admin().get(&format!("/v1/relay-tests/{id}")).expect(200).json()
    }

    /// Waits for the verdict.
    #[track_caller]
    fn verdict(&self, id: &str) -> Value {
        self.wait(id, |test| !test["verdict"].is_null())
    }

    /// Waits until the test looks like this.
    #[track_caller]
    fn wait(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(TEST, || {
            let test = self.read(id);
            if wanted(&test) { Ok(test) } else { Err(test) }
        })
    }

    /// Tests a host for its owner, and gives the test with its verdict.
    #[track_caller]
    fn test(&self, host: SocketAddr) -> Value {
        self.verdict(&self.submit_owned(host))
    }

    fn relays(&self) -> TestZone {
        TestZone::at(&self.server, "relays.example.org")
    }

    fn outputs(&self) -> TestZone {
        TestZone::at(&self.server, "outputs.example.org")
    }

    /// Panics unless the address is listed, with the page to look it up, and with evidence.
    #[track_caller]
    fn expect_listed(&self, addr: IpAddr) {
        let zone = self.relays();
        zone.await_answer(addr, A, &Answer::listed(), PATIENCE);
        let addr = addr.to_string();
        let reason = format!("\"Open relay {addr}, see https://bl.example.org/lookup/{addr}\"");
        let Answer::Records(texts) = zone.ask_address(&addr, TXT) else {
            panic!("{addr} has no reason")
        };
        assert_eq!(texts.len(), 1);
        assert_eq!(texts[0].trim_matches('"'), reason.trim_matches('"'));
        let listing = self.server.admin().get(&zone.listing_path(&addr)).expect(200).json();
        assert_eq!(listing["listings"][0]["source"], "relay-test", "{listing}");
    }

    /// Waits until the address is not listed any more.
    #[track_caller]
    fn wait_unlisted(&self, addr: IpAddr) {
        let path = self.relays().listing_path(&addr.to_string());
        let admin = self.server.admin();
        eventually(TEST, || match admin.get(&path) {
            gone if gone.status == 404 => Ok(()),
            listed => Err(listed.text),
        });
        self.expect_unlisted(addr);
    }

    #[track_caller]
    fn expect_unlisted(&self, addr: IpAddr) {
        let answer = self.relays().ask_address(&addr.to_string(), A);
        assert_eq!(answer, Answer::NxDomain, "{addr}");
    }

    /// Hands the receiver a message, as a mail server at `from` would.
    #[track_caller]
    fn send_back(&self, from: IpAddr, message: &Message) -> SmtpReply {
        let mut client = SmtpClient::connect_from(from, self.receiver).expect("it greets");
        client.command("EHLO relay.example").expect("it answers");
        let sender = message.sender.split(' ').next().expect("a first word");
        let recipient = message.recipients.last().expect("a recipient");
        client.transact(sender, recipient, &message.data).expect("it answers")
    }
}

/// A name server that sends mail for `inside.example` to a host with these addresses: each answer has
/// the next one, and the last stays.
fn mail_goes_to(addresses: &[IpAddr]) -> NameServer {
    let (addresses, next) = (addresses.to_vec(), AtomicUsize::new(0));
    NameServer::start(move |name, rtype| match (name, rtype) {
        ("inside.example.", RecordType::MX) => {
            let exchange = Name::from_ascii("mx.inside.example.").expect("a name");
            vec![RData::MX(MX::new(10, exchange))]
        }
        ("mx.inside.example.", A) => {
            let at = next.fetch_add(1, Ordering::Relaxed).min(addresses.len() - 1);
            match addresses[at] {
                IpAddr::V4(addr) => vec![RData::A(addr.into())],
                IpAddr::V6(_) => Vec::new(),
            }
        }
        _ => Vec::new(),
    })
}

/// The message of a probe with a sender, of those that a host was given for its test; the probe with
/// the plainest recipient.
#[track_caller]
fn plain_probe(host: &ScriptedServer) -> Message {
    host.wait_for(TEST, |message| is_plain(message).then(|| message.clone()))
}

/// Whether a probe asks for its recipient in the plain way.
fn is_plain(message: &Message) -> bool {
    let [recipient] = message.recipients.as_slice() else { return false };
    let plain = recipient
        .strip_prefix('<')
        .and_then(|path| path.strip_suffix('>')?.split_once('@'))
        .is_some_and(|(local, domain)| {
            domain == PROBE_DOMAIN
                && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
    plain && message.sender.ends_with(&format!("@{PROBE_DOMAIN}>"))
}

/// The outcomes of a test's probes by their names.
#[track_caller]
fn outcomes(test: &Value) -> Vec<(&str, &str)> {
    let probes = test["probes"].as_array().expect("a test has probes");
    probes
        .iter()
        .map(|probe| {
            let name = probe["name"].as_str().expect("a probe has a name");
            (name, probe["outcome"].as_str().unwrap_or_default())
        })
        .collect()
}
