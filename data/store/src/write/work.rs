//! How much of RocksDB housekeeping walks over: counted, not timed.

use std::collections::HashMap;

use dnsbl_types::{ListingBody, Name, Source, UnixTime, ZoneKind, ZoneSpec};
use rocksdb::perf::{PerfContext, PerfMetric, PerfStatsLevel, set_perf_stats};
use tempfile::TempDir;

use crate::{
    Actor, Change, Done, ImportLimits, ImportMode, Outcome, Store,
    read::state,
    write::{
        sweep::Swept,
        transaction::{Group, Ledger},
    },
};

const NOW: UnixTime = UnixTime(1_700_000_000);
const ROWS: u32 = 20_000;

/// A store whose writer is this thread.
struct Writer {
    store: Store,
    ledger: Ledger,
    _dir: TempDir,
}

impl Writer {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let view = store.read(NOW).view;
        let ledger = Ledger {
            zones: state::read_zones(&view).unwrap(),
            head: 0,
            epoch: 1,
            next_zone: 1,
            swept: Swept::read(&view).unwrap(),
            folding: None,
            copies: HashMap::new(),
        };
        drop(view);
        let mut writer = Self { store: store.clone(), ledger, _dir: dir };
        let ns: Name = "ns.example.net".parse().unwrap();
        let spec = ZoneSpec::new(origin(), ZoneKind::Ip, vec![ns], "$".parse().unwrap());
        let zone = Box::new(spec.check().unwrap());
        writer.change(Change::PutZone { zone, serial_floor: None });
        writer
    }

    fn change(&mut self, change: Change) -> Done {
        let inner = &self.store.inner;
        let mut group =
            Group::new(&inner.db, &mut self.ledger, &inner.next_segment, &inner.staged, NOW);
        let done = group.decide(&Actor::server(), change).unwrap();
        inner.db.write(group.finish().0).unwrap();
        done
    }

    fn import(&mut self, rows: std::ops::Range<u32>, body: &ListingBody) {
        let source: Source = "feed".parse().unwrap();
        let mut staging = self.store.stage(&origin(), source).unwrap();
        for n in rows {
            let addr = std::net::Ipv4Addr::from(0x0800_0000 + n);
            staging.put(&addr.into(), body).unwrap();
        }
        let limits = ImportLimits { allow_rejected: false, max_removed: 1.0 };
        let staged = staging.finish(ImportMode::ReplaceSource(limits), false, UnixTime(1));
        self.change(Change::CommitImport(Box::new(staged.unwrap())));
    }

    /// Repeats a change until nothing is left to do: how many deleted keys were walked over.
    fn walked_over(&mut self, make: impl Fn() -> Change) -> u64 {
        set_perf_stats(PerfStatsLevel::EnableCount);
        let mut context = PerfContext::default();
        context.reset();
        let mut steps = 0;
        while matches!(self.change(make()).outcome, Outcome::Count(1..)) {
            steps += 1;
        }
        assert!(steps > 50, "{steps} steps");
        context.metric(PerfMetric::InternalDeleteSkippedCount)
    }
}

fn origin() -> Name {
    "bl.example.org".parse().unwrap()
}

/// Durability F8: each step of the sweep walked over all that the steps before it had deleted.
#[test]
fn a_sweep_of_many_rows_walks_over_each_once() {
    let mut writer = Writer::new();
    let expired = ListingBody { expires_at: Some(NOW), ..ListingBody::default() };
    writer.import(0..ROWS, &expired);
    let walked = writer.walked_over(|| Change::Sweep);
    assert_eq!(writer.ledger.zones[&origin()].listings, 0);
    assert!(walked < 3 * u64::from(ROWS), "{walked} deleted keys for {ROWS} rows");
    let (reader, context) = (writer.store.read(NOW), &mut PerfContext::default());
    context.reset();
    assert_eq!(reader.zone(&origin()).unwrap().unwrap().listings, 0);
    let counted = context.metric(PerfMetric::InternalDeleteSkippedCount);
    assert!(counted < 100, "a count starts where the sweep is: {counted}");
}

/// Durability F8: each step of a fold walked over all that the steps before it had moved.
#[test]
fn a_fold_of_many_rows_walks_over_each_once() {
    let mut writer = Writer::new();
    let note = ListingBody { note: Some("x".into()), ..ListingBody::default() };
    writer.import(0..2 * ROWS, &note);
    // Leaves a tombstone for each of the first half.
    writer.import(ROWS..2 * ROWS, &note);
    let walked = writer.walked_over(|| Change::Fold);
    assert_eq!(writer.ledger.zones[&origin()].segments.len(), 1);
    assert!(walked < 3 * u64::from(ROWS), "{walked} deleted keys for {ROWS} rows");
}
