//! Writing: one thread, one order.
//!
//! A [`Change`](operation::Change) is decided operation by operation in a
//! [`Transaction`](transaction::Transaction), which reads and writes nothing: what it would do is a
//! [`Plan`](transaction::Plan). [`batch`] adds plans to one write, which can't fail, and [`writer`] writes,
//! syncs, shows and acknowledges. The files named after nouns decide the operations on them.

mod allowlist;
pub(crate) mod batch;
pub(crate) mod bookmarks;
mod compact;
mod decide;
mod documents;
pub(crate) mod error;
pub(crate) mod figures;
pub(crate) mod freeze;
pub(crate) mod idempotency;
mod includes;
pub(crate) mod listings;
pub(crate) mod operation;
pub(crate) mod state;
mod subscribers;
mod sweep;
mod tokens;
pub(crate) mod transaction;
mod truncate;
pub(crate) mod undo;
pub(crate) mod usage;
pub(crate) mod writer;
mod zones;
