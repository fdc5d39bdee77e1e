//! HTTP servers of others, as this server asks them: the address that is checked is the one that is connected to.
//!
//! ```text
//! connector.rs (name ─► addresses ─► those that may be reached ─► TCP, TLS) ─► exchange.rs (one request, one response)
//! ```
//!
//! Nothing is followed, retried or remembered here: that is the business of whoever asks.

mod address;
mod connector;
mod exchange;
mod special;

pub use address::{credentials, host_header, host_of, shown, target};
pub use connector::{ConnectError, Connector, Stream};
pub use exchange::{Connection, USER_AGENT, exchange};
pub use special::is_special;
