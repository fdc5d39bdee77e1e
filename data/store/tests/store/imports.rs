//! Imports: what they do, and what is left of those that are cut off.

use dnsbl_store::{
    ChangeError, Filter, ImportCounts, ImportLimits, ImportMode, Operation, Sources,
};
use dnsbl_types::{ListingBody, Subject, ZoneKind};

use crate::fixture::{Fixture, NOW, REPLACE, note, origin, plain, source, zone};

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

fn exclusion() -> ListingBody {
    ListingBody { exclusion: true, ..plain() }
}

fn added(added: u64) -> ImportCounts {
    ImportCounts { added, ..ImportCounts::default() }
}

#[test]
fn an_import_that_does_not_fit_into_memory_is_the_same_import() {
    let fixture = Fixture::spilling();
    let addr = |i: u32| i.wrapping_mul(2_654_435_761) % 5000 + 0xc000_0000;
    let mut staging = fixture.store.stage(&origin(), source("feed")).unwrap();
    for i in 0..20_000 {
        staging.put(&Subject::from(std::net::Ipv4Addr::from(addr(i))), &plain()).unwrap();
    }
    assert!(staging_files(&fixture) > 2);
    let counts = fixture.commit(staging.finish(REPLACE, false, NOW).unwrap()).unwrap();
    let mut distinct: Vec<u32> = (0..20_000).map(addr).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let n = distinct.len() as u64;
    assert_eq!(counts, ImportCounts { unchanged: 20_000 - n, ..added(n) });
    assert_eq!(staging_files(&fixture), 0);
    let found = |fixture: &Fixture| -> Vec<String> {
        fixture.listings(NOW).iter().map(|listing| listing.subject.to_string()).collect()
    };
    let expected: Vec<String> =
        distinct.iter().map(|addr| std::net::Ipv4Addr::from(*addr).to_string()).collect();
    assert_eq!(found(&fixture), expected);
    let fixture = fixture.reopen();
    assert_eq!(found(&fixture), expected);
    assert!(fixture.mirror.0.lock().unwrap().entries.keys().len() == distinct.len());
}

/// Files of imports that are on their way.
fn staging_files(fixture: &Fixture) -> usize {
    let Ok(imports) = std::fs::read_dir(fixture.dir.path().join("staging")) else { return 0 };
    imports.map(|import| std::fs::read_dir(import.unwrap().path()).unwrap().count()).sum()
}

#[test]
fn the_last_row_of_a_subject_wins_wherever_it_was_kept() {
    for fixture in [Fixture::new(), Fixture::spilling()] {
        let filler: Vec<String> = (0..60).map(|i| format!("198.51.100.{i}")).collect();
        let filler: Vec<(&str, ListingBody)> =
            filler.iter().map(|subject| (subject.as_str(), plain())).collect();
        let mut rows = vec![
            ("192.0.2.1", plain()),
            ("192.0.2.2", note("a")),
            ("192.0.2.3", plain()),
            ("192.0.2.4", note("a")),
            ("192.0.2.0/24", note("a")),
        ];
        rows.extend(filler.clone());
        rows.extend([
            ("192.0.2.1", note("b")),
            ("192.0.2.2", plain()),
            ("192.0.2.3", note("c")),
            ("192.0.2.3", plain()),
            ("192.0.2.4", note("b")),
            ("192.0.2.0/24", plain()),
        ]);
        rows.extend(filler);
        let counts = fixture.import("feed", &rows, ImportMode::Upsert).unwrap();
        assert_eq!(counts, ImportCounts { unchanged: 66, ..added(65) });
        let notes: Vec<Option<String>> =
            fixture.listings(NOW).into_iter().take(5).map(|listing| listing.body.note).collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(notes, [None, some("b"), None, None, some("b")]);
        let again = fixture.import("feed", &rows, REPLACE).unwrap();
        assert_eq!(again, ImportCounts { unchanged: 131, ..added(0) });
    }
}

#[test]
fn an_update_keeps_the_time_of_the_first_listing() {
    let fixture = Fixture::new();
    fixture.import("feed", &[("192.0.2.1", plain())], REPLACE).unwrap();
    fixture.import("feed", &[("192.0.2.1", note("n"))], REPLACE).unwrap();
    let staged = fixture.stage("feed", &[("192.0.2.1", plain())], REPLACE, false).unwrap();
    fixture.change_at(staged.commit(), NOW.plus(60)).unwrap();
    let check = |fixture: &Fixture| {
        let listings = fixture.listings(NOW);
        let [listing] = listings.as_slice() else { panic!("{listings:?}") };
        assert_eq!((listing.listed_at, listing.updated_at), (NOW, NOW.plus(60)));
        assert_eq!((listing.seq, listing.listed_by.as_str()), (4, "test"));
        assert_eq!(listing.body, plain());
    };
    check(&fixture);
    fixture.fold_all();
    check(&fixture);
}

#[test]
fn replacing_sees_all_segments_of_the_source() {
    let fixture = Fixture::new();
    let rows = |range: std::ops::Range<u8>| -> Vec<String> {
        range.map(|last| format!("192.0.2.{last}")).collect()
    };
    let import = |subjects: &[String]| {
        let rows: Vec<_> = subjects.iter().map(|subject| (subject.as_str(), plain())).collect();
        fixture.import("feed", &rows, REPLACE).unwrap()
    };
    import(&rows(0..100));
    assert_eq!(import(&rows(10..110)), ImportCounts { unchanged: 90, removed: 10, ..added(10) });
    assert_eq!(import(&rows(0..50)), ImportCounts { unchanged: 40, removed: 60, ..added(10) });
    fixture.delete("192.0.2.7", Sources::One(source("feed"))).unwrap();
    fixture.put("192.0.2.8", "feed", note("own")).unwrap();
    let last = import(&rows(5..120));
    assert_eq!(last, ImportCounts { unchanged: 43, updated: 1, removed: 5, ..added(71) });
    let expected: Vec<String> = rows(5..120).iter().map(|s| format!("{s} feed")).collect();
    assert_eq!(fixture.subjects(), expected);
    fixture.fold_all();
    assert_eq!(fixture.subjects(), expected);
    let fixture = fixture.reopen();
    assert_eq!(fixture.subjects(), expected);
    assert_eq!(fixture.counts(NOW), (115, 0));
}

#[test]
fn a_source_that_changes_after_the_decision_is_decided_again() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "feed", plain()).unwrap();
    let rows = [("192.0.2.1", plain()), ("192.0.2.2", plain())];
    let staged = fixture.stage("feed", &rows, REPLACE, false).unwrap();
    fixture.put("192.0.2.3", "feed", plain()).unwrap();
    fixture.delete("192.0.2.1", Sources::All).unwrap();
    fixture.put("192.0.2.2", "feed", note("x")).unwrap();
    fixture.fold_all();
    let counts = fixture.commit(staged).unwrap();
    assert_eq!(counts, ImportCounts { updated: 1, removed: 1, ..added(1) });
    assert_eq!(fixture.subjects(), ["192.0.2.1 feed", "192.0.2.2 feed"]);
    assert_eq!(fixture.reopen().counts(NOW), (2, 0));
}

#[test]
fn of_two_imports_at_once_the_one_that_is_committed_last_wins() {
    let fixture = Fixture::new();
    let first = fixture.stage("feed", &[("192.0.2.1", note("first"))], REPLACE, false).unwrap();
    let second = fixture.stage("feed", &[("192.0.2.1", note("second"))], REPLACE, false).unwrap();
    assert_eq!(fixture.commit(second).unwrap(), added(1));
    let counts = fixture.commit(first).unwrap();
    assert_eq!(counts, ImportCounts { updated: 1, ..added(0) });
    assert_eq!(fixture.listings(NOW)[0].body, note("first"));
    fixture.fold_all();
    assert_eq!(fixture.reopen().listings(NOW)[0].body, note("first"));
}

#[test]
fn another_source_is_no_reason_to_decide_again() {
    let fixture = Fixture::new();
    let staged = fixture.stage("feed", &[("192.0.2.1", plain())], REPLACE, false).unwrap();
    fixture.put("192.0.2.1", "other", exclusion()).unwrap();
    fixture.put("192.0.2.2", "other", plain()).unwrap();
    assert_eq!(fixture.commit(staged).unwrap(), added(1));
    assert_eq!(fixture.mirror.0.lock().unwrap().entries["192.0.2.1"].len(), 2);
    assert_eq!(fixture.subjects(), ["192.0.2.1 feed", "192.0.2.1 other", "192.0.2.2 other"]);
}

#[test]
fn a_decided_import_that_was_not_committed_is_gone_after_a_crash() {
    let fixture = Fixture::spilling();
    fixture.put("192.0.2.9", "feed", plain()).unwrap();
    let rows: Vec<String> = (0..200).map(|i| format!("198.51.100.{i}")).collect();
    let mut rows: Vec<_> = rows.iter().map(|subject| (subject.as_str(), plain())).collect();
    rows.push(("203.0.113.0/24", note("n")));
    let staged = fixture.stage("feed", &rows, REPLACE, false).unwrap();
    std::mem::forget(staged);
    assert!(staging_files(&fixture) > 0);
    let fixture = fixture.reopen_after_crash();
    assert_eq!(staging_files(&fixture), 0);
    assert!(!fixture.dir.path().join("staging").exists());
    assert_eq!(fixture.subjects(), ["192.0.2.9 feed"]);
    let keys = fixture.store.stats().into_iter().find(|(name, _)| *name == "live-sst-files-size");
    assert!(keys.is_some());
    assert_eq!(fixture.import("feed", &rows, ImportMode::Upsert).unwrap(), added(201));
}

#[test]
fn what_is_not_committed_leaves_nothing() {
    let fixture = Fixture::spilling();
    let rows: Vec<String> = (0..200).map(|i| format!("198.51.100.{i}")).collect();
    let rows: Vec<_> = rows.iter().map(|subject| (subject.as_str(), plain())).collect();
    let head = fixture.store.read(NOW).head().unwrap();
    let mut staging = fixture.store.stage(&origin(), source("feed")).unwrap();
    for (subject, body) in &rows {
        staging.put(&subject.parse().unwrap(), body).unwrap();
    }
    assert!(staging_files(&fixture) > 0);
    drop(staging);
    assert_eq!(staging_files(&fixture), 0);
    drop(fixture.stage("feed", &rows, REPLACE, false).unwrap());
    let dry = fixture.stage("feed", &rows, REPLACE, true).unwrap();
    assert_eq!(fixture.commit(dry).unwrap(), added(200));
    assert_eq!(staging_files(&fixture), 0);
    assert!(fixture.subjects().is_empty());
    assert_eq!(fixture.store.read(NOW).head().unwrap(), head);
    let fixture = fixture.reopen();
    assert!(fixture.subjects().is_empty());
    let page = fixture.store.read(NOW).page(&origin(), &Filter::all(), None, 9, || false).unwrap();
    assert!(page.listings.is_empty());
}

#[test]
fn an_import_does_not_go_to_a_zone_that_was_made_again() {
    let fixture = Fixture::new();
    let staged = fixture.stage("feed", &[("192.0.2.1", plain())], REPLACE, false).unwrap();
    let staging = fixture.store.stage(&origin(), source("feed")).unwrap();
    fixture.change(Operation::DeleteZone(origin())).unwrap();
    let gone = fixture.stage("feed", &[], REPLACE, false);
    assert!(matches!(gone, Err(ChangeError::NoZone(_))));
    let put_zone = |kind| {
        let zone = Box::new(zone(kind));
        fixture.change(Operation::PutZone { zone, serial_floor: None }).unwrap();
    };
    put_zone(ZoneKind::Ip);
    assert!(matches!(fixture.commit(staged), Err(ChangeError::NoZone(_))));
    let late = staging.finish(REPLACE, false, NOW);
    assert!(matches!(late, Err(ChangeError::NoZone(_))));
    let staged = fixture.stage("feed", &[("192.0.2.1", plain())], REPLACE, false).unwrap();
    put_zone(ZoneKind::Domain);
    assert!(matches!(fixture.commit(staged), Err(ChangeError::WrongKind)));
    assert!(fixture.reopen().subjects().is_empty());
}

#[test]
fn dense_and_sparse_networks_are_kept_alike() {
    let fixture = Fixture::new();
    let mut staging = fixture.store.stage(&origin(), source("feed")).unwrap();
    for addr in (0x0a00_0000u32..0x0a01_0000).rev() {
        staging.put_host(addr.into()).unwrap();
    }
    staging.put_host(u32::MAX.into()).unwrap();
    staging.put_host(0.into()).unwrap();
    fixture.commit(staging.finish(REPLACE, false, NOW).unwrap()).unwrap();
    fixture.delete("10.0.200.1", Sources::All).unwrap();
    fixture.put("10.0.200.2", "feed", note("n")).unwrap();
    let check = |fixture: &Fixture| {
        assert_eq!(fixture.counts(NOW), (65_537, 0));
        assert_eq!(fixture.listings(NOW).len(), 65_537);
        assert_eq!(fixture.mirror.0.lock().unwrap().entries.len(), 65_537);
        let of = |text: &str| {
            let subject = text.parse().unwrap();
            fixture.store.read(NOW).listings_of(&origin(), &subject).unwrap()
        };
        assert!(of("10.0.200.1").is_empty());
        assert_eq!(of("10.0.200.2")[0].body, note("n"));
        assert_eq!((of("10.0.200.3").len(), of("255.255.255.255").len()), (1, 1));
    };
    check(&fixture);
    check(&fixture.reopen());
}

/// A restart gave the id of a segment that was never named to another, and the expiries that it had left were
/// taken for that one's: fewer listings were counted than there are.
#[test]
fn what_an_import_that_was_called_off_leaves_is_taken_for_nothing_else_after_a_restart() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.7", "feed", plain()).unwrap();
    let expired = ListingBody { expires_at: Some(NOW), ..plain() };
    drop(fixture.stage("feed", &[("192.0.2.1", expired)], ImportMode::Upsert, false).unwrap());
    let fixture = fixture.reopen();
    fixture.import("other", &[("192.0.2.1", plain())], ImportMode::Upsert).unwrap();
    assert_eq!(fixture.counts(NOW), (2, 0));
}

/// The same of a zone that was deleted.
#[test]
fn a_zone_that_is_made_after_a_restart_has_nothing_of_one_that_was_deleted() {
    let fixture = Fixture::new();
    let expired = ListingBody { expires_at: Some(NOW), ..plain() };
    fixture.import("feed", &[("192.0.2.1", expired)], ImportMode::Upsert).unwrap();
    fixture.change(Operation::DeleteZone(origin())).unwrap();
    let fixture = fixture.reopen();
    let made = Operation::PutZone { zone: Box::new(zone(ZoneKind::Ip)), serial_floor: None };
    fixture.change(made).unwrap();
    fixture.import("feed", &[("192.0.2.1", plain())], ImportMode::Upsert).unwrap();
    assert_eq!(fixture.counts(NOW), (1, 0));
}
