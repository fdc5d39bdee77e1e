//! Why a backup can't be written or read.

use std::io;

/// Why a backup can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("it is no backup of a DNS block list")]
    Foreign,
    /// A newer release made it.
    #[error("it is a backup of form {found}, and this release reads up to {known}")]
    Newer {
        /// Its form.
        found: u32,
        /// The newest that this release reads.
        known: u32,
    },
    /// It is not as it was written.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// A file of it is not as it was written.
    #[error("it is damaged: the file {0} in it is not as it was written")]
    File(String),
    /// A file changed while it was copied.
    #[error("the file {0} changed while it was copied")]
    Changed(String),
}
