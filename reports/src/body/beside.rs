//! What all forms of reports have: what stands beside them, and what is wrong with them.

use dnsbl_types::{Name, ReportCategory, Subject};

/// What the sender of a report says beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The zone that should list the subject.
    pub zone: Option<Name>,
    /// The category, whatever the report says.
    pub category: Option<ReportCategory>,
}

/// The reason why a body is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It can't be read.
    #[error("{0}")]
    Malformed(String),
    /// It is of a kind that says nothing of a subject here.
    #[error("{0}")]
    Other(String),
}

impl BodyError {
    pub(super) fn malformed(text: impl Into<String>) -> Self {
        Self::Malformed(text.into())
    }
}

pub(super) fn subject(field: &str, text: &str) -> Result<Subject, BodyError> {
    text.parse().map_err(|err| BodyError::Malformed(format!("{field}: {err}")))
}
