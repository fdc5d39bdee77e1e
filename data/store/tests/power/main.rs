//! The power fails in the middle of anything: nothing acknowledged is lost, nothing is there by halves, and
//! the store opens without a hand.
//!
//! A process works on a store while a shim (`shim.c`) writes down every write, sync and rename. From that,
//! disks are made as a power failure could leave them (`disk.rs`), and the store on each is opened.
//! `DNSBL_POWER_CUTS` says how many disks of each kind, 200 by default; `DNSBL_POWER_SEED` which.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod disk;

use std::{
    collections::hash_map::{DefaultHasher, RandomState},
    fs::{self, File},
    hash::{BuildHasher, Hash, Hasher},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use disk::{Cut, Disk, Random, read_events};
use dnsbl_store::{
    Actor, Change, Document, Filter, ImportLimits, ImportMode, MintedToken, Operation,
    OperationResult, Precondition, Sources, Store,
};
use dnsbl_types::{ListingBody, Name, UnixTime, ZoneKind, ZoneSpec};
use tempfile::TempDir;

const NOW: UnixTime = UnixTime(1_700_000_000);
/// Changes that the process makes.
const CHANGES: usize = 160;

fn open(path: &Path) -> Result<Store, dnsbl_store::StoreError> {
    let store = Store::open(path)?;
    store.load(&mut ())?;
    store.start(Box::new(()))?;
    Ok(store)
}

fn origin(number: usize) -> Name {
    format!("bl{number}.example.org").parse().unwrap()
}

/// Everything that can be seen, as one number.
fn seen(store: &Store) -> u64 {
    let reader = store.read(NOW);
    let mut hasher = DefaultHasher::new();
    reader.head().unwrap().hash(&mut hasher);
    for record in reader.zones().unwrap() {
        let zone = record.zone.origin.clone();
        (zone.to_string(), record.serial.0, record.listings, record.exclusions).hash(&mut hasher);
        record.zone.ttl.hash(&mut hasher);
        reader
            .each(
                &zone,
                &Filter::all(),
                || false,
                |listing| {
                    format!("{listing:?}").hash(&mut hasher);
                    true
                },
            )
            .unwrap();
    }
    let kind = "test".parse().unwrap();
    for document in reader.documents(&kind, None, 1000).unwrap() {
        (document.id().to_string(), document.body(), document.revision()).hash(&mut hasher);
    }
    reader.documents(&kind, None, usize::MAX).unwrap().len().hash(&mut hasher);
    for token in reader.tokens().unwrap() {
        token.id.hash(&mut hasher);
    }
    for entry in reader.log_after(0, 10_000).unwrap().unwrap_or_default() {
        format!("{entry:?}").hash(&mut hasher);
    }
    hasher.finish()
}

/// Works on a store, and notes what can be seen after each change once it is acknowledged.
fn work(dir: &Path) {
    let mut store = open(&dir.join("store")).unwrap();
    let mut notes = File::create(dir.join("acknowledged")).unwrap();
    let mut note = |store: &Store| {
        let line = format!("{:016x}", seen(store));
        notes.write_all(line.as_bytes()).unwrap();
    };
    note(&store);
    let mut random = Random(7);
    for i in 0..CHANGES {
        if i % 40 == 39 {
            store.close();
            drop(store);
            store = open(&dir.join("store")).unwrap();
        }
        change(&store, i, &mut random);
        note(&store);
    }
    store.close();
}

fn make(store: &Store, operation: Operation) -> OperationResult {
    make_all(store, vec![operation])
}

fn make_all(store: &Store, operations: Vec<Operation>) -> OperationResult {
    let change = Change { actor: Actor::part("test"), operations };
    store.commit(change, NOW).unwrap().into_result().unwrap()
}

fn text(random: &mut Random, most: usize) -> String {
    let len = 1 + random.below(most);
    (0..len).map(|_| char::from(b'a' + random.below(26) as u8)).collect()
}

fn change(store: &Store, i: usize, random: &mut Random) {
    let zone = origin(i / 10 % 2);
    let subject = |n: usize| format!("192.0.{}.{}", n / 250 % 250, n % 250).parse().unwrap();
    let put_zone = |zone: &Name, ttl| {
        let mut spec = ZoneSpec::new(
            zone.clone(),
            ZoneKind::Ip,
            vec!["ns.example.net".parse().unwrap()],
            "$".parse().unwrap(),
        );
        spec.ttl = ttl;
        make(
            store,
            Operation::PutZone { zone: Box::new(spec.check().unwrap()), serial_floor: None },
        );
    };
    let note = |random: &mut Random, most| ListingBody {
        note: Some(text(random, most)),
        ..ListingBody::default()
    };
    if store.read(NOW).zone(&zone).unwrap().is_none() {
        return put_zone(&zone, 300);
    }
    match i % 10 {
        1 => {
            let id = format!("{}", random.below(8)).parse().unwrap();
            let body = text(random, 60_000).into_bytes();
            let document = Document::new("test".parse().unwrap(), id, vec![1], Some(NOW), body);
            let document = Box::new(document.unwrap());
            let listing = Operation::PutListing {
                zone,
                subject: subject(i),
                source: "tester".parse().unwrap(),
                body: Box::new(note(random, 3000)),
                precondition: Precondition::None,
            };
            let document = Operation::PutDocument { document, precondition: Precondition::None };
            make_all(store, vec![document, listing]);
        }
        2 | 7 => {
            let mut staging = store.stage(&zone, "feed".parse().unwrap()).unwrap();
            for n in 0..300 {
                let mut body = ListingBody::default();
                if n % 3 == 0 {
                    body = note(random, 40);
                }
                if n % 50 == 0 {
                    body.expires_at = Some(UnixTime(NOW.0 + 1000));
                }
                staging.put(&subject(random.below(2000)), &body).unwrap();
            }
            let limits = ImportLimits { allow_rejected: false, max_removed: 1.0 };
            let mode =
                if i % 10 == 2 { ImportMode::Upsert } else { ImportMode::ReplaceSource(limits) };
            make(store, staging.finish(mode, false, NOW).unwrap().commit());
        }
        5 => {
            let precondition = Precondition::None;
            let delete = Operation::DeleteListing {
                zone,
                subject: subject(i - 1),
                sources: Sources::All,
                precondition,
            };
            make(store, delete);
        }
        6 => drop(make(store, Operation::CompactSegments)),
        8 if i % 20 == 8 => {
            let random = std::array::from_fn(|_| random.below(256) as u8);
            let token = MintedToken::mint(random, format!("t{i}"), vec![], NOW, None);
            make(store, Operation::PutToken(token.record));
        }
        8 => put_zone(&zone, 300 + i as u32),
        9 if i % 80 == 69 => drop(make(store, Operation::DeleteZone(zone))),
        _ => {
            let source = "hand".parse().unwrap();
            let (subject, body) = (subject(i), Box::new(note(random, 4000)));
            let precondition = Precondition::None;
            make(store, Operation::PutListing { zone, subject, source, body, precondition });
        }
    }
}

/// A folder in memory, where there is one.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn build_shim(dir: &Path) -> PathBuf {
    let (source, shim) = (dir.join("shim.c"), dir.join("shim.so"));
    fs::write(&source, include_str!("shim.c")).unwrap();
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let mut build = Command::new(cc);
    build.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&shim).arg(&source).arg("-ldl");
    assert!(build.status().expect("a C compiler, as RocksDB needs one too").success());
    shim
}

#[test]
fn nothing_acknowledged_is_lost_and_every_start_succeeds_after_a_power_failure() {
    if let Some(dir) = std::env::var_os("POWER_WORK") {
        return work(Path::new(&dir));
    }
    let cuts = std::env::var("DNSBL_POWER_CUTS").ok();
    let cuts: usize = cuts.map_or(200, |text| text.parse().expect("DNSBL_POWER_CUTS is a number"));
    let (tools, dir) = (scratch(), scratch());
    let shim = build_shim(tools.path());
    let log = tools.path().join("events");
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["nothing_acknowledged_is_lost", "--nocapture"]);
    process.env("POWER_WORK", dir.path()).env("POWER_ROOT", dir.path());
    process.env("POWER_LOG", &log).env("LD_PRELOAD", &shim);
    assert!(process.status().unwrap().success());

    let events = read_events(&log);
    let noted: Vec<Option<u64>> = events.iter().map(acknowledged).collect();
    let states: Vec<u64> = noted.iter().copied().flatten().collect();
    assert_eq!(states.len(), CHANGES + 1, "the shim saw everything");
    let begun = Instant::now();
    let seed = std::env::var("DNSBL_POWER_SEED").ok();
    let seed = seed.map_or_else(
        || RandomState::new().hash_one(0),
        |text| text.parse().expect("DNSBL_POWER_SEED is a number"),
    );
    println!("seed {seed}, {} events", events.len());
    let mut random = Random(seed);
    // Where something is written and not synced there is something to lose.
    let mut disk = Disk::default();
    let dirty = events.iter().enumerate().filter_map(|(i, event)| {
        disk.take(event);
        disk.is_dirty().then_some(i)
    });
    let dirty: Vec<usize> = dirty.collect();
    for cut in Cut::ALL {
        let mut at: Vec<usize> = (0..cuts).map(|_| dirty[random.below(dirty.len())]).collect();
        at.sort_unstable();
        let (mut disk, mut taken, mut count) = (Disk::default(), 0, 0);
        for at in at {
            for event in &events[taken..=at] {
                disk.take(event);
            }
            count += noted[taken..=at].iter().flatten().count();
            taken = at + 1;
            let files = disk.cut(cut, &mut random);
            check(&files, &states, count, &format!("{cut:?} at event {at}, seed {seed}"));
        }
    }
    println!("{} disks in {:?}", 4 * cuts, begun.elapsed());
}

/// What could be seen after the change that this event says is acknowledged.
fn acknowledged(event: &disk::Event) -> Option<u64> {
    if event.bytes.len() != 16 {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(&event.bytes).ok()?, 16).ok()
}

/// The store opens and shows what it showed after the last acknowledged change, or after the next.
fn check(
    files: &std::collections::BTreeMap<String, Vec<u8>>,
    states: &[u64],
    acknowledged: usize,
    what: &str,
) {
    let dir = scratch();
    for (name, content) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let store = match open(&dir.path().join("store")) {
        Ok(store) => store,
        Err(err) => panic!("{what}: {err} in {}", dir.keep().display()),
    };
    let found = seen(&store);
    let from = acknowledged.saturating_sub(1);
    let allowed = &states[from..(acknowledged + 1).min(states.len())];
    assert!(
        allowed.contains(&found),
        "{what}: after {acknowledged} acknowledged changes there are {:?}; {:?}",
        states.iter().position(|state| *state == found),
        dir.keep(),
    );
    // It takes writes.
    let zone =
        Operation::PutToken(MintedToken::mint([1; 40], "x".into(), vec![], NOW, None).record);
    make(&store, zone);
    store.close();
}
