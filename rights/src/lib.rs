//! What the holders of tokens may do, and the changes that they make: what the HTTP API and the console have in common.
//!
//! A face asks [`Tokens`] whose secret it was shown, and gets a [`Holder`]. What that one may do is decided in [`rights`] and
//! nowhere else, which makes a value of what it permits: a [`PermittedZone`](rights::PermittedZone) to read from, a
//! [`Permitted`](rights::Permitted) change to hand to [`Tokens::submit`]. Why something is not permitted is told by
//! [`NotPermitted`]; each face puts that into its own form.

mod error;
mod failed_tries;
mod holder;
pub mod rights;
pub mod scopes;
pub mod sources;
mod token_cache;
mod token_meter;
mod tokens;

pub use error::{NotAuthenticated, NotPermitted, Stopping, TooManyAMinute, UndoError};
pub use failed_tries::Try;
pub use holder::Holder;
pub use token_cache::KnownToken;
pub use token_meter::TokenMeters;
pub use tokens::{SecretDigest, Tokens};
