//! Where a subject stands in a zone: what DNS makes of it, and who has a say in that.
//!
//! A subject is listed by several sources, by what covers it, and kept out by exclusions. Whoever
//! delists it must hear which of those go on, or tells people what is not so.

use std::fmt::Write as _;

use admin_api_types::{NotListedProblem, SubjectSources};
use axum::http::{HeaderName, HeaderValue};
use dnsbl_index::{IndexedZone, Snapshot, faces};
use dnsbl_store::{Filter, Reader, StoreError, SubjectMatch};
use dnsbl_types::{Listing, Name, Source, Subject, TestEntry, UnixTime};

/// On a deletion after which DNS goes on listing the subject: by what, and whose listings those are.
pub(crate) const STILL_LISTED: HeaderName = HeaderName::from_static("dnsbl-still-listed");
/// On the deletion of an exclusion that had kept the subject out: what lists it now.
pub(crate) const NOW_LISTED: HeaderName = HeaderName::from_static("dnsbl-now-listed");
/// On a listing that was put though an exclusion keeps its subject out: which one, and whose.
pub(crate) const EXCLUDED: HeaderName = HeaderName::from_static("dnsbl-excluded");

/// What stands for a source where an allow entry keeps a subject out.
const ALLOWLIST: &str = "allowlist";

/// The most subjects that cover one, or lie inside it, that are told.
const MAX_SUBJECTS: usize = 16;
/// The most listings inside a prefix that are looked at.
const MAX_INSIDE: usize = 1000;
/// The most sources that a header names of one subject.
const MAX_NAMED: usize = 8;

/// The sources that list or exclude one subject itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listers {
    pub(crate) subject: Subject,
    pub(crate) listed_by: Vec<Source>,
    pub(crate) excluded_by: Vec<Source>,
}

/// The standing of a subject in a zone.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// It is there by RFC 5782 section 5, whatever anybody listers.
    is_test: bool,
    own: Listers,
    /// What covers it, the longest first; for a 6to4 address also the IPv4 address inside, and what covers
    /// that.
    covering: Vec<Listers>,
    /// Some of the listings inside a prefix, or below a wildcard.
    inside: Vec<Listers>,
    /// Whose entries decide what DNS answers: one, or two for a 6to4 address.
    deciding: Vec<Subject>,
    /// The zones that this one includes and that list it.
    included: Vec<Name>,
    /// What allows it, whatever is said of it.
    allowed: Option<Subject>,
    /// DNS lists it.
    listed: bool,
}

impl Listers {
    /// Those of a subject.
    pub(crate) fn read(
        reader: &Reader<'_>,
        origin: &Name,
        subject: &Subject,
    ) -> Result<Self, StoreError> {
        let mut listers = Self::nothing(subject);
        for listing in reader.listings_of(origin, subject)? {
            listers.add(listing);
        }
        Ok(listers)
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

    fn write(&self) -> SubjectSources {
        SubjectSources {
            subject: self.subject.to_string(),
            listed_by: names(&self.listed_by),
            excluded_by: names(&self.excluded_by),
        }
    }

    fn header(&self) -> String {
        let by = if self.lists() { &self.listed_by } else { &self.excluded_by };
        let named: Vec<&str> = by.iter().take(MAX_NAMED).map(Source::as_str).collect();
        let more = match by.len() - named.len() {
            0 => String::new(),
            more => format!(";more={more}"),
        };
        format!("\"{}\";by=\"{}\"{more}", self.subject, named.join(" "))
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
        let own = Listers::read(reader, origin, subject)?;
        let mut covering = Vec::new();
        for face in faces(subject) {
            let others = zone.covering(&face, now).into_iter().filter(|other| other != subject);
            for other in others.take(MAX_SUBJECTS) {
                covering.push(Listers::read(reader, origin, &other)?);
            }
        }
        covering.retain(|listers| !listers.is_nothing());
        let inside = inside(reader, origin, subject)?;
        let is_test = TestEntry::named_by(settings, subject).is_some();
        let deciding = zone.deciding(subject, now);
        let mut included = Vec::new();
        for (include, zone) in zone.includes() {
            if zone.map_or(Ok(false), |zone| lists_itself(zone, subject, reader, now))? {
                included.push(include.zone.clone());
            }
        }
        let listed = !included.is_empty() || lists_itself(zone, subject, reader, now)?;
        let allowed = zone.allowed_by(subject, now);
        Ok(Self { is_test, own, covering, inside, deciding, included, allowed, listed })
    }

    /// Whether DNS lists it; a prefix or wildcard: whether what covers all of it does.
    pub(crate) fn is_listed(&self) -> bool {
        self.listed
    }

    /// What is said of the subjects that decide.
    fn deciding(&self) -> impl Iterator<Item = &Listers> {
        let all = || std::iter::once(&self.own).chain(&self.covering);
        self.deciding.iter().filter_map(move |by| all().find(|listers| listers.subject == *by))
    }

    /// What goes on being listed, for a header; `None` where DNS lists nothing of it.
    pub(crate) fn listed_header(&self) -> Option<HeaderValue> {
        let listing = self.deciding().filter(|listers| self.listed && listers.lists());
        let included = self.included.iter();
        let included = included.map(|zone| format!("\"{}\";zone=\"{zone}\"", self.own.subject));
        let items = listing.chain(&self.inside).map(Listers::header).chain(included);
        let items: Vec<String> = items.collect();
        if items.is_empty() { None } else { HeaderValue::try_from(items.join(", ")).ok() }
    }

    /// What keeps it out, for a header; `None` where nothing does.
    pub(crate) fn excluded_header(&self) -> Option<HeaderValue> {
        let listers = self.deciding().find(|listers| !listers.excluded_by.is_empty());
        let allowed = self.allowed.as_ref();
        let allowed = allowed.map(|by| format!("\"{by}\";by=\"{ALLOWLIST}\""));
        let excluded = allowed.or(listers.map(Listers::header)).filter(|_| !self.listed);
        excluded.and_then(|excluded| HeaderValue::try_from(excluded).ok())
    }

    /// All of it in words, behind the subject.
    pub(crate) fn describe(&self) -> String {
        if self.is_test {
            return "is a test entry of RFC 5782 section 5: it always exists and is no listing"
                .into();
        }
        let mut text = String::from("has no such listing");
        let mut add = |what: &str, by: &[Source]| {
            if !by.is_empty() {
                let _ = write!(text, "; {what} {}", names(by).join(", "));
            }
        };
        add("it is listed by", &self.own.listed_by);
        add("it is excluded by", &self.own.excluded_by);
        for listers in &self.covering {
            add(&format!("{} covers it, listed by", listers.subject), &listers.listed_by);
            add(&format!("{} covers it, excluded by", listers.subject), &listers.excluded_by);
        }
        for listers in &self.inside {
            add(&format!("{} lies inside, listed by", listers.subject), &listers.listed_by);
        }
        for zone in &self.included {
            let _ = write!(text, "; zone {zone}, which this one includes, lists it");
        }
        if let Some(by) = &self.allowed {
            let _ = write!(text, "; the allow entry {by} keeps it from being listed");
        }
        if self.covering.is_empty() && self.own.is_nothing() {
            text.push_str(", and nothing covers it");
        }
        text.push_str(if self.listed { "; DNS lists it" } else { "; DNS does not list it" });
        text
    }

    /// All of it as facts of a problem.
    pub(crate) fn facts(&self) -> NotListedProblem {
        let mut sources = names(&self.own.listed_by);
        sources.extend(names(&self.own.excluded_by));
        sources.sort_unstable();
        NotListedProblem {
            subject: self.own.subject.to_string(),
            listed: self.listed,
            by: self.deciding().next().map(|listers| listers.subject.to_string()),
            sources,
            listed_by: names(&self.own.listed_by),
            excluded_by: names(&self.own.excluded_by),
            covering: self.covering.first().map(|listers| listers.subject.to_string()),
            covered_by: self.covering.iter().map(Listers::write).collect(),
            inside: self.inside.iter().map(Listers::write).collect(),
            included: self.included.iter().map(Name::to_string).collect(),
        }
    }
}

/// Whether DNS answers that a single subject is listed; a prefix or wildcard is no question.
pub(crate) fn is_listed(snapshot: &Snapshot, origin: &Name, subject: &Subject) -> Option<bool> {
    let zone = snapshot.zone(origin)?;
    Some(zone.judge_subject(subject, UnixTime::now())?.listed().is_some())
}

/// Whether a zone's own entries list a subject; a prefix or wildcard: whether what covers all of it does.
fn lists_itself(
    zone: &IndexedZone,
    subject: &Subject,
    reader: &Reader<'_>,
    now: UnixTime,
) -> Result<bool, StoreError> {
    if let Some(verdict) = zone.judge_own_subject(subject, now) {
        return Ok(verdict.listed().is_some());
    }
    match zone.deciding(subject, now).first() {
        _ if zone.allowed_by(subject, now).is_some() => Ok(false),
        Some(by) => Ok(Listers::read(reader, &zone.settings().origin, by)?.lists()),
        None => Ok(false),
    }
}

fn inside(reader: &Reader<'_>, origin: &Name, of: &Subject) -> Result<Vec<Listers>, StoreError> {
    let is_wide = match of {
        Subject::V4(net) => net.prefix_len() < 32,
        Subject::V6(net) => net.prefix_len() < 128,
        Subject::Domain(domain) => domain.is_wildcard(),
    };
    let mut inside: Vec<Listers> = Vec::new();
    if !is_wide {
        return Ok(inside);
    }
    let filter = Filter { subject: SubjectMatch::Covered(of.clone()), ..Filter::all() };
    let page = reader.page(origin, &filter, None, MAX_INSIDE, || false)?;
    for listing in page.listings.into_iter().filter(|listing| listing.subject != *of) {
        if inside.last().is_none_or(|last| last.subject != listing.subject) {
            if inside.len() == MAX_SUBJECTS {
                break;
            }
            inside.push(Listers::nothing(&listing.subject));
        }
        if let Some(listers) = inside.last_mut() {
            listers.add(listing);
        }
    }
    inside.retain(Listers::lists);
    Ok(inside)
}

/// The names of sources.
pub(crate) fn names(sources: &[Source]) -> Vec<String> {
    sources.iter().map(ToString::to_string).collect()
}
