//! Real mail servers let relay who has a grant, with the files of `deploy/pop-before-smtp/`, and nobody else.

use std::{
    collections::HashSet,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use dnsbl_tests::{
    NameServer, PATIENCE, Process, TestZone, Unbound, eventually,
    mta::{
        Exim, EximExtras, EximRelaying, Postfix, PostfixExtras, PostfixRelaying, ScriptedServer,
        SmtpClient, SmtpReply, unique_addr, unique_host,
    },
    program,
};
use hickory_proto::rr::{RData, RecordType};
use serde_json::json;
use tempfile::TempDir;

use crate::server;

const ORIGIN: &str = "popauth.example.org";

/// A file of `deploy/pop-before-smtp/`.
#[track_caller]
fn snippet(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/pop-before-smtp");
    let path = folder.join(name);
    fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// A zone of grants that changes while a test runs.
struct Grants {
    granted: Arc<Mutex<HashSet<String>>>,
    server: NameServer,
}

impl Grants {
    fn start() -> Self {
        let granted = Arc::<Mutex<HashSet<String>>>::default();
        let known = granted.clone();
        let server = NameServer::start(move |name, rtype| {
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            match rtype == RecordType::A && known.contains(name) {
                true => vec![RData::A(Ipv4Addr::new(127, 0, 0, 10).into())],
                false => Vec::new(),
            }
        });
        Self { granted, server }
    }

    fn grant(&self, client: Ipv4Addr) {
        self.lock().insert(name(client));
    }

    fn revoke(&self, client: Ipv4Addr) {
        self.lock().remove(&name(client));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(client: Ipv4Addr) -> String {
    let [a, b, c, d] = client.octets();
    format!("{d}.{c}.{b}.{a}.{ORIGIN}.")
}

/// The policy service with the configuration of `deploy/`.
struct Service {
    policy: SocketAddr,
    socketmap: SocketAddr,
    _process: Process,
    _dir: TempDir,
}

impl Service {
    #[track_caller]
    fn start(grants: &Grants) -> Self {
        let dir = TempDir::new().unwrap();
        let config = snippet("dnsbl-policy.toml")
            .replace("127.0.0.1:10040", "127.0.0.1:0")
            .replace("127.0.0.1:10041", "127.0.0.1:0")
            .replace(
                "#servers = [\"127.0.0.1:5300\"]",
                &format!("servers = [\"{}\"]", grants.server.addr()),
            );
        let file = dir.path().join("dnsbl-policy.toml");
        fs::write(&file, config).unwrap();
        let mut command = Command::new(program("dnsbl"));
        let process = Process::start(command.args(["policy", "--config"]).arg(&file)).unwrap();
        let ready = |line: &str| {
            let (_, rest) = line.split_once("ready listen=")?;
            let (policy, socketmap) = rest.split_once(" socketmap=")?;
            Some((policy.parse().ok()?, socketmap.parse().ok()?))
        };
        let (policy, socketmap) = process.wait_for_line(PATIENCE, ready).unwrap();
        Self { policy, socketmap, _process: process, _dir: dir }
    }
}

/// A mail server that relays for who has a grant.
struct Relay {
    addr: SocketAddr,
    name: String,
    _server: Running,
    sink: ScriptedServer,
}

/// Kept for as long as it is asked.
enum Running {
    Postfix { _it: Postfix },
    Exim { _it: Exim },
}

#[track_caller]
fn postfix(main: String, resolver: Option<Ipv4Addr>) -> Relay {
    let sink = ScriptedServer::accepting();
    let extras = PostfixExtras { main, resolver, ..PostfixExtras::default() };
    let it = Postfix::start_with(unique_addr(), &PostfixRelaying::Closed, sink.addr(), &extras);
    let (addr, name) = (it.addr(), it.name().into());
    Relay { addr, name, _server: Running::Postfix { _it: it }, sink }
}

#[track_caller]
fn postfix_by_requests(service: &Service) -> Relay {
    let main = snippet("main.cf.policy");
    postfix(main.replace("127.0.0.1:10040", &service.policy.to_string()), None)
}

#[track_caller]
fn postfix_by_socketmap(service: &Service) -> Relay {
    let main = snippet("main.cf.socketmap");
    postfix(main.replace("127.0.0.1:10041", &service.socketmap.to_string()), None)
}

#[track_caller]
fn exim(acl: String, resolver: Option<Ipv4Addr>) -> Relay {
    let sink = ScriptedServer::accepting();
    let extras = EximExtras { acl, resolver };
    let it = Exim::start_with(unique_addr(), &EximRelaying::Closed, sink.addr(), &extras);
    let (addr, name) = (it.addr(), it.name().into());
    Relay { addr, name, _server: Running::Exim { _it: it }, sink }
}

#[track_caller]
fn exim_by_line(service: &Service) -> Relay {
    let acl = snippet("exim.readsocket.acl");
    exim(acl.replace("127.0.0.1:10040", &service.policy.to_string()), None)
}

/// A client in the middle of handing over a message.
struct Session<'a> {
    smtp: SmtpClient,
    relay: &'a Relay,
}

impl Relay {
    #[track_caller]
    fn session(&self, client: Ipv4Addr) -> Session<'_> {
        let mut smtp = SmtpClient::connect_from(client.into(), self.addr).unwrap();
        for line in ["EHLO client.example.net", "MAIL FROM:<a@sender.example>"] {
            assert!(smtp.command(line).unwrap().is_positive(), "{line}");
        }
        Session { smtp, relay: self }
    }

    /// The code for a recipient elsewhere.
    #[track_caller]
    fn relays(&self, client: Ipv4Addr) -> u16 {
        self.session(client).relays().code
    }

    /// The code for a recipient of its own.
    #[track_caller]
    fn takes(&self, client: Ipv4Addr) -> u16 {
        self.session(client).takes().code
    }
}

impl Session<'_> {
    #[track_caller]
    fn relays(&mut self) -> SmtpReply {
        self.smtp.command("RCPT TO:<b@elsewhere.example>").unwrap()
    }

    #[track_caller]
    fn takes(&mut self) -> SmtpReply {
        self.smtp.command(&format!("RCPT TO:<postmaster@{}>", self.relay.name)).unwrap()
    }
}

/// What a mail server says to who may not relay.
#[derive(Clone, Copy)]
struct Refusal {
    code: u16,
    /// The same while the policy service is away.
    away: u16,
}

/// All that is promised of a grant, at one mail server.
#[track_caller]
fn keeps_promises(ask: impl Fn(&Service) -> Relay, refusal: Refusal) {
    let (grants, user, other) = (Grants::start(), unique_host(), unique_host());
    let service = Service::start(&grants);
    let relay = ask(&service);
    assert_eq!(relay.relays(user), refusal.code, "before the login");
    // Whether it counts, and whether it has ended, is asked within one session too.
    let mut session = relay.session(user);
    for round in 0..2 {
        assert_eq!(session.relays().code, refusal.code, "{round}");
        grants.grant(user);
        assert_eq!(session.relays().code, 250, "{round}");
        assert_eq!(relay.relays(user), 250, "{round}");
        assert_eq!(relay.relays(other), refusal.code, "{round}");
        assert_eq!(relay.takes(other), 250, "{round}");
        grants.revoke(user);
        assert_eq!(session.relays().code, refusal.code, "{round}");
        assert_eq!(relay.relays(user), refusal.code, "{round}");
    }
    drop(session);
    grants.grant(user);
    assert_eq!(relay.relays(user), 250);
    drop(grants);
    assert_eq!(relay.relays(user), refusal.code, "the zone is away");
    assert_eq!(relay.takes(user), 250, "the zone is away");
    drop(service);
    assert_eq!(relay.relays(user), refusal.away, "the service is away");
    assert_eq!(relay.takes(user), 250, "the service is away");
}

#[test]
fn postfix_relays_by_requests_for_as_long_as_a_grant_lasts() {
    keeps_promises(postfix_by_requests, Refusal { code: 554, away: 554 });
}

#[test]
fn postfix_relays_by_a_socketmap_for_as_long_as_a_grant_lasts() {
    keeps_promises(postfix_by_socketmap, Refusal { code: 554, away: 451 });
}

#[test]
fn exim_relays_by_its_line_for_as_long_as_a_grant_lasts() {
    keeps_promises(exim_by_line, Refusal { code: 550, away: 550 });
}

#[test]
fn what_is_relayed_arrives() {
    let (grants, user) = (Grants::start(), unique_host());
    let service = Service::start(&grants);
    grants.grant(user);
    for relay in [postfix_by_requests(&service), exim_by_line(&service)] {
        let mut smtp = SmtpClient::connect_from(user.into(), relay.addr).unwrap();
        smtp.command("EHLO client.example.net").unwrap();
        let message = "Subject: hello\n\nhello";
        let reply = smtp.transact("<a@sender.example>", "<b@elsewhere.example>", message).unwrap();
        assert_eq!(reply.code, 250, "{reply:?}");
        relay.sink.wait_for(6 * PATIENCE, |message| {
            let found = message.recipients == ["<b@elsewhere.example>"];
            found.then_some(())
        });
    }
}

/// A zone of ours with the code of a grant, behind a resolver that Exim and Postfix ask.
struct Resolved {
    zone: TestZone,
    resolver: Ipv4Addr,
    _unbound: Unbound,
}

impl Resolved {
    #[track_caller]
    fn start(server: &dnsbl_tests::TestServer) -> Self {
        let settings = json!({"return_codes": ["127.0.0.10"], "ttl": 1, "negative_ttl": 1});
        let zone = server.ip_zone(settings);
        let resolver = unique_host();
        let unbound = Unbound::start_at((resolver, 53).into(), server.dns(), &[zone.origin()]);
        Self { zone, resolver, _unbound: unbound }
    }

    #[track_caller]
    fn grant(&self, client: Ipv4Addr) {
        self.zone.put(&client.to_string(), "?override=special-use", &json!({}));
    }
}

#[track_caller]
fn becomes(relay: &Relay, client: Ipv4Addr, code: u16) {
    eventually(PATIENCE, || match relay.relays(client) {
        found if found == code => Ok(()),
        found => Err(found),
    });
}

#[test]
fn exim_relays_by_the_zone_itself_once_the_resolver_knows() {
    let server = server();
    let world = Resolved::start(&server);
    let acl = snippet("exim.dnslists.acl").replace(ORIGIN, world.zone.origin());
    let relay = exim(acl, Some(world.resolver));
    let (user, other) = (unique_host(), unique_host());
    assert_eq!(relay.relays(user), 550);
    world.grant(user);
    becomes(&relay, user, 250);
    assert_eq!(relay.relays(other), 550);
    world.zone.remove(&user.to_string());
    becomes(&relay, user, 550);
    assert_eq!(relay.takes(user), 250);
    // A code beside that of a grant.
    let two = json!({"return_codes": ["127.0.0.10", "127.0.0.11"]});
    world.zone.put(&other.to_string(), "?override=special-use", &two);
    assert_eq!(relay.relays(unique_host()), 550);
    assert_eq!(relay.relays(other), 550);
}

#[test]
fn exim_relays_for_nobody_by_a_zone_that_lists_everything() {
    let world = NameServer::start(|_, rtype| match rtype {
        RecordType::A => vec![RData::A(Ipv4Addr::new(127, 0, 0, 10).into())],
        _ => Vec::new(),
    });
    let resolver = unique_host();
    let _unbound = Unbound::start_at((resolver, 53).into(), world.addr(), &[ORIGIN]);
    let relay = exim(snippet("exim.dnslists.acl"), Some(resolver));
    let client = unique_host();
    assert_eq!((relay.relays(client), relay.takes(client)), (550, 250));
    let (asked, localhost) = (world.asked(), name(Ipv4Addr::LOCALHOST));
    assert!(asked.iter().any(|(name, _)| *name == localhost), "{asked:?}");
}

/// It is made for lists of good hosts, and permits only what is taken anyway.
#[test]
fn postfix_grants_no_relaying_by_permit_dnswl_client() {
    let server = server();
    let world = Resolved::start(&server);
    let main = format!(
        "smtpd_relay_restrictions = permit_mynetworks, permit_dnswl_client {}=127.0.0.10, reject_unauth_destination\n",
        world.zone.origin()
    );
    let relay = postfix(main, Some(world.resolver));
    let user = unique_host();
    world.grant(user);
    assert_eq!((relay.relays(user), relay.takes(user)), (554, 250));
}
