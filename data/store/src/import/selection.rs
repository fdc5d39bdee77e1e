//! The listings that a purge is about.

use dnsbl_types::{Name, Source, UnixTime};

use crate::{format::row::ListingRow, read::state::Segment};

/// The listings that a purge removes: those of which all holds that is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// By this source.
    pub source: Option<Source>,
    /// With this tag.
    pub tag: Option<String>,
    /// As this change wrote them: what a later one has changed is left out.
    pub written_by: Option<u64>,
    /// Listed at this second or later.
    pub listed_from: Option<UnixTime>,
    /// Listed before this second.
    pub listed_until: Option<UnixTime>,
}

/// How many listings of a source a purge removed, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgedSource {
    /// In which zone.
    pub zone: Name,
    /// Whose.
    pub source: Source,
    /// How many listings.
    pub listings: u64,
    /// How many exclusions.
    pub exclusions: u64,
}

impl Selection {
    /// Whether it says anything: one that does not is about everything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it is about what a row says, given its segment.
    pub(crate) fn admits(&self, segment: &Segment, row: &ListingRow) -> bool {
        let listed_at = UnixTime(row.provenance.listed_at(&segment.stamp));
        self.source.as_ref().is_none_or(|source| segment.source == *source)
            && self.tag.as_ref().is_none_or(|tag| row.tags().contains(tag))
            && self.written_by.is_none_or(|seq| row.provenance.seq(&segment.stamp) == seq)
            && self.listed_from.is_none_or(|from| from <= listed_at)
            && self.listed_until.is_none_or(|until| listed_at < until)
    }
}
