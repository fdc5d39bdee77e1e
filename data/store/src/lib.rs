//! The store: zones, listings, the change log, audit records, tokens, subscribers and documents, in RocksDB.
//!
//! # Writing
//!
//! There is one writer thread and one order. [`Store::submit`] hands it a [`Change`]; it takes what
//! is waiting, decides each change against the state that the earlier ones leave, and writes all of
//! them as one batch with a synced WAL: rows, log entries, audit records, serials. A change that is refused
//! has written nothing by then. Then the [`Follower`](dnsbl_types::Follower) (the index) gets the effects,
//! and only then are the changes acknowledged. So an
//! acknowledged change is durable and visible, and a crash leaves all of an entry or none of it.
//! After a failed write the store takes no more until it is opened again: what the disk holds is
//! unknown until the log is read back. What is acknowledged is noted outside the log too (`head.rs`), and
//! `open/check.rs` compares that with what is found.
//!
//! # Segments
//!
//! The rows of a zone lie in *segments*: key `zone id · segment id · subject`. A segment belongs to
//! one source. Direct writes go to the newest segment of their source. An import puts what it changes
//! into a segment of its own, which nobody sees until the batch that names it, so it may be of any
//! size, and an import that fails leaves nothing. What a source says of a subject is what its newest
//! segment with a row for it says; a tombstone says "nothing". Compaction (`write/compact.rs`) moves rows until each
//! source has one segment again, which changes nothing that can be seen.
//!
//! A row leaves out what it shares with its segment: source, time, author and sequence number. IPv4
//! addresses of which there is nothing else to say have no rows; they lie in blocks (`format/block.rs`).
//!
//! # Layers
//!
//! `format` (bytes and values) ← `read` (one state) ← `write` (changes) ← `import` (bulk changes) ← `open`
//! (the store as a whole): each knows those before it only.

mod db;
mod error;
mod format;
#[doc(hidden)]
pub mod fuzz;
mod head;
mod import;
mod open;
mod raw;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use db::StoreOptions;
pub use error::StoreError;
pub use format::{
    allow_entry::AllowRecord,
    audit::AuditRecord,
    body::{BodyError, BodyFormat},
    document::{Document, DocumentError, DocumentId, DocumentKind},
    figures::{Figures, FiguresRow, Span, Stock},
    freeze::Freeze,
    idempotency::{Remembered, RequestId},
    key::compare_subjects,
    log::{Actor, BulkSummary, ImportCounts, ImportSummary, LogEntry, Op, UndonePart},
    subscriber::SubscriberRecord,
    token::{MintedToken, TokenRecord, TokenSecret},
    usage::{Spent, TokenUse, UsageRow},
};
pub use import::{
    expected::ExpectedDelta,
    order::{ImportLimits, ImportMode},
    selection::{PurgedSource, Selection},
    staging::{Staged, Staging},
};
pub use open::{
    checkpoint::Checkpoint,
    read_only::ReadOnlyStore,
    rebuild::ZoneSurvey,
    recover::{Examined, Recovered, Recovery},
    restore::{Restore, RestoreError, Restored},
    store::Store,
};
pub use read::{
    audit::AuditPage,
    filter::{ExpiryMatch, Filter, SubjectMatch, TimeSpan},
    history::{History, PastChange},
    log_size::LogSize,
    reader::Reader,
    search::{Counted, Cursor, Page, Visited},
    sources::SourceRecord,
    state::ZoneRecord,
    subscribers::SubscriberFilter,
    tokens::{Authenticated, Authentication},
};
pub use write::{
    error::ChangeError,
    operation::{
        Carried, Change, Committed, Operation, OperationResult, Precondition, Sources,
        StagedImport, Terms,
    },
};
