//! Quotas of those who are no subscribers: what each address, each network and all together have asked.
//!
//! The table is as large as it will ever be, and all workers share it without a lock. Where more ask than a set
//! of places holds, whoever has asked least is forgotten: nobody ever pays for others.

use std::{
    hash::{Hash as _, Hasher as _},
    net::IpAddr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use dnsbl_types::{Allowance, Day, Moment, Name, Quota};
use siphasher::sip::SipHasher13;

/// Places of a set.
const WAYS: usize = 8;
/// Sets of the table. It takes 768 KiB.
const SETS: usize = 1 << 12;

/// What all have asked.
pub(crate) struct QuotaTable {
    sets: Box<[[Place; WAYS]]>,
    /// It decides who shares a set, and nobody else may know it.
    key: OnceLock<SipHasher13>,
}

/// Who is charged for a question.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) enum Payer {
    /// One address.
    Address(IpAddr),
    /// The /24 or /48 around one.
    Network(IpAddr),
    /// Everybody who asks the zone.
    Everybody,
}

#[derive(Default)]
struct Place {
    /// Who has it; 0: nobody.
    owner: AtomicU64,
    allowance: Allowance,
}

impl Default for QuotaTable {
    /// A table that counts nothing before it is started.
    fn default() -> Self {
        let sets = (0..SETS).map(|_| Default::default()).collect();
        Self { sets, key: OnceLock::new() }
    }
}

impl QuotaTable {
    /// Begins to count; `key` decides who shares a set, and nobody else may know it.
    pub(crate) fn start(&self, key: [u8; 16]) {
        self.key.get_or_init(|| SipHasher13::new_with_key(&key));
    }

    /// Takes a question to a zone from what is left of a payer's quota; false if there is none.
    pub(super) fn charge(&self, zone: &Name, payer: Payer, quota: Quota, now: Moment) -> bool {
        if quota == Quota::default() {
            return true;
        }
        // No zone is answered before what was spent has been read.
        let Some(&key) = self.key.get() else { return true };
        let owner = owner(key, zone, payer);
        self.place(owner, now).allowance.take(quota, now)
    }

    fn place(&self, owner: u64, now: Moment) -> &Place {
        let set = &self.sets[owner as usize % SETS];
        let known = set.iter().find(|place| place.owner.load(Relaxed) == owner);
        known.unwrap_or_else(|| occupy(set, owner, now))
    }

    /// What was asked on a day, by what stands for a payer: by those who have asked so much at least.
    pub(crate) fn spent(&self, day: Day, least: u32) -> impl Iterator<Item = (u64, u32)> {
        let places = self.sets.iter().flatten();
        let spent =
            places.map(move |place| (place.owner.load(Relaxed), place.allowance.asked_on(day)));
        spent.filter(move |&(owner, asked)| owner != 0 && asked >= least)
    }

    /// Adds what was spent on a day before this began to count.
    pub(crate) fn restore(&self, day: Day, spent: &[(u64, u32)]) {
        for &(owner, asked) in spent.iter().filter(|(owner, _)| *owner != 0) {
            self.place(owner, Moment { steady: 0, day }).allowance.restore(day, asked);
        }
    }
}

fn owner(mut hasher: SipHasher13, zone: &Name, payer: Payer) -> u64 {
    hasher.write(zone.wire());
    payer.normal().hash(&mut hasher);
    hasher.finish().max(1)
}

/// Takes the place of who would miss it least.
fn occupy(set: &[Place; WAYS], owner: u64, now: Moment) -> &Place {
    let worth =
        |place: &&Place| (!place.allowance.is_fresh(now), place.allowance.asked_on(now.day));
    let place = set.iter().min_by_key(worth).unwrap_or(&set[0]);
    // Whoever comes between the two is charged to the new owner or forgotten; one question is not worth a lock.
    place.owner.store(owner, Relaxed);
    place.allowance.clear();
    place
}

impl Payer {
    /// The same with an address of the family that it means, and only the bits that count.
    fn normal(self) -> Self {
        match self {
            Self::Address(addr) => Self::Address(addr.to_canonical()),
            Self::Network(addr) => Self::Network(match addr.to_canonical() {
                IpAddr::V4(addr) => std::net::Ipv4Addr::from_bits(addr.to_bits() & !0xff).into(),
                IpAddr::V6(addr) => {
                    std::net::Ipv6Addr::from_bits(addr.to_bits() & u128::MAX << 80).into()
                }
            }),
            Self::Everybody => Self::Everybody,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use dnsbl_types::Day;

    use super::*;

    const NOW: Moment = Moment { steady: 5_000_000_000, day: Day(20_000) };

    fn per_day(count: u32) -> Quota {
        Quota { per_second: None, per_day: NonZeroU32::new(count) }
    }

    fn started() -> QuotaTable {
        let table = QuotaTable::default();
        table.start([7; 16]);
        table
    }

    fn zone(number: usize) -> Name {
        ["a.example.org", "b.example.org"][number].parse().unwrap()
    }

    fn taken(table: &QuotaTable, number: usize, payer: Payer) -> usize {
        (0..50).filter(|_| table.charge(&zone(number), payer, per_day(20), NOW)).count()
    }

    #[test]
    fn addresses_networks_and_zones_are_counted_apart() {
        let table = started();
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        for (zone, payer, expected) in [
            (0, Payer::Address(at("192.0.2.1")), 20),
            (0, Payer::Address(at("::ffff:192.0.2.1")), 0),
            (0, Payer::Address(at("192.0.2.2")), 20),
            (1, Payer::Address(at("192.0.2.1")), 20),
            (0, Payer::Network(at("192.0.2.1")), 20),
            (0, Payer::Network(at("192.0.2.200")), 0),
            (0, Payer::Network(at("192.0.3.1")), 20),
            (0, Payer::Network(at("2001:db8::1")), 20),
            (0, Payer::Network(at("2001:db8:0:ffff::1")), 0),
            (0, Payer::Network(at("2001:db8:1::1")), 20),
            (0, Payer::Everybody, 20),
            (1, Payer::Everybody, 20),
            (0, Payer::Everybody, 0),
        ] {
            assert_eq!(taken(&table, zone, payer), expected, "{zone} {payer:?}");
        }
    }

    #[test]
    fn what_has_no_quota_takes_no_place() {
        let table = started();
        assert!(table.charge(&zone(0), Payer::Everybody, Quota::default(), NOW));
        let is_free = |place: &Place| place.owner.load(Relaxed) == 0;
        assert!(table.sets.iter().flatten().all(is_free));
    }

    #[test]
    fn whoever_has_asked_most_is_remembered_however_many_come() {
        let table = started();
        let heavy = Payer::Address([192, 0, 2, 1].into());
        assert_eq!(taken(&table, 0, heavy), 20);
        let zone = zone(0);
        for bits in 0..500_000u32 {
            table.charge(
                &zone,
                Payer::Address(std::net::Ipv4Addr::from_bits(bits).into()),
                per_day(20),
                NOW,
            );
        }
        assert_eq!(taken(&table, 0, heavy), 0);
    }

    #[test]
    fn what_was_spent_before_a_restart_counts() {
        let (before, after) = (started(), started());
        let [heavy, light] = [1, 2].map(|last| Payer::Address([192, 0, 2, last].into()));
        assert_eq!(taken(&before, 0, heavy), 20);
        assert!(before.charge(&zone(0), light, per_day(20), NOW));
        let spent: Vec<(u64, u32)> = before.spent(NOW.day, 10).collect();
        assert_eq!(spent.len(), 1);
        // Some came while it was read.
        assert!(after.charge(&zone(0), heavy, per_day(20), NOW));
        after.restore(NOW.day, &spent);
        assert_eq!((taken(&after, 0, heavy), taken(&after, 0, light)), (0, 20));
        assert_eq!(before.spent(Day(NOW.day.0 + 1), 1).count(), 0);
    }

    #[test]
    fn a_table_that_has_not_been_started_counts_nothing() {
        let table = QuotaTable::default();
        assert_eq!(taken(&table, 0, Payer::Everybody), 50);
        assert_eq!(table.spent(NOW.day, 1).count(), 0);
    }
}
