//! What comes of reports.

use std::sync::Arc;

use dnsbl_store::{ChangeError, DocumentError, StoreError};
use dnsbl_types::Name;

use crate::{Grant, Refused, grants::Effect};

/// What came of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The address has a grant, which is durable, and which DNS answers.
    Granted(Granted),
    /// A grant, or a user's part of it, ended by the change of this number; `None`: there was none.
    Revoked(Option<u64>),
    /// It grants nothing.
    Refused(Refused),
    /// It is about something else.
    Ignored,
}

/// A grant as a login leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The zone.
    pub zone: Name,
    /// As it now is.
    pub grant: Grant,
    /// Whether there was none by this user for this address before.
    pub is_new: bool,
    /// The number of the change that made it so; `None` where nothing had to change.
    pub seq: Option<u64>,
}

/// Grants of a zone, a page at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantPage {
    /// In the order of addresses.
    pub grants: Vec<Grant>,
    /// Whether there are more.
    pub is_cut: bool,
}

/// The reason why the service did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum LoginsError {
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

impl Outcome {
    pub(super) fn granted(zone: Name, grant: Grant, effect: Effect, seq: Option<u64>) -> Self {
        Self::Granted(Granted { zone, grant, is_new: effect == Effect::New, seq })
    }
}
