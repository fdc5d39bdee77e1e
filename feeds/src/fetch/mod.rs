//! From an origin to bodies: unpacked, whole, and never larger or later than allowed.

mod file;
mod http;
mod special;
mod spool;
#[cfg(test)]
mod tests;
mod unpack;

use std::{path::PathBuf, time::Duration};

use tokio_rustls::rustls;

use crate::{Body, Feed, Origin, state::Content};

/// What fetching may cost.
#[derive(Clone, Debug)]
pub struct FetchLimits {
    /// How long a name, a connection and TLS may take together.
    pub connect: Duration,
    /// How long nothing may come.
    pub read: Duration,
    /// How long all of it may take.
    pub total: Duration,
    /// Bytes as they are sent or lie on the disk.
    pub packed: u64,
    /// Bytes after unpacking.
    pub unpacked: u64,
    /// Redirects that are followed.
    pub redirects: usize,
    /// Files of a folder.
    pub files: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            read: Duration::from_secs(30),
            total: Duration::from_secs(600),
            packed: 512 << 20,
            unpacked: 2 << 30,
            redirects: 5,
            files: 1000,
        }
    }
}

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
    #[error(
        "it is more than {} times as large when it is unpacked, which no list is",
        spool::MAX_RATIO
    )]
    Inflated,
    /// There is no room for it.
    #[error("it can't be kept: {0}")]
    Spool(std::io::Error),
}

impl FetchError {
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

/// What was found at an origin.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// What was there before, as the server says.
    Same,
    /// Its bodies, and what they are known by.
    Bodies(Vec<Body>, Content),
}

/// Whoever fetches.
pub(crate) struct Fetcher {
    /// Where bodies lie while they are imported.
    spool: PathBuf,
    limits: FetchLimits,
    http: http::Client,
}

impl Fetcher {
    /// One that keeps bodies in a folder, which is made where it is missing, and believes these authorities beside
    /// those of the system.
    pub(crate) fn new(
        spool: PathBuf,
        limits: FetchLimits,
        roots: Vec<rustls::pki_types::CertificateDer<'static>>,
    ) -> Self {
        Self { spool, http: http::Client::new(roots), limits }
    }

    /// Fetches what a feed has, unless it is what `known` says. Files must lie in `folders`, if these are given.
    pub(crate) async fn fetch(
        &self,
        feed: &Feed,
        known: Option<&Content>,
        folders: Option<&[PathBuf]>,
    ) -> Result<Fetched, FetchError> {
        tokio::fs::create_dir_all(&self.spool).await.map_err(FetchError::Spool)?;
        let all = async {
            match &feed.origin {
                Origin::Path(path) => file::read(path, folders, &self.spool, &self.limits).await,
                Origin::Url(url) => {
                    self.http
                        .fetch(url.get(), feed.allow_private, known, &self.spool, &self.limits)
                        .await
                }
            }
        };
        let limit = self.limits.total;
        let late = |_| FetchError::TooSlow { what: "all of it", limit };
        tokio::time::timeout(limit, all).await.map_err(late)?
    }
}
