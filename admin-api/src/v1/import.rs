//! What an import did.

use dnsbl_store::ImportCounts;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{seems::Seems, warning::Warning};

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportResult)]
pub(crate) struct ImportOut {
    /// Its id, also in the change feed.
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) counts: CountsOut,
    #[serde(flatten)]
    pub(crate) report: Report,
    /// Its change; the head of the log where nothing changed.
    pub(crate) seq: u64,
}

/// What is to be said about an import.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub(crate) struct Report {
    /// The first 1,000 refused rows.
    pub(crate) errors: Vec<RowError>,
    /// What was taken, and may not be what was meant.
    pub(crate) warnings: Vec<Warning>,
    /// What the body seems to be, by most of its refused rows.
    #[serde(serialize_with = "word", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "hosts")]
    pub(crate) seems: Option<Seems>,
}

fn word<S: Serializer>(seems: &Option<Seems>, to: S) -> Result<S::Ok, S::Error> {
    seems.map(Seems::word).serialize(to)
}

/// How many rows did what.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportCounts)]
pub(crate) struct CountsOut {
    /// Subjects that the source did not list.
    added: u64,
    /// Subjects of which it said something else.
    updated: u64,
    /// Rows that change nothing, such as repetitions and test entries.
    unchanged: u64,
    /// Listings of the source that went.
    removed: u64,
    /// Rows that were refused.
    rejected: u64,
}

/// A refused row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct RowError {
    /// Counted from 1.
    pub(crate) line: u64,
    /// Why.
    pub(crate) error: String,
}

impl From<ImportCounts> for CountsOut {
    fn from(counts: ImportCounts) -> Self {
        Self {
            added: counts.added,
            updated: counts.updated,
            unchanged: counts.unchanged,
            removed: counts.removed,
            rejected: counts.rejected,
        }
    }
}
