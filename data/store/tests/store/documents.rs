//! Documents, alone and together with listings.

use std::sync::mpsc::sync_channel;

use dnsbl_store::{
    Actor, Change, ChangeError, Committed, Document, DocumentError, DocumentId, DocumentKind,
    Operation, OperationResult, Precondition, Sources,
};
use dnsbl_types::{ListingBody, Name, UnixTime};

use crate::fixture::{Fixture, NOW, note, origin, plain, source};

pub(crate) fn kind(text: &str) -> DocumentKind {
    text.parse().unwrap()
}

pub(crate) fn id(text: &str) -> DocumentId {
    text.parse().unwrap()
}

pub(crate) fn document(kind_: &str, id_: &str, body: &[u8]) -> Document {
    Document::new(kind(kind_), id(id_), vec![], None, body.to_vec()).unwrap()
}

fn indexed(kind_: &str, id_: &str, group: &[u8], due: Option<u64>) -> Document {
    Document::new(kind(kind_), id(id_), group.to_vec(), due.map(UnixTime), vec![1]).unwrap()
}

pub(crate) fn put_document(document: &Document, precondition: Precondition) -> Operation {
    Operation::PutDocument { document: Box::new(document.clone()), precondition }
}

pub(crate) fn delete_document(kind_: &str, id_: &str, precondition: Precondition) -> Operation {
    Operation::DeleteDocument { kind: kind(kind_), id: id(id_), precondition }
}

pub(crate) fn put_listing(subject: &str, by: &str, body: ListingBody) -> Operation {
    let (zone, subject, source) = (origin(), subject.parse().unwrap(), source(by));
    let precondition = Precondition::None;
    Operation::PutListing { zone, subject, source, body: Box::new(body), precondition }
}

pub(crate) fn delete_listing(subject: &str, by: &str) -> Operation {
    let (subject, sources) = (subject.parse().unwrap(), Sources::One(source(by)));
    Operation::DeleteListing { zone: origin(), subject, sources, precondition: Precondition::None }
}

/// A listing in a zone that there is not.
pub(crate) fn put_nowhere() -> Operation {
    let zone: Name = "no.example.org".parse().unwrap();
    let (subject, source) = ("192.0.2.77".parse().unwrap(), source("a"));
    let (body, precondition) = (Box::new(plain()), Precondition::None);
    Operation::PutListing { zone, subject, source, body, precondition }
}

impl Fixture {
    pub(crate) fn together(&self, operations: Vec<Operation>) -> Result<Committed, ChangeError> {
        self.store.commit(Change { actor: Actor::part("test"), operations }, NOW)
    }

    pub(crate) fn documents(&self, kind_: &str) -> Vec<Document> {
        self.store.read(NOW).documents(&kind(kind_), None, usize::MAX).unwrap()
    }

    fn head(&self) -> u64 {
        self.store.read(NOW).head().unwrap()
    }
}

#[test]
fn a_document_that_was_acknowledged_is_there_after_reopening() {
    let fixture = Fixture::new();
    let written = indexed("test", "2026-1", b"group", Some(7));
    let done = fixture.together(vec![put_document(&written, Precondition::Absent)]).unwrap();
    assert_eq!(done.results, [OperationResult::Document { revision: done.seq }]);
    let fixture = fixture.reopen();
    let read = fixture.store.read(NOW).document(&kind("test"), &id("2026-1")).unwrap().unwrap();
    assert_eq!(
        (read.group(), read.due(), read.body()),
        (&b"group"[..], Some(UnixTime(7)), &[1][..])
    );
    assert_eq!(read.revision(), done.seq);
    assert_eq!(fixture.store.read(NOW).document(&kind("test"), &id("2026")).unwrap(), None);
    assert_eq!(fixture.store.read(NOW).document(&kind("tests"), &id("2026-1")).unwrap(), None);
}

/// Whether an error is the one that an operation should meet with.
type IsExpected = fn(&ChangeError) -> bool;

#[test]
fn an_operation_that_fails_takes_all_others_with_it() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", note("old")).unwrap();
    let before = (fixture.head(), fixture.counts(NOW), fixture.listings(NOW));
    let seen = fixture.mirror.0.lock().unwrap().clone();
    let failing: [(Operation, IsExpected); 5] = [
        (put_nowhere(), |err| matches!(err, ChangeError::NoZone(_))),
        (put_listing("127.0.0.2", "a", plain()), |err| matches!(err, ChangeError::TestEntry)),
        (put_listing("example.com", "a", plain()), |err| matches!(err, ChangeError::WrongKind)),
        (delete_listing("127.0.0.2", "a"), |err| matches!(err, ChangeError::TestEntry)),
        (delete_document("test", "1", Precondition::matches(1)), |err| {
            matches!(err, ChangeError::Stale { found: Some(3), .. })
        }),
    ];
    for (last, expected) in failing {
        let operations = vec![
            put_document(&document("test", "1", b"x"), Precondition::None),
            put_listing("192.0.2.1", "a", note("new")),
            put_listing("192.0.2.2", "new-source", plain()),
            delete_listing("192.0.2.1", "a"),
            last,
        ];
        let err = fixture.together(operations).unwrap_err();
        assert!(expected(&err), "{err}");
        assert_eq!((fixture.head(), fixture.counts(NOW), fixture.listings(NOW)), before);
        assert!(fixture.documents("test").is_empty());
    }
    let now = fixture.mirror.0.lock().unwrap().clone();
    assert_eq!((now.entries, now.serial, now.seq), (seen.entries, seen.serial, seen.seq));
    // What the writer knows was put back too.
    fixture.put("192.0.2.2", "new-source", plain()).unwrap();
    let fixture = fixture.reopen();
    assert_eq!(fixture.subjects(), ["192.0.2.1 a", "192.0.2.2 new-source"]);
    assert_eq!(fixture.counts(NOW), (2, 0));
}

#[test]
fn all_operations_are_one_entry_and_move_the_serial_once() {
    let fixture = Fixture::new();
    let serial = fixture.mirror.0.lock().unwrap().serial;
    let done = fixture
        .together(vec![
            put_document(&document("relay-test", "1", b"secret"), Precondition::Absent),
            put_listing("192.0.2.1", "a", note("x")),
            put_listing("192.0.2.2", "a", plain()),
            delete_document("relay-test", "2", Precondition::None),
            delete_listing("192.0.2.3", "a"),
        ])
        .unwrap();
    let OperationResult::Listing { created: true, listing } = &done.results[1] else { panic!() };
    assert_eq!((listing.seq, listing.body.note.as_deref()), (done.seq, Some("x")));
    assert_eq!(done.results[3..], [OperationResult::Count(0), OperationResult::Count(0)]);
    let seen = fixture.mirror.0.lock().unwrap().clone();
    assert_eq!((seen.serial, seen.seq), (serial.next(), done.seq));
    assert_eq!(seen.entries.len(), 2);
    let reader = fixture.store.read(NOW);
    let entry = reader.log_entry(done.seq).unwrap().unwrap();
    let words: Vec<_> = entry.ops.iter().map(|op| op.word().into_owned()).collect();
    assert_eq!(words, ["relay-test-put", "put", "put"]);
    let body = format!("{:?}", b"secret");
    assert!(!format!("{entry:?}").contains(body.trim_matches(['[', ']'])), "{entry:?}");
    let audit = reader.audit_before(u64::MAX, 3, usize::MAX, |_| true).unwrap().records;
    assert_eq!(audit.len(), 3);
    assert_eq!(audit[2].action, "relay-test-put");
    assert_eq!(audit[2].subject.as_deref(), Some("1"));
    assert_eq!(audit[2].zone, None);
    drop(reader);
    let done =
        fixture.together(vec![delete_document("relay-test", "1", Precondition::None)]).unwrap();
    assert_eq!(fixture.mirror.0.lock().unwrap().serial, serial.next());
    let audit =
        fixture.store.read(NOW).audit_before(u64::MAX, 1, usize::MAX, |_| true).unwrap().records;
    assert_eq!((audit[0].seq, audit[0].action.as_str()), (done.seq, "relay-test-delete"));
}

#[test]
fn the_log_keeps_what_a_document_said() {
    let fixture = Fixture::new();
    let first = indexed("test", "1", b"g", Some(9));
    let done = fixture.together(vec![put_document(&first, Precondition::Absent)]).unwrap();
    fixture.together(vec![put_document(&document("test", "1", b"2"), Precondition::None)]).unwrap();
    let fixture = fixture.reopen();
    let entry = fixture.store.read(NOW).log_entry(done.seq).unwrap().unwrap();
    let dnsbl_store::Op::PutDocument { document } = &entry.ops[0] else { panic!() };
    assert_eq!(
        (document.group(), document.due(), document.body()),
        (&b"g"[..], Some(UnixTime(9)), &[1][..])
    );
    assert_eq!(document.revision(), done.seq);
}

#[test]
fn what_changes_nothing_writes_no_entry() {
    let fixture = Fixture::new();
    let parts = || {
        vec![
            put_document(&document("test", "1", b"x"), Precondition::None),
            put_listing("192.0.2.1", "a", note("x")),
        ]
    };
    let first = fixture.together(parts()).unwrap();
    fixture.put("192.0.2.9", "a", plain()).unwrap();
    let head = fixture.head();
    let again = fixture.together(parts()).unwrap();
    assert_eq!((again.seq, fixture.head()), (head, head));
    assert_eq!(again.results[0], OperationResult::Document { revision: first.seq });
    assert_eq!(fixture.together(vec![]).unwrap().seq, head);
}

#[test]
fn a_document_that_is_not_the_expected_one_is_left_alone() {
    let fixture = Fixture::new();
    let put = |body: &[u8], precondition| {
        fixture.together(vec![put_document(&document("test", "1", body), precondition)])
    };
    let found = |result: Result<Committed, ChangeError>| match result {
        Err(ChangeError::Stale { found, .. }) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(found(put(b"1", Precondition::matches(1))), None);
    let seq = put(b"1", Precondition::Absent).unwrap().seq;
    assert_eq!(found(put(b"2", Precondition::Absent)), Some(seq));
    assert_eq!(found(put(b"2", Precondition::matches(seq + 1))), Some(seq));
    // Even where it would change nothing.
    assert_eq!(found(put(b"1", Precondition::Absent)), Some(seq));
    let next = put(b"2", Precondition::matches(seq)).unwrap().seq;
    let delete = |precondition| fixture.together(vec![delete_document("test", "1", precondition)]);
    assert_eq!(found(delete(Precondition::matches(seq))), Some(next));
    assert_eq!(fixture.documents("test")[0].body(), b"2");
    delete(Precondition::matches(next)).unwrap();
    assert!(fixture.documents("test").is_empty());
    assert_eq!(found(delete(Precondition::matches(next))), None);
}

#[test]
fn of_two_that_wait_with_the_same_expectation_one_wins() {
    let fixture = Fixture::new();
    let (tell, told) = sync_channel(50);
    for n in 0..50u8 {
        let operations = vec![
            put_document(&document("test", "1", &[n]), Precondition::Absent),
            put_listing(&format!("192.0.2.{n}"), "a", plain()),
        ];
        let tell = tell.clone();
        let actor = Actor::part("test");
        let reply = move |result: Result<Committed, ChangeError>| {
            let won = match result {
                Ok(_) => true,
                Err(ChangeError::Stale { .. }) => false,
                Err(err) => panic!("{err}"),
            };
            tell.send((n, won)).unwrap();
        };
        fixture.store.submit(Change { actor, operations }, NOW, reply);
    }
    drop(tell);
    let winners: Vec<u8> = told.iter().filter(|(_, won)| *won).map(|(n, _)| n).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(fixture.documents("test")[0].body(), winners);
    assert_eq!(fixture.subjects(), [format!("192.0.2.{} a", winners[0])]);
}

#[test]
fn a_part_sees_what_earlier_parts_did() {
    let fixture = Fixture::new();
    let (one, two) = (document("test", "1", b"1"), document("test", "1", b"2"));
    let next = fixture.head() + 1;
    fixture
        .together(vec![
            put_document(&one, Precondition::Absent),
            put_document(&two, Precondition::matches(next)),
            put_listing("192.0.2.1", "a", plain()),
            put_listing("192.0.2.1", "a", note("x")),
        ])
        .unwrap();
    assert_eq!(fixture.documents("test")[0].body(), b"2");
    assert_eq!(fixture.listings(NOW)[0].body, note("x"));
    assert_eq!((fixture.counts(NOW), fixture.listings(NOW).len()), ((1, 0), 1));
    let twice = vec![
        delete_document("test", "1", Precondition::None),
        put_document(&one, Precondition::Absent),
    ];
    fixture.together(twice).unwrap();
    assert_eq!(
        fixture.store.read(NOW).documents(&kind("test"), None, usize::MAX).unwrap().len(),
        1
    );
    let gone = vec![
        delete_listing("192.0.2.1", "a"),
        delete_document("test", "1", Precondition::None),
        delete_document("test", "1", Precondition::Absent),
    ];
    let done = fixture.together(gone).unwrap();
    assert_eq!(done.results[2], OperationResult::Count(0));
    assert!(fixture.mirror.0.lock().unwrap().entries.is_empty());
    assert_eq!(
        fixture.store.read(NOW).documents(&kind("test"), None, usize::MAX).unwrap().len(),
        0
    );
}

#[test]
fn documents_are_found_by_group_by_due_time_and_in_pages() {
    let fixture = Fixture::new();
    let all = [
        indexed("test", "1", b"g", Some(30)),
        indexed("test", "2", b"g", Some(10)),
        indexed("test", "3", b"", Some(u64::MAX)),
        indexed("test", "4", b"gg", None),
        indexed("test", "5", &[0xff; Document::MAX_GROUP], Some(10)),
        indexed("test-b", "6", b"g", Some(10)),
        indexed("tes", "7", b"g", Some(0)),
        indexed("test", "g", b"g", Some(20)),
    ];
    fixture.together(all.iter().map(|d| put_document(d, Precondition::Absent)).collect()).unwrap();
    let reader = fixture.store.read(NOW);
    let (kind, last) = (kind("test"), id("g"));
    let ids = |found: Vec<Document>| {
        found.iter().map(|document| document.id().to_string()).collect::<String>()
    };
    assert_eq!(ids(reader.documents(&kind, None, 9).unwrap()), "12345g");
    assert_eq!(ids(reader.documents(&kind, Some(&id("2")), 2).unwrap()), "34");
    assert_eq!(ids(reader.documents(&kind, Some(&id("2x")), 2).unwrap()), "34");
    assert_eq!(ids(reader.last_documents(&kind, None, 3).unwrap()), "g54");
    assert_eq!(ids(reader.last_documents(&kind, Some(&id("3")), 9).unwrap()), "21");
    let of = |group: &[u8], before, limit| {
        ids(reader.documents_of_group(&kind, group, before, limit).unwrap())
    };
    assert_eq!((of(b"g", None, 9), of(b"g", None, 1)), ("g21".into(), "g".into()));
    assert_eq!(of(b"g", Some(&last), 9), "21");
    assert_eq!((of(b"", None, 9), of(b"gg", None, 9)), ("3".into(), "4".into()));
    assert_eq!((of(&[0xff; 64], None, 9), of(&[0xff; 320], None, 9)), ("5".into(), "".into()));
    let due = |until, limit| ids(reader.documents_due(&kind, UnixTime(until), limit).unwrap());
    assert_eq!((due(9, 9), due(10, 9), due(29, 9)), ("".into(), "25".into(), "25g".into()));
    assert_eq!((due(u64::MAX, 9), due(u64::MAX, 1)), ("25g13".into(), "2".into()));
    assert_eq!(reader.documents(&kind, None, usize::MAX).unwrap().len(), 6);
}

#[test]
fn what_is_no_kind_id_or_document_is_refused() {
    for text in ["", "A", "a1", "a b", "a\0", &"a".repeat(33)] {
        assert_eq!(text.parse::<DocumentKind>(), Err(DocumentError::Kind), "{text:?}");
    }
    for text in ["", "A", "a_b", "a\0", "ä", &"a".repeat(65)] {
        assert_eq!(text.parse::<DocumentId>(), Err(DocumentError::Id), "{text:?}");
    }
    assert_eq!(id("2001:db8::/32").as_str(), "2001:db8::/32");
    const KIND: DocumentKind = DocumentKind::from_static("relay-test");
    assert_eq!(KIND, kind("relay-test"));
    let make = |group: usize, body: usize| {
        Document::new(KIND, id("1"), vec![0; group], None, vec![0; body])
    };
    assert!(make(64, 256 << 10).is_ok());
    assert_eq!(make(65, 0), Err(DocumentError::Group(65)));
    assert_eq!(make(0, (256 << 10) + 1), Err(DocumentError::Body((256 << 10) + 1)));
}

#[test]
fn large_entries_of_the_log_are_read_a_few_at_a_time() {
    let fixture = Fixture::new();
    for n in 0..40u8 {
        let large = document("test", "1", &vec![n; Document::MAX_BODY]);
        fixture.together(vec![put_document(&large, Precondition::None)]).unwrap();
    }
    let (mut seqs, mut reads) = (Vec::new(), 0);
    loop {
        let after = seqs.last().copied().unwrap_or(0);
        let entries = fixture.store.read(NOW).log_after(after, 1000).unwrap().unwrap();
        if entries.is_empty() {
            break;
        }
        assert!(entries.len() <= 18, "{}", entries.len());
        seqs.extend(entries.iter().map(|entry| entry.seq));
        reads += 1;
    }
    assert!(reads > 2);
    assert_eq!(seqs, (1..=41).collect::<Vec<_>>());
}

/// Newcomer A3: one relay test wrote dozens of audit records.
#[test]
fn a_step_is_in_the_log_and_not_in_the_audit() {
    let fixture = Fixture::new();
    let before = fixture
        .store
        .read(NOW)
        .audit_before(u64::MAX, 100, usize::MAX, |_| true)
        .unwrap()
        .records
        .len();
    let step = put_document(&document("a", "1", b"x").as_step(), Precondition::Absent);
    let done = fixture.together(vec![step]).unwrap();
    let reader = fixture.store.read(NOW);
    assert_eq!(
        reader.audit_before(u64::MAX, 100, usize::MAX, |_| true).unwrap().records.len(),
        before
    );
    assert_eq!(reader.head().unwrap(), done.seq);
    assert_eq!(reader.log_after(done.seq - 1, 9).unwrap().unwrap().len(), 1);
    drop(reader);
    // Said again as more than a step it changes nothing.
    let same = fixture.together(vec![put_document(&document("a", "1", b"x"), Precondition::None)]);
    assert_eq!(same.unwrap().seq, done.seq);
    fixture.together(vec![put_document(&document("a", "1", b"y"), Precondition::None)]).unwrap();
    let audited =
        fixture.store.read(NOW).audit_before(u64::MAX, 100, usize::MAX, |_| true).unwrap().records;
    assert_eq!((audited.len(), audited[0].action.as_str()), (before + 1, "a-put"));
}
