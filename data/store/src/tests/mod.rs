//! Tests of what only the inside of the store shows.

mod faults;
mod history;
mod touched;
mod work;

use dnsbl_types::{ListingBody, Name, Source, Subject, UnixTime, ZoneKind, ZoneSpec};
use tempfile::TempDir;

use crate::{
    Actor, Change, ChangeError, Committed, ImportLimits, ImportMode, Operation, Precondition,
    Sources, Store, Terms,
    write::{
        batch::{Batch, Finished},
        state::WriterState,
    },
};

const NOW: UnixTime = UnixTime(1_700_000_000);

/// A store whose writer is this thread.
struct Writer {
    store: Store,
    state: WriterState,
    _dir: TempDir,
}

impl Writer {
    /// One with a zone.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let state = WriterState::read(&store.db.rocks).unwrap();
        let mut writer = Self { store, state, _dir: dir };
        writer.commit(put_zone("bl.example.org", 60)).unwrap();
        writer
    }

    /// What a change would write, and its result; nothing is written.
    fn decide(
        &mut self,
        change: Change,
        now: UnixTime,
    ) -> (Result<Committed, ChangeError>, Finished) {
        let mut batch = Batch::new(&self.store.db, &mut self.state, now);
        let result = batch.add(change, Terms::default());
        (result, batch.finish())
    }

    fn commit_all(&mut self, operations: Vec<Operation>) -> Result<Committed, ChangeError> {
        let (result, finished) = self.decide(Change { actor: Actor::server(), operations }, NOW);
        self.store.db.rocks.write(finished.writes).unwrap();
        result
    }

    fn commit(&mut self, operation: Operation) -> Result<Committed, ChangeError> {
        self.commit_all(vec![operation])
    }

    /// An import that replaces what its source lists.
    fn stage(&self, rows: std::ops::Range<u32>, body: &ListingBody) -> Operation {
        let mut staging = self.store.stage(&origin(), source("feed")).unwrap();
        for n in rows {
            let addr = std::net::Ipv4Addr::from(0x0800_0000 + n);
            staging.put(&addr.into(), body).unwrap();
        }
        let limits = ImportLimits { allow_rejected: false, max_removed: 1.0 };
        staging.finish(ImportMode::ReplaceSource(limits), false, UnixTime(1)).unwrap().commit()
    }
}

fn origin() -> Name {
    "bl.example.org".parse().unwrap()
}

fn source(name: &str) -> Source {
    name.parse().unwrap()
}

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

fn put_zone(origin: &str, ttl: u32) -> Operation {
    let (origin, ns) = (origin.parse().unwrap(), "ns.example.net".parse().unwrap());
    let mut spec = ZoneSpec::new(origin, ZoneKind::Ip, vec![ns], "$".parse().unwrap());
    spec.ttl = ttl;
    Operation::PutZone { zone: Box::new(spec.check().unwrap()), serial_floor: None }
}

fn put(at: &str, by: &str, body: ListingBody) -> Operation {
    Operation::PutListing {
        zone: origin(),
        subject: subject(at),
        source: source(by),
        body: Box::new(body),
        precondition: Precondition::None,
    }
}

fn delete(at: &str, sources: Sources) -> Operation {
    let precondition = Precondition::None;
    Operation::DeleteListing { zone: origin(), subject: subject(at), sources, precondition }
}

fn note(text: &str) -> ListingBody {
    ListingBody { note: Some(text.into()), ..ListingBody::default() }
}
