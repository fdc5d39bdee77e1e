//! The pages over a real store and index, without connections.

mod console;
mod forms;
mod markup;
mod operator;
mod pages;
mod removals;
mod secrets;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use dnsbl_index::{Index, IndexWriter};
use dnsbl_removals::{Removals, RunningRemovals};
use dnsbl_store::{Actor, Change, Operation, Precondition, Sources, Store};
use dnsbl_types::{
    AccessAction, AccessRules, Clock, ListingBody, Name, Reason, Subject, UnixTime, ZoneKind,
    ZoneSpec,
};
use relay_tester::{
    DriveSettings, Ground, Identity, Key, ReceiverSettings, TestId, TokenKeys,
    life::{Outcome, Patience, Verdict},
    service::{Settings as TesterSettings, Tester},
};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub(crate) use self::markup::{well_formed, well_formed_xml};
use crate::{
    Host, Languages, Limits, OperatorFiles, Settings, ShownZones, Site, State,
    app::App,
    client::Peer,
    forms::Form,
    relay_test::{Part, ProbeFact, Progress, ReturnFact, Stage, TestFacts},
    router,
    shown::Shown,
};

/// The settings of a list that has everything.
pub(crate) fn settings() -> Settings {
    Settings {
        name: "Example Block List".into(),
        operator: Some("Example Organisation".into()),
        contact: Some("abuse@example.org".parse().unwrap()),
        url: Some("https://bl.example.org/".parse().unwrap()),
        languages: Languages::default(),
        zones: ShownZones::Public,
        resolver: None,
        takes_removals: true,
        logo: None,
        colors: Default::default(),
        imprint: None,
        pages: None,
        incidents: None,
        limits: Limits {
            connections: 16,
            connections_per_network: 16,
            requests_per_second: 0,
            forms_per_hour: 0,
            proxies: vec!["10.0.0.0/8".parse().unwrap()],
        },
    }
}

/// A server that serves, and counts.
#[derive(Default)]
pub(super) struct CountingHost(Mutex<HashMap<(String, u16), u32>>);

impl Host for CountingHost {
    fn state(&self) -> State {
        State::Serving
    }

    fn count_request(&self, route: &str, code: u16) {
        *self.0.lock().unwrap().entry((route.to_owned(), code)).or_default() += 1;
    }

    fn clock_doubt(&self) -> Option<String> {
        None
    }
}

/// The pages over a store.
pub(super) struct Pages {
    app: Arc<App>,
    router: Router,
    store: Store,
    pub(super) host: Arc<CountingHost>,
    /// At work as long as they are here.
    _removals: Option<RunningRemovals>,
    _dir: TempDir,
}

/// What a server has beside its store.
#[derive(Default)]
struct Parts {
    tester: Option<Arc<Tester>>,
    removals: Option<Arc<Removals>>,
}

/// What came back.
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Page {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Pages {
    /// An empty server.
    pub(super) fn new(settings: Settings) -> Self {
        Self::with(settings, |_, _| Parts::default())
    }

    /// An empty server, with a tester that anybody may have test, and that has not begun to.
    pub(super) fn with_tester(settings: Settings) -> Self {
        Self::with(settings, |store, _| Parts { tester: Some(tester(store)), ..Parts::default() })
    }

    /// An empty server that takes requests for removal.
    pub(super) async fn with_removals(settings: Settings) -> Self {
        let mut waiting = None;
        let mut pages = Self::with(settings, |store, index| {
            let (removals, start) = Removals::new(
                store.clone(),
                index.clone(),
                None,
                dnsbl_removals::Settings::default(),
                [7; 32],
            );
            waiting = Some(start);
            Parts { removals: Some(removals), ..Parts::default() }
        });
        let start = waiting.unwrap();
        pages._removals = Some(start.run(Clock::watched(None)).await.unwrap());
        pages
    }

    fn with(settings: Settings, parts: impl FnOnce(&Store, &Arc<Index>) -> Parts) -> Self {
        let dir = TempDir::new().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        store.load(&mut writer).unwrap();
        store.start(Box::new(writer)).unwrap();
        let host = Arc::new(CountingHost::default());
        let Parts { tester: nominations, removals } = parts(&store, &index);
        let site = Site {
            store: store.read_only(),
            index,
            tester: nominations.as_ref().map(|tester| tester.reader()),
            nominations,
            removals,
            form_key: [7; 32],
            files: OperatorFiles::read(&settings).unwrap(),
            host: host.clone(),
            settings,
            console: None,
        };
        let app = App::new(site);
        Self { router: router::build(app.clone()), app, store, host, _removals: None, _dir: dir }
    }

    fn change(&self, operation: Operation) {
        let change = Change::new(Actor::part("the-actor"), operation);
        self.store.commit(change, UnixTime::now()).unwrap();
    }

    /// Puts a zone.
    pub(super) fn zone(&self, origin: &str, kind: ZoneKind, set: impl FnOnce(&mut ZoneSpec)) {
        let ns: Name = "ns1.example.net".parse().unwrap();
        let reason: Reason = "Listed: $".parse().unwrap();
        let mut spec = ZoneSpec::new(origin.parse().unwrap(), kind, vec![ns], reason);
        set(&mut spec);
        let zone = Box::new(spec.check().unwrap());
        self.change(Operation::PutZone { zone, serial_floor: None });
    }

    /// Puts a listing of the source `the-source`.
    pub(super) fn list(&self, zone: &str, subject: &str, body: ListingBody) {
        self.change(Operation::PutListing {
            zone: zone.parse().unwrap(),
            subject: subject.parse().unwrap(),
            source: "the-source".parse().unwrap(),
            body: Box::new(body),
            precondition: Precondition::None,
        });
    }

    /// Removes a listing.
    pub(super) fn remove(&self, zone: &str, subject: &str) {
        self.change(Operation::DeleteListing {
            zone: zone.parse().unwrap(),
            subject: subject.parse::<Subject>().unwrap(),
            sources: Sources::All,
            precondition: Precondition::None,
        });
    }

    /// Sends a request from an address, with headers.
    pub(super) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Page {
        let peer: SocketAddr = "192.0.2.77:4000".parse().unwrap();
        self.ask_from(peer, method, path, headers).await
    }

    pub(super) async fn ask_from(
        &self,
        peer: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Page {
        self.send(peer, method, path, headers, Body::empty()).await
    }

    /// The seal of a form that the usual visitor has looked at for a while.
    pub(super) fn seal(&self, form: Form) -> String {
        self.seal_for("192.0.2.77", form, 60)
    }

    /// The seal of a form that somebody has looked at for so many seconds.
    pub(super) fn seal_for(&self, visitor: &str, form: Form, seconds: u64) -> String {
        let shown = UnixTime(UnixTime::now().0 - seconds);
        self.app.forms.seal(form, Some(visitor.parse().unwrap()), shown)
    }

    /// Sends a form, as a browser does.
    pub(super) async fn post(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Page {
        let peer: SocketAddr = "192.0.2.77:4000".parse().unwrap();
        let form =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let headers = [&kind[..], headers].concat();
        self.send(peer, "POST", path, &headers, Body::from(form)).await
    }

    async fn send(
        &self,
        peer: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Page {
        let mut request = Request::builder().method(method).uri(path).extension(Peer(peer));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Page {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// GET.
    pub(super) async fn get(&self, path: &str) -> Page {
        self.ask("GET", path, &[]).await
    }
}

/// A tester of the hosts of this machine, which has not begun to test.
fn tester(store: &Store) -> Arc<Tester> {
    let identity = Identity::new(
        "relaytest.example.org".parse().unwrap(),
        "probe.example.org".parse().unwrap(),
    );
    let settings = TesterSettings {
        zone: "relays.example.org".parse().unwrap(),
        outputs_zone: None,
        outputs_networks: 5,
        patience: Patience {
            settle_for: 600,
            pending_for: 86_400,
            retry_after: 420,
            second_test_after: 900,
        },
        limits: Default::default(),
        drive: DriveSettings::default(),
        receiver: "127.0.0.1:0".parse().unwrap(),
        receiving: ReceiverSettings::new(identity.ehlo.clone(), identity.probe_domain.clone()),
        receiver_address: None,
        identity: Arc::new(identity),
        allow_targets: vec!["127.0.0.0/8".parse().unwrap(), "192.0.2.77/32".parse().unwrap()],
        allow_all: false,
        own_addresses: vec![],
        reference_hosts: vec![],
        resolvers: vec!["127.0.0.1:9".parse().unwrap()],
        anonymous: Some(vec![]),
        notice: false,
    };
    Tester::new(store.clone(), settings, TokenKeys::new(Key { id: 1, secret: [1; 32] }, vec![]))
        .unwrap()
}

/// A test that found an open relay.
pub(crate) fn test_facts() -> TestFacts {
    TestFacts {
        id: TestId(0x1234_5678_9abc_def0),
        now: UnixTime(4_000),
        address: "192.0.2.1".parse().unwrap(),
        port: 25,
        ground: Ground::Evidence,
        submitted_at: UnixTime(1_000),
        stage: Stage::Done(Verdict::Open),
        probes: vec![
            ProbeFact { name: "plain", progress: Progress::Answered(Outcome::Refused) },
            ProbeFact { name: "null-sender", progress: Progress::Answered(Outcome::Returned) },
            ProbeFact { name: "pct-at-host", progress: Progress::Sent },
            ProbeFact { name: "quoted-all", progress: Progress::Waits },
        ],
        returns: vec![ReturnFact {
            probe: "null-sender",
            is_bounce: false,
            peer: "192.0.2.1".parse().unwrap(),
            at: UnixTime(3_000),
        }],
        headers: vec![Shown::new("Received: from <there>")],
        transcript: Part { lines: vec![Shown::new("C: RCPT TO:<x>")], number: 1, count: 2 },
        is_listed: true,
        second_test_at: None,
    }
}

/// A server with zones of all kinds and listings, in which everything that is private has the word `undisclosed`.
pub(super) fn furnished(settings: Settings) -> Pages {
    let pages = Pages::new(settings);
    furnish(&pages);
    pages
}

/// The same, which takes requests for removal.
pub(super) async fn furnished_with_removals(settings: Settings) -> Pages {
    let pages = Pages::with_removals(settings).await;
    furnish(&pages);
    pages
}

fn furnish(pages: &Pages) {
    pages.zone("bl.example.org", ZoneKind::Ip, |_| {});
    pages.zone("dbl.example.org", ZoneKind::Domain, |_| {});
    pages.zone("undisclosed-allow.example", ZoneKind::Allow(Default::default()), |_| {});
    let refuse = AccessRules::new(AccessAction::Refuse, Vec::new()).unwrap();
    pages.zone("undisclosed-paid.example", ZoneKind::Ip, |spec| spec.access.rules = refuse);
    let body = |reason: Option<&str>, expires_in: Option<u64>| ListingBody {
        reason: reason.map(|reason| reason.parse().unwrap()),
        note: Some("undisclosed note".into()),
        tags: vec!["undisclosed-tag".into()],
        expires_at: expires_in.map(|seconds| UnixTime::now().plus(seconds)),
        ..ListingBody::default()
    };
    pages.list("bl.example.org", "192.0.2.1", body(Some("Sent spam to a trap"), Some(86_400)));
    pages.list("bl.example.org", "192.0.2.2", body(None, None));
    pages.list("bl.example.org", "198.51.100.0/24", body(Some("Network $"), None));
    pages.list("bl.example.org", "2001:db8::/48", body(None, None));
    let exclusion = ListingBody { exclusion: true, ..ListingBody::default() };
    pages.list("bl.example.org", "198.51.100.7", exclusion);
    pages.list("undisclosed-paid.example", "192.0.2.1", body(Some("undisclosed reason"), None));
    pages.list("dbl.example.org", "*.bad.example", body(None, None));
}
