//! The HTTP API as a client sees it.

use std::{fmt::Write as _, net::SocketAddr, time::Duration};

use reqwest::{
    Method,
    blocking::{Body, Client, RequestBuilder, Response},
    header::HeaderMap,
    redirect::Policy,
};
use serde_json::Value;

/// How long one request may take; an import takes longest.
const LIMIT: Duration = Duration::from_secs(120);

/// A caller of the API with one token. It is led nowhere: what a reply says is what the test sees.
#[derive(Clone)]
pub struct Admin {
    base: String,
    token: String,
    client: Client,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct HttpReply {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Admin {
    /// Calls the API at this address with this token.
    pub fn new(http: SocketAddr, token: impl Into<String>) -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(LIMIT).build();
        Self {
            base: format!("http://{http}"),
            token: token.into(),
            client: client.expect("an HTTP client without options"),
        }
    }

    /// The same API with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The token that it sends.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The URL of the server.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// A request with the token, to be added to.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(&self.token)
    }

    /// A request without the token.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> HttpReply {
        HttpReply::of(self.request(Method::GET, path))
    }

    /// PUT of JSON.
    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> HttpReply {
        HttpReply::of(self.request(Method::PUT, path).json(body))
    }

    /// POST of JSON.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> HttpReply {
        HttpReply::of(self.request(Method::POST, path).json(body))
    }

    /// POST of any bytes.
    #[track_caller]
    pub fn post_bytes(&self, path: &str, body: impl Into<Body>) -> HttpReply {
        HttpReply::of(self.request(Method::POST, path).body(body))
    }

    /// DELETE.
    #[track_caller]
    pub fn delete(&self, path: &str) -> HttpReply {
        HttpReply::of(self.request(Method::DELETE, path))
    }
}

impl HttpReply {
    /// Sends a request; panics when no complete reply comes.
    #[track_caller]
    pub fn of(request: RequestBuilder) -> Self {
        Self::try_of(request).expect("the server replies")
    }

    /// Sends a request that may fail, such as one to a server that is being killed.
    pub fn try_of(request: RequestBuilder) -> reqwest::Result<Self> {
        let response: Response = request.send()?;
        Ok(Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text()?,
        })
    }

    /// Panics unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Panics unless it is an error with this status that explains itself (RFC 9457).
    #[track_caller]
    pub fn expect_problem(self, status: u16) -> Value {
        let reply = self.expect(status);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let problem = reply.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["title"].is_string(), "{problem}");
        problem
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let json = serde_json::from_str(&self.text);
        json.unwrap_or_else(|err| panic!("{err} in {}", self.text))
    }

    /// The body as JSON lines.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line);
        let lines: Result<_, _> = self.text.lines().map(parse).collect();
        lines.unwrap_or_else(|err| panic!("{err} in {}", self.text))
    }

    /// A header field; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The sequence number of the change that a mutation made.
    #[track_caller]
    pub fn seq(&self) -> u64 {
        let seq = self.header("dnsbl-seq");
        seq.parse().unwrap_or_else(|_| panic!("DNSBL-Seq: {seq:?}"))
    }
}

/// A text as one segment of a path: all but unreserved characters percent-encoded (RFC 3986 section 2).
pub fn segment(text: &str) -> String {
    text.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(byte.into());
        } else {
            write!(path, "%{byte:02X}").expect("a string takes all");
        }
        path
    })
}
