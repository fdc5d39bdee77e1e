//! Tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token to be made.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// What it is called; also the default source of its listings.
    pub name: String,
    /// A ready-made set of scopes: `operator`, `reviewer`, `submitter` or `reader`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What it may do, beside what the role may; none that the token in use does not have itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["listings:read", "listings:write"]))]
    pub scopes: Vec<String>,
    /// The sources that it writes and deletes as beside its own name; none that the token in use does not
    /// speak for. Others need the scope `sources:all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["ipsum", "drop"]))]
    pub sources: Vec<String>,
    /// The zones that it may see and change, at most 64; they need not exist yet. Default those of the token in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["bl.example.org"]))]
    pub zones: Vec<String>,
    /// The largest prefixes whose listings it may change. Default those of the token in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_prefix: Option<MaxPrefix>,
    /// The addresses and prefixes that it may be used from, at most 64. Default those of the token in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["192.0.2.0/24"]))]
    pub networks: Vec<String>,
    /// How many requests it may make in a minute. Default what the token in use may.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub requests_per_minute: Option<u32>,
    /// From when on it counts no more (RFC 3339); at the latest when the token in use does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The same, in seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// What a token may do, and for how long. What is left out gets its default.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenTermsBody {
    /// A ready-made set of scopes: `operator`, `reviewer`, `submitter` or `reader`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What it may do, beside what the role may; none that the token in use does not have itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["listings:read", "listings:write"]))]
    pub scopes: Vec<String>,
    /// The sources that it writes and deletes as beside its own name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["ipsum", "drop"]))]
    pub sources: Vec<String>,
    /// The zones that it may see and change, at most 64. Default those of the token in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["bl.example.org"]))]
    pub zones: Vec<String>,
    /// The largest prefixes whose listings it may change. Default those of the token in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_prefix: Option<MaxPrefix>,
    /// The addresses and prefixes that it may be used from, at most 64. Default those of the token in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["192.0.2.0/24"]))]
    pub networks: Vec<String>,
    /// How many requests it may make in a minute. Default what the token in use may.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub requests_per_minute: Option<u32>,
    /// From when on it counts no more (RFC 3339); at the latest when the token in use does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The same, in seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

impl TokenBody {
    /// The name, and the terms.
    pub fn into_terms(self) -> (String, TokenTermsBody) {
        let Self {
            name,
            role,
            scopes,
            sources,
            zones,
            max_prefix,
            networks,
            requests_per_minute,
            expires_at,
            expires_in,
        } = self;
        let terms = TokenTermsBody {
            role,
            scopes,
            sources,
            zones,
            max_prefix,
            networks,
            requests_per_minute,
            expires_at,
            expires_in,
        };
        (name, terms)
    }
}

/// The largest prefixes, by their lengths. A family that is left out gets single addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxPrefix {
    /// The shortest length for IPv4, 0 to 32.
    #[serde(default = "ipv4_address")]
    #[schema(example = 24, maximum = 32)]
    pub ipv4: u8,
    /// The shortest length for IPv6, 0 to 128.
    #[serde(default = "ipv6_address")]
    #[schema(example = 48, maximum = 128)]
    pub ipv6: u8,
}

impl MaxPrefix {
    /// The length of an IPv4 address.
    pub const IPV4_ADDRESS: u8 = 32;
    /// The length of an IPv6 address.
    pub const IPV6_ADDRESS: u8 = 128;
}

fn ipv4_address() -> u8 {
    MaxPrefix::IPV4_ADDRESS
}

fn ipv6_address() -> u8 {
    MaxPrefix::IPV6_ADDRESS
}

/// How a token gets another secret.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RotateTokenBody {
    /// For how many seconds the secrets that it has count yet, at most 2592000 (30 days). Default 0: they end at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 2_592_000)]
    pub overlap: Option<u64>,
}

/// A token; of its secrets digests are kept, which nobody is shown.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct Token {
    /// Its public part.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The role whose scopes these are; null: none has just these.
    pub role: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The sources that it writes and deletes as beside its own name.
    pub sources: Vec<String>,
    /// What else limits it.
    #[serde(flatten)]
    pub terms: TokenTerms,
    /// The token that it was made with, and goes with; null: none. It has nothing that this one lacks.
    pub parent: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// From when on it counts no more; null: never.
    pub expires_at: Option<String>,
    /// The secrets that count, the newest first.
    pub secrets: Vec<TokenSecret>,
    /// When it was last used, to some seconds; an end without warning may lose up to a minute. Null: never, or before that
    /// was kept.
    pub last_used_at: Option<String>,
    /// From which address; null: over a Unix socket, or never.
    pub last_used_from: Option<String>,
    /// The token itself; only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// The limits of a token beside its scopes and sources.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct TokenTerms {
    /// The zones that it may see and change; none: all.
    pub zones: Vec<String>,
    /// The largest prefixes whose listings it may change; null: any.
    pub max_prefix: Option<MaxPrefix>,
    /// The networks that it may be used from; none: all.
    pub networks: Vec<String>,
    /// How many requests it may make in a minute; null: any.
    pub requests_per_minute: Option<u32>,
}

/// A secret of a token, as far as it is shown.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct TokenSecret {
    /// When it was made.
    pub created_at: String,
    /// From when on it counts no more, since another has taken its place; null: it is the newest.
    pub until: Option<String>,
}

/// All tokens.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct Tokens {
    /// In no particular order; expired ones too.
    pub tokens: Vec<Token>,
}
