//! Why an origin could not be fetched.

use std::{path::PathBuf, time::Duration};

use super::limits::MAX_RATIO;

/// The reason why an origin could not be fetched whole.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file is not there or can't be read.
    #[error("{path}: {err}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        err: std::io::Error,
    },
    /// It is no regular file.
    #[error("{0}: is no regular file")]
    NoFile(PathBuf),
    /// It leads out of the folders from which feeds may read.
    #[error("{0}: lies outside of the folders that feeds.folders names")]
    Outside(PathBuf),
    /// It was written while it was read.
    #[error("{0}: changed while it was read")]
    Changing(PathBuf),
    /// The folder has more files than are read.
    #[error("{path}: has more than {most} files")]
    TooManyFiles {
        /// Which folder.
        path: PathBuf,
        /// How many are read.
        most: usize,
    },
    /// The server can't be reached, or breaks off.
    #[error("{0}")]
    Unreachable(String),
    /// It took too long.
    #[error("{what} took longer than {} seconds", limit.as_secs())]
    TooSlow {
        /// What did.
        what: &'static str,
        /// How long it may take.
        limit: Duration,
    },
    /// The host has no address on the Internet.
    #[error(
        "{host} is {address}, which is not on the Internet: special-use addresses are asked only where the feed allows it (allow-private)"
    )]
    SpecialUse {
        /// The host of the URL.
        host: String,
        /// Its address.
        address: std::net::IpAddr,
    },
    /// The server answers with something else than the list.
    #[error("the server answers {0}")]
    Status(u16),
    /// A redirect leads nowhere, or on and on.
    #[error("{0}")]
    Redirect(String),
    /// It is packed in a way that is not known, or badly.
    #[error("{0}")]
    Packed(String),
    /// There is more than is taken.
    #[error("{what} is more than {limit} bytes")]
    TooLarge {
        /// What is.
        what: &'static str,
        /// How much is taken.
        limit: u64,
    },
    /// It grows more than any list does.
    #[error("it is more than {} times as large when it is unpacked, which no list is", MAX_RATIO)]
    Inflated,
    /// There is no room for it.
    #[error("it can't be kept: {0}")]
    Spool(std::io::Error),
}

impl FetchError {
    /// The reading of something broke off.
    pub(super) fn broken(err: &std::io::Error) -> Self {
        Self::Packed(format!("it broke off or can't be unpacked: {err}"))
    }

    /// What kind of reason it is, in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::File { .. } | Self::NoFile(_) | Self::TooManyFiles { .. } => "file",
            Self::Outside(_) => "outside",
            Self::Changing(_) => "changing",
            Self::Unreachable(_) => "unreachable",
            Self::TooSlow { .. } => "too-slow",
            Self::SpecialUse { .. } => "special-use",
            Self::Status(_) => "status",
            Self::Redirect(_) => "redirect",
            Self::Packed(_) => "packed",
            Self::TooLarge { .. } | Self::Inflated => "too-large",
            Self::Spool(_) => "spool",
        }
    }
}
