//! The HTTP face of the block list: zones, listings, imports, exports, the change feed, tokens.
//!
//! [`router()`] is the API's index. Handlers read the store through one state at a time and change it
//! through its one writer, so an answered write is durable and visible. Serde lives in `v1`, and
//! every error leaves as one envelope, made in `error`.

mod app;
mod auth;
mod error;
mod export;
mod extract;
mod host;
mod import;
mod known;
mod layers;
mod precondition;
mod router;
mod routes;
mod serve;
mod slots;
mod sources;
mod standing;
mod stranger;
mod throttle;
mod v1;

use std::{sync::Arc, time::Duration};

use dnsbl_index::Index;
use dnsbl_store::Store;
use ipnet::IpNet;
use relay_tester::service::Tester;
use tokio::sync::watch;

pub use auth::SCOPES;
#[doc(hidden)]
pub use import::count_rows;
pub use router::router;
pub use serve::serve;
pub use sources::{token_name, token_sources};

/// What the API is served from.
pub struct Api {
    /// Where everything is kept. While it is served tokens are changed through one [`router()`] or
    /// [`serve()`](crate::serve()) only: each remembers which ones are good.
    pub store: Store,
    /// What DNS answers from.
    pub index: Arc<Index>,
    /// The last change that is visible.
    pub head: watch::Receiver<u64>,
    /// The server around it.
    pub host: Arc<dyn Host>,
    /// What a request may cost.
    pub limits: Limits,
    /// The tester of open relays, if this server has one.
    pub tester: Option<Arc<Tester>>,
}

/// What the API asks of the server around it.
pub trait Host: Send + Sync + 'static {
    /// Whether the server does all that it is there for.
    fn readiness(&self) -> Readiness;
    /// All metrics as Prometheus text.
    fn metrics_text(&self) -> String;
    /// Counts an answered request.
    fn count_request(&self, route: &str, code: u16);
    /// Counts a request that was refused for what its sender did, by the token's name; empty without one.
    fn count_refusal(&self, _token: &str, _code: u16) {}
    /// Why no time span can be kept now, and for how many seconds, where the clock is in doubt.
    fn clock_doubt(&self) -> Option<(String, u64)> {
        None
    }
}

/// Whether the server does all that it is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// It does.
    pub ready: bool,
    /// Why it does not, in words that may be shown to anybody.
    pub reason: Option<String>,
    /// What exactly failed.
    pub detail: Option<String>,
}

/// What a request may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest JSON body, in bytes.
    pub body_bytes: usize,
    /// How long a JSON body may take to arrive.
    pub body_timeout: Duration,
    /// The largest import after decompression, in bytes.
    pub import_bytes: u64,
    /// How long an import or an export may stand still.
    pub import_stall: Duration,
    /// How many imports run at once.
    pub max_imports: usize,
    /// How many of these one token may have; at most all but one.
    pub max_imports_per_token: usize,
    /// How many searches and exports run at once.
    pub max_scans: usize,
    /// How many of these one token may have; at most all but one.
    pub max_scans_per_token: usize,
    /// How many requests wait for changes at once.
    pub max_waits: usize,
    /// How many of these one token may have; at most all but one.
    pub max_waits_per_token: usize,
    /// How long a search looks before it answers with what it has found.
    pub search_slice: Duration,
    /// How long any other request may take.
    pub request_timeout: Duration,
    /// How many connections are open at once.
    pub max_connections: usize,
    /// How many of one network, an IPv4 address or an IPv6 /64.
    pub max_per_network: usize,
    /// Proxies in front of the API: that limit does not hold for them, and their `X-Forwarded-For` tells
    /// who asks.
    pub proxies: Vec<IpNet>,
    /// How long a client may take nothing of an answer.
    pub write_stall: Duration,
    /// How old a connection gets before it is asked to end with the next answer.
    pub max_age: Duration,
    /// How long a request's head may take to arrive.
    pub header_timeout: Duration,
    /// The largest request head, in bytes; at least 8 KiB.
    pub header_bytes: usize,
    /// Metrics need no token.
    pub metrics_open: bool,
    /// The API's description needs no token.
    pub openapi_open: bool,
    /// Names, beside addresses and `localhost`, under which requests without a token may reach the server
    /// where some need none.
    pub hosts: Vec<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            body_timeout: Duration::from_secs(10),
            import_bytes: 8 << 30,
            import_stall: Duration::from_secs(30),
            max_imports: 4,
            max_imports_per_token: 2,
            max_scans: 12,
            max_scans_per_token: 6,
            max_waits: 256,
            max_waits_per_token: 64,
            search_slice: Duration::from_millis(300),
            request_timeout: Duration::from_secs(30),
            max_connections: 1024,
            max_per_network: 128,
            proxies: Vec::new(),
            write_stall: Duration::from_secs(30),
            max_age: Duration::from_secs(3600),
            header_timeout: Duration::from_secs(10),
            header_bytes: 16 << 10,
            metrics_open: false,
            openapi_open: false,
            hosts: Vec::new(),
        }
    }
}
