//! The HTTP face of the block list: zones, listings, imports, exports, the change feed, tokens.
//!
//! [`router()`] is the API's index. Handlers read the store through one state at a time and change it
//! through its one writer, so an answered write is durable and visible. The bodies are those of
//! [`admin_api_types`], which `v1` reads and writes; every error leaves as one envelope, made in `error`.

mod allow;
mod anonymous;
mod app;
mod auth;
mod carrying;
mod description;
mod error;
mod export;
mod extract;
mod feed_importer;
mod host;
mod idempotency;
mod import;
mod layers;
mod limits;
mod precondition;
mod problem_pages;
mod random;
mod report_rows;
mod router;
mod routes;
mod serve;
mod slots;
mod standing;
mod status;
mod throttle;
mod top;
mod unpack;
mod url_tokens;
mod v1;
mod warning;
mod webhook_writer;

use dnsbl_rights::{rights, scopes};

pub use admin_api_types::{MaxPrefix, SCOPES, TokenTermsBody};
pub use app::Api;
pub use dnsbl_rights::sources::{token_name, token_sources};
pub use feed_importer::FeedImporter;
pub use idempotency::{MOST_REMEMBERED, REMEMBERED_FOR};
#[doc(hidden)]
pub use import::count_rows;
pub use limits::{Limits, LiveLimits};
pub use router::router;
pub use serve::serve;
pub use status::{Readiness, ReloadError, Reloaded, Reloading, ServerStatus};
pub use top::{Top, TopBy, TopEntry, TopQuestion, TopWindow};
pub use v1::token::AskedToken;
pub use webhook_writer::WebhookWriter;
