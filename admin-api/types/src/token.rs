//! Tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token to be made.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// What it is called; also the default source of its listings.
    pub name: String,
    /// What it may do; none that the token in use does not have itself.
    #[schema(example = json!(["listings:read", "listings:write"]))]
    pub scopes: Vec<String>,
    /// The sources that it writes and deletes as beside its own name; none that the token in use does not
    /// speak for. Others need the scope `sources:all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["ipsum", "drop"]))]
    pub sources: Vec<String>,
    /// From when on it counts no more (RFC 3339); at the latest when the token in use does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The same, in seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// A token; its secret is not kept.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct Token {
    /// Its public part.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The sources that it writes and deletes as beside its own name.
    pub sources: Vec<String>,
    /// The token that it was made with, and goes with; null: none.
    pub parent: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// From when on it counts no more; null: never.
    pub expires_at: Option<String>,
    /// The token itself; only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// All tokens.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct Tokens {
    /// In no particular order; expired ones too.
    pub tokens: Vec<Token>,
}
