//! API tokens: `dnsbl_<id>_<secret>`. The store keeps a digest of the secret only.

use std::fmt;

use dnsbl_types::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{StoreError, format::codec};

/// A token as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The public part.
    pub id: String,
    /// What the operator calls it; also the default source of its listings.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The sources that it writes as beside its own name.
    pub sources: Vec<String>,
    /// The token that it was made with; that one's end is its own.
    pub parent: Option<String>,
    /// When it was made.
    pub created_at: UnixTime,
    /// From when on it counts no more.
    pub expires_at: Option<UnixTime>,
    digest: [u8; 32],
}

/// A token at the one moment when its secret is known.
pub struct MintedToken {
    /// What the store keeps.
    pub record: TokenRecord,
    /// What the holder keeps.
    pub text: TokenText,
}

/// The secret text of a token. It shows itself only when asked to.
pub struct TokenText(String);

impl TokenText {
    /// The text, to hand it to its holder.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(…)")
    }
}

impl MintedToken {
    /// How many random bytes a token needs.
    pub const RANDOM: usize = 40;

    /// Makes a token from random bytes. It writes as its own name, and comes from no other token.
    pub fn mint(
        random: [u8; Self::RANDOM],
        name: String,
        scopes: Vec<String>,
        created_at: UnixTime,
        expires_at: Option<UnixTime>,
    ) -> Self {
        let (id, secret) = random.split_at(8);
        let (id, secret) = (hex(id), hex(secret));
        let digest = blake3::hash(secret.as_bytes()).into();
        let text = TokenText(format!("dnsbl_{id}_{secret}"));
        let (sources, parent) = (Vec::new(), None);
        let record =
            TokenRecord { id, name, scopes, sources, parent, created_at, expires_at, digest };
        Self { record, text }
    }
}

impl TokenRecord {
    /// The same token with another secret; the old one counts no more once this is stored.
    pub fn renewed(self, random: [u8; MintedToken::RANDOM]) -> MintedToken {
        let secret = hex(&random[8..]);
        let digest = blake3::hash(secret.as_bytes()).into();
        let text = TokenText(format!("dnsbl_{}_{secret}", self.id));
        MintedToken { record: Self { digest, ..self }, text }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl TokenRecord {
    /// Whether it has a scope.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|has| has == scope)
    }

    /// Whether it has not expired.
    pub fn is_live(&self, now: UnixTime) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    /// Whether this is its secret.
    pub(crate) fn has_secret(&self, secret: &str) -> bool {
        // Comparing hashes takes the same time wherever they differ.
        blake3::hash(secret.as_bytes()) == blake3::Hash::from_bytes(self.digest)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let value = TokenValue {
            name: self.name.clone(),
            scopes: self.scopes.clone(),
            sources: self.sources.clone(),
            parent: self.parent.clone(),
            created_at: self.created_at.0,
            expires_at: self.expires_at.map(|at| at.0),
            digest: self.digest,
        };
        codec::encode_as(codec::V2, &value)
    }

    pub(crate) fn decode(id: &[u8], bytes: &[u8]) -> Result<Self, StoreError> {
        let value: TokenValue = match codec::is_first(bytes) {
            true => codec::decode::<FirstTokenValue>("token", bytes)?.into(),
            false => codec::decode_as(codec::V2, "token", bytes)?,
        };
        Ok(Self {
            id: String::from_utf8_lossy(id).into_owned(),
            name: value.name,
            scopes: value.scopes,
            sources: value.sources,
            parent: value.parent,
            created_at: UnixTime(value.created_at),
            expires_at: value.expires_at.map(UnixTime),
            digest: value.digest,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct TokenValue {
    name: String,
    scopes: Vec<String>,
    sources: Vec<String>,
    parent: Option<String>,
    created_at: u64,
    expires_at: Option<u64>,
    digest: [u8; 32],
}

/// A token as it was written before it had sources and a parent.
#[derive(Serialize, Deserialize)]
struct FirstTokenValue {
    name: String,
    scopes: Vec<String>,
    created_at: u64,
    expires_at: Option<u64>,
    digest: [u8; 32],
}

impl From<FirstTokenValue> for TokenValue {
    fn from(value: FirstTokenValue) -> Self {
        let FirstTokenValue { name, scopes, created_at, expires_at, digest } = value;
        let (sources, parent) = (Vec::new(), None);
        Self { name, scopes, sources, parent, created_at, expires_at, digest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_the_release_before_writes_as_its_own_name_only() {
        let old = FirstTokenValue {
            name: "feed".into(),
            scopes: vec!["listings:write".into()],
            created_at: 1,
            expires_at: Some(9),
            digest: [7; 32],
        };
        let token = TokenRecord::decode(b"0102", &codec::encode(&old)).unwrap();
        assert_eq!((token.id.as_str(), token.name.as_str()), ("0102", "feed"));
        assert_eq!((token.sources.len(), token.parent.as_deref()), (0, None));
        assert_eq!((token.expires_at, token.digest), (Some(UnixTime(9)), [7; 32]));
        assert_eq!(TokenRecord::decode(b"0102", &token.encode()).unwrap(), token);
    }
}
