//! URLs: conditional requests (RFC 9110 section 13), redirects, and nobody who is not on the Internet.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use dnsbl_outbound::{
    ConnectError, Connector, USER_AGENT, credentials, exchange, host_header, is_special, shown,
    target,
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt as _, BodyStream, Empty};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderMap, HeaderName},
};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_util::io::StreamReader;
use url::Url;

use super::{
    error::FetchError,
    fetched::Fetched,
    limits::FetchLimits,
    spool::spool,
    unpack::{Packing, unpacked},
};
use crate::{content::Content, import::Body};

/// The longest validator that is kept.
const MAX_VALIDATOR: usize = 300;

/// Asks servers.
pub(super) struct Client(Connector);

impl Client {
    /// One that believes these authorities beside those of the system.
    pub(super) fn new(roots: Vec<CertificateDer<'static>>) -> Self {
        Self(Connector::new(roots))
    }

    /// Asks for what a URL has now, unless it is what is known.
    pub(super) async fn fetch(
        &self,
        url: &Url,
        allow_private: bool,
        known: Option<&Content>,
        folder: &Path,
        limits: &FetchLimits,
    ) -> Result<Fetched, FetchError> {
        let broken = |err: hyper::Error| {
            FetchError::Unreachable(format!("the server makes no sense: {err}"))
        };
        let mut at = url.clone();
        for _ in 0..=limits.redirects {
            let connect = self.0.connect(&at, |addr| allow_private || !is_special(addr));
            let connect = timeout(limits.connect, connect).await;
            let late = |_| FetchError::TooSlow { what: "the connection", limit: limits.connect };
            let stream = connect.map_err(late)??;
            let request = request(url, &at, known)?;
            let ask = timeout(limits.read, exchange(stream, request)).await;
            let late = |_| FetchError::TooSlow { what: "the answer", limit: limits.read };
            // The connection lives as long as the guard.
            let (response, _connection) = ask.map_err(late)?.map_err(broken)?;
            match response.status() {
                StatusCode::OK => return receive(response, folder, limits).await,
                StatusCode::NOT_MODIFIED if known.is_some() => return Ok(Fetched::Same),
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => at = redirect(&at, response.headers())?,
                status => return Err(FetchError::Status(status.as_u16())),
            }
        }
        let why = format!("more than {} redirects, the last to {}", limits.redirects, shown(&at));
        Err(FetchError::Redirect(why))
    }
}

impl From<ConnectError> for FetchError {
    fn from(err: ConnectError) -> Self {
        match err {
            ConnectError::Unreachable(why) => Self::Unreachable(why),
            ConnectError::Forbidden { host, address } => Self::SpecialUse { host, address },
        }
    }
}

/// A request for `at`, where `url` led. What it is known by, and by whom it is asked, is the first host's business alone.
fn request(
    url: &Url,
    at: &Url,
    known: Option<&Content>,
) -> Result<Request<Empty<Bytes>>, FetchError> {
    let mut request = Request::get(target(at))
        .header(header::HOST, host_header(at))
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT_ENCODING, "gzip, zstd")
        .header(header::CONNECTION, "close");
    let validators = known.map(|known| {
        [(header::IF_NONE_MATCH, &known.etag), (header::IF_MODIFIED_SINCE, &known.last_modified)]
    });
    for (name, value) in validators.into_iter().flatten() {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let is_same_origin = url.origin() == at.origin();
    if let Some(credentials) = credentials(url).filter(|_| is_same_origin) {
        request = request.header(header::AUTHORIZATION, credentials);
    }
    request.body(Empty::new()).map_err(|err| FetchError::Redirect(err.to_string()))
}

fn redirect(at: &Url, headers: &HeaderMap) -> Result<Url, FetchError> {
    let wrong = |why: &str| FetchError::Redirect(format!("a redirect of {} {why}", shown(at)));
    let to = text(headers, &header::LOCATION).ok_or_else(|| wrong("says not where to"))?;
    let to = at.join(&to).map_err(|_| wrong("makes no sense"))?;
    match (at.scheme(), to.scheme()) {
        ("https", "https") | ("http", "http" | "https") => Ok(to),
        ("https", "http") => Err(wrong("leads from https to http")),
        _ => Err(wrong("leads to something else than http")),
    }
}

async fn receive(
    response: Response<Incoming>,
    folder: &Path,
    limits: &FetchLimits,
) -> Result<Fetched, FetchError> {
    let headers = response.headers();
    let encodings: Vec<&str> = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let packing = Packing::of_header(&encodings.join(","))?;
    let validator = |name| text(headers, name).filter(|value| value.len() <= MAX_VALIDATOR);
    let (etag, last_modified) = (validator(&header::ETAG), validator(&header::LAST_MODIFIED));
    let announced =
        text(headers, &header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.packed) {
        return Err(FetchError::TooLarge { what: "it", limit: limits.packed });
    }
    let received = AtomicU64::new(0);
    let pieces = BodyStream::new(response.into_body().map_err(io::Error::other));
    let pieces = pieces
        .try_filter_map(async |frame| Ok(frame.into_data().ok()))
        .inspect_ok(|piece| {
            received.fetch_add(piece.len() as u64, Ordering::Relaxed);
        })
        .boxed();
    let mut digest = blake3::Hasher::new();
    let head = timeout(limits.read, unpacked(packing, StreamReader::new(pieces))).await;
    let late = |_| FetchError::TooSlow { what: "the next byte", limit: limits.read };
    let body = head.map_err(late)?.map_err(|err| FetchError::broken(&err))?;
    let spooled = spool(body, &received, 0, &mut digest, folder, limits).await?;
    let content = Content {
        digest: *digest.finalize().as_bytes(),
        bytes: spooled.bytes,
        etag,
        last_modified,
        expires_at: None,
    };
    Ok(Fetched::Bodies(vec![Body { name: None, file: spooled.file }], content))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(ToOwned::to_owned)
}
