//! Where a subject stands in a zone: what DNS makes of it, and who has a say in that.
//!
//! A subject is listed by several sources, by what covers it, and kept out by exclusions. Whoever
//! delists it must hear which of those go on, or tells people what is not so.

use std::fmt::Write as _;

use axum::http::{HeaderName, HeaderValue};
use dnsbl_index::{IndexedZone, Snapshot, Verdict};
use dnsbl_store::{Filter, Reader, StoreError, SubjectMatch};
use dnsbl_types::{Listing, Name, Source, Subject, TestEntry, UnixTime, query_name};
use serde_json::{Value, json};

use crate::error::Problem;

/// On a deletion after which DNS goes on listing the subject: by what, and whose listings those are.
pub(crate) const STILL_LISTED: HeaderName = HeaderName::from_static("dnsbl-still-listed");
/// On the deletion of an exclusion that had kept the subject out: what lists it now.
pub(crate) const NOW_LISTED: HeaderName = HeaderName::from_static("dnsbl-now-listed");
/// On a listing that was put though an exclusion keeps its subject out: which one, and whose.
pub(crate) const EXCLUDED: HeaderName = HeaderName::from_static("dnsbl-excluded");

/// The most subjects that cover one, or lie inside it, that are told.
const MAX_TOLD: usize = 16;
/// The most listings inside a prefix that are looked at.
const MAX_INSIDE: usize = 1000;
/// The most sources that a header names of one subject.
const MAX_NAMED: usize = 8;

/// What sources say of one subject itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Says {
    pub(crate) subject: Subject,
    pub(crate) listed_by: Vec<Source>,
    pub(crate) excluded_by: Vec<Source>,
}

/// Where a subject stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// It is there by RFC 5782 section 5, whatever anybody says.
    is_test: bool,
    own: Says,
    /// What covers it, the longest first; for a 6to4 address also the IPv4 address inside, and what covers
    /// that.
    covering: Vec<Says>,
    /// Some of the listings inside a prefix, or below a wildcard.
    inside: Vec<Says>,
    /// Whose entries decide what DNS answers: one, or two for a 6to4 address.
    deciding: Vec<Subject>,
    /// DNS lists it.
    listed: bool,
}

impl Says {
    /// What is said of a subject.
    pub(crate) fn read(
        reader: &Reader<'_>,
        origin: &Name,
        subject: &Subject,
    ) -> Result<Self, StoreError> {
        let mut says = Self::nothing(subject);
        for listing in reader.listings_of(origin, subject)? {
            says.add(listing);
        }
        Ok(says)
    }

    fn add(&mut self, listing: Listing) {
        let exclusion = listing.body.exclusion;
        let by = if exclusion { &mut self.excluded_by } else { &mut self.listed_by };
        by.push(listing.source);
    }

    fn nothing(subject: &Subject) -> Self {
        Self { subject: subject.clone(), listed_by: Vec::new(), excluded_by: Vec::new() }
    }

    /// One exclusion beats all listings of the same subject.
    pub(crate) fn lists(&self) -> bool {
        self.excluded_by.is_empty() && !self.listed_by.is_empty()
    }

    fn is_nothing(&self) -> bool {
        self.listed_by.is_empty() && self.excluded_by.is_empty()
    }

    fn json(&self) -> Value {
        json!({
            "subject": self.subject.to_string(),
            "listed_by": names(&self.listed_by),
            "excluded_by": names(&self.excluded_by),
        })
    }

    fn header(&self) -> String {
        let by = if self.lists() { &self.listed_by } else { &self.excluded_by };
        let told: Vec<&str> = by.iter().take(MAX_NAMED).map(Source::as_str).collect();
        let more = by.len() - told.len();
        let more = if more > 0 { format!(";more={more}") } else { String::new() };
        format!("\"{}\";by=\"{}\"{more}", self.subject, told.join(" "))
    }
}

impl Standing {
    /// Looks at it.
    pub(crate) fn look(
        zone: &IndexedZone,
        subject: &Subject,
        reader: &Reader<'_>,
        now: UnixTime,
    ) -> Result<Self, StoreError> {
        let settings = zone.settings();
        let origin = &settings.origin;
        let own = Says::read(reader, origin, subject)?;
        let mut covering = Vec::new();
        for face in faces(subject) {
            let others = zone.covering(&face, now).into_iter().filter(|other| other != subject);
            for other in others.take(MAX_TOLD) {
                covering.push(Says::read(reader, origin, &other)?);
            }
        }
        covering.retain(|says| !says.is_nothing());
        let inside = inside(reader, origin, subject)?;
        let is_test = TestEntry::named_by(settings, subject).is_some();
        let deciding = deciding(zone, subject, now);
        let mut standing = Self { is_test, own, covering, inside, deciding, listed: false };
        standing.listed = match judge(zone, subject, now) {
            Some(verdict) => verdict.listed().is_some(),
            None => standing.deciding().all(Says::lists) && !standing.deciding.is_empty(),
        };
        Ok(standing)
    }

    /// Whether DNS lists it; a prefix or wildcard: whether what covers all of it does.
    pub(crate) fn is_listed(&self) -> bool {
        self.listed
    }

    /// What is said of the subjects that decide.
    fn deciding(&self) -> impl Iterator<Item = &Says> {
        let all = || std::iter::once(&self.own).chain(&self.covering);
        self.deciding.iter().filter_map(move |by| all().find(|says| says.subject == *by))
    }

    /// What goes on being listed, for a header; `None` where DNS lists nothing of it.
    pub(crate) fn listed_header(&self) -> Option<HeaderValue> {
        let listing = self.deciding().filter(|says| self.listed && says.lists());
        let told: Vec<String> = listing.chain(&self.inside).map(Says::header).collect();
        if told.is_empty() { None } else { HeaderValue::try_from(told.join(", ")).ok() }
    }

    /// What keeps it out, for a header; `None` where nothing does.
    pub(crate) fn excluded_header(&self) -> Option<HeaderValue> {
        let says = self.deciding().find(|says| !says.excluded_by.is_empty());
        says.filter(|_| !self.listed).and_then(|says| HeaderValue::try_from(says.header()).ok())
    }

    /// All of it in words, behind the subject.
    pub(crate) fn told(&self) -> String {
        if self.is_test {
            return "is a test entry of RFC 5782 section 5: it always exists and is no listing"
                .into();
        }
        let mut told = String::from("has no such listing");
        let mut add = |what: &str, by: &[Source]| {
            if !by.is_empty() {
                let _ = write!(told, "; {what} {}", names(by).join(", "));
            }
        };
        add("it is listed by", &self.own.listed_by);
        add("it is excluded by", &self.own.excluded_by);
        for says in &self.covering {
            add(&format!("{} covers it, listed by", says.subject), &says.listed_by);
            add(&format!("{} covers it, excluded by", says.subject), &says.excluded_by);
        }
        for says in &self.inside {
            add(&format!("{} lies inside, listed by", says.subject), &says.listed_by);
        }
        if self.covering.is_empty() && self.own.is_nothing() {
            told.push_str(", and nothing covers it");
        }
        told.push_str(if self.listed { "; DNS lists it" } else { "; DNS does not list it" });
        told
    }

    /// All of it as facts of a problem.
    pub(crate) fn facts(&self, problem: Problem) -> Problem {
        let all: Vec<&Source> = self.own.listed_by.iter().chain(&self.own.excluded_by).collect();
        let mut all: Vec<String> = all.into_iter().map(ToString::to_string).collect();
        all.sort_unstable();
        let first = self.covering.first().map(|says| says.subject.to_string());
        let by = self.deciding().next().map(|says| says.subject.to_string());
        let list = |says: &[Says]| says.iter().map(Says::json).collect::<Vec<_>>();
        problem
            .with("subject", self.own.subject.to_string())
            .with("listed", self.listed)
            .with("by", by)
            .with("sources", all)
            .with("listed_by", names(&self.own.listed_by))
            .with("excluded_by", names(&self.own.excluded_by))
            .with("covering", first)
            .with("covered_by", list(&self.covering))
            .with("inside", list(&self.inside))
    }
}

/// Whether DNS answers that a single subject is listed; a prefix or wildcard is no question.
pub(crate) fn is_listed(snapshot: &Snapshot, origin: &Name, subject: &Subject) -> Option<bool> {
    let zone = snapshot.zone(origin)?;
    Some(judge(zone, subject, UnixTime::now())?.listed().is_some())
}

/// What DNS answers to the question for an address or a domain; `None` for a prefix or wildcard.
pub(crate) fn judge<'a>(
    zone: &'a IndexedZone,
    subject: &'a Subject,
    now: UnixTime,
) -> Option<Verdict<'a>> {
    match subject {
        Subject::V4(net) if net.prefix_len() == 32 => {
            Some(zone.judge_address(net.addr().into(), now))
        }
        Subject::V6(net) if net.prefix_len() == 128 => {
            Some(zone.judge_address(net.addr().into(), now))
        }
        Subject::Domain(domain) if !domain.is_wildcard() => {
            Some(zone.judge_domain(domain.name().labels(), now))
        }
        _ => None,
    }
}

/// The subjects whose entries decide, as far as there are any.
pub(crate) fn deciding(zone: &IndexedZone, subject: &Subject, now: UnixTime) -> Vec<Subject> {
    let faces = faces(subject);
    faces.iter().filter_map(|face| zone.covering(face, now).into_iter().next()).collect()
}

/// A subject, and the IPv4 address inside it if it is a 6to4 one.
fn faces(subject: &Subject) -> Vec<Subject> {
    let inner = match subject {
        Subject::V6(net) if net.prefix_len() == 128 => query_name::six_to_four(net.addr()),
        _ => None,
    };
    std::iter::once(subject.clone()).chain(inner.map(Subject::from)).collect()
}

fn inside(reader: &Reader<'_>, origin: &Name, of: &Subject) -> Result<Vec<Says>, StoreError> {
    let is_wide = match of {
        Subject::V4(net) => net.prefix_len() < 32,
        Subject::V6(net) => net.prefix_len() < 128,
        Subject::Domain(domain) => domain.is_wildcard(),
    };
    let mut inside: Vec<Says> = Vec::new();
    if !is_wide {
        return Ok(inside);
    }
    let filter = Filter { subject: SubjectMatch::Covered(of.clone()), ..Filter::all() };
    let (listings, _) = reader.page(origin, &filter, None, MAX_INSIDE)?;
    for listing in listings.into_iter().filter(|listing| listing.subject != *of) {
        if inside.last().is_none_or(|last| last.subject != listing.subject) {
            if inside.len() == MAX_TOLD {
                break;
            }
            inside.push(Says::nothing(&listing.subject));
        }
        if let Some(says) = inside.last_mut() {
            says.add(listing);
        }
    }
    inside.retain(Says::lists);
    Ok(inside)
}

/// The names of sources.
pub(crate) fn names(sources: &[Source]) -> Vec<String> {
    sources.iter().map(ToString::to_string).collect()
}
