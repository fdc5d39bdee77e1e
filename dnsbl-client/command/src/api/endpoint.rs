//! A path of the server's HTTP API that is posted to.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, ensure};
use dnsbl_daemon::file_access;
use reqwest::{
    Certificate, Response, StatusCode,
    header::{AUTHORIZATION, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use serde::{Deserialize, Serialize};

use super::address::Address;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for the whole of an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a refusal is read, in octets.
const MAX_PROBLEM: usize = 16 << 10;
/// How much of what a server tells is logged, in characters.
const MAX_DETAIL: usize = 300;

/// How the server is reached.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// Where it listens.
    pub(crate) address: Address,
    /// The file that holds the token.
    pub(crate) token_file: PathBuf,
    /// Certificates of further authorities (PEM).
    pub(crate) ca_file: Option<PathBuf>,
}

/// A path of the server, and the token that is posted with.
pub(crate) struct Endpoint {
    http: reqwest::Client,
    url: String,
    token_file: PathBuf,
    token: Mutex<HeaderValue>,
}

/// What came of posting.
#[derive(Debug)]
pub(super) enum Answer {
    /// The server has it.
    Taken,
    /// The server won't have it.
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Why, in the server's words.
        detail: String,
    },
    /// The server could not be reached, or can't take it now.
    TryAgain {
        /// Not before this is over, if the server says so.
        after: Option<Duration>,
        /// Why.
        detail: String,
    },
}

/// A problem (RFC 9457), where a refusal holds one.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: String,
}

impl Endpoint {
    /// What is posted to at this path of the server.
    ///
    /// # Errors
    /// A file can't be read or holds something else, or TLS can't be set up.
    pub(crate) fn new(access: &Access, path: &str) -> anyhow::Result<Self> {
        let Access { address, token_file, ca_file } = access;
        let token = read_token(token_file)?;
        file_access::warn_of_secret(token_file);
        if address.is_exposed() {
            tracing::warn!(
                server = %address,
                "the token and all that is posted go there without encryption; use https, or a tunnel"
            );
        }
        let builder = reqwest::Client::builder()
            .user_agent(concat!("dnsbl/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT);
        let (mut builder, base) = address.locate(builder);
        if let Some(file) = ca_file {
            ensure!(address.is_encrypted(), "--ca-file is for a server that is reached by https");
            builder = builder.tls_certs_merge(read_certificates(file)?);
        }
        let url = format!("{base}{path}");
        let http = builder.build().context("cannot set up TLS")?;
        Ok(Self { http, url, token_file: token_file.clone(), token: Mutex::new(token) })
    }

    /// Posts something. Where the token is refused and its file holds another one by now, that is tried.
    pub(super) async fn post(&self, body: &impl Serialize) -> Answer {
        let token = self.token();
        let answer = self.send(body, token.clone()).await;
        if !matches!(answer, Answer::Refused { status: StatusCode::UNAUTHORIZED, .. }) {
            return answer;
        }
        match read_token(&self.token_file) {
            Ok(new) if new != token => {
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = new.clone();
                self.send(body, new).await
            }
            _ => answer,
        }
    }

    fn token(&self) -> HeaderValue {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn send(&self, body: &impl Serialize, token: HeaderValue) -> Answer {
        match self.http.post(&self.url).header(AUTHORIZATION, token).json(body).send().await {
            Ok(response) => understand(response).await,
            Err(err) => Answer::TryAgain { after: None, detail: cause(&err.without_url()) },
        }
    }
}

async fn understand(response: Response) -> Answer {
    let status = response.status();
    if status.is_success() {
        return Answer::Taken;
    }
    let is_passing = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    let detail = detail(status, &start_of(response).await);
    match is_passing {
        true => Answer::TryAgain { after, detail },
        false => Answer::Refused { status, detail },
    }
}

/// As much of the body as is looked at; what breaks ends it.
async fn start_of(mut response: Response) -> Vec<u8> {
    let mut start = Vec::new();
    while start.len() < MAX_PROBLEM
        && let Ok(Some(chunk)) = response.chunk().await
    {
        start.extend_from_slice(&chunk[..chunk.len().min(MAX_PROBLEM - start.len())]);
    }
    start
}

/// What a refusal says.
fn detail(status: StatusCode, body: &[u8]) -> String {
    let Problem { title, detail } = serde_json::from_slice(body).unwrap_or_default();
    let reason = status.canonical_reason().unwrap_or_default().to_owned();
    let told = [detail, title, reason].into_iter().find(|text| !text.is_empty());
    let told = format!("{} {}", status.as_str(), told.unwrap_or_default());
    told.trim_end().chars().take(MAX_DETAIL).collect()
}

/// The innermost reason of a failure; the others only say that there is one.
fn cause(err: &reqwest::Error) -> String {
    if err.is_timeout() {
        return "it does not answer in time".into();
    }
    let mut cause: &dyn Error = err;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string().chars().take(MAX_DETAIL).collect()
}

/// Reads the token into the header that carries it; no message shows it.
fn read_token(file: &Path) -> anyhow::Result<HeaderValue> {
    let shown = file.display();
    let token = fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let token = token.trim();
    let is_plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(is_plain, "{shown} does not hold a token");
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn read_certificates(file: &Path) -> anyhow::Result<Vec<Certificate>> {
    let shown = file.display();
    let pem = fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    let certificates = Certificate::from_pem_bundle(&pem).ok().filter(|found| !found.is_empty());
    certificates.with_context(|| format!("{shown} does not hold certificates (PEM)"))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::detail;

    #[test]
    fn a_refusal_is_told_in_the_servers_words_where_it_has_some() {
        let told = |body: &str| detail(StatusCode::FORBIDDEN, body.as_bytes());
        assert_eq!(
            told(r#"{"title":"scope","detail":"logins:write is missing"}"#),
            "403 logins:write is missing"
        );
        assert_eq!(told(r#"{"title":"no such zone"}"#), "403 no such zone");
        assert_eq!(told("<html>"), "403 Forbidden");
        assert_eq!(told(&format!(r#"{{"detail":"{}"}}"#, "x".repeat(1000))).len(), 300);
    }
}
