//! Reading one state of the database. Nothing here writes.
//!
//! [`view`] is the state; [`cursor`] walks through one segment, [`scan`] through several side by side;
//! [`reader`] is what others get; each of the files named after a noun adds how that is read.

pub(crate) mod allowlist;
pub(crate) mod audit;
pub(crate) mod bookmarks;
pub(crate) mod cursor;
pub(crate) mod documents;
pub(crate) mod figures;
pub(crate) mod filter;
pub(crate) mod history;
pub(crate) mod idempotency;
pub(crate) mod imports;
pub(crate) mod listings;
pub(crate) mod log;
pub(crate) mod log_size;
pub(crate) mod reader;
pub(crate) mod scan;
pub(crate) mod search;
pub(crate) mod show;
pub(crate) mod sources;
pub(crate) mod state;
pub(crate) mod subscribers;
pub(crate) mod tokens;
pub(crate) mod undo;
pub(crate) mod usage;
pub(crate) mod view;
