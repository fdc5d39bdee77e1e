//! A list with everything that pages show, and where its pages are.

use std::{
    net::SocketAddr,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use dnsbl_tests::{
    Admin, Browser, HttpReply, NameServer, PATIENCE, TestServer, TestZone, eventually,
    mta::{ScriptedServer, unique_addr},
};
use hickory_proto::rr::{
    Name, RData, RecordType,
    rdata::{A, PTR},
};
use reqwest::Method;
use serde_json::json;

/// Between two requests of those who ask on and on.
const PACE: Duration = Duration::from_millis(20);

/// Every page, below that of a language: a name for its pictures, its place, its status.
const PAGES: [(&str, &str, u16); 26] = [
    ("home", "", 200),
    ("lookup", "lookup", 200),
    ("lookup-listed", "lookup/192.0.2.99", 200),
    ("lookup-typed", "lookup?q=192.0.2.99", 200),
    ("lookup-not-listed", "lookup/192.0.2.98", 200),
    ("lookup-removed", "lookup/192.0.2.97", 200),
    ("lookup-covered", "lookup/198.51.100.4", 200),
    ("lookup-excluded", "lookup/198.51.100.7", 200),
    ("lookup-test", "lookup/127.0.0.2", 200),
    ("lookup-prefix", "lookup/198.51.100.0_24", 200),
    ("lookup-wide-prefix", "lookup/10.0.0.0_8", 200),
    ("lookup-ipv6", "lookup/2001:db8:1234:5678:9abc:def0:1234:5678", 200),
    ("lookup-domain", "lookup/a-rather-long-name-of-a-host.with-several.labels.bad.example", 200),
    ("lookup-long-words", "lookup/203.0.113.66", 200),
    ("lookup-mistake", "lookup?q=192.0.2.7%2F24", 400),
    ("nominate", "nominate", 200),
    ("nominate-again", "nominate?ground=delist&address=192.0.2.99", 200),
    ("remove", "remove", 200),
    ("remove-listed", "remove?q=192.0.2.99", 200),
    ("policy", "policy", 200),
    ("use", "use", 200),
    ("faq", "faq", 200),
    ("glossary", "glossary", 200),
    ("stats", "stats", 200),
    ("status", "status", 200),
    ("no-page", "nothing", 404),
];

/// Every page of the console, below that of a language: a name for its pictures, its place, its status. They are looked at
/// by who has signed in.
const CONSOLE: [(&str, &str, u16); 19] = [
    ("console-sign-in", "admin/sign-in", 200),
    ("console", "admin", 200),
    ("console-listings", "admin/listings", 200),
    ("console-listings-found", "admin/listings?q=192.0.2.99", 200),
    ("console-listings-many", "admin/listings?q=198.51.100.0/24", 200),
    ("console-listings-mistake", "admin/listings?q=192.0.2.7%2F24", 422),
    ("console-listings-add", "admin/listings/add?subject=192.0.2.55", 200),
    ("console-undo", "admin/undo?seq=5", 200),
    ("console-review", "admin/review", 200),
    ("console-reports", "admin/reports", 200),
    ("console-reports-none", "admin/reports?state=refuted", 200),
    ("console-tests", "admin/tests", 200),
    ("console-allow", "admin/allow", 200),
    ("console-feeds", "admin/feeds", 200),
    ("console-sources", "admin/sources?zone=spam.example.org", 200),
    ("console-subscribers", "admin/subscribers", 200),
    ("console-audit", "admin/audit", 200),
    ("console-tokens", "admin/tokens", 200),
    ("console-missing", "admin/reports/nothing", 404),
];

/// How long a relay test may take on a busy machine.
pub(super) const TEST: Duration = Duration::from_secs(120);

pub(super) const LANGUAGES: [&str; 2] = ["en", "ja"];

/// A server with pages, and what stands in them.
pub(super) struct Site {
    pub(super) server: TestServer,
    pub(super) relays: TestZone,
    /// Where relays hand back what the tester sends.
    pub(super) receiver: SocketAddr,
    /// Pages that are there once something has happened: name, place.
    happened: Vec<(&'static str, String)>,
    /// The same of the console.
    console: Vec<(&'static str, String)>,
    visitor: Admin,
    _names: NameServer,
}

/// A page in a language.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) language: &'static str,
    pub(super) url: String,
    pub(super) status: u16,
}

impl Site {
    /// An empty list, with more in `[web]`, or tables behind that.
    #[track_caller]
    pub(super) fn empty(lines: &str) -> Self {
        Self::listening_on("127.0.0.1:0", lines)
    }

    /// The same at an address.
    #[track_caller]
    pub(super) fn listening_on(listen: &str, lines: &str) -> Self {
        let names = names();
        let receiver = SocketAddr::from(unique_addr());
        let server = TestServer::with_tables(&format!(
            "[relay-tester]
enabled = true
zone = \"relays.example.org\"
receiver = \"{receiver}\"
probe-domain = \"probe.example.org\"
ehlo = \"relaytest.example.org\"
allow-targets = [\"127.0.0.0/8\"]
resolvers = [\"{resolver}\"]
connection-pause = \"0s\"
settle-for = \"1s\"
second-test-after = \"1s\"
retry-after = \"2s\"
anonymous.enabled = true
[web]
listen = \"{listen}\"
admin = true
name = \"Example Block List\"
operator = \"Example Organisation\"
contact = \"abuse@example.org\"
resolver = \"{resolver}\"
{lines}",
            resolver = names.addr()
        ));
        let ready = server.stderr();
        let (_, address) = ready.split_once(" web=").expect("the pages are served");
        let address = address.split_whitespace().next().and_then(|address| address.parse().ok());
        // The token is never sent.
        let visitor = Admin::new(address.expect("an address"), "none");
        let reason = "Open relay $, see https://bl.example.org/lookup/$";
        let relays = server.ip_zone_at("relays.example.org", json!({"reason": reason}));
        let (happened, console) = (Vec::new(), Vec::new());
        Self { server, relays, receiver, happened, console, visitor, _names: names }
    }

    /// A list with something of everything.
    #[track_caller]
    pub(super) fn furnished() -> Self {
        let mut site = Self::empty("requests-per-second = 0\n");
        let test = site.relay_test();
        site.console.push(("console-test", format!("admin/{test}")));
        site.happened.push(("relay-test", test));
        let server = &site.server;
        let relays = &site.relays;
        relays.put("192.0.2.99", "", &json!({"note": "a private note", "expires_in": 864_000}));
        relays.put("203.0.113.66", "", &json!({"reason": "Unbroken".repeat(60)}));
        relays.list("192.0.2.97");
        relays.remove("192.0.2.97");
        let spam = server.ip_zone_at(
            "spam.example.org",
            json!({"reason": "Sent mail to spam traps: $", "return_codes": ["127.0.0.4"],
                "reports": {"categories": {"spam": {}}}}),
        );
        spam.put("198.51.100.0/24", "", &json!({"return_codes": ["127.0.0.4", "127.0.0.9"]}));
        spam.exclude("198.51.100.7");
        spam.put("2001:db8:1234::/48", "", &json!({"expires_in": 7200}));
        for host in 1..=40 {
            spam.put(&format!("198.51.100.{}", 100 + host), "?source=traps", &json!({}));
        }
        let domains = json!({"reason": "Advertised in spam: $"});
        let domains = server.domain_zone_at("domains.example.org", domains);
        domains.list("*.bad.example");
        site.furnish_console();
        site
    }

    /// What only operators see.
    #[track_caller]
    fn furnish_console(&mut self) {
        let admin = self.server.admin();
        let report = json!({
            "subject": "203.0.113.77", "category": "spam", "zone": "spam.example.org", "count": 3,
            "comment": "Fake invoices, three times since yesterday",
            "evidence": format!("Received: from mail.example ([203.0.113.77])\nX-Long: {}", "unbroken".repeat(40)),
        });
        let report = admin.post("/v1/reports", &report).expect(201).json();
        let report = report["id"].as_str().expect("a report has an id").to_owned();
        let request = json!({"subject": "198.51.100.101", "zone": "spam.example.org", "comment": "The cause is gone"});
        admin.post("/v1/removal-requests", &request).expect(201);
        let waiting = admin.get("/v1/review").expect(200).json();
        for (kind, name) in [
            ("removal", "console-review-removal"),
            ("report", "console-review-report"),
            ("listing", "console-review-listing"),
        ] {
            let items = waiting["items"].as_array().expect("items");
            let item = items.iter().find(|item| item["kind"] == kind);
            let id = item.and_then(|item| item["id"].as_str());
            let id = id.unwrap_or_else(|| panic!("no {kind} waits: {waiting}"));
            self.console.push((name, format!("admin/review/{id}")));
        }
        self.console.push(("console-report", format!("admin/reports/{report}")));
        let subscriber = json!({
            "name": "Example Mail", "zones": ["spam.example.org"], "networks": ["192.0.2.0/24", "2001:db8::/32"],
            "quota": {"per_second": 100, "per_day": 1_000_000}, "note": "contract 2026-17",
        });
        let subscriber = admin.post("/v1/subscribers", &subscriber).expect(201).json();
        let id = subscriber["id"].as_str().expect("a subscriber has an id");
        self.console.push(("console-subscriber", format!("admin/subscribers/{id}")));
        let token =
            json!({"name": "mx1.example.org", "role": "submitter", "zones": ["spam.example.org"]});
        admin.post("/v1/tokens", &token).expect(201);
        let entry = json!({"reason": "Our own mail servers", "owner": "postmaster@example.org"});
        admin.put("/v1/allowlist/192.0.2.200", &entry).expect(201);
        admin.put("/v1/relay-opt-outs/192.0.2.128%2F25", &json!({})).expect(200);
        let feed = json!({"zone": "spam.example.org", "source": "partner", "url": "http://127.0.0.1:1/list.txt", "allow_private": true});
        admin.put("/v1/feeds/partner", &feed).expect(201);
        admin.post("/v1/feeds/partner/run", &json!({})).expect(200);
        let freeze = json!({"frozen": true, "why": "It listed customers"});
        admin.put("/v1/zones/spam.example.org/sources/partner", &freeze).expect(200);
    }

    /// Has a host tested that takes mail and hands none back; the place of the test.
    #[track_caller]
    fn relay_test(&self) -> String {
        let (admin, host) = (self.server.admin(), ScriptedServer::accepting());
        let addr = host.addr();
        let body = json!({"address": addr.ip(), "port": addr.port(), "ground": "owner"});
        let test = admin.post("/v1/relay-tests", &body).expect(202).json();
        let id = test["id"].as_str().expect("a test has an id");
        eventually(TEST, || {
            let test = admin.get(&format!("/v1/relay-tests/{id}")).expect(200).json();
            if test["verdict"].is_null() { Err(test) } else { Ok(()) }
        });
        format!("tests/{id}")
    }

    /// A list whose visitors have asked more than they may.
    #[track_caller]
    pub(super) fn exhausted() -> Self {
        let site = Self::empty("requests-per-second = 1\n");
        eventually(PATIENCE, || match site.get("/en/faq").status {
            429 => Ok(()),
            status => Err(status),
        });
        site
    }

    /// Does something while others of the visitor's network ask on and on.
    pub(super) fn while_exhausted<T>(&self, act: impl FnOnce() -> T) -> T {
        let (done, is_done) = mpsc::sync_channel::<()>(0);
        let ask = || HttpReply::of(self.visitor.bare(Method::GET, "/en/faq"));
        thread::scope(|scope| {
            scope.spawn(move || {
                while is_done.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
                    ask();
                }
            });
            let _done = done;
            act()
        })
    }

    /// The URL of a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.visitor.url())
    }

    /// What a program gets.
    #[track_caller]
    pub(super) fn get(&self, path: &str) -> HttpReply {
        HttpReply::of(self.visitor.bare(Method::GET, path))
    }

    /// What a program gets that accepts this.
    #[track_caller]
    pub(super) fn get_as(&self, path: &str, accept: &str) -> HttpReply {
        HttpReply::of(self.visitor.bare(Method::GET, path).header("accept", accept))
    }

    /// All pages in all languages.
    pub(super) fn pages(&self) -> Vec<Shown> {
        LANGUAGES.into_iter().flat_map(|language| self.pages_in(language)).collect()
    }

    /// All pages; of the console those in one language, and in the other the next turn, as often as it is looked at.
    pub(super) fn pages_in_turn(&self, turn: usize) -> Vec<Shown> {
        let public = LANGUAGES.into_iter().flat_map(|language| self.public_pages_in(language));
        public.chain(self.console_pages_in(LANGUAGES[turn % LANGUAGES.len()])).collect()
    }

    /// All pages in a language.
    pub(super) fn pages_in(&self, language: &'static str) -> impl Iterator<Item = Shown> + '_ {
        self.public_pages_in(language).chain(self.console_pages_in(language))
    }

    /// Those that anybody sees.
    pub(super) fn public_pages_in(
        &self,
        language: &'static str,
    ) -> impl Iterator<Item = Shown> + '_ {
        self.shown(language, PAGES.into_iter(), &self.happened)
    }

    /// Those that whoever has signed in sees.
    pub(super) fn console_pages_in(
        &self,
        language: &'static str,
    ) -> impl Iterator<Item = Shown> + '_ {
        self.shown(language, CONSOLE.into_iter(), &self.console)
    }

    fn shown<'a>(
        &'a self,
        language: &'static str,
        always: impl Iterator<Item = (&'a str, &'a str, u16)> + 'a,
        happened: &'a [(&'static str, String)],
    ) -> impl Iterator<Item = Shown> + 'a {
        let happened = happened.iter().map(|(name, place)| (*name, &**place, 200));
        always.chain(happened).map(move |(name, place, status)| Shown {
            name: format!("{name}.{language}"),
            language,
            url: self.url(&format!("/{language}/{place}")),
            status,
        })
    }

    /// Signs in to the console with the operator's token, as people do.
    #[track_caller]
    pub(super) fn sign_in(&self, browser: &Browser) {
        self.sign_in_with(browser, self.server.admin().token());
    }

    /// Signs in to the console with a token.
    #[track_caller]
    pub(super) fn sign_in_with(&self, browser: &Browser, token: &str) {
        browser.open(&self.url("/en/admin/sign-in"));
        browser.fill("#token", token);
        browser.click("main form button");
        let place = self.url("/en/admin");
        eventually(PATIENCE, || match browser.url() {
            url if url == place => Ok(()),
            other => Err(other),
        });
    }

    /// What a program gets that has signed in with the operator's token: its cookie.
    #[track_caller]
    pub(super) fn cookie(&self) -> String {
        let form = self.get("/en/admin/sign-in").expect(200);
        let body = format!("form={}&token={}", form_secret(&form), self.server.admin().token());
        let cookie = cookie_of(&form);
        let signed_in = self.post("/en/admin/sign-in", &cookie, &body).expect(303);
        cookie_of(&signed_in)
    }

    /// What a program gets that sends a cookie.
    #[track_caller]
    pub(super) fn get_with(&self, path: &str, cookie: &str) -> HttpReply {
        HttpReply::of(self.visitor.bare(Method::GET, path).header("cookie", cookie))
    }

    /// What a program gets that sends a form with a cookie.
    #[track_caller]
    pub(super) fn post(&self, path: &str, cookie: &str, body: &str) -> HttpReply {
        let request = self.visitor.bare(Method::POST, path).header("cookie", cookie);
        let form = request.header("content-type", "application/x-www-form-urlencoded");
        HttpReply::of(form.body(body.to_owned()))
    }
}

/// The cookie that a reply sets, as it is sent back.
#[track_caller]
pub(super) fn cookie_of(reply: &HttpReply) -> String {
    let pair = reply.header("set-cookie").split(';').next().unwrap_or_default();
    assert!(pair.starts_with("dnsbl-console="), "{pair}: {}", reply.text);
    pair.to_owned()
}

/// The secret in the forms of a page of the console.
#[track_caller]
pub(super) fn form_secret(page: &HttpReply) -> String {
    let (_, rest) = page.text.split_once("name=\"form\" value=\"").expect("a form has a secret");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// A name server that knows one host.
fn names() -> NameServer {
    NameServer::start(|name, rtype| match (name, rtype) {
        ("99.2.0.192.in-addr.arpa.", RecordType::PTR) => {
            let host = Name::from_ascii("mail.example.net.").expect("a name");
            vec![RData::PTR(PTR(host))]
        }
        ("mail.example.net.", RecordType::A) => vec![RData::A(A::new(192, 0, 2, 99))],
        _ => Vec::new(),
    })
}
