//! The rows of an import, whatever they were written in.

use dnsbl_types::{ListingBody, Source, Subject, UnixTime};

use super::seems::Seems;

/// The most bytes of one row.
pub(super) const MAX_ROW: usize = 64 << 10;

/// A listing as a row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParsedRow {
    /// Of what.
    pub(crate) subject: Subject,
    /// What.
    pub(crate) body: ListingBody,
    /// Whose listing it is, if the row says so.
    pub(crate) source: Option<Source>,
    /// Since when it is listed, if the row says so.
    pub(crate) listed_at: Option<UnixTime>,
    /// What else it may have meant.
    pub(crate) doubt: Option<Doubt>,
}

impl ParsedRow {
    /// A row that names a subject and says nothing else.
    pub(crate) fn plain(subject: Subject) -> Self {
        Self { subject, body: ListingBody::default(), source: None, listed_at: None, doubt: None }
    }
}

/// A doubt whether a row that is taken says what was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// A number behind an address might be a number of bits.
    Bits,
}

/// The reason for which a row is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// What is wrong.
    pub(crate) why: String,
    /// What the row seems to be.
    pub(crate) seems: Option<Seems>,
    /// What it says would hold for all rows behind it.
    pub(crate) spreads: bool,
}

impl Rejection {
    pub(super) fn new(why: String, seems: Seems) -> Self {
        Self { why, seems: Some(seems), spreads: false }
    }

    pub(super) fn text(why: String) -> Self {
        Self { why, seems: None, spreads: false }
    }
}

impl From<String> for Rejection {
    fn from(why: String) -> Self {
        Self::text(why)
    }
}

/// A row: its line, and what it says or why it says nothing.
pub(crate) type Row = (u64, Result<ParsedRow, Rejection>);
