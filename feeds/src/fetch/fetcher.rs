//! From an origin to bodies.

use std::path::PathBuf;

use tokio_rustls::rustls;

use super::{error::FetchError, fetched::Fetched, file, http, limits::FetchLimits};
use crate::{
    content::Content,
    feed::{Feed, Origin},
};

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
