//! Imports with rows of several sources, and what small ones may lose.

use dnsbl_store::{ChangeError, ImportCounts, ImportLimits, ImportMode, Operation};
use dnsbl_types::{ListingBody, Subject, UnixTime};

use crate::fixture::{Fixture, NOW, note, origin, plain, source};

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

#[test]
fn an_import_has_rows_of_several_sources_in_one_change() {
    for fixture in [Fixture::new(), Fixture::spilling()] {
        fixture.put("192.0.2.1", "a", note("before")).unwrap();
        let mut staging = fixture.store.stage(&origin(), source("own")).unwrap();
        let since = Some(UnixTime(1_600_000_000));
        staging.put(&subject("192.0.2.1"), &plain()).unwrap();
        staging.put_as(&source("a"), &subject("192.0.2.1"), &note("a"), since).unwrap();
        staging.put_as(&source("b"), &subject("192.0.2.1"), &note("b"), since).unwrap();
        staging.put_as(&source("b"), &subject("192.0.2.2"), &plain(), None).unwrap();
        for i in 0..200u32 {
            let addr = Subject::from(std::net::Ipv4Addr::from(0xc633_6400 + i % 100));
            staging.put_as(&source(["a", "b"][i as usize / 100]), &addr, &plain(), since).unwrap();
        }
        staging.reject();
        assert_eq!((staging.taken(), staging.rejected()), (204, 1));
        let head = fixture.store.read(NOW).head().unwrap();
        let staged = staging.finish(ImportMode::Upsert, false, NOW).unwrap();
        let counts =
            ImportCounts { added: 203, updated: 1, rejected: 1, ..ImportCounts::default() };
        assert_eq!(staged.counts(), counts);
        assert_eq!(fixture.commit(staged).unwrap(), counts);
        assert_eq!(fixture.store.read(NOW).head().unwrap(), head + 1);
        let check = |fixture: &Fixture| {
            let of = |name: &str| -> Vec<_> {
                let all = fixture.listings(NOW);
                all.into_iter().filter(|listing| listing.source.as_str() == name).collect()
            };
            assert_eq!((of("own").len(), of("a").len(), of("b").len()), (1, 101, 102));
            assert_eq!(of("a")[0].body, note("a"));
            assert_eq!(of("a")[0].listed_at, NOW, "it was listed before");
            assert_eq!(of("b")[0].body, note("b"));
            assert_eq!(of("b")[0].listed_at, UnixTime(1_600_000_000));
            assert_eq!(of("b")[1].listed_at, NOW);
            assert_eq!(fixture.mirror.0.lock().unwrap().entries["192.0.2.1"].len(), 3);
        };
        check(&fixture);
        fixture.fold_all();
        let fixture = fixture.reopen();
        check(&fixture);
    }
}

#[test]
fn too_many_sources_change_nothing() {
    let fixture = Fixture::new();
    let import = |from: u32, to: u32| {
        let mut staging = fixture.store.stage(&origin(), source("own")).unwrap();
        for i in from..to {
            let addr = Subject::from(std::net::Ipv4Addr::from(0xc633_6400 + i));
            staging.put_as(&source(&format!("s{i}")), &addr, &plain(), None)?;
        }
        fixture.commit(staging.finish(ImportMode::Upsert, false, NOW)?)
    };
    assert!(matches!(import(0, 256), Err(ChangeError::TooManySources(256))));
    assert_eq!(import(0, 255).unwrap().added, 255);
    assert!(matches!(import(254, 257), Err(ChangeError::TooManySources(255))));
    assert_eq!(fixture.listings(NOW).len(), 255);
    assert_eq!(import(255, 256).unwrap().added, 1);
    assert_eq!(import(0, 255).unwrap().unchanged, 255, "sources that are there take no room");
}

#[test]
fn an_import_that_contradicts_itself_is_told() {
    for fixture in [Fixture::new(), Fixture::spilling()] {
        let exclusion = || ListingBody { exclusion: true, ..plain() };
        for rows in [
            [("192.0.2.1", plain()), ("192.0.2.1", exclusion())],
            [("192.0.2.1", exclusion()), ("192.0.2.1", plain())],
            [("192.0.2.0/24", note("a")), ("192.0.2.0/24", note("b"))],
        ] {
            let rows: Vec<_> =
                rows.into_iter().chain((0..20).map(|_| ("192.0.2.9", plain()))).collect();
            let staged = fixture.stage("feed", &rows, ImportMode::Upsert, true).unwrap();
            let (count, first) = staged.contradictions();
            assert_eq!(count, 1);
            assert_eq!(first.unwrap().to_string(), rows[0].0);
        }
    }
}

/// Field case 24.
#[test]
fn four_listings_may_go_whatever_share_they_are() {
    let limits = |max_removed| {
        ImportMode::ReplaceSource(ImportLimits { allow_rejected: false, max_removed })
    };
    let fixture = Fixture::new();
    let rows = |count: usize| -> Vec<_> {
        let all = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"];
        all[..count].iter().map(|subject| (*subject, plain())).collect()
    };
    fixture.import("feed", &rows(6), limits(0.2)).unwrap();
    let refused =
        |counts: Result<_, ChangeError>| matches!(counts, Err(ChangeError::ImportRefused { .. }));
    assert!(refused(fixture.import("feed", &rows(1), limits(0.2))), "five go");
    assert!(refused(fixture.import("feed", &rows(5), limits(0.0))), "none may");
    assert_eq!(fixture.import("feed", &rows(2), limits(0.2)).unwrap().removed, 4);
    assert_eq!(fixture.import("feed", &rows(1), limits(0.2)).unwrap().removed, 1);
    assert!(refused(fixture.import("feed", &[], limits(0.2))), "none would be left");
    let change = Operation::CompactSegments;
    fixture.change(change).unwrap();
}
