//! The policy service between mail servers and lists.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    process::Command,
};

use dnsbl_tests::{
    NameServer, PATIENCE, Process, TestServer, Unbound, eventually,
    mta::{
        Exim, EximExtras, EximRelaying, Postfix, PostfixExtras, PostfixRelaying, ScriptedServer,
        unique_addr, unique_host,
    },
    program,
};
use hickory_proto::rr::{RData, RecordType};
use serde_json::json;
use tempfile::TempDir;

use super::{World, send, snippet};
use crate::server;

/// Who asks the service.
struct Asker {
    addr: SocketAddr,
    name: String,
    _server: Running,
    _sink: ScriptedServer,
}

/// Kept for as long as it is asked.
enum Running {
    Postfix { _it: Postfix },
    Exim { _it: Exim },
}

/// The service with the configuration of `deploy/`.
struct Service {
    addr: SocketAddr,
    process: Process,
    _dir: TempDir,
}

impl Service {
    #[track_caller]
    fn start(resolver: SocketAddr, origin: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let config = snippet("dnsbl-policy.toml", origin)
            .replace("127.0.0.1:10040", "127.0.0.1:0")
            .replace("/var/lib/dnsbl-policy/", "")
            .replace("#log = \"info\"", "log = \"debug\"")
            .replace("#check-special-use = false", "check-special-use = true")
            .replace("#resolvers = [\"127.0.0.1\"]", &format!("resolvers = [\"{resolver}\"]"));
        let file = dir.path().join("dnsbl-policy.toml");
        fs::write(&file, config).unwrap();
        let mut command = Command::new(program("dnsbl"));
        let process = Process::start(command.args(["policy", "--config"]).arg(&file)).unwrap();
        let ready = |line: &str| line.split_once("ready listen=")?.1.parse().ok();
        let addr = process.wait_for_line(PATIENCE, ready).unwrap();
        Self { addr, process, _dir: dir }
    }

    /// Waits until the list counts.
    #[track_caller]
    fn up(self) -> Self {
        let up = |line: &str| line.contains("to=\"up\"").then_some(());
        self.process.wait_for_line(PATIENCE, up).unwrap();
        self
    }
}

#[track_caller]
fn postfix(service: &Service) -> Asker {
    let sink = ScriptedServer::accepting();
    let main =
        snippet("postfix/main.cf.policy", "").replace("127.0.0.1:10040", &service.addr.to_string());
    let extras = PostfixExtras { main, ..PostfixExtras::default() };
    let it = Postfix::start_with(unique_addr(), &PostfixRelaying::Closed, sink.addr(), &extras);
    Asker {
        addr: it.addr(),
        name: it.name().into(),
        _server: Running::Postfix { _it: it },
        _sink: sink,
    }
}

#[track_caller]
fn exim(service: &Service) -> Asker {
    let sink = ScriptedServer::accepting();
    let acl =
        snippet("exim/readsocket.acl", "").replace("127.0.0.1:10040", &service.addr.to_string());
    let extras = EximExtras { acl, ..EximExtras::default() };
    let it = Exim::start_with(unique_addr(), &EximRelaying::Closed, sink.addr(), &extras);
    Asker {
        addr: it.addr(),
        name: it.name().into(),
        _server: Running::Exim { _it: it },
        _sink: sink,
    }
}

/// The code for a message from a client.
#[track_caller]
fn code(client: Ipv4Addr, asker: &Asker) -> u16 {
    send(client, asker.addr, &asker.name).code
}

#[test]
fn case_46_postfix_and_exim_reject_a_listed_client_with_our_reason_and_url() {
    let server = server();
    let world = World::new(&server);
    let service = Service::start(world.resolver.addr(), world.zone.origin()).up();
    for (asker, expected) in [(postfix(&service), 554), (exim(&service), 550)] {
        let reply = send(world.listed, asker.addr, &asker.name);
        assert_eq!(reply.code, expected, "{reply:?}");
        let reason = format!(
            "{listed} blocked using {}; Open relay {listed}, see https://bl.example.org/lookup/{listed}",
            world.zone.origin(),
            listed = world.listed
        );
        assert!(reply.text.contains(&reason), "{reply:?}");
        assert_eq!(code(world.clean, &asker), 250);
    }
}

#[test]
fn case_46_with_the_service_gone_mail_passes() {
    let server = server();
    let world = World::new(&server);
    let service = Service::start(world.resolver.addr(), world.zone.origin()).up();
    let askers = [postfix(&service), exim(&service)];
    drop(service);
    for asker in askers {
        assert_eq!(code(world.listed, &asker), 250);
    }
}

/// A list that answers the same to everything.
fn always(address: [u8; 4]) -> NameServer {
    NameServer::start(move |_, rtype| match rtype {
        RecordType::A => vec![RData::A(Ipv4Addr::from(address).into())],
        _ => Vec::new(),
    })
}

#[test]
fn case_46_a_dead_parked_or_blocking_list_and_one_that_lists_the_world_reject_nothing() {
    let nobody = SocketAddr::from((unique_host(), 9));
    let parked = always([203, 0, 113, 7]);
    let blocking = always([127, 255, 255, 254]);
    let world = always([127, 0, 0, 2]);
    for list in [nobody, parked.addr(), blocking.addr(), world.addr()] {
        let resolver = Unbound::start(list, &["bl.example.org"]);
        let service = Service::start(resolver.addr(), "bl.example.org");
        for asker in [postfix(&service), exim(&service)] {
            for _ in 0..3 {
                assert_eq!(code(unique_host(), &asker), 250, "{list}");
            }
        }
    }
}

#[test]
fn a_list_that_begins_to_list_the_world_rejects_nothing_from_the_first_mail_on() {
    let server = TestServer::start();
    let world = World::new(&server);
    let service = Service::start(world.resolver.addr(), world.zone.origin()).up();
    let asker = postfix(&service);
    // An ordinary hour.
    for i in 0..30 {
        let client = if i % 10 == 0 { world.listed } else { unique_host() };
        assert_eq!(code(client, &asker), if i % 10 == 0 { 554 } else { 250 });
    }
    for first in 0..=255 {
        let net = if first == 127 { "127.128.0.0/9".into() } else { format!("{first}.0.0.0/8") };
        world.zone.put(&net, "?override=special-use", &json!({}));
    }
    let mut clients =
        (1..).map(|i: u16| Ipv4Addr::new(127, 200, (i / 250) as u8, (i % 250 + 1) as u8));
    let rejected = clients.by_ref().take(40).filter(|client| code(*client, &asker) != 250).count();
    assert_eq!(rejected, 0, "of 40");
    eventually(PATIENCE, || match code(clients.next().unwrap(), &asker) {
        250 => Ok(()),
        other => Err(other),
    });
    for client in clients.take(20) {
        assert_eq!(code(client, &asker), 250, "{client}");
    }
}
