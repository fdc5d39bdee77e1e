//! What a request may cost.

use std::{sync::Arc, time::Duration};

use arc_swap::{ArcSwap, Guard};
use ipnet::IpNet;

/// The most that requests may cost, and what they may do without a token.
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

/// The limits that hold now; others may take their place while the API is served. How many connections, imports, searches
/// and waits there are at once, and what holds for a connection, stays as it was at the start.
#[derive(Debug)]
pub struct LiveLimits(ArcSwap<Limits>);

impl LiveLimits {
    /// The limits as they are.
    pub fn load(&self) -> Guard<Arc<Limits>> {
        self.0.load()
    }

    /// The same, to be kept for longer.
    pub(crate) fn load_full(&self) -> Arc<Limits> {
        self.0.load_full()
    }

    /// Has requests that come from now on keep to these.
    pub fn replace(&self, limits: Limits) {
        self.0.store(Arc::new(limits));
    }
}

impl From<Limits> for LiveLimits {
    fn from(limits: Limits) -> Self {
        Self(ArcSwap::from_pointee(limits))
    }
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
