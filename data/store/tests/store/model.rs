//! Random changes against a map.

use std::collections::BTreeMap;

use dnsbl_store::{ImportMode, Operation, OperationResult, Sources};
use dnsbl_types::{Entry, ListingBody, Subject};
use proptest::prelude::*;

use crate::{
    fixture::{Fixture, NOW, REPLACE, note, origin, plain, source},
    followers::{loaded, verdicts},
};

/// Steps of the model test.
#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8, u8),
    Delete(u8, u8),
    DeleteAll(u8),
    Import(u8, Vec<(u8, u8)>, bool),
    /// An import, and a put between its decision and its commit.
    Race(u8, Vec<(u8, u8)>, bool, (u8, u8, u8)),
    Fold,
    Sweep,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let rows = prop::collection::vec((0u8..12, 0u8..4), 0..12);
    prop_oneof![
        4 => (0u8..12, 0u8..3, 0u8..4).prop_map(|(subject, source, what)| Step::Put(subject, source, what)),
        2 => (0u8..12, 0u8..3).prop_map(|(subject, source)| Step::Delete(subject, source)),
        1 => (0u8..12).prop_map(Step::DeleteAll),
        3 => (0u8..3, rows, any::<bool>()).prop_map(|(source, rows, replace)| Step::Import(source, rows, replace)),
        1 => race(),
        2 => Just(Step::Fold),
        1 => Just(Step::Sweep),
        1 => Just(Step::Reopen),
    ]
}

fn race() -> impl Strategy<Value = Step> {
    let rows = prop::collection::vec((0u8..12, 0u8..4), 0..12);
    let put = (0u8..12, 0u8..3, 0u8..4);
    (0u8..3, rows, any::<bool>(), put)
        .prop_map(|(source, rows, replace, put)| Step::Race(source, rows, replace, put))
}

/// Addresses in two networks, a prefix and IPv6.
pub(crate) fn subject(n: u8) -> String {
    match n {
        0..8 => format!("192.0.2.{n}"),
        8 => "192.1.0.1".into(),
        9 => "192.0.2.0/24".into(),
        10 => "2001:db8::1".into(),
        _ => "192.0.2.255".into(),
    }
}

/// 0 plain, 1 a note, 2 an exclusion, 3 already expired.
pub(crate) fn body(what: u8) -> ListingBody {
    match what {
        0 => plain(),
        1 => note("n"),
        2 => ListingBody { exclusion: true, ..plain() },
        _ => ListingBody { expires_at: Some(NOW), ..plain() },
    }
}

pub(crate) type Model = BTreeMap<(String, String), u8>;

fn apply(fixture: Fixture, model: &mut Model, step: &Step) -> Fixture {
    let subject = |n: &u8| subject(*n);
    let name = |n: &u8| format!("s{n}");
    match step {
        Step::Put(at, by, what) => {
            fixture.put(&subject(at), &name(by), body(*what)).unwrap();
            model.insert((subject(at), name(by)), *what);
        }
        Step::Delete(at, by) => {
            let there = model.get(&(subject(at), name(by))).is_some_and(|what| *what < 3);
            assert_eq!(
                fixture.delete(&subject(at), Sources::One(source(&name(by)))).unwrap().results
                    == [OperationResult::Count(1)],
                there
            );
            if there {
                model.remove(&(subject(at), name(by)));
            }
        }
        Step::DeleteAll(at) => {
            let _ = fixture.delete(&subject(at), Sources::All);
            model.retain(|(there, _), what| *there != subject(at) || *what == 3);
        }
        Step::Import(by, rows, replace) => import(&fixture, model, *by, rows, *replace, None),
        Step::Race(by, rows, replace, put) => {
            import(&fixture, model, *by, rows, *replace, Some(*put));
        }
        Step::Fold => drop(fixture.change(Operation::CompactSegments).unwrap()),
        Step::Sweep => drop(fixture.change(Operation::Sweep).unwrap()),
        Step::Reopen => return fixture.reopen(),
    }
    fixture
}

fn import(
    fixture: &Fixture,
    model: &mut Model,
    by: u8,
    rows: &[(u8, u8)],
    replace: bool,
    put: Option<(u8, u8, u8)>,
) {
    let rows: Vec<_> = rows.iter().map(|(at, what)| (subject(*at), *what)).collect();
    let bodies: Vec<_> = rows.iter().map(|(at, what)| (at.as_str(), body(*what))).collect();
    let mode = if replace { REPLACE } else { ImportMode::Upsert };
    let name = format!("s{by}");
    let staged = fixture.stage(&name, &bodies, mode, false).unwrap();
    if let Some((at, by, what)) = put {
        fixture.put(&subject(at), &format!("s{by}"), body(what)).unwrap();
        model.insert((subject(at), format!("s{by}")), what);
    }
    fixture.commit(staged).unwrap();
    if replace {
        model.retain(|(_, source), _| *source != name);
    }
    model.extend(rows.into_iter().map(|(at, what)| ((at, name.clone()), what)));
}

/// Compares all ways of looking at the store with the model, and the index with that of a new start.
pub(crate) fn compare(fixture: &Fixture, model: &Model) {
    let live: Vec<_> = model.iter().filter(|(_, what)| **what < 3).collect();
    let mut expected: Vec<_> =
        live.iter().map(|((at, by), what)| (at.clone(), by.clone(), body(**what))).collect();
    expected.sort_by_key(|(at, by, _)| (at.parse::<Subject>().unwrap(), by.clone()));
    let found: Vec<_> = fixture
        .listings(NOW)
        .into_iter()
        .map(|l| (l.subject.to_string(), l.source.to_string(), l.body))
        .collect();
    assert_eq!(found, expected);
    let exclusions = live.iter().filter(|(_, what)| **what == 2).count() as u64;
    assert_eq!(fixture.counts(NOW), (live.len() as u64 - exclusions, exclusions));
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    for ((at, _), _) in live {
        *index.entry(at.clone()).or_default() += 1;
    }
    let seen = fixture.mirror.0.lock().unwrap();
    let live_entries =
        |entries: &Vec<Entry>| entries.iter().filter(|entry| entry.is_live(NOW)).count();
    let seen: BTreeMap<_, _> = seen
        .entries
        .iter()
        .map(|(at, e)| (at.clone(), live_entries(e)))
        .filter(|(_, n)| *n > 0)
        .collect();
    assert_eq!(seen, index);
    let subjects: Vec<Subject> = (0..12).map(|n| subject(n).parse().unwrap()).collect();
    let verdicts = |index| verdicts(index, &origin(), &subjects, NOW);
    assert_eq!(verdicts(&fixture.index), verdicts(&loaded(&fixture.store)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_the_store_agrees_with_a_map(
        steps in prop::collection::vec(step(), 1..30),
        spilling in any::<bool>(),
    ) {
        let mut fixture = if spilling { Fixture::spilling() } else { Fixture::new() };
        let mut model = Model::new();
        for step in &steps {
            fixture = apply(fixture, &mut model, step);
            compare(&fixture, &model);
        }
        fixture.fold_all();
        compare(&fixture, &model);
        let reader = fixture.store.read(NOW);
        let log = reader.log_after(0, usize::MAX).unwrap().unwrap();
        prop_assert!(log.iter().map(|entry| entry.seq).eq(1..=reader.head().unwrap()));
    }
}
