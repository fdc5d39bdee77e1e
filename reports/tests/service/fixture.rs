//! A store with two zones that take reports, and the service over it.

use std::sync::Arc;

use dnsbl_index::{Index, IndexWriter};
use dnsbl_reports::{Claimed, Reports, RunningReports, Settings, Submission};
use dnsbl_store::{Actor, Change, DocumentKind, LogEntry, Op, Operation, Precondition, Store};
use dnsbl_types::{
    Clock, Listing, ListingBody, Name, ReportCategory, ReportRule, ReportRules, Source, UnixTime,
    ZoneKind, ZoneSpec,
};
use tempfile::TempDir;

pub(crate) const ZONE: &str = "bl.example.org";
pub(crate) const DOMAINS: &str = "dbl.example.org";

/// Three reporters from two networks.
pub(crate) fn rule() -> ReportRule {
    ReportRule::default()
}

/// A report of spam by a token, from the network with a number.
pub(crate) fn by(reporter: &str, network: u32, subject: &str) -> Submission {
    let address = std::net::Ipv4Addr::from(0x0b00_0000 + (network << 8));
    Submission {
        reporter: reporter.parse().unwrap(),
        network: Some(Submission::network(address.into())),
        claimed: Claimed {
            zone: None,
            subject: subject.parse().unwrap(),
            category: ReportCategory::Spam,
            count: 1,
            first_seen: None,
            last_seen: None,
            comment: None,
            evidence: None,
        },
    }
}

pub(crate) fn reviewer() -> Actor {
    Actor::part("reviewer")
}

pub(crate) struct Fixture {
    dir: TempDir,
    store: Store,
    index: Arc<Index>,
    settings: Settings,
    pub(crate) reports: Arc<Reports>,
    running: RunningReports,
}

impl Fixture {
    pub(crate) async fn new(rule: ReportRule) -> Self {
        Self::keeping(rule, Settings::default()).await
    }

    pub(crate) async fn keeping(rule: ReportRule, settings: Settings) -> Self {
        let fixture = Self::open(tempfile::tempdir().unwrap(), settings).await;
        fixture.put_zone(ZONE, Some(rule.clone()));
        fixture.put_zone_of(DOMAINS, ZoneKind::Domain, Some(rule));
        fixture
    }

    async fn open(dir: TempDir, settings: Settings) -> Self {
        let store = Store::open(dir.path()).unwrap();
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        store.load(&mut writer).unwrap();
        store.start(Box::new(writer)).unwrap();
        let (reports, start) = Reports::new(store.clone(), index.clone(), None, settings);
        let running = start.run(Clock::watched(None)).await.unwrap();
        Self { dir, store, index, settings, reports, running }
    }

    /// Stops everything, and starts it again on the same data.
    pub(crate) async fn restart(self) -> Self {
        let Self { dir, store, index, settings, reports, running } = self;
        running.stop().await;
        // The folder is free once nobody has the store.
        drop((index, reports));
        tokio::task::spawn_blocking(move || store.close()).await.unwrap();
        Self::open(dir, settings).await
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
        let store = self.store;
        tokio::task::spawn_blocking(move || store.close()).await.unwrap();
    }

    pub(crate) fn put_zone(&self, origin: &str, rule: Option<ReportRule>) {
        self.put_zone_of(origin, ZoneKind::Ip, rule);
    }

    fn put_zone_of(&self, origin: &str, kind: ZoneKind, rule: Option<ReportRule>) {
        let ns: Name = "ns.example.net".parse().unwrap();
        let (origin, reason) = (origin.parse().unwrap(), "$".parse().unwrap());
        let mut spec = ZoneSpec::new(origin, kind, vec![ns], reason);
        let rules = rule.map(|rule| {
            let categories = [ReportCategory::Spam, ReportCategory::DirectoryHarvest];
            ReportRules::new(categories.map(|category| (category, rule.clone()))).unwrap()
        });
        spec.reports = rules;
        let zone = Box::new(spec.check().unwrap());
        self.commit(Operation::PutZone { zone, serial_floor: None });
    }

    /// Puts a listing of another source.
    pub(crate) fn put(&self, subject: &str, source: &str, body: ListingBody) {
        self.commit(Operation::PutListing {
            zone: ZONE.parse().unwrap(),
            subject: subject.parse().unwrap(),
            source: source.parse().unwrap(),
            body: Box::new(body),
            precondition: Precondition::None,
        });
    }

    pub(crate) fn commit(&self, operation: Operation) {
        self.store.commit(Change::new(Actor::server(), operation), UnixTime::now()).unwrap();
    }

    pub(crate) fn listings(&self, subject: &str) -> Vec<Listing> {
        let (zone, subject): (Name, _) = (ZONE.parse().unwrap(), subject.parse().unwrap());
        self.store.read(UnixTime::now()).listings_of(&zone, &subject).unwrap()
    }

    /// Whether reports list a subject, in the store and for DNS.
    pub(crate) fn is_listed(&self, subject: &str) -> bool {
        let listings = self.listings(subject);
        let stored = listings.iter().any(|listing| listing.source.as_str() == Source::REPORTS);
        let snapshot = self.index.load();
        let zone = snapshot.zone(&ZONE.parse().unwrap()).unwrap();
        let answered = zone.judge_address(subject.parse().unwrap(), UnixTime::now());
        assert_eq!(answered.listed().is_some(), stored, "{subject}");
        stored
    }

    pub(crate) fn entry(&self, seq: u64) -> LogEntry {
        self.store.read(UnixTime::now()).log_entry(seq).unwrap().unwrap()
    }

    /// The operations on listings of the change log.
    pub(crate) fn listing_ops(&self) -> Vec<Op> {
        let entries = self.store.read(UnixTime::now()).log_after(0, 10_000).unwrap().unwrap();
        let ops = entries.into_iter().flat_map(|entry| entry.ops);
        ops.filter(|op| matches!(op, Op::Put { .. } | Op::Delete { .. })).collect()
    }

    /// How many documents of a kind there are.
    pub(crate) fn documents(&self, kind: &str) -> usize {
        let kind: DocumentKind = kind.parse().unwrap();
        self.store.read(UnixTime::now()).documents(&kind, None, 10).unwrap().len()
    }
}
