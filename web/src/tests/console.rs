//! The operator's console: who may do what, and that nobody is made to do anything.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use admin_api_types::{ROLES, Role, SCOPES};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use dnsbl_feeds::{Feed, Feeds, FetchLimits, Importer, Origin, Share};
use dnsbl_formats::Format;
use dnsbl_index::{Index, IndexWriter};
use dnsbl_removals::{Removals, Review, RunningRemovals};
use dnsbl_reports::{Claimed, Comment, Evidence, Reports, RunningReports, Submission};
use dnsbl_rights::Tokens;
use dnsbl_store::{Actor, AuditRecord, Change, MintedToken, Operation, Precondition, Store};
use dnsbl_types::{
    AccessKey, AllowEntry, Clock, ListingBody, MaxPrefix, Name, Quota, Reason, Recognition,
    ReportCategory, ReportRule, ReportRules, Subscriber, SubscriberId, SubscriberKey, TokenTerms,
    UnixTime, ZoneKind, ZoneSpec,
};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::{CountingHost, Page, settings, well_formed};
use crate::{Console, OperatorFiles, Site, app::App, client::Peer, router};

/// What an action or a page of the console is asked with, the roles that may (by their letters: operator, reviewer,
/// submitter, reader), and what answers them. `{report}` and the like stand for what there is.
struct Row(&'static str, Option<&'static str>, &'static str, u16);

/// The roles by their letters.
const LETTERS: [(char, &str); 4] =
    [('o', "operator"), ('v', "reviewer"), ('s', "submitter"), ('r', "reader")];

/// A server without a relay tester says that there is none to who could ask it: 404.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row("", None, "ovsr", 200),
    Row("listings", None, "ovsr", 200),
    Row("listings?q=192.0.2.0/24", None, "ovsr", 200),
    Row("listings/add", None, "ov", 200),
    Row("listings/add", Some("zone=mine.example.org&subject=5.6.7.8"), "ov", 303),
    Row("listings/remove", Some("zone=mine.example.org&subject=192.0.2.1&source=the-source"), "ov", 303),
    Row("undo", None, "ov", 200),
    Row("undo", Some("seq={listing}"), "ov", 303),
    Row("review", None, "ov", 200),
    Row("review/report-{report}", None, "ov", 200),
    Row("review/report-{report}", Some("decision=refute&note=seen"), "ov", 303),
    Row("review/report-{report}/claim", Some(""), "ov", 303),
    Row("review/report-{report}/release", Some(""), "ov", 303),
    Row("reports", None, "ov", 200),
    Row("reports/{report}", None, "ov", 200),
    Row("reports/{report}", Some("verdict=refuted&note=seen"), "ov", 303),
    Row("feeds", None, "ovr", 200),
    Row("feeds/run", Some("feed=list"), "o", 303),
    Row("sources", None, "ovsr", 200),
    Row("sources", Some("zone=mine.example.org&source=the-source&freeze=1&why=it+errs"), "o", 303),
    Row("subscribers", None, "o", 200),
    Row("subscribers/{subscriber}", None, "o", 200),
    Row("subscribers/{subscriber}/rotate", Some("overlap=0"), "o", 200),
    Row("subscribers/{subscriber}/revoke", Some(""), "o", 303),
    Row("tests", None, "ovsr", 404),
    Row("tests", Some("address=192.0.2.1&ground=evidence"), "ovs", 404),
    Row("tests/a2ymidienc3la", None, "ovsr", 404),
    Row("opt-outs", Some("network=192.0.2.0/24"), "ov", 404),
    Row("opt-outs/end", Some("network=192.0.2.0/24"), "ov", 404),
    Row("allow", None, "ovr", 200),
    Row("allow", Some("zone=mine.example.org&subject=192.0.2.9&why=ours"), "o", 303),
    Row("allow/remove", Some("zone=mine.example.org&subject=192.0.2.200"), "o", 303),
    Row("audit", None, "ov", 200),
    Row("tokens", None, "o", 200),
    Row("tokens/revoke", Some("id={other}"), "o", 303),
];

/// A server with something of everything, in the zones `mine.example.org` and `other.example.org`.
struct Server {
    router: Router,
    store: Store,
    tokens: Arc<Tokens>,
    minted: std::sync::Mutex<u8>,
    /// The change that listed 192.0.2.1.
    listing: u64,
    report: String,
    subscriber: String,
    /// A token that nobody uses.
    other: String,
    _reports: RunningReports,
    _removals: RunningRemovals,
    _dir: TempDir,
}

/// A browser: where it is, and its cookie.
#[derive(Clone)]
struct Browser<'a> {
    server: &'a Server,
    peer: SocketAddr,
    cookie: String,
    form_secret: String,
}

/// An importer that nothing is given to: what the feed reads is not there.
struct NoImports;

impl Importer for NoImports {
    fn import(
        &self,
        _: &dnsbl_feeds::Order<'_>,
        _: Vec<dnsbl_feeds::Body>,
        _: UnixTime,
    ) -> Result<dnsbl_feeds::Imported, dnsbl_feeds::ImportError> {
        unreachable!("there is nothing to import")
    }

    fn is_current(&self, _: &Feed, _: UnixTime) -> bool {
        true
    }
}

const LOOPBACK: &str = "127.0.0.1:4000";

impl Server {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        store.load(&mut writer).unwrap();
        store.start(Box::new(writer)).unwrap();
        let feed = Feed {
            name: "list".parse().unwrap(),
            zone: "other.example.org".parse().unwrap(),
            source: "list".parse().unwrap(),
            origin: Origin::path(dir.path().join("missing")).unwrap(),
            format: Format::new("plain", None, None).unwrap(),
            every: 3600,
            max_removed: Share::FIFTH,
            max_rejected: Share::TWENTIETH,
            expires_in: None,
            lifted: Vec::new(),
            allow_private: false,
        };
        let feeds = Feeds::new(
            store.clone(),
            Arc::new(NoImports),
            dnsbl_feeds::Settings {
                configured: vec![feed],
                folders: vec![dir.path().to_owned()],
                spool: dir.path().join("feeds"),
                limits: FetchLimits::default(),
                roots: Vec::new(),
            },
        );
        feeds.start().await.unwrap();
        let (reports, start) =
            Reports::new(store.clone(), index.clone(), None, dnsbl_reports::Settings::default());
        let running = start.run(Clock::watched(None)).await.unwrap();
        let (removals, start) = Removals::new(
            store.clone(),
            index.clone(),
            None,
            dnsbl_removals::Settings::default(),
            [7; 32],
        );
        let running_removals = start.run(Clock::watched(None)).await.unwrap();
        let review = Arc::new(Review::new(store.clone(), removals.clone(), reports.clone()));
        let tokens = Tokens::new(store.clone());
        let console = Console {
            tokens: tokens.clone(),
            feeds,
            reports: reports.clone(),
            removals,
            review,
            tester: None,
            from: vec!["127.0.0.0/8".parse().unwrap(), "198.51.100.0/24".parse().unwrap()],
        };
        let site = Site {
            store: store.read_only(),
            index,
            tester: None,
            nominations: None,
            removals: None,
            form_key: [7; 32],
            files: OperatorFiles::default(),
            host: Arc::new(CountingHost::default()),
            settings: settings(),
            console: Some(console),
        };
        let mut server = Self {
            router: router::build(App::new(site)),
            store,
            tokens,
            minted: 0.into(),
            listing: 0,
            report: String::new(),
            subscriber: "0000000000000007".into(),
            other: String::new(),
            _reports: running,
            _removals: running_removals,
            _dir: dir,
        };
        server.furnish(&reports).await;
        server
    }

    async fn furnish(&mut self, reports: &Reports) {
        for origin in ["mine.example.org", "other.example.org"] {
            let ns: Name = "ns1.example.net".parse().unwrap();
            let reason: Reason = "Listed: $".parse().unwrap();
            let mut spec = ZoneSpec::new(origin.parse().unwrap(), ZoneKind::Ip, vec![ns], reason);
            let rules = [(ReportCategory::Spam, ReportRule::default())];
            spec.reports = Some(ReportRules::new(rules).unwrap());
            let zone = Box::new(spec.check().unwrap());
            self.change(Operation::PutZone { zone, serial_floor: None });
        }
        self.list("other.example.org", "192.0.2.2", ListingBody::default());
        self.list("mine.example.org", "192.0.2.0/24", ListingBody::default());
        self.listing = self.list("mine.example.org", "192.0.2.1", ListingBody::default());
        let digest = AccessKey::from_random([9; AccessKey::RANDOM]).digest();
        let subscriber = Box::new(Subscriber {
            id: SubscriberId(7),
            name: "the subscriber".into(),
            zones: vec!["other.example.org".parse().unwrap()],
            networks: Vec::new(),
            recognition: Recognition::Key,
            quota: Quota::default(),
            expires_at: None,
            keys: vec![SubscriberKey { digest, created_at: UnixTime(1), until: None }],
            note: None,
            created_at: UnixTime(1),
        });
        self.change(Operation::PutSubscriber { subscriber, precondition: Precondition::Absent });
        self.allow("ours", "192.0.2.200");
        self.other = self.mint("unused", &["zones:read"], TokenTerms::default()).0;
        self.report = self.report(reports, "5.6.7.9", "it sent spam", "Subject: x").await;
    }

    fn allow(&self, reason: &str, subject: &str) {
        let entry = Box::new(AllowEntry {
            zone: Some("mine.example.org".parse().unwrap()),
            subject: subject.parse().unwrap(),
            reason: reason.into(),
            owner: "ops".into(),
            expires_at: None,
            created_at: UnixTime(1),
        });
        self.change(Operation::PutAllow { entry, precondition: Precondition::Absent });
    }

    async fn report(
        &self,
        reports: &Reports,
        subject: &str,
        comment: &str,
        evidence: &str,
    ) -> String {
        let claimed = Claimed {
            zone: Some("other.example.org".parse().unwrap()),
            subject: subject.parse().unwrap(),
            category: ReportCategory::Spam,
            count: 1,
            first_seen: None,
            last_seen: None,
            comment: Comment::new(comment),
            evidence: Evidence::new(evidence),
        };
        let reporter = "trap".parse().unwrap();
        let submission = Submission { reporter, network: None, claimed };
        reports.report(submission).await.unwrap().report.id.to_string()
    }

    fn change(&self, operation: Operation) -> u64 {
        let change = Change::new(Actor::part("the-actor"), operation);
        self.store.commit(change, UnixTime::now()).unwrap().seq
    }

    fn list(&self, zone: &str, subject: &str, body: ListingBody) -> u64 {
        self.change(Operation::PutListing {
            zone: zone.parse().unwrap(),
            subject: subject.parse().unwrap(),
            source: "the-source".parse().unwrap(),
            body: Box::new(body),
            precondition: Precondition::None,
        })
    }

    /// The id and the text of a new token.
    fn mint(&self, name: &str, scopes: &[&str], terms: TokenTerms) -> (String, String) {
        let random = {
            let mut count = self.minted.lock().unwrap();
            *count += 1;
            [*count; MintedToken::RANDOM]
        };
        let scopes = scopes.iter().map(ToString::to_string).collect();
        let MintedToken { mut record, text } =
            MintedToken::mint(random, name.into(), scopes, UnixTime(1), None);
        record.terms = terms;
        let id = record.id.clone();
        self.change(Operation::PutToken(record));
        (id, text.reveal().into())
    }

    fn mint_role(&self, role: &str) -> String {
        let scopes: Vec<&str> = Role::named(role).unwrap().scopes().collect();
        // The operator is not to be the last who may make tokens.
        self.mint(role, &scopes, TokenTerms::default()).1
    }

    fn browser(&self) -> Browser<'_> {
        self.browser_at(LOOPBACK)
    }

    fn browser_at(&self, peer: &str) -> Browser<'_> {
        let (cookie, form_secret) = (String::new(), String::new());
        Browser { server: self, peer: peer.parse().unwrap(), cookie, form_secret }
    }

    /// A browser in which this token was signed in with.
    async fn signed_in(&self, token: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let page = browser.sign_in(token).await;
        assert_eq!(page.status, 303, "{}", page.text);
        browser
    }

    /// A path or a form in which names stand for what there is.
    fn filled(&self, text: &str) -> String {
        text.replace("{listing}", &self.listing.to_string())
            .replace("{report}", &self.report)
            .replace("{subscriber}", &self.subscriber)
            .replace("{other}", &self.other)
    }
}

impl Browser<'_> {
    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Page {
        let mut request = Request::builder().method(method).uri(path).extension(Peer(self.peer));
        if !self.cookie.is_empty() {
            request = request.header("cookie", &self.cookie);
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.unwrap_or_default())).unwrap();
        let response = self.server.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Page { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// GET of a place of the console in English.
    async fn get(&self, place: &str) -> Page {
        self.send("GET", &at("en", place), &[], None).await
    }

    /// A form of this browser.
    async fn post(&self, place: &str, fields: &str) -> Page {
        self.post_with(place, fields, &self.form_secret).await
    }

    /// A form that carries this secret.
    async fn post_with(&self, place: &str, fields: &str, secret: &str) -> Page {
        let body = format!("{fields}&form={secret}");
        self.send("POST", &at("en", place), &[], Some(body)).await
    }

    /// Takes the cookie and the secret of forms from a page.
    fn take(&mut self, page: &Page) {
        if let Some(cookie) = page.headers.get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
        if let Some(secret) = secret_of(&page.text) {
            self.form_secret = secret;
        }
    }

    async fn sign_in(&mut self, token: &str) -> Page {
        let page = self.get("sign-in").await;
        self.take(&page);
        let answer = self.post("sign-in", &format!("token={token}")).await;
        self.take(&answer);
        if answer.status == 303 {
            let page = self.get("").await;
            self.take(&page);
        }
        answer
    }

    async fn is_signed_in(&self) -> bool {
        self.get("").await.status == 200
    }
}

fn at(language: &str, place: &str) -> String {
    match place {
        "" => format!("/{language}/admin"),
        place => format!("/{language}/admin/{place}"),
    }
}

/// The secret that the forms of a page carry.
fn secret_of(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("name=\"form\" value=\"")?;
    Some(rest.split('"').next().unwrap().to_owned())
}

/// The places that the forms of a page would do something at.
fn actions(page: &str) -> BTreeSet<String> {
    let forms = page.split("<form").skip(1).filter_map(|form| form.split('>').next());
    let posting = forms.filter(|form| form.contains("method=\"post\""));
    let of = |form: &str| form.split("action=\"").nth(1)?.split('"').next().map(str::to_owned);
    posting.filter_map(of).filter(|action| !action.ends_with("/sign-out")).collect()
}

/// The place of a path as a row has it.
fn row_place(server: &Server, action: &str) -> String {
    action
        .trim_start_matches("/en/admin/")
        .replace(&server.report, "{report}")
        .replace(&server.subscriber, "{subscriber}")
}

#[tokio::test]
async fn every_page_and_action_is_for_the_roles_that_the_table_names() {
    let server = Server::new().await;
    let mut browsers = Vec::new();
    for (letter, role) in LETTERS {
        browsers.push((letter, server.signed_in(&server.mint_role(role)).await));
    }
    for Row(place, fields, roles, _) in ROWS {
        for (letter, browser) in browsers.iter().filter(|(letter, _)| !roles.contains(*letter)) {
            let place = server.filled(place);
            let page = match fields {
                None => browser.get(&place).await,
                Some(fields) => browser.post(&place, &server.filled(fields)).await,
            };
            assert_eq!(page.status, 403, "{letter} {place}: {}", page.text);
            well_formed(&page.text);
        }
    }
    for Row(place, _, roles, status) in ROWS.iter().filter(|row| row.1.is_none()) {
        for (letter, browser) in browsers.iter().filter(|(letter, _)| roles.contains(*letter)) {
            let page = browser.get(&server.filled(place)).await;
            assert_eq!(page.status, *status, "{letter} {place}: {}", page.text);
            well_formed(&page.text);
        }
    }
    // Who may do something, on a server where nobody else has done it yet.
    for Row(place, fields, roles, status) in ROWS {
        let Some(fields) = fields else { continue };
        for (letter, role) in LETTERS.iter().filter(|(letter, _)| roles.contains(*letter)) {
            let server = Server::new().await;
            server.mint("keeper", SCOPES, TokenTerms::default());
            let browser = server.signed_in(&server.mint_role(role)).await;
            let place = server.filled(place);
            let page = browser.post(&place, &server.filled(fields)).await;
            assert_eq!(page.status, *status, "{letter} {place}: {}", page.text);
            if page.status == 303 {
                let next = browser.send("GET", page.header("location"), &[], None).await;
                assert!(matches!(next.status, 200 | 403), "{letter} {place}: {}", next.text);
                assert!(next.status == 403 || next.text.contains("role=\"status\""), "{place}");
            } else {
                well_formed(&page.text);
            }
        }
    }
    assert_eq!(ROLES.len(), LETTERS.len(), "a role has no letter");
}

#[tokio::test]
async fn a_page_has_no_form_that_its_reader_may_not_use() {
    let server = Server::new().await;
    for (letter, role) in LETTERS {
        let browser = server.signed_in(&server.mint_role(role)).await;
        for Row(place, _, roles, status) in ROWS.iter().filter(|row| row.1.is_none()) {
            if !roles.contains(letter) || *status != 200 {
                continue;
            }
            let page = browser.get(&server.filled(place)).await;
            for action in actions(&page.text) {
                let of = row_place(&server, &action);
                let row = ROWS.iter().find(|row| row.0 == of && row.1.is_some());
                let Row(_, _, roles, _) = row.unwrap_or_else(|| panic!("{of} has no row"));
                assert!(roles.contains(letter), "{letter} is offered {of} on {place}");
            }
            for Row(menu, ..) in
                ROWS.iter().filter(|row| row.1.is_none() && !row.2.contains(letter))
            {
                let link = format!("href=\"{}\"", at("en", menu));
                assert!(!page.text.contains(&link), "{letter} is led to {menu}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_for_one_zone_and_small_prefixes_sees_and_changes_nothing_else() {
    let server = Server::new().await;
    let terms = TokenTerms {
        zones: vec!["mine.example.org".parse().unwrap()],
        max_prefix: Some(MaxPrefix::new(32, 128).unwrap()),
        ..TokenTerms::default()
    };
    let browser = server.signed_in(&server.mint("limited", SCOPES, terms).1).await;
    for Row(place, fields, ..) in ROWS {
        if fields.is_some() || place.contains('{') || place.starts_with("tests") {
            continue;
        }
        let page = browser.get(place).await;
        assert_eq!(page.status, 200, "{place}");
        assert!(!page.text.contains("other.example.org"), "{place}: {}", page.text);
    }
    for (place, fields) in [
        ("listings/add", "zone=other.example.org&subject=5.6.7.8"),
        ("listings/add", "zone=mine.example.org&subject=5.6.7.0/24"),
        ("listings/remove", "zone=other.example.org&subject=192.0.2.2&source=the-source"),
        ("listings/remove", "zone=mine.example.org&subject=192.0.2.0/24&source=the-source"),
        ("undo", "seq={listing}"),
        ("reports/{report}", "verdict=refuted"),
        ("review/report-{report}", "decision=refute"),
        ("review/report-{report}/claim", ""),
        ("review/report-{report}/release", ""),
        ("feeds/run", "feed=list"),
        ("sources", "zone=other.example.org&source=x&freeze=1&why=x"),
        ("sources", "zone=mine.example.org&source=x&freeze=1&why=x"),
        ("subscribers/{subscriber}/rotate", "overlap=0"),
        ("subscribers/{subscriber}/revoke", ""),
        ("allow", "subject=5.6.7.8&why=x"),
        ("allow", "zone=other.example.org&subject=5.6.7.8&why=x"),
        ("allow", "zone=mine.example.org&subject=5.6.7.0/24&why=x"),
        ("allow/remove", "subject=192.0.2.200"),
        ("tokens/revoke", "id={other}"),
    ] {
        let page = browser.post(&server.filled(place), &server.filled(fields)).await;
        assert_eq!(page.status, 403, "{place} {fields}: {}", page.text);
    }
    for place in ["reports/{report}", "subscribers/{subscriber}"] {
        assert_eq!(browser.get(&server.filled(place)).await.status, 403, "{place}");
    }
}

#[tokio::test]
async fn a_form_that_is_not_of_the_session_does_nothing() {
    let server = Server::new().await;
    let token = server.mint_role("operator");
    let (mine, other) = (server.signed_in(&token).await, server.signed_in(&token).await);
    for Row(place, fields, ..) in ROWS {
        let Some(fields) = fields else { continue };
        let (place, fields) = (server.filled(place), server.filled(fields));
        for secret in ["", "00", other.form_secret.as_str()] {
            let page = mine.post_with(&place, &fields, secret).await;
            assert_eq!(page.status, 403, "{place} with {secret:?}");
        }
        // What another site could have a browser send: a body of another type, or none.
        let body = Some(format!("{fields}&form={}", mine.form_secret));
        let page =
            mine.send("POST", &at("en", &place), &[("content-type", "text/plain")], body).await;
        assert_eq!(page.status, 403, "{place}");
        let large = format!("{fields}&form={}&x={}", mine.form_secret, "x".repeat(70_000));
        let page = mine.send("POST", &at("en", &place), &[], Some(large)).await;
        assert_eq!(page.status, 403, "{place}");
    }
    let page = mine.post_with("sign-out", "", &other.form_secret).await;
    assert_eq!(page.status, 403);
    assert!(mine.is_signed_in().await);
    let is_as_it_was = || {
        let reader = server.store.read(UnixTime::now());
        let zone: Name = "mine.example.org".parse().unwrap();
        let listed =
            |subject: &str| reader.listings_of(&zone, &subject.parse().unwrap()).unwrap().len();
        let of_zone = reader.sources(&zone).unwrap().unwrap();
        listed("192.0.2.1") == 1
            && listed("5.6.7.8") == 0
            && of_zone.iter().all(|source| source.frozen.is_none())
            && reader.token(&server.other).unwrap().is_some()
            && reader.subscriber(SubscriberId(7)).unwrap().is_some()
            && reader.allow_entries(None, 10).unwrap().len() == 1
    };
    assert!(is_as_it_was());
    // Who has not signed in is led to where he can.
    let nobody = server.browser();
    for place in ["", "listings", "tokens"] {
        let page = nobody.get(place).await;
        assert_eq!((page.status, page.header("location")), (303, "/en/admin/sign-in"), "{place}");
    }
    let page = nobody.post("tokens/revoke", &server.filled("id={other}")).await;
    assert_eq!((page.status, page.header("location")), (303, "/en/admin/sign-in"));
    assert!(is_as_it_was());
}

/// What a browser says of another site that leads it here (Fetch Metadata), or of another port of this host.
const ELSEWHERE: [[(&str, &str); 1]; 3] = [
    [("sec-fetch-site", "cross-site")],
    [("sec-fetch-site", "same-site")],
    [("origin", "http://127.0.0.1:8099")],
];

#[tokio::test]
async fn a_form_that_another_site_sends_does_nothing_though_it_knows_the_secret() {
    let server = Server::new().await;
    let (token, other) = (server.mint_role("operator"), server.mint_role("reader"));
    let browser = server.signed_in(&token).await;
    for headers in &ELSEWHERE {
        for (place, fields) in [
            ("listings/add", "zone=mine.example.org&subject=5.6.7.8".to_owned()),
            ("sign-out", String::new()),
            ("sign-in", format!("token={other}")),
        ] {
            let body = format!("{fields}&form={}", browser.form_secret);
            let page = browser.send("POST", &at("en", place), headers, Some(body)).await;
            assert_eq!(page.status, 403, "{place} {headers:?}");
            assert!(page.headers.get("set-cookie").is_none(), "{place} {headers:?}");
            well_formed(&page.text);
        }
    }
    assert!(browser.is_signed_in().await);
    let page = browser.get("listings?q=5.6.7.8").await;
    assert!(page.text.contains("DNS does not list it"), "{}", page.text);
}

/// The browser keeps its cookie for itself then, and is not to lose it to another one.
#[tokio::test]
async fn whoever_is_led_by_another_site_is_led_on_and_keeps_the_session() {
    let server = Server::new().await;
    let browser = server.browser();
    let headers = [("sec-fetch-site", "cross-site")];
    for place in ["", "audit?actor=a%3Bb&x=%0d%0ay", "sign-in"] {
        let path = at("ja", place);
        let page = browser.send("GET", &path, &headers, None).await;
        assert_eq!((page.status, page.header("refresh")), (200, &*format!("0; url={path}")));
        assert!(page.headers.get("set-cookie").is_none(), "{place}");
        well_formed(&page.text);
        for place in ["sign-out", "sign-in", "undo"] {
            let body = Some("token=x&seq=1".to_owned());
            let page = browser.send("POST", &at("ja", place), &headers, body).await;
            assert_eq!(page.status, 403, "{place}");
            assert!(page.headers.get("set-cookie").is_none(), "{place}");
        }
    }
}

#[tokio::test]
async fn whoever_signs_in_gets_another_cookie_than_somebody_gave_the_browser() {
    let server = Server::new().await;
    let token = server.mint_role("operator");
    let mut browser = server.browser();
    let page = browser.get("sign-in").await;
    browser.take(&page);
    let fixed = browser.clone();
    assert_eq!(browser.sign_in(&token).await.status, 303);
    assert_ne!(browser.cookie, fixed.cookie);
    assert!(browser.is_signed_in().await && !fixed.is_signed_in().await);
    // Signing in again ends the session before.
    let before = browser.clone();
    assert_eq!(browser.sign_in(&token).await.status, 303);
    assert!(browser.is_signed_in().await && !before.is_signed_in().await);
    let page = browser.post("sign-out", "").await;
    assert_eq!(page.status, 303);
    assert!(page.header("set-cookie").contains("Max-Age=0"));
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn a_cookie_is_for_this_host_alone_and_behind_tls_for_nothing_else() {
    let server = Server::new().await;
    let plain = server.browser().get("sign-in").await;
    let attributes = |page: &Page| {
        let cookie = page.header("set-cookie");
        let (pair, rest) = cookie.split_once("; ").unwrap();
        (pair.split_once('=').unwrap().0.to_owned(), rest.to_owned())
    };
    let (name, rest) = attributes(&plain);
    assert_eq!((&*name, &*rest), ("dnsbl-console", "Path=/; HttpOnly; SameSite=Strict"));
    let proxied = server.browser_at("10.0.0.1:4000");
    let headers = [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-proto", "https")];
    let page = proxied.send("GET", &at("en", "sign-in"), &headers, None).await;
    let (name, rest) = attributes(&page);
    assert_eq!(name, "__Host-dnsbl-console");
    assert_eq!(rest, "Path=/; HttpOnly; SameSite=Strict; Secure");
}

#[tokio::test]
async fn there_is_no_console_for_who_comes_from_elsewhere() {
    let server = Server::new().await;
    let token = server.mint_role("operator");
    let visits: [(&str, &[(&str, &str)]); 6] = [
        ("192.0.2.77:4000", &[]),
        ("[2001:db8::1]:4000", &[]),
        ("10.0.0.1:4000", &[("x-forwarded-for", "192.0.2.77")]),
        ("10.0.0.1:4000", &[("x-forwarded-for", "127.0.0.1, 192.0.2.77")]),
        ("10.0.0.1:4000", &[]),
        // A proxy that nobody has named, on this machine.
        (LOOPBACK, &[("x-forwarded-for", "127.0.0.1")]),
    ];
    for (peer, headers) in visits {
        let mut browser = server.browser_at(peer);
        browser.cookie = server.signed_in(&token).await.cookie;
        for place in ["", "sign-in", "listings"] {
            let page = browser.send("GET", &at("en", place), headers, None).await;
            assert_eq!(page.status, 404, "{peer} {place}");
            assert!(!page.text.contains("admin"), "{}", page.text);
        }
        let body = Some(format!("token={token}"));
        let page = browser.send("POST", &at("en", "sign-in"), headers, body).await;
        assert_eq!(page.status, 404);
    }
    let public = super::furnished(settings());
    let page = public.ask_from(LOOPBACK.parse().unwrap(), "GET", "/en/admin/sign-in", &[]);
    assert_eq!(page.await.status, 404, "it is off unless somebody turns it on");
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_loses_what_that_loses() {
    let server = Server::new().await;
    server.mint("keeper", SCOPES, TokenTerms::default());
    let (id, text) = server.mint("ops", SCOPES, TokenTerms::default());
    let browser = server.signed_in(&text).await;
    let read = |id: &str| server.store.read(UnixTime::now()).token(id).unwrap().unwrap();
    let mut less = read(&id);
    less.scopes.retain(|scope| scope == "zones:read");
    server.change(Operation::PutToken(less));
    assert!(browser.is_signed_in().await);
    assert_eq!(browser.get("listings").await.status, 403);
    let rotated = read(&id).rotated([7; MintedToken::RANDOM], 0, UnixTime::now()).unwrap();
    server.change(Operation::PutToken(rotated.record));
    assert!(!browser.is_signed_in().await, "its secret counts no more");
    let browser = server.signed_in(rotated.text.reveal()).await;
    server.change(Operation::DeleteToken { id, keep: None });
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn tokens_that_are_none_are_refused_and_so_many_of_them_only() {
    let server = Server::new().await;
    let mut statuses = Vec::new();
    let mut browser = server.browser();
    for n in 0..12 {
        let page = browser.sign_in(&format!("dnsbl_{n:016x}_{n:064x}")).await;
        assert!(!browser.is_signed_in().await);
        well_formed(&page.text);
        statuses.push(page.status);
        if page.status == 429 {
            assert!(!page.header("retry-after").is_empty());
        }
    }
    assert_eq!(statuses, [vec![403; 10], vec![429; 2]].concat());
    // The same tries count for the API, whose tokens they are.
    let tried = server.tokens.begin_try(Some([127, 0, 0, 1].into()), "another");
    assert!(tried.is_err());
    // No page keeps what was typed.
    let page = browser.sign_in("dnsbl_typed-secret").await;
    assert!(!page.text.contains("typed-secret"));
}

#[tokio::test]
async fn every_page_keeps_browsers_from_running_framing_and_keeping_it() {
    let server = Server::new().await;
    let browser = server.signed_in(&server.mint_role("operator")).await;
    for language in ["en", "ja"] {
        for Row(place, fields, _, status) in ROWS {
            if fields.is_some() || *status != 200 {
                continue;
            }
            let path = at(language, &server.filled(place));
            let page = browser.send("GET", &path, &[], None).await;
            assert_eq!(page.status, 200, "{path}");
            well_formed(&page.text);
            let policy = page.header("content-security-policy");
            for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"] {
                assert!(policy.contains(part), "{path}: {policy}");
            }
            assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
            assert_eq!(page.header("cache-control"), "no-store", "{path}");
            assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        }
    }
}

#[tokio::test]
async fn what_others_wrote_is_shown_and_not_run() {
    let evil = "<script>alert(1)</script>\u{202e}\"'><img src=x onerror=alert(1)>";
    let server = Server::new().await;
    let token = server.mint_role("operator");
    let browser = server.signed_in(&token).await;
    let body = ListingBody {
        reason: Some(evil.replace('\u{202e}', "").parse().unwrap()),
        note: Some(evil.into()),
        tags: vec!["<b>tag".into()],
        ..ListingBody::default()
    };
    server.list("mine.example.org", "192.0.2.66", body);
    server.allow(evil, "192.0.2.67");
    for place in ["listings?q=192.0.2.66", "allow", "audit", "reports"] {
        let page = browser.get(place).await;
        well_formed(&page.text);
        assert!(!page.text.contains("<script") && !page.text.contains("<img"), "{place}");
    }
    let page = browser.get("listings?q=192.0.2.66").await;
    assert!(
        page.text.contains("&lt;script&gt;") && page.text.contains("\\u{202e}"),
        "{}",
        page.text
    );
    // What is typed comes back as it is, and leads nowhere else.
    let typed = "q=%3Cscript%3Ealert(1)%3C/script%3E";
    let page = browser.get(&format!("listings?{typed}")).await;
    assert_eq!(page.status, 422);
    well_formed(&page.text);
    for (place, fields) in [
        ("sources", "zone=mine.example.org&source=the-source%0d%0aset-cookie:x&freeze=1&why=x"),
        ("listings/add", "zone=mine.example.org%0d%0alocation:x&subject=5.6.7.8"),
    ] {
        let page = browser.post(place, fields).await;
        assert!(matches!(page.status, 404 | 422), "{place}");
        well_formed(&page.text);
        assert!(page.headers.get("set-cookie").is_none(), "{place}");
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_nowhere_else() {
    let server = Server::new().await;
    let browser = server.signed_in(&server.mint_role("operator")).await;
    let page = browser.post("subscribers/0000000000000007/rotate", "overlap=7").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.header("cache-control"), "no-store");
    let key = page.text.split("<code>").nth(1).unwrap().split('<').next().unwrap();
    assert!(key.len() >= 20, "{key}");
    for place in ["", "subscribers", "subscribers/0000000000000007", "audit"] {
        assert!(!browser.get(place).await.text.contains(key), "{place}");
    }
    // A form that was shown before somebody else changed it does nothing.
    let page = browser.post("subscribers/0000000000000007/revoke", "revision=1").await;
    assert_eq!(page.status, 409, "{}", page.text);
}

#[tokio::test]
async fn a_listing_is_added_removed_and_the_removal_undone() {
    let server = Server::new().await;
    let browser = server.signed_in(&server.mint_role("reviewer")).await;
    let fields =
        "zone=mine.example.org&subject=5.6.7.8&days=3&reason=Spam+from+$&note=seen&tags=a+b";
    let page = browser.post("listings/add", fields).await;
    assert_eq!((page.status, page.header("location")), (303, "/en/admin/listings?q=5.6.7.8"));
    let page = browser.get("listings?q=5.6.7.8").await.text;
    for told in ["DNS lists it", "Spam from $", "seen", "a b", "reviewer"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert_eq!(browser.post("listings/add", fields).await.status, 409, "it is there");
    let page = browser.post("listings/add", "zone=mine.example.org&subject=10.0.0.1").await;
    assert_eq!(page.status, 422, "the guards hold");
    let page = browser.post("listings/remove", "zone=mine.example.org&subject=5.6.7.8").await;
    assert_eq!(page.status, 303, "{}", page.text);
    let is_removal = |record: &AuditRecord| record.action == "delete";
    let reader = server.store.read(UnixTime::now());
    let removals = reader.audit_before(u64::MAX, 1, 100, is_removal).unwrap().records;
    assert!(browser.get("listings?q=5.6.7.8").await.text.contains("DNS does not list it"));
    let page = browser.post("undo", &format!("seq={}", removals[0].seq)).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert!(browser.get("listings?q=5.6.7.8").await.text.contains("DNS lists it"));
    let page = browser.get("audit").await.text;
    assert!(page.contains("undo") && page.contains("127.0.0.1"), "{page}");
}
