//! Verdicts: what the entries say about one address or domain.
//!
//! A verdict borrows from the index and from the question: making one, and reading it, allocates
//! nothing.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use dnsbl_types::{
    DomainSubject, Include, Labels, Name, Reason, ReturnCode, Subject, TestEntry, UnixTime, Zone,
};

use ipnet::IpNet;

use crate::entries::{Entries, IndexedEntry};

/// The verdict on an address or domain: whether it is listed, and how long that holds at least.
#[derive(Clone, Debug)]
pub enum Verdict<'a> {
    /// Nothing is said about it.
    Unlisted,
    /// It is kept out, whatever covers it.
    Excluded {
        /// When what keeps it out may change without a write.
        until: Option<UnixTime>,
    },
    /// It is listed.
    Listed(Listed<'a>),
}

/// The grounds of a listing: a test entry, or the live entries of one subject (of two for 6to4); those of a
/// combined zone also in the zones that it includes.
#[derive(Clone, Debug)]
pub struct Listed<'a> {
    queried: Queried<'a>,
    now: UnixTime,
    /// `None` where only included zones list it.
    own: Option<Cause<'a>>,
    /// For a 6to4 address: what lists the IPv4 address inside.
    inside: Option<(Ipv4Addr, Cause<'a>)>,
    included: Option<IncludedListings<'a>>,
}

/// A zone as far as verdicts are made of it.
pub(crate) trait Judge: fmt::Debug + Send + Sync {
    /// Its settings.
    fn settings(&self) -> &Zone;

    /// What its own entries say.
    fn judge_own<'a>(&'a self, queried: Queried<'a>, now: UnixTime) -> Verdict<'a>;

    /// The zone that it includes at a place of its settings, if there is one.
    fn included(&self, place: usize) -> Option<&dyn Judge>;
}

/// Which of the zones that a combined zone includes list what was queried for.
///
/// What they say of it is looked up again when it is read: there may be 64 zones, few of which list it, and
/// that finds what it needs in the processor's caches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IncludedListings<'a> {
    zone: &'a dyn Judge,
    /// A bit for each place of an include.
    listing: u64,
    until: Option<UnixTime>,
}

/// One ground of a listing.
#[derive(Clone, Copy, Debug)]
struct Hit<'a> {
    queried: Queried<'a>,
    now: UnixTime,
    cause: Cause<'a>,
}

/// A ground of a listing with what it is answered with.
struct Ground<'a> {
    hit: Hit<'a>,
    /// The zone whose entries it is made of.
    zone: &'a Zone,
    /// How the zone that is asked includes that one; `None` for its own.
    include: Option<&'a Include>,
}

/// The cause of a hit.
#[derive(Clone, Copy, Debug)]
enum Cause<'a> {
    Test(ReturnCode),
    /// One listing of an address, with the zone's values.
    Plain,
    /// The live ones among the entries of a subject.
    Entries(MatchedBy, &'a Entries),
}

/// The address or domain that was queried for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Queried<'a> {
    Addr(IpAddr),
    Domain(Labels<'a>),
}

/// The subject whose entries decide: what was queried for, or what covers it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MatchedBy {
    /// The first bits of the address.
    Prefix(u8),
    /// The domain itself.
    Exact,
    /// What is below the last labels of the domain.
    Below(u8),
}

/// A reason with the subject that `$` stands for; displays as the text of the TXT record.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    reason: &'a Reason,
    queried: Queried<'a>,
}

impl fmt::Display for Queried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => addr.fmt(f),
            Self::Domain(labels) => labels.fmt(f),
        }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.write(f, &self.queried)
    }
}

impl<'a> Verdict<'a> {
    pub(crate) fn of_test(test: TestEntry, queried: Queried<'a>, now: UnixTime) -> Self {
        match test {
            TestEntry::Never => Self::Excluded { until: None },
            TestEntry::Listed(code) => Self::listed_by(queried, now, Cause::Test(code)),
        }
    }

    /// One listing of an address, with the zone's values.
    pub(crate) fn of_plain_host(queried: Queried<'a>, now: UnixTime) -> Self {
        Self::listed_by(queried, now, Cause::Plain)
    }

    /// What the live ones of a subject's entries say; there must be one.
    pub(crate) fn of_entries(
        by: MatchedBy,
        entries: &'a Entries,
        queried: Queried<'a>,
        now: UnixTime,
    ) -> Self {
        if entries.live(now).any(|entry| entry.body().exclusion) {
            return Self::Excluded { until: first_expiry(entries, now) };
        }
        Self::listed_by(queried, now, Cause::Entries(by, entries))
    }

    fn listed_by(queried: Queried<'a>, now: UnixTime, cause: Cause<'a>) -> Self {
        Self::Listed(Listed { queried, now, own: Some(cause), inside: None, included: None })
    }

    /// Joins the verdict on a 6to4 address with that on the IPv4 address inside it.
    ///
    /// An exclusion of either keeps the address out: a list must not list by mistake.
    pub(crate) fn merge_6to4(self, addr: Ipv6Addr, inside: Ipv4Addr, verdict: Self) -> Self {
        match (self, verdict) {
            (excluded @ Self::Excluded { .. }, _) | (_, excluded @ Self::Excluded { .. }) => {
                excluded
            }
            (outside, Self::Unlisted) => outside,
            (outside, Self::Listed(listed)) => {
                let own = outside.listed().and_then(|listed| listed.own);
                let inside = listed.own.map(|cause| (inside, cause));
                let queried = Queried::Addr(addr.into());
                Self::Listed(Listed { queried, own, inside, ..listed })
            }
        }
    }

    /// When the verdict may change without a write.
    pub fn until(&self) -> Option<UnixTime> {
        match self {
            Self::Unlisted => None,
            Self::Excluded { until } => *until,
            Self::Listed(listed) => listed.until(),
        }
    }

    /// The listing, if there is one.
    pub fn listed(&self) -> Option<&Listed<'a>> {
        match self {
            Self::Listed(listed) => Some(listed),
            Self::Unlisted | Self::Excluded { .. } => None,
        }
    }
}

impl<'a> Listed<'a> {
    /// The return codes of all entries, in no order and with repetitions.
    pub fn codes(&self, zone: &'a Zone) -> impl Iterator<Item = ReturnCode> {
        self.grounds(zone).flat_map(Ground::codes)
    }

    /// The union of all return codes, in order, without repetition.
    pub fn return_codes(&self, zone: &'a Zone) -> Vec<ReturnCode> {
        let mut codes: Vec<ReturnCode> = self.codes(zone).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// The reasons of all entries, which may repeat.
    pub fn texts(&self, zone: &'a Zone) -> impl Iterator<Item = Text<'a>> {
        self.grounds(zone).flat_map(Ground::texts)
    }

    /// All reasons with the subject filled in, without repetition.
    pub fn reasons(&self, zone: &'a Zone) -> Vec<String> {
        let mut reasons = Vec::new();
        for text in self.texts(zone) {
            let text = text.to_string();
            if !reasons.contains(&text) {
                reasons.push(text);
            }
        }
        reasons
    }

    /// The subject whose entries decide; `None` for a test entry, and where only included zones list it.
    pub fn by(&self) -> Option<Subject> {
        self.hits().find_map(|hit| match hit.cause {
            Cause::Test(_) => None,
            Cause::Plain => Some(MatchedBy::Prefix(32).subject(hit.queried)),
            Cause::Entries(by, _) => Some(by.subject(hit.queried)),
        })
    }

    /// Whether it is a test entry.
    pub(crate) fn is_of_test_entry(&self) -> bool {
        self.hits().any(|hit| matches!(hit.cause, Cause::Test(_)))
    }

    /// When this may change without a write.
    fn until(&self) -> Option<UnixTime> {
        let own = self.hits().filter_map(Hit::until).min();
        sooner(own, self.included.and_then(|included| included.until))
    }

    /// What the zone's own entries say.
    fn hits(&self) -> impl Iterator<Item = Hit<'a>> + use<'a> {
        let Self { queried, now, .. } = *self;
        let own = self.own.map(|cause| Hit { queried, now, cause });
        let inside = self.inside.map(|(addr, cause)| {
            let queried = Queried::Addr(addr.into());
            Hit { queried, now, cause }
        });
        own.into_iter().chain(inside)
    }

    /// All grounds, those of the zone first.
    fn grounds(&self, zone: &'a Zone) -> impl Iterator<Item = Ground<'a>> {
        let own = self.hits().map(move |hit| Ground { hit, zone, include: None });
        let Self { queried, now, .. } = *self;
        let included = self.included.into_iter();
        let included = included.flat_map(move |included| included.iter(queried, now));
        own.chain(included.flat_map(|(include, zone, listed)| {
            listed.hits().map(move |hit| Ground { hit, zone, include: Some(include) })
        }))
    }
}

impl<'a> IncludedListings<'a> {
    /// Joins the verdict of a zone's own entries with those of all zones that it includes.
    pub(crate) fn join(
        own: Verdict<'a>,
        zone: &'a dyn Judge,
        queried: Queried<'a>,
        now: UnixTime,
    ) -> Verdict<'a> {
        let (mut listing, mut is_excluded, mut until) = (0, false, own.until());
        for place in 0..zone.settings().includes.as_slice().len() {
            let Some(included) = zone.included(place) else { continue };
            let verdict = included.judge_own(queried, now);
            until = sooner(until, verdict.until());
            match verdict {
                Verdict::Listed(_) => listing |= 1 << place,
                Verdict::Excluded { .. } => is_excluded = true,
                Verdict::Unlisted => {}
            }
        }
        let (own, inside) = match own {
            Verdict::Listed(listed) => (listed.own, listed.inside),
            _ if listing != 0 => (None, None),
            Verdict::Unlisted if !is_excluded => return Verdict::Unlisted,
            // What one of them excludes, another may list; here none does.
            Verdict::Excluded { .. } | Verdict::Unlisted => return Verdict::Excluded { until },
        };
        let included = Some(Self { zone, listing, until });
        Verdict::Listed(Listed { queried, now, own, inside, included })
    }

    /// How the zones that list it are included, their settings, and what they say.
    fn iter(
        self,
        queried: Queried<'a>,
        now: UnixTime,
    ) -> impl Iterator<Item = (&'a Include, &'a Zone, Listed<'a>)> {
        let Self { zone, listing, .. } = self;
        let includes = zone.settings().includes.as_slice().iter().enumerate();
        let listing = includes.filter(move |(place, _)| listing >> place & 1 != 0);
        listing.filter_map(move |(place, include)| {
            let included = zone.included(place)?;
            match included.judge_own(queried, now) {
                Verdict::Listed(listed) => Some((include, included.settings(), listed)),
                Verdict::Unlisted | Verdict::Excluded { .. } => None,
            }
        })
    }
}

impl<'a> Ground<'a> {
    fn codes(self) -> impl Iterator<Item = ReturnCode> + use<'a> {
        let Self { hit, zone, include } = self;
        let instead = include.map_or(&[][..], |include| &include.return_codes);
        let is_own = instead.is_empty();
        let (test, defaults): (_, &[_]) = match hit.cause {
            _ if !is_own => (None, instead),
            Cause::Test(code) => (Some(code), &[]),
            Cause::Plain => (None, &zone.return_codes),
            Cause::Entries(..) => (None, &[]),
        };
        let own_or_default = |entry: &'a IndexedEntry| match &*entry.body().return_codes {
            [] => zone.return_codes.as_slice(),
            own => own,
        };
        let entries = is_own.then(|| hit.live()).into_iter().flatten();
        let defaults = defaults.iter().copied();
        test.into_iter().chain(defaults).chain(entries.flat_map(own_or_default).copied())
    }

    fn texts(self) -> impl Iterator<Item = Text<'a>> + use<'a> {
        let Self { hit, zone, include } = self;
        let instead = include.and_then(|include| include.reason.as_ref());
        let is_default = matches!(hit.cause, Cause::Test(_) | Cause::Plain);
        let own_or_default = |entry: &'a IndexedEntry| match &entry.body().reason {
            Some(own) => own,
            None => &zone.reason,
        };
        let entries = instead.is_none().then(|| hit.live()).into_iter().flatten();
        let default = instead.or(is_default.then_some(&zone.reason));
        let reasons = default.into_iter().chain(entries.map(own_or_default));
        reasons.map(move |reason| Text { reason, queried: hit.queried })
    }
}

impl<'a> Hit<'a> {
    fn live(self) -> impl Iterator<Item = &'a IndexedEntry> + use<'a> {
        let entries = match self.cause {
            Cause::Test(_) | Cause::Plain => None,
            Cause::Entries(_, entries) => Some(entries),
        };
        entries.into_iter().flat_map(move |entries| entries.live(self.now))
    }

    fn until(self) -> Option<UnixTime> {
        self.live().filter_map(IndexedEntry::expires_at).min()
    }
}

/// The first of two ends.
fn sooner(one: Option<UnixTime>, other: Option<UnixTime>) -> Option<UnixTime> {
    one.into_iter().chain(other).min()
}

fn first_expiry(entries: &Entries, now: UnixTime) -> Option<UnixTime> {
    entries.live(now).filter_map(IndexedEntry::expires_at).min()
}

impl MatchedBy {
    fn subject(self, queried: Queried<'_>) -> Subject {
        match (self, queried) {
            (Self::Prefix(len), Queried::Addr(addr)) => {
                Subject::from_net(IpNet::new_assert(addr, len))
            }
            (Self::Below(labels), Queried::Domain(name)) => Subject::Domain(below(name, labels)),
            (_, Queried::Domain(name)) => Subject::Domain(exact(name)),
            (_, Queried::Addr(addr)) => Subject::host(addr),
        }
    }
}

/// A name as a subject.
pub(crate) fn exact(name: Labels<'_>) -> DomainSubject {
    let name = Name::from_labels(name).expect("what was queried for is a name");
    DomainSubject::exact(name).expect("entries never lie at the root")
}

/// What is below the last `count` labels of a name.
pub(crate) fn below(name: Labels<'_>, count: u8) -> DomainSubject {
    let skip = name.count_labels().saturating_sub(count.into());
    let ancestor = Name::from_labels(name.skip(skip)).expect("a part of a name is a name");
    DomainSubject::below(ancestor).expect("entries never lie at the root")
}

/// The longest subject with a live entry, found among subjects that come from the shortest to the longest.
pub(crate) struct LongestMatch<'a> {
    now: UnixTime,
    longest: Option<(MatchedBy, &'a Entries)>,
}

impl<'a> LongestMatch<'a> {
    pub(crate) fn new(now: UnixTime) -> Self {
        Self { now, longest: None }
    }

    pub(crate) fn offer(&mut self, by: MatchedBy, entries: &'a Entries) {
        if entries.any_live(self.now) {
            self.longest = Some((by, entries));
        }
    }

    pub(crate) fn verdict(self, queried: Queried<'a>) -> Verdict<'a> {
        match self.longest {
            None => Verdict::Unlisted,
            Some((by, entries)) => Verdict::of_entries(by, entries, queried, self.now),
        }
    }
}
