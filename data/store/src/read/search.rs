//! Searching the listings of a zone: pages, counts, and everything.
//!
//! A search goes through subjects in the order of their keys, so a place in it is a subject and a source, and means
//! the same whatever was written meanwhile. It reads as little as it can: the keys among which its subjects lie, the segments
//! of its source, and where it asks for an expiry within a short span, the rows that expire then. Plain addresses have nothing of
//! their own to be asked for, so whole blocks of them are taken or left.

use std::collections::BTreeSet;

use dnsbl_types::{Listing, Name, Source, Subject};

use crate::{
    StoreError,
    format::{key, row::PLAIN_LISTING, schema},
    read::{
        cursor::Reading,
        filter::{ExpiryMatch, Filter, Sieve, SubjectMatch, TimeSpan},
        reader::Reader,
        scan::{Scan, SubjectRows},
        state::{Segment, ZoneState},
    },
};

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Its last subject.
    pub subject: Subject,
    /// Its last source; `None` behind all of them.
    pub source: Option<Source>,
}

/// A page of listings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What was found, in the order of keys.
    pub listings: Vec<Listing>,
    /// Where it ended, if there may be more.
    pub next: Option<Cursor>,
}

/// A count of listings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many were found.
    pub count: u64,
    /// Where it ended, if there may be more.
    pub next: Option<Cursor>,
}

/// How a visit of listings ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visited {
    /// All were visited.
    All,
    /// The visitor wanted no more.
    Enough,
    /// It was told to stop behind this subject.
    Stopped(Subject),
}

/// What a visit comes to.
enum Found<'f> {
    /// Those of a subject that are looked for, by source.
    Listings(Vec<Listing>),
    /// Addresses of which a segment says nothing but "listed", and no other anything.
    Hosts(&'f Segment, &'f [u32]),
}

/// Subjects that are looked at before a visit asks again whether it shall stop. Addresses of which there is
/// nothing else to say are passed over much faster, and count as one for each so many.
const LOOK: usize = 256;
/// The most rows that expire within a span for which they are found by their expiry.
const EXPIRING: usize = 20_000;

impl Cursor {
    /// Whether it stands at or behind what a source says of the subject with a key.
    fn has_passed(&self, key: &[u8], source: &Source) -> bool {
        let order = key.cmp(key::subject(&self.subject).as_slice());
        order.is_lt()
            || (order.is_eq() && self.source.as_ref().is_none_or(|passed| source <= passed))
    }
}

impl Reader<'_> {
    /// A page of at most `limit` listings, in the order of their keys. It ends early, maybe empty, once `stop`
    /// says so, which is asked after some hundred subjects each: what a page costs is up to the caller, who
    /// goes on at `next`.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn page(
        &self,
        origin: &Name,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: usize,
        stop: impl FnMut() -> bool,
    ) -> Result<Page, StoreError> {
        let mut page = Page::default();
        // What has few such listings may be read far.
        let reading = if filter.is_selective() { Reading::All } else { Reading::Some };
        let visited = self.visit_each(origin, filter, after, reading, stop, |listing| {
            let goes_on = page.listings.len() < limit;
            if goes_on {
                page.listings.push(listing);
            }
            goes_on
        })?;
        page.next = match visited {
            Visited::All => None,
            Visited::Enough => page.listings.last().map(|last| Cursor {
                subject: last.subject.clone(),
                source: Some(last.source.clone()),
            }),
            Visited::Stopped(subject) => Some(Cursor { subject, source: None }),
        };
        Ok(page)
    }

    /// How many listings there are behind a place. It ends early once `stop` says so, as a page does.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn count(
        &self,
        origin: &Name,
        filter: &Filter,
        after: Option<&Cursor>,
        stop: impl FnMut() -> bool,
    ) -> Result<Counted, StoreError> {
        if after.is_none() && filter.is_of_a_kind_only() {
            let record = self.zone(origin)?;
            let [listings, exclusions] =
                record.map_or([0, 0], |record| [record.listings, record.exclusions]);
            let count = match filter.exclusion {
                None => listings + exclusions,
                Some(true) => exclusions,
                Some(false) => listings,
            };
            return Ok(Counted { count, next: None });
        }
        let mut count = 0;
        let visited = self.visit(origin, filter, after, Reading::All, stop, |found| {
            count += match found {
                Found::Listings(listings) => listings.len() as u64,
                Found::Hosts(_, hosts) => hosts.len() as u64,
            };
            Ok(true)
        })?;
        let next = match visited {
            Visited::Stopped(subject) => Some(Cursor { subject, source: None }),
            Visited::All | Visited::Enough => None,
        };
        Ok(Counted { count, next })
    }

    /// Visits listings in the order of their keys until `visit` returns false, or `stop` says so, which is
    /// asked after some hundred subjects each.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn each(
        &self,
        origin: &Name,
        filter: &Filter,
        stop: impl FnMut() -> bool,
        visit: impl FnMut(Listing) -> bool,
    ) -> Result<Visited, StoreError> {
        self.visit_each(origin, filter, None, Reading::All, stop, visit)
    }

    /// Visits one listing after the other.
    fn visit_each(
        &self,
        origin: &Name,
        filter: &Filter,
        after: Option<&Cursor>,
        reading: Reading,
        stop: impl FnMut() -> bool,
        mut visit: impl FnMut(Listing) -> bool,
    ) -> Result<Visited, StoreError> {
        self.visit(origin, filter, after, reading, stop, |found| match found {
            Found::Listings(listings) => Ok(listings.into_iter().all(&mut visit)),
            Found::Hosts(segment, hosts) => {
                for &host in hosts {
                    let subject = Subject::from(std::net::Ipv4Addr::from_bits(host));
                    if !visit(segment.listing(subject, &PLAIN_LISTING)?) {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        })
    }

    fn visit(
        &self,
        origin: &Name,
        filter: &Filter,
        after: Option<&Cursor>,
        reading: Reading,
        stop: impl FnMut() -> bool,
        visit: impl FnMut(Found<'_>) -> Result<bool, StoreError>,
    ) -> Result<Visited, StoreError> {
        let Some(mut state) = self.state(origin)? else {
            return Ok(Visited::All);
        };
        if let Some(source) = &filter.source {
            state.segments.retain(|segment| segment.source == *source);
        }
        let sieve = Sieve::new(filter, &state.zone);
        let search = Search { filter, sieve, after, stop, visit, looked: 0 };
        if let ExpiryMatch::Within(span) = filter.expiry
            && let Some(subjects) = self.expiring(&state, span)?
        {
            return search.through(self, &state, &subjects);
        }
        search.all(self, &state, reading)
    }

    /// The subjects of which something expires within a span; `None` where these are many.
    fn expiring(
        &self,
        state: &ZoneState,
        span: TimeSpan,
    ) -> Result<Option<BTreeSet<Vec<u8>>>, StoreError> {
        let from = span.from.map_or(0, |from| from.0).max(self.now.0.saturating_add(1));
        let to = span.to.map_or(u64::MAX, |to| to.0);
        let mut subjects = BTreeSet::new();
        let mut iter = self.view.iter(schema::EXPIRY, Reading::Some.options(to.to_be_bytes()));
        iter.seek(key::expiry_in(from, state.id));
        for _ in 0..EXPIRING {
            let Some(key) = iter.key() else {
                iter.status()?;
                return Ok(Some(subjects));
            };
            let expiry = key::read_expiry(key)?;
            let (at, of) = (expiry.at.0, expiry.segment.zone);
            // The rows of a second lie by zone.
            if of < state.id {
                iter.seek(key::expiry_in(at, state.id));
            } else if of > state.id {
                iter.seek(key::expiry_in(at.saturating_add(1), state.id));
            } else {
                subjects.insert(expiry.subject.to_vec());
                iter.next();
            }
        }
        Ok(None)
    }
}

/// A search under way.
struct Search<'a, S, V> {
    filter: &'a Filter,
    sieve: Sieve<'a>,
    after: Option<&'a Cursor>,
    stop: S,
    visit: V,
    /// Subjects since it was last asked whether it shall stop.
    looked: usize,
}

impl<S, V> Search<'_, S, V>
where
    S: FnMut() -> bool,
    V: FnMut(Found<'_>) -> Result<bool, StoreError>,
{
    /// Goes through all keys among which its subjects lie.
    fn all(
        mut self,
        reader: &Reader<'_>,
        state: &ZoneState,
        reading: Reading,
    ) -> Result<Visited, StoreError> {
        let wider = self.wider(reader, state)?;
        let Some((start, end)) = range(self.filter) else {
            return if self.rows(wider)? { Ok(Visited::All) } else { Ok(Visited::Enough) };
        };
        // What covers a subject has a key before its own; what lies among the keys comes up there.
        let before = wider.into_iter().filter(|at| at.subject < start).collect();
        if !self.rows(before)? {
            return Ok(Visited::Enough);
        }
        let start = self.after.map_or_else(
            || start.clone(),
            |cursor| start.clone().max(key::subject(&cursor.subject)),
        );
        let mut scan = Scan::new(&reader.view, &state.segments, &start, end.as_deref(), reading)?;
        let mut hosts = Vec::new();
        loop {
            hosts.clear();
            let (goes_on, last) = if let Some(segment) = scan.take_hosts(&mut hosts)? {
                self.looked += 1 + hosts.len() / LOOK;
                let goes_on = self.hosts(segment, &hosts)?;
                (goes_on, hosts.last().map(|host| key::host(*host).to_vec()))
            } else {
                let Some(at) = scan.next()? else { break };
                self.looked += 1;
                at.retain_live(reader.now);
                let goes_on = self.subject(at)?;
                (goes_on, (self.looked >= LOOK).then(|| at.subject.clone()))
            };
            if !goes_on {
                return Ok(Visited::Enough);
            }
            if let Some(last) = last
                && self.shall_stop()
            {
                return Ok(Visited::Stopped(key::read_subject(&last)?));
            }
        }
        Ok(Visited::All)
    }

    /// Goes through these subjects.
    fn through(
        mut self,
        reader: &Reader<'_>,
        state: &ZoneState,
        subjects: &BTreeSet<Vec<u8>>,
    ) -> Result<Visited, StoreError> {
        let start = self.after.map(|cursor| key::subject(&cursor.subject)).unwrap_or_default();
        for key in subjects.range(start..) {
            self.looked += 1;
            let subject = key::read_subject(key)?;
            if self.filter.subject.admits(&subject) {
                let mut at = reader.rows_at(state, &subject)?;
                if !self.subject(&mut at)? {
                    return Ok(Visited::Enough);
                }
            }
            if self.shall_stop() {
                return Ok(Visited::Stopped(subject));
            }
        }
        Ok(Visited::All)
    }

    /// What is said of the subjects that cover what is asked for, in the order of their keys.
    fn wider<'s>(
        &self,
        reader: &Reader<'_>,
        state: &'s ZoneState,
    ) -> Result<Vec<SubjectRows<'s>>, StoreError> {
        let (SubjectMatch::Covering(subject) | SubjectMatch::Overlap(subject)) =
            &self.filter.subject
        else {
            return Ok(Vec::new());
        };
        let covering = std::iter::successors(Some(subject.clone()), Subject::parent);
        let rows = covering.map(|covering| reader.rows_at(state, &covering));
        let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
        rows.sort_by(|one, other| one.subject.cmp(&other.subject));
        Ok(rows)
    }

    /// Visits what is said of some subjects; false if that is enough.
    fn rows(&mut self, rows: Vec<SubjectRows<'_>>) -> Result<bool, StoreError> {
        for mut at in rows {
            if !self.subject(&mut at)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Visits what is said of a subject; false if that is enough.
    fn subject(&mut self, at: &mut SubjectRows<'_>) -> Result<bool, StoreError> {
        let Self { sieve, after, .. } = self;
        at.rows.retain(|(segment, row)| {
            sieve.admits(segment, row)
                && !after.is_some_and(|cursor| cursor.has_passed(&at.subject, &segment.source))
        });
        if at.rows.is_empty() {
            return Ok(true);
        }
        let subject = key::read_subject(&at.subject)?;
        if !self.filter.subject.admits(&subject) {
            return Ok(true);
        }
        (self.visit)(Found::Listings(at.listings()?))
    }

    /// Visits plain addresses of a segment; false if that is enough.
    fn hosts(&mut self, segment: &Segment, hosts: &[u32]) -> Result<bool, StoreError> {
        if !self.sieve.admits(segment, &PLAIN_LISTING) {
            return Ok(true);
        }
        // The search began at the cursor's subject, so no other can lie before it.
        let is_passed = |host: &u32| {
            self.after.is_some_and(|cursor| cursor.has_passed(&key::host(*host), &segment.source))
        };
        let passed = hosts.iter().take_while(|host| is_passed(host)).count();
        (self.visit)(Found::Hosts(segment, &hosts[passed..]))
    }

    fn shall_stop(&mut self) -> bool {
        if self.looked < LOOK {
            return false;
        }
        self.looked = 0;
        (self.stop)()
    }
}

/// The keys among which a filter's subjects lie; `None` if there are none but the wider ones.
fn range(filter: &Filter) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    match &filter.subject {
        SubjectMatch::Any => Some((Vec::new(), None)),
        SubjectMatch::Covering(_) => None,
        SubjectMatch::Exact(subject) => {
            let key = key::subject(subject);
            Some((key.clone(), Some(key)))
        }
        SubjectMatch::Covered(subject) | SubjectMatch::Overlap(subject) => {
            let (start, end) = key::covered_range(subject);
            Some((start, Some(end)))
        }
    }
}
