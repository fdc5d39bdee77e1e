//! The operator's console: what the API does, as pages.
//!
//! ```text
//! router.rs ─► gate.rs (from where, over what, which cookie) ─► session.rs ─► dnsbl-rights (what the token may do now)
//!     │ forms: did a page of ours send it, and is it one of this browser's?
//!     ▼
//! a page: asks for its scope ─► reads, or has a change permitted ─► dnsbl-rights, or a service with the token's name
//!     │ refused.rs: why not
//!     ▼
//! frame.rs
//! ```
//!
//! Whoever signs in shows a token once, over a form. Of it the session keeps the id and a digest; each request has the token
//! looked up again, so that who is revoked is out, and who may do less does less. There are no scripts; nothing is kept by
//! browsers, and no page of it is shown inside another one.

mod allow;
mod asked;
mod audit;
mod feeds;
mod fields;
mod frame;
mod gate;
mod listings;
mod overview;
mod refused;
mod relay_tests;
mod reports;
mod review;
mod router;
mod session;
mod sign_in;
mod sources;
mod subscribers;
mod tokens;
mod undo;

pub(crate) use router::{Desk, routes};
