//! Tokens.

use admin_api_types::Token;
use dnsbl_store::TokenRecord;

use super::time;

/// A token as it is shown, without its secret.
pub(crate) fn write(record: &TokenRecord) -> Token {
    Token {
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
