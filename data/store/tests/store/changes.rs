//! Changes one by one, and what can be read afterwards.

use dnsbl_store::{
    Authentication, ChangeError, Cursor, Filter, LogSize, MintedToken, Op, Operation,
    OperationResult, Precondition, Sources, SubjectMatch, TokenUse,
};
use dnsbl_types::{Entry, ListingBody, Serial, Subject, TokenText, ZoneKind};

use crate::fixture::{Fixture, NOW, note, origin, plain, source, zone};

#[test]
fn what_was_acknowledged_is_there_after_reopening() {
    let fixture = Fixture::new();
    let done = fixture.put("192.0.2.1", "a", note("x")).unwrap();
    assert_eq!(done.seq, 2);
    let before = fixture.listings(NOW);
    let fixture = fixture.reopen();
    assert_eq!(fixture.listings(NOW), before);
    assert_eq!(fixture.mirror.0.lock().unwrap().entries.len(), 1);
    assert_eq!(fixture.put("192.0.2.2", "a", plain()).unwrap().seq, 3);
}

#[test]
fn a_put_that_changes_nothing_writes_no_entry() {
    let fixture = Fixture::new();
    let first = fixture.put("192.0.2.1", "a", note("x")).unwrap();
    let again = fixture.put("192.0.2.1", "a", note("x")).unwrap();
    assert_eq!(again.seq, first.seq);
    assert_eq!(fixture.store.read(NOW).head().unwrap(), first.seq);
}

#[test]
fn each_source_lists_and_delists_on_its_own() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    fixture.put("192.0.2.1", "b", plain()).unwrap();
    fixture.delete("192.0.2.1", Sources::One(source("a"))).unwrap();
    assert_eq!(fixture.subjects(), ["192.0.2.1 b"]);
    let nothing = fixture.delete("192.0.2.1", Sources::One(source("a"))).unwrap();
    assert_eq!(nothing.results, [OperationResult::Count(0)]);
    assert_eq!(nothing.seq, fixture.store.read(NOW).head().unwrap());
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    assert!(matches!(
        fixture.delete("192.0.2.1", Sources::All).unwrap().results[0],
        OperationResult::Count(2)
    ));
    assert!(fixture.mirror.0.lock().unwrap().entries.is_empty());
}

#[test]
fn preconditions_hold_for_subject_and_source() {
    let fixture = Fixture::new();
    let seq = fixture.put("192.0.2.1", "a", plain()).unwrap().seq;
    let put = |source_: &str, precondition, text: &str| {
        fixture.change(Operation::PutListing {
            zone: origin(),
            subject: "192.0.2.1".parse().unwrap(),
            source: source(source_),
            body: Box::new(note(text)),
            precondition,
        })
    };
    assert!(matches!(put("a", Precondition::Absent, "1"), Err(ChangeError::Precondition)));
    assert!(put("b", Precondition::Absent, "1").is_ok());
    assert!(matches!(
        put("a", Precondition::Matches(vec![seq + 7]), "2"),
        Err(ChangeError::Precondition)
    ));
    assert!(put("a", Precondition::Matches(vec![seq]), "2").is_ok());
    assert!(matches!(
        put("a", Precondition::Matches(vec![seq]), "3"),
        Err(ChangeError::Precondition)
    ));
}

#[test]
fn what_has_expired_is_absent_before_and_after_the_sweep() {
    let fixture = Fixture::new();
    let later = NOW.plus(60);
    fixture.put("192.0.2.1", "a", ListingBody { expires_at: Some(later), ..plain() }).unwrap();
    fixture.put("192.0.2.1", "b", plain()).unwrap();
    assert_eq!((fixture.listings(NOW).len(), fixture.counts(NOW)), (2, (2, 0)));
    assert_eq!((fixture.listings(later).len(), fixture.counts(later)), (1, (1, 0)));
    let before = fixture.mirror.0.lock().unwrap().serial;
    fixture.change_at(Operation::Sweep, later).unwrap();
    assert_eq!((fixture.listings(NOW).len(), fixture.counts(NOW)), (1, (1, 0)));
    let seen = fixture.mirror.0.lock().unwrap().clone();
    assert!(seen.serial.is_after(before));
    assert_eq!(seen.entries["192.0.2.1"], [Entry::default()]);
    let entry = fixture.store.read(NOW).log_entry(seen.seq).unwrap().unwrap();
    assert_eq!(entry.ops[0].word(), "expire");
    let head = seen.seq;
    fixture.change_at(Operation::Sweep, later).unwrap();
    assert_eq!(fixture.store.read(NOW).head().unwrap(), head);
}

#[test]
fn an_expired_listing_that_is_put_again_is_new() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", ListingBody { expires_at: Some(NOW), ..plain() }).unwrap();
    let done = fixture.put("192.0.2.1", "a", plain()).unwrap();
    assert!(matches!(done.results[0], OperationResult::Listing { created: true, .. }));
    fixture.change(Operation::Sweep).unwrap();
    assert_eq!((fixture.subjects().len(), fixture.counts(NOW)), (1, (1, 0)));
}

#[test]
fn the_serial_goes_on_when_a_zone_is_deleted_and_made_again() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    fixture.change(Operation::DeleteZone(origin())).unwrap();
    let fixture = fixture.reopen();
    assert!(fixture.store.read(NOW).zone(&origin()).unwrap().is_none());
    fixture
        .change(Operation::PutZone { zone: Box::new(zone(ZoneKind::Ip)), serial_floor: None })
        .unwrap();
    let record = fixture.store.read(NOW).zone(&origin()).unwrap().unwrap();
    assert_eq!(record.serial, Serial(4));
    assert!(fixture.subjects().is_empty());
    let floor = Some(Serial(2_026_112_100));
    fixture
        .change(Operation::PutZone { zone: Box::new(zone(ZoneKind::Ip)), serial_floor: floor })
        .unwrap();
    assert_eq!(fixture.mirror.0.lock().unwrap().serial, Serial(2_026_112_100));
}

#[test]
fn a_zone_with_listings_keeps_its_kind() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    let change =
        || Operation::PutZone { zone: Box::new(zone(ZoneKind::Domain)), serial_floor: None };
    assert!(matches!(fixture.change(change()), Err(ChangeError::KindInUse(_))));
    fixture.delete("192.0.2.1", Sources::All).unwrap();
    assert!(fixture.change(change()).is_ok());
}

#[test]
fn the_log_is_dense_and_tells_what_happened() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", note("x")).unwrap();
    fixture.put("192.0.2.1", "a", note("y")).unwrap();
    fixture.delete("192.0.2.1", Sources::All).unwrap();
    let entries = fixture.store.read(NOW).log_after(0, 100).unwrap().unwrap();
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let words: Vec<_> = entries.iter().flat_map(|entry| &entry.ops).map(Op::word).collect();
    assert_eq!(words, ["zone-put", "put", "put", "delete"]);
    let Op::Put { previous: Some(previous), .. } = &entries[2].ops[0] else { panic!() };
    assert_eq!(previous.body.note.as_deref(), Some("x"));
    let audit =
        fixture.store.read(NOW).audit_before(u64::MAX, 2, usize::MAX, |_| true).unwrap().records;
    assert_eq!(audit.iter().map(|record| record.seq).collect::<Vec<_>>(), [4, 3]);
}

#[test]
fn a_compacted_log_says_so_and_keeps_its_head() {
    let fixture = Fixture::new();
    for i in 1..=5u64 {
        let change = Operation::PutListing {
            zone: origin(),
            subject: format!("192.0.2.{i}").parse().unwrap(),
            source: source("a"),
            body: Box::new(plain()),
            precondition: Precondition::None,
        };
        fixture.change_at(change, NOW.plus(i)).unwrap();
    }
    let floor =
        fixture.store.read(NOW).floor_of_log(&mut LogSize::default(), NOW.plus(3), u64::MAX);
    fixture.change(Operation::TruncateLog { floor: floor.unwrap() }).unwrap();
    let fixture = fixture.reopen();
    let reader = fixture.store.read(NOW);
    assert_eq!(reader.log_floor().unwrap(), 4);
    assert_eq!(reader.log_after(2, 9).unwrap(), None);
    assert_eq!(reader.log_after(3, 9).unwrap().unwrap().len(), 3);
    drop(reader);
    fixture.change(Operation::TruncateLog { floor: u64::MAX }).unwrap();
    assert_eq!(fixture.store.read(NOW).head().unwrap(), 6);
}

#[test]
fn pages_hold_everything_once() {
    let fixture = Fixture::new();
    for i in 0..25 {
        fixture.put(&format!("192.0.2.{i}"), "a", plain()).unwrap();
        fixture.put(&format!("192.0.2.{i}"), "b", plain()).unwrap();
    }
    let mut all = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let reader = fixture.store.read(NOW);
        let page = reader.page(&origin(), &Filter::all(), cursor.as_ref(), 7, || false).unwrap();
        all.extend(page.listings);
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(all, fixture.listings(NOW));
    assert_eq!(all.len(), 50);
}

#[test]
fn searches_find_what_covers_and_what_is_covered() {
    let fixture = Fixture::new();
    for subject in
        ["192.0.0.0/16", "192.0.2.0/24", "192.0.2.7", "192.0.3.1", "2001:db8::/32", "2001:db8::1"]
    {
        fixture.put(subject, "a", plain()).unwrap();
    }
    let find = |subject| {
        let filter = Filter { subject, ..Filter::all() };
        let page = fixture.store.read(NOW).page(&origin(), &filter, None, 100, || false).unwrap();
        page.listings.iter().map(|listing| listing.subject.to_string()).collect::<Vec<_>>()
    };
    let net: Subject = "192.0.2.0/24".parse().unwrap();
    assert_eq!(find(SubjectMatch::Exact(net.clone())), ["192.0.2.0/24"]);
    assert_eq!(find(SubjectMatch::Covering(net.clone())), ["192.0.0.0/16", "192.0.2.0/24"]);
    assert_eq!(find(SubjectMatch::Covered(net.clone())), ["192.0.2.0/24", "192.0.2.7"]);
    assert_eq!(find(SubjectMatch::Overlap(net)), ["192.0.0.0/16", "192.0.2.0/24", "192.0.2.7"]);
    assert_eq!(
        find(SubjectMatch::Covered("2001:db8::/32".parse().unwrap())),
        ["2001:db8::/32", "2001:db8::1"]
    );
}

#[test]
fn a_token_is_known_by_its_secret_only() {
    let fixture = Fixture::new();
    let minted = MintedToken::mint(
        [7; 40],
        "ops".into(),
        vec!["zones:read".into()],
        NOW,
        Some(NOW.plus(10)),
    );
    fixture.change(Operation::PutToken(minted.record.clone())).unwrap();
    let authenticate = |text: &TokenText, at| fixture.store.read(at).authenticate(text).unwrap();
    let Authentication::Good(good) = authenticate(&minted.text, NOW) else { panic!("it is good") };
    assert_eq!((good.token.id.as_str(), good.until), (minted.text.id(), Some(NOW.plus(10))));
    let other = TokenText::of(minted.text.id(), [8; TokenText::RANDOM_SECRET]);
    assert_eq!(authenticate(&other, NOW), Authentication::Unknown);
    let other = TokenText::of("0000000000000000", [7; TokenText::RANDOM_SECRET]);
    assert_eq!(authenticate(&other, NOW), Authentication::Unknown);
    assert_eq!(authenticate(&minted.text, NOW.plus(10)), Authentication::Expired);
    fixture.change(Operation::DeleteToken { id: minted.record.id.clone(), keep: None }).unwrap();
    assert_eq!(authenticate(&minted.text, NOW), Authentication::Unknown);
    assert!(!format!("{:?}", minted.text).contains("0707"));
}

#[test]
fn a_token_counts_as_long_as_those_above_it() {
    let fixture = Fixture::new();
    let mint =
        |byte, name: &str, until| MintedToken::mint([byte; 40], name.into(), vec![], NOW, until);
    let above = mint(1, "above", Some(NOW.plus(10)));
    let mut below = mint(2, "below", None);
    below.record.parent = Some(above.record.id.clone());
    fixture.change(Operation::PutToken(above.record)).unwrap();
    fixture.change(Operation::PutToken(below.record)).unwrap();
    let authenticate = |at| fixture.store.read(at).authenticate(&below.text).unwrap();
    let Authentication::Good(good) = authenticate(NOW) else { panic!("it is good") };
    assert_eq!((good.ancestors.len(), good.until), (1, Some(NOW.plus(10))));
    assert_eq!(authenticate(NOW.plus(10)), Authentication::Expired);
}

#[test]
fn a_token_is_written_only_over_what_it_was_made_from() {
    let fixture = Fixture::new();
    let minted = MintedToken::mint([1; 40], "ops".into(), vec!["a".into()], NOW, None);
    fixture.change(Operation::PutToken(minted.record.clone())).unwrap();
    let read = || fixture.store.read(NOW).token(&minted.record.id).unwrap().unwrap();
    let (mut one, mut other) = (read(), read());
    one.scopes.clear();
    other.scopes.push("b".into());
    fixture.change(Operation::PutToken(one)).unwrap();
    let refused = fixture.change(Operation::PutToken(other.clone()));
    assert!(matches!(refused, Err(ChangeError::Precondition)), "{refused:?}");
    assert!(read().scopes.is_empty());
    let head = fixture.store.read(NOW).head().unwrap();
    fixture.change(Operation::PutToken(read())).unwrap();
    assert_eq!(fixture.store.read(NOW).head().unwrap(), head, "nothing had to change");
    fixture.change(Operation::DeleteToken { id: other.id.clone(), keep: None }).unwrap();
    let gone = fixture.change(Operation::PutToken(other));
    assert!(matches!(gone, Err(ChangeError::NoToken)), "{gone:?}");
}

#[test]
fn when_a_token_was_last_used_is_no_change_and_goes_with_it() {
    let fixture = Fixture::new();
    let minted = MintedToken::mint([1; 40], "ops".into(), vec![], NOW, None);
    let id = minted.record.id.clone();
    fixture.change(Operation::PutToken(minted.record)).unwrap();
    let head = || fixture.store.read(NOW).head().unwrap();
    let before = head();
    let used = |at, from| TokenUse { token: id.clone(), at, from };
    let last = used(NOW.plus(2), Some([192, 0, 2, 1].into()));
    fixture.store.keep_token_uses(&[used(NOW, None)]).unwrap();
    fixture.store.keep_token_uses(std::slice::from_ref(&last)).unwrap();
    assert_eq!(fixture.store.read(NOW).token_use(&id).unwrap(), Some(last.clone()));
    assert_eq!(fixture.store.read(NOW).token_uses().unwrap(), std::slice::from_ref(&last));
    assert_eq!(head(), before);
    fixture.change(Operation::DeleteToken { id: id.clone(), keep: None }).unwrap();
    fixture.store.keep_token_uses(&[last]).unwrap();
    assert_eq!(fixture.store.read(NOW).token_uses().unwrap(), []);
}
