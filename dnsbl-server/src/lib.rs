//! The daemon: DNS and HTTP faces over one store.
//!
//! [`run`] binds the sockets, answers SERVFAIL while the store is read into the index, then serves
//! until it is told to stop, and drains. The way of a query is in `dns/`, the way of a change is
//! `admin-api` → `dnsbl-store` → `dnsbl-index`.

pub mod backup;
pub mod check_rbldnsd;
pub mod commands;
mod config;
mod dns;
mod feeds;
mod figures;
mod host;
mod limits;
mod logins;
mod maintenance;
mod metrics;
mod protection;
mod query_log;
mod relay_tester;
mod reload;
mod removals;
mod reports;
mod server;
mod space_saving;
mod tls;
mod top;
mod usage;
mod webhooks;

pub use config::{
    ChangeLog, Config, ConfigError, Cookies, Dns, Http, LargeUdp, Log, LoggedAddresses, QueryLog,
    RateLimit, Web,
};
#[doc(hidden)]
pub use dns::Paths;
pub use dns::answer_fast;
pub use server::run;
