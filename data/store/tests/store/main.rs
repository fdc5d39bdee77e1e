//! The store keeps what it acknowledged, in one order, whatever happens in between.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod allowlist;
mod backup;
mod bits;
mod changes;
mod damage;
mod documents;
mod documents_model;
mod fixture;
mod followers;
mod housekeeping;
mod imports;
mod includes;
mod mirror;
mod model;
mod old_codes;
mod search;
mod sources;
mod subscribers;
mod undo;
mod undo_model;
mod usage;
