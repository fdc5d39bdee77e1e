//! Stores that are in use, damaged, or of another release.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use dnsbl_store::{
    Examined, Filter, MintedToken, Operation, Precondition, Recovery, Sources, Store, StoreError,
    SubscriberFilter,
};

use crate::{
    documents::{document, kind, put_document, put_listing},
    fixture::{Fixture, NOW, REPLACE, copy_files, note, origin, plain, scratch},
    mirror::Mirror,
    subscribers::{put_subscriber, subscriber},
};

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
    assert!(matches!(err, StoreError::Newer { found: 9, known: 7, .. }), "{err}");
}

/// The store's database, without the store.
fn database(dir: &Path) -> rocksdb::DB {
    let mut options = rocksdb::Options::default();
    options.create_missing_column_families(true);
    let names = rocksdb::DB::list_cf(&options, dir).unwrap();
    rocksdb::DB::open_cf(&options, dir, names).unwrap()
}

#[test]
fn a_store_of_format_1_goes_on_as_it_is() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", note("x")).unwrap();
    fixture.store.close();
    let Fixture { dir, store, .. } = fixture;
    drop(store);
    let db = database(dir.path());
    db.put_cf(db.cf_handle("meta").unwrap(), b"format", 1u32.to_be_bytes()).unwrap();
    // An address that came with its segment had a row of its own: zone 1, segment 1, plain.
    let listings = db.cf_handle("listings").unwrap();
    for last in [2, 3, 4] {
        let key = [0, 0, 0, 1, 0, 0, 0, 1, 4, 192, 0, 2, last, 32];
        db.put_cf(listings, key, [1, 1, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    }
    drop(db);
    let fixture = Fixture::open(dir);
    assert_eq!(fixture.subjects().len(), 4);
    fixture.delete("192.0.2.2", Sources::All).unwrap();
    fixture.put("192.0.2.3", "a", note("y")).unwrap();
    let rows = [("192.0.2.4", plain()), ("192.0.2.5", plain())];
    let counts = fixture.import("a", &rows, REPLACE).unwrap();
    assert_eq!((counts.added, counts.unchanged, counts.removed), (1, 1, 2));
    fixture.fold_all();
    let fixture = fixture.reopen();
    assert_eq!(fixture.subjects(), ["192.0.2.4 a", "192.0.2.5 a"]);
    fixture.store.close();
    let Fixture { dir, store, .. } = fixture;
    drop(store);
    let db = database(dir.path());
    let format = db.get_cf(db.cf_handle("meta").unwrap(), b"format").unwrap();
    assert_eq!(format, Some(7u32.to_be_bytes().to_vec()));
}

#[test]
fn a_store_of_format_2_goes_on_and_takes_documents() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", note("x")).unwrap();
    fixture.store.close();
    let Fixture { dir, store, .. } = fixture;
    drop(store);
    let mut db = database(dir.path());
    for family in ["documents", "document-index"] {
        db.drop_cf(family).unwrap();
    }
    db.put_cf(db.cf_handle("meta").unwrap(), b"format", 2u32.to_be_bytes()).unwrap();
    drop(db);
    let fixture = Fixture::open(dir);
    assert_eq!(fixture.subjects(), ["192.0.2.1 a"]);
    fixture
        .together(vec![put_document(&document("test", "1", b"x"), Precondition::Absent)])
        .unwrap();
    let fixture = fixture.reopen();
    assert_eq!(fixture.documents("test").len(), 1);
}

#[test]
fn a_store_of_format_5_goes_on_and_takes_subscribers() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", note("x")).unwrap();
    fixture.store.close();
    let Fixture { dir, store, .. } = fixture;
    drop(store);
    let mut db = database(dir.path());
    for family in ["subscribers", "subscriber-index"] {
        db.drop_cf(family).unwrap();
    }
    db.put_cf(db.cf_handle("meta").unwrap(), b"format", 5u32.to_be_bytes()).unwrap();
    drop(db);
    let fixture = Fixture::open(dir);
    fixture.change(put_subscriber(&subscriber(1))).unwrap();
    let fixture = fixture.reopen();
    assert_eq!((fixture.subjects().len(), fixture.shown().len()), (1, 1));
}

/// The newest WAL that has something in it.
fn wal(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
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
    // The last change was never acknowledged.
    fs::remove_file(copy.path().join("HEAD")).unwrap();
    let wal = wal(copy.path());
    let len = wal.metadata().unwrap().len();
    fs::OpenOptions::new().write(true).open(wal).unwrap().set_len(len - 3).unwrap();
    assert_eq!(Fixture::open(copy).subjects(), ["192.0.2.1 a"]);
}

#[test]
fn a_crash_leaves_all_parts_of_a_change_or_none() {
    let fixture = Fixture::new();
    let parts = |n: &str| {
        let put = put_document(&document("test", n, n.as_bytes()), Precondition::Absent);
        vec![put, put_listing(&format!("192.0.2.{n}"), "a", plain())]
    };
    fixture.together(parts("1")).unwrap();
    fixture.together(parts("2")).unwrap();
    fixture.store.close();
    let len = wal(fixture.dir.path()).metadata().unwrap().len();
    let whole = |fixture: &Fixture| {
        let ids = fixture.documents("test").into_iter().map(|document| document.id().to_string());
        let listed = fixture.subjects().into_iter().map(|subject| {
            subject.trim_start_matches("192.0.2.").trim_end_matches(" a").to_owned()
        });
        let (ids, listed): (Vec<_>, Vec<_>) = (ids.collect(), listed.collect());
        assert_eq!(ids, listed);
        assert_eq!(
            fixture.store.read(NOW).documents(&kind("test"), None, usize::MAX).unwrap().len(),
            ids.len()
        );
        ids.len()
    };
    let mut seen = std::collections::BTreeSet::new();
    for cut in (0..len).step_by(97) {
        let copy = tempfile::tempdir().unwrap();
        copy_files(fixture.dir.path(), copy.path());
        // What is cut off was never acknowledged.
        fs::remove_file(copy.path().join("HEAD")).unwrap();
        let wal = wal(copy.path());
        fs::OpenOptions::new().write(true).open(wal).unwrap().set_len(len - cut).unwrap();
        let fixture = Fixture::open(copy);
        if fixture.store.read(NOW).zone(&origin()).unwrap().is_some() {
            seen.insert(whole(&fixture));
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
}

/// A copy of a closed store, in a folder where others can lie beside it.
fn copy_of(fixture: &Fixture) -> (tempfile::TempDir, PathBuf) {
    fixture.store.close();
    let home = scratch();
    let copy = home.path().join("store");
    fs::create_dir(&copy).unwrap();
    copy_files(fixture.dir.path(), &copy);
    (home, copy)
}

/// Every file and what is in it, but for RocksDB's messages and lock.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(&path).unwrap_or_default())
    };
    entries.map(read).filter(|(name, _)| name != "LOCK" && !name.starts_with("LOG")).collect()
}

#[track_caller]
fn refused(path: &Path) -> StoreError {
    let opened = Store::open(path).and_then(|store| store.load(&mut Mirror::default()));
    opened.expect_err("the store opened")
}

#[track_caller]
fn plan(path: &Path) -> Box<Recovery> {
    let before = files(path);
    let Examined::Damaged { plan, .. } = Recovery::examine(path).unwrap() else {
        panic!("nothing is damaged")
    };
    assert_eq!(files(path), before, "looking changes nothing");
    plan
}

/// What is listed after a recovery.
#[track_caller]
fn recover(path: &Path) -> Vec<String> {
    let done = plan(path).apply(NOW).unwrap();
    assert!(done.aside.is_dir(), "the damaged store is kept");
    let store = Store::open(path).unwrap();
    store.load(&mut Mirror::default()).unwrap();
    let subjects = listed(&store);
    assert_eq!(store.read(NOW).epoch().unwrap(), 2, "followers start over");
    store.close();
    subjects
}

fn listed(store: &Store) -> Vec<String> {
    let mut subjects = Vec::new();
    let visit = |listing: dnsbl_types::Listing| {
        subjects.push(format!("{} {}", listing.subject, listing.source));
        true
    };
    store.read(NOW).each(&origin(), &Filter::all(), || false, visit).unwrap();
    subjects
}

/// The table of a family that has one.
fn table(dir: &Path, family: &str) -> PathBuf {
    let db = database(dir);
    let files = db.live_files().unwrap();
    let found = files.iter().find(|file| file.column_family_name == family);
    dir.join(found.unwrap().name.trim_start_matches('/'))
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

#[test]
fn damage_in_the_middle_is_refused_and_recovery_keeps_all_but_the_damaged_change() {
    let fixture = Fixture::new();
    for i in 1..=60 {
        fixture.put(&format!("192.0.2.{i}"), "a", note(&"x".repeat(4000))).unwrap();
    }
    let (_home, copy) = copy_of(&fixture);
    let wal = wal(&copy);
    flip(&wal, wal.metadata().unwrap().len() as usize / 2);
    let err = refused(&copy);
    assert!(matches!(err, StoreError::Damaged { .. }), "{err}");
    assert!(err.to_string().contains("recover"), "{err}");
    let name = wal.file_name().unwrap().to_str().unwrap();
    assert!(err.to_string().contains(name), "{err} does not name {name}");

    let plan = plan(&copy);
    assert_eq!((plan.head, plan.missing), (61, 1));
    let kept = recover(&copy);
    assert_eq!(kept.len(), 59);
    let store = Store::open(&copy).unwrap();
    assert_eq!(store.read(NOW).head().unwrap(), 61);
    assert_eq!(store.read(NOW).zone(&origin()).unwrap().unwrap().listings, 59);
}

/// Durability F1.
#[test]
fn parts_of_a_store_are_never_taken_for_an_empty_one() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    let fixture = fixture.reopen();
    fixture.put("192.0.2.2", "a", plain()).unwrap();
    let (_home, copy) = copy_of(&fixture);
    let whole = files(&copy);
    let is_log = |name: &str| name.ends_with(".log");
    let kinds: [&dyn Fn(&str) -> bool; 8] = [
        &|name| name != "CURRENT",
        &|name| name != "CURRENT" && !is_log(name),
        &|name| name.ends_with(".sst"),
        &|name| name.starts_with("MANIFEST"),
        &|name| is_log(name),
        &|name| name == "IDENTITY",
        &|name| name.starts_with("OPTIONS"),
        &|name| name == "HEAD",
    ];
    for kept in kinds {
        fs::remove_dir_all(&copy).unwrap();
        fs::create_dir(&copy).unwrap();
        for (name, bytes) in whole.iter().filter(|(name, _)| kept(name)) {
            fs::write(copy.join(name), bytes).unwrap();
        }
        let before = files(&copy);
        assert!(!before.is_empty());
        for _ in 0..2 {
            let err = refused(&copy).to_string();
            let named = before.keys().any(|name| err.contains(name));
            assert!(
                err.contains("CURRENT is missing") && named && err.contains("recover"),
                "{err}"
            );
            plan(&copy);
            assert_eq!(files(&copy), before, "nothing was created or removed");
        }
    }
    fs::remove_dir_all(&copy).unwrap();
    fs::create_dir(&copy).unwrap();
    for (name, bytes) in whole.iter().filter(|(name, _)| *name != "CURRENT") {
        fs::write(copy.join(name), bytes).unwrap();
    }
    assert_eq!(recover(&copy), ["192.0.2.1 a", "192.0.2.2 a"]);
}

#[test]
fn a_folder_with_other_files_is_no_place_for_a_store() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("letter.txt"), "x").unwrap();
    let err = refused(dir.path());
    assert!(matches!(err, StoreError::NotEmpty { .. }), "{err}");
    assert!(err.to_string().contains("letter.txt"), "{err}");
    assert_eq!(files(dir.path()).len(), 1);
}

#[test]
fn a_recovery_that_was_cut_off_leaves_no_place_for_an_empty_store() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("store.recovered")).unwrap();
    let err = refused(&home.path().join("store")).to_string();
    assert!(err.contains("store.recovered"), "{err}");
}

/// Durability F3.
#[test]
fn a_store_that_was_never_restarted_keeps_its_changes_without_a_table() {
    let fixture = Fixture::new();
    for i in 1..=50 {
        fixture.put(&format!("192.0.2.{i}"), "hand", plain()).unwrap();
    }
    let rows: Vec<String> = (1..=40).map(|i| format!("198.51.100.{i}")).collect();
    let rows: Vec<_> = rows.iter().map(|subject| (subject.as_str(), plain())).collect();
    fixture.import("feed", &rows, REPLACE).unwrap();
    let (_home, copy) = copy_of(&fixture);
    let tables = files(&copy).into_keys().filter(|name| name.ends_with(".sst"));
    for name in tables.collect::<Vec<_>>() {
        fs::remove_file(copy.join(name)).unwrap();
    }
    assert!(matches!(refused(&copy), StoreError::Damaged { .. }));
    let plan = plan(&copy);
    assert_eq!(plan.head, 52);
    assert_eq!((plan.zones[0].found, plan.zones[0].expected), (50, Some(90)));
    assert_eq!(recover(&copy).len(), 50);
}

/// Durability F3: a zone whose settings are nowhere but in the log.
#[test]
fn zones_come_back_from_the_log_and_keep_their_listings() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", note("x")).unwrap();
    fixture.put("192.0.2.2", "b", plain()).unwrap();
    let (_home, copy) = copy_of(&fixture);
    let db = database(&copy);
    let key = [b"copy/", origin().wire()].concat();
    db.delete_cf(db.cf_handle("meta").unwrap(), key).unwrap();
    for family in ["meta", "zones", "segments", "listings", "log", "audit"] {
        db.flush_cf(db.cf_handle(family).unwrap()).unwrap();
    }
    drop(db);
    let table = table(&copy, "zones");
    flip(&table, 10);
    let err = refused(&copy);
    assert!(err.to_string().contains("recover"), "{err}");
    assert_eq!(recover(&copy), ["192.0.2.1 a", "192.0.2.2 b"]);
}

/// Durability F2: damage that shows only when rows are read.
#[test]
fn a_damaged_block_of_any_family_is_refused_at_start_and_recovered() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", note("x")).unwrap();
    fixture
        .together(vec![put_document(&document("test", "1", b"x"), Precondition::Absent)])
        .unwrap();
    let token = MintedToken::mint([7; 40], "t".into(), vec![], NOW, None);
    fixture.change(Operation::PutToken(token.record)).unwrap();
    fixture.change(put_subscriber(&subscriber(1))).unwrap();
    let fixture = fixture.reopen();
    for family in [
        "meta",
        "zones",
        "segments",
        "listings",
        "log",
        "audit",
        "tokens",
        "documents",
        "subscribers",
        "subscriber-index",
    ] {
        let (_home, copy) = copy_of(&fixture);
        let table = table(&copy, family);
        flip(&table, 3);
        let err = refused(&copy).to_string();
        assert!(err.contains("recover") && err.contains("damaged"), "{family}: {err}");
        assert_eq!(recover(&copy), ["192.0.2.1 a"], "{family}");
        let store = Store::open(&copy).unwrap();
        assert_eq!(store.read(NOW).documents(&kind("test"), None, 9).unwrap().len(), 1);
        let tokens = store.read(NOW).tokens().unwrap().len();
        assert_eq!(tokens, usize::from(family != "tokens"), "{family}");
        let by_name = SubscriberFilter { name: Some("subscriber 1".into()), zone: None };
        let named = store.read(NOW).subscribers(&by_name, None, 9).unwrap().len();
        assert_eq!(named, usize::from(family != "subscribers"), "{family}");
    }
}

/// Durability F11.
#[test]
fn fewer_changes_than_were_acknowledged_are_never_passed_over() {
    let fixture = Fixture::new();
    for i in 1..=20 {
        fixture.put(&format!("192.0.2.{i}"), "a", plain()).unwrap();
    }
    let cut = |wal: &Path| {
        let len = wal.metadata().unwrap().len();
        fs::OpenOptions::new().write(true).open(wal).unwrap().set_len(len / 2).unwrap();
    };
    // Beyond what is left of its block, so that RocksDB takes it for the end.
    let lengthen = |wal: &Path| {
        let len = wal.metadata().unwrap().len() as usize;
        flip_length(wal, len / 2);
    };
    let empty = |wal: &Path| fs::write(wal, []).unwrap();
    let remove = |wal: &Path| fs::remove_file(wal).unwrap();
    let harms: [&dyn Fn(&Path); 4] = [&cut, &lengthen, &empty, &remove];
    for (i, harm) in harms.into_iter().enumerate() {
        let (_home, copy) = copy_of(&fixture);
        harm(&wal(&copy));
        let before = files(&copy);
        let err = refused(&copy);
        let text = err.to_string();
        assert!(text.contains("recover"), "{i}: {text}");
        if let StoreError::Behind { found, expected, .. } = &err {
            assert!(*found < 21 && *expected == 21, "{i}: {text}");
            assert!(text.contains("21"), "{text}");
        }
        assert_eq!(files(&copy), before, "{i}: what is left was not touched");
        let plan = plan(&copy);
        assert_eq!(plan.expected, Some(21), "{i}");
        assert!(plan.head + plan.missing <= 22, "{i}: {}", plan.head);
        recover(&copy);
    }
}

/// Sets the upper bits of the length of the record that lies around a place.
fn flip_length(wal: &Path, around: usize) {
    let mut bytes = fs::read(wal).unwrap();
    let mut at = 0;
    loop {
        let len = usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
        if at + 7 + len > around {
            break;
        }
        at += 7 + len;
    }
    bytes[at + 5] ^= 0xc0;
    fs::write(wal, bytes).unwrap();
}

/// Durability F12.
#[test]
fn a_last_write_of_which_only_later_pages_are_there_is_dropped_at_start() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    fixture.put("192.0.2.2", "a", plain()).unwrap();
    let acknowledged = fs::read(fixture.dir.path().join("HEAD")).unwrap();
    let before = wal(fixture.dir.path()).metadata().unwrap().len() as usize;
    let body: Vec<u8> = (0..90_000u32).map(|i| ((i * 7919) >> 3) as u8).collect();
    fixture
        .together(vec![put_document(&document("test", "1", &body), Precondition::Absent)])
        .unwrap();
    let after = wal(fixture.dir.path()).metadata().unwrap().len() as usize;
    let pages: Vec<usize> = (before / 4096..after / 4096).collect();
    for (i, lost) in pages.iter().enumerate() {
        let (_home, copy) = copy_of(&fixture);
        let wal = wal(&copy);
        let mut bytes = fs::read(&wal).unwrap();
        let from = before.max(lost * 4096);
        bytes[from..(lost + 1) * 4096].fill(0);
        fs::write(&wal, bytes).unwrap();
        // It was never acknowledged.
        let head = fs::read(copy.join("HEAD")).unwrap();
        fs::write(copy.join("HEAD"), &acknowledged).unwrap();
        if i == 0 {
            fs::write(copy.join("HEAD"), head).unwrap();
            assert!(
                Recovery::examine(&copy)
                    .is_ok_and(|found| matches!(found, Examined::Damaged { .. }))
            );
            assert!(refused(&copy).to_string().contains("recover"), "it was acknowledged");
            fs::write(copy.join("HEAD"), &acknowledged).unwrap();
        }
        let store = Store::open(&copy).unwrap_or_else(|err| panic!("page {lost}: {err}"));
        assert_eq!(listed(&store), ["192.0.2.1 a", "192.0.2.2 a"], "page {lost}");
        assert_eq!(store.read(NOW).documents(&kind("test"), None, 9).unwrap().len(), 0);
    }
}

#[test]
fn a_last_entry_of_the_manifest_that_was_cut_off_is_dropped_at_start() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    let fixture = fixture.reopen();
    let (_home, copy) = copy_of(&fixture);
    let manifest = fs::read_to_string(copy.join("CURRENT")).unwrap();
    let manifest = copy.join(manifest.trim_end());
    let mut bytes = fs::read(&manifest).unwrap();
    // The beginning of an entry that goes on in the next block, which is not there.
    bytes.extend([1, 2, 3, 4, 200, 0, 1]);
    bytes.extend([9; 300]);
    fs::write(&manifest, bytes).unwrap();
    let store = Store::open(&copy).unwrap();
    assert_eq!(listed(&store), ["192.0.2.1 a"]);
}

#[test]
fn a_manifest_that_is_shorter_than_it_was_is_refused() {
    let fixture = Fixture::new();
    let rows = [("192.0.2.4", plain()), ("192.0.2.5", plain())];
    fixture.import("a", &rows, REPLACE).unwrap();
    let (_home, copy) = copy_of(&fixture);
    let manifest = fs::read_to_string(copy.join("CURRENT")).unwrap();
    let manifest = copy.join(manifest.trim_end());
    // Its later entries say that the table of the import is a part of the database.
    let len = manifest.metadata().unwrap().len();
    fs::OpenOptions::new().write(true).open(&manifest).unwrap().set_len(len / 2).unwrap();
    let err = refused(&copy).to_string();
    assert!(err.contains("MANIFEST"), "{err}");
    assert_eq!(recover(&copy), ["192.0.2.4 a", "192.0.2.5 a"]);
}

#[test]
fn rows_behind_damage_are_set_right_by_the_log() {
    let fixture = Fixture::new();
    let rows: Vec<String> = (1..=200).map(|i| format!("192.0.2.{i}")).collect();
    for subject in &rows {
        fixture.put(subject, "a", note(subject)).unwrap();
    }
    let fixture = fixture.reopen();
    fixture.delete("192.0.2.7", Sources::All).unwrap();
    fixture.put("192.0.2.9", "a", note("other")).unwrap();
    // Deleted rows, and what they replaced, now lie in different tables.
    let fixture = fixture.reopen();
    let (_home, copy) = copy_of(&fixture);
    // Opened for writing, it would be compacted, and have other tables.
    let options = rocksdb::Options::default();
    let names = rocksdb::DB::list_cf(&options, &copy).unwrap();
    let db = rocksdb::DB::open_cf_for_read_only(&options, &copy, names, false).unwrap();
    let mut tables: Vec<_> = db.live_files().unwrap();
    drop(db);
    tables.retain(|file| file.column_family_name == "listings");
    tables.sort_by_key(|file| file.name.clone());
    for table in &tables {
        // Not of the fixture once more: its database is open, and may compact its tables at any time.
        let home = scratch();
        let again = home.path().join("store");
        fs::create_dir(&again).unwrap();
        copy_files(&copy, &again);
        flip(&again.join(table.name.trim_start_matches('/')), 2);
        assert!(refused(&again).to_string().contains("recover"));
        let kept = recover(&again);
        assert_eq!(kept.len(), 199, "the log has them all");
        assert!(!kept.contains(&"192.0.2.7 a".to_string()), "what was deleted stays deleted");
        let store = Store::open(&again).unwrap();
        let listings = store.read(NOW).listings_of(&origin(), &"192.0.2.9".parse().unwrap());
        assert_eq!(listings.unwrap()[0].body, note("other"));
    }
}
