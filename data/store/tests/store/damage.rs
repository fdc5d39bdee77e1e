//! Stores that are in use, damaged, or of another release.

use std::path::Path;

use dnsbl_store::{Expect, Recovery, Sources, Store, StoreError};

use crate::{
    documents::{document, kind, put_document, put_listing},
    fixture::{Fixture, NOW, REPLACE, copy_files, note, origin, plain},
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
    assert!(matches!(err, StoreError::Newer { found: 9, known: 4, .. }), "{err}");
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
    assert_eq!(format, Some(4u32.to_be_bytes().to_vec()));
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
    fixture.together(vec![put_document(&document("test", "1", b"x"), Expect::Absent)]).unwrap();
    let fixture = fixture.reopen();
    assert_eq!(fixture.documents("test").len(), 1);
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
fn a_crash_leaves_all_parts_of_a_change_or_none() {
    let fixture = Fixture::new();
    let parts = |n: &str| {
        let put = put_document(&document("test", n, n.as_bytes()), Expect::Absent);
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
            fixture.store.read(NOW).count_documents(&kind("test")).unwrap(),
            ids.len() as u64
        );
        ids.len()
    };
    let mut seen = std::collections::BTreeSet::new();
    for cut in (0..len).step_by(97) {
        let copy = tempfile::tempdir().unwrap();
        copy_files(fixture.dir.path(), copy.path());
        let wal = wal(copy.path());
        std::fs::OpenOptions::new().write(true).open(wal).unwrap().set_len(len - cut).unwrap();
        let fixture = Fixture::open(copy);
        if fixture.store.read(NOW).zone(&origin()).unwrap().is_some() {
            seen.insert(whole(&fixture));
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
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
