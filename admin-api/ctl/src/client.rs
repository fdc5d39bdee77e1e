//! The HTTP client: where the server is, who asks, and what came back.

use std::{error::Error, fs, net::IpAddr, path::Path, time::Duration};

use anyhow::{Context, anyhow, bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use reqwest::{
    Certificate, ClientBuilder, Identity, Method, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
    redirect::Policy,
};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio_util::io::StreamReader;

use crate::{document::Document, failure::Refusal, output, path, text};

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait for the whole of an ordinary answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// The server, as seen from here.
pub(crate) struct Client {
    http: reqwest::Client,
    /// What paths are appended to; ends without a slash.
    base: String,
    /// What people call it.
    server: String,
    /// Whether requests carry a token.
    pub(crate) has_token: bool,
}

/// The files for https.
#[derive(Default)]
pub(crate) struct Trust<'a> {
    /// The authorities that are believed, and no others; else those of the system.
    pub(crate) authorities: Option<&'a Path>,
    /// Who we are: a certificate and its key.
    pub(crate) identity: Option<(&'a Path, &'a Path)>,
}

/// The lines of a streamed answer.
pub(crate) type AnswerLines =
    Lines<BufReader<StreamReader<BoxStream<'static, std::io::Result<bytes::Bytes>>, bytes::Bytes>>>;

impl Client {
    /// A client for the server at `server`, with the token in that file.
    pub(crate) fn new(
        server: &str,
        token_file: Option<&Path>,
        trust: &Trust<'_>,
    ) -> anyhow::Result<Self> {
        let headers = token_file.map(read_token).transpose()?;
        let has_token = headers.is_some();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("dnsblctl/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers.unwrap_or_default())
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT);
        let (builder, base) = locate(builder, server)?;
        let builder = trust.apply(builder, &base)?;
        if let Some(host) = plain_host(&base).filter(|_| has_token) {
            let host = text::visible(&host);
            output::note(format_args!(
                "dnsblctl: the token goes to {host} without encryption; use https, or a tunnel"
            ));
        }
        Ok(Self {
            http: builder.build().context("cannot set up TLS")?,
            base,
            server: text::visible(server),
            has_token,
        })
    }

    /// A request for a v1 resource.
    pub(crate) fn v1(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        self.request(method, &path::v1(segments))
    }

    /// A request for any path.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request and reads the whole answer, within a time limit.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> anyhow::Result<Document<T>> {
        let response = self.send(request.timeout(ANSWER_TIMEOUT)).await?;
        self.document(response).await
    }

    /// Reads a resource whose status is part of what it says.
    pub(crate) async fn probe(&self, path: &str) -> anyhow::Result<(StatusCode, String)> {
        let request = self.request(Method::GET, path).timeout(ANSWER_TIMEOUT);
        let response = request.send().await.map_err(|err| self.trouble(err))?;
        let status = response.status();
        let text = response.text().await.map_err(|err| self.trouble(err))?;
        Ok((status, text))
    }

    /// Sends a request without a time limit; an answer that is no success is a [`Refusal`]. 304 is for who
    /// asked whether something has changed.
    pub(crate) async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request.send().await.map_err(|err| self.trouble(err))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let body = response.text().await.map_err(|err| self.trouble(err))?;
        Err(Refusal { status, body, advice: Vec::new() }.into())
    }

    /// Reads the rest of an answer.
    pub(crate) async fn document<T: DeserializeOwned>(
        &self,
        response: Response,
    ) -> anyhow::Result<Document<T>> {
        let created = response.status() == StatusCode::CREATED;
        let headers = response.headers().clone();
        let text = response.text().await.map_err(|err| self.trouble(err))?;
        let json = if text.is_empty() { "null" } else { &text };
        let body = serde_json::from_str(json)
            .with_context(|| format!("the answer of {} makes no sense", self.server))?;
        Ok(Document { text, body, created, headers })
    }

    /// The answer line by line.
    pub(crate) fn lines(&self, response: Response) -> AnswerLines {
        let server = self.server.clone();
        let cut = move |err| std::io::Error::other(trouble(&server, err));
        let chunks = response.bytes_stream().map_err(cut).boxed();
        BufReader::new(StreamReader::new(chunks)).lines()
    }

    /// What a failure to talk to the server means.
    pub(crate) fn trouble(&self, err: reqwest::Error) -> anyhow::Error {
        trouble(&self.server, err)
    }
}

impl Trust<'_> {
    /// Has the client believe and show what these files hold.
    fn apply(&self, mut builder: ClientBuilder, base: &str) -> anyhow::Result<ClientBuilder> {
        let is_given = self.authorities.is_some() || self.identity.is_some();
        ensure!(
            !is_given || base.starts_with("https:"),
            "--ca, --cert and --key are for a server that is reached by https"
        );
        if let Some(file) = self.authorities {
            let shown = file.display();
            let authorities = Certificate::from_pem_bundle(&read(file)?).ok();
            let authorities = authorities.filter(|found| !found.is_empty());
            builder = builder.tls_certs_only(
                authorities.with_context(|| format!("{shown} holds no certificate"))?,
            );
        }
        if let Some((certificate, key)) = self.identity {
            let pem = [read(certificate)?, read(key)?].join(&b'\n');
            let identity = Identity::from_pem(&pem).ok().with_context(|| {
                format!(
                    "{} and {} hold no certificate and key",
                    certificate.display(),
                    key.display()
                )
            });
            builder = builder.identity(identity?);
        }
        Ok(builder)
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Reads the token into the header that carries it; no message shows it.
fn read_token(file: &Path) -> anyhow::Result<HeaderMap> {
    let shown = file.display();
    let token = fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let token = token.trim();
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(plain, "{shown} does not hold a token");
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

/// Prepares the way to the server, and tells what its paths begin with.
fn locate(builder: ClientBuilder, server: &str) -> anyhow::Result<(ClientBuilder, String)> {
    if let Some(path) = server.strip_prefix("unix:") {
        ensure!(!path.is_empty(), "the server unix: lacks a path");
        let builder = builder.unix_socket(path).tls_certs_only([]);
        return Ok((builder, "http://localhost".to_owned()));
    }
    let url = Url::parse(server).context("the server is no URL")?;
    let secret = !url.username().is_empty() || url.password().is_some();
    ensure!(!secret, "the URL of the server must not hold a user name or password");
    ensure!(
        url.query().is_none() && url.fragment().is_none(),
        "the URL of the server must end with its path"
    );
    let base = url.as_str().trim_end_matches('/').to_owned();
    match url.scheme() {
        // A proxy would see the token, and needs no certificates of authorities here.
        "http" => Ok((builder.no_proxy().tls_certs_only([]), base)),
        "https" => Ok((builder.https_only(true), base)),
        other => bail!("the server is reached by http, https or unix:/path, not {other}:"),
    }
}

/// The host of another machine that is talked to in plain text.
fn plain_host(base: &str) -> Option<String> {
    let url = Url::parse(base).ok().filter(|url| url.scheme() == "http")?;
    let host = url.host_str()?;
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_here = address.map_or(host == "localhost", |address| address.is_loopback());
    (!is_here).then(|| host.to_owned())
}

fn trouble(server: &str, err: reqwest::Error) -> anyhow::Error {
    let (connecting, late) = (err.is_connect(), err.is_timeout());
    let err = err.without_url();
    let mut cause: &dyn Error = &err;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let cause = text::visible(&cause.to_string());
    match (connecting, late) {
        (true, _) => anyhow!("cannot reach {server}: {cause}"),
        (false, true) => anyhow!("{server} does not answer in time"),
        (false, false) => anyhow!("no whole answer from {server}: {cause}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{locate, plain_host};

    fn base(server: &str) -> anyhow::Result<String> {
        locate(reqwest::Client::builder(), server).map(|(_, base)| base)
    }

    #[test]
    fn a_server_is_a_url_or_a_socket() {
        assert_eq!(base("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(base("http://[::1]:8080/").unwrap(), "http://[::1]:8080");
        assert_eq!(base("https://example.org/dnsbl/").unwrap(), "https://example.org/dnsbl");
        assert_eq!(base("unix:/run/dnsbl/http.sock").unwrap(), "http://localhost");
    }

    #[test]
    fn a_token_that_leaves_the_machine_in_plain_text_is_told() {
        for here in [
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost",
            "https://example.org",
        ] {
            assert_eq!(plain_host(here), None, "{here}");
        }
        assert_eq!(plain_host("http://192.0.2.1:8080").as_deref(), Some("192.0.2.1"));
        assert_eq!(plain_host("http://example.org/dnsbl").as_deref(), Some("example.org"));
    }

    #[test]
    fn anything_else_is_refused_without_showing_secrets() {
        for server in ["", "unix:", "127.0.0.1:8080", "ftp://example.org", "http://e.org/?a=b"] {
            assert!(base(server).is_err(), "{server}");
        }
        let err = base("http://user:hunter2@example.org").unwrap_err();
        assert!(!format!("{err:#}").contains("hunter2"));
    }
}
