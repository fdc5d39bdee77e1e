//! A zone of its own for one test.

use std::{
    fmt::Debug,
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use dnsbl_types::{Name, query_name};
use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use crate::{
    Admin, Answer, HttpReply, Query, Reply, TestServer, Transport, segment, wait::eventually,
};

/// A zone, and the server that has it.
#[derive(Clone)]
pub struct TestZone {
    origin: String,
    dns: SocketAddr,
    admin: Admin,
}

/// An origin that no other test of this run has.
fn unique_origin() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("bl{}.example.org", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Zones of a server.
impl TestServer {
    /// A new zone of addresses; `settings` are those of the API beside `kind` and `ns`.
    #[track_caller]
    pub fn ip_zone(&self, settings: Value) -> TestZone {
        TestZone::create(self, &unique_origin(), "ip", settings)
    }

    /// A new zone of addresses at a name that the configuration has too.
    #[track_caller]
    pub fn ip_zone_at(&self, origin: &str, settings: Value) -> TestZone {
        TestZone::create(self, origin, "ip", settings)
    }

    /// A new zone of domains at a name that pages show.
    #[track_caller]
    pub fn domain_zone_at(&self, origin: &str, settings: Value) -> TestZone {
        TestZone::create(self, origin, "domain", settings)
    }

    /// A new zone of domains.
    #[track_caller]
    pub fn domain_zone(&self, settings: Value) -> TestZone {
        TestZone::create(self, &unique_origin(), "domain", settings)
    }
}

impl TestZone {
    #[track_caller]
    fn create(server: &TestServer, origin: &str, kind: &str, settings: Value) -> Self {
        let zone = Self::at(server, origin);
        let mut body = json!({"kind": kind, "ns": ["ns1.example.net."]});
        if let (Some(body), Value::Object(settings)) = (body.as_object_mut(), settings) {
            body.extend(settings);
        }
        zone.admin.put(&zone.path(), &body).expect(201);
        zone
    }

    /// A zone that may or may not be there.
    pub fn at(server: &TestServer, origin: &str) -> Self {
        Self { origin: origin.to_owned(), dns: server.dns(), admin: server.admin().clone() }
    }

    /// Its name, without the final dot.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Its path in the API.
    pub fn path(&self) -> String {
        format!("/v1/zones/{}", self.origin)
    }

    /// The path of a subject in it.
    pub fn listing_path(&self, subject: &str) -> String {
        format!("{}/listings/{}", self.path(), segment(subject))
    }

    /// Puts a listing; `query` is what comes behind the path, such as `?source=a`.
    #[track_caller]
    pub fn put(&self, subject: &str, query: &str, body: &Value) -> HttpReply {
        let path = self.listing_path(subject);
        let reply = self.admin.put(&format!("{path}{query}"), body);
        assert!(matches!(reply.status, 200 | 201), "{}: {}", reply.status, reply.text);
        reply
    }

    /// Lists a subject with the zone's values.
    #[track_caller]
    pub fn list(&self, subject: &str) {
        self.put(subject, "", &json!({}));
    }

    /// Excludes a subject.
    #[track_caller]
    pub fn exclude(&self, subject: &str) {
        self.put(subject, "", &json!({"exclusion": true}));
    }

    /// Removes the listing that [`Self::list`] or [`Self::exclude`] made.
    #[track_caller]
    pub fn remove(&self, subject: &str) {
        self.admin.delete(&self.listing_path(subject)).expect(204);
    }

    /// Imports a body; gives the counts.
    #[track_caller]
    pub fn import(&self, query: &str, body: impl Into<reqwest::blocking::Body>) -> Value {
        let path = format!("{}/import?{query}", self.path());
        self.admin.post_bytes(&path, body).expect(200).json()
    }

    /// The name that asks for an address in this zone.
    #[track_caller]
    pub fn name_of(&self, addr: IpAddr) -> String {
        let origin: Name = self.origin.parse().expect("the zone has a good name");
        query_name::encode(addr, &origin).expect("a zone leaves room").to_string()
    }

    /// A name relative to the zone; empty is the apex.
    pub fn below(&self, relative: &str) -> String {
        match relative {
            "" => self.origin.clone(),
            relative => format!("{relative}.{}", self.origin),
        }
    }

    /// The reply over UDP to a question below the zone.
    #[track_caller]
    pub fn reply(&self, relative: &str, rtype: RecordType) -> Reply {
        Query::new(&self.below(relative), rtype).ask(self.dns, Transport::Udp)
    }

    /// What UDP and TCP both say to a question below the zone.
    #[track_caller]
    pub fn ask(&self, relative: &str, rtype: RecordType) -> Answer {
        self.ask_name(&self.below(relative), rtype)
    }

    /// What UDP and TCP both say to the question for an address.
    #[track_caller]
    pub fn ask_address(&self, addr: &str, rtype: RecordType) -> Answer {
        let addr = addr.parse().expect("the test names an address");
        self.ask_name(&self.name_of(addr), rtype)
    }

    /// Waits until UDP says this to the question for an address. TCP must say the same then; while an answer changes,
    /// the two may differ.
    #[track_caller]
    pub fn await_answer(
        &self,
        addr: IpAddr,
        rtype: RecordType,
        expected: &Answer,
        limit: Duration,
    ) {
        let query = Query::new(&self.name_of(addr), rtype);
        eventually(limit, || match Answer::of(&query.ask(self.dns, Transport::Udp)) {
            answer if answer == *expected => Ok(()),
            other => Err(other),
        });
        assert_eq!(Answer::of(&query.ask(self.dns, Transport::Tcp)), *expected, "over TCP");
    }

    #[track_caller]
    fn ask_name(&self, name: &str, rtype: RecordType) -> Answer {
        let [udp, tcp] = Transport::BOTH
            .map(|transport| Answer::of(&Query::new(name, rtype).ask(self.dns, transport)));
        assert_eq!(udp, tcp, "UDP and TCP differ on {name} {rtype}");
        udp
    }

    /// Checks rows of (relative name, type, answer) over UDP and TCP.
    #[track_caller]
    pub fn check(
        &self,
        rows: impl IntoIterator<Item = (impl AsRef<str> + Debug, RecordType, Answer)>,
    ) {
        for (relative, rtype, expected) in rows {
            let name = relative.as_ref();
            assert_eq!(self.ask(name, rtype), expected, "{name:?} {rtype} in {}", self.origin);
        }
    }
}
