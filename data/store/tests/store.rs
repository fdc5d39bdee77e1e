//! The store keeps what it acknowledged, in one order, whatever happens in between.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use dnsbl_store::{
    Actor, Change, ChangeError, Cursor, Done, Filter, Follower, ImportCounts, ImportLimits,
    ImportMode, MintedToken, Op, Outcome, Precondition, Recovery, Sources, Store, StoreError,
    SubjectMatch,
};
use dnsbl_types::{
    Apex, Entry, Listing, ListingBody, Name, ReturnCode, Serial, SoaTimes, Source, Subject,
    UnixTime, Zone, ZoneKind, ZoneSpec,
};
use proptest::prelude::*;
use tempfile::TempDir;

const NOW: UnixTime = UnixTime(1_700_000_000);

fn origin() -> Name {
    "bl.example.org".parse().unwrap()
}

fn zone(kind: ZoneKind) -> Zone {
    let ns: Name = "ns.example.net".parse().unwrap();
    let spec = ZoneSpec {
        origin: origin(),
        kind,
        ns: vec![ns.clone()],
        mname: ns.clone(),
        rname: ns,
        soa: SoaTimes::default(),
        ttl: 300,
        negative_ttl: 60,
        return_codes: vec![ReturnCode::LISTED],
        reason: "$".parse().unwrap(),
        test_codes: vec![],
        apex: Apex::default(),
        glue: BTreeMap::new(),
    };
    spec.check().unwrap()
}

/// What a follower was told, as published.
#[derive(Clone, Default)]
struct Mirror(Arc<Mutex<Seen>>);

#[derive(Clone, Default)]
struct Seen {
    entries: BTreeMap<String, Vec<Entry>>,
    serial: Serial,
    seq: u64,
}

impl Follower for Mirror {
    fn put_zone(&mut self, _: &Zone, serial: Serial) {
        self.0.lock().unwrap().serial = serial;
    }
    fn remove_zone(&mut self, _: &Name) {
        self.0.lock().unwrap().entries.clear();
    }
    fn set_serial(&mut self, _: &Name, serial: Serial) {
        self.0.lock().unwrap().serial = serial;
    }
    fn set_entries(&mut self, _: &Name, subject: &Subject, entries: &[Entry]) {
        let seen = &mut self.0.lock().unwrap().entries;
        if entries.is_empty() {
            seen.remove(&subject.to_string());
        } else {
            seen.insert(subject.to_string(), entries.to_vec());
        }
    }
    fn publish(&mut self, seq: u64, _: Instant) {
        self.0.lock().unwrap().seq = seq;
    }
}

struct Fixture {
    store: Store,
    mirror: Mirror,
    /// Last, so that the store is closed before its files go.
    dir: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self::open(tempfile::tempdir().unwrap());
        let zone = Box::new(zone(ZoneKind::Ip));
        fixture.change(Change::PutZone { zone, serial_floor: None }).unwrap();
        fixture
    }

    fn open(dir: TempDir) -> Self {
        let store = Store::open(dir.path()).unwrap();
        let mut mirror = Mirror::default();
        store.load(&mut mirror).unwrap();
        store.start(Box::new(mirror.clone())).unwrap();
        Self { store, mirror, dir }
    }

    fn reopen(self) -> Self {
        let Self { dir, store, .. } = self;
        store.close();
        drop(store);
        Self::open(dir)
    }

    fn change(&self, change: Change) -> Result<Done, ChangeError> {
        self.change_at(change, NOW)
    }

    fn change_at(&self, change: Change, now: UnixTime) -> Result<Done, ChangeError> {
        self.store.change(Actor { name: "test".into(), remote: None }, change, now)
    }

    fn put(&self, subject: &str, source: &str, body: ListingBody) -> Result<Done, ChangeError> {
        self.change(Change::PutListing {
            zone: origin(),
            subject: subject.parse().unwrap(),
            source: source.parse().unwrap(),
            body,
            precondition: Precondition::None,
        })
    }

    fn delete(&self, subject: &str, sources: Sources) -> Result<Done, ChangeError> {
        let zone = origin();
        let subject = subject.parse().unwrap();
        self.change(Change::DeleteListing {
            zone,
            subject,
            sources,
            precondition: Precondition::None,
        })
    }

    fn import(
        &self,
        source: &str,
        rows: &[(&str, ListingBody)],
        mode: ImportMode,
    ) -> Result<ImportCounts, ChangeError> {
        let mut staging = self.store.stage(&origin(), source.parse().unwrap())?;
        for (subject, body) in rows {
            staging.put(&subject.parse().unwrap(), body)?;
        }
        let staged = staging.finish()?;
        match self.change(Change::CommitImport { staged, mode, dry_run: false })?.outcome {
            Outcome::Import(counts) => Ok(counts),
            other => panic!("{other:?}"),
        }
    }

    fn fold_all(&self) {
        while matches!(self.change(Change::Fold).unwrap().outcome, Outcome::Count(1..)) {}
    }

    fn listings(&self, now: UnixTime) -> Vec<Listing> {
        let mut all = Vec::new();
        self.store
            .read(now)
            .each(&origin(), &Filter::all(), None, |listing| {
                all.push(listing);
                true
            })
            .unwrap();
        all
    }

    fn subjects(&self) -> Vec<String> {
        self.listings(NOW)
            .iter()
            .map(|listing| format!("{} {}", listing.subject, listing.source))
            .collect()
    }

    fn counts(&self, now: UnixTime) -> (u64, u64) {
        let record = self.store.read(now).zone(&origin()).unwrap().unwrap();
        (record.listings, record.exclusions)
    }
}

fn source(name: &str) -> Source {
    name.parse().unwrap()
}

fn plain() -> ListingBody {
    ListingBody::default()
}

fn note(text: &str) -> ListingBody {
    ListingBody { note: Some(text.into()), ..plain() }
}

const REPLACE: ImportMode =
    ImportMode::ReplaceSource(ImportLimits { allow_rejected: false, max_removed: 1.0 });

#[test]
fn what_was_acknowledged_is_there_after_reopening() {
    let fixture = Fixture::new();
    let done = fixture.put("192.0.2.1", "a", note("x")).unwrap();
    assert_eq!(done.seq, 2);
    let before = fixture.listings(NOW);
    let fixture = fixture.reopen();
    assert_eq!(fixture.listings(NOW), before);
    assert_eq!(fixture.mirror.0.lock().unwrap().entries.len(), 1);
    assert_eq!(fixture.put("192.0.2.2", "a", plain()).unwrap().seq, 3);
}

#[test]
fn a_put_that_changes_nothing_writes_no_entry() {
    let fixture = Fixture::new();
    let first = fixture.put("192.0.2.1", "a", note("x")).unwrap();
    let again = fixture.put("192.0.2.1", "a", note("x")).unwrap();
    assert_eq!(again.seq, first.seq);
    assert_eq!(fixture.store.read(NOW).head().unwrap(), first.seq);
}

#[test]
fn each_source_lists_and_delists_on_its_own() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    fixture.put("192.0.2.1", "b", plain()).unwrap();
    fixture.delete("192.0.2.1", Sources::One(source("a"))).unwrap();
    assert_eq!(fixture.subjects(), ["192.0.2.1 b"]);
    assert!(matches!(
        fixture.delete("192.0.2.1", Sources::One(source("a"))),
        Err(ChangeError::NoListing)
    ));
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    assert!(matches!(
        fixture.delete("192.0.2.1", Sources::All).unwrap().outcome,
        Outcome::Count(2)
    ));
    assert!(fixture.mirror.0.lock().unwrap().entries.is_empty());
}

#[test]
fn preconditions_hold_for_subject_and_source() {
    let fixture = Fixture::new();
    let seq = fixture.put("192.0.2.1", "a", plain()).unwrap().seq;
    let put = |source_: &str, precondition, text: &str| {
        fixture.change(Change::PutListing {
            zone: origin(),
            subject: "192.0.2.1".parse().unwrap(),
            source: source(source_),
            body: note(text),
            precondition,
        })
    };
    assert!(matches!(put("a", Precondition::Absent, "1"), Err(ChangeError::Precondition)));
    assert!(put("b", Precondition::Absent, "1").is_ok());
    assert!(matches!(
        put("a", Precondition::Matches(vec![seq + 7]), "2"),
        Err(ChangeError::Precondition)
    ));
    assert!(put("a", Precondition::Matches(vec![seq]), "2").is_ok());
    assert!(matches!(
        put("a", Precondition::Matches(vec![seq]), "3"),
        Err(ChangeError::Precondition)
    ));
}

#[test]
fn an_import_counts_what_it_does() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "feed", plain()).unwrap();
    fixture.put("192.0.2.2", "feed", note("old")).unwrap();
    fixture.put("192.0.2.3", "feed", plain()).unwrap();
    let rows = [
        ("192.0.2.1", plain()),
        ("192.0.2.2", note("new")),
        ("192.0.2.4", plain()),
        ("192.0.2.4", plain()),
    ];
    let counts = fixture.import("feed", &rows, REPLACE).unwrap();
    assert_eq!(
        counts,
        ImportCounts { added: 1, updated: 1, unchanged: 2, removed: 1, rejected: 0 }
    );
    assert_eq!(fixture.subjects(), ["192.0.2.1 feed", "192.0.2.2 feed", "192.0.2.4 feed"]);
    assert_eq!(fixture.counts(NOW), (3, 0));
    fixture.fold_all();
    assert_eq!(fixture.subjects(), ["192.0.2.1 feed", "192.0.2.2 feed", "192.0.2.4 feed"]);
    let head = fixture.store.read(NOW).head().unwrap();
    let again = fixture.import("feed", &rows, REPLACE).unwrap();
    assert_eq!(again, ImportCounts { unchanged: 4, ..ImportCounts::default() });
    assert_eq!(
        fixture.store.read(NOW).head().unwrap(),
        head,
        "an import that changes nothing is no change"
    );
}

#[test]
fn an_import_that_would_remove_too_much_changes_nothing() {
    let fixture = Fixture::new();
    for last in 1..=10 {
        fixture.put(&format!("192.0.2.{last}"), "feed", plain()).unwrap();
    }
    let mode = ImportMode::ReplaceSource(ImportLimits::default());
    let refused = fixture.import("feed", &[("192.0.2.1", plain())], mode).unwrap_err();
    assert!(
        matches!(
            refused,
            ChangeError::ImportRefused { counts: ImportCounts { removed: 9, .. }, .. }
        ),
        "{refused}"
    );
    assert!(matches!(fixture.import("feed", &[], mode), Err(ChangeError::ImportRefused { .. })));
    assert_eq!(fixture.subjects().len(), 10);
    assert_eq!(fixture.reopen().subjects().len(), 10);
}

#[test]
fn a_staged_import_is_invisible_and_leaves_nothing_when_it_is_cut_off() {
    let fixture = Fixture::new();
    let mut staging = fixture.store.stage(&origin(), source("feed")).unwrap();
    for i in 0..10_000u32 {
        staging.put(&Subject::from(std::net::Ipv4Addr::from(0xc612_0000 + i)), &plain()).unwrap();
    }
    assert!(fixture.subjects().is_empty());
    // As a crash would: the rows that were written stay behind.
    std::mem::forget(staging);
    let fixture = fixture.reopen_after_crash();
    assert!(fixture.subjects().is_empty());
    assert_eq!(fixture.mirror.0.lock().unwrap().entries.len(), 0);
    assert_eq!(
        fixture.import("feed", &[("192.0.2.1", plain())], ImportMode::Upsert).unwrap().added,
        1
    );
    assert_eq!(fixture.subjects(), ["192.0.2.1 feed"]);
}

impl Fixture {
    /// Copies the files as they are, since what was forgotten keeps the store open.
    fn reopen_after_crash(self) -> Self {
        self.store.close();
        let copy = tempfile::tempdir().unwrap();
        copy_files(self.dir.path(), copy.path());
        Self::open(copy)
    }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn what_has_expired_is_absent_before_and_after_the_sweep() {
    let fixture = Fixture::new();
    let later = NOW.plus(60);
    fixture.put("192.0.2.1", "a", ListingBody { expires_at: Some(later), ..plain() }).unwrap();
    fixture.put("192.0.2.1", "b", plain()).unwrap();
    assert_eq!((fixture.listings(NOW).len(), fixture.counts(NOW)), (2, (2, 0)));
    assert_eq!((fixture.listings(later).len(), fixture.counts(later)), (1, (1, 0)));
    let before = fixture.mirror.0.lock().unwrap().serial;
    fixture.change_at(Change::Sweep, later).unwrap();
    assert_eq!((fixture.listings(NOW).len(), fixture.counts(NOW)), (1, (1, 0)));
    let seen = fixture.mirror.0.lock().unwrap().clone();
    assert!(seen.serial.is_after(before));
    assert_eq!(seen.entries["192.0.2.1"], [Entry::default()]);
    let entry = fixture.store.read(NOW).log_entry(seen.seq).unwrap().unwrap();
    assert_eq!(entry.ops[0].word(), "expire");
    let head = seen.seq;
    fixture.change_at(Change::Sweep, later).unwrap();
    assert_eq!(fixture.store.read(NOW).head().unwrap(), head);
}

#[test]
fn an_expired_listing_that_is_put_again_is_new() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", ListingBody { expires_at: Some(NOW), ..plain() }).unwrap();
    let done = fixture.put("192.0.2.1", "a", plain()).unwrap();
    assert!(matches!(done.outcome, Outcome::Listing { created: true, .. }));
    fixture.change(Change::Sweep).unwrap();
    assert_eq!((fixture.subjects().len(), fixture.counts(NOW)), (1, (1, 0)));
}

#[test]
fn the_serial_goes_on_when_a_zone_is_deleted_and_made_again() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    fixture.change(Change::DeleteZone(origin())).unwrap();
    let fixture = fixture.reopen();
    assert!(fixture.store.read(NOW).zone(&origin()).unwrap().is_none());
    fixture
        .change(Change::PutZone { zone: Box::new(zone(ZoneKind::Ip)), serial_floor: None })
        .unwrap();
    let record = fixture.store.read(NOW).zone(&origin()).unwrap().unwrap();
    assert_eq!(record.serial, Serial(4));
    assert!(fixture.subjects().is_empty());
    let floor = Some(Serial(2_026_112_100));
    fixture
        .change(Change::PutZone { zone: Box::new(zone(ZoneKind::Ip)), serial_floor: floor })
        .unwrap();
    assert_eq!(fixture.mirror.0.lock().unwrap().serial, Serial(2_026_112_100));
}

#[test]
fn a_zone_with_listings_keeps_its_kind() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    let change = || Change::PutZone { zone: Box::new(zone(ZoneKind::Domain)), serial_floor: None };
    assert!(matches!(fixture.change(change()), Err(ChangeError::KindInUse(_))));
    fixture.delete("192.0.2.1", Sources::All).unwrap();
    assert!(fixture.change(change()).is_ok());
}

#[test]
fn the_log_is_dense_and_tells_what_happened() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", note("x")).unwrap();
    fixture.put("192.0.2.1", "a", note("y")).unwrap();
    fixture.delete("192.0.2.1", Sources::All).unwrap();
    let entries = fixture.store.read(NOW).log_after(0, 100).unwrap().unwrap();
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let words: Vec<_> = entries.iter().flat_map(|entry| &entry.ops).map(Op::word).collect();
    assert_eq!(words, ["zone-put", "put", "put", "delete"]);
    let Op::Put { previous: Some(previous), .. } = &entries[2].ops[0] else { panic!() };
    assert_eq!(previous.body.note.as_deref(), Some("x"));
    let audit = fixture.store.read(NOW).audit_before(u64::MAX, 2).unwrap();
    assert_eq!(audit.iter().map(|record| record.seq).collect::<Vec<_>>(), [4, 3]);
}

#[test]
fn a_compacted_log_says_so_and_keeps_its_head() {
    let fixture = Fixture::new();
    for i in 1..=5u64 {
        let change = Change::PutListing {
            zone: origin(),
            subject: format!("192.0.2.{i}").parse().unwrap(),
            source: source("a"),
            body: plain(),
            precondition: Precondition::None,
        };
        fixture.change_at(change, NOW.plus(i)).unwrap();
    }
    fixture.change(Change::CompactLog { before: NOW.plus(3), max_bytes: u64::MAX }).unwrap();
    let fixture = fixture.reopen();
    let reader = fixture.store.read(NOW);
    assert_eq!(reader.log_floor().unwrap(), 4);
    assert_eq!(reader.log_after(2, 9).unwrap(), None);
    assert_eq!(reader.log_after(3, 9).unwrap().unwrap().len(), 3);
    drop(reader);
    fixture.change(Change::CompactLog { before: UnixTime(u64::MAX), max_bytes: 0 }).unwrap();
    assert_eq!(fixture.store.read(NOW).head().unwrap(), 6);
}

#[test]
fn pages_hold_everything_once() {
    let fixture = Fixture::new();
    for i in 0..25 {
        fixture.put(&format!("192.0.2.{i}"), "a", plain()).unwrap();
        fixture.put(&format!("192.0.2.{i}"), "b", plain()).unwrap();
    }
    let mut all = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let (page, next) =
            fixture.store.read(NOW).page(&origin(), &Filter::all(), cursor.as_ref(), 7).unwrap();
        all.extend(page);
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(all, fixture.listings(NOW));
    assert_eq!(all.len(), 50);
}

#[test]
fn searches_find_what_covers_and_what_is_covered() {
    let fixture = Fixture::new();
    for subject in
        ["192.0.0.0/16", "192.0.2.0/24", "192.0.2.7", "192.0.3.1", "2001:db8::/32", "2001:db8::1"]
    {
        fixture.put(subject, "a", plain()).unwrap();
    }
    let find = |subject| {
        let filter = Filter { subject, ..Filter::all() };
        let (page, _) = fixture.store.read(NOW).page(&origin(), &filter, None, 100).unwrap();
        page.iter().map(|listing| listing.subject.to_string()).collect::<Vec<_>>()
    };
    let net: Subject = "192.0.2.0/24".parse().unwrap();
    assert_eq!(find(SubjectMatch::Exact(net.clone())), ["192.0.2.0/24"]);
    assert_eq!(find(SubjectMatch::Covering(net.clone())), ["192.0.0.0/16", "192.0.2.0/24"]);
    assert_eq!(find(SubjectMatch::Covered(net.clone())), ["192.0.2.0/24", "192.0.2.7"]);
    assert_eq!(find(SubjectMatch::Overlap(net)), ["192.0.0.0/16", "192.0.2.0/24", "192.0.2.7"]);
    assert_eq!(
        find(SubjectMatch::Covered("2001:db8::/32".parse().unwrap())),
        ["2001:db8::/32", "2001:db8::1"]
    );
}

#[test]
fn a_token_is_known_by_its_secret_only() {
    let fixture = Fixture::new();
    let minted = MintedToken::mint(
        [7; 40],
        "ops".into(),
        vec!["zones:read".into()],
        NOW,
        Some(NOW.plus(10)),
    );
    fixture.change(Change::PutToken(minted.record.clone())).unwrap();
    let reader = fixture.store.read(NOW);
    assert_eq!(reader.authenticate(minted.text.reveal()).unwrap(), Some(minted.record.clone()));
    assert_eq!(reader.authenticate(&format!("{}0", minted.text.reveal())).unwrap(), None);
    assert_eq!(reader.authenticate("dnsbl_0000_1111").unwrap(), None);
    assert_eq!(fixture.store.read(NOW.plus(10)).authenticate(minted.text.reveal()).unwrap(), None);
    fixture.change(Change::DeleteToken(minted.record.id.clone())).unwrap();
    assert_eq!(fixture.store.read(NOW).authenticate(minted.text.reveal()).unwrap(), None);
    assert!(!format!("{:?}", minted.text).contains("0707"));
}

#[test]
fn a_second_process_is_told_who_has_the_store() {
    let fixture = Fixture::new();
    let Err(err) = Store::open(fixture.dir.path()) else { panic!("opened twice") };
    assert!(matches!(err, StoreError::Locked { .. }), "{err}");
}

#[test]
fn a_store_of_a_newer_release_is_refused() {
    let fixture = Fixture::new();
    fixture.store.close();
    let Fixture { dir, store, .. } = fixture;
    drop(store);
    let mut options = rocksdb::Options::default();
    options.create_missing_column_families(true);
    let names = rocksdb::DB::list_cf(&options, dir.path()).unwrap();
    let db =
        rocksdb::DB::open_cf(&options, dir.path(), names.iter().chain([&"invented".to_string()]))
            .unwrap();
    db.put_cf(db.cf_handle("meta").unwrap(), b"format", 9u32.to_be_bytes()).unwrap();
    drop(db);
    let Err(err) = Store::open(dir.path()) else { panic!("opened") };
    assert!(matches!(err, StoreError::Newer { found: 9, known: 1, .. }), "{err}");
}

/// The newest WAL that has something in it.
fn wal(dir: &Path) -> std::path::PathBuf {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|ext| ext == "log")).collect();
    logs.sort();
    logs.into_iter().rfind(|path| path.metadata().unwrap().len() > 0).unwrap()
}

#[test]
fn a_torn_last_record_is_what_a_crash_leaves_and_is_dropped() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    fixture.put("192.0.2.2", "a", plain()).unwrap();
    fixture.store.close();
    let copy = tempfile::tempdir().unwrap();
    copy_files(fixture.dir.path(), copy.path());
    let wal = wal(copy.path());
    let len = wal.metadata().unwrap().len();
    std::fs::OpenOptions::new().write(true).open(wal).unwrap().set_len(len - 3).unwrap();
    assert_eq!(Fixture::open(copy).subjects(), ["192.0.2.1 a"]);
}

#[test]
fn damage_in_the_middle_is_refused_and_recovery_shows_what_it_would_drop() {
    let fixture = Fixture::new();
    // RocksDB gives up the rest of a 32 KiB block of its WAL, so fill several.
    for i in 1..=60 {
        fixture.put(&format!("192.0.2.{i}"), "a", note(&"x".repeat(4000))).unwrap();
    }
    fixture.store.close();
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("store");
    std::fs::create_dir(&copy).unwrap();
    copy_files(fixture.dir.path(), &copy);
    let wal = wal(&copy);
    let mut bytes = std::fs::read(&wal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&wal, bytes).unwrap();
    let Err(err) = Store::open(&copy) else { panic!("opened") };
    assert!(matches!(err, StoreError::Damaged { .. }), "{err}");
    assert!(err.to_string().contains("recover"), "{err}");
    let name = wal.file_name().unwrap().to_str().unwrap();
    assert!(err.to_string().contains(name), "{err} does not name {name}");

    let plan = Recovery::plan(&copy).unwrap();
    let kept = plan.head;
    assert!((2..60).contains(&kept), "{kept}");
    assert!(!plan.dropped.is_empty(), "what lies behind the damage can be read");
    assert!(
        matches!(Store::open(&copy), Err(StoreError::Damaged { .. })),
        "looking changes nothing"
    );
    let plan = {
        plan.discard().unwrap();
        Recovery::plan(&copy).unwrap()
    };
    plan.apply(NOW).unwrap();
    let store = Store::open(&copy).unwrap();
    assert_eq!(store.read(NOW).head().unwrap(), kept);
    assert_eq!(store.read(NOW).epoch().unwrap(), 2);
    assert_eq!(store.read(NOW).zone(&origin()).unwrap().unwrap().listings, kept - 1);
}

/// Steps of the model test.
#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8, u8),
    Delete(u8, u8),
    DeleteAll(u8),
    Import(u8, Vec<(u8, u8)>, bool),
    Fold,
    Sweep,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let rows = prop::collection::vec((0u8..12, 0u8..4), 0..12);
    prop_oneof![
        4 => (0u8..12, 0u8..3, 0u8..4).prop_map(|(subject, source, what)| Step::Put(subject, source, what)),
        2 => (0u8..12, 0u8..3).prop_map(|(subject, source)| Step::Delete(subject, source)),
        1 => (0u8..12).prop_map(Step::DeleteAll),
        3 => (0u8..3, rows, any::<bool>()).prop_map(|(source, rows, replace)| Step::Import(source, rows, replace)),
        2 => Just(Step::Fold),
        1 => Just(Step::Sweep),
        1 => Just(Step::Reopen),
    ]
}

/// 0 plain, 1 a note, 2 an exclusion, 3 already expired.
fn body(what: u8) -> ListingBody {
    match what {
        0 => plain(),
        1 => note("n"),
        2 => ListingBody { exclusion: true, ..plain() },
        _ => ListingBody { expires_at: Some(NOW), ..plain() },
    }
}

type Model = BTreeMap<(String, String), u8>;

fn apply(fixture: Fixture, model: &mut Model, step: &Step) -> Fixture {
    let subject = |n: &u8| format!("192.0.2.{n}");
    let name = |n: &u8| format!("s{n}");
    match step {
        Step::Put(at, by, what) => {
            fixture.put(&subject(at), &name(by), body(*what)).unwrap();
            model.insert((subject(at), name(by)), *what);
        }
        Step::Delete(at, by) => {
            let there = model.get(&(subject(at), name(by))).is_some_and(|what| *what < 3);
            assert_eq!(
                fixture.delete(&subject(at), Sources::One(source(&name(by)))).is_ok(),
                there
            );
            if there {
                model.remove(&(subject(at), name(by)));
            }
        }
        Step::DeleteAll(at) => {
            let _ = fixture.delete(&subject(at), Sources::All);
            model.retain(|(there, _), what| *there != subject(at) || *what == 3);
        }
        Step::Import(by, rows, replace) => {
            let rows: Vec<_> = rows.iter().map(|(at, what)| (subject(at), *what)).collect();
            let bodies: Vec<_> = rows.iter().map(|(at, what)| (at.as_str(), body(*what))).collect();
            let mode = if *replace { REPLACE } else { ImportMode::Upsert };
            fixture.import(&name(by), &bodies, mode).unwrap();
            if *replace {
                model.retain(|(_, source), _| *source != name(by));
            }
            model.extend(rows.into_iter().map(|(at, what)| ((at, name(by)), what)));
        }
        Step::Fold => drop(fixture.change(Change::Fold).unwrap()),
        Step::Sweep => drop(fixture.change(Change::Sweep).unwrap()),
        Step::Reopen => return fixture.reopen(),
    }
    fixture
}

/// Compares all ways of looking at the store with the model.
fn compare(fixture: &Fixture, model: &Model) {
    let live: Vec<_> = model.iter().filter(|(_, what)| **what < 3).collect();
    let mut expected: Vec<_> =
        live.iter().map(|((at, by), what)| (at.clone(), by.clone(), body(**what))).collect();
    expected.sort_by_key(|(at, by, _)| (at.parse::<std::net::Ipv4Addr>().unwrap(), by.clone()));
    let found: Vec<_> = fixture
        .listings(NOW)
        .into_iter()
        .map(|l| (l.subject.to_string(), l.source.to_string(), l.body))
        .collect();
    assert_eq!(found, expected);
    let exclusions = live.iter().filter(|(_, what)| **what == 2).count() as u64;
    assert_eq!(fixture.counts(NOW), (live.len() as u64 - exclusions, exclusions));
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    for ((at, _), _) in live {
        *index.entry(at.clone()).or_default() += 1;
    }
    let seen = fixture.mirror.0.lock().unwrap();
    let live_entries =
        |entries: &Vec<Entry>| entries.iter().filter(|entry| entry.is_live(NOW)).count();
    let seen: BTreeMap<_, _> = seen
        .entries
        .iter()
        .map(|(at, e)| (at.clone(), live_entries(e)))
        .filter(|(_, n)| *n > 0)
        .collect();
    assert_eq!(seen, index);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_the_store_agrees_with_a_map(steps in prop::collection::vec(step(), 1..30)) {
        let mut fixture = Fixture::new();
        let mut model = Model::new();
        for step in &steps {
            fixture = apply(fixture, &mut model, step);
            compare(&fixture, &model);
        }
        fixture.fold_all();
        compare(&fixture, &model);
        let reader = fixture.store.read(NOW);
        let log = reader.log_after(0, usize::MAX).unwrap().unwrap();
        prop_assert!(log.iter().map(|entry| entry.seq).eq(1..=reader.head().unwrap()));
    }
}
