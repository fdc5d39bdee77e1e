//! Which listings somebody looks for.

use dnsbl_types::{ReturnCode, Source, Subject, UnixTime, Zone};

use crate::{format::row::ListingRow, read::state::Segment};

/// Which subjects a search is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectMatch {
    /// All.
    Any,
    /// This one.
    Exact(Subject),
    /// Those that cover it, itself included.
    Covering(Subject),
    /// Those that it covers, itself included.
    Covered(Subject),
    /// Both.
    Overlap(Subject),
}

/// A span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSpan {
    /// Its first second; from the beginning if left out.
    pub from: Option<UnixTime>,
    /// The first second behind it; without an end if left out.
    pub to: Option<UnixTime>,
}

/// When listings expire that a search is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpiryMatch {
    /// At any time, or never.
    #[default]
    Any,
    /// Never.
    Never,
    /// Within this span.
    Within(TimeSpan),
}

/// Which listings a search is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Of which subjects.
    pub subject: SubjectMatch,
    /// By which source; any if left out.
    pub source: Option<Source>,
    /// With which tag; any if left out.
    pub tag: Option<String>,
    /// Answered with this return code: its own, or the zone's where it has none; any if left out.
    pub code: Option<ReturnCode>,
    /// With this text in its reason, in capitals or not: its own, or the zone's where it has none; any if left out.
    pub reason: Option<String>,
    /// Written last by the token of this name; any if left out.
    pub author: Option<String>,
    /// Exclusions only, or listings only; both if left out.
    pub exclusion: Option<bool>,
    /// First listed by their source within this span.
    pub listed: TimeSpan,
    /// Last changed within this span.
    pub changed: TimeSpan,
    /// When they expire.
    pub expiry: ExpiryMatch,
}

impl SubjectMatch {
    /// Whether a subject is one of these.
    pub fn admits(&self, subject: &Subject) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(sought) => subject == sought,
            Self::Covering(sought) => subject.covers(sought),
            Self::Covered(sought) => sought.covers(subject),
            Self::Overlap(sought) => sought.covers(subject) || subject.covers(sought),
        }
    }
}

impl TimeSpan {
    /// All of time.
    pub const ALWAYS: Self = Self { from: None, to: None };

    /// Whether a second lies in it.
    pub fn has(&self, at: UnixTime) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

impl Filter {
    /// Everything.
    pub fn all() -> Self {
        Self {
            subject: SubjectMatch::Any,
            source: None,
            tag: None,
            code: None,
            reason: None,
            author: None,
            exclusion: None,
            listed: TimeSpan::ALWAYS,
            changed: TimeSpan::ALWAYS,
            expiry: ExpiryMatch::Any,
        }
    }

    /// Whether it leaves nothing out but maybe listings, or exclusions.
    pub(crate) fn is_of_a_kind_only(&self) -> bool {
        Self { exclusion: None, ..self.clone() } == Self::all()
    }

    /// Whether it leaves out what its subject and source have.
    pub(crate) fn is_selective(&self) -> bool {
        let others = Self { subject: SubjectMatch::Any, source: None, ..self.clone() };
        others != Self::all()
    }
}

/// A filter as it is held against the rows of a zone; subject and source are others' business.
pub(crate) struct Sieve<'a> {
    filter: &'a Filter,
    /// What its reason has, in small letters.
    text: Option<String>,
    /// Whether listings have it that say nothing of their own.
    zone_has_text: bool,
    zone_has_code: bool,
}

impl<'a> Sieve<'a> {
    pub(crate) fn new(filter: &'a Filter, zone: &Zone) -> Self {
        let text = filter.reason.as_ref().map(|text| text.to_lowercase());
        let zone_reason = zone.reason.template().to_lowercase();
        Self {
            filter,
            zone_has_text: text.as_ref().is_none_or(|text| zone_reason.contains(text)),
            zone_has_code: filter.code.is_none_or(|code| zone.return_codes.contains(&code)),
            text,
        }
    }

    /// Whether a row is looked for.
    pub(crate) fn admits(&self, segment: &Segment, row: &ListingRow) -> bool {
        let filter = self.filter;
        let provenance = &row.provenance;
        let written = provenance.written(&segment.stamp);
        filter.tag.as_ref().is_none_or(|tag| row.tags().contains(tag))
            && filter.author.as_ref().is_none_or(|author| written.listed_by == *author)
            && filter.exclusion.is_none_or(|exclusion| row.exclusion() == exclusion)
            && filter.changed.has(UnixTime(written.updated_at))
            && filter.listed.has(UnixTime(provenance.listed_at(&segment.stamp)))
            && self.admits_expiry(row.expires_at)
            && self.admits_code(row)
            && self.admits_reason(row)
    }

    fn admits_expiry(&self, expires_at: Option<u64>) -> bool {
        match self.filter.expiry {
            ExpiryMatch::Any => true,
            ExpiryMatch::Never => expires_at.is_none(),
            ExpiryMatch::Within(span) => expires_at.is_some_and(|at| span.has(UnixTime(at))),
        }
    }

    /// An exclusion answers nothing.
    fn admits_code(&self, row: &ListingRow) -> bool {
        self.filter.code.is_none_or(|code| match row.return_codes() {
            [] => self.zone_has_code && !row.exclusion(),
            own => own.contains(&code.addr()),
        })
    }

    fn admits_reason(&self, row: &ListingRow) -> bool {
        self.text.as_ref().is_none_or(|text| match row.reason() {
            None => self.zone_has_text && !row.exclusion(),
            Some(own) => own.to_lowercase().contains(text),
        })
    }
}
