//! Why something is not claimed, released or decided.

use dnsbl_reports::ReportsError;
use dnsbl_store::{DocumentError, StoreError};

use crate::{Claim, ItemId, ItemKind, RemovalsError, ReviewDecision, WriteError};

/// The reason why something was not claimed, released or decided.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// It does not wait, or there is no such item.
    #[error("{0} does not wait for a decision")]
    NotWaiting(ItemId),
    /// It is not as it was expected to be.
    #[error("the precondition does not hold: {0} has changed, or was claimed")]
    Precondition(ItemId),
    /// Somebody else works on it.
    #[error("{} works on it", .0.by)]
    Claimed(Claim),
    /// Such a decision is not for such items.
    #[error("a {} is not decided by {}", .0.as_str(), .1.as_str())]
    WrongDecision(ItemKind, ReviewDecision),
    /// The request for removal could not be decided about.
    #[error(transparent)]
    Removals(#[from] RemovalsError),
    /// The report could not be decided about.
    #[error(transparent)]
    Reports(#[from] ReportsError),
    /// The store refused the change, or failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What the store holds can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What should be written is no document.
    #[error(transparent)]
    Document(#[from] DocumentError),
}
