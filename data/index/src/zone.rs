//! One zone with its entries.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, LazyLock},
};

use dnsbl_types::{
    DomainSubject, Entry, Labels, Name, Serial, Subject, TestEntry, UnixTime, Zone, query_name,
};
use ipnet::Ipv6Net;

use crate::{
    Verdict,
    key::{DomainKey, NetKey},
    trie::{Key, Trie},
    verdict::Deciding,
};

/// All that is said about one subject; never empty.
pub(crate) type Entries = Arc<[Entry]>;

/// What most subjects have: one listing with the zone's values.
static PLAIN: LazyLock<Entries> = LazyLock::new(|| Arc::new([Entry::default()]));

/// One zone with its entries, as a reader sees it.
#[derive(Clone, Debug)]
pub struct IndexedZone {
    zone: Arc<Zone>,
    serial: Serial,
    v4: Trie<NetKey, Entries>,
    v6: Trie<NetKey, Entries>,
    domains: Trie<DomainKey, AtDomain>,
}

/// What is said about a domain and about the names below it.
#[derive(Clone, Debug, Default)]
struct AtDomain {
    exact: Option<Entries>,
    below: Option<Entries>,
}

impl IndexedZone {
    pub(crate) fn new(zone: Zone, serial: Serial) -> Self {
        let zone = Arc::new(zone);
        Self { zone, serial, v4: Trie::default(), v6: Trie::default(), domains: Trie::default() }
    }

    pub(crate) fn replace_settings(&mut self, zone: Zone, serial: Serial) {
        self.zone = Arc::new(zone);
        self.serial = serial;
    }

    pub(crate) fn set_serial(&mut self, serial: Serial) {
        self.serial = serial;
    }

    pub(crate) fn set_entries(&mut self, subject: &Subject, entries: &[Entry]) {
        let entries = share(entries);
        match subject {
            Subject::V4(net) => self.v4.set(&(*net).into(), entries),
            Subject::V6(net) => self.v6.set(&(*net).into(), entries),
            Subject::Domain(domain) => self.set_domain(domain, entries),
        }
    }

    fn set_domain(&mut self, domain: &DomainSubject, entries: Option<Entries>) {
        let key = DomainKey::new(domain.name().labels());
        let mut at = self.domains.find(&key).cloned().unwrap_or_default();
        *if domain.is_wildcard() { &mut at.below } else { &mut at.exact } = entries;
        let empty = at.exact.is_none() && at.below.is_none();
        self.domains.set(&key, (!empty).then_some(at));
    }

    /// The zone's settings.
    pub fn settings(&self) -> &Zone {
        &self.zone
    }

    /// The zone's serial.
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// Whether an address is listed, test entries included.
    ///
    /// An IPv4-mapped address is judged as IPv4. A 6to4 address is judged as itself and as the IPv4
    /// address inside it: listed if either is and neither is excluded.
    pub fn judge_address(&self, addr: IpAddr, now: UnixTime) -> Verdict<'_> {
        match addr.to_canonical() {
            IpAddr::V4(addr) => self.judge_v4(addr, now),
            IpAddr::V6(addr) => match query_name::six_to_four(addr) {
                Some(inner) => self.judge_v6(addr, now).or_of_inner(self.judge_v4(inner, now)),
                None => self.judge_v6(addr, now),
            },
        }
    }

    fn judge_v4(&self, addr: Ipv4Addr, now: UnixTime) -> Verdict<'_> {
        if let Some(test) = TestEntry::at_address(&self.zone, addr) {
            return Verdict::of_test(test, &addr);
        }
        let mut deciding = Deciding::new(now);
        let key = NetKey::from(ipnet::Ipv4Net::from(addr));
        self.v4.visit_above(&key, |key, entries| deciding.see(*key, entries));
        deciding.verdict(&addr, |key| Subject::V4(key.v4()))
    }

    fn judge_v6(&self, addr: Ipv6Addr, now: UnixTime) -> Verdict<'_> {
        let mut deciding = Deciding::new(now);
        let key = NetKey::from(Ipv6Net::from(addr));
        self.v6.visit_above(&key, |key, entries| deciding.see(*key, entries));
        deciding.verdict(&addr, |key| Subject::V6(key.v6()))
    }

    /// Whether a domain is listed, test entries included.
    pub fn judge_domain(&self, labels: Labels<'_>, now: UnixTime) -> Verdict<'_> {
        let Ok(name) = Name::from_labels(labels) else {
            return Verdict::Unlisted;
        };
        if let Some(test) = TestEntry::at_domain(labels) {
            return Verdict::of_test(test, &name);
        }
        let asked = DomainKey::new(labels);
        let mut deciding = Deciding::new(now);
        self.domains.visit_above(&asked, |key, at| {
            let exact = key.bits() == asked.bits();
            if let Some(entries) = if exact { &at.exact } else { &at.below } {
                deciding.see((key, exact), entries);
            }
        });
        deciding.verdict(&name, |(key, exact)| {
            Subject::Domain(ancestor(&name, key.count_labels(), exact))
        })
    }

    /// Whether anything that is said now lies at, below or above an IPv6 prefix.
    pub fn touches_v6(&self, net: Ipv6Net, now: UnixTime) -> bool {
        let key = NetKey::from(net);
        let mut above = false;
        self.v6.visit_above(&key, |_, entries| above |= any_live(entries, now));
        above || self.v6.any_below(&key, |_, entries| any_live(entries, now))
    }

    /// Whether a name below this domain is listed now.
    pub fn lists_below_domain(&self, labels: Labels<'_>, now: UnixTime) -> bool {
        let asked = DomainKey::new(labels);
        let lists = |entries: &Option<Entries>| entries.as_ref().is_some_and(|e| lists_at(e, now));
        let mut wildcard = None;
        self.domains.visit_above(&asked, |_, at| {
            wildcard = at.below.as_ref().filter(|entries| any_live(entries, now)).or(wildcard);
        });
        wildcard.is_some_and(|entries| lists_at(entries, now))
            || self.domains.any_below(&asked, |key, at| {
                lists(&at.below) || (key.bits() > asked.bits() && lists(&at.exact))
            })
    }

    /// The subjects that cover `subject`, itself included, and have a live entry; longest first.
    pub fn covering(&self, subject: &Subject, now: UnixTime) -> Vec<Subject> {
        let mut found = Vec::new();
        match subject {
            Subject::V4(net) => self.v4.visit_above(&(*net).into(), |key, entries| {
                found.extend(any_live(entries, now).then(|| Subject::V4(key.v4())));
            }),
            Subject::V6(net) => self.v6.visit_above(&(*net).into(), |key, entries| {
                found.extend(any_live(entries, now).then(|| Subject::V6(key.v6())));
            }),
            Subject::Domain(domain) => self.covering_domains(domain, now, &mut found),
        }
        found.reverse();
        found
    }

    fn covering_domains(&self, domain: &DomainSubject, now: UnixTime, found: &mut Vec<Subject>) {
        let asked = DomainKey::new(domain.name().labels());
        self.domains.visit_above(&asked, |key, at| {
            let exact = key.bits() == asked.bits() && !domain.is_wildcard();
            let entries = if exact { &at.exact } else { &at.below };
            if entries.as_ref().is_some_and(|entries| any_live(entries, now)) {
                found.push(Subject::Domain(ancestor(domain.name(), key.count_labels(), exact)));
            }
        });
    }

    /// A rough count of the bytes that the entries take.
    pub fn estimated_bytes(&self) -> usize {
        self.v4.estimated_bytes() + self.v6.estimated_bytes() + self.domains.estimated_bytes()
    }
}

pub(crate) fn live(entries: &[Entry], now: UnixTime) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(move |entry| entry.is_live(now))
}

fn any_live(entries: &Entries, now: UnixTime) -> bool {
    live(entries, now).next().is_some()
}

/// Whether these entries, if they decide, make a listing.
fn lists_at(entries: &Entries, now: UnixTime) -> bool {
    any_live(entries, now) && !live(entries, now).any(|entry| entry.exclusion)
}

fn share(entries: &[Entry]) -> Option<Entries> {
    match entries {
        [] => None,
        [entry] if *entry == Entry::default() => Some(PLAIN.clone()),
        _ => Some(entries.into()),
    }
}

/// The last `count` labels of `name`, itself (`exact`) or what is below.
fn ancestor(name: &Name, count: usize, exact: bool) -> DomainSubject {
    let skip = name.labels().count_labels() - count;
    let ancestor = Name::from_labels(name.labels().skip(skip)).expect("a part of a name is a name");
    let subject =
        if exact { DomainSubject::exact(ancestor) } else { DomainSubject::below(ancestor) };
    subject.expect("entries never lie at the root")
}
