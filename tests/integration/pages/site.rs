//! A list with everything that pages show, and where its pages are.

use std::{net::SocketAddr, time::Duration};

use dnsbl_tests::{
    Admin, HttpReply, NameServer, TestServer, TestZone, eventually,
    mta::{ScriptedServer, unique_addr},
};
use hickory_proto::rr::{
    Name, RData, RecordType,
    rdata::{A, PTR},
};
use reqwest::Method;
use serde_json::json;

/// Every page, below that of a language: a name for its pictures, its place, its status.
const PAGES: [(&str, &str, u16); 24] = [
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
    ("policy", "policy", 200),
    ("use", "use", 200),
    ("faq", "faq", 200),
    ("glossary", "glossary", 200),
    ("stats", "stats", 200),
    ("status", "status", 200),
    ("no-page", "nothing", 404),
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
    /// An empty list, with more in `[web]`.
    #[track_caller]
    pub(super) fn empty(lines: &str) -> Self {
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
listen = \"127.0.0.1:0\"
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
        Self { server, relays, receiver, happened: Vec::new(), visitor, _names: names }
    }

    /// A list with something of everything.
    #[track_caller]
    pub(super) fn furnished() -> Self {
        let mut site = Self::empty("requests-per-second = 0\n");
        site.happened.push(("relay-test", site.relay_test()));
        let server = &site.server;
        let relays = &site.relays;
        relays.put("192.0.2.99", "", &json!({"note": "a private note", "expires_in": 864_000}));
        relays.put("203.0.113.66", "", &json!({"reason": "Unbroken".repeat(60)}));
        relays.list("192.0.2.97");
        relays.remove("192.0.2.97");
        let spam = server.ip_zone_at(
            "spam.example.org",
            json!({"reason": "Sent mail to spam traps: $", "return_codes": ["127.0.0.4"]}),
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
        site
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
        site.exhaust();
        site
    }

    /// Asks until no more is answered.
    #[track_caller]
    pub(super) fn exhaust(&self) {
        eventually(dnsbl_tests::PATIENCE, || match self.get("/en/faq").status {
            429 => Ok(()),
            status => Err(status),
        });
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

    /// All pages in a language.
    pub(super) fn pages_in(&self, language: &'static str) -> impl Iterator<Item = Shown> + '_ {
        let happened = self.happened.iter().map(|(name, place)| (*name, &**place, 200));
        PAGES.into_iter().chain(happened).map(move |(name, place, status)| Shown {
            name: format!("{name}.{language}"),
            language,
            url: self.url(&format!("/{language}/{place}")),
            status,
        })
    }
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
