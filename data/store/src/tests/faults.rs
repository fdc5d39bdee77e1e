//! An error leaves nothing: whichever read of a change fails, database, writer's state and index are as
//! before, and the next change finds them so.

use dnsbl_types::{
    AccessKey, Day, ListingBody, Quota, Recognition, Subscriber, SubscriberId, SubscriberKey, Usage,
};
use rocksdb::IteratorMode;

use super::{NOW, Writer, delete, note, origin, put, put_zone, source};
use crate::{
    Actor, Change, ChangeError, Document, DocumentId, DocumentKind, MintedToken, Operation,
    Precondition, Sources, Spent, StoreError, SubscriberFilter, Terms, TokenRecord, UsageRow,
    format::{
        key::SegmentKey,
        schema::{self, cf},
    },
    read::view::fault,
};

/// A digest of all that the database has, but for the rows of imports that no zone names yet.
fn digest(writer: &Writer) -> [blake3::Hash; schema::FAMILIES.len()] {
    let named: Vec<SegmentKey> =
        writer.state.zones.values().flat_map(|zone| &zone.segments).map(|s| s.key).collect();
    let db = &writer.store.db.rocks;
    let kept = crate::read::undo::read_segments(&crate::read::view::View::latest(db)).unwrap();
    schema::FAMILIES.map(|family| {
        let mut hasher = blake3::Hasher::new();
        let rows = db.iterator_cf(cf(db, family), IteratorMode::Start).map(Result::unwrap);
        for (key, value) in rows {
            let is_unnamed =
                |named: &[SegmentKey]| !named.contains(&SegmentKey::read(&key).unwrap());
            if family == schema::LISTINGS && is_unnamed(&named)
                || family == schema::UNDO_ROWS && is_unnamed(&kept)
            {
                continue;
            }
            hasher.update(&key.len().to_be_bytes()).update(&key).update(&value);
        }
        hasher.finalize()
    })
}

/// Makes the first read of a change fail, then the second, and so on, until it needs no more; how many it
/// needs.
fn fail_each_read(
    writer: &mut Writer,
    mut operations: impl FnMut(&mut Writer) -> Vec<Operation>,
) -> u64 {
    for reads in 0.. {
        let operations = operations(writer);
        let (rows, state) = (digest(writer), format!("{:?}", writer.state));
        fault::after(Some(reads));
        let change = Change { actor: Actor::server(), operations };
        let (result, finished) = writer.decide(change, NOW);
        let has_struck = fault::has_struck();
        fault::after(None);
        if !has_struck {
            result.unwrap();
            writer.store.db.rocks.write(finished.writes).unwrap();
            return reads;
        }
        assert!(matches!(result, Err(ChangeError::Store(_))), "read {reads}: {result:?}");
        assert!(finished.writes.is_empty(), "read {reads}: {} writes", finished.writes.len());
        assert!(finished.effects.is_empty() && finished.touched.is_empty(), "read {reads}");
        assert!(format!("{:?}", writer.state) == state, "read {reads}");
        assert_eq!(digest(writer), rows, "read {reads}");
    }
    unreachable!("a change that reads for ever")
}

/// A zone in which a subject is listed by several sources, in blocks, rows of their own and behind a
/// tombstone.
fn layered() -> Writer {
    let mut writer = Writer::new();
    writer.commit(writer.stage(0..50, &ListingBody::default())).unwrap();
    writer.commit(writer.stage(10..60, &ListingBody::default())).unwrap();
    for by in ["a", "b", "feed"] {
        writer.commit(put("8.0.0.20", by, note(by))).unwrap();
        writer.commit(put("8.0.0.21", by, note(by))).unwrap();
    }
    writer
}

fn document(id: &str, due: Option<u64>, body: u8) -> Operation {
    let due = due.map(dnsbl_types::UnixTime);
    let document = Document::new(kind(), id_of(id), b"group".to_vec(), due, vec![body]).unwrap();
    Operation::PutDocument { document: Box::new(document), precondition: Precondition::None }
}

fn kind() -> DocumentKind {
    DocumentKind::from_static("test")
}

fn id_of(text: &str) -> DocumentId {
    text.parse().unwrap()
}

fn token(number: u8, parent: Option<&TokenRecord>) -> TokenRecord {
    let random = [number; MintedToken::RANDOM];
    let minted = MintedToken::mint(random, format!("token-{number}"), vec![], NOW, None);
    let mut token = minted.record;
    token.parent = parent.map(|parent| parent.id.clone());
    token
}

#[test]
fn a_read_that_fails_leaves_nothing_of_a_change_of_a_zone() {
    let mut writer = layered();
    assert!(fail_each_read(&mut writer, |_| vec![put_zone("new.example.org", 60)]) > 0);
    fail_each_read(&mut writer, |_| vec![put_zone("bl.example.org", 61)]);
    fail_each_read(&mut writer, |_| vec![Operation::DeleteZone(origin())]);
    assert!(fail_each_read(&mut writer, |_| vec![put_zone("bl.example.org", 62)]) > 0);
}

#[test]
fn a_read_that_fails_leaves_nothing_of_a_change_of_listings() {
    let mut writer = layered();
    let new = fail_each_read(&mut writer, |_| vec![put("192.0.2.1", "new", note("x"))]);
    assert!(new >= 2, "the rows of each segment are looked for: {new}");
    // Review of the first release: the read of another source's segment came after the row was written.
    assert!(fail_each_read(&mut writer, |_| vec![put("8.0.0.20", "a", note("y"))]) >= 4);
    // Out of its block, which is read whole.
    assert!(fail_each_read(&mut writer, |_| vec![put("8.0.0.30", "feed", note("y"))]) >= 4);
    let one = || Sources::One(source("feed"));
    fail_each_read(&mut writer, |_| vec![delete("8.0.0.31", one())]);
    fail_each_read(&mut writer, |_| vec![delete("8.0.0.21", one())]);
    fail_each_read(&mut writer, |_| vec![delete("8.0.0.20", Sources::All)]);
    assert_eq!(
        writer.store.read(NOW).listings_of(&origin(), &super::subject("8.0.0.20")).unwrap(),
        []
    );
}

#[test]
fn a_read_that_fails_leaves_nothing_of_a_change_of_documents() {
    let mut writer = layered();
    assert!(fail_each_read(&mut writer, |_| vec![document("1", Some(5), 1)]) > 0);
    fail_each_read(&mut writer, |_| vec![document("1", Some(6), 2)]);
    let delete = |_: &mut Writer| {
        vec![Operation::DeleteDocument {
            kind: kind(),
            id: id_of("1"),
            precondition: Precondition::None,
        }]
    };
    assert!(fail_each_read(&mut writer, delete) > 0);
}

#[test]
fn a_read_that_fails_leaves_nothing_of_a_transaction() {
    let mut writer = layered();
    let operations = |_: &mut Writer| {
        vec![
            document("1", None, 1),
            put("8.0.0.20", "a", note("z")),
            put("8.0.0.40", "feed", note("z")),
            document("1", Some(9), 2),
            delete("8.0.0.21", Sources::All),
            put("198.51.100.0/24", "another", note("z")),
        ]
    };
    assert!(fail_each_read(&mut writer, operations) > 10);
    assert_eq!(writer.store.read(NOW).log_entry(writer.state.head).unwrap().unwrap().ops.len(), 8);
}

#[test]
fn a_read_that_fails_leaves_nothing_of_a_change_of_tokens() {
    let mut writer = layered();
    let parent = token(1, None);
    assert!(fail_each_read(&mut writer, |_| vec![Operation::PutToken(token(1, None))]) > 0);
    fail_each_read(&mut writer, |_| vec![Operation::PutToken(token(2, Some(&parent)))]);
    let delete =
        |_: &mut Writer| vec![Operation::DeleteToken { id: parent.id.clone(), keep: None }];
    assert!(fail_each_read(&mut writer, delete) > 2);
    assert_eq!(writer.store.read(NOW).tokens().unwrap(), []);
}

#[test]
fn a_read_that_fails_leaves_nothing_of_a_change_of_subscribers() {
    let mut writer = layered();
    let put = |number, name: &str, network: &str| {
        let digest = AccessKey::from_random([number; AccessKey::RANDOM]).digest();
        let subscriber = Subscriber {
            id: SubscriberId(number.into()),
            name: name.into(),
            zones: vec![origin()],
            networks: vec![network.parse().unwrap()],
            recognition: Recognition::Either,
            quota: Quota::default(),
            expires_at: None,
            keys: vec![SubscriberKey { digest, created_at: NOW, until: None }],
            note: None,
            created_at: NOW,
        };
        let precondition = Precondition::None;
        vec![Operation::PutSubscriber { subscriber: Box::new(subscriber), precondition }]
    };
    let new = fail_each_read(&mut writer, |_| put(1, "one", "192.0.2.0/24"));
    assert!(new >= 3, "itself, its name and its network are looked for: {new}");
    fail_each_read(&mut writer, |_| put(2, "two", "192.0.2.0/25"));
    assert!(fail_each_read(&mut writer, |_| put(1, "ONE", "192.0.2.0/26")) >= 4);
    let id = SubscriberId(1);
    let rotate = |_: &mut Writer| {
        let digest = AccessKey::from_random([9; AccessKey::RANDOM]).digest();
        let precondition = Precondition::None;
        vec![Operation::RotateSubscriber { id, digest, overlap: 5, precondition }]
    };
    assert!(fail_each_read(&mut writer, rotate) > 0);
    let delete =
        |_: &mut Writer| vec![Operation::DeleteSubscriber { id, precondition: Precondition::None }];
    assert!(fail_each_read(&mut writer, delete) > 0);
    let all = writer.store.read(NOW).subscribers(&SubscriberFilter::default(), None, 9).unwrap();
    assert_eq!((all.len(), writer.state.subscribers), (1, 1));
}

#[test]
fn a_read_that_fails_leaves_nothing_of_an_import() {
    let mut writer = layered();
    fail_each_read(&mut writer, |writer| vec![writer.stage(20..70, &note("x"))]);
    // What the source says has changed since the import was decided, so that it is decided again.
    let mut tries = 0;
    let overtaken = |writer: &mut Writer| {
        let staged = writer.stage(30..80, &note("y"));
        tries += 1;
        writer.commit(put("8.0.0.25", "feed", note(&format!("meanwhile {tries}")))).unwrap();
        vec![staged]
    };
    assert!(fail_each_read(&mut writer, overtaken) > 10);
    let together = vec![writer.stage(0..9, &note("x")), put("8.0.0.25", "feed", note("too"))];
    assert!(matches!(writer.commit_all(together), Err(ChangeError::NotAlone)));
}

#[test]
fn a_read_that_fails_leaves_nothing_of_housekeeping() {
    let mut writer = layered();
    let soon = ListingBody { expires_at: Some(NOW), ..note("x") };
    for at in ["192.0.2.1", "192.0.2.2", "8.0.0.20"] {
        writer.commit(put(at, "a", soon.clone())).unwrap();
    }
    assert!(fail_each_read(&mut writer, |_| vec![Operation::Sweep]) > 6);
    assert!(fail_each_read(&mut writer, |_| vec![Operation::CompactSegments]) > 10);
    while writer.state.zones[&origin()].count_sources()
        < writer.state.zones[&origin()].segments.len()
    {
        writer.commit(Operation::CompactSegments).unwrap();
    }
    let truncate = |writer: &mut Writer| vec![Operation::TruncateLog { floor: writer.state.head }];
    assert!(fail_each_read(&mut writer, truncate) > 0);
}

#[test]
fn a_change_that_fails_leaves_those_of_its_batch_as_they_are() {
    let mut bytes = Vec::new();
    for with_failure in [false, true] {
        let mut writer = layered();
        let mut batch = crate::write::batch::Batch::new(&writer.store.db, &mut writer.state, NOW);
        for good in [put("8.0.0.20", "a", note("1")), put("8.0.0.40", "feed", note("2"))] {
            batch.add(Change::new(Actor::server(), good), Terms::default()).unwrap();
            if with_failure {
                fault::after(Some(1));
                let operations =
                    vec![put("8.0.0.20", "b", note("3")), put("8.0.0.41", "feed", note("3"))];
                let failed =
                    batch.add(Change { actor: Actor::server(), operations }, Terms::default());
                fault::after(None);
                assert!(matches!(failed, Err(ChangeError::Store(_))), "{failed:?}");
            }
        }
        bytes.push(batch.finish().writes.data().to_vec());
    }
    assert!(bytes[0] == bytes[1]);
}

#[test]
fn a_read_that_fails_leaves_nothing_of_usage() {
    let writer = layered();
    let row = |zone: &str| UsageRow {
        day: Day(7),
        subscriber: SubscriberId(1),
        zone: zone.parse().unwrap(),
        usage: Usage { questions: 5, listed: 1, refused: 0 },
    };
    let rows = [row("a.example.org"), row("b.example.org")];
    let spent = Spent { day: Day(7), subscribers: vec![(SubscriberId(1), 5)], others: vec![] };
    for (reads, fails) in [(0, true), (1, true), (2, true), (3, false)] {
        let before = digest(&writer);
        fault::after(Some(reads));
        let added = writer.store.add_usage(&rows, &spent);
        let has_struck = fault::has_struck();
        fault::after(None);
        assert_eq!((has_struck, added.is_err()), (fails, fails), "read {reads}");
        assert_eq!(digest(&writer) == before, fails, "read {reads}");
    }
    assert!(writer.store.failure().is_none());
    // After a write that failed there is none.
    writer.store.db.set_failed(crate::db::Failure { reason: "full".into(), full: true });
    let before = digest(&writer);
    assert!(matches!(writer.store.add_usage(&rows, &spent), Err(StoreError::Unwritable(_))));
    assert_eq!(digest(&writer), before);
}

#[test]
fn a_read_that_fails_leaves_nothing_of_an_undo_or_a_purge() {
    let mut writer = layered();
    let put = writer.commit(put("192.0.2.1", "new", note("x"))).unwrap().seq;
    assert!(fail_each_read(&mut writer, |_| vec![Operation::Undo { seq: put }]) >= 3);
    let zone = writer.commit(put_zone("bl.example.org", 99)).unwrap().seq;
    assert!(fail_each_read(&mut writer, |_| vec![Operation::Undo { seq: zone }]) > 0);
    let freeze = |why: Option<&str>| {
        let frozen = why.map(Into::into);
        vec![Operation::PutSource { zone: origin(), source: source("a"), frozen }]
    };
    fail_each_read(&mut writer, |_| freeze(Some("why")));
    fail_each_read(&mut writer, |_| freeze(None));
    let selection = || crate::Selection { source: Some(source("feed")), ..Default::default() };
    let count = |writer: &Writer| {
        let filter = crate::Filter { source: Some(source("feed")), ..crate::Filter::all() };
        let mut count = 0;
        let visit = |_| {
            count += 1;
            true
        };
        writer.store.read(NOW).each(&origin(), &filter, || false, visit).unwrap();
        count
    };
    let purge = |writer: &mut Writer| {
        let expect = Some(count(writer));
        vec![writer.store.stage_purge(&[origin()], selection(), expect, false, NOW).unwrap()]
    };
    fail_each_read(&mut writer, purge);
    let of = writer.state.head;
    fail_each_read(&mut writer, |writer| vec![writer.store.stage_undo(of, false, NOW).unwrap()]);
    // What the source says has changed since it was decided, so that it is decided again.
    let mut tries = 0;
    let overtaken = |writer: &mut Writer| {
        let staged = purge(writer);
        tries += 1;
        writer.commit(super::put("8.0.0.25", "feed", note(&format!("meanwhile {tries}")))).unwrap();
        staged
    };
    assert!(fail_each_read(&mut writer, overtaken) > 10);
    let before = writer.state.head;
    let forget = |_: &mut Writer| vec![Operation::ForgetUndo { before }];
    assert!(fail_each_read(&mut writer, forget) > 0);
}
