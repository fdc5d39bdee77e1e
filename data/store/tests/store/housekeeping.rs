//! Sweeping, compacting, truncating the log, counting and searching where there is much of it.

use std::{collections::BTreeMap, net::Ipv4Addr};

use dnsbl_store::{
    Cursor, Filter, ImportMode, LogSize, Operation, OperationResult, Precondition, Sources, Store,
    SubjectMatch,
};
use dnsbl_types::{ListingBody, Subject, UnixTime, ZoneKind};

use crate::fixture::{Fixture, NOW, REPLACE, note, origin, plain, source, zone};

fn expiring(at: UnixTime) -> ListingBody {
    ListingBody { expires_at: Some(at), ..plain() }
}

fn tagged(tag: &str) -> ListingBody {
    ListingBody { tags: vec![tag.into()], ..plain() }
}

fn address(n: u32) -> String {
    Ipv4Addr::from(0x0800_0000 + n).to_string()
}

/// Sweeps until nothing is due; how many steps there were.
fn sweep_all(fixture: &Fixture, now: UnixTime) -> usize {
    let mut steps = 0;
    while matches!(
        fixture.change_at(Operation::Sweep, now).unwrap().results[0],
        OperationResult::Count(1..)
    ) {
        steps += 1;
    }
    steps
}

/// Imports rows made of numbers.
fn import(
    fixture: &Fixture,
    of: &str,
    rows: impl Iterator<Item = (u32, ListingBody)>,
    mode: ImportMode,
) {
    let mut staging = fixture.store.stage(&origin(), source(of)).unwrap();
    for (n, body) in rows {
        staging.put(&address(n).parse().unwrap(), &body).unwrap();
    }
    let staged = staging.finish(mode, false, NOW).unwrap();
    fixture.commit(staged).unwrap();
}

/// The bytes of the entries from one on.
fn log_bytes(store: &Store, floor: u64) -> u64 {
    // A floor that keeps all of them, and one byte less that does not.
    let floor_at =
        |bytes| store.read(NOW).floor_of_log(&mut LogSize::default(), UnixTime(0), bytes).unwrap();
    let (mut low, mut high) = (0, 1 << 40);
    while low < high {
        let middle = low + (high - low) / 2;
        if floor_at(middle) <= floor { high = middle } else { low = middle + 1 }
    }
    low
}

fn cut(store: &Fixture, size: &mut LogSize, before: UnixTime, max_bytes: u64) -> u64 {
    let floor = store.store.read(NOW).floor_of_log(size, before, max_bytes).unwrap();
    store.change(Operation::TruncateLog { floor }).unwrap();
    store.store.read(NOW).log_floor().unwrap()
}

/// Durability F6: each cut emptied the log further, without any write.
#[test]
fn the_log_is_cut_to_its_size_and_repeated_cuts_change_nothing() {
    let fixture = Fixture::new();
    for n in 0..2000 {
        fixture.put(&address(n), "a", note("something to say")).unwrap();
    }
    let all = log_bytes(&fixture.store, 1);
    let keep = all / 3;
    let mut size = LogSize::default();
    let floor = cut(&fixture, &mut size, UnixTime(0), keep);
    assert!((1200..1500).contains(&floor), "a third of the bytes is a third of 2001: {floor}");
    let left = log_bytes(&fixture.store, floor);
    assert!(left <= keep && left > keep - 1000, "{left} of {keep}");
    for _ in 0..5 {
        assert_eq!(cut(&fixture, &mut size, UnixTime(0), keep), floor);
        assert_eq!(cut(&fixture, &mut LogSize::default(), UnixTime(0), keep), floor);
    }
    let fixture = fixture.reopen();
    assert_eq!(cut(&fixture, &mut LogSize::default(), UnixTime(0), keep), floor);
    for n in 0..100 {
        fixture.put(&address(n), "a", note("something else")).unwrap();
    }
    let later = cut(&fixture, &mut size, UnixTime(0), keep);
    assert!((floor + 90..floor + 200).contains(&later), "{floor} {later}");
    assert_eq!(cut(&fixture, &mut size, UnixTime(u64::MAX), keep), 2101, "the last one stays");
}

#[test]
fn what_is_cut_for_its_age_is_not_counted_any_more() {
    let fixture = Fixture::new();
    let put = |n: u32, at: UnixTime| {
        let change = Operation::PutListing {
            zone: origin(),
            subject: address(n).parse().unwrap(),
            source: source("a"),
            body: Box::new(note("something to say")),
            precondition: Precondition::None,
        };
        fixture.change_at(change, at).unwrap();
    };
    (0..100).for_each(|n| put(n, NOW.plus(n.into())));
    let keep = log_bytes(&fixture.store, 1);
    let mut size = LogSize::default();
    assert_eq!(cut(&fixture, &mut size, NOW.plus(50), keep), 52);
    // Half of the room is free again.
    (100..140).for_each(|n| put(n, NOW.plus(n.into())));
    assert_eq!(cut(&fixture, &mut size, NOW.plus(50), keep), 52);
    (140..200).for_each(|n| put(n, NOW.plus(n.into())));
    let (first, again) = (
        cut(&fixture, &mut size, NOW.plus(50), keep),
        cut(&fixture, &mut LogSize::default(), NOW.plus(50), keep),
    );
    assert!(first > 52 && first == again, "{first} {again}");
}

#[test]
fn the_sweep_goes_on_where_it_stopped_and_misses_nothing_that_comes_behind_it() {
    let fixture = Fixture::new();
    let soon = NOW.plus(60);
    import(&fixture, "feed", (0..1000).map(|n| (n, expiring(soon))), ImportMode::Upsert);
    fixture.put(&address(5000), "a", plain()).unwrap();
    assert_eq!(fixture.counts(soon), (1, 0));
    for _ in 0..3 {
        fixture.change_at(Operation::Sweep, soon).unwrap();
    }
    let before = fixture.store.read(NOW).zone(&origin()).unwrap().unwrap().listings;
    assert!((2..1001).contains(&before), "the sweep goes in steps: {before}");
    assert_eq!(fixture.counts(soon), (1, 0));
    // Due before all that is left.
    fixture.put(&address(6000), "a", expiring(NOW.plus(1))).unwrap();
    fixture
        .put(&address(6001), "a", ListingBody { exclusion: true, ..expiring(NOW.plus(2)) })
        .unwrap();
    import(&fixture, "b", [(6002, expiring(NOW.plus(3)))].into_iter(), ImportMode::Upsert);
    assert_eq!(fixture.counts(NOW.plus(1)), fixture.counts(NOW).sub_listing());
    assert_eq!(fixture.counts(soon), (1, 0));
    let fixture = fixture.reopen();
    assert_eq!(fixture.counts(soon), (1, 0));
    sweep_all(&fixture, soon);
    assert_eq!(fixture.counts(NOW), (1, 0), "nothing that expired is left");
    assert_eq!(fixture.subjects(), [format!("{} a", address(5000))]);
    assert_eq!(fixture.mirror.0.lock().unwrap().entries.len(), 1);
}

trait SubListing {
    fn sub_listing(self) -> Self;
}

impl SubListing for (u64, u64) {
    /// One listing fewer.
    fn sub_listing(self) -> Self {
        (self.0 - 1, self.1)
    }
}

#[test]
fn what_expires_in_an_import_on_its_way_is_swept_once_it_is_there() {
    let fixture = Fixture::new();
    let soon = NOW.plus(5);
    let rows = [("192.0.2.1", expiring(soon)), ("192.0.2.2", plain())];
    let staged = fixture.stage("feed", &rows, ImportMode::Upsert, false).unwrap();
    fixture.put("192.0.2.3", "a", expiring(NOW.plus(9))).unwrap();
    sweep_all(&fixture, NOW.plus(10));
    fixture.commit(staged).unwrap();
    assert_eq!(fixture.counts(NOW.plus(10)), (1, 0));
    sweep_all(&fixture, NOW.plus(10));
    assert_eq!(fixture.subjects(), ["192.0.2.2 feed"]);
}

/// Durability F9: due rows were read for each zone anew, and counted wrong where a newer import said
/// something else.
#[test]
fn counts_leave_out_what_has_expired_in_each_zone() {
    let fixture = Fixture::new();
    let other: dnsbl_types::Name = "other.example.org".parse().unwrap();
    let spec = dnsbl_types::ZoneSpec::new(
        other.clone(),
        ZoneKind::Ip,
        zone(ZoneKind::Ip).ns.clone(),
        "$".parse().unwrap(),
    );
    let settings = Box::new(spec.check().unwrap());
    fixture.change(Operation::PutZone { zone: settings, serial_floor: None }).unwrap();
    let in_other = |n: u32, body: ListingBody| {
        let change = Operation::PutListing {
            zone: other.clone(),
            subject: address(n).parse().unwrap(),
            source: source("a"),
            body: Box::new(body),
            precondition: Precondition::None,
        };
        fixture.change(change).unwrap();
    };
    let soon = NOW.plus(10);
    for n in 0..10 {
        fixture.put(&address(n), "a", expiring(NOW.plus(n.into()))).unwrap();
        in_other(n, ListingBody { exclusion: true, ..expiring(NOW.plus(n.into())) });
    }
    fixture.put(&address(100), "a", plain()).unwrap();
    in_other(100, plain());
    // A newer segment of the source says that these stay.
    import(&fixture, "a", (0..4).map(|n| (n, plain())), ImportMode::Upsert);
    let counts = || {
        let records = fixture.store.read(soon).zones().unwrap();
        records.iter().map(|zone| (zone.listings, zone.exclusions)).collect::<Vec<_>>()
    };
    assert_eq!(counts(), [(5, 0), (1, 0)]);
    let each = |name| fixture.store.read(soon).zone(name).unwrap().unwrap();
    assert_eq!((each(&origin()).listings, each(&other).exclusions), (5, 0));
    let half = fixture.store.read(NOW.plus(4)).zone(&other).unwrap().unwrap();
    assert_eq!((half.listings, half.exclusions), (1, 5));
}

/// What is listed by the source, as text, whoever wrote it.
fn said(fixture: &Fixture) -> BTreeMap<String, Option<String>> {
    let listings = fixture.listings(NOW);
    listings.into_iter().map(|listing| (listing.subject.to_string(), listing.body.note)).collect()
}

/// Durability F8: a compaction began at the front again with each step.
#[test]
fn writes_during_a_fold_stay_what_they_are_whichever_way_rows_move() {
    for (below, above) in [(3000u32, 1500u32), (700, 2500)] {
        let fixture = Fixture::new();
        let body = |n: u32| if n.is_multiple_of(3) { note("first") } else { plain() };
        import(&fixture, "feed", (0..below).map(|n| (n, body(n))), REPLACE);
        // Every third goes, new ones come, some say something else.
        let rows = (0..above).filter(|n| !n.is_multiple_of(3)).map(|n| {
            (
                if n.is_multiple_of(2) { n } else { n + 10_000 },
                if n.is_multiple_of(5) { note("second") } else { plain() },
            )
        });
        import(&fixture, "feed", rows, REPLACE);
        let mut expected = said(&fixture);
        for step in 0u32.. {
            let done = fixture.change(Operation::CompactSegments).unwrap();
            assert_eq!(said(&fixture), expected, "after step {step}");
            if matches!(done.results[0], OperationResult::Count(0)) {
                assert!(step > 3, "it takes several steps: {step}");
                break;
            }
            if step > 12 {
                continue;
            }
            for n in [step * 7, 10_001 + step * 50, 20_000 - step] {
                fixture.put(&address(n), "feed", note("own")).unwrap();
                expected.insert(address(n), Some("own".into()));
            }
            let gone = expected.keys().nth(step as usize * 40).unwrap().clone();
            fixture.delete(&gone, Sources::All).unwrap();
            expected.remove(&gone);
        }
        assert_eq!(fixture.counts(NOW), (expected.len() as u64, 0));
        let fixture = fixture.reopen();
        assert_eq!(said(&fixture), expected);
        assert!(matches!(
            fixture.change(Operation::CompactSegments).unwrap().results[0],
            OperationResult::Count(0)
        ));
    }
}

#[test]
fn a_fold_that_is_cut_off_goes_on_after_a_restart() {
    let fixture = Fixture::new();
    import(&fixture, "feed", (0..2000).map(|n| (n, plain())), REPLACE);
    import(&fixture, "feed", (1000..2000).map(|n| (n, plain())), REPLACE);
    let expected = said(&fixture);
    for _ in 0..2 {
        fixture.change(Operation::CompactSegments).unwrap();
    }
    let fixture = fixture.reopen_after_crash();
    fixture.put(&address(5), "feed", note("back")).unwrap();
    fixture.fold_all();
    let mut with = expected;
    with.insert(address(5), Some("back".into()));
    assert_eq!(said(&fixture), with);
    assert_eq!(fixture.counts(NOW), (1001, 0));
}

/// All pages of a search, each of which may look at some hundred subjects only.
fn pages(fixture: &Fixture, filter: &Filter) -> (Vec<String>, usize) {
    let (mut found, mut empty) = (Vec::new(), 0);
    let mut cursor: Option<Cursor> = None;
    loop {
        let reader = fixture.store.read(NOW);
        let page = reader.page(&origin(), filter, cursor.as_ref(), 5, || true).unwrap();
        empty += usize::from(page.listings.is_empty());
        found.extend(page.listings.iter().map(|l| format!("{} {}", l.subject, l.source)));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return (found, empty),
        }
    }
}

/// Durability F10: a search that found little never ended at 100 M.
#[test]
fn a_search_looks_at_so_much_and_goes_on_at_its_cursor() {
    let fixture = Fixture::new();
    let body = |n: u32| if n.is_multiple_of(700) { tagged("rare") } else { note("x") };
    import(&fixture, "feed", (0..3000).map(|n| (n, body(n))), ImportMode::Upsert);
    import(&fixture, "plain", (0..3000).map(|n| (n * 2, plain())), ImportMode::Upsert);
    fixture.put(&address(700), "other", tagged("rare")).unwrap();
    let rare = Filter { tag: Some("rare".into()), ..Filter::all() };
    let (found, empty) = pages(&fixture, &rare);
    let mut expected: Vec<String> =
        (0..3000).step_by(700).map(|n| format!("{} feed", address(n))).collect();
    expected.insert(2, format!("{} other", address(700)));
    assert_eq!(found, expected);
    assert!(empty > 2, "pages may be empty: {empty}");
    let of_feed = Filter { source: Some(source("feed")), ..rare.clone() };
    assert_eq!(pages(&fixture, &of_feed).0.len(), 5);
    let net: Subject = format!("{}/22", address(0)).parse().unwrap();
    let within = Filter { subject: SubjectMatch::Covered(net), ..rare };
    assert_eq!(pages(&fixture, &within).0.len(), 3);
    let (all, _) = pages(&fixture, &Filter::all());
    let listed: Vec<_> = fixture.subjects();
    assert_eq!(all, listed);
}

#[test]
fn a_search_by_source_reads_what_that_source_says_only() {
    let fixture = Fixture::new();
    import(&fixture, "large", (0..5000).map(|n| (n, note("x"))), ImportMode::Upsert);
    fixture.put(&address(4000), "small", plain()).unwrap();
    let small = Filter { source: Some(source("small")), ..Filter::all() };
    let (found, empty) = pages(&fixture, &small);
    assert_eq!(found, [format!("{} small", address(4000))]);
    assert_eq!(empty, 0, "one page, since nothing else is looked at");
    let none = Filter { source: Some(source("nobody")), ..Filter::all() };
    assert_eq!(pages(&fixture, &none), (vec![], 1));
}

#[test]
fn the_time_of_each_sources_last_import_is_kept() {
    let fixture = Fixture::new();
    import(&fixture, "b", [(1, plain())].into_iter(), ImportMode::Upsert);
    import(&fixture, "a", [(1, plain())].into_iter(), REPLACE);
    let rows = [("192.0.2.1", plain())];
    let staged = fixture.stage("a", &rows, ImportMode::Upsert, true).unwrap();
    fixture.change_at(staged.commit(), NOW.plus(50)).unwrap();
    let unchanged =
        fixture.stage("b", &[(address(1).as_str(), plain())], ImportMode::Upsert, false);
    let later = NOW.plus(100);
    fixture.change_at(unchanged.unwrap().commit(), later).unwrap();
    let fixture = fixture.reopen();
    let zone = origin().to_string();
    let of = |source: &str, at| (zone.clone(), source.to_owned(), at);
    assert_eq!(fixture.store.read(NOW).last_imports().unwrap(), [of("a", NOW), of("b", later)]);
    fixture.change(Operation::DeleteZone(origin())).unwrap();
    assert_eq!(fixture.store.read(NOW).last_imports().unwrap(), []);
}

/// Newcomer A7: the shared cache was counted once for each column family.
#[test]
fn the_shared_cache_is_counted_once() {
    let fixture = Fixture::new();
    import(&fixture, "feed", (0..20_000).map(|n| (n, note("x"))), ImportMode::Upsert);
    fixture.listings(NOW);
    for n in 0..20_000 {
        fixture.store.read(NOW).listings_of(&origin(), &address(n).parse().unwrap()).unwrap();
    }
    let stats: BTreeMap<_, _> = fixture.store.stats().into_iter().collect();
    let cache = stats["block-cache-usage"];
    assert!((1..=13 << 20).contains(&cache), "{stats:?}");
}
