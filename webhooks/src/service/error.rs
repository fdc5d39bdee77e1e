//! Why webhooks are not as somebody wants them.

use dnsbl_store::{ChangeError, DocumentError, StoreError};

use crate::{secret::Secrets, webhook::WebhookId};

/// The most webhooks there are. Each may have a connection open.
pub(super) const MOST: usize = 64;

/// The reason why webhooks are not as somebody wants them.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// There is none with this id.
    #[error("there is no webhook {0}")]
    NotFound(WebhookId),
    /// There are too many.
    #[error("there are {MOST} webhooks, which is the most")]
    TooMany,
    /// It has too many secrets that count.
    #[error(
        "the webhook has {most} secrets that count, which is the most; wait until an old one ends, or end them all at once with an overlap of 0",
        most = Secrets::MOST
    )]
    TooManySecrets,
    /// Messages may not go there.
    #[error("url: {0}")]
    Forbidden(String),
    /// It would begin behind the last change.
    #[error(
        "after: {after} lies beyond the last change, {head}; this is another log than the one it is from"
    )]
    Ahead {
        /// Where it would begin.
        after: u64,
        /// The last change.
        head: u64,
    },
    /// It would begin where the change log is no more.
    #[error(
        "after: what comes after {after} was dropped from the log; begin anew with an export and its DNSBL-Seq"
    )]
    Compacted {
        /// Where it would begin.
        after: u64,
    },
    /// The store refused the change, or failed.
    #[error(transparent)]
    Change(ChangeError),
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
