//! Subscribers: who they are, by the key in a name or the network that a question comes from, and what they ask.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use dnsbl_types::{
    Allowance, KeyDigest, Name, Quota, Recognition, Subscriber, SubscriberId, UnixTime, Usage,
};
use ipnet::IpNet;

use crate::{
    key::{Key as _, NetKey},
    trie::Trie,
};

/// All subscribers. A clone shares them; a change copies a small part.
#[derive(Clone, Debug, Default)]
pub struct Subscribers {
    keys: KeyTable,
    v4: Trie<NetKey, Arc<[IndexedSubscriber]>>,
    v6: Trie<NetKey, Arc<[IndexedSubscriber]>>,
}

/// A subscriber as the index keeps it.
#[derive(Clone, Debug)]
pub struct IndexedSubscriber {
    id: SubscriberId,
    terms: Arc<Terms>,
    /// May be `NEVER`.
    expires_at: UnixTime,
    meter: Arc<Meter>,
}

/// What a subscriber may ask, shared by all who may the same.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Terms {
    /// Ascending.
    zones: Box<[Name]>,
    networks: Box<[IpNet]>,
    recognition: Recognition,
    quota: Quota,
}

/// What a subscriber has asked. It outlives changes of its terms.
#[derive(Debug)]
pub struct Meter {
    /// What is left of its quota.
    pub allowance: Allowance,
    /// By zone, as in the terms.
    usage: Box<[ZoneUsage]>,
}

/// Questions to one zone since they were last collected.
#[derive(Debug, Default)]
struct ZoneUsage {
    questions: AtomicU64,
    listed: AtomicU64,
    refused: AtomicU64,
}

/// The keys, by digest: a table of short sorted runs, so that a change copies one run and finding a key
/// touches little memory.
#[derive(Clone, Debug, Default)]
struct KeyTable {
    /// By some bits of a digest; a power of two of them, or none.
    runs: Arc<Vec<Run>>,
    len: usize,
}

type Run = Arc<Vec<KeyEntry>>;

#[derive(Clone, Debug)]
struct KeyEntry {
    digest: u128,
    subscriber: IndexedSubscriber,
    /// May be `NEVER`.
    until: UnixTime,
}

const NEVER: UnixTime = UnixTime(u64::MAX);

/// What makes the subscribers that readers see.
#[derive(Debug, Default)]
pub(crate) struct SubscribersWriter {
    next: Subscribers,
    terms: HashSet<Arc<Terms>>,
    /// How many terms were in use when those out of use were last dropped.
    terms_in_use: usize,
}

impl Subscribers {
    /// The subscriber with a key, a label in lower case, while that key counts.
    pub fn by_key(&self, label: &[u8], now: UnixTime) -> Option<&IndexedSubscriber> {
        let entry = self.keys.find(KeyDigest::of(label).prefix())?;
        (now < entry.until).then_some(&entry.subscriber)
    }

    /// The subscriber to a zone with the longest network that holds an address.
    pub fn by_network(&self, addr: IpAddr, origin: &Name) -> Option<&IndexedSubscriber> {
        let (trie, key) = match addr.to_canonical() {
            IpAddr::V4(addr) => (&self.v4, NetKey::from(addr)),
            IpAddr::V6(addr) => (&self.v6, NetKey::from(addr)),
        };
        let mut longest = None;
        trie.visit_above(key.bits(), |_, subscribers| {
            let has_zone = |subscriber: &&IndexedSubscriber| subscriber.zone(origin).is_some();
            longest = subscribers.iter().find(has_zone).or(longest);
        });
        longest
    }

    /// The subscriber with these keys, as it was last put.
    pub fn of(&self, subscriber: &Subscriber) -> Option<&IndexedSubscriber> {
        let mut keys = subscriber.keys.iter();
        let by_key = keys.find_map(|key| self.keys.find(key.digest.prefix()));
        let by_key = by_key.map(|entry| &entry.subscriber);
        let is_it = |found: &&IndexedSubscriber| found.id == subscriber.id;
        // Who is recognized by its networks may have no key.
        let at = |network| self.at_network(network).iter().find(is_it);
        by_key.filter(is_it).or_else(|| subscriber.networks.iter().find_map(at))
    }

    fn at_network(&self, network: &IpNet) -> &[IndexedSubscriber] {
        let found = match network {
            IpNet::V4(network) => self.v4.find(NetKey::from(*network).bits()),
            IpNet::V6(network) => self.v6.find(NetKey::from(*network).bits()),
        };
        found.map_or(&[], |subscribers| subscribers)
    }

    /// All of them, once for each key.
    pub fn iter(&self) -> impl Iterator<Item = &IndexedSubscriber> {
        self.keys.runs.iter().flat_map(|run| run.iter()).map(|entry| &entry.subscriber)
    }

    /// Visits all of them, once for each key and once for each network that they are recognized by.
    pub fn visit(&self, mut visit: impl FnMut(&IndexedSubscriber)) {
        self.iter().for_each(&mut visit);
        for trie in [&self.v4, &self.v6] {
            trie.visit_all(&mut |subscribers| subscribers.iter().for_each(&mut visit));
        }
    }
}

impl IndexedSubscriber {
    /// Its number.
    pub fn id(&self) -> SubscriberId {
        self.id
    }

    /// What it is recognized by.
    pub fn recognition(&self) -> Recognition {
        self.terms.recognition
    }

    /// Whether an address lies in one of its networks.
    pub fn is_at(&self, addr: IpAddr) -> bool {
        let addr = addr.to_canonical();
        self.terms.networks.iter().any(|network| network.contains(&addr))
    }

    /// Whether it has not expired.
    pub fn is_live(&self, now: UnixTime) -> bool {
        now < self.expires_at
    }

    /// The place of a zone among those that it may ask.
    pub fn zone(&self, origin: &Name) -> Option<usize> {
        self.terms.zones.binary_search(origin).ok()
    }

    /// The zones that it may ask.
    pub fn zones(&self) -> &[Name] {
        &self.terms.zones
    }

    /// How much it may ask.
    pub fn quota(&self) -> Quota {
        self.terms.quota
    }

    /// What it has asked.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }
}

impl Meter {
    fn new(zones: usize) -> Self {
        let usage = (0..zones).map(|_| ZoneUsage::default()).collect();
        Self { allowance: Allowance::default(), usage }
    }

    /// Counts a question to the zone at a place.
    pub fn count(&self, zone: usize, is_listed: bool, is_refused: bool) {
        let Some(usage) = self.usage.get(zone) else { return };
        usage.questions.fetch_add(1, Relaxed);
        if is_listed {
            usage.listed.fetch_add(1, Relaxed);
        }
        if is_refused {
            usage.refused.fetch_add(1, Relaxed);
        }
    }

    /// Collects what was counted for the zone at a place since the last time.
    pub fn collect(&self, zone: usize) -> Usage {
        let Some(usage) = self.usage.get(zone) else { return Usage::default() };
        Usage {
            questions: usage.questions.swap(0, Relaxed),
            listed: usage.listed.swap(0, Relaxed),
            refused: usage.refused.swap(0, Relaxed),
        }
    }
}

impl KeyTable {
    /// Entries of a run when the table was made; it is made anew when there are twice as many.
    const RUN: usize = 32;

    fn find(&self, digest: u128) -> Option<&KeyEntry> {
        let run = self.runs.get(self.run_of(digest))?;
        let at = run.binary_search_by_key(&digest, |entry| entry.digest).ok()?;
        Some(&run[at])
    }

    fn run_of(&self, digest: u128) -> usize {
        (digest >> 64) as usize & self.runs.len().wrapping_sub(1)
    }

    fn insert(&mut self, entry: KeyEntry) {
        if self.len >= 2 * Self::RUN * self.runs.len() {
            self.rebuild();
        }
        let at = self.run_of(entry.digest);
        let run = Arc::make_mut(&mut Arc::make_mut(&mut self.runs)[at]);
        match run.binary_search_by_key(&entry.digest, |other| other.digest) {
            Ok(at) => run[at] = entry,
            Err(at) => {
                run.reserve_exact(1);
                run.insert(at, entry);
                self.len += 1;
            }
        }
    }

    fn remove(&mut self, digest: u128) {
        if self.find(digest).is_some() {
            let at = self.run_of(digest);
            let run = Arc::make_mut(&mut Arc::make_mut(&mut self.runs)[at]);
            run.retain(|entry| entry.digest != digest);
            self.len -= 1;
        }
    }

    /// Makes as many runs as give each [`RUN`](Self::RUN) entries.
    fn rebuild(&mut self) {
        let count = (self.len / Self::RUN + 1).next_power_of_two();
        let mut runs = vec![Vec::new(); count];
        for entry in self.runs.iter().flat_map(|run| run.iter()) {
            runs[(entry.digest >> 64) as usize & (count - 1)].push(entry.clone());
        }
        let runs = runs.into_iter().map(|mut run: Vec<KeyEntry>| {
            run.sort_unstable_by_key(|entry| entry.digest);
            run.shrink_to_fit();
            Arc::new(run)
        });
        self.runs = Arc::new(runs.collect());
    }
}

impl SubscribersWriter {
    /// The subscribers as they are now.
    pub(crate) fn subscribers(&self) -> &Subscribers {
        &self.next
    }

    /// Puts what is new in the place of what was; the meter whose counts nobody will find any more, if there
    /// is one.
    pub(crate) fn set(
        &mut self,
        old: Option<&Subscriber>,
        new: Option<&Subscriber>,
    ) -> Option<IndexedSubscriber> {
        let known = old.and_then(|old| self.next.of(old)).cloned();
        if let Some(old) = old {
            old.keys.iter().for_each(|key| self.next.keys.remove(key.digest.prefix()));
            self.set_networks(old, None);
        }
        let mut replaced = known.clone();
        if let Some(new) = new {
            let subscriber = self.index(new, known.as_ref());
            let same = |known: &IndexedSubscriber| Arc::ptr_eq(&known.meter, &subscriber.meter);
            replaced = replaced.filter(|known| !same(known));
            for key in &new.keys {
                let (digest, until) = (key.digest.prefix(), key.until.unwrap_or(NEVER));
                self.next.keys.insert(KeyEntry { digest, subscriber: subscriber.clone(), until });
            }
            if new.recognition.takes_network() {
                self.set_networks(new, Some(&subscriber));
            }
        }
        replaced
    }

    fn index(&mut self, new: &Subscriber, known: Option<&IndexedSubscriber>) -> IndexedSubscriber {
        let terms = self.intern(Terms {
            zones: new.zones.clone().into(),
            networks: new.networks.clone().into(),
            recognition: new.recognition,
            quota: new.quota,
        });
        let meter = match known {
            Some(known) if known.terms.zones == terms.zones => known.meter.clone(),
            _ => Arc::new(Meter::new(terms.zones.len())),
        };
        if let Some(known) = known.filter(|known| !Arc::ptr_eq(&known.meter, &meter)) {
            meter.allowance.resume_from(&known.meter.allowance);
        }
        IndexedSubscriber { id: new.id, terms, expires_at: new.expires_at.unwrap_or(NEVER), meter }
    }

    fn intern(&mut self, terms: Terms) -> Arc<Terms> {
        if let Some(known) = self.terms.get(&terms) {
            return known.clone();
        }
        if self.terms.len() > 64 + 2 * self.terms_in_use {
            self.terms.retain(|terms| Arc::strong_count(terms) > 1);
            self.terms_in_use = self.terms.len();
        }
        let terms = Arc::new(terms);
        self.terms.insert(terms.clone());
        terms
    }

    /// Puts a subscriber at its networks in place of what has its number there.
    fn set_networks(&mut self, subscriber: &Subscriber, indexed: Option<&IndexedSubscriber>) {
        for network in &subscriber.networks {
            let (trie, key) = match network {
                IpNet::V4(network) => (&mut self.next.v4, NetKey::from(*network)),
                IpNet::V6(network) => (&mut self.next.v6, NetKey::from(*network)),
            };
            let others = trie.find(key.bits()).into_iter().flat_map(|others| others.iter());
            let others = others.filter(|other| other.id != subscriber.id).cloned();
            let all: Arc<[IndexedSubscriber]> = others.chain(indexed.cloned()).collect();
            trie.set(&key, Some(all).filter(|all| !all.is_empty()));
        }
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::{AccessKey, SubscriberKey};

    use super::*;

    const NOW: UnixTime = UnixTime(1_000);

    fn key(number: u32) -> AccessKey {
        let mut random = [0; AccessKey::RANDOM];
        random[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
        AccessKey::from_random(random)
    }

    fn subscriber(number: u32) -> Subscriber {
        let digest = key(number).digest();
        Subscriber {
            id: SubscriberId(number.into()),
            name: format!("subscriber {number}"),
            zones: vec!["bl.example.org".parse().unwrap()],
            networks: vec![],
            recognition: Recognition::Key,
            quota: Quota::default(),
            expires_at: None,
            keys: vec![SubscriberKey { digest, created_at: UnixTime(1), until: None }],
            note: None,
            created_at: UnixTime(1),
        }
    }

    fn found(subscribers: &Subscribers, number: u32) -> Option<SubscriberId> {
        let key = key(number);
        subscribers.by_key(key.reveal().as_bytes(), NOW).map(IndexedSubscriber::id)
    }

    #[test]
    fn every_key_is_found_while_it_counts_in_every_version() {
        let mut writer = SubscribersWriter::default();
        let mut versions = vec![];
        for number in 0..3_000 {
            writer.set(None, Some(&subscriber(number)));
            if number % 500 == 499 {
                versions.push((number, writer.subscribers().clone()));
            }
        }
        for (last, version) in &versions {
            assert_eq!(version.iter().count() as u32, last + 1);
            for number in 0..3_000 {
                let expected = (number <= *last).then_some(SubscriberId(number.into()));
                assert_eq!(found(version, number), expected);
            }
        }
        for number in (0..3_000).step_by(2) {
            writer.set(Some(&subscriber(number)), None);
        }
        for number in 0..3_000 {
            assert_eq!(found(writer.subscribers(), number).is_some(), number % 2 == 1);
        }
        assert_eq!(writer.subscribers().iter().count(), 1_500);
    }

    #[test]
    fn an_old_key_counts_until_its_overlap_ends() {
        let mut writer = SubscribersWriter::default();
        let old = subscriber(1);
        writer.set(None, Some(&old));
        let mut new = old.clone();
        new.keys[0].until = Some(UnixTime(1_001));
        let added = SubscriberKey { digest: key(2).digest(), created_at: NOW, until: None };
        new.keys.insert(0, added);
        writer.set(Some(&old), Some(&new));
        let at = |number, now| {
            let key = key(number);
            let label = key.reveal().as_bytes();
            writer.subscribers().by_key(label, UnixTime(now)).is_some()
        };
        assert!(at(1, 1_000) && at(2, 1_000));
        assert!(!at(1, 1_001) && at(2, 1_001));
    }

    #[test]
    fn the_longest_network_with_the_zone_decides() {
        let mut writer = SubscribersWriter::default();
        let at = |number, network: &str, zone: &str| Subscriber {
            networks: vec![network.parse().unwrap()],
            recognition: Recognition::Networks,
            zones: vec![zone.parse().unwrap()],
            ..subscriber(number)
        };
        let all = [
            at(1, "192.0.2.0/24", "bl.example.org"),
            at(2, "192.0.2.0/28", "other.example.org"),
            at(3, "192.0.2.0/24", "other.example.org"),
            at(4, "2001:db8::/32", "bl.example.org"),
        ];
        all.iter().for_each(|subscriber| drop(writer.set(None, Some(subscriber))));
        let found = |writer: &SubscribersWriter, addr: &str, zone: &str| {
            let (addr, zone) = (addr.parse().unwrap(), zone.parse().unwrap());
            writer.subscribers().by_network(addr, &zone).map(|subscriber| subscriber.id().0)
        };
        for (addr, zone, id) in [
            ("192.0.2.1", "bl.example.org", Some(1)),
            ("::ffff:192.0.2.1", "bl.example.org", Some(1)),
            ("192.0.2.1", "other.example.org", Some(2)),
            ("192.0.2.16", "other.example.org", Some(3)),
            ("192.0.3.1", "bl.example.org", None),
            ("2001:db8::1", "bl.example.org", Some(4)),
            ("2001:db8::1", "other.example.org", None),
        ] {
            assert_eq!(found(&writer, addr, zone), id, "{addr} {zone}");
        }
        writer.set(Some(&all[0]), None);
        assert_eq!(found(&writer, "192.0.2.1", "bl.example.org"), None);
        assert_eq!(found(&writer, "192.0.2.16", "other.example.org"), Some(3));
    }

    #[test]
    fn a_meter_outlives_changes_of_terms_and_is_handed_back_when_it_is_replaced() {
        let mut writer = SubscribersWriter::default();
        let first = subscriber(1);
        writer.set(None, Some(&first));
        let meter = |writer: &SubscribersWriter| {
            writer.subscribers().iter().next().map(|found| found.meter().clone()).unwrap()
        };
        let begun = meter(&writer);
        begun.count(0, true, false);
        begun.allowance.restore(dnsbl_types::Day(1), 7);
        let expiring = Subscriber { expires_at: Some(UnixTime(5)), ..first.clone() };
        assert!(writer.set(Some(&first), Some(&expiring)).is_none());
        assert!(Arc::ptr_eq(&begun, &meter(&writer)));
        let zones = vec!["a.example.org".parse().unwrap(), "bl.example.org".parse().unwrap()];
        let wider = Subscriber { zones, ..expiring.clone() };
        let replaced = writer.set(Some(&expiring), Some(&wider)).unwrap();
        assert_eq!(replaced.meter().collect(0), Usage { questions: 1, listed: 1, refused: 0 });
        assert_eq!(meter(&writer).allowance.asked_on(dnsbl_types::Day(1)), 7);
        assert!(writer.set(Some(&wider), None).is_some());
    }

    #[test]
    fn who_has_networks_and_no_key_is_visited_and_keeps_its_meter() {
        let mut writer = SubscribersWriter::default();
        let first = Subscriber {
            keys: vec![],
            networks: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            recognition: Recognition::Networks,
            ..subscriber(1)
        };
        writer.set(None, Some(&first));
        let mut seen = vec![];
        writer.subscribers().visit(|found| seen.push((found.id(), found.meter().clone())));
        assert_eq!(seen.len(), 2);
        let expiring = Subscriber { expires_at: Some(UnixTime(5)), ..first.clone() };
        assert!(writer.set(Some(&first), Some(&expiring)).is_none());
        let now = writer.subscribers().of(&expiring).unwrap();
        assert!(seen.iter().all(|(id, meter)| *id == now.id() && Arc::ptr_eq(meter, &now.meter)));
    }

    #[test]
    fn a_hundred_thousand_take_sixteen_megabytes() {
        // What an allocator adds to a block, and two counters of each.
        let shared = 2 * size_of::<usize>();
        let meter = shared + size_of::<Meter>() + size_of::<ZoneUsage>().next_multiple_of(16) + 8;
        let each = size_of::<KeyEntry>() + meter.next_multiple_of(16);
        assert!(100_000 * each < 16 << 20, "{each}");
    }
}
