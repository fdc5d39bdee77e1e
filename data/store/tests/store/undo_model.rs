//! Random sequences of changes, imports, purges and undos, beside a model of what each must leave.

use std::collections::BTreeMap;

use dnsbl_store::{ChangeError, ImportMode, Operation, OperationResult, Selection, Sources};
use dnsbl_types::UnixTime;
use proptest::prelude::*;

use crate::{
    fixture::{Fixture, NOW, REPLACE, origin, source},
    model::{body, compare, subject},
};

type Key = (String, String);

/// A listing: what it says, and the change that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    what: u8,
    seq: u64,
}

/// What a change made of a listing.
#[derive(Clone, Debug)]
struct Diff {
    key: Key,
    before: Option<Version>,
    after: Option<Version>,
}

#[derive(Clone, Debug)]
struct Change {
    seq: u64,
    diffs: Vec<Diff>,
    /// Whether it is of many listings, so that its undo knows of all it did also where that is over.
    bulk: bool,
}

#[derive(Default)]
struct Model {
    listings: BTreeMap<Key, Version>,
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Step {
    Put(Put),
    Delete(u8, u8),
    DeleteAll(u8),
    Import(u8, Vec<(u8, u8)>, bool),
    /// Of a source, or of all of them (3), or of all that one change wrote; a put may come in between.
    Purge(u8, Option<prop::sample::Index>, Option<Put>),
    Undo(prop::sample::Index, Option<Put>),
    Fold,
    Sweep,
    Reopen,
}

/// Subject, source and what it says.
type Put = (u8, u8, u8);

fn step() -> impl Strategy<Value = Step> {
    let rows = prop::collection::vec((0u8..12, 0u8..4), 0..12);
    let put = || (0u8..12, 0u8..3, 0u8..4);
    let race = || prop::option::weighted(0.3, put());
    let change = any::<prop::sample::Index>;
    prop_oneof![
        3 => put().prop_map(Step::Put),
        1 => (0u8..12, 0u8..3).prop_map(|(at, by)| Step::Delete(at, by)),
        1 => (0u8..12).prop_map(Step::DeleteAll),
        3 => (0u8..3, rows, any::<bool>()).prop_map(|(by, rows, replace)| Step::Import(by, rows, replace)),
        2 => (0u8..4, prop::option::of(change()), race()).prop_map(|(by, of, put)| Step::Purge(by, of, put)),
        6 => (change(), race()).prop_map(|(of, put)| Step::Undo(of, put)),
        2 => Just(Step::Fold),
        1 => Just(Step::Sweep),
        1 => Just(Step::Reopen),
    ]
}

fn name(by: u8) -> String {
    format!("s{by}")
}

fn live(version: Option<Version>) -> Option<Version> {
    version.filter(|version| version.what < 3)
}

impl Model {
    fn at(&self, key: &Key) -> Option<Version> {
        live(self.listings.get(key).copied())
    }

    fn set(&mut self, key: Key, version: Option<Version>) {
        match version {
            Some(version) => drop(self.listings.insert(key, version)),
            None => drop(self.listings.remove(&key)),
        }
    }

    /// Takes a change that was made.
    fn made(&mut self, change: Change) {
        for diff in &change.diffs {
            self.set(diff.key.clone(), diff.after);
        }
        self.changes.push(change);
    }

    fn diff(&self, key: Key, after: Option<Version>) -> Diff {
        Diff { before: self.at(&key), key, after }
    }
}

fn put(fixture: &Fixture, model: &mut Model, (at, by, what): Put) {
    let key = (subject(at), name(by));
    let committed = fixture.put(&key.0, &key.1, body(what)).unwrap();
    if model.at(&key).is_some_and(|version| version.what == what) {
        return;
    }
    let seq = committed.seq;
    let diffs = vec![model.diff(key, Some(Version { what, seq }))];
    model.made(Change { seq, diffs, bulk: false });
}

fn delete(fixture: &Fixture, model: &mut Model, at: u8, sources: Sources, by: &[u8]) {
    let seq = fixture.delete(&subject(at), sources).unwrap().seq;
    let keys = by.iter().map(|by| (subject(at), name(*by)));
    let diffs: Vec<Diff> =
        keys.filter(|key| model.at(key).is_some()).map(|key| model.diff(key, None)).collect();
    if !diffs.is_empty() {
        model.made(Change { seq, diffs, bulk: false });
    }
}

fn import(fixture: &Fixture, model: &mut Model, by: u8, rows: &[(u8, u8)], replace: bool) {
    let rows: Vec<_> = rows.iter().map(|(at, what)| (subject(*at), *what)).collect();
    let bodies: Vec<_> = rows.iter().map(|(at, what)| (at.as_str(), body(*what))).collect();
    let mode = if replace { REPLACE } else { ImportMode::Upsert };
    let staged = fixture.stage(&name(by), &bodies, mode, false).unwrap();
    let head = fixture.store.read(NOW).head().unwrap();
    let seq = fixture.change(staged.commit()).unwrap().seq;
    let last: BTreeMap<String, u8> = rows.into_iter().collect();
    let mut diffs = Vec::new();
    for (at, what) in &last {
        let key = (at.clone(), name(by));
        if model.at(&key).is_none_or(|version| version.what != *what) {
            diffs.push(model.diff(key, Some(Version { what: *what, seq })));
        }
    }
    let missing =
        model.listings.keys().filter(|(at, of)| *of == name(by) && !last.contains_key(at));
    for key in missing.cloned().collect::<Vec<_>>() {
        if replace && model.at(&key).is_some() {
            diffs.push(model.diff(key, None));
        }
    }
    if seq > head {
        model.made(Change { seq, diffs, bulk: true });
    } else {
        assert!(diffs.is_empty(), "{diffs:?}");
    }
}

fn purge(
    fixture: &Fixture,
    model: &mut Model,
    by: u8,
    of: Option<&prop::sample::Index>,
    race: Option<Put>,
) {
    let written_by = of.filter(|_| !model.changes.is_empty());
    let written_by = written_by.map(|of| of.get(&model.changes).seq);
    let keys = |model: &Model| -> Vec<Key> {
        let all = model.listings.iter().filter(|(_, version)| version.what < 3);
        let all = all.filter(|((_, of), version)| match written_by {
            Some(seq) => version.seq == seq,
            None => by == 3 || *of == name(by),
        });
        all.map(|(key, _)| key.clone()).collect()
    };
    let selection = match written_by {
        Some(seq) => Selection { written_by: Some(seq), ..Selection::default() },
        None if by == 3 => Selection { listed_from: Some(UnixTime(0)), ..Selection::default() },
        None => Selection { source: Some(source(&name(by))), ..Selection::default() },
    };
    let stage = |expect, dry_run| {
        fixture.store.stage_purge(&[origin()], selection.clone(), expect, dry_run, NOW).unwrap()
    };
    let confirmed = keys(model).len() as u64;
    let tried = fixture.change(stage(None, true)).unwrap().into_result();
    let Some(OperationResult::Purge(sources)) = tried else { panic!("{tried:?}") };
    assert_eq!(sources.iter().map(|s| s.listings + s.exclusions).sum::<u64>(), confirmed);
    let staged = stage(Some(confirmed), false);
    if let Some(race) = race {
        put(fixture, model, race);
    }
    let gone = keys(model);
    match fixture.change(staged) {
        Ok(committed) => {
            assert_eq!(gone.len() as u64, confirmed);
            let diffs: Vec<Diff> = gone.into_iter().map(|key| model.diff(key, None)).collect();
            if !diffs.is_empty() {
                model.made(Change { seq: committed.seq, diffs, bulk: true });
            }
        }
        Err(ChangeError::PurgeCount { found, .. }) => {
            assert_eq!(found, gone.len() as u64);
            assert_ne!(found, confirmed);
        }
        other => panic!("{other:?}"),
    }
}

fn undo(fixture: &Fixture, model: &mut Model, of: &prop::sample::Index, race: Option<Put>) {
    if model.changes.is_empty() {
        return;
    }
    let change = of.get(&model.changes).clone();
    let staged = fixture.store.stage_undo(change.seq, false, NOW).unwrap();
    if let Some(race) = race {
        put(fixture, model, race);
    }
    let is_as_left = change.diffs.iter().all(|diff| model.at(&diff.key) == live(diff.after));
    let moves = |diff: &&Diff| live(diff.after) != live(diff.before);
    let result = fixture.change(staged);
    if !is_as_left {
        assert!(matches!(result, Err(ChangeError::Overtaken { .. })), "{change:?}: {result:?}");
        return;
    }
    let moved = change.diffs.iter().filter(moves).count();
    if moved == 0 {
        assert!(matches!(result, Err(ChangeError::NothingToUndo(_))), "{change:?}: {result:?}");
        return;
    }
    let seq = result.unwrap().seq;
    let back = change.diffs.iter().filter(|diff| change.bulk || moves(diff));
    let back = back.map(|diff| Diff {
        key: diff.key.clone(),
        before: if change.bulk { diff.after } else { live(diff.after) },
        after: live(diff.before),
    });
    model.made(Change { seq, diffs: back.collect(), bulk: change.bulk });
}

fn apply(fixture: Fixture, model: &mut Model, step: &Step) -> Fixture {
    match step {
        Step::Put(listing) => put(&fixture, model, *listing),
        Step::Delete(at, by) => {
            delete(&fixture, model, *at, Sources::One(source(&name(*by))), &[*by]);
        }
        Step::DeleteAll(at) => delete(&fixture, model, *at, Sources::All, &[0, 1, 2]),
        Step::Import(by, rows, replace) => import(&fixture, model, *by, rows, *replace),
        Step::Purge(by, of, race) => purge(&fixture, model, *by, of.as_ref(), *race),
        Step::Undo(of, race) => undo(&fixture, model, of, *race),
        Step::Fold => drop(fixture.change(Operation::CompactSegments).unwrap()),
        Step::Sweep => drop(fixture.change(Operation::Sweep).unwrap()),
        Step::Reopen => return fixture.reopen(),
    }
    fixture
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_and_undone_the_store_and_the_index_agree_with_a_model(
        steps in prop::collection::vec(step(), 1..25),
        spilling in any::<bool>(),
    ) {
        let mut fixture = if spilling { Fixture::spilling() } else { Fixture::new() };
        let mut model = Model::default();
        for step in &steps {
            fixture = apply(fixture, &mut model, step);
            let listings = model.listings.iter();
            let listings = listings.map(|(key, version)| (key.clone(), version.what)).collect();
            compare(&fixture, &listings);
        }
    }
}
