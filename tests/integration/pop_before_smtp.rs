//! POP before SMTP, whole: a real Dovecot reports logins, the server grants, real mail servers relay for whom it has
//! granted, all with the files of `deploy/pop-before-smtp/`.

mod ending;
mod logins;
mod relaying;
mod secrecy;
mod sight;

use std::{
    any::Any,
    fs,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::Path,
    process::Command,
    time::Duration,
};

use dnsbl_tests::{
    HttpReply, PATIENCE, Process, Query, Reply, TestServer, Transport, Unbound, eventually,
    mta::{
        Dovecot, Exim, EximExtras, EximRelaying, Mailbox, Postfix, PostfixExtras, PostfixRelaying,
        ScriptedServer, SmtpClient, unique_addr, unique_host,
    },
    program,
};
use dnsbl_types::query_name;
use hickory_proto::{op::ResponseCode, rr::RecordType::A};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The zone of the files.
const ZONE: &str = "popauth.example.org";
/// The secret of the mail server, of which no log may know.
const SECRET: &str = "secret-of-the-mail-server-0815";
/// Users of Dovecot and their passwords.
const USERS: [(&str, &str); 2] =
    [("taro@mail.example", "tanuki-1"), ("hanako@mail.example", "kitsune-2")];
/// For what ends when the test says so.
const LONG: u32 = 600;

/// A server with a zone of grants.
struct World {
    server: TestServer,
    _secret: TempDir,
}

/// A mail server that relays for those who have a grant.
struct Relay {
    /// How it asks.
    asks: Asks,
    addr: SocketAddr,
    /// The code that refuses to relay.
    refusal: u16,
    /// What has to run for as long.
    _running: Box<dyn Any + Send + Sync>,
}

/// How a mail server asks who has a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    PostfixPolicy,
    PostfixSocketmap,
    EximReadsocket,
    EximDnslists,
}

impl Asks {
    const ALL: [Self; 4] =
        [Self::PostfixPolicy, Self::PostfixSocketmap, Self::EximReadsocket, Self::EximDnslists];
}

/// The policy service.
struct Policy {
    policy: SocketAddrV4,
    socketmap: SocketAddrV4,
    _process: Process,
    _dir: TempDir,
}

/// A file of `deploy/pop-before-smtp/` with other texts in place of those of the example, each of which it has.
#[track_caller]
fn deployed(name: &str, replaced: &[(&str, &str)]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/pop-before-smtp");
    let path = folder.join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    replaced.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{name} has no {from}");
        text.replace(from, to)
    })
}

impl World {
    /// With grants of so many seconds, and further lines of `[logins]`.
    #[track_caller]
    fn new(lifetime: u32, logins: &str) -> Self {
        Self::with_log(lifetime, logins, "info")
    }

    #[track_caller]
    fn with_log(lifetime: u32, logins: &str, log: &str) -> Self {
        let secret = TempDir::new().unwrap();
        let file = secret.path().join("logins.secret");
        fs::write(&file, format!("{SECRET}\n")).unwrap();
        let server = TestServer::with_tables(&format!(
            "[log]\nfilter = \"{log}\"\n[logins]\nsecrets = [\"{}\"]\n{logins}",
            file.display()
        ));
        let world = Self { server, _secret: secret };
        world.put_zone(&json!({"lifetime": lifetime, "longest": 10 * lifetime})).expect(201);
        world
    }

    /// Puts the zone of the files with other settings.
    #[track_caller]
    fn put_zone(&self, settings: &Value) -> HttpReply {
        let mut body: Value =
            serde_json::from_str(&deployed(&format!("{ZONE}.json"), &[])).unwrap();
        let settings = settings.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(settings);
        self.server.admin().put(&format!("/v1/zones/{ZONE}"), &body)
    }

    fn http(&self) -> String {
        self.server.admin().url().replace("http://", "")
    }

    /// A Dovecot that tells of logins as these files say.
    #[track_caller]
    fn dovecot(&self, files: &[&str]) -> Dovecot {
        let http = self.http();
        let replaced = [("127.0.0.1:8080", &*http), ("SECRET", SECRET)];
        let extras: String = files.iter().map(|file| deployed(file, &replaced)).collect();
        Dovecot::start(&USERS, &extras)
    }

    /// Reports a login over the API.
    #[track_caller]
    fn login(&self, client: Ipv4Addr, user: &str) -> HttpReply {
        let body = json!({"address": client, "user": user, "service": "pop3", "zone": ZONE});
        self.server.admin().post("/v1/logins", &body)
    }

    /// The grant of an address, as operators see it.
    #[track_caller]
    fn grant(&self, client: Ipv4Addr) -> Option<Value> {
        let path = format!("/v1/grants?zone={ZONE}&address={client}");
        let page = self.server.admin().get(&path).expect(200).json();
        page["grants"].as_array().unwrap().first().cloned()
    }

    /// What DNS answers for an address.
    #[track_caller]
    fn ask(&self, client: Ipv4Addr) -> Reply {
        let name = query_name::encode(client.into(), &ZONE.parse().unwrap()).unwrap();
        Query::new(&name.to_string(), A).ask(self.server.dns(), Transport::Udp)
    }

    /// Whether an address has a grant, by DNS.
    #[track_caller]
    fn is_granted(&self, client: Ipv4Addr) -> bool {
        let reply = self.ask(client);
        let codes: Vec<_> = reply.message.answers.iter().map(|a| a.data.to_string()).collect();
        match (reply.message.metadata.response_code, &codes[..]) {
            (ResponseCode::NoError, [code]) if code == "127.0.0.10" => true,
            (ResponseCode::NXDomain, []) => false,
            (rcode, _) => panic!("{rcode} {codes:?}"),
        }
    }

    /// Asserts that nothing is granted to an address, whoever is asked.
    #[track_caller]
    fn assert_nothing(&self, client: Ipv4Addr) {
        assert!(!self.is_granted(client), "{client} has a grant in DNS");
        assert_eq!(self.grant(client), None);
    }

    /// The sum of all samples of a metric that have these labels.
    #[track_caller]
    fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let text = self.server.admin().get("/metrics").expect(200).text;
        let is_of = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        };
        let value =
            |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<u64>().ok());
        text.lines().filter(is_of).filter_map(value).sum()
    }

    /// The resolver of a mail server's host, as the files say; at port 53, since mail servers know no other.
    #[track_caller]
    fn unbound(&self) -> Unbound {
        let stub = format!("127.0.0.1@{}", self.server.dns().port());
        let extras = deployed("unbound.conf", &[("127.0.0.1@5300", &stub)]);
        Unbound::configured((unique_host(), 53).into(), &extras)
    }

    /// The policy service, which asks the server itself.
    #[track_caller]
    fn policy(&self) -> Policy {
        let (policy, socketmap, dir) = (unique_addr(), unique_addr(), TempDir::new().unwrap());
        let dns = format!("servers = [\"{}\"]", self.server.dns());
        let config = deployed(
            "dnsbl-policy.toml",
            &[
                ("127.0.0.1:10040", &policy.to_string()),
                ("127.0.0.1:10041", &socketmap.to_string()),
                ("#servers = [\"127.0.0.1:5300\"]", &dns),
            ],
        );
        let file = dir.path().join("dnsbl-policy.toml");
        fs::write(&file, config).unwrap();
        let mut command = Command::new(program("dnsbl"));
        let process = Process::start(command.args(["policy", "--config"]).arg(&file)).unwrap();
        let ready = |line: &str| line.contains("ready listen=").then_some(());
        process.wait_for_line(PATIENCE, ready).unwrap();
        Policy { policy, socketmap, _process: process, _dir: dir }
    }

    /// A mail server that asks in one of the ways of the files.
    #[track_caller]
    fn relay(&self, asks: Asks) -> Relay {
        match asks {
            Asks::PostfixPolicy => {
                let policy = self.policy();
                let at = policy.policy.to_string();
                let main = deployed("main.cf.policy", &[("127.0.0.1:10040", &at)]);
                postfix(asks, main, Some(policy), None)
            }
            Asks::PostfixSocketmap => {
                let policy = self.policy();
                let at = policy.socketmap.to_string();
                let main = deployed("main.cf.socketmap", &[("127.0.0.1:10041", &at)]);
                postfix(asks, main, Some(policy), None)
            }
            Asks::EximReadsocket => {
                let policy = self.policy();
                let at = policy.policy.to_string();
                let acl = deployed("exim.readsocket.acl", &[("127.0.0.1:10040", &at)]);
                exim(asks, acl, Some(policy), None)
            }
            Asks::EximDnslists => {
                exim(asks, deployed("exim.dnslists.acl", &[]), None, Some(self.unbound()))
            }
        }
    }
}

fn resolver(unbound: Option<&Unbound>) -> Option<Ipv4Addr> {
    unbound.map(|unbound| match unbound.addr() {
        SocketAddr::V4(addr) => *addr.ip(),
        SocketAddr::V6(addr) => panic!("{addr} is not in 127.0.0.0/8"),
    })
}

#[track_caller]
fn postfix(asks: Asks, main: String, policy: Option<Policy>, unbound: Option<Unbound>) -> Relay {
    let sink = ScriptedServer::accepting();
    let resolver = resolver(unbound.as_ref());
    let extras = PostfixExtras { main, resolver, ..PostfixExtras::default() };
    let it = Postfix::start_with(unique_addr(), &PostfixRelaying::Closed, sink.addr(), &extras);
    let addr = it.addr();
    Relay { asks, addr, refusal: 554, _running: Box::new((it, policy, unbound, sink)) }
}

#[track_caller]
fn exim(asks: Asks, acl: String, policy: Option<Policy>, unbound: Option<Unbound>) -> Relay {
    let sink = ScriptedServer::accepting();
    let extras = EximExtras { acl, resolver: resolver(unbound.as_ref()) };
    let it = Exim::start_with(unique_addr(), &EximRelaying::Closed, sink.addr(), &extras);
    let addr = it.addr();
    Relay { asks, addr, refusal: 550, _running: Box::new((it, policy, unbound, sink)) }
}

impl Relay {
    /// Whether it takes mail for somebody elsewhere from an address.
    #[track_caller]
    fn relays(&self, client: Ipv4Addr) -> bool {
        let mut smtp = SmtpClient::connect_from(client.into(), self.addr).unwrap();
        smtp.command("EHLO client.example.net").unwrap();
        is_taken(&mut smtp, self)
    }

    /// Waits until it relays.
    #[track_caller]
    fn wait_for_grant(&self, client: Ipv4Addr) {
        eventually(PATIENCE, || match self.relays(client) {
            true => Ok(()),
            false => Err(format!("{:?} does not relay for {client}", self.asks)),
        });
    }

    /// Waits for at most so long until it relays no more.
    #[track_caller]
    fn wait_for_end(&self, client: Ipv4Addr, limit: Duration) {
        eventually(limit, || match self.relays(client) {
            false => Ok(()),
            true => Err(format!("{:?} relays on for {client}", self.asks)),
        });
    }
}

/// Whether mail for somebody elsewhere is taken in this session.
#[track_caller]
fn is_taken(smtp: &mut SmtpClient, relay: &Relay) -> bool {
    assert!(smtp.command("MAIL FROM:<a@sender.example>").unwrap().is_positive());
    let reply = smtp.command("RCPT TO:<b@elsewhere.example>").unwrap();
    smtp.command("QUIT").unwrap();
    assert!(reply.code == relay.refusal || reply.is_positive(), "{:?}: {reply:?}", relay.asks);
    reply.is_positive()
}

/// Looks for mail as the first user, who is let in.
#[track_caller]
fn poll(mailbox: Mailbox, client: Ipv4Addr) {
    let (user, password) = USERS[0];
    assert!(mailbox.poll(client.into(), user, password).unwrap(), "{user} is not let in");
}
