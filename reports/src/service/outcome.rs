//! What comes of reports.

use std::sync::Arc;

use dnsbl_store::{ChangeError, DocumentError, StoreError};
use relay_tester::service::Refusal;

use crate::{Evidence, Refused, Report, ReportId};

/// What came of a submission that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The report; the reporter's first one within the window where this says the same.
    pub report: Report,
    /// Whether it is the first.
    pub is_new: bool,
    /// The change that it rests on, which is durable, and visible.
    pub seq: u64,
}

/// What came of a reviewer's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The report as it is then.
    pub report: Report,
    /// How many reports it was about: those that say the same of the subject, too.
    pub count: usize,
    /// The change that it rests on; `None` where the verdict was the same before.
    pub seq: Option<u64>,
}

/// A report, and its evidence as long as that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The report.
    pub report: Report,
    /// What the reporter had seen.
    pub evidence: Option<Evidence>,
}

/// The reason why the service did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ReportsError {
    /// The report is not taken.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The relay tester does not test it.
    #[error(transparent)]
    Relay(Box<Refusal>),
    /// There is no such report.
    #[error("there is no report {0}")]
    NotFound(ReportId),
    /// The store refused the change, or failed.
    #[error(transparent)]
    Change(Arc<ChangeError>),
    /// What the store holds can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What should be written is no document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

impl From<Refusal> for ReportsError {
    fn from(refusal: Refusal) -> Self {
        Self::Relay(Box::new(refusal))
    }
}
