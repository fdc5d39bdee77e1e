//! Bytes and values: what stands in the database, and what it means.
//!
//! Keys are big-endian, so that rows lie in the order of their subjects; values are a version byte and then
//! postcard. Nothing here reads or writes.

pub(crate) mod allow_entry;
pub(crate) mod audit;
pub(crate) mod block;
pub(crate) mod body;
pub(crate) mod codec;
pub(crate) mod document;
pub(crate) mod document_key;
pub(crate) mod figures;
pub(crate) mod freeze;
pub(crate) mod history_key;
pub(crate) mod idempotency;
pub(crate) mod key;
pub(crate) mod log;
pub(crate) mod row;
pub(crate) mod schema;
pub(crate) mod subscriber;
pub(crate) mod subscriber_key;
pub(crate) mod token;
pub(crate) mod undo;
pub(crate) mod usage;
pub(crate) mod value;
