//! Why feeds are not as somebody wants them.

use std::path::PathBuf;

use dnsbl_store::{ChangeError, DocumentError, StoreError};
use dnsbl_types::{Name, Source};

use crate::feed::FeedName;

/// The most feeds there are.
pub(super) const MOST: usize = 1000;

/// The reason why feeds are not as somebody wants them.
#[derive(Debug, thiserror::Error)]
pub enum FeedsError {
    /// There is none of this name.
    #[error("there is no feed {0}")]
    NotFound(FeedName),
    /// It stands in the configuration.
    #[error("{0} stands in the server's configuration ([[feed]]), where alone it can be changed")]
    Configured(FeedName),
    /// A feed of the configuration has the name of one that was made over the API.
    #[error(
        "there is a feed {0} that was made over the API; delete it first, or name this one otherwise"
    )]
    Made(FeedName),
    /// Another feed replaces what the source lists in the zone.
    #[error(
        "the feed {other} replaces all that {source_name} lists in {zone}, so no other can; give this one a source of its own"
    )]
    Taken {
        /// The other feed.
        other: FeedName,
        /// The source.
        source_name: Source,
        /// The zone.
        zone: Name,
    },
    /// Too many ask for it.
    #[error("too many wait for a run of {0} already")]
    Busy(FeedName),
    /// There are too many.
    #[error("there are {MOST} feeds, which is the most")]
    TooMany,
    /// Feeds that are made over the API may not read there.
    #[error(
        "{0} lies outside of the folders that feeds.folders names in the server's configuration"
    )]
    Outside(PathBuf),
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
