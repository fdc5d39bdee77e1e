//! How much of RocksDB housekeeping walks over: counted, not timed.

use dnsbl_types::ListingBody;
use rocksdb::perf::{PerfContext, PerfMetric, PerfStatsLevel, set_perf_stats};

use super::{NOW, Writer, note, origin};
use crate::{Operation, OperationResult};

const ROWS: u32 = 20_000;

/// Repeats a step until nothing is left to do: how many deleted keys were walked over.
fn walked_over(writer: &mut Writer, step: impl Fn() -> Operation) -> u64 {
    set_perf_stats(PerfStatsLevel::EnableCount);
    let mut context = PerfContext::default();
    context.reset();
    let mut steps = 0;
    while matches!(writer.commit(step()).unwrap().into_result(), Some(OperationResult::Count(1..)))
    {
        steps += 1;
    }
    assert!(steps > 50, "{steps} steps");
    context.metric(PerfMetric::InternalDeleteSkippedCount)
}

/// Durability F8: each step of the sweep walked over all that the steps before it had deleted.
#[test]
fn a_sweep_of_many_rows_walks_over_each_once() {
    let mut writer = Writer::new();
    let expired = ListingBody { expires_at: Some(NOW), ..ListingBody::default() };
    writer.commit(writer.stage(0..ROWS, &expired)).unwrap();
    let walked = walked_over(&mut writer, || Operation::Sweep);
    assert_eq!(writer.state.zones[&origin()].listings, 0);
    assert!(walked < 3 * u64::from(ROWS), "{walked} deleted keys for {ROWS} rows");
    let (reader, context) = (writer.store.read(NOW), &mut PerfContext::default());
    context.reset();
    assert_eq!(reader.zone(&origin()).unwrap().unwrap().listings, 0);
    let counted = context.metric(PerfMetric::InternalDeleteSkippedCount);
    assert!(counted < 100, "a count starts where the sweep is: {counted}");
}

/// Durability F8: each step of a compaction walked over all that the steps before it had moved.
#[test]
fn a_compaction_of_many_rows_walks_over_each_once() {
    let mut writer = Writer::new();
    writer.commit(writer.stage(0..2 * ROWS, &note("x"))).unwrap();
    // Leaves a tombstone for each of the first half.
    writer.commit(writer.stage(ROWS..2 * ROWS, &note("x"))).unwrap();
    let walked = walked_over(&mut writer, || Operation::CompactSegments);
    assert_eq!(writer.state.zones[&origin()].segments.len(), 1);
    assert!(walked < 3 * u64::from(ROWS), "{walked} deleted keys for {ROWS} rows");
}
