//! The in-memory index that answers queries.
//!
//! Readers [`Index::load`] a [`Snapshot`]: one state of all zones, complete and unchanging, got
//! without a lock. [`IndexWriter`] follows the change log: it changes its own working state and
//! [`publish`](dnsbl_types::Follower::publish)es it as the next snapshot, which shares with the last one all
//! that did not change.
//!
//! What an answer is made of is decided here ([`Verdict`]), the names and messages around it are
//! not. The interface says nothing of how entries are kept; see `hosts/` and `trie.rs` for that.

mod allowlist;
mod draft;
mod entries;
mod fork;
mod hosts;
mod key;
mod observer;
mod question;
mod snapshot;
mod subscribers;
mod trie;
mod verdict;
mod writer;
mod zone;

pub use allowlist::Allowing;
pub use observer::IndexObserver;
pub use question::faces;
pub use snapshot::{Index, Snapshot};
pub use subscribers::{IndexedSubscriber, Meter, Subscribers};
pub use verdict::{Listed, Text, Verdict};
pub use writer::IndexWriter;
pub use zone::{IndexedZone, ZoneNumber, prefetch};
