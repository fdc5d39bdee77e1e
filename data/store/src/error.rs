//! What can go wrong, with the facts.

use std::{io::ErrorKind, path::PathBuf};

use dnsbl_types::{Name, SubjectError};

use crate::{DocumentId, DocumentKind, ImportCounts};

/// Why the store can't be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("the store {path} is locked: {holder} has it open; stop that process first")]
    Locked {
        /// The store's folder.
        path: PathBuf,
        /// The process, as far as it could be found out.
        holder: String,
    },
    /// A newer release wrote it.
    #[error(
        "the store {path} has format {found}, and this release reads up to {known}: use the release that wrote it, or a newer one"
    )]
    Newer {
        /// The store's folder.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this release reads.
        known: u32,
    },
    /// RocksDB refuses it.
    #[error(
        "the store {path} is damaged: {detail}; `dnsbl-server recover --config FILE` shows what can be saved, and changes nothing until told to"
    )]
    Damaged {
        /// The store's folder, or the file in it that is damaged.
        path: PathBuf,
        /// RocksDB's own words.
        detail: String,
    },
    /// A value that this code can't have written.
    #[error("the store holds a {what} that can't be read: {detail}")]
    Unreadable {
        /// What kind of value.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A file operation failed.
    #[error("{path}: {reason}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        reason: std::io::Error,
    },
    /// The system gives no thread.
    #[error("no thread to read the store with: {0}")]
    Thread(std::io::Error),
    /// Any other failure of RocksDB.
    #[error("the store failed: {0}")]
    Rocks(rocksdb::Error),
}

impl StoreError {
    pub(crate) fn unreadable(what: &'static str, detail: impl std::fmt::Display) -> Self {
        Self::Unreadable { what, detail: format!("{detail}") }
    }

    /// Whether the disk has no room left.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Rocks(err) => err.to_string().contains("No space left"),
            Self::Io { reason, .. } => matches!(
                reason.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            ),
            _ => false,
        }
    }
}

impl From<rocksdb::Error> for StoreError {
    fn from(err: rocksdb::Error) -> Self {
        Self::Rocks(err)
    }
}

impl From<SubjectError> for StoreError {
    fn from(err: SubjectError) -> Self {
        Self::unreadable("subject", err)
    }
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such zone.
    #[error("there is no zone {0}")]
    NoZone(Name),
    /// The zone holds listings of the other kind.
    #[error("zone {0} has listings, so its kind can't change; delete the zone first")]
    KindInUse(Name),
    /// That source does not list the subject.
    #[error("there is no such listing")]
    NoListing,
    /// There is no such token.
    #[error("there is no such token")]
    NoToken,
    /// Another live token has the name.
    #[error(
        "the token {id} is called {name} already, and audit and sources tell tokens apart by their names; revoke that one first, or choose another name"
    )]
    TokenName {
        /// The name of the other one.
        name: String,
        /// Its id.
        id: String,
    },
    /// The token that a new one comes from is gone.
    #[error("the token that asks for another one was revoked or has expired")]
    NoParent,
    /// No token would be left that has a scope.
    #[error("no live token with the scope {0} would be left")]
    LastToken(&'static str),
    /// `If-Match` or `If-None-Match` does not hold.
    #[error("the precondition does not hold")]
    Precondition,
    /// A document is not the one that was expected.
    #[error("{kind} {id} is not the one that was expected")]
    Stale {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: DocumentId,
        /// The revision that is there; `None` where there is no such document.
        found: Option<u64>,
    },
    /// It names a test entry.
    #[error("this is a test entry of RFC 5782 section 5: it always exists and is no listing")]
    TestEntry,
    /// The subject is not of the zone's kind.
    #[error("the zone does not list subjects of this kind")]
    WrongKind,
    /// With the zone behind it the name is too long.
    #[error("the subject is too long: with the zone's name behind it, it exceeds 255 octets")]
    SubjectTooLong,
    /// The zone has as many sources as it may.
    #[error("the zone has listings of {0} sources, which is the most")]
    TooManySources(usize),
    /// An import that replaces a source would do more harm than good.
    #[error("{why}; nothing was changed")]
    ImportRefused {
        /// Which limit it breaks.
        why: String,
        /// What it would have done.
        counts: ImportCounts,
    },
    /// More changes wait than the writer takes.
    #[error("too many changes are waiting")]
    Busy,
    /// An earlier write failed, or the store is closing.
    #[error("the store takes no writes: {reason}")]
    Unwritable {
        /// Why.
        reason: String,
        /// Whether the disk is full.
        full: bool,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rocksdb::Error> for ChangeError {
    fn from(err: rocksdb::Error) -> Self {
        Self::Store(err.into())
    }
}
