//! Subscribers: who they are, by the key in a name or the network that a question comes from, and what they ask.

use std::{
    collections::HashSet,
    hint::black_box,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use arrayvec::ArrayVec;
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
///
/// With the counts of its `Arc` it is as large as a line of the processor's caches.
#[derive(Debug)]
pub struct Meter {
    /// Whose it is.
    id: SubscriberId,
    /// What is left of its quota.
    pub allowance: Allowance,
    /// Of the first zone of the terms, which most have only one of.
    first: ZoneUsage,
    /// Of the others, if there are any.
    #[expect(
        clippy::box_collection,
        reason = "a Box<[_]> is 8 bytes larger, for those who have none"
    )]
    others: Option<Box<Vec<ZoneUsage>>>,
}

const _: () = assert!(size_of::<Meter>() + 2 * size_of::<usize>() == 64);

/// Questions to one zone since they were last collected, which is every few seconds.
#[derive(Debug, Default)]
struct ZoneUsage {
    questions: AtomicU32,
    listed: AtomicU32,
    refused: AtomicU32,
}

/// The keys, by digest: a table of pages of short sorted runs, so that a change copies one run and one page, and
/// finding a key touches little memory.
#[derive(Clone, Debug, Default)]
struct KeyTable {
    /// By some bits of a digest; a power of two of them, or none.
    pages: Arc<Vec<Arc<Page>>>,
    len: usize,
}

/// Runs by the next bits.
type Page = Vec<Run>;

/// In the order of digests.
type Run = Arc<[KeyEntry]>;

#[derive(Clone, Debug)]
struct KeyEntry {
    digest: Digest,
    subscriber: IndexedSubscriber,
    /// May be `NEVER`.
    until: UnixTime,
}

/// The first 128 bits of a key's digest, the highest first.
type Digest = [u64; 2];

fn digest_of(digest: &KeyDigest) -> Digest {
    let bits = digest.prefix();
    [(bits >> 64) as u64, bits as u64]
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
    /// The subscriber with the key of a digest, while that key counts.
    pub fn by_key(&self, digest: &KeyDigest, now: UnixTime) -> Option<&IndexedSubscriber> {
        let entry = self.keys.find(digest_of(digest))?;
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
        let by_key = keys.find_map(|key| self.keys.find(digest_of(&key.digest)));
        let by_key = by_key.map(|entry| &entry.subscriber);
        let is_it = |found: &&IndexedSubscriber| found.id() == subscriber.id;
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
        self.keys.iter().map(|entry| &entry.subscriber)
    }

    /// Prefetches what finding these keys, at most `N`, and counting for them will read into the processor's caches.
    pub fn prefetch<const N: usize>(&self, keys: &[KeyDigest]) {
        let digests: ArrayVec<Digest, N> = keys.iter().map(digest_of).take(N).collect();
        self.keys.prefetch::<N>(&digests);
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
        self.meter.id
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
    fn new(id: SubscriberId, zones: usize) -> Self {
        let others = || Box::new((1..zones).map(|_| ZoneUsage::default()).collect());
        let others = (zones > 1).then(others);
        Self { id, allowance: Allowance::default(), first: ZoneUsage::default(), others }
    }

    fn usage(&self, zone: usize) -> Option<&ZoneUsage> {
        match zone.checked_sub(1) {
            None => Some(&self.first),
            Some(other) => self.others.as_ref()?.get(other),
        }
    }

    /// Counts a question to the zone at a place.
    pub fn count(&self, zone: usize, is_listed: bool, is_refused: bool) {
        let Some(usage) = self.usage(zone) else { return };
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
        let Some(usage) = self.usage(zone) else { return Usage::default() };
        Usage {
            questions: usage.questions.swap(0, Relaxed).into(),
            listed: usage.listed.swap(0, Relaxed).into(),
            refused: usage.refused.swap(0, Relaxed).into(),
        }
    }
}

impl KeyTable {
    /// Entries of a run when the table was made; it is made anew when there are twice as many.
    const RUN: usize = 32;
    /// Runs of a page.
    const PAGE: usize = 64;

    fn find(&self, digest: Digest) -> Option<&KeyEntry> {
        let run = self.run(digest)?;
        position(run, digest).ok().map(|at| &run[at])
    }

    fn run(&self, digest: Digest) -> Option<&Run> {
        let (page, run) = self.place(digest);
        self.pages.get(page)?.get(run)
    }

    fn run_mut(&mut self, digest: Digest) -> Option<&mut Run> {
        let (page, run) = self.place(digest);
        Arc::make_mut(Arc::make_mut(&mut self.pages).get_mut(page)?).get_mut(run)
    }

    /// The place of a run: its page, and where it is in that.
    fn place(&self, digest: Digest) -> (usize, usize) {
        let bits = digest[0] as usize;
        ((bits / Self::PAGE) & self.pages.len().wrapping_sub(1), bits % Self::PAGE)
    }

    fn insert(&mut self, entry: KeyEntry) {
        if self.len >= 2 * Self::RUN * Self::PAGE * self.pages.len() {
            self.rebuild();
        }
        let Some(run) = self.run_mut(entry.digest) else { return };
        let at = position(run, entry.digest);
        let (before, after) = match at {
            Ok(at) => (&run[..at], &run[at + 1..]),
            Err(at) => run.split_at(at),
        };
        *run = before.iter().cloned().chain([entry]).chain(after.iter().cloned()).collect();
        self.len += usize::from(at.is_err());
    }

    fn remove(&mut self, digest: Digest) {
        if self.find(digest).is_some()
            && let Some(run) = self.run_mut(digest)
        {
            *run = run.iter().filter(|entry| entry.digest != digest).cloned().collect();
            self.len -= 1;
        }
    }

    fn iter(&self) -> impl Iterator<Item = &KeyEntry> {
        self.pages.iter().flat_map(|page| page.iter()).flat_map(|run| run.iter())
    }

    /// Makes as many pages as give each run [`RUN`](Self::RUN) entries.
    fn rebuild(&mut self) {
        let pages = (self.len / (Self::RUN * Self::PAGE) + 1).next_power_of_two();
        let mut entries: Vec<KeyEntry> = self.iter().cloned().collect();
        let mut next = Self { pages: Arc::new(vec![Arc::default(); pages]), len: self.len };
        entries.sort_unstable_by_key(|entry| (next.place(entry.digest), entry.digest));
        let mut pages = vec![vec![Run::default(); Self::PAGE]; pages];
        for run in entries.chunk_by(|a, b| next.place(a.digest) == next.place(b.digest)) {
            let (page, at) = next.place(run[0].digest);
            pages[page][at] = run.into();
        }
        next.pages = Arc::new(pages.into_iter().map(Arc::new).collect());
        *self = next;
    }

    /// Reads what finding these keys will read into the processor's caches, in step: the loads of one step do not
    /// depend on each other.
    fn prefetch<const N: usize>(&self, digests: &[Digest]) {
        let near = |digest: &Digest| {
            let run = self.run(*digest)?;
            let guess = guess(run, *digest);
            Some(&run[guess.saturating_sub(2)..run.len().min(guess + 3)])
        };
        let near = digests.iter().filter_map(near).flatten();
        black_box(near.fold(0, |sum, entry| sum ^ entry.until.0));
        let found = digests.iter().filter_map(|digest| self.find(*digest));
        let found: ArrayVec<&KeyEntry, N> = found.take(N).collect();
        let meters = found.iter().map(|entry| &entry.subscriber.meter.first.questions);
        black_box(meters.fold(0, |sum, questions| sum ^ questions.load(Relaxed)));
    }
}

/// Where a digest is in a run, or would be: digests are spread evenly, so it lies near where it is looked for first.
fn position(run: &[KeyEntry], digest: Digest) -> Result<usize, usize> {
    let mut at = guess(run, digest);
    while at > 0 && run[at - 1].digest >= digest {
        at -= 1;
    }
    while run.get(at).is_some_and(|entry| entry.digest < digest) {
        at += 1;
    }
    match run.get(at) {
        Some(entry) if entry.digest == digest => Ok(at),
        _ => Err(at),
    }
}

fn guess(run: &[KeyEntry], digest: Digest) -> usize {
    ((digest[0] >> 32) as usize * run.len()) >> 32
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
            old.keys.iter().for_each(|key| self.next.keys.remove(digest_of(&key.digest)));
            self.set_networks(old, None);
        }
        let mut replaced = known.clone();
        if let Some(new) = new {
            let subscriber = self.index(new, known.as_ref());
            let same = |known: &IndexedSubscriber| Arc::ptr_eq(&known.meter, &subscriber.meter);
            replaced = replaced.filter(|known| !same(known));
            for key in &new.keys {
                let (digest, until) = (digest_of(&key.digest), key.until.unwrap_or(NEVER));
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
            Some(known) if known.id() == new.id && known.terms.zones == terms.zones => {
                known.meter.clone()
            }
            _ => Arc::new(Meter::new(new.id, terms.zones.len())),
        };
        if let Some(known) = known.filter(|known| !Arc::ptr_eq(&known.meter, &meter)) {
            meter.allowance.resume_from(&known.meter.allowance);
        }
        IndexedSubscriber { terms, expires_at: new.expires_at.unwrap_or(NEVER), meter }
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
            let others = others.filter(|other| other.id() != subscriber.id).cloned();
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
        subscribers.by_key(&key.digest(), NOW).map(IndexedSubscriber::id)
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
            writer.subscribers().by_key(&key(number).digest(), UnixTime(now)).is_some()
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
        let meter = shared + size_of::<Meter>() + 8;
        let each = size_of::<KeyEntry>() + meter.next_multiple_of(16);
        assert!(100_000 * each < 16 << 20, "{each}");
    }
}
