//! One zone with its entries.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use dnsbl_types::{
    AllowEntry, DomainSubject, Include, Labels, Name, Retirement, Serial, Subject, TestEntry,
    UnixTime, Zone, query_name,
};
use ipnet::{Ipv4Net, Ipv6Net};

use crate::{
    Listed, Verdict,
    allowlist::{Allowing, Allowlist, End},
    entries::{Entries, ZoneInterner},
    hosts::{self, HostMap},
    key::{DomainBits, DomainKey, Key, NetKey},
    trie::Trie,
    verdict::{IncludedListings, Judge, LongestMatch, MatchedBy, Queried, below, exact},
};

/// One zone with its entries, as a reader sees it.
///
/// What is said about a single IPv4 address lies in `plain` if it is one listing with the zone's
/// values, else in `hosts`; `v4` has the prefixes.
#[derive(Clone, Debug)]
pub struct IndexedZone {
    zone: Arc<Zone>,
    number: ZoneNumber,
    serial: Serial,
    plain: HostMap<()>,
    hosts: HostMap<Entries>,
    v4: Trie<NetKey, Entries>,
    v6: Trie<NetKey, Entries>,
    domains: Trie<DomainKey, DomainEntries>,
    /// Empty, unless it is a combined zone.
    included: IncludedZones,
    allowing: Allowing,
    /// The bodies of the entries.
    interner: ZoneInterner,
}

/// The zones that a zone includes, as its snapshot has them, in the order of its settings; `None` for one that
/// there is not.
pub(crate) type IncludedZones = Arc<[Option<Arc<IndexedZone>>]>;

/// The number of a zone in its index: from 0 as zones come; none is given twice.
pub type ZoneNumber = usize;

/// The entries of a domain, and those of the names below it.
#[derive(Clone, Debug, Default)]
struct DomainEntries {
    exact: Option<Entries>,
    below: Option<Entries>,
}

impl From<&NetKey> for MatchedBy {
    fn from(key: &NetKey) -> Self {
        Self::Prefix(key.bits().len() as u8)
    }
}

/// The new content of an IPv4 address.
#[derive(Clone, Debug)]
pub(crate) enum HostChange {
    Gone,
    /// One listing with the zone's values.
    Plain,
    Entries(Entries),
}

impl IndexedZone {
    pub(crate) fn new(number: ZoneNumber, zone: Zone, serial: Serial) -> Self {
        Self {
            zone: Arc::new(zone),
            number,
            serial,
            plain: HostMap::default(),
            hosts: HostMap::default(),
            v4: Trie::default(),
            v6: Trie::default(),
            domains: Trie::default(),
            included: IncludedZones::default(),
            allowing: Allowing::default(),
            interner: ZoneInterner::default(),
        }
    }

    pub(crate) fn replace_settings(&mut self, zone: Zone, serial: Serial) {
        self.zone = Arc::new(zone);
        self.serial = serial;
        self.included = IncludedZones::default();
    }

    /// Says what the zones are that it includes, in the order of its settings.
    pub(crate) fn set_included(&mut self, included: IncludedZones) {
        self.included = included;
    }

    /// Puts an allow entry of this zone, or takes it away.
    pub(crate) fn set_allow_entry(&mut self, entry: &AllowEntry, is_gone: bool) {
        self.allowing.own.set(entry, is_gone);
    }

    /// Says what no zone lists.
    pub(crate) fn set_allowed_everywhere(&mut self, allowed: Allowlist) {
        self.allowing.everywhere = allowed;
    }

    /// The zones that it includes as they were set; empty after its settings have changed.
    pub(crate) fn included_zones(&self) -> &[Option<Arc<Self>>] {
        &self.included
    }

    pub(crate) fn set_serial(&mut self, serial: Serial) {
        self.serial = serial;
    }

    /// Takes the entries of a fork of it; the rest stays.
    pub(crate) fn take_entries(&mut self, fork: &Self) {
        self.plain = fork.plain.clone();
        self.hosts = fork.hosts.clone();
        self.v4 = fork.v4.clone();
        self.v6 = fork.v6.clone();
        self.domains = fork.domains.clone();
    }

    /// What keeps its entries.
    pub(crate) fn interner(&self) -> &ZoneInterner {
        &self.interner
    }

    /// Changes what is said about addresses; ascending, each once.
    pub(crate) fn set_hosts(&mut self, changes: &[(u32, HostChange)]) {
        let plain = |(key, change): &_| (*key, matches!(change, HostChange::Plain).then_some(()));
        apply(&mut self.plain, changes.iter().map(plain));
        let own = |(key, change): &(u32, HostChange)| match change {
            HostChange::Entries(entries) => (*key, Some(entries.clone())),
            HostChange::Gone | HostChange::Plain => (*key, None),
        };
        apply(&mut self.hosts, changes.iter().map(own));
    }

    /// Makes addresses plain listings; ascending, each once.
    pub(crate) fn set_plain_hosts(&mut self, hosts: &[u32]) {
        apply(&mut self.plain, hosts.iter().map(|&key| (key, Some(()))));
        apply(&mut self.hosts, hosts.iter().map(|&key| (key, None)));
    }

    /// Makes addresses such of which nothing is said; ascending, each once.
    pub(crate) fn remove_hosts(&mut self, hosts: &[u32]) {
        apply(&mut self.plain, hosts.iter().map(|&key| (key, None)));
        apply(&mut self.hosts, hosts.iter().map(|&key| (key, None)));
    }

    pub(crate) fn set_v4(&mut self, net: Ipv4Net, entries: Option<Entries>) {
        self.v4.set(&net.into(), entries);
    }

    pub(crate) fn set_v6(&mut self, net: Ipv6Net, entries: Option<Entries>) {
        self.v6.set(&net.into(), entries);
    }

    pub(crate) fn set_domain(&mut self, domain: &DomainSubject, entries: Option<Entries>) {
        let bits = DomainBits::new(domain.name().labels());
        let mut at = self.domains.find(bits.bits()).cloned().unwrap_or_default();
        *if domain.is_wildcard() { &mut at.below } else { &mut at.exact } = entries;
        let empty = at.exact.is_none() && at.below.is_none();
        self.domains.set(&DomainKey::from(&bits), (!empty).then_some(at));
    }

    /// The zone's settings.
    pub fn settings(&self) -> &Zone {
        &self.zone
    }

    /// What it does not list, whatever is said of it.
    pub fn allowing(&self) -> &Allowing {
        &self.allowing
    }

    /// The zone's number; a zone that is deleted and made again has another.
    pub fn number(&self) -> ZoneNumber {
        self.number
    }

    /// The zone's serial.
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// The zones that it includes, as far as there are any: how, and as this snapshot has them.
    pub fn includes(&self) -> impl Iterator<Item = (&Include, Option<&Self>)> {
        let zones = self.included.iter().map(Option::as_deref);
        self.zone.includes.as_slice().iter().zip(zones)
    }

    /// Whether an address is listed, test entries included; by a combined zone also where one of the zones
    /// lists it that it includes.
    ///
    /// An IPv4-mapped address is judged as IPv4. A 6to4 address is judged as itself and as the IPv4
    /// address inside it: listed if either is and neither is excluded.
    pub fn judge_address(&self, addr: IpAddr, now: UnixTime) -> Verdict<'_> {
        self.judge(Queried::Addr(addr), now)
    }

    /// Whether a domain is listed, test entries included; by a combined zone also where one of the zones lists
    /// it that it includes. The labels are in lower case.
    pub fn judge_domain<'a>(&'a self, labels: Labels<'a>, now: UnixTime) -> Verdict<'a> {
        self.judge(Queried::Domain(labels), now)
    }

    /// Whether the zone's own entries list an address; the rest is as in [`judge_address`](Self::judge_address).
    pub fn judge_own_address(&self, addr: IpAddr, now: UnixTime) -> Verdict<'_> {
        self.judge_own(Queried::Addr(addr), now)
    }

    /// Whether the zone's own entries list a domain; the rest is as in [`judge_domain`](Self::judge_domain).
    pub fn judge_own_domain<'a>(&'a self, labels: Labels<'a>, now: UnixTime) -> Verdict<'a> {
        self.judge_own(Queried::Domain(labels), now)
    }

    fn judge<'a>(&'a self, queried: Queried<'a>, now: UnixTime) -> Verdict<'a> {
        let own = self.judge_own(queried, now);
        if self.included.is_empty() || self.zone.phase.retirement().is_some() {
            return own;
        }
        IncludedListings::join(own, self, queried, now)
    }

    fn judge_ip(&self, addr: IpAddr, now: UnixTime) -> Verdict<'_> {
        match addr.to_canonical() {
            IpAddr::V4(addr) => self.judge_v4(addr, now),
            IpAddr::V6(addr) => match query_name::six_to_four(addr) {
                Some(inside) => {
                    let verdict = self.judge_v4(inside, now);
                    self.judge_v6(addr, now).merge_6to4(addr, inside, verdict)
                }
                None => self.judge_v6(addr, now),
            },
        }
    }

    /// Whether an address is a test entry, whatever else is listed.
    pub fn judge_test_address(&self, addr: IpAddr, now: UnixTime) -> Verdict<'_> {
        let IpAddr::V4(addr) = addr.to_canonical() else { return Verdict::Unlisted };
        match TestEntry::at_address(&self.zone, addr) {
            Some(test) => Verdict::of_test(test, Queried::Addr(addr.into()), now),
            None => Verdict::Unlisted,
        }
    }

    /// Whether a domain is a test entry, whatever else is listed; the labels are in lower case.
    pub fn judge_test_domain<'a>(&'a self, labels: Labels<'a>, now: UnixTime) -> Verdict<'a> {
        let test = TestEntry::at_domain(labels);
        test.map_or(Verdict::Unlisted, |test| Verdict::of_test(test, Queried::Domain(labels), now))
    }

    /// A verdict unless what was queried for is allowed. Test entries say nothing of anybody, and stay.
    fn without_allowed<'a>(
        &'a self,
        verdict: Verdict<'a>,
        queried: Queried<'a>,
        now: UnixTime,
    ) -> Verdict<'a> {
        if verdict.listed().is_none_or(Listed::is_of_test_entry) {
            return verdict;
        }
        match self.allowed_until(queried, now) {
            Some(End(until)) => Verdict::Excluded { until },
            None => verdict,
        }
    }

    /// Until when what was queried for is allowed, if it is; a 6to4 address also where the IPv4 address inside it is.
    fn allowed_until(&self, queried: Queried<'_>, now: UnixTime) -> Option<End> {
        let inside = match queried {
            Queried::Addr(IpAddr::V6(addr)) => query_name::six_to_four(addr),
            _ => None,
        };
        let queried = [Some(queried), inside.map(|addr| Queried::Addr(addr.into()))];
        let ends = queried.into_iter().flatten();
        ends.filter_map(|queried| self.allowing.end(queried, now)).reduce(End::later)
    }

    /// Of a zone that has ended there are the test entries, as long as they stay.
    fn judge_retired<'a>(
        &'a self,
        retirement: &Retirement,
        queried: Queried<'a>,
        now: UnixTime,
    ) -> Verdict<'a> {
        match queried {
            _ if !retirement.has_test_entries(now) => Verdict::Unlisted,
            Queried::Addr(addr) => self.judge_test_address(addr, now),
            Queried::Domain(labels) => self.judge_test_domain(labels, now),
        }
    }

    fn judge_v4(&self, addr: Ipv4Addr, now: UnixTime) -> Verdict<'_> {
        let queried = Queried::Addr(addr.into());
        if let Some(test) = TestEntry::at_address(&self.zone, addr) {
            return Verdict::of_test(test, queried, now);
        }
        if self.plain.find(addr.into()).is_some() {
            return Verdict::of_plain_host(queried, now);
        }
        if let Some(entries) = self.host(addr).filter(|entries| entries.any_live(now)) {
            return Verdict::of_entries(MatchedBy::Prefix(32), entries, queried, now);
        }
        let mut longest = LongestMatch::new(now);
        if !self.v4.is_empty() {
            let bits = NetKey::from(addr);
            self.v4.visit_above(bits.bits(), |key, entries| longest.offer(key.into(), entries));
        }
        longest.verdict(queried)
    }

    fn host(&self, addr: Ipv4Addr) -> Option<&Entries> {
        if self.hosts.len() == 0 { None } else { self.hosts.find(addr.into()) }
    }

    fn judge_v6(&self, addr: Ipv6Addr, now: UnixTime) -> Verdict<'_> {
        let mut longest = LongestMatch::new(now);
        let bits = NetKey::from(addr);
        self.v6.visit_above(bits.bits(), |key, entries| longest.offer(key.into(), entries));
        longest.verdict(Queried::Addr(addr.into()))
    }

    fn judge_labels<'a>(&'a self, labels: Labels<'a>, now: UnixTime) -> Verdict<'a> {
        let queried = Queried::Domain(labels);
        if let Some(test) = TestEntry::at_domain(labels) {
            return Verdict::of_test(test, queried, now);
        }
        if labels.holds_nul() {
            return Verdict::Unlisted;
        }
        let domain = DomainBits::new(labels);
        let mut longest = LongestMatch::new(now);
        self.domains.visit_above(domain.bits(), |key, at| {
            let is_exact = key.bits().len() == domain.bits().len();
            let by = if is_exact { MatchedBy::Exact } else { MatchedBy::Below(key.count_labels()) };
            if let Some(entries) = if is_exact { &at.exact } else { &at.below } {
                longest.offer(by, entries);
            }
        });
        longest.verdict(queried)
    }

    /// The zone and those that it includes, for what holds where it holds in any of them.
    fn any_part(&self, holds: impl Fn(&Self) -> bool) -> bool {
        holds(self) || self.included.iter().flatten().any(|included| holds(included))
    }

    /// Whether anything that is said now lies at, below or above an IPv6 prefix, in a zone that is included, too.
    pub fn touches_v6(&self, net: Ipv6Net, now: UnixTime) -> bool {
        self.any_part(|zone| zone.touches_v6_itself(net, now))
    }

    fn touches_v6_itself(&self, net: Ipv6Net, now: UnixTime) -> bool {
        let key = NetKey::from(net);
        let mut above = false;
        self.v6.visit_above(key.bits(), |_, entries| above |= entries.any_live(now));
        above || self.v6.any_below(key.bits(), &|_, entries| entries.any_live(now))
    }

    /// Whether a name below this domain is listed now, by a zone that is included, too; the labels are in lower
    /// case.
    pub fn lists_below_domain(&self, labels: Labels<'_>, now: UnixTime) -> bool {
        self.any_part(|zone| zone.lists_below_domain_itself(labels, now))
    }

    fn lists_below_domain_itself(&self, labels: Labels<'_>, now: UnixTime) -> bool {
        if labels.holds_nul() {
            return false;
        }
        let domain = DomainBits::new(labels);
        let asked = domain.bits();
        let lists = |entries: &Option<Entries>| entries.as_ref().is_some_and(|e| e.lists(now));
        let mut wildcard = None;
        self.domains.visit_above(asked, |_, at| {
            wildcard = at.below.as_ref().filter(|entries| entries.any_live(now)).or(wildcard);
        });
        wildcard.is_some_and(|entries| entries.lists(now))
            || self.domains.any_below(asked, &|key, at| {
                lists(&at.below) || (key.bits().len() > asked.len() && lists(&at.exact))
            })
    }

    /// The subjects that cover `subject`, itself included, and have a live entry of the zone's own; longest first.
    pub fn covering(&self, subject: &Subject, now: UnixTime) -> Vec<Subject> {
        let mut found = Vec::new();
        match subject {
            Subject::V4(net) => self.covering_v4(*net, now, &mut found),
            Subject::V6(net) => {
                self.v6.visit_above(NetKey::from(*net).bits(), |key, entries| {
                    found.extend(entries.any_live(now).then(|| Subject::V6(key.v6())));
                });
            }
            Subject::Domain(domain) => self.covering_domains(domain, now, &mut found),
        }
        found.reverse();
        found
    }

    fn covering_v4(&self, net: Ipv4Net, now: UnixTime, found: &mut Vec<Subject>) {
        self.v4.visit_above(NetKey::from(net).bits(), |key, entries| {
            found.extend(entries.any_live(now).then(|| Subject::V4(key.v4())));
        });
        let host = net.addr();
        let is_listed = self.plain.find(host.into()).is_some()
            || self.host(host).is_some_and(|entries| entries.any_live(now));
        found.extend((net.prefix_len() == 32 && is_listed).then_some(Subject::V4(net)));
    }

    fn covering_domains(&self, domain: &DomainSubject, now: UnixTime, found: &mut Vec<Subject>) {
        let asked = DomainBits::new(domain.name().labels());
        self.domains.visit_above(asked.bits(), |key, at| {
            let is_exact = key.bits().len() == asked.bits().len() && !domain.is_wildcard();
            let entries = if is_exact { &at.exact } else { &at.below };
            if entries.as_ref().is_some_and(|entries| entries.any_live(now)) {
                let name = domain.name().labels();
                found.push(Subject::Domain(match is_exact {
                    true => exact(name),
                    false => below(name, key.count_labels()),
                }));
            }
        });
    }

    /// About how many bytes the entries take, with the texts and codes of their own, each once.
    pub fn bytes(&self) -> usize {
        let hosts = self.plain.bytes() + self.hosts.bytes();
        hosts + self.v4.bytes() + self.v6.bytes() + self.domains.bytes() + self.interner.bytes()
    }
}

impl Judge for IndexedZone {
    fn settings(&self) -> &Zone {
        &self.zone
    }

    fn judge_own<'a>(&'a self, queried: Queried<'a>, now: UnixTime) -> Verdict<'a> {
        if let Some(retirement) = self.zone.phase.retirement() {
            return self.judge_retired(retirement, queried, now);
        }
        let verdict = match queried {
            Queried::Addr(addr) => self.judge_ip(addr, now),
            Queried::Domain(labels) => self.judge_labels(labels, now),
        };
        if self.allowing.is_empty() {
            return verdict;
        }
        self.without_allowed(verdict, queried, now)
    }

    fn included(&self, place: usize) -> Option<&dyn Judge> {
        self.included.get(place)?.as_deref().map(|zone| zone as &dyn Judge)
    }
}

/// Prefetches what judging these addresses, at most `N`, will read into the processor's caches, so that it
/// waits for the memory of all of them at once, not for one after the other.
pub fn prefetch<const N: usize>(addresses: &[(&IndexedZone, Ipv4Addr)]) {
    let hosts = addresses.iter().map(|(zone, addr)| (&zone.plain, u32::from(*addr)));
    hosts::prefetch::<_, N>(hosts);
    let mut included = addresses.iter().flat_map(|(zone, addr)| {
        let zones = zone.included.iter().flatten();
        zones.map(|zone| (&zone.plain, u32::from(*addr)))
    });
    while hosts::prefetch::<_, N>(included.by_ref()) == N {}
}

/// Applies changes, unless there is nothing to change.
fn apply<V: hosts::Value>(
    map: &mut HostMap<V>,
    changes: impl Iterator<Item = hosts::Change<V>> + Clone,
) {
    if map.len() > 0 || changes.clone().any(|(_, value)| value.is_some()) {
        map.apply(&changes.collect::<Vec<_>>());
    }
}

/// The origin's wire form, which zones are found by.
impl IndexedZone {
    /// Its origin.
    pub fn origin(&self) -> &Name {
        &self.zone.origin
    }
}
