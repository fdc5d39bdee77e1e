//! URLs: conditional requests (RFC 9110 section 13), redirects, and nobody who is not on the Internet.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt as _, BodyStream, Empty};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName},
    },
};
use tokio_util::io::StreamReader;
use url::{Host, Url};

use super::{
    error::FetchError,
    fetched::Fetched,
    limits::FetchLimits,
    special::is_special,
    spool::spool,
    unpack::{Packing, unpacked},
};
use crate::{content::Content, feed::shown, import::Body};

/// Bytes of a response's head.
const MAX_HEAD: usize = 64 << 10;
/// The longest validator that is kept.
const MAX_VALIDATOR: usize = 300;

/// Asks servers.
pub(super) struct Client {
    /// Authorities beside those of the system.
    roots: Vec<CertificateDer<'static>>,
    /// Made when it is first needed, since the system's authorities take a while to read.
    tls: OnceLock<Result<TlsConnector, String>>,
}

impl Client {
    pub(super) fn new(roots: Vec<CertificateDer<'static>>) -> Self {
        Self { roots, tls: OnceLock::new() }
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
        let mut at = url.clone();
        for _ in 0..=limits.redirects {
            let connect = timeout(limits.connect, self.connect(&at, allow_private)).await;
            let late = |_| FetchError::TooSlow { what: "the connection", limit: limits.connect };
            let stream = connect.map_err(late)??;
            let request = request(url, &at, known)?;
            let ask = timeout(limits.read, ask(stream, request)).await;
            let late = |_| FetchError::TooSlow { what: "the answer", limit: limits.read };
            // The connection lives as long as the guard.
            let (response, _connection) = ask.map_err(late)??;
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

    /// A connection to the host of a URL. The addresses that are checked are those that are used, so a name can't lead
    /// elsewhere afterwards (DNS rebinding).
    async fn connect(&self, url: &Url, allow_private: bool) -> Result<Box<dyn Stream>, FetchError> {
        let unreachable =
            |err: io::Error| FetchError::Unreachable(format!("{}: {err}", host_of(url)));
        let port = url.port_or_known_default().unwrap_or(443);
        let found: Vec<SocketAddr> = match url.host() {
            Some(Host::Ipv4(addr)) => vec![(addr, port).into()],
            Some(Host::Ipv6(addr)) => vec![(addr, port).into()],
            Some(Host::Domain(name)) => {
                lookup_host((name, port)).await.map_err(unreachable)?.collect()
            }
            None => Vec::new(),
        };
        let special = found.iter().map(SocketAddr::ip).find(|addr| is_special(*addr));
        let usable: Vec<SocketAddr> =
            found.into_iter().filter(|addr| allow_private || !is_special(addr.ip())).collect();
        let stream = match (usable.as_slice(), special) {
            ([], Some(address)) => {
                return Err(FetchError::SpecialUse { host: host_of(url), address });
            }
            ([], None) => return Err(unreachable(io::Error::other("it has no address"))),
            (usable, _) => TcpStream::connect(usable).await.map_err(unreachable)?,
        };
        // Else small requests wait for acknowledgements; where it can't be set they do.
        let _ = stream.set_nodelay(true);
        if url.scheme() == "http" {
            return Ok(Box::new(stream));
        }
        let tls = self.tls.get_or_init(|| self.tls()).clone();
        let tls = tls.map_err(|err| FetchError::Unreachable(format!("TLS: {err}")))?;
        let name = server_name(url).map_err(unreachable)?;
        Ok(Box::new(tls.connect(name, stream).await.map_err(unreachable)?))
    }

    fn tls(&self) -> Result<TlsConnector, String> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs.into_iter().chain(self.roots.iter().cloned()));
        if roots.is_empty() {
            return Err("the system has no certificates of authorities (ca-certificates)".into());
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|err| err.to_string())?;
        Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()).into())
    }
}

/// TCP, or TLS over it.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Ends the connection when it goes.
struct Connection(tokio::task::JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn ask(
    stream: Box<dyn Stream>,
    request: Request<Empty<Bytes>>,
) -> Result<(Response<Incoming>, Connection), FetchError> {
    let broken =
        |err: hyper::Error| FetchError::Unreachable(format!("the server makes no sense: {err}"));
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // How it ends is told to whoever reads from it.
    let connection = Connection(tokio::spawn(async move { drop(connection.await) }));
    let response = sender.send_request(request).await.map_err(broken)?;
    Ok((response, connection))
}

/// A request for `at`, where `url` led. What it is known by, and by whom it is asked, is the first host's business alone.
fn request(
    url: &Url,
    at: &Url,
    known: Option<&Content>,
) -> Result<Request<Empty<Bytes>>, FetchError> {
    let mut target = at.path().to_owned();
    if let Some(query) = at.query() {
        target.push('?');
        target.push_str(query);
    }
    let host = match at.port() {
        Some(port) => format!("{}:{port}", host_of(at)),
        None => host_of(at),
    };
    let mut request = Request::get(target)
        .header(header::HOST, host)
        .header(header::USER_AGENT, concat!("dnsbl-server/", env!("CARGO_PKG_VERSION")))
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

/// The user and password of a URL, as RFC 7617 has them.
fn credentials(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let both = [decoded(url.username()), vec![b':'], decoded(url.password().unwrap_or_default())];
    let mut value =
        HeaderValue::try_from(format!("Basic {}", BASE64.encode(&both.concat()))).ok()?;
    value.set_sensitive(true);
    Some(value)
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

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn server_name(url: &Url) -> io::Result<ServerName<'static>> {
    let wrong = || io::Error::other("the host is no name of a server");
    match url.host() {
        Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).map_err(|_| wrong()),
        Some(Host::Ipv4(addr)) => Ok(ServerName::IpAddress(IpAddr::V4(addr).into())),
        Some(Host::Ipv6(addr)) => Ok(ServerName::IpAddress(IpAddr::V6(addr).into())),
        None => Err(wrong()),
    }
}
