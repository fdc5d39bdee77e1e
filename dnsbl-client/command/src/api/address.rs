//! Where the server listens.

use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr};

use anyhow::{Context, bail, ensure};
use reqwest::{ClientBuilder, Url};

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// An `http` or `https` URL that paths are appended to, without a slash at its end.
    Url(String),
    /// A Unix socket.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            ensure!(!path.is_empty(), "unix: lacks a path");
            return Ok(Self::Unix(path.into()));
        }
        let url = Url::parse(text).context("not an http or https URL, nor unix:/path")?;
        let is_secret = !url.username().is_empty() || url.password().is_some();
        ensure!(!is_secret, "the URL must not hold a user name or password");
        ensure!(
            url.query().is_none() && url.fragment().is_none(),
            "the URL must end with its path"
        );
        match url.scheme() {
            "http" | "https" => Ok(Self::Url(url.as_str().trim_end_matches('/').to_owned())),
            other => bail!("the server is reached by http, https or unix:/path, not {other}:"),
        }
    }
}

impl Address {
    /// Whether the connection is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self, Self::Url(url) if url.starts_with("https:"))
    }

    /// Whether what is sent leaves this machine as it is.
    pub(super) fn is_exposed(&self) -> bool {
        let Self::Url(url) = self else { return false };
        let url = Url::parse(url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_here = address.map_or(host == "localhost", |address| address.is_loopback());
        !is_here && !self.is_encrypted()
    }

    /// Prepares the way there, and tells what paths are appended to.
    pub(super) fn locate(&self, builder: ClientBuilder) -> (ClientBuilder, &str) {
        match self {
            Self::Unix(path) => {
                (builder.unix_socket(path.clone()).tls_certs_only([]), "http://localhost")
            }
            Self::Url(url) if self.is_encrypted() => (builder.https_only(true), url.as_str()),
            // A proxy would see the token, and needs no certificates of authorities here.
            Self::Url(url) => (builder.no_proxy().tls_certs_only([]), url.as_str()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(url),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_server_is_a_url_or_a_socket() {
        for (text, shown, is_exposed) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", false),
            ("http://[::1]:8080/", "http://[::1]:8080", false),
            ("http://localhost", "http://localhost", false),
            ("http://dnsbl.example.org/", "http://dnsbl.example.org", true),
            ("https://dnsbl.example.org/api/", "https://dnsbl.example.org/api", false),
            ("unix:/run/dnsbl/http.sock", "unix:/run/dnsbl/http.sock", false),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.is_exposed()), (shown, is_exposed));
        }
        for text in ["", "unix:", "127.0.0.1:8080", "ftp://example.org", "http://e.example/?a=b"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        let err = "http://user:hunter2@example.org".parse::<Address>().unwrap_err();
        assert!(!format!("{err:#}").contains("hunter2"));
    }
}
