//! How the server is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether the server does all that it is there for.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Readiness {
    /// It does.
    pub ready: bool,
    /// Why it does not.
    pub reason: Option<String>,
    /// What exactly failed; null without a token.
    pub detail: Option<String>,
    /// The last change that is visible.
    pub head_seq: u64,
    /// The release.
    pub version: String,
    /// Since when it runs.
    pub started_at: String,
    /// For how many seconds it has run.
    pub uptime_seconds: u64,
}
