//! Allow entries.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An allow entry to be made: the subject, and all that it covers, is not listed, whatever is said of it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowEntryBody {
    /// Why: 1 to 500 characters.
    #[schema(example = "our own mail servers")]
    pub reason: String,
    /// Who answers for it: 1 to 100 characters. Default the token's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "postmaster@example.org")]
    pub owner: Option<String>,
    /// From when on it does not hold any more (RFC 3339). Default never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The same, in seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// An allow entry.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct AllowEntry {
    /// What is not listed.
    pub subject: String,
    /// The zone that it holds for; null: all of them.
    pub zone: Option<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// From when on it does not hold any more; null: never.
    pub expires_at: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// Its entity tag.
    pub etag: String,
}

/// Some allow entries.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct AllowEntryPage {
    /// Those of all zones first, then those of each zone.
    pub entries: Vec<AllowEntry>,
    /// What to pass as `cursor` for the next page; null: there is none.
    pub next: Option<String>,
}
