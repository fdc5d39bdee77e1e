//! The store: zones, listings, the change log, audit records, tokens and documents, in RocksDB.
//!
//! # Writing
//!
//! There is one writer thread and one order. [`Store::submit`] hands it a [`Change`]; it takes what
//! is waiting, decides each change against the state that the earlier ones leave, and writes all of
//! them as one batch with a synced WAL: rows, log entries, audit records, serials. Then the
//! [`Follower`] (the index) gets the effects, and only then are the changes acknowledged. So an
//! acknowledged change is durable and visible, and a crash leaves all of an entry or none of it.
//! After a failed write the store takes no more until it is opened again: what the disk holds is
//! unknown until the log is read back. What is acknowledged is noted outside the log too (`head.rs`), and
//! `check.rs` compares that with what is found.
//!
//! # Segments
//!
//! The rows of a zone lie in *segments*: key `zone id · segment id · subject`. A segment belongs to
//! one source. Direct writes go to the newest segment of their source. An import puts what it changes
//! into a segment of its own, which nobody sees until the batch that names it, so it may be of any
//! size, and an import that fails leaves nothing. What a source says of a subject is what its newest
//! segment with a row for it says; a tombstone says "nothing". Folding (`fold.rs`) moves rows until each
//! source has one segment again, which changes nothing that can be seen.
//!
//! A row leaves out what it shares with its segment: source, time, author and sequence number. IPv4
//! addresses of which there is nothing else to say have no rows; they lie in blocks (`hosts.rs`).

mod audit;
mod change;
mod check;
mod codec;
mod compact;
mod cursor;
mod document;
mod documents;
mod entry;
mod error;
mod fold;
#[doc(hidden)]
pub mod fuzz;
mod group;
mod head;
mod hosts;
mod import;
mod key;
mod listings;
mod load;
mod log;
mod open;
mod raw;
mod reader;
mod rebuild;
mod recover;
mod row;
mod salvage;
mod scan;
mod schema;
mod state;
mod sweep;
mod together;
mod token;
mod value;
#[cfg(test)]
mod work;
mod writer;
mod writes;
mod zones;

pub use audit::{AuditPage, AuditRecord};
pub use change::{
    Actor, Change, Done, ImportCounts, ImportLimits, ImportMode, Outcome, Precondition, Sources,
    ZoneRecord,
};
pub use compact::LogSize;
pub use document::{Document, DocumentError, DocumentId, DocumentKind};
pub use error::{ChangeError, StoreError};
pub use import::{Staged, Staging};
pub use log::{ImportSummary, LogEntry, Op};
pub use open::{Store, StoreOptions};
pub use reader::{Cursor, Filter, Page, Reader, SubjectMatch, Visited};
pub use recover::{Examined, Recovered, Recovery, ZoneSurvey};
pub use together::{Expect, Part, PartDone};
pub use token::{MintedToken, TokenRecord, TokenText};
pub use writer::Follower;
