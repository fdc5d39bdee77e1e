//! The daemon: DNS and HTTP faces over one store.
//!
//! [`run`] binds the sockets, answers SERVFAIL while the store is read into the index, then serves
//! until it is told to stop, and drains. The way of a query is in `dns/`, the way of a change is
//! `admin-api` → `dnsbl-store` → `dnsbl-index`.

pub mod commands;
mod config;
mod dns;
mod feeds;
mod host;
mod logins;
mod maintenance;
mod metrics;
mod protection;
mod relay_tester;
mod reload;
mod server;

pub use config::{ChangeLog, Config, ConfigError, Cookies, Dns, Http, LargeUdp, Log, RateLimit};
#[doc(hidden)]
pub use dns::Paths;
pub use dns::answer_fast;
pub use server::run;
