//! Opening the store: checking what lies there, and saving what can be saved of a damaged one.
//!
//! [`database`] opens RocksDB itself; [`check`] looks before anything is written; [`store`] is what all others
//! work with. [`recover`] examines a damaged store, by what [`salvage`] reads from its files and [`rebuild`]
//! makes of that.

pub(crate) mod check;
pub(crate) mod database;
pub(crate) mod read_only;
pub(crate) mod rebuild;
pub(crate) mod recover;
pub(crate) mod salvage;
pub(crate) mod store;
