//! What an import did.

use dnsbl_store::ImportCounts;
use serde::Serialize;
use utoipa::ToSchema;

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportResult)]
pub(crate) struct ImportOut {
    /// Its id, also in the change feed.
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) counts: CountsOut,
    /// The first 1,000 refused rows.
    pub(crate) errors: Vec<RowError>,
    /// Its change; the head of the log where nothing changed.
    pub(crate) seq: u64,
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
