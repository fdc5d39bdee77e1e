//! What an import did.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The result of an import, or of a dry run.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ImportResult {
    /// Its id, also in the change feed.
    pub id: String,
    /// How many rows did what.
    #[serde(flatten)]
    pub counts: ImportCounts,
    /// What is to be said about it.
    #[serde(flatten)]
    pub report: ImportReport,
    /// Its change; the head of the log where nothing changed.
    pub seq: u64,
}

/// The refused rows of an import, and doubts about those that were taken.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct ImportReport {
    /// The first 1,000 refused rows.
    pub errors: Vec<RowError>,
    /// What was taken, and may not be what was meant.
    pub warnings: Vec<Warning>,
    /// What the body seems to be, by most of its refused rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "hosts")]
    pub seems: Option<String>,
}

/// The numbers of rows by what they did.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
pub struct ImportCounts {
    /// Subjects that the source did not list.
    pub added: u64,
    /// Subjects of which it said something else.
    pub updated: u64,
    /// Rows that change nothing, such as repetitions and test entries.
    pub unchanged: u64,
    /// Listings of the source that went.
    pub removed: u64,
    /// Rows that were refused.
    pub rejected: u64,
}

/// A refused row.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, PartialEq, Eq)]
pub struct RowError {
    /// Counted from 1.
    pub line: u64,
    /// Why.
    pub error: String,
}

/// A doubt whether something is what was meant.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, PartialEq, Eq)]
pub struct Warning {
    /// The first row that it is about, counted from 1; null where it is about all of them.
    pub line: Option<u64>,
    /// In words.
    pub text: String,
}

/// The facts of a problem where an import was refused for what it would do, beside those of every
/// [`Problem`](crate::Problem).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ImportProblem {
    /// How many rows would have done what.
    #[serde(flatten)]
    pub counts: ImportCounts,
    /// What is to be said about it, where its rows had been read.
    #[serde(flatten)]
    pub report: Option<ImportReport>,
}
