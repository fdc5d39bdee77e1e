//! Samples: of every so many queries, one is handed out to who shows what is asked.
//!
//! Nothing waits for that, and nothing is allocated: the queues are as large as they will ever be, and what finds
//! one full is counted and gone. Gaps vary at random around their mean, so that no rhythm of queries hides.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use arrayvec::ArrayVec;
use dnsbl_index::ZoneNumber;
use dnsbl_types::{Name, SubscriberId, UnixTime};

use super::{
    counters::{Outcome, Transport},
    denied::Denied,
    lookup::{Key, Lookup},
};

/// Of so many queries one is sampled, on average.
pub(crate) const EVERY: u32 = 64;
/// Samples that may wait: those of a fifth of a second at two million queries a second.
const WAITING: usize = 8192;
/// Lines of the query log that may wait.
const LINES: usize = 4096;

/// A query, as far as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) client: IpAddr,
    pub(crate) zone: Option<ZoneNumber>,
    pub(crate) outcome: Outcome,
    pub(crate) denied: Option<Denied>,
    pub(crate) subscriber: Option<SubscriberId>,
}

/// A query, as far as it is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedQuery {
    pub(crate) at: UnixTime,
    pub(crate) transport: Transport,
    pub(crate) sample: Sample,
    pub(crate) qtype: u16,
    /// The labels below the zone's origin and below a key, in lower-case wire form.
    pub(crate) labels: ArrayVec<u8, { Name::MAX_LEN }>,
}

/// A hand that takes samples. Each worker has its own.
#[derive(Default)]
pub(crate) struct Sampler {
    top: Option<Tap<Sample>>,
    log: Option<Tap<LoggedQuery>>,
}

/// Where samples come out.
pub(crate) struct Outlet<T> {
    pub(crate) samples: Receiver<T>,
    /// How many found the queue full.
    pub(crate) lost: Arc<AtomicU64>,
}

struct Tap<T> {
    tx: SyncSender<T>,
    lost: Arc<AtomicU64>,
    gap: Gap,
}

/// When the next sample is due.
struct Gap {
    /// The mean.
    every: u32,
    left: AtomicU32,
    random: AtomicU64,
}

impl Sampler {
    /// One that samples queries for counting.
    pub(crate) fn counting(seed: u64) -> (Self, Outlet<Sample>) {
        let (top, outlet) = Tap::new(EVERY, seed, WAITING);
        (Self { top: Some(top), log: None }, outlet)
    }

    /// The same that hands out one of `every` queries to a log as well.
    pub(crate) fn logging(self, every: u32, seed: u64) -> (Self, Outlet<LoggedQuery>) {
        let (log, outlet) = Tap::new(every, !seed, LINES);
        (Self { log: Some(log), ..self }, outlet)
    }

    /// Another hand, with gaps of its own.
    pub(crate) fn another(&self) -> Self {
        Self { top: self.top.as_ref().map(Tap::another), log: self.log.as_ref().map(Tap::another) }
    }

    /// Shows it a query.
    pub(super) fn see(
        &self,
        sample: Sample,
        lookup: &Lookup<'_>,
        transport: Transport,
        at: UnixTime,
    ) {
        if let Some(top) = self.top.as_ref().filter(|top| top.gap.is_due()) {
            top.send(sample);
        }
        if let Some(log) = self.log.as_ref().filter(|log| log.gap.is_due()) {
            let (labels, qtype) = (labels(lookup), lookup.question.qtype);
            log.send(LoggedQuery { at, transport, sample, qtype, labels });
        }
    }
}

/// The labels of a question below the zone's origin and below a key; none outside all zones, where a key might
/// stand anywhere.
fn labels(lookup: &Lookup<'_>) -> ArrayVec<u8, { Name::MAX_LEN }> {
    let Some(zone) = lookup.matched.zone() else { return ArrayVec::new() };
    let name = lookup.question.qname;
    let behind = zone.origin().wire().len() + lookup.key.map_or(0, Key::wire_len);
    let below = &name[..name.len().saturating_sub(behind)];
    ArrayVec::try_from(below).unwrap_or_default()
}

impl<T> Tap<T> {
    fn new(every: u32, seed: u64, room: usize) -> (Self, Outlet<T>) {
        let (tx, samples) = sync_channel(room);
        let lost = Arc::new(AtomicU64::new(0));
        (Self { tx, lost: lost.clone(), gap: Gap::new(every, seed) }, Outlet { samples, lost })
    }

    fn another(&self) -> Self {
        let gap = Gap::new(self.gap.every, self.gap.random());
        Self { tx: self.tx.clone(), lost: self.lost.clone(), gap }
    }

    fn send(&self, sample: T) {
        if self.tx.try_send(sample).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
    }
}

impl Gap {
    fn new(every: u32, seed: u64) -> Self {
        let gap = Self { every: every.max(1), left: AtomicU32::new(0), random: (seed | 1).into() };
        gap.left.store(gap.next(), Relaxed);
        gap
    }

    /// Whether this is the one. Where several share it, some may see the same.
    fn is_due(&self) -> bool {
        let left = self.left.load(Relaxed);
        let is_due = left <= 1;
        self.left.store(if is_due { self.next() } else { left - 1 }, Relaxed);
        is_due
    }

    /// From 1 to just below twice the mean.
    fn next(&self) -> u32 {
        1 + (self.random() >> 33) as u32 % (2 * self.every - 1)
    }

    /// Marsaglia's xorshift, times a constant.
    fn random(&self) -> u64 {
        let mut random = self.random.load(Relaxed);
        random ^= random >> 12;
        random ^= random << 25;
        random ^= random >> 27;
        self.random.store(random, Relaxed);
        random.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the rhythm of who asks, its share of the samples is its share of the queries.
        #[test]
        fn a_rhythm_does_not_hide(period in 1usize..200, seed: u64) {
            let gap = Gap::new(EVERY, seed);
            let queries = 400_000;
            let due: Vec<usize> = (0..queries).filter(|_| gap.is_due()).collect();
            let expected = queries as f64 / f64::from(EVERY);
            prop_assert!((due.len() as f64 - expected).abs() < 0.1 * expected, "{}", due.len());
            let of_one = due.iter().filter(|at| **at % period == 0).count() as f64;
            let expected = expected / period as f64;
            prop_assert!((of_one - expected).abs() < 6.0 * expected.sqrt() + 6.0, "{} of {}", of_one, expected);
        }
    }

    #[test]
    fn of_one_in_one_each_is_taken() {
        let gap = Gap::new(1, 7);
        assert!((0..100).all(|_| gap.is_due()));
    }

    #[test]
    fn what_finds_the_queue_full_is_counted() {
        let (tap, outlet) = Tap::new(1, 7, 3);
        (0..5).for_each(|n| tap.another().send(n));
        assert_eq!(outlet.samples.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(outlet.lost.load(Relaxed), 2);
    }
}
