//! The router over a store in a temporary folder, with tokens.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use admin_api::{
    Api, FeedImporter, Limits, Readiness, SCOPES, ServerStatus, WebhookWriter, router,
};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use dnsbl_feeds::{Feeds, FetchLimits};
use dnsbl_index::{Index, IndexObserver, IndexWriter, IndexedSubscriber, ZoneNumber};
use dnsbl_logins::{Logins, RunningLogins, Secrets, Settings, Start};
use dnsbl_removals::{Removals, Review, RunningRemovals};
use dnsbl_reports::{Reports, RunningReports};
use dnsbl_rights::Tokens;
use dnsbl_store::{Actor, Change, MintedToken, Operation, Store};
use dnsbl_types::{Clock, Name, UnixTime};
use dnsbl_webhooks::{Destinations, Patience, Webhooks};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt as _;

/// What there is to say of each type of problem.
const PROBLEMS: &str = include_str!("../../../docs/problems.md");

/// The zone that most tests use.
pub(crate) const ZONE: &str = "/v1/zones/bl.example.org";

/// Lines of so many addresses, as an import takes them.
pub(crate) fn addresses(count: u32) -> String {
    (0..count).map(|n| format!("{}\n", std::net::Ipv4Addr::from(0x0800_0000 + n))).collect()
}

/// What an import says it did: added, updated, unchanged, removed and rejected rows.
pub(crate) fn counts(answer: &Value) -> [u64; 5] {
    ["added", "updated", "unchanged", "removed", "rejected"]
        .map(|name| answer[name].as_u64().unwrap())
}

/// Tells who waits which change is visible.
struct Visible(watch::Sender<u64>);

impl IndexObserver for Visible {
    fn zone_put(&mut self, _: ZoneNumber, _: &Name) {}
    fn zone_removed(&mut self, _: &Name) {}
    fn subscriber_replaced(&mut self, _: IndexedSubscriber) {}
    fn published(&mut self, seq: u64, _: Instant) {
        self.0.send_replace(seq);
    }
}

#[derive(Default)]
pub(crate) struct Server {
    counted: Mutex<Vec<(String, u16)>>,
    refused: Mutex<Vec<(String, u16)>>,
    /// Why its clock is in doubt.
    pub(crate) doubt: Mutex<Option<(String, u64)>>,
    /// Asking it for metrics panics.
    pub(crate) broken: AtomicBool,
}

impl Server {
    pub(crate) fn counted(&self) -> Vec<(String, u16)> {
        self.counted.lock().unwrap().clone()
    }

    pub(crate) fn refused(&self) -> Vec<(String, u16)> {
        self.refused.lock().unwrap().clone()
    }
}

impl ServerStatus for Server {
    fn readiness(&self) -> Readiness {
        let (reason, detail) = (Some("the store takes no writes".into()), Some("/secret".into()));
        Readiness { ready: false, reason, detail }
    }
    fn metrics_text(&self) -> String {
        assert!(!self.broken.load(Ordering::Relaxed), "broken");
        "dnsbl_head_seq 1\n".into()
    }
    fn count_request(&self, route: &str, code: u16) {
        self.counted.lock().unwrap().push((route.into(), code));
    }
    fn count_refusal(&self, token: &str, code: u16) {
        self.refused.lock().unwrap().push((token.into(), code));
    }
    fn clock_doubt(&self) -> Option<(String, u64)> {
        self.doubt.lock().unwrap().clone()
    }
}

/// The secret of those who report logins without a token.
pub(crate) const LOGIN_SECRET: &str = "0123456789abcdef-of-a-test";

pub(crate) struct Fixture {
    router: Router,
    api: Option<Api>,
    pub(crate) store: Store,
    pub(crate) server: Arc<Server>,
    pub(crate) admin: String,
    minted: Mutex<u8>,
    /// It runs as long as the fixture.
    logins: Option<RunningLogins>,
    /// The same.
    reports: Option<RunningReports>,
    start_reports: Option<dnsbl_reports::Start>,
    /// The same.
    removals: Option<RunningRemovals>,
    start_removals: Option<dnsbl_removals::Start>,
    dir: TempDir,
}

impl Fixture {
    /// An IP zone and a token `admin` with every scope.
    pub(crate) async fn new() -> Self {
        Self::limited(&Limits::default()).await
    }

    /// The same with other limits.
    pub(crate) async fn limited(limits: &Limits) -> Self {
        let fixture = Self::with(limits, true);
        fixture.put_zone(ZONE, "ip").await;
        fixture
    }

    pub(crate) fn with(limits: &Limits, loaded: bool) -> Self {
        Self::build(limits, loaded, Settings::default()).0
    }

    /// One that takes logins with these settings.
    pub(crate) async fn taking_logins(settings: Settings) -> Self {
        let (mut fixture, start) = Self::build(&Limits::default(), true, settings);
        fixture.logins = Some(start.run().await.unwrap());
        fixture
    }

    /// One that takes reports.
    pub(crate) async fn taking_reports() -> Self {
        Self::with(&Limits::default(), true).and_reports().await
    }

    /// The same fixture, which takes reports.
    pub(crate) async fn and_reports(self) -> Self {
        let mut fixture = self;
        let start = fixture.start_reports.take().unwrap();
        fixture.reports = Some(start.run(Clock::watched(None)).await.unwrap());
        fixture
    }

    /// The same fixture, which takes requests for removal.
    pub(crate) async fn and_removals(self) -> Self {
        let mut fixture = self;
        let start = fixture.start_removals.take().unwrap();
        fixture.removals = Some(start.run(Clock::watched(None)).await.unwrap());
        fixture
    }

    fn build(limits: &Limits, loaded: bool, logins: Settings) -> (Self, Start) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let index = Arc::new(Index::default());
        let (head, seen) = watch::channel(0);
        let mut writer = IndexWriter::observed(index.clone(), Visible(head));
        if loaded {
            store.load(&mut writer).unwrap();
            store.start(Box::new(writer)).unwrap();
        }
        let server = Arc::new(Server::default());
        let secret = dir.path().join("logins.secret");
        std::fs::write(&secret, LOGIN_SECRET).unwrap();
        let (logins, start) = Logins::new(store.clone(), index.clone(), logins);
        let (reports, start_reports) =
            Reports::new(store.clone(), index.clone(), None, dnsbl_reports::Settings::default());
        let (removals, start_removals) = Removals::new(
            store.clone(),
            index.clone(),
            None,
            dnsbl_removals::Settings::default(),
            [7; 32],
        );
        let review = Review::new(store.clone(), removals.clone(), reports.clone());
        let review = Arc::new(review);
        let feeds = Feeds::new(
            store.clone(),
            Arc::new(FeedImporter::new(store.clone(), server.clone())),
            dnsbl_feeds::Settings {
                configured: Vec::new(),
                folders: vec![dir.path().join("lists")],
                spool: dir.path().join("feeds"),
                limits: FetchLimits::default(),
                roots: Vec::new(),
            },
        );
        let tokens = Tokens::new(store.clone());
        let webhooks = Webhooks::new(
            store.clone(),
            Arc::new(WebhookWriter::new(store.clone())),
            seen.clone(),
            || 0,
            dnsbl_webhooks::Settings {
                destinations: Destinations { allowed: vec!["127.0.0.0/8".parse().unwrap()] },
                patience: Patience { first: 1, longest: 1, pause_after: 3600 },
                ..dnsbl_webhooks::Settings::default()
            },
        );
        let api = || Api {
            store: store.clone(),
            tokens: tokens.clone(),
            index: index.clone(),
            head: seen.clone(),
            server: server.clone(),
            limits: Arc::new(limits.clone().into()),
            tester: None,
            feeds: feeds.clone(),
            webhooks: webhooks.clone(),
            logins: logins.clone(),
            reports: reports.clone(),
            removals: removals.clone(),
            review: review.clone(),
            login_secrets: Secrets::read([&secret]).unwrap(),
        };
        let mut fixture = Self {
            router: router(api()),
            api: Some(api()),
            store: store.clone(),
            server: server.clone(),
            admin: String::new(),
            minted: 0.into(),
            logins: None,
            reports: None,
            start_reports: Some(start_reports),
            removals: None,
            start_removals: Some(start_removals),
            dir,
        };
        if loaded {
            fixture.admin = fixture.mint("admin", SCOPES);
        }
        (fixture, start)
    }

    /// The folder from which feeds may read; it is not there yet.
    pub(crate) fn lists(&self) -> std::path::PathBuf {
        self.dir.path().join("lists")
    }

    /// What the router was made from, to be served over sockets.
    pub(crate) fn take_api(&mut self) -> Api {
        self.api.take().unwrap()
    }

    pub(crate) fn admin(&self) -> String {
        self.admin.clone()
    }

    pub(crate) async fn put_zone(&self, path: &str, kind: &str) {
        let body = json!({"kind": kind, "ns": ["ns1.example.net."]});
        let answer = self.put(path, body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }

    /// Makes a token without the API.
    pub(crate) fn mint(&self, name: &str, scopes: &[&str]) -> String {
        let mut count = self.minted.lock().unwrap();
        *count += 1;
        let scopes = scopes.iter().map(ToString::to_string).collect();
        let random = [*count; MintedToken::RANDOM];
        let minted = MintedToken::mint(random, name.into(), scopes, UnixTime(1), None);
        let now = UnixTime::now();
        let put = Operation::PutToken(minted.record);
        self.store.commit(Change::new(Actor::server(), put), now).unwrap();
        minted.text.reveal().into()
    }

    /// The response to a request of the token's holder, whose body nobody reads.
    pub(crate) async fn open(&self, token: &str, path: &str) -> axum::response::Response {
        let request =
            Request::builder().uri(path).header("authorization", format!("Bearer {token}"));
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        // A backup is none.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer {
            status: parts.status,
            headers: parts.headers,
            json: serde_json::from_str(&text).unwrap_or_default(),
            text,
        }
    }

    /// A request as `admin`.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        let token = self.admin.clone();
        self.ask_as(&token, method, path)
    }

    pub(crate) fn ask_as(&self, token: &str, method: &str, path: &str) -> Ask<'_> {
        let headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        Ask {
            fixture: self,
            method: method.into(),
            path: path.into(),
            headers,
            body: Body::empty(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).send().await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask("PUT", path).json(&body).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path).json(&body).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path).send().await
    }

    pub(crate) async fn import(&self, query: &str, body: impl Into<Body>) -> Answer {
        let path = format!("{ZONE}/import?{query}");
        self.ask("POST", &path).body(body).send().await
    }

    /// Puts a listing that must be taken.
    pub(crate) async fn list(&self, subject: &str, body: Value) -> Answer {
        let answer = self.put(&format!("{ZONE}/listings/{subject}"), body).await;
        assert!(answer.status.is_success(), "{subject}: {}", answer.text);
        answer
    }
}

/// A request in the making.
pub(crate) struct Ask<'a> {
    fixture: &'a Fixture,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Body,
}

impl Ask<'_> {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn without_token(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "authorization");
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let fixture = self.fixture;
        fixture.send(self.request()).await
    }

    /// The response, whose body is read piece by piece.
    pub(crate) async fn open(self) -> axum::response::Response {
        let router = self.fixture.router.clone();
        router.oneshot(self.request()).await.unwrap()
    }

    fn request(self) -> Request<Body> {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(self.body).unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// A problem of this status, in the one envelope.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.json["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(self.json[member].is_string(), "{}", self.text);
        }
        let word = self.json["type"].as_str().unwrap().trim_start_matches("/problems/");
        let section = format!("\n## {word}\n");
        assert!(PROBLEMS.contains(&section), "docs/problems.md has no section {word}");
        &self.json
    }

    #[track_caller]
    pub(crate) fn ok(&self) -> &Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        &self.json
    }
}
