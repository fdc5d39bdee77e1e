//! Undoing changes, purging listings, freezing sources, and what is only tried.

use std::sync::mpsc::sync_channel;

use dnsbl_store::{
    Actor, Carried, Change, ChangeError, Committed, ExpectedDelta, ImportCounts, ImportMode, Op,
    Operation, OperationResult, PurgedSource, Remembered, RequestId, Selection, Sources, Terms,
};
use dnsbl_types::{ListingBody, UnixTime, Zone, ZoneKind, ZoneSpec};

use crate::fixture::{Fixture, NOW, REPLACE, note, origin, plain, source, zone};

fn undo(fixture: &Fixture, of: u64) -> Result<Committed, ChangeError> {
    fixture.change(fixture.store.stage_undo(of, false, NOW)?)
}

fn head(fixture: &Fixture) -> u64 {
    fixture.store.read(NOW).head().unwrap()
}

fn by_source(name: &str) -> Selection {
    Selection { source: Some(source(name)), ..Selection::default() }
}

fn purge(fixture: &Fixture, selection: Selection, expect: u64) -> Result<Committed, ChangeError> {
    let staged = fixture.store.stage_purge(&[origin()], selection, Some(expect), false, NOW)?;
    fixture.change(staged)
}

fn freeze(fixture: &Fixture, name: &str, why: Option<&str>) -> u64 {
    let frozen = why.map(Into::into);
    let change = Operation::PutSource { zone: origin(), source: source(name), frozen };
    fixture.change(change).unwrap().seq
}

fn tried(fixture: &Fixture, operation: Operation) -> Result<Committed, ChangeError> {
    let (tx, rx) = sync_channel(1);
    let (terms, change) =
        (Terms { dry_run: true, carried: None }, Change::new(Actor::part("test"), operation));
    fixture.store.submit_on(terms, change, NOW, move |result| tx.send(result).unwrap());
    rx.recv().unwrap()
}

#[test]
fn a_listing_comes_back_as_it_was_with_its_tag() {
    let fixture = Fixture::new();
    let first = fixture.put("192.0.2.1", "a", note("first")).unwrap().seq;
    let before = fixture.listings(NOW);
    let second = fixture.put("192.0.2.1", "a", note("second")).unwrap().seq;
    let gone = fixture.delete("192.0.2.1", Sources::All).unwrap().seq;
    undo(&fixture, gone).unwrap();
    assert_eq!(fixture.listings(NOW)[0].body, note("second"));
    let back = undo(&fixture, second).unwrap();
    assert_eq!(fixture.listings(NOW), before);
    let entry = fixture.store.read(NOW).log_entry(back.seq).unwrap().unwrap();
    assert!(matches!(entry.ops[..], [Op::Undo { of, part: None }, Op::Put { .. }] if of == second));
    undo(&fixture, first).unwrap();
    assert_eq!(fixture.listings(NOW), []);
    // All of it can be undone as well.
    undo(&fixture, head(&fixture)).unwrap();
    undo(&fixture, back.seq).unwrap();
    assert_eq!(fixture.listings(NOW)[0].body, note("second"));
}

#[test]
fn what_something_later_rests_on_stays() {
    let fixture = Fixture::new();
    let first = fixture.put("192.0.2.1", "a", note("first")).unwrap().seq;
    let second = fixture.put("192.0.2.1", "a", note("second")).unwrap().seq;
    let refused = undo(&fixture, first).unwrap_err();
    assert!(matches!(refused, ChangeError::Overtaken { by: Some(by), .. } if by == second));
    assert!(refused.to_string().contains("192.0.2.1 by a"), "{refused}");
    undo(&fixture, second).unwrap();
    assert!(matches!(undo(&fixture, second), Err(ChangeError::Overtaken { .. })), "once");
    assert!(matches!(undo(&fixture, 99), Err(ChangeError::NoChange(99))));
    fixture.change(Operation::DeleteZone(origin())).unwrap();
    assert!(matches!(undo(&fixture, first), Err(ChangeError::ZoneGone { .. })));
    let refused = undo(&fixture, head(&fixture));
    assert!(matches!(refused, Err(ChangeError::NotUndoable { .. })));
}

#[test]
fn settings_of_a_zone_come_back_and_a_new_zone_goes_while_it_is_empty() {
    let fixture = Fixture::new();
    let put = |zone: Zone| {
        let zone = Box::new(zone);
        fixture.change(Operation::PutZone { zone, serial_floor: None }).unwrap().seq
    };
    let mut spec = ZoneSpec::clone(&zone(ZoneKind::Ip));
    spec.ttl = 7;
    let changed = put(spec.check().unwrap());
    undo(&fixture, changed).unwrap();
    let settings = || fixture.store.read(NOW).settings(&origin()).unwrap();
    assert_eq!(settings().unwrap().ttl, zone(ZoneKind::Ip).ttl);
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    // The settings are again those of the first change.
    assert!(matches!(undo(&fixture, 1), Err(ChangeError::Overtaken { .. })), "it has listings");
    fixture.delete("192.0.2.1", Sources::All).unwrap();
    undo(&fixture, 1).unwrap();
    assert_eq!(settings(), None);
}

#[test]
fn an_import_is_undone_whatever_was_compacted_since_and_an_undo_too() {
    let mut fixture = Fixture::new();
    fixture.import("feed", &[("192.0.2.1", plain()), ("192.0.2.2", note("x"))], REPLACE).unwrap();
    fixture.put("192.0.2.1", "ops", note("mine")).unwrap();
    let before = fixture.listings(NOW);
    let rows = [("192.0.2.2", note("y")), ("192.0.2.3", plain()), ("2001:db8::/32", plain())];
    let staged = fixture.stage("feed", &rows, REPLACE, false).unwrap();
    let id = staged.id();
    fixture.commit(staged).unwrap();
    let after = fixture.listings(NOW);
    for _ in 0..2 {
        let of = fixture.store.read(NOW).change_of_import(&id).unwrap().unwrap();
        let done = undo(&fixture, of).unwrap();
        let counts = ImportCounts { added: 1, updated: 1, removed: 2, ..ImportCounts::default() };
        assert_eq!(done.results, [OperationResult::Undone { of, counts }]);
        assert_eq!(fixture.listings(NOW), before);
        fixture = fixture.reopen();
        undo(&fixture, done.seq).unwrap();
        fixture.fold_all();
        assert_eq!(fixture.listings(NOW), after);
    }
}

#[test]
fn an_import_that_something_later_rests_on_stays_whole() {
    let fixture = Fixture::new();
    let rows = [("192.0.2.1", plain()), ("192.0.2.2", plain()), ("192.0.2.3", plain())];
    fixture.import("feed", &rows, ImportMode::Upsert).unwrap();
    let of = head(&fixture);
    let later = fixture.put("192.0.2.2", "feed", note("later")).unwrap().seq;
    fixture.delete("192.0.2.3", Sources::All).unwrap();
    let refused = undo(&fixture, of);
    assert!(
        matches!(refused, Err(ChangeError::Overtaken { by: Some(by), count: 2, .. }) if by == later),
        "{refused:?}"
    );
    assert_eq!(fixture.subjects().len(), 2);
    // What others say of the same is nothing to it.
    undo(&fixture, head(&fixture)).unwrap();
    undo(&fixture, later).unwrap();
    fixture.put("192.0.2.1", "ops", plain()).unwrap();
    undo(&fixture, of).unwrap();
    assert_eq!(fixture.subjects(), ["192.0.2.1 ops"]);
}

#[test]
fn a_purge_takes_what_is_selected_once_its_number_is_confirmed() {
    let fixture = Fixture::new();
    let tagged = || ListingBody { tags: vec!["bad".into()], ..plain() };
    fixture.put("192.0.2.1", "a", tagged()).unwrap();
    fixture.put("192.0.2.2", "b", tagged()).unwrap();
    fixture.put("192.0.2.3", "b", plain()).unwrap();
    let before = fixture.listings(NOW);
    let of_tag = || Selection { tag: Some("bad".into()), ..Selection::default() };
    let sources = |name: &str| PurgedSource {
        zone: origin(),
        source: source(name),
        listings: 1,
        exclusions: 0,
    };
    let try_it = fixture.store.stage_purge(&[origin()], of_tag(), None, true, NOW).unwrap();
    let head_before = head(&fixture);
    let result = fixture.change(try_it).unwrap();
    assert_eq!(result.results, [OperationResult::Purge(vec![sources("a"), sources("b")])]);
    for expect in [None, Some(1), Some(3)] {
        let staged = fixture.store.stage_purge(&[origin()], of_tag(), expect, false, NOW).unwrap();
        let refused = fixture.change(staged);
        assert!(matches!(refused, Err(ChangeError::PurgeCount { found: 2, .. })), "{expect:?}");
    }
    assert_eq!((head(&fixture), fixture.listings(NOW)), (head_before, before.clone()));
    let purged = purge(&fixture, of_tag(), 2).unwrap();
    assert_eq!(fixture.subjects(), ["192.0.2.3 b"]);
    let entry = fixture.store.read(NOW).log_entry(purged.seq).unwrap().unwrap();
    assert!(matches!(entry.ops[..], [Op::Purge { .. }, Op::Purge { .. }]), "one change: {entry:?}");
    undo(&fixture, purged.seq).unwrap();
    assert_eq!(fixture.listings(NOW), before);
}

#[test]
fn a_purge_selects_by_import_and_by_time() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "feed", plain()).unwrap();
    fixture
        .import("feed", &[("192.0.2.2", plain()), ("192.0.2.3", plain())], ImportMode::Upsert)
        .unwrap();
    let import = head(&fixture);
    fixture.put("192.0.2.3", "feed", note("changed since")).unwrap();
    let written = Selection { written_by: Some(import), ..Selection::default() };
    purge(&fixture, written, 1).unwrap();
    assert_eq!(fixture.subjects(), ["192.0.2.1 feed", "192.0.2.3 feed"]);
    let put = Operation::PutListing {
        zone: origin(),
        subject: "192.0.2.4".parse().unwrap(),
        source: source("feed"),
        body: Box::new(plain()),
        precondition: dnsbl_store::Precondition::None,
    };
    fixture.change_at(put, UnixTime(NOW.0 + 10)).unwrap();
    let since = Selection { listed_from: Some(UnixTime(NOW.0 + 10)), ..Selection::default() };
    purge(&fixture, since, 1).unwrap();
    let until = Selection { listed_until: Some(NOW), ..Selection::default() };
    purge(&fixture, until, 0).unwrap();
    assert_eq!(fixture.subjects().len(), 2);
}

#[test]
fn what_an_undo_needs_is_kept_as_long_as_the_log_and_up_to_so_many_bytes() {
    let fixture = Fixture::new();
    let mut changes = Vec::new();
    for at in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        fixture.import("feed", &[(at, plain())], ImportMode::Upsert).unwrap();
        changes.push(head(&fixture));
    }
    let floor = |bytes| fixture.store.read(NOW).floor_of_undo(bytes).unwrap();
    assert_eq!((floor(0), floor(u64::MAX)), (changes[2], changes[0]));
    fixture.change(Operation::ForgetUndo { before: changes[1] }).unwrap();
    assert!(matches!(undo(&fixture, changes[0]), Err(ChangeError::NotKept(_))));
    fixture.change(Operation::TruncateLog { floor: changes[2] }).unwrap();
    assert!(matches!(undo(&fixture, changes[1]), Err(ChangeError::NotKept(_))));
    // Undone and done again: what the undo rests on outlives the record that it came with.
    let back = undo(&fixture, changes[2]).unwrap().seq;
    fixture.change(Operation::TruncateLog { floor: back }).unwrap();
    let fixture = fixture.reopen();
    undo(&fixture, back).unwrap();
    assert_eq!(fixture.subjects().len(), 3);
}

#[test]
fn a_crash_before_the_commit_leaves_nothing_of_a_purge_or_an_undo() {
    let fixture = Fixture::new();
    fixture.import("feed", &[("192.0.2.1", plain()), ("192.0.2.2", note("x"))], REPLACE).unwrap();
    let of = head(&fixture);
    let stage = |fixture: &Fixture| {
        let store = &fixture.store;
        let purge = store.stage_purge(&[origin()], by_source("feed"), Some(2), false, NOW).unwrap();
        [purge, store.stage_undo(of, false, NOW).unwrap()]
    };
    let before = fixture.listings(NOW);
    // What is forgotten removes nothing, as after a kill.
    stage(&fixture).into_iter().for_each(std::mem::forget);
    let fixture = fixture.reopen_after_crash();
    assert_eq!(fixture.listings(NOW), before);
    let [purge, _] = stage(&fixture);
    let seq = fixture.change(purge).unwrap().seq;
    let fixture = fixture.reopen_after_crash();
    assert_eq!(fixture.listings(NOW), []);
    undo(&fixture, seq).unwrap();
    let fixture = fixture.reopen_after_crash();
    assert_eq!(fixture.listings(NOW), before);
}

#[test]
fn a_frozen_source_writes_nothing_and_is_purged_all_the_same() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "feed", plain()).unwrap();
    let frozen = freeze(&fixture, "feed", Some("it lists half of a provider"));
    let fixture = fixture.reopen();
    let rows = [("192.0.2.2", plain())];
    let refusals = [
        fixture.put("192.0.2.2", "feed", plain()).map(drop),
        fixture.delete("192.0.2.1", Sources::All).map(drop),
        fixture.import("feed", &rows, ImportMode::Upsert).map(drop),
    ];
    for refused in refusals {
        let Err(ChangeError::Frozen { freeze, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!((freeze.why.as_str(), freeze.since), ("it lists half of a provider", NOW));
    }
    assert_eq!(fixture.subjects(), ["192.0.2.1 feed"]);
    fixture.put("192.0.2.2", "ops", plain()).unwrap();
    let gone = purge(&fixture, by_source("feed"), 1).unwrap().seq;
    undo(&fixture, gone).unwrap();
    let sources = fixture.store.read(NOW).sources(&origin()).unwrap().unwrap();
    let sources = sources.iter().map(|record| (record.source.as_str(), record.frozen.is_some()));
    assert_eq!(sources.collect::<Vec<_>>(), [("feed", true), ("ops", false)]);
    assert_eq!(freeze(&fixture, "feed", Some("it lists half of a provider")), head(&fixture));
    undo(&fixture, frozen).unwrap();
    fixture.put("192.0.2.2", "feed", plain()).unwrap();
    assert!(matches!(undo(&fixture, frozen), Err(ChangeError::Overtaken { .. })));
}

#[test]
fn what_is_only_tried_has_its_result_and_changes_nothing() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    let of = head(&fixture);
    let (listings, serial) = (fixture.listings(NOW), fixture.mirror.0.lock().unwrap().serial);
    let put = Operation::PutListing {
        zone: origin(),
        subject: "192.0.2.2".parse().unwrap(),
        source: source("a"),
        body: Box::new(plain()),
        precondition: dnsbl_store::Precondition::None,
    };
    let result = tried(&fixture, put).unwrap();
    assert!(matches!(result.results[..], [OperationResult::Listing { created: true, .. }]));
    let delete = Operation::DeleteZone(origin());
    assert_eq!(tried(&fixture, delete).unwrap().results, [OperationResult::Count(1)]);
    let undo = fixture.store.stage_undo(of, true, NOW).unwrap();
    assert!(matches!(tried(&fixture, undo).unwrap().results[..], [OperationResult::Undone { .. }]));
    assert!(matches!(tried(&fixture, Operation::Undo { seq: 99 }), Err(ChangeError::NoChange(99))));
    assert_eq!(head(&fixture), of);
    assert_eq!(fixture.listings(NOW), listings);
    assert_eq!(fixture.mirror.0.lock().unwrap().serial, serial);
}

#[test]
fn an_import_that_does_more_than_was_expected_changes_nothing() {
    let fixture = Fixture::new();
    fixture.import("feed", &[("192.0.2.1", plain()), ("192.0.2.2", plain())], REPLACE).unwrap();
    let import = |expected| {
        let staged = fixture.stage(
            "feed",
            &[("192.0.2.2", plain()), ("192.0.2.3", plain())],
            REPLACE,
            false,
        );
        fixture.commit(staged.unwrap().expecting(expected))
    };
    let wrong = [
        ExpectedDelta { added: 2..=9, ..ExpectedDelta::default() },
        ExpectedDelta { removed: 0..=0, ..ExpectedDelta::default() },
        ExpectedDelta { updated: 1..=1, ..ExpectedDelta::default() },
    ];
    for expected in wrong {
        let refused = import(expected.clone());
        let Err(ChangeError::ImportRefused { why, counts }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((counts.added, counts.removed), (1, 1), "{why}");
    }
    assert_eq!(fixture.subjects(), ["192.0.2.1 feed", "192.0.2.2 feed"]);
    import(ExpectedDelta { added: 0..=1, updated: 0..=0, removed: 1..=1 }).unwrap();
}

#[test]
fn a_request_is_remembered_with_its_change_and_forgotten_by_age_and_number() {
    let fixture = Fixture::new();
    let request = |n: u8| RequestId { token: "0123456789abcdef".into(), digest: [n; 32] };
    let carry = |n: u8, at: u64, fails: bool| {
        let (tx, rx) = sync_channel(1);
        let carried = Some(Carried { request: request(n), fingerprint: [9; 32] });
        let put = Operation::PutListing {
            zone: if fails { "no.example.org".parse().unwrap() } else { origin() },
            subject: format!("192.0.2.{n}").parse().unwrap(),
            source: source("a"),
            body: Box::new(plain()),
            precondition: dnsbl_store::Precondition::None,
        };
        let change = Change::new(Actor::part("test"), put);
        let terms = Terms { dry_run: false, carried };
        fixture
            .store
            .submit_on(terms, change, UnixTime(at), move |result| tx.send(result).unwrap());
        rx.recv().unwrap()
    };
    let seq = carry(1, 100, false).unwrap().seq;
    carry(2, 200, true).unwrap_err();
    carry(3, 300, false).unwrap();
    carry(4, 400, false).unwrap();
    let answer = |n| Remembered { fingerprint: [9; 32], at: UnixTime(100), seq, answer: n };
    let known = |n: u8| fixture.store.read(NOW).remembered(&request(n)).unwrap();
    assert_eq!((known(1), known(2)), (Some(answer(None)), None), "a refused one is not");
    fixture.store.keep_answer(&request(1), &answer(Some(b"201".into()))).unwrap();
    assert_eq!(known(1).unwrap().answer.as_deref(), Some(&b"201"[..]));
    assert_eq!(fixture.store.forget_requests(UnixTime(100), 2).unwrap(), 1, "one too many");
    assert_eq!((known(1), known(3).is_some()), (None, true));
    assert_eq!(fixture.store.forget_requests(UnixTime(401), 2).unwrap(), 2);
}
