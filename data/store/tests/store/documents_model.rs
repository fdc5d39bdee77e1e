//! Random changes of documents and listings together, against maps.

use std::collections::{BTreeMap, BTreeSet};

use dnsbl_store::{Document, Operation, Precondition};
use dnsbl_types::UnixTime;
use proptest::prelude::*;

use crate::{
    documents::{
        delete_document, delete_listing, id, kind, put_document, put_listing, put_nowhere,
    },
    fixture::{Fixture, NOW, note},
};

/// Kinds of which one begins like the other.
const KINDS: [&str; 2] = ["test", "test-b"];
/// Groups of which one begins like the other, and one that has the bytes of keys.
const GROUPS: [&[u8]; 4] = [b"", b"g", b"g1", &[0, 0xff]];
const DUE: [Option<u64>; 4] = [None, Some(0), Some(5), Some(u64::MAX)];

/// What an operation expects of its document.
#[derive(Clone, Copy, Debug)]
enum Hope {
    Any,
    Absent,
    /// The one that is there before the whole change.
    Current,
    /// One that was never there.
    Other,
}

#[derive(Clone, Debug)]
enum Act {
    Put { kind: usize, id: u8, group: usize, due: usize, body: u8, hope: Hope },
    Delete { kind: usize, id: u8, hope: Hope },
    List { at: u8, by: u8, note: u8 },
    Delist { at: u8, by: u8 },
    Fail,
}

#[derive(Clone, Debug)]
enum Step {
    Transaction(Vec<Act>),
    Reopen,
}

fn hope() -> impl Strategy<Value = Hope> {
    prop_oneof![
        4 => Just(Hope::Any),
        1 => Just(Hope::Absent),
        2 => Just(Hope::Current),
        1 => Just(Hope::Other),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..KINDS.len(), 0u8..4, 0..GROUPS.len(), 0..DUE.len(), 0u8..2, hope()).prop_map(
            |(kind, id, group, due, body, hope)| Act::Put { kind, id, group, due, body, hope }),
        4 => (0..KINDS.len(), 0u8..4, hope()).prop_map(|(kind, id, hope)| Act::Delete { kind, id, hope }),
        4 => (0u8..3, 0u8..2, 0u8..2).prop_map(|(at, by, note)| Act::List { at, by, note }),
        3 => (0u8..3, 0u8..2).prop_map(|(at, by)| Act::Delist { at, by }),
        1 => Just(Act::Fail),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(act(), 1..6).prop_map(Step::Transaction),
        1 => Just(Step::Reopen),
    ]
}

/// A document of the model: group, due time, body and revision.
type Doc = (usize, usize, u8, u64);

#[derive(Clone, Default, PartialEq, Debug)]
struct Model {
    documents: BTreeMap<(&'static str, String), Doc>,
    listings: BTreeMap<(String, String), String>,
}

fn name(id: u8) -> String {
    // One begins like the next.
    "ab/1".get(..=usize::from(id)).unwrap().into()
}

fn expect(hope: Hope, before: &Model, key: &(&'static str, String)) -> Precondition {
    match hope {
        Hope::Any => Precondition::None,
        Hope::Absent => Precondition::Absent,
        Hope::Current => {
            before.documents.get(key).map_or(Precondition::Absent, |d| Precondition::matches(d.3))
        }
        Hope::Other => Precondition::matches(u64::MAX),
    }
}

fn holds(expect: &Precondition, there: Option<&Doc>) -> bool {
    match expect {
        Precondition::None => true,
        Precondition::Absent => there.is_none(),
        Precondition::Matches(revisions) => there.is_some_and(|doc| revisions.contains(&doc.3)),
    }
}

/// The operation for an act, and whether it can be done; the model as it leaves it.
fn apply(act: &Act, before: &Model, model: &mut Model, seq: u64) -> (Operation, bool) {
    let (subject, source) = (|at| format!("192.0.2.{at}"), |by| format!("s{by}"));
    match act {
        Act::Put { kind: k, id: i, group, due, body, hope } => {
            let key = (KINDS[*k], name(*i));
            let expect = expect(*hope, before, &key);
            let there = model.documents.get(&key).copied();
            let same = there.is_some_and(|d| (d.0, d.1, d.2) == (*group, *due, *body));
            let done = holds(&expect, there.as_ref());
            if !same {
                model.documents.insert(key.clone(), (*group, *due, *body, seq));
            }
            let (due, body) = (DUE[*due].map(UnixTime), vec![*body]);
            let document =
                Document::new(kind(key.0), id(&key.1), GROUPS[*group].to_vec(), due, body);
            (put_document(&document.unwrap(), expect), done)
        }
        Act::Delete { kind: k, id: i, hope } => {
            let key = (KINDS[*k], name(*i));
            let expect = expect(*hope, before, &key);
            let there = model.documents.remove(&key);
            let done = holds(&expect, there.as_ref());
            (delete_document(key.0, &key.1, expect), done)
        }
        Act::List { at, by, note: n } => {
            model.listings.insert((subject(at), source(by)), n.to_string());
            (put_listing(&subject(at), &source(by), note(&n.to_string())), true)
        }
        Act::Delist { at, by } => {
            model.listings.remove(&(subject(at), source(by)));
            (delete_listing(&subject(at), &source(by)), true)
        }
        Act::Fail => (put_nowhere(), false),
    }
}

fn transaction(fixture: &Fixture, model: &mut Model, acts: &[Act]) {
    let before = model.clone();
    let head = fixture.store.read(NOW).head().unwrap();
    let decided: Vec<_> = acts.iter().map(|act| apply(act, &before, model, head + 1)).collect();
    let possible = decided.iter().all(|(_, possible)| *possible);
    let result = fixture.together(decided.into_iter().map(|(operation, _)| operation).collect());
    assert_eq!(result.is_ok(), possible, "{result:?}");
    if !possible {
        *model = before.clone();
    }
    let moved = fixture.store.read(NOW).head().unwrap() - head;
    assert!(moved <= 1 && (possible || moved == 0));
    assert!(moved == 1 || *model == before, "what changed has an entry");
}

/// Compares all ways of looking at documents and listings with the model.
fn compare(fixture: &Fixture, model: &Model) {
    let reader = fixture.store.read(NOW);
    for name in KINDS {
        let of_kind = model.documents.iter().filter(|((kind, _), _)| *kind == name);
        let expected: Vec<(String, Doc)> = of_kind.map(|((_, id), d)| (id.clone(), *d)).collect();
        let seen = |found: Vec<Document>| -> Vec<String> {
            found.iter().map(|document| document.id().to_string()).collect()
        };
        let found = reader.documents(&kind(name), None, 99).unwrap();
        let read: Vec<_> = found
            .iter()
            .map(|d| (d.id().to_string(), d.group(), d.due(), d.body().to_vec(), d.revision()))
            .collect();
        let written: Vec<_> = expected
            .iter()
            .map(|(id, d)| (id.clone(), GROUPS[d.0], DUE[d.1].map(UnixTime), vec![d.2], d.3))
            .collect();
        assert_eq!(read, written);
        let ids = |keep: &dyn Fn(&Doc) -> bool| -> Vec<String> {
            expected.iter().rev().filter(|(_, d)| keep(d)).map(|(id, _)| id.clone()).collect()
        };
        assert_eq!(seen(reader.last_documents(&kind(name), None, 99).unwrap()), ids(&|_| true));
        for (at, group) in GROUPS.into_iter().enumerate() {
            let found = reader.documents_of_group(&kind(name), group, None, 99).unwrap();
            assert_eq!(seen(found), ids(&|d| d.0 == at));
        }
        for until in [0, 4, 5, u64::MAX] {
            let due = expected.iter().filter_map(|(id, d)| Some((DUE[d.1]?, id.clone())));
            let due: BTreeSet<_> = due.filter(|(at, _)| *at <= until).collect();
            let found = reader.documents_due(&kind(name), UnixTime(until), 99).unwrap();
            assert!(seen(found).into_iter().eq(due.into_iter().map(|(_, id)| id)));
        }
    }
    let listings = fixture.listings(NOW).into_iter();
    let listings = listings
        .map(|l| ((l.subject.to_string(), l.source.to_string()), l.body.note.unwrap_or_default()));
    assert_eq!(listings.collect::<BTreeMap<_, _>>(), model.listings);
    assert_eq!(fixture.counts(NOW).0, model.listings.len() as u64);
    let shown: usize = fixture.mirror.0.lock().unwrap().entries.values().map(Vec::len).sum();
    assert_eq!(shown, model.listings.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_together_the_store_agrees_with_maps(
        steps in prop::collection::vec(step(), 1..30),
    ) {
        let mut fixture = Fixture::new();
        let mut model = Model::default();
        for step in &steps {
            match step {
                Step::Transaction(acts) => transaction(&fixture, &mut model, acts),
                Step::Reopen => fixture = fixture.reopen(),
            }
            compare(&fixture, &model);
        }
        let reader = fixture.store.read(NOW);
        let log = reader.log_after(0, usize::MAX).unwrap().unwrap();
        prop_assert!(log.iter().map(|entry| entry.seq).eq(1..=reader.head().unwrap()));
    }
}
