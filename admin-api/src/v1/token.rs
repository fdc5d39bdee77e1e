//! Tokens.

use dnsbl_store::TokenRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time;

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenBody)]
pub(crate) struct TokenIn {
    /// What it is called; also the default source of its listings.
    pub(crate) name: String,
    /// What it may do; none that the token in use does not have itself.
    #[schema(example = json!(["listings:read", "listings:write"]))]
    pub(crate) scopes: Vec<String>,
    /// The sources that it writes and deletes as beside its own name; none that the token in use does not
    /// speak for. Others need the scope `sources:all`.
    #[serde(default)]
    #[schema(example = json!(["ipsum", "drop"]))]
    pub(crate) sources: Vec<String>,
    /// From when on it counts no more (RFC 3339); at the latest when the token in use does.
    pub(crate) expires_at: Option<String>,
    /// The same, in seconds from now.
    pub(crate) expires_in: Option<u64>,
}

/// A token; its secret is not kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(crate) struct TokenOut {
    /// Its public part.
    id: String,
    /// What it is called.
    name: String,
    /// What it may do.
    scopes: Vec<String>,
    /// The sources that it writes and deletes as beside its own name.
    sources: Vec<String>,
    /// The token that it was made with, and goes with; null: none.
    parent: Option<String>,
    /// When it was made.
    created_at: String,
    /// From when on it counts no more; null: never.
    expires_at: Option<String>,
    /// The token itself; only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
}

/// All tokens.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub(crate) struct TokensOut {
    /// In no particular order; expired ones too.
    pub(crate) tokens: Vec<TokenOut>,
}

impl From<&TokenRecord> for TokenOut {
    fn from(record: &TokenRecord) -> Self {
        Self {
            id: record.id.clone(),
            name: record.name.clone(),
            scopes: record.scopes.clone(),
            sources: record.sources.clone(),
            parent: record.parent.clone(),
            created_at: time::write(record.created_at),
            expires_at: record.expires_at.map(time::write),
            token: None,
        }
    }
}
