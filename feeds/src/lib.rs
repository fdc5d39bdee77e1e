//! Feeds: lists that are fetched again and again, and imported where they have changed.
//!
//! ```text
//! service/runner.rs (one task a feed: when) ─► fetch/ (a file, a folder, a URL ─► bodies) ─► import.rs (an Importer)
//!        │ state.rs (pure: what an attempt leaves, when the next is due)
//!        └─► record.rs (a document in the store)
//! ```
//!
//! What can't be fetched or read whole changes nothing: the listings stay as they are, and the state says why.

mod content;
mod feed;
mod fetch;
mod import;
mod record;
mod service;
mod state;

pub use feed::{Feed, FeedError, FeedName, FeedUrl, Origin, Share};
pub use fetch::{FetchError, FetchLimits};
pub use import::{Body, ImportError, Imported, Importer, Note, Order};
pub use service::{FeedView, Feeds, FeedsError, Settings};
pub use state::{Failing, FeedState};
