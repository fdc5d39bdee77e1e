//! Allow entries as the index keeps them: until when an address or domain is not listed, whatever is said of it.

use dnsbl_types::{AllowEntry, Name, Subject, UnixTime};

use crate::{
    key::{DomainBits, DomainKey, Key as _, NetKey},
    trie::Trie,
    verdict::{Queried, below, exact},
};

/// The allow entries of a zone, or those of all zones. A clone shares them; a change copies a path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowlist {
    v4: Trie<NetKey, UnixTime>,
    v6: Trie<NetKey, UnixTime>,
    domains: Trie<DomainKey, AllowedDomain>,
}

/// Until when a domain is allowed, and the names below it.
#[derive(Clone, Copy, Debug, Default)]
struct AllowedDomain {
    exact: Option<UnixTime>,
    below: Option<UnixTime>,
}

/// The end of an entry that does not expire.
const NEVER: UnixTime = UnixTime(u64::MAX);

impl Allowlist {
    /// Puts an entry, or takes it away.
    pub(crate) fn set(&mut self, entry: &AllowEntry, is_gone: bool) {
        let until = (!is_gone).then(|| entry.expires_at.unwrap_or(NEVER));
        match &entry.subject {
            Subject::V4(net) => self.v4.set(&NetKey::from(*net), until),
            Subject::V6(net) => self.v6.set(&NetKey::from(*net), until),
            Subject::Domain(domain) => {
                let bits = DomainBits::new(domain.name().labels());
                let mut at = self.domains.find(bits.bits()).copied().unwrap_or_default();
                *if domain.is_wildcard() { &mut at.below } else { &mut at.exact } = until;
                let is_empty = at.exact.is_none() && at.below.is_none();
                self.domains.set(&DomainKey::from(&bits), (!is_empty).then_some(at));
            }
        }
    }

    /// Whether there is no entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty() && self.domains.is_empty()
    }

    /// The subject of the longest live entry that covers a subject.
    fn covering(&self, subject: &Subject, now: UnixTime) -> Option<Subject> {
        let mut longest = None;
        match subject {
            Subject::V4(net) => self.v4.visit_above(NetKey::from(*net).bits(), |key, until| {
                longest = Some(Subject::V4(key.v4())).filter(|_| now < *until).or(longest.take());
            }),
            Subject::V6(net) => self.v6.visit_above(NetKey::from(*net).bits(), |key, until| {
                longest = Some(Subject::V6(key.v6())).filter(|_| now < *until).or(longest.take());
            }),
            Subject::Domain(domain) => {
                let name = domain.name().labels();
                let asked = DomainBits::new(name);
                self.domains.visit_above(asked.bits(), |key, at| {
                    let is_exact = key.bits().len() == asked.bits().len() && !domain.is_wildcard();
                    let until = if is_exact { at.exact } else { at.below };
                    if until.is_some_and(|until| now < until) {
                        longest = Some(Subject::Domain(match is_exact {
                            true => exact(name),
                            false => below(name, key.count_labels()),
                        }));
                    }
                });
            }
        }
        longest
    }

    /// The last end of the live entries that cover what was queried for; `None` where none does.
    pub(crate) fn end(&self, queried: Queried<'_>, now: UnixTime) -> Option<End> {
        let mut last = None;
        let mut offer = |until: UnixTime| last = last.max(Some(until).filter(|at| now < *at));
        match queried {
            Queried::Addr(addr) => {
                let (trie, key) = match addr.to_canonical() {
                    std::net::IpAddr::V4(addr) => (&self.v4, NetKey::from(addr)),
                    std::net::IpAddr::V6(addr) => (&self.v6, NetKey::from(addr)),
                };
                trie.visit_above(key.bits(), |_, until| offer(*until));
            }
            Queried::Domain(labels) => {
                let domain = DomainBits::new(labels);
                self.domains.visit_above(domain.bits(), |key, at| {
                    let is_exact = key.bits().len() == domain.bits().len();
                    if let Some(until) = if is_exact { at.exact } else { at.below } {
                        offer(until);
                    }
                });
            }
        }
        last.map(|until| End(Some(until).filter(|at| *at != NEVER)))
    }
}

/// What a zone does not list: its own allow entries, and those of all zones.
#[derive(Clone, Debug, Default)]
pub struct Allowing {
    pub(crate) own: Allowlist,
    pub(crate) everywhere: Allowlist,
}

impl Allowing {
    /// Those among some entries that hold for a zone.
    pub fn of<'e>(zone: &Name, entries: impl IntoIterator<Item = &'e AllowEntry>) -> Self {
        let mut allowing = Self::default();
        for entry in entries {
            match &entry.zone {
                None => allowing.everywhere.set(entry, false),
                Some(of) if of == zone => allowing.own.set(entry, false),
                Some(_) => {}
            }
        }
        allowing
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.everywhere.is_empty()
    }

    /// The subject of an entry that holds at `now` and covers all of a subject; the zone's own come first.
    pub fn by(&self, subject: &Subject, now: UnixTime) -> Option<Subject> {
        self.own.covering(subject, now).or_else(|| self.everywhere.covering(subject, now))
    }

    /// The last end of the live entries that cover what was queried for, if there are any.
    pub(crate) fn end(&self, queried: Queried<'_>, now: UnixTime) -> Option<End> {
        let ends = [self.own.end(queried, now), self.everywhere.end(queried, now)];
        ends.into_iter().flatten().reduce(End::later)
    }
}

/// When what allows a subject ends; `None`: never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End(pub(crate) Option<UnixTime>);

impl End {
    /// The later of two.
    pub(crate) fn later(self, other: Self) -> Self {
        Self(self.0.zip(other.0).map(|(one, other)| one.max(other)))
    }
}
