//! Usage is kept beside the change log: added up, over restarts, for some time.

use dnsbl_store::{Spent, Store, UsageRow};
use dnsbl_types::{Day, SubscriberId, Usage};

use crate::fixture::{Fixture, NOW, origin};

fn row(day: u32, subscriber: u64, questions: u64) -> UsageRow {
    let usage = Usage { questions, listed: questions / 2, refused: questions / 4 };
    UsageRow { day: Day(day), subscriber: SubscriberId(subscriber), zone: origin(), usage }
}

fn spent(day: u32, subscribers: &[(u64, u32)], others: &[(u64, u32)]) -> Spent {
    let subscribers = subscribers.iter().map(|&(id, asked)| (SubscriberId(id), asked)).collect();
    Spent { day: Day(day), subscribers, others: others.to_vec() }
}

fn all(store: &Store, from: u32, to: u32) -> Vec<UsageRow> {
    let mut rows = Vec::new();
    store.read(NOW).visit_usage(Day(from), Day(to), |row| rows.push(row)).unwrap();
    rows
}

/// The fixture's store, closed and opened again.
fn reopened(fixture: Fixture) -> (Store, tempfile::TempDir) {
    fixture.store.close();
    let Fixture { dir, store, .. } = fixture;
    drop(store);
    (Store::open(dir.path()).unwrap(), dir)
}

#[test]
fn usage_adds_up_by_day_subscriber_and_zone_and_is_no_change() {
    let fixture = Fixture::new();
    let head = fixture.store.read(NOW).head().unwrap();
    let store = &fixture.store;
    let none = spent(7, &[], &[]);
    store.add_usage(&[row(7, 1, 10), row(7, 2, 4), row(8, 1, 5)], &none).unwrap();
    store.add_usage(&[row(7, 1, 30)], &none).unwrap();
    assert_eq!(
        all(store, 7, 7),
        [row(7, 1, 40), row(7, 2, 4)].map(|mut row| {
            row.usage.refused = if row.subscriber.0 == 1 { 9 } else { 1 };
            row
        })
    );
    assert_eq!(all(store, 0, u32::MAX).len(), 3);
    let of = |from, to| store.read(NOW).usage_of(SubscriberId(1), Day(from), Day(to)).unwrap();
    assert_eq!(of(7, 9).len(), 2);
    assert_eq!(of(8, 8), [row(8, 1, 5)]);
    assert_eq!(store.read(NOW).head().unwrap(), head);
    let (store, _dir) = reopened(fixture);
    assert_eq!(all(&store, 8, 8), [row(8, 1, 5)]);
    store.drop_usage_before(Day(8)).unwrap();
    assert_eq!(all(&store, 0, 100), [row(8, 1, 5)]);
}

#[test]
fn what_is_spent_counts_for_its_day_and_over_a_restart() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    store.add_usage(&[], &spent(7, &[(1, 10), (2, 5)], &[(99, 3)])).unwrap();
    store.add_usage(&[], &spent(7, &[(1, 12)], &[])).unwrap();
    assert_eq!(store.read(NOW).spent(Day(7)).unwrap(), spent(7, &[(1, 12), (2, 5)], &[(99, 3)]));
    assert_eq!(store.read(NOW).spent(Day(8)).unwrap(), spent(8, &[], &[]));
    assert_eq!(store.read(NOW).quota_key().unwrap(), None);
    store.keep_quota_key([7; 16]).unwrap();
    store.add_usage(&[], &spent(8, &[(2, 1)], &[])).unwrap();
    let (store, _dir) = reopened(fixture);
    assert_eq!(store.read(NOW).spent(Day(7)).unwrap(), spent(7, &[], &[]));
    assert_eq!(store.read(NOW).spent(Day(8)).unwrap(), spent(8, &[(2, 1)], &[]));
    assert_eq!(store.read(NOW).quota_key().unwrap(), Some([7; 16]));
}

#[test]
fn a_row_that_is_damaged_is_left_out() {
    let fixture = Fixture::new();
    let good = [row(7, 1, 10), row(7, 3, 10)];
    fixture.store.add_usage(&good, &spent(7, &[(1, 1)], &[])).unwrap();
    fixture.store.close();
    let Fixture { dir, store, .. } = fixture;
    drop(store);
    let names = rocksdb::DB::list_cf(&rocksdb::Options::default(), dir.path()).unwrap();
    let db = rocksdb::DB::open_cf(&rocksdb::Options::default(), dir.path(), names).unwrap();
    let usage = db.cf_handle("usage").unwrap();
    for (key, value) in [
        (&b"u\0\0\0\x07\0\0\0\0\0\0\0\x02"[..], &b"\x01\0\0\0"[..]),
        (b"u\0\0\0\x07\0\0\0\0\0\0\0\x02\x03ab\0", b"\x01\0\0\0"),
        (b"u\0\0\0\x07\0\0\0\0\0\0\0\x02\x02ab\0", b"\x09\0\0\0"),
        (b"u\0\0\0\x07\0\0", b""),
        (b"s\0", b"\x01\0"),
        (b"s\0\0\0\0\0\0\0\x09", b"\x05"),
    ] {
        db.put_cf(usage, key, value).unwrap();
    }
    drop(db);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(all(&store, 0, 100), good);
    assert_eq!(store.read(NOW).spent(Day(7)).unwrap(), spent(7, &[(1, 1)], &[]));
}

#[test]
fn a_bookmark_is_kept_beside_the_log_over_a_restart_until_it_is_taken_away() {
    let fixture = Fixture::new();
    let (kind, id) = ("webhook".parse().unwrap(), "wh-1".parse().unwrap());
    let other = "wh-10".parse().unwrap();
    let (store, head) = (&fixture.store, fixture.store.read(NOW).head().unwrap());
    store.keep_bookmark(&kind, &id, Some(b"one")).unwrap();
    store.keep_bookmark(&kind, &other, Some(b"other")).unwrap();
    store.keep_bookmark(&kind, &id, Some(b"two")).unwrap();
    assert_eq!(store.read(NOW).head().unwrap(), head, "it is no change");
    let (store, _dir) = reopened(fixture);
    assert_eq!(store.read(NOW).bookmark(&kind, &id).unwrap(), Some(b"two".to_vec()));
    store.keep_bookmark(&kind, &id, None).unwrap();
    assert_eq!(store.read(NOW).bookmark(&kind, &id).unwrap(), None);
    assert_eq!(store.read(NOW).bookmark(&kind, &other).unwrap(), Some(b"other".to_vec()));
}
