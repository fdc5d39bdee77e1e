//! The errors of the store itself, with the facts.

use std::{io::ErrorKind, path::PathBuf};

use dnsbl_types::SubjectError;

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
    /// It has fewer changes than were acknowledged.
    #[error(
        "the store {path} ends with change {found}, but change {expected} was acknowledged: what came after {found} is lost; `dnsbl-server recover --config FILE --apply` goes on with what is there, in a new epoch"
    )]
    Behind {
        /// The store's folder.
        path: PathBuf,
        /// The last change that is there.
        found: u64,
        /// The last that was acknowledged.
        expected: u64,
    },
    /// Something else lies where a store would be made.
    #[error(
        "{path} holds no store, but other files ({found}): a store is only made in a folder that is empty or absent"
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// Some of the files.
        found: String,
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
    /// A copy of it is being taken.
    #[error("a backup of the store is being taken already; there is one at a time")]
    Copied,
    /// It takes no writes.
    #[error("the store takes no writes: {0}")]
    Unwritable(String),
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
            Self::Rocks(err) => says(err, &["No space left", "Disk quota", "File too large"]),
            Self::Io { reason, .. } => matches!(
                reason.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            ),
            _ => false,
        }
    }

    /// Whether the disk takes no writes at all.
    pub(crate) fn is_read_only(&self) -> bool {
        match self {
            Self::Rocks(err) => says(err, &["Read-only file system"]),
            Self::Io { reason, .. } => reason.kind() == ErrorKind::ReadOnlyFilesystem,
            _ => false,
        }
    }

    /// Whether the process has no file descriptor left, or the system none.
    pub fn is_out_of_files(&self) -> bool {
        match self {
            Self::Rocks(err) => says(err, &["Too many open files"]),
            Self::Io { reason, .. } => reason.to_string().contains("Too many open files"),
            _ => false,
        }
    }

    /// The reason without the folders of this machine, for those who may not know them.
    pub fn reason(&self) -> String {
        let text = self.to_string();
        let words = text.split(' ').map(|word| match word.rsplit_once('/') {
            Some((before, name)) if before.is_empty() || before.starts_with('/') => name,
            _ => word,
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

fn says(err: &rocksdb::Error, words: &[&str]) -> bool {
    let text = err.to_string();
    words.iter().any(|word| text.contains(word))
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
