//! Searches by everything that can be asked for, between writes, and the history of subjects.

use std::collections::BTreeSet;

use dnsbl_store::{
    Actor, Change, Counted, Cursor, ExpiryMatch, Filter, ImportMode, Operation, PastChange,
    Precondition, Reader, Sources, SubjectMatch, TimeSpan,
};
use dnsbl_types::{AllowEntry, Listing, ListingBody, ReturnCode, Subject, UnixTime, Zone};
use proptest::prelude::*;

use crate::fixture::{Fixture, NOW, REPLACE, note, origin, plain, source};

/// Addresses of two blocks, prefixes and IPv6.
fn subject(n: u8) -> String {
    match n {
        0..24 => format!("192.0.2.{n}"),
        24..30 => format!("192.1.0.{n}"),
        30 => "192.0.2.0/24".into(),
        31 => "192.0.0.0/15".into(),
        32 => "192.0.2.0/28".into(),
        33 => "2001:db8::/32".into(),
        34 => "2001:db8::1".into(),
        _ => "192.0.2.16/28".into(),
    }
}

fn code(last: u8) -> ReturnCode {
    std::net::Ipv4Addr::new(127, 0, 0, last).try_into().unwrap()
}

/// Some of all that a listing can say.
fn body(what: u8) -> ListingBody {
    match what {
        0 => plain(),
        1 => note("n"),
        2 => ListingBody { exclusion: true, ..plain() },
        3 => ListingBody { tags: vec!["relay".into()], ..plain() },
        4 => ListingBody { return_codes: vec![code(4)], ..plain() },
        5 => ListingBody { reason: Some("Sent PHISHING mail".parse().unwrap()), ..plain() },
        6 => ListingBody { expires_at: Some(NOW.plus(100)), ..plain() },
        7 => ListingBody { expires_at: Some(NOW.plus(200)), tags: vec!["relay".into()], ..plain() },
        _ => ListingBody { expires_at: Some(NOW), ..plain() },
    }
}

/// A row: subject, source, what it says.
type Row = (u8, u8, u8);

fn row() -> impl Strategy<Value = Row> {
    (0u8..36, 0u8..3, 0u8..9)
}

/// A write between two pages.
#[derive(Clone, Debug)]
enum Write {
    Put(Row),
    Delete(u8, u8),
    Import(u8, Vec<(u8, u8)>, bool),
    Fold,
    Sweep,
}

fn write() -> impl Strategy<Value = Write> {
    let rows = prop::collection::vec((0u8..36, 0u8..9), 0..20);
    prop_oneof![
        4 => row().prop_map(Write::Put),
        3 => (0u8..36, 0u8..3).prop_map(|(subject, source)| Write::Delete(subject, source)),
        2 => (0u8..3, rows, any::<bool>()).prop_map(|(source, rows, all)| Write::Import(source, rows, all)),
        2 => Just(Write::Fold),
        1 => Just(Write::Sweep),
    ]
}

/// Puts a row as one of three tokens, at a time of its own.
fn put(fixture: &Fixture, (at, by, what): Row) {
    let operation = Operation::PutListing {
        zone: origin(),
        subject: subject(at).parse().unwrap(),
        source: source(&format!("s{by}")),
        body: Box::new(body(what)),
        precondition: Precondition::None,
    };
    let actor = Actor::part(&format!("t{}", at % 3));
    let at = UnixTime(NOW.0 - u64::from(at));
    fixture.store.commit(Change::new(actor, operation), at).unwrap();
}

fn apply(fixture: &Fixture, write: &Write) {
    match write {
        Write::Put(row) => put(fixture, *row),
        Write::Delete(at, by) => {
            fixture.delete(&subject(*at), Sources::One(source(&format!("s{by}")))).unwrap();
        }
        Write::Import(by, rows, all) => {
            let rows: Vec<(String, ListingBody)> =
                rows.iter().map(|(at, what)| (subject(*at), body(*what))).collect();
            let rows: Vec<(&str, ListingBody)> =
                rows.iter().map(|(at, what)| (at.as_str(), what.clone())).collect();
            let mode = if *all { REPLACE } else { ImportMode::Upsert };
            fixture.import(&format!("s{by}"), &rows, mode).unwrap();
        }
        Write::Fold => drop(fixture.change(Operation::CompactSegments).unwrap()),
        Write::Sweep => drop(fixture.change(Operation::Sweep).unwrap()),
    }
}

fn span() -> impl Strategy<Value = TimeSpan> {
    let end = |low: u64, high: u64| {
        prop::option::of((low..high).prop_map(|at| UnixTime(NOW.0 - 40 + at)))
    };
    (end(0, 40), end(0, 60)).prop_map(|(from, to)| TimeSpan { from, to })
}

fn filter() -> impl Strategy<Value = Filter> {
    let subjects = prop_oneof![
        2 => Just(SubjectMatch::Any),
        1 => (0u8..36).prop_map(|n| SubjectMatch::Exact(subject(n).parse().unwrap())),
        1 => (0u8..36).prop_map(|n| SubjectMatch::Covering(subject(n).parse().unwrap())),
        1 => (0u8..36).prop_map(|n| SubjectMatch::Covered(subject(n).parse().unwrap())),
        2 => (0u8..36).prop_map(|n| SubjectMatch::Overlap(subject(n).parse().unwrap())),
    ];
    let expiry = prop_oneof![
        3 => Just(ExpiryMatch::Any),
        1 => Just(ExpiryMatch::Never),
        2 => (0u64..3, prop::option::of(0u64..4)).prop_map(|(from, to)| ExpiryMatch::Within(TimeSpan {
            from: Some(NOW.plus(from * 100)),
            to: to.map(|to| NOW.plus(to * 100)),
        })),
    ];
    let some = |what: &'static str| prop::option::weighted(0.2, Just(what.to_owned()));
    let words = (some("relay"), some("phishing"), some("t1"), prop::option::weighted(0.2, 0u8..3));
    let code = prop::option::weighted(0.2, prop_oneof![Just(code(4)), Just(ReturnCode::LISTED)]);
    let always = || prop_oneof![3 => Just(TimeSpan::ALWAYS), 1 => span()];
    let rest = (code, prop::option::weighted(0.2, any::<bool>()), always(), always());
    (subjects, words, rest, expiry).prop_map(
        |(subject, (tag, reason, author, by), (code, exclusion, listed, changed), expiry)| Filter {
            subject,
            source: by.map(|by| source(&format!("s{by}"))),
            tag,
            code,
            reason,
            author,
            exclusion,
            listed,
            changed,
            expiry,
        },
    )
}

/// What the documentation of a filter says, listing by listing.
fn admits(filter: &Filter, zone: &Zone, found: &Listing) -> bool {
    let body = &found.body;
    let codes = match body.return_codes.as_slice() {
        [] if body.exclusion => &[][..],
        [] => &zone.return_codes,
        own => own,
    };
    let reason = match &body.reason {
        None if body.exclusion => "",
        None => zone.reason.template(),
        Some(own) => own.template(),
    };
    let text = filter.reason.as_ref().map(|text| text.to_lowercase());
    filter.subject.admits(&found.subject)
        && filter.source.as_ref().is_none_or(|source| *source == found.source)
        && filter.tag.as_ref().is_none_or(|tag| body.tags.contains(tag))
        && filter.code.is_none_or(|code| codes.contains(&code))
        && text.is_none_or(|text| reason.to_lowercase().contains(&text))
        && filter.author.as_ref().is_none_or(|author| *author == found.listed_by)
        && filter.exclusion.is_none_or(|exclusion| exclusion == body.exclusion)
        && filter.listed.has(found.listed_at)
        && filter.changed.has(found.updated_at)
        && match filter.expiry {
            ExpiryMatch::Any => true,
            ExpiryMatch::Never => body.expires_at.is_none(),
            ExpiryMatch::Within(span) => body.expires_at.is_some_and(|at| span.has(at)),
        }
}

/// All pages of a search, with something done between them.
fn pages(
    fixture: &Fixture,
    filter: &Filter,
    limit: usize,
    mut between: impl FnMut(),
) -> Vec<Listing> {
    let (mut found, mut cursor) = (Vec::new(), None::<Cursor>);
    loop {
        let reader = fixture.store.read(NOW);
        let page = reader.page(&origin(), filter, cursor.as_ref(), limit, || true).unwrap();
        assert!(page.listings.len() <= limit);
        found.extend(page.listings);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
        between();
    }
}

fn name(found: &Listing) -> String {
    format!("{} {}", found.subject, found.source)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_search_finds_and_counts_what_its_filter_says_in_one_order(
        rows in prop::collection::vec(row(), 0..60),
        writes in prop::collection::vec(write(), 0..6),
        filters in prop::collection::vec(filter(), 1..24),
        limit in 1usize..9,
    ) {
        let fixture = Fixture::new();
        rows.iter().for_each(|row| put(&fixture, *row));
        writes.iter().for_each(|write| apply(&fixture, write));
        let zone = fixture.store.read(NOW).settings(&origin()).unwrap().unwrap();
        let all = fixture.listings(NOW);
        for filter in &filters {
            let expected: Vec<&Listing> =
                all.iter().filter(|found| admits(filter, &zone, found)).collect();
            let found = pages(&fixture, filter, limit, || {});
            prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected.clone(), "{:?}", filter);
            let counted = fixture.store.read(NOW).count(&origin(), filter, None, || false).unwrap();
            prop_assert_eq!(counted, Counted { count: expected.len() as u64, next: None });
        }
    }

    #[test]
    fn what_stands_all_the_time_is_seen_once_whatever_is_written_between_pages(
        rows in prop::collection::vec(row(), 10..80),
        first in prop::collection::vec((0u8..36, 0u8..9), 0..30),
        writes in prop::collection::vec(write(), 1..40),
        subjects in prop_oneof![
            Just(SubjectMatch::Any),
            Just(SubjectMatch::Overlap("192.0.2.0/24".parse().unwrap())),
        ],
        limit in 1usize..6,
    ) {
        let fixture = Fixture::new();
        apply(&fixture, &Write::Import(0, first, false));
        rows.iter().for_each(|row| put(&fixture, *row));
        let filter = Filter { subject: subjects, ..Filter::all() };
        let now = || -> BTreeSet<String> {
            let all = fixture.listings(NOW);
            all.iter().filter(|found| filter.subject.admits(&found.subject)).map(name).collect()
        };
        let mut standing = now();
        let mut writes = writes.iter();
        let found = pages(&fixture, &filter, limit, || {
            if let Some(write) = writes.next() {
                apply(&fixture, write);
                let now = now();
                standing.retain(|listing| now.contains(listing));
            }
        });
        let seen: BTreeSet<String> = found.iter().map(name).collect();
        prop_assert_eq!(seen.len(), found.len(), "nothing is seen twice");
        prop_assert!(standing.is_subset(&seen), "{:?}", standing.difference(&seen));
    }
}

#[test]
fn an_overlap_of_names_comes_in_one_order_and_whole() {
    let fixture = Fixture::new();
    let domains = Box::new(crate::fixture::zone(dnsbl_types::ZoneKind::Domain));
    fixture.change(Operation::DeleteZone(origin())).unwrap();
    fixture.change(Operation::PutZone { zone: domains, serial_floor: None }).unwrap();
    for name in ["*.example.com", "*.com", "-x.example.com", "a.-x.example.com", "b.example.com"] {
        fixture.put(name, "a", plain()).unwrap();
    }
    let subject: Subject = "*.-x.example.com".parse().unwrap();
    let filter = Filter { subject: SubjectMatch::Overlap(subject), ..Filter::all() };
    let found: BTreeSet<String> =
        pages(&fixture, &filter, 1, || {}).iter().map(|found| found.subject.to_string()).collect();
    let expected = ["*.com", "*.example.com", "a.-x.example.com"];
    assert_eq!(found, expected.map(String::from).into());
}

/// The rows that expire within a span are found by their expiry where they are few, else by a search through all.
#[test]
fn a_search_by_expiry_finds_the_same_however_many_expire() {
    let fixture = Fixture::new();
    let address = |n: u32| std::net::Ipv4Addr::from(0x0800_0000 + n).to_string();
    let mut staging = fixture.store.stage(&origin(), source("feed")).unwrap();
    for n in 0..21_000_u32 {
        let at = NOW.plus(if n.is_multiple_of(1000) { 50 } else { 500 });
        let body = ListingBody { expires_at: Some(at), ..plain() };
        staging.put(&address(n).parse().unwrap(), &body).unwrap();
    }
    fixture.commit(staging.finish(ImportMode::Upsert, false, NOW).unwrap()).unwrap();
    let within = |from, to| {
        let span = TimeSpan { from: Some(NOW.plus(from)), to: Some(NOW.plus(to)) };
        Filter { expiry: ExpiryMatch::Within(span), ..Filter::all() }
    };
    let reader = fixture.store.read(NOW);
    let count = |filter| reader.count(&origin(), &filter, None, || false).unwrap().count;
    assert_eq!(count(within(0, 100)), 21);
    assert_eq!(count(within(50, 51)), 21);
    assert_eq!(count(within(51, 500)), 0);
    assert_eq!(count(within(0, 501)), 21_000);
    let counted = reader.count(&origin(), &within(0, 501), None, || true).unwrap();
    let rest = reader.count(&origin(), &within(0, 501), counted.next.as_ref(), || false).unwrap();
    assert!(counted.next.is_some() && counted.count > 0, "{counted:?}");
    assert_eq!(counted.count + rest.count, 21_000, "a count goes on where it ended");
}

/// What became of some subjects, in words.
fn told(changes: &[PastChange]) -> Vec<String> {
    let words = changes.iter().map(|change| {
        let subject = change.record.subject.as_deref().unwrap_or_default();
        format!("{} {subject}", change.record.action)
    });
    words.collect()
}

fn history(
    reader: &Reader<'_>,
    subjects: &[&str],
    before: u64,
    limit: usize,
) -> (Vec<PastChange>, Option<u64>) {
    let subjects: Vec<Subject> = subjects.iter().map(|text| text.parse().unwrap()).collect();
    let found = reader.history(&subjects, before, limit, |_| true, || false).unwrap();
    (found.changes, found.next)
}

#[test]
fn the_history_of_a_subject_has_its_changes_and_those_of_what_covers_it() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.0/24", "a", note("wide")).unwrap();
    fixture.put("192.0.2.9", "a", note("one")).unwrap();
    fixture.put("192.0.2.90", "a", plain()).unwrap();
    fixture
        .put("192.0.2.9", "b", ListingBody { expires_at: Some(NOW.plus(5)), ..plain() })
        .unwrap();
    fixture.put("192.0.2.9", "a", note("two")).unwrap();
    let entry = AllowEntry {
        zone: None,
        subject: "192.0.2.9".parse().unwrap(),
        reason: "ours".into(),
        owner: "me".into(),
        expires_at: None,
        created_at: NOW,
    };
    let put = Operation::PutAllow { entry: Box::new(entry), precondition: Precondition::None };
    fixture.change(put).unwrap();
    fixture.delete("192.0.2.9", Sources::All).unwrap();
    fixture.delete("192.0.2.0/24", Sources::All).unwrap();
    let reader = fixture.store.read(NOW);
    let subjects = ["192.0.2.9", "192.0.2.0/24"];
    let (all, next) = history(&reader, &subjects, u64::MAX, 100);
    let expected = [
        "delete 192.0.2.0/24",
        "delete 192.0.2.9",
        "delete 192.0.2.9",
        "allow-put 192.0.2.9",
        "put 192.0.2.9",
        "put 192.0.2.9",
        "put 192.0.2.9",
        "put 192.0.2.0/24",
    ];
    assert_eq!((told(&all), next), (expected.map(String::from).to_vec(), None));
    assert!(all.iter().all(|change| change.op.is_some()), "the log has them all");
    let previous = match &all[1].op {
        Some(dnsbl_store::Op::Delete { previous, .. }) => previous.body.note.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        previous
            .or_else(|| match &all[2].op {
                Some(dnsbl_store::Op::Delete { previous, .. }) => previous.body.note.clone(),
                _ => None,
            })
            .as_deref(),
        Some("two")
    );
    let (mut pages, mut before) = (Vec::new(), u64::MAX);
    loop {
        let (page, next) = history(&reader, &subjects, before, 1);
        pages.extend(page);
        match next {
            Some(next) => before = next,
            None => break,
        }
    }
    assert_eq!(pages, all, "page by page it is the same");
    assert_eq!(told(&history(&reader, &["192.0.2.90"], u64::MAX, 9).0), ["put 192.0.2.90"]);
    assert!(history(&reader, &["192.0.2.0/25"], u64::MAX, 9).0.is_empty());
}

#[test]
fn names_are_not_taken_for_those_above_them() {
    let fixture = Fixture::new();
    let domains = Box::new(crate::fixture::zone(dnsbl_types::ZoneKind::Domain));
    fixture.change(Operation::DeleteZone(origin())).unwrap();
    fixture.change(Operation::PutZone { zone: domains, serial_floor: None }).unwrap();
    for name in ["example.com", "a.example.com", "*.example.com", "example.community"] {
        fixture.put(name, "a", plain()).unwrap();
    }
    let reader = fixture.store.read(NOW);
    for name in ["example.com", "a.example.com", "*.example.com"] {
        assert_eq!(told(&history(&reader, &[name], u64::MAX, 9).0), [format!("put {name}")]);
    }
}

#[test]
fn what_the_log_has_dropped_is_still_told() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.9", "a", plain()).unwrap();
    fixture.put("192.0.2.9", "a", note("two")).unwrap();
    let head = fixture.store.read(NOW).head().unwrap();
    fixture.change(Operation::TruncateLog { floor: head }).unwrap();
    let (changes, _) = history(&fixture.store.read(NOW), &["192.0.2.9"], u64::MAX, 9);
    assert_eq!(changes.iter().map(|change| change.op.is_some()).collect::<Vec<_>>(), [true, false]);
}
