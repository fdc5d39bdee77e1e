//! Copies of a store that goes on, and what is made of them: whole, or not believed.
//!
//! `DNSBL_BIT_SPACING` makes it shorter: 8 is every eighth bit only.

use std::{
    fs,
    path::{Path, PathBuf},
};

use dnsbl_backup::{Manifest, Nowhere};
use dnsbl_store::{Restore, Store, StoreError};
use dnsbl_types::UnixTime;

use crate::fixture::{Fixture, NOW, origin, plain};

/// A backup of a store with some listings; the last change in it.
fn backup(fixture: &Fixture) -> (Vec<u8>, u64) {
    let copy = fixture.store.checkpoint().unwrap();
    let manifest = Manifest::of_folder(copy.path(), "test", NOW.0, (copy.epoch, copy.seq)).unwrap();
    let bytes = dnsbl_backup::write(Vec::new(), &manifest, |name| copy.open(name)).unwrap();
    (bytes, copy.seq)
}

fn beside(fixture: &Fixture, suffix: &str) -> PathBuf {
    let name = fixture.dir.path().file_name().unwrap().to_str().unwrap();
    fixture.dir.path().with_file_name(format!("{name}.{suffix}"))
}

fn listed(store: &Store, subject: &str) -> bool {
    let found = store.read(NOW).listings_of(&origin(), &subject.parse().unwrap());
    !found.unwrap().is_empty()
}

#[test]
fn there_is_one_copy_at_a_time_and_it_goes_when_it_is_done() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    let copy = fixture.store.checkpoint().unwrap();
    assert_eq!((copy.epoch, copy.seq), (1, fixture.store.read(NOW).head().unwrap()));
    assert!(matches!(fixture.store.checkpoint(), Err(StoreError::Copied)));
    fixture.put("192.0.2.2", "a", plain()).unwrap();
    let copied = Store::open(copy.path());
    assert!(listed(&copied.unwrap(), "192.0.2.1"), "it opens by itself");
    drop(copy);
    assert!(!beside(&fixture, "backup").exists());
    drop(fixture.store.checkpoint().unwrap());
}

#[test]
fn what_a_crash_leaves_of_a_copy_goes_with_the_next_start() {
    let fixture = Fixture::new();
    for suffix in ["backup", "backup.tmp", "restoring"] {
        fs::create_dir(beside(&fixture, suffix)).unwrap();
        fs::write(beside(&fixture, suffix).join("x"), "x").unwrap();
    }
    let fixture = fixture.reopen();
    for suffix in ["backup", "backup.tmp", "restoring"] {
        assert!(!beside(&fixture, suffix).exists(), "{suffix}");
    }
}

#[test]
fn every_bit_that_flips_in_a_backup_is_found() {
    let fixture = Fixture::new();
    for last in 0..50 {
        fixture.put(&format!("192.0.2.{last}"), "a", plain()).unwrap();
    }
    let (mut bytes, _) = backup(&fixture);
    let spacing = std::env::var("DNSBL_BIT_SPACING").map_or(1, |text| text.parse().unwrap());
    for bit in (0..bytes.len() * 8).step_by(spacing) {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let read = dnsbl_backup::read(&bytes[..], &mut Nowhere);
        assert!(read.is_err(), "bit {bit} of {}", bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    dnsbl_backup::read(&bytes[..], &mut Nowhere).unwrap();
}

#[test]
fn a_backup_is_read_beside_the_store_and_given_up_without_a_trace() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    let (mut bytes, seq) = backup(&fixture);
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let restore = Restore::read(&store, &bytes[..], &[]).unwrap();
    assert_eq!((restore.manifest.seq, restore.unknown.len()), (seq, 1), "{:?}", restore.unknown);
    drop(restore);
    assert!(names(folder.path()).is_empty());
    bytes[100] ^= 1;
    assert!(Restore::read(&store, &bytes[..], &[]).is_err());
    assert!(names(folder.path()).is_empty());
    bytes[100] ^= 1;
    let restored = Restore::read(&store, &bytes[..], &[]).unwrap().apply(NOW).unwrap();
    assert_eq!((restored.epoch, restored.aside, restored.listings), (2, None, 0));
    assert_eq!(names(folder.path()), ["store"]);
    let store = Store::open(&store).unwrap();
    assert!(listed(&store, "192.0.2.1"));
    assert_eq!(store.read(NOW).epoch().unwrap(), 2);
}

#[test]
fn a_store_in_use_is_not_replaced() {
    let fixture = Fixture::new();
    let (bytes, _) = backup(&fixture);
    let refused = Restore::read(fixture.dir.path(), &bytes[..], &[]);
    // The lock is this process's own, which /proc/locks tells all the same.
    assert!(refused.is_err());
}

#[test]
fn the_time_of_the_last_backup_outlives_a_start() {
    let fixture = Fixture::new();
    assert_eq!(fixture.store.read(NOW).last_backup().unwrap(), None);
    fixture.store.keep_backup_time(UnixTime(7)).unwrap();
    let fixture = fixture.reopen();
    assert_eq!(fixture.store.read(NOW).last_backup().unwrap(), Some(UnixTime(7)));
}
