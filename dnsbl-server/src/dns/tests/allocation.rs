//! The fast path does without the allocator.

use allocation_counter::measure;

use super::{
    differential::plain,
    zones::{CLIENT, NOW, service},
};
use crate::dns::{
    answer::answer, counters::Outcome, lookup::look_up, query::Query, reply, wire::PAYLOAD,
};

#[test]
fn reading_answering_and_counting_a_query_allocates_nothing() {
    let service = service();
    let counters = service.counters.workers().next().unwrap();
    let packets = plain();
    let mut bytes = [0; PAYLOAD as usize];
    let (mut query, mut answered) = (Query::EMPTY, 0);
    let mut answer_all = || {
        for packet in &packets {
            let snapshot = service.index.load();
            assert!(query.read(packet));
            let answer = answer(&look_up(&snapshot, query.question(), CLIENT), NOW);
            answered += u32::from(reply::write(packet, &query, &answer, &mut bytes).is_some());
            counters.open().count(
                answer.zone.map(dnsbl_index::IndexedZone::number),
                Outcome::of(&answer.reply),
            );
        }
    };
    // Once to begin with, since the first use of a thread-local makes room for it.
    answer_all();
    let measured = measure(answer_all);
    assert!(answered > 200, "{answered}");
    assert_eq!(measured.count_total, 0);
}
