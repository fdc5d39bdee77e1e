//! A tester over a store of its own. What it finds there was written in its own encoding.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use dnsbl_store::{Actor, Change, Document, DocumentKind, Operation, Precondition, Store};
use dnsbl_tests::{
    eventually,
    mta::{Message, ScriptedServer, SmtpClient, unique_addr},
};
use dnsbl_types::{Listing, ListingBody, Name, Subject, UnixTime, ZoneKind, ZoneSpec};
use relay_tester::{
    DriveSettings, Ground, Identity, Key, Probe, ReceiverSettings, TestId, TokenKeys,
    life::{Asker, DelistTests, Host, Limits, Output, Patience, StateKind, Test},
    service::{Filter, RunningTester, Settings, Submission, Tester},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

pub(crate) const DAY: u64 = 24 * 3600;
/// How long the tester may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const WAITS: Patience =
    Patience { settle_for: 2, pending_for: 5 * DAY, retry_after: 1, second_test_after: 1 };

const SOURCE: &str = "relay-test";
/// The id of a test that nobody can read.
const DAMAGED: &str = "00000000000000ff";
const PROBE_DOMAIN: &str = "probe.example.org";

/// A store, and the tester on it once it works.
pub(crate) struct Fixture {
    runtime: Runtime,
    store: Store,
    receiver: SocketAddr,
    work: Option<(Arc<Tester>, RunningTester, CancellationToken)>,
    /// Last, so that the store is closed before its files go.
    _dir: TempDir,
}

pub(crate) fn relays() -> Name {
    "relays.example.org".parse().unwrap()
}

pub(crate) fn outputs() -> Name {
    "outputs.example.org".parse().unwrap()
}

pub(crate) fn ago(seconds: u64) -> UnixTime {
    UnixTime(UnixTime::now().0 - seconds)
}

/// A host that was found open by its first probe that long ago, and tested no more since.
pub(crate) fn open_since(server: SocketAddr, seconds: u64) -> Host {
    let at = ago(seconds);
    Host {
        address: server.ip(),
        port: server.port(),
        domain: None,
        probes: vec![Probe::by_name("plain").unwrap().index],
        test: TestId(1),
        listed_at: at,
        confirmed_at: at,
        delist_tests: DelistTests::default(),
        anonymous_delist_tests: DelistTests::default(),
        cleared_at: None,
    }
}

impl Fixture {
    /// A store with both zones.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fixture = Self {
            runtime: Runtime::new().unwrap(),
            store: open(dir.path()),
            receiver: unique_addr().into(),
            work: None,
            _dir: dir,
        };
        for origin in [relays(), outputs()] {
            let ns = vec!["ns.example.net".parse().unwrap()];
            let zone = ZoneSpec::new(origin, ZoneKind::Ip, ns, "$".parse().unwrap());
            let zone = Box::new(zone.check().unwrap());
            fixture.change(Operation::PutZone { zone, serial_floor: None }, UnixTime::now());
        }
        fixture
    }

    fn change(&self, operation: Operation, now: UnixTime) {
        self.store.commit(Change::new(Actor::server(), operation), now).unwrap();
    }

    fn put(&self, kind: &'static str, id: &str, due: Option<UnixTime>, body: Vec<u8>) {
        let kind = DocumentKind::from_static(kind);
        let document = Document::new(kind, id.parse().unwrap(), Vec::new(), due, body).unwrap();
        let part = Operation::PutDocument {
            document: Box::new(document),
            precondition: Precondition::None,
        };
        self.change(part, UnixTime::now());
    }

    /// Writes a listed host and its listing as the tester did when it found the host open.
    pub(crate) fn remember_host(&self, host: &Host) {
        let body = ListingBody { expires_at: Some(host.expires_at()), ..ListingBody::default() };
        let listing = Operation::PutListing {
            zone: relays(),
            subject: Subject::host(host.address),
            source: SOURCE.parse().unwrap(),
            body: Box::new(body),
            precondition: Precondition::None,
        };
        self.change(listing, host.confirmed_at);
        self.remember_host_alone(host);
    }

    /// Writes a host whose listing somebody has deleted.
    pub(crate) fn remember_host_alone(&self, host: &Host) {
        let due = host.due(host.confirmed_at, WAITS);
        self.put("relay-host", &host.address.to_string(), Some(due), host.encode());
    }

    pub(crate) fn remember_output(&self, output: &Output) {
        let due = Some(output.expires_at());
        self.put("relay-output", &output.address.to_string(), due, output.encode());
    }

    /// Writes an output and its listing as a release did that did not ask how a message had come to it.
    pub(crate) fn remember_unproved_output(&self, output: &Output) {
        let body = ListingBody { expires_at: Some(output.expires_at()), ..ListingBody::default() };
        let listing = Operation::PutListing {
            zone: outputs(),
            subject: Subject::host(output.address),
            source: SOURCE.parse().unwrap(),
            body: Box::new(body),
            precondition: Precondition::None,
        };
        self.change(listing, UnixTime::now());
        self.put("relay-output", &output.address.to_string(), None, output.encode());
    }

    /// Writes a test that nobody can read, due since long ago.
    pub(crate) fn remember_damage(&self) {
        self.put("relay-test", DAMAGED, Some(ago(DAY)), vec![1, 2, 3]);
        self.put("relay-host", "192.0.2.99", Some(ago(DAY)), vec![1]);
    }

    /// When what can't be read is looked at again; none of it is lost.
    pub(crate) fn damage_is_due(&self) -> [UnixTime; 2] {
        [("relay-test", DAMAGED, &[1, 2, 3][..]), ("relay-host", "192.0.2.99", &[1])].map(
            |(kind, id, body)| {
                let (kind, id) = (DocumentKind::from_static(kind), id.parse().unwrap());
                let kept = self.store.read(UnixTime::now()).document(&kind, &id).unwrap().unwrap();
                assert_eq!(kept.body(), body);
                kept.due().unwrap()
            },
        )
    }

    pub(crate) fn has_output(&self, address: IpAddr) -> bool {
        self.read("relay-output", address).is_some()
    }

    /// Writes that the postmaster of an address was told, which is enough until then.
    pub(crate) fn remember_notice(&self, address: IpAddr, until: UnixTime) {
        self.put("relay-notice", &address.to_string(), Some(until), Vec::new());
    }

    /// Sets the tester to work.
    pub(crate) fn start(&mut self) {
        self.start_with(|settings| settings);
    }

    pub(crate) fn start_with(&mut self, change: impl FnOnce(Settings) -> Settings) {
        let settings = change(settings(self.receiver));
        let stop = CancellationToken::new();
        let started = self.runtime.block_on(async {
            let tester = Tester::new(self.store.clone(), settings, keys()).unwrap();
            let running =
                tester.start(dnsbl_types::Clock::watched(None), stop.clone()).await.unwrap();
            (tester, running, stop)
        });
        self.work = Some(started);
    }

    fn tester(&self) -> &Arc<Tester> {
        &self.work.as_ref().unwrap().0
    }

    /// All tests, the newest first.
    pub(crate) fn tests(&self) -> Vec<Test> {
        self.runtime.block_on(self.tester().list(Filter::default(), None, 100)).unwrap().0
    }

    /// Waits until the only test there is has ended.
    #[track_caller]
    pub(crate) fn only_test(&self) -> Test {
        eventually(PATIENCE, || match self.tests().as_slice() {
            [test] if test.state.kind() == StateKind::Done => Ok(test.clone()),
            other => Err(other.to_vec()),
        })
    }

    /// Has the owner of a host ask for a test.
    pub(crate) fn submit(&self, server: SocketAddr) -> TestId {
        let submission = Submission {
            address: server.ip().to_string(),
            ground: Ground::Owner,
            port: Some(server.port()),
            domain: None,
            tier: None,
            evidence: None,
            note: None,
            asker: Asker::Trusted,
            actor: Actor::server(),
        };
        self.runtime.block_on(self.tester().submit(submission)).unwrap().test.id
    }

    /// Hands the receiver the first message that a host got to which a sender stands, as a mail server
    /// at `from` would, and waits until the test that it was for has ended.
    #[track_caller]
    pub(crate) fn send_back(&self, from: IpAddr, host: &ScriptedServer) -> Message {
        self.send_back_below("", from, host)
    }

    /// The same with lines in front of the message, as who hands it on writes.
    #[track_caller]
    pub(crate) fn send_back_below(
        &self,
        lines: &str,
        from: IpAddr,
        host: &ScriptedServer,
    ) -> Message {
        let message = host.wait_for(PATIENCE, |message| {
            let is_plain = message.recipients.len() == 1 && message.sender.contains('@');
            is_plain.then(|| message.clone())
        });
        let mut client = SmtpClient::connect_from(from, self.receiver).unwrap();
        client.command("EHLO relay.example").unwrap();
        let data = format!("{lines}{}", message.data);
        let reply = client.transact(&message.sender, &message.recipients[0], &data);
        assert_eq!(reply.unwrap().code, 250);
        message
    }

    pub(crate) fn host(&self, address: IpAddr) -> Option<Host> {
        self.read("relay-host", address).map(|document| Host::decode(document.body()).unwrap())
    }

    /// When a host is looked at again.
    pub(crate) fn due(&self, address: IpAddr) -> Option<UnixTime> {
        self.read("relay-host", address).and_then(|document| document.due())
    }

    pub(crate) fn has_notice(&self, address: IpAddr) -> bool {
        self.read("relay-notice", address).is_some()
    }

    fn read(&self, kind: &'static str, address: IpAddr) -> Option<Document> {
        let (kind, id) = (DocumentKind::from_static(kind), address.to_string().parse().unwrap());
        self.store.read(UnixTime::now()).document(&kind, &id).unwrap()
    }

    /// What is listed of an address at the moment.
    pub(crate) fn listings(&self, zone: &Name, address: IpAddr) -> Vec<Listing> {
        let reader = self.store.read(UnixTime::now());
        reader.listings_of(zone, &Subject::host(address)).unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Some((_, running, stop)) = self.work.take() {
            stop.cancel();
            self.runtime.block_on(running.stopped());
        }
        self.store.close();
    }
}

fn open(dir: &Path) -> Store {
    let store = Store::open(&dir.join("store")).unwrap();
    store.load(&mut ()).unwrap();
    store.start(Box::new(())).unwrap();
    store
}

fn keys() -> TokenKeys {
    TokenKeys::new(Key { id: 1, secret: [7; 32] }, Vec::new())
}

fn settings(receiver: SocketAddr) -> Settings {
    let name = |text: &str| text.parse().unwrap();
    let (ehlo, domain) = ("relaytest.example.org", PROBE_DOMAIN);
    Settings {
        zone: relays(),
        outputs_zone: Some(outputs()),
        outputs_networks: 2,
        patience: WAITS,
        limits: Limits::default(),
        identity: Arc::new(Identity::new(name(ehlo), name(domain))),
        drive: DriveSettings {
            connection_pause: Duration::ZERO,
            probe_pause: Duration::ZERO,
            loopback_only: true,
            ..DriveSettings::default()
        },
        receiver,
        receiving: ReceiverSettings::new(name(ehlo), name(domain)),
        receiver_address: None,
        allow_targets: vec!["127.0.0.0/8".parse().unwrap()],
        allow_all: false,
        own_addresses: Vec::new(),
        reference_hosts: Vec::new(),
        // Nobody is there: hosts for tests have no names.
        resolvers: vec!["127.0.0.1:9".parse().unwrap()],
        anonymous: None,
        notice: false,
    }
}
