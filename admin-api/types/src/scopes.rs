//! The scopes of tokens.

/// The names of what a token may be allowed to do.
pub const SCOPES: &[&str] = &[
    "zones:read",
    "zones:write",
    "listings:read",
    "listings:write",
    "imports:write",
    "sources:all",
    "changes:read",
    "audit:read",
    "tokens:admin",
    "metrics:read",
    "guards:override",
    "relay-tests:read",
    "relay-tests:write",
    "relay-tests:owner",
    "relay-tests:trusted",
    "relay-opt-outs:write",
    "logins:write",
    "grants:read",
    "grants:write",
    "subscribers:read",
    "feeds:read",
    "feeds:write",
];
