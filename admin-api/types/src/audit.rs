//! Audit records.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of audit records, newest first.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct AuditPage {
    /// About `limit`; those of one change stay together.
    pub records: Vec<AuditRecord>,
    /// What to send as `before` for the next page; null on the last.
    pub next: Option<u64>,
}

/// A record of who did what, when and from where.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct AuditRecord {
    /// The change.
    pub seq: u64,
    /// When.
    pub at: String,
    /// The name of the token, or the part of the server.
    pub actor: String,
    /// The token's public id; null for the server, and for changes of older releases.
    pub token_id: Option<String>,
    /// The client's address.
    pub remote: Option<String>,
    /// What was done, as `op` in the change feed.
    pub action: String,
    /// To which zone.
    pub zone: Option<String>,
    /// To which subject, token, relay test or other document.
    pub subject: Option<String>,
    /// For which source.
    pub source: Option<String>,
}
