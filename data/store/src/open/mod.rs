//! Opening the store: checking what lies there, and saving what can be saved of a damaged one.
//!
//! [`database`] opens RocksDB itself; [`check`] looks before anything is written; [`store`] is what all others
//! work with, and [`history`] makes up for what older releases did not write. [`recover`] examines a damaged store, by what [`salvage`] reads from its files and [`rebuild`]
//! makes of that. [`checkpoint`] copies a store that goes on; [`restore`] puts such a copy in the place of a store, and takes out
//! of it again what was taken out of that since, by what its log says ([`removals`]).

pub(crate) mod check;
pub(crate) mod checkpoint;
pub(crate) mod database;
pub(crate) mod history;
pub(crate) mod read_only;
pub(crate) mod rebuild;
pub(crate) mod recover;
pub(crate) mod removals;
pub(crate) mod restore;
pub(crate) mod salvage;
pub(crate) mod store;
