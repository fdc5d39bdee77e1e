//! The pages over a real store and index, without connections.

mod console;
mod markup;
mod pages;
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
use dnsbl_store::{Actor, Change, Operation, Precondition, Sources, Store};
use dnsbl_types::{
    AccessAction, AccessRules, ListingBody, Name, Reason, Subject, UnixTime, ZoneKind, ZoneSpec,
};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub(crate) use self::markup::{well_formed, well_formed_xml};
use crate::{
    Host, Languages, Limits, Settings, ShownZones, Site, State, app::App, client::Peer, router,
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
        limits: Limits {
            connections: 16,
            connections_per_network: 16,
            requests_per_second: 0,
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
    router: Router,
    store: Store,
    pub(super) host: Arc<CountingHost>,
    _dir: TempDir,
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
        let dir = TempDir::new().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        store.load(&mut writer).unwrap();
        store.start(Box::new(writer)).unwrap();
        let host = Arc::new(CountingHost::default());
        let site = Site {
            store: store.read_only(),
            index,
            tester: None,
            host: host.clone(),
            settings,
            console: None,
        };
        Self { router: router::build(App::new(site)), store, host, _dir: dir }
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
        let mut request = Request::builder().method(method).uri(path).extension(Peer(peer));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
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

/// A server with zones of all kinds and listings, in which everything that is private has the word `undisclosed`.
pub(super) fn furnished(settings: Settings) -> Pages {
    let pages = Pages::new(settings);
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
    pages
}
