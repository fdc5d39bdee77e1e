//! One bit is flipped in each part of each file of a store in turn: what is not in the damaged part is
//! there afterwards, and nothing that was not there before.
//!
//! `DNSBL_BIT_SPACING` makes it shorter: 8 is every eighth flip only.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use dnsbl_store::{
    Examined, Filter, MintedToken, Operation, Precondition, Recovery, Store, StoreError,
};
use dnsbl_types::{ListingBody, Name, UnixTime, ZoneKind, ZoneSpec};
use tempfile::TempDir;

use crate::{
    documents::{document, kind, put_document},
    fixture::{Fixture, NOW, REPLACE, copy_files, note, plain, scratch},
    mirror::Mirror,
};

/// Bytes between two flips: blocks have more.
const STEP: usize = 1200;
/// The same at the end of tables, where small blocks lie.
const FINE: usize = 48;
/// Bytes at the end of a table in which those lie.
const TAIL: usize = 2400;

/// What can be seen of a store: by kind, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    listings: BTreeSet<String>,
    zones: BTreeSet<String>,
    tokens: BTreeSet<String>,
    documents: BTreeSet<String>,
    log: BTreeSet<u64>,
    audit: BTreeSet<u64>,
}

fn seen(store: &Store) -> Seen {
    let reader = store.read(NOW);
    let mut seen = Seen::default();
    for record in reader.zones().unwrap() {
        let zone = record.zone.origin.clone();
        let mut count = 0;
        reader
            .each(
                &zone,
                &Filter::all(),
                || false,
                |listing| {
                    count += 1;
                    seen.listings.insert(format!("{zone} {} {:?}", listing.subject, listing.body));
                    true
                },
            )
            .unwrap();
        assert_eq!(count, record.listings + record.exclusions, "the counts of {zone}");
        seen.zones.insert(format!("{:?}", record.zone));
    }
    seen.tokens.extend(reader.tokens().unwrap().into_iter().map(|token| token.id));
    let documents = reader.documents(&kind("test"), None, 1000).unwrap();
    assert_eq!(reader.documents(&kind("test"), None, usize::MAX).unwrap().len(), documents.len());
    let due = reader.documents_due(&kind("test"), UnixTime(u64::MAX), 1000).unwrap();
    assert_eq!(due.len(), documents.iter().filter(|document| document.due().is_some()).count());
    seen.documents.extend(documents.iter().map(|d| format!("{} {:?}", d.id(), d.body())));
    let entries = reader.log_after(0, 100_000).unwrap().unwrap_or_default();
    let with_ops = entries.iter().filter(|entry| !entry.ops.is_empty());
    seen.log.extend(with_ops.map(|entry| entry.seq));
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "the log is dense");
    seen.audit.extend(
        reader
            .audit_before(u64::MAX, 100_000, usize::MAX, |_| true)
            .unwrap()
            .records
            .iter()
            .map(|a| a.seq),
    );
    seen
}

/// A store with rows in all families, most in tables, some in the WAL.
fn small_store() -> (TempDir, Seen) {
    let fixture = Fixture::new();
    let (ns, reason) = ("ns.example.net".parse().unwrap(), "$".parse().unwrap());
    let second = ZoneSpec::new(second_origin(), ZoneKind::Ip, vec![ns], reason).check().unwrap();
    fixture.change(Operation::PutZone { zone: Box::new(second), serial_floor: None }).unwrap();
    let rows: Vec<(String, ListingBody)> = (0..3000)
        .map(|i| {
            let body = match i % 3 {
                0 => note(&format!("{i} {}", blake(i))),
                1 => ListingBody { expires_at: Some(UnixTime(NOW.0 + 9999 + i)), ..plain() },
                _ => plain(),
            };
            (format!("10.{}.{}.{}", i % 7, i / 250, i % 250), body)
        })
        .collect();
    let rows: Vec<(&str, ListingBody)> =
        rows.iter().map(|(subject, body)| (subject.as_str(), body.clone())).collect();
    fixture.import("feed", &rows, REPLACE).unwrap();
    let write = |range: std::ops::Range<u64>| {
        for i in range {
            fixture.put(&format!("192.0.2.{i}"), "hand", note(&blake(i))).unwrap();
            let document = document("test", &format!("{i}"), blake(i).as_bytes());
            fixture.together(vec![put_document(&document, Precondition::Absent)]).unwrap();
            if i % 20 == 0 {
                let token = MintedToken::mint([i as u8; 40], format!("t{i}"), vec![], NOW, None);
                fixture.change(Operation::PutToken(token.record)).unwrap();
            }
        }
    };
    write(0..120);
    let fixture = fixture.reopen();
    for i in 120..160 {
        fixture.put(&format!("192.0.2.{i}"), "hand", note(&blake(i))).unwrap();
    }
    let seen = seen(&fixture.store);
    fixture.store.close();
    let Fixture { dir, store, .. } = fixture;
    drop(store);
    (dir, seen)
}

fn second_origin() -> Name {
    "other.example.org".parse().unwrap()
}

/// Text that does not compress.
fn blake(i: u64) -> String {
    blake3::hash(&i.to_be_bytes()).to_hex().to_string()
}

/// The file and the byte of each flip.
fn places(dir: &Path) -> Vec<(PathBuf, usize)> {
    let spacing = std::env::var("DNSBL_BIT_SPACING").ok();
    let spacing = spacing.map_or(1, |text| text.parse().expect("DNSBL_BIT_SPACING is a number"));
    let mut places = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !path.is_file() || name.starts_with("LOG") || name == "LOCK" {
            continue;
        }
        let len = fs::metadata(&path).unwrap().len() as usize;
        let is_table = name.ends_with(".sst");
        let tail = if is_table { len.saturating_sub(TAIL) } else { len };
        let coarse = (0..tail).step_by(if is_table || len > 4 * STEP { STEP } else { FINE * 4 });
        let fine = (tail..len).step_by(FINE);
        // The last bytes are the footer.
        let last = is_table.then(|| len - 5);
        places.extend(coarse.chain(fine).chain(last).map(|at| (path.clone(), at)));
    }
    places.into_iter().step_by(spacing).collect()
}

#[test]
fn what_is_not_in_the_damaged_block_is_there_afterwards() {
    let (dir, whole) = small_store();
    let places = places(dir.path());
    let (next, recovered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((file, at)) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if flip(dir.path(), file, *at, &whole) {
                        recovered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    println!("{} flips, {} recoveries", places.len(), recovered.into_inner());
}

/// Flips a bit in a copy; returns whether that took a recovery.
fn flip(dir: &Path, file: &Path, at: usize, whole: &Seen) -> bool {
    let home = scratch();
    let store = home.path().join("store");
    fs::create_dir(&store).unwrap();
    copy_files(dir, &store);
    let name = file.file_name().unwrap();
    let mut bytes = fs::read(store.join(name)).unwrap();
    bytes[at] ^= 1 << (at % 8);
    fs::write(store.join(name), bytes).unwrap();
    let what = format!("byte {at} of {}", name.display());
    let opened = open(&store);
    let took = opened.is_err();
    let opened = opened.unwrap_or_else(|err| {
        assert!(err.to_string().contains("recover"), "{what}: {err}");
        let before = names(&store);
        let Examined::Damaged { plan, .. } = Recovery::examine(&store).unwrap() else {
            panic!("{what}: nothing to recover, but {err}");
        };
        assert_eq!(names(&store), before, "{what}: looking changes nothing");
        let done = plan.apply(NOW).unwrap();
        assert_eq!(names(&done.aside), before, "{what}: the damaged store is kept");
        open(&store).unwrap_or_else(|err| panic!("{what}: after recovery: {err}"))
    });
    let found = seen(&opened);
    opened.close();
    check(&found, whole, took, &what);
    took
}

fn check(found: &Seen, whole: &Seen, took: bool, what: &str) {
    let lost = |found: usize, whole: usize| whole - found;
    assert!(found.listings.is_subset(&whole.listings), "{what}: listings that were not there");
    assert!(found.documents.is_subset(&whole.documents), "{what}: documents");
    assert_eq!(found.zones, whole.zones, "{what}: zones are kept twice");
    let lost = [
        lost(found.listings.len(), whole.listings.len()),
        lost(found.tokens.len(), whole.tokens.len()),
        lost(found.documents.len(), whole.documents.len()),
        lost(found.log.len(), whole.log.len()),
        lost(found.audit.len(), whole.audit.len()),
    ];
    if !took {
        assert_eq!(lost, [0; 5], "{what}: it opened without a word");
        return;
    }
    // One block has no more rows than these.
    let most = [1000, 6, 0, 60, 150];
    assert!(lost.iter().zip(most).all(|(lost, most)| *lost <= most), "{what}: lost {lost:?}");
    let is_log = what.ends_with(".log");
    let families = lost.iter().filter(|lost| **lost > 0).count();
    assert!(families <= 1 || is_log, "{what}: lost {lost:?}");
    if is_log {
        assert!(lost.iter().all(|lost| *lost <= 2), "{what}: lost {lost:?}");
    }
}

fn open(path: &Path) -> Result<Store, StoreError> {
    let store = Store::open(path)?;
    store.load(&mut Mirror::default())?;
    store.start(Box::new(Mirror::default()))?;
    Ok(store)
}

fn names(dir: &Path) -> BTreeSet<(String, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.path().is_file());
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read(entry.path()).unwrap())
    };
    files.map(read).filter(|(name, _)| name != "LOCK" && !name.starts_with("LOG")).collect()
}

#[test]
fn a_store_is_sound_until_it_is_damaged() {
    let (dir, _) = small_store();
    let before = names(dir.path());
    assert!(matches!(Recovery::examine(dir.path()).unwrap(), Examined::Sound { torn: None }));
    assert_eq!(names(dir.path()), before);
}
