//! Response rate limiting: how many answers of one kind a network is sent over UDP.
//!
//! Who sends queries in somebody else's name would have us flood that network. Each network has for each kind
//! of answer a *debt*, by the generic cell rate algorithm (GCRA): an answer adds 1 / rate, and time takes it
//! away; beyond [`TOLERANCE`] there is no answer. A network without debt is like one that never asked, so
//! that its place in the table is free for another. The table is as large as it will ever be, and all workers
//! share it without a lock.

use std::{
    array,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Instant,
};

use prometheus::{IntCounter, IntCounterVec, Opts};
use siphasher::sip::SipHasher13;

use super::answer::Reply;
use crate::config;

/// Networks of a set, which is what one cache line holds.
const WAYS: usize = 8;
/// Sets of the table. It takes 256 KiB, and holds 32,768 networks that have a debt at the same moment.
const SETS: usize = 1 << 12;
/// The bits of an entry that say when its debt is gone; the others tell networks apart.
const TIME_BITS: u32 = 48;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// Ticks in a microsecond. Their count begins anew after 50 days.
const TICKS_PER_US: u64 = 64;
const TICKS_PER_SECOND: u64 = 1_000_000 * TICKS_PER_US;
/// What may be sent in one moment: what the rate gives in a quarter of a second, and one.
const TOLERANCE: u64 = TICKS_PER_SECOND / 4;
/// The largest debt that there is, with all that clocks of two workers may be apart. What seems larger is a
/// time from before the count began anew.
const LARGEST_DEBT: u64 = 2 * TICKS_PER_SECOND;

/// The kind of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResultClass {
    /// The records of a listing.
    Listed,
    /// NXDOMAIN and NODATA (RFC 2308).
    Negative,
    /// The records of a zone's own and the server's, which are asked for rarely and may be long.
    ZoneRecords,
    /// REFUSED, SERVFAIL, and what is wrong with a query.
    Error,
}

const CLASSES: usize = 4;

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is sent.
    Answered,
    /// TC is sent in its place: whoever really asks comes back by TCP.
    Slipped,
    /// Nothing is sent.
    Dropped,
}

/// The limiter of all workers.
pub(crate) struct RateLimiter {
    settings: config::RateLimit,
    /// What an answer of each class adds to a debt, in ticks; `None`: nothing.
    costs: [Option<u64>; CLASSES],
    debts: Arc<Debts>,
    key: SipHasher13,
    began: Instant,
    /// Answers that were not sent as they are.
    limited: AtomicU32,
    counters: RateLimitCounters,
}

/// The counters of answers that were limited.
#[derive(Clone)]
pub(crate) struct RateLimitCounters {
    slipped: IntCounter,
    dropped: IntCounter,
    dry_run: IntCounter,
}

/// The debts of networks.
struct Debts(Box<[Set]>);

/// Entries that one cache line holds.
#[derive(Default)]
#[repr(align(64))]
struct Set([AtomicU64; WAYS]);

impl ResultClass {
    /// The class of this reply.
    pub(super) fn of(reply: &Reply<'_>) -> Self {
        match reply {
            Reply::ListedA { .. }
            | Reply::ListedTxt { .. }
            | Reply::ForgedA { .. }
            | Reply::ForgedTxt { .. } => Self::Listed,
            Reply::NxDomain { .. } | Reply::NoData { .. } => Self::Negative,
            Reply::ZoneRrset { .. } => Self::ZoneRecords,
            Reply::Refused | Reply::ServFail => Self::Error,
        }
    }
}

impl RateLimiter {
    /// A limiter; `key` decides which networks share a set, and nobody else may know it.
    pub(crate) fn new(
        settings: config::RateLimit,
        key: [u8; 16],
        counters: RateLimitCounters,
        now: Instant,
    ) -> Self {
        Self {
            costs: costs(&settings),
            settings,
            debts: Arc::new(Debts((0..SETS).map(|_| Set::default()).collect())),
            key: SipHasher13::new_with_key(&key),
            began: now,
            limited: AtomicU32::new(0),
            counters,
        }
    }

    /// A limiter with other settings, for which every network has the debt that it has.
    pub(crate) fn with_settings(&self, settings: config::RateLimit) -> Self {
        Self {
            costs: costs(&settings),
            settings,
            debts: self.debts.clone(),
            key: self.key,
            began: self.began,
            limited: AtomicU32::new(0),
            counters: self.counters.clone(),
        }
    }

    /// Decides what becomes of an answer of a class to a client, and counts that.
    pub(super) fn admit(&self, client: IpAddr, class: ResultClass, now: Instant) -> Admission {
        let Some(cost) = self.costs[class as usize] else { return Admission::Answered };
        let client = client.to_canonical();
        let network = self.key.hash(&network(client, class).to_le_bytes());
        if self.debts.charge(network, self.ticks(now), cost) {
            return Admission::Answered;
        }
        if self.settings.exempt.iter().any(|exempt| exempt.contains(&client)) {
            return Admission::Answered;
        }
        if self.settings.dry_run {
            self.counters.dry_run.inc();
            return Admission::Answered;
        }
        if self.slips(class) {
            self.counters.slipped.inc();
            Admission::Slipped
        } else {
            self.counters.dropped.inc();
            Admission::Dropped
        }
    }

    /// Whether it is the turn of an answer that is not sent to be sent as TC. An error would be no other over
    /// TCP.
    fn slips(&self, class: ResultClass) -> bool {
        let every = self.settings.slip;
        every > 0
            && class != ResultClass::Error
            && self.limited.fetch_add(1, Ordering::Relaxed).is_multiple_of(every)
    }

    fn ticks(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.began);
        let part = u64::from(passed.subsec_nanos()) * TICKS_PER_US / 1_000;
        passed.as_secs().wrapping_mul(TICKS_PER_SECOND).wrapping_add(part) & TIME_MASK
    }
}

/// What an answer of each class adds to a debt.
fn costs(settings: &config::RateLimit) -> [Option<u64>; CLASSES] {
    let rates = [settings.listed, settings.negative, settings.zone_records, settings.errors];
    rates.map(|rate| TICKS_PER_SECOND.checked_div(rate.into()))
}

/// The number of a client's network, a /24 or a /56, and a class.
fn network(client: IpAddr, class: ResultClass) -> u64 {
    let network = match client {
        IpAddr::V4(addr) => u64::from(addr.to_bits() >> 8),
        IpAddr::V6(addr) => 1 << 56 | (addr.to_bits() >> 72) as u64,
    };
    (class as u64) << 57 | network
}

impl Debts {
    /// Adds `cost` to the debt of a network, unless that is too large; whether it was added.
    ///
    /// Where as many networks as a set holds have a debt the smallest of these is forgotten: nobody ever pays
    /// for others.
    fn charge(&self, network: u64, now: u64, cost: u64) -> bool {
        let Set(entries) = &self.0[network as usize % SETS];
        let tag = network >> TIME_BITS;
        loop {
            let (entry, seen, debt) = find(entries, tag, now);
            if debt > TOLERANCE {
                return false;
            }
            let paid_off = now.wrapping_add(debt + cost) & TIME_MASK;
            let owed = tag << TIME_BITS | paid_off;
            if entry.compare_exchange(seen, owed, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return true;
            }
        }
    }
}

/// The entry of a network or else the one whose place it takes, with what it said, and the network's debt.
fn find(entries: &[AtomicU64; WAYS], tag: u64, now: u64) -> (&AtomicU64, u64, u64) {
    let seen = array::from_fn::<_, WAYS, _>(|way| entries[way].load(Ordering::Relaxed));
    if let Some(way) = seen.iter().position(|entry| entry >> TIME_BITS == tag) {
        return (&entries[way], seen[way], debt(seen[way], now));
    }
    let mut least = (0, u64::MAX);
    for (way, &entry) in seen.iter().enumerate() {
        let debt = debt(entry, now);
        if debt < least.1 {
            least = (way, debt);
        }
    }
    (&entries[least.0], seen[least.0], 0)
}

/// The debt that an entry tells of, in ticks.
fn debt(entry: u64, now: u64) -> u64 {
    let left = (entry & TIME_MASK).wrapping_sub(now) & TIME_MASK;
    if left > LARGEST_DEBT { 0 } else { left }
}

impl RateLimitCounters {
    /// The counters; the collector is to be registered.
    pub(crate) fn new() -> Result<(Self, IntCounterVec), prometheus::Error> {
        let opts = Opts::new(
            "dnsbl_rate_limited_total",
            "Answers over UDP beyond the rate of a network, by what became of them",
        );
        let all = IntCounterVec::new(opts, &["action"])?;
        let counter = |action| all.with_label_values(&[action]);
        let counters = Self {
            slipped: counter("slipped"),
            dropped: counter("dropped"),
            dry_run: counter("dry-run"),
        };
        Ok((counters, all))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, Ipv6Addr},
        sync::{Barrier, atomic::AtomicUsize},
        thread,
        time::Duration,
    };

    use proptest::{collection::vec, prelude::*};

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn settings() -> config::RateLimit {
        config::RateLimit {
            listed: 10_000,
            negative: 1_000,
            zone_records: 10,
            errors: 1_000,
            slip: 1,
            exempt: vec![],
            dry_run: false,
        }
    }

    fn limiter(settings: config::RateLimit, now: Instant) -> RateLimiter {
        RateLimiter::new(settings, [7; 16], RateLimitCounters::new().unwrap().0, now)
    }

    fn addr(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many of a flood of answers in one moment are sent.
    fn sent_of(limiter: &RateLimiter, client: &str, class: ResultClass, now: Instant) -> usize {
        let admit = |_: &usize| limiter.admit(addr(client), class, now) == Admission::Answered;
        (0..20_000).filter(admit).count()
    }

    #[test]
    fn a_network_gets_a_quarter_of_a_second_at_once_and_then_its_rate() {
        let began = Instant::now();
        let limiter = limiter(settings(), began);
        let sent = |ms| sent_of(&limiter, "192.0.2.1", ResultClass::Listed, began + ms * MS);
        assert_eq!(sent(0), 2_501);
        assert_eq!(sent(0), 0);
        assert_eq!(sent(10), 100);
        assert_eq!(sent(11), 10);
        assert_eq!(sent(10_000), 2_501);
    }

    #[test]
    fn networks_and_classes_are_counted_apart() {
        use ResultClass::{Error, Listed, Negative, ZoneRecords};
        let now = Instant::now();
        let limiter = limiter(settings(), now);
        let sent = |client, class| sent_of(&limiter, client, class, now);
        assert_eq!(sent("192.0.2.1", Listed), 2_501);
        for class_and_rate in [(Negative, 251), (ZoneRecords, 3), (Error, 251)] {
            assert_eq!(sent("192.0.2.1", class_and_rate.0), class_and_rate.1);
        }
        for (client, count) in [
            ("192.0.2.255", 0),
            ("::ffff:192.0.2.9", 0),
            ("192.0.3.1", 2_501),
            ("2001:db8::1", 2_501),
            ("2001:db8:0:ff::1", 0),
            ("2001:db8:0:100::1", 2_501),
        ] {
            assert_eq!(sent(client, Listed), count, "{client}");
        }
    }

    #[test]
    fn every_nth_answer_that_is_not_sent_slips_but_no_error() {
        let now = Instant::now();
        for (slip, slipped) in [(0, 0), (1, 900), (2, 450), (3, 300)] {
            let limiter = limiter(config::RateLimit { slip, ..settings() }, now);
            let admit = |class| limiter.admit(addr("192.0.2.1"), class, now);
            let count = |class, admission| (0..900).filter(|_| admit(class) == admission).count();
            assert_eq!(count(ResultClass::ZoneRecords, Admission::Answered), 3);
            assert_eq!(count(ResultClass::ZoneRecords, Admission::Slipped), slipped, "{slip}");
            assert_eq!(count(ResultClass::Error, Admission::Slipped), 0);
        }
    }

    #[test]
    fn what_is_exempt_has_no_rate_or_where_nothing_is_limited_is_answered() {
        let now = Instant::now();
        let exempt = vec!["192.0.2.0/28".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let limited = limiter(config::RateLimit { exempt, negative: 0, ..settings() }, now);
        let sent = |client, class| sent_of(&limited, client, class, now);
        assert_eq!(sent("192.0.2.1", ResultClass::Listed), 20_000);
        assert_eq!(sent("192.0.2.99", ResultClass::Listed), 0);
        assert_eq!(sent("2001:db8::1", ResultClass::Listed), 20_000);
        assert_eq!(sent("198.51.100.1", ResultClass::Negative), 20_000);
        let dry = limiter(config::RateLimit { dry_run: true, ..settings() }, now);
        assert_eq!(sent_of(&dry, "192.0.2.1", ResultClass::Listed, now), 20_000);
        assert_eq!(dry.counters.dry_run.get(), 20_000 - 2_501);
        assert_eq!((dry.counters.slipped.get(), dry.counters.dropped.get()), (0, 0));
    }

    /// Issue 13: within 5 %, over 10 s, by two workers.
    #[test]
    fn two_workers_together_keep_the_rate_over_ten_seconds() {
        let began = Instant::now();
        let limiter = limiter(settings(), began);
        let (sent, step) = (AtomicUsize::new(0), Barrier::new(2));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for ms in 0..10_000 {
                        step.wait();
                        let now = began + ms * MS;
                        let admit = |_: &u32| {
                            let admission =
                                limiter.admit(addr("192.0.2.1"), ResultClass::Listed, now);
                            admission == Admission::Answered
                        };
                        sent.fetch_add((0..20).filter(admit).count(), Ordering::Relaxed);
                    }
                });
            }
        });
        let sent = sent.into_inner();
        assert!((95_000..=105_000).contains(&sent), "{sent}");
    }

    /// Spoofed queries come from everywhere; nothing grows by that, and who is flooded stays limited.
    #[test]
    fn a_flood_from_everywhere_fits_the_table_and_frees_nobody_who_is_flooded() {
        let began = Instant::now();
        let limiter = limiter(settings(), began);
        assert_eq!(size_of::<Set>(), 64);
        assert_eq!(limiter.debts.0.len() * size_of::<Set>(), 256 << 10);
        sent_of(&limiter, "192.0.2.1", ResultClass::Listed, began);
        let mut limited = 0;
        for i in 0..200_000u32 {
            let now = began + i / 1_000 * MS;
            let client = Ipv4Addr::from_bits(i.wrapping_mul(0x9e37_79b1));
            let admission = limiter.admit(client.into(), ResultClass::Negative, now);
            limited += u32::from(admission != Admission::Answered);
        }
        assert_eq!(limited, 0);
        let later = began + 200 * MS;
        assert_eq!(sent_of(&limiter, "192.0.2.1", ResultClass::Listed, later), 2_000);
    }

    #[test]
    fn a_count_of_ticks_that_begins_anew_limits_nobody() {
        let began = Instant::now();
        let limiter = limiter(settings(), began);
        let around = Duration::from_micros((1 << TIME_BITS) / TICKS_PER_US);
        for ms in [0, 1, 200] {
            let sent = |at| sent_of(&limiter, "192.0.2.1", ResultClass::ZoneRecords, at);
            let at = began + around + ms * MS - 100 * MS;
            assert!(sent(at) <= 3);
            assert_eq!(sent(at + Duration::from_secs(3)), 3, "{ms}");
        }
    }

    proptest! {
        /// Whatever one network asks, others that stay below their rate are all answered.
        #[test]
        fn networks_that_keep_to_their_rate_lose_nothing_beside_a_flood(
            key in any::<[u8; 16]>(),
            networks in vec(any::<[u8; 3]>(), 1..16),
            flooded in vec(any::<[u8; 3]>(), 1..16),
        ) {
            let flooded: Vec<_> =
                flooded.into_iter().filter(|network| !networks.contains(network)).collect();
            let began = Instant::now();
            let counters = RateLimitCounters::new().unwrap().0;
            let limiter = RateLimiter::new(settings(), key, counters, began);
            let host = |&[a, b, c]: &[u8; 3]| Ipv4Addr::new(a, b, c, 1).into();
            let mut networks = networks;
            networks.sort_unstable();
            networks.dedup();
            for ms in 0..100 {
                let now = began + ms * MS;
                for network in &flooded {
                    for _ in 0..30 {
                        limiter.admit(host(network), ResultClass::Negative, now);
                    }
                }
                for network in &networks {
                    let admission = limiter.admit(host(network), ResultClass::Negative, now);
                    prop_assert_eq!(admission, Admission::Answered);
                }
            }
        }

        /// GCRA: at no time were more answers sent than the rate gives, and what may be sent at once.
        #[test]
        fn no_interval_has_more_answers_than_rate_and_burst(
            waits in vec(0u32..40, 1..400), v6 in any::<bool>(),
        ) {
            let began = Instant::now();
            let limiter = limiter(settings(), began);
            let client = if v6 { Ipv6Addr::LOCALHOST.into() } else { addr("192.0.2.1") };
            let (mut now, mut sent) = (began, Vec::new());
            for wait in waits {
                now += wait * MS / 10;
                for _ in 0..4 {
                    if limiter.admit(client, ResultClass::Negative, now) == Admission::Answered {
                        sent.push(now);
                    }
                }
            }
            for (first, from) in sent.iter().enumerate() {
                for (last, to) in sent.iter().enumerate().skip(first) {
                    let most = 252.0 + (*to - *from).as_secs_f64() * 1_000.0;
                    prop_assert!((last - first + 1) as f64 <= most);
                }
            }
        }
    }
}
