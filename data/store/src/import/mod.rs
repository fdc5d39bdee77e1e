//! Imports: rows are staged outside the database, decided against what the source says, and put into
//! the database as a segment of their own, which becomes visible with one batch.
//!
//! 1. [`Staging`](staging::Staging) takes the rows in any order, each source's apart. It keeps them in memory as they would stand in the
//!    database, and when that is full, sorts them and writes them to a *run* in the staging folder.
//! 2. [`finish`](staging::Staging::finish) merges the runs with what the source says, and writes what differs into
//!    tables that become part of the database at once. Nobody sees them, since no zone names their
//!    segment. All this is done by the thread that imports.
//! 3. [`commit`] names the segments, one for each source, in one change. What a source says that changed
//!    meanwhile is decided again first.
//!
//! A purge and an undo of many listings happen in the same steps ([`stage`]), with other things to decide: which of what the
//! source says goes, or what it said before. Beside its segment each decision writes down what was said before of the
//! subjects that change, and what is said after (`kept.rs`): that is what an undo needs.
//!
//! What is cut off in between leaves files in the staging folder, or rows of a segment that no zone
//! names; the next start removes both.

mod before;
mod buffer;
pub(crate) mod commit;
mod content;
mod decide;
mod digest;
pub(crate) mod expected;
pub(crate) mod folder;
mod kept;
mod merge;
pub(crate) mod order;
mod prepared;
mod run;
pub(crate) mod selection;
pub(crate) mod stage;
pub(crate) mod staging;
mod tables;
