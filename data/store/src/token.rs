//! API tokens: `dnsbl_<id>_<secret>`. The store keeps a digest of the secret only.

use std::fmt;

use dnsbl_types::UnixTime;
use rocksdb::ReadOptions;
use serde::{Deserialize, Serialize};

use crate::{Reader, StoreError, codec, schema};

/// A token as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The public part.
    pub id: String,
    /// What the operator calls it; also the default source of its listings.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
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

    /// Makes a token from random bytes.
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
        Self { record: TokenRecord { id, name, scopes, created_at, expires_at, digest }, text }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl TokenRecord {
    /// Whether it has not expired.
    pub fn is_live(&self, now: UnixTime) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        codec::encode(&TokenValue {
            name: self.name.clone(),
            scopes: self.scopes.clone(),
            created_at: self.created_at.0,
            expires_at: self.expires_at.map(|at| at.0),
            digest: self.digest,
        })
    }

    fn decode(id: &[u8], bytes: &[u8]) -> Result<Self, StoreError> {
        let value: TokenValue = codec::decode("token", bytes)?;
        Ok(Self {
            id: String::from_utf8_lossy(id).into_owned(),
            name: value.name,
            scopes: value.scopes,
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
    created_at: u64,
    expires_at: Option<u64>,
    digest: [u8; 32],
}

impl Reader<'_> {
    /// The live token with this text.
    pub fn authenticate(&self, text: &str) -> Result<Option<TokenRecord>, StoreError> {
        let parts = text.strip_prefix("dnsbl_").and_then(|rest| rest.split_once('_'));
        let Some((id, secret)) = parts else {
            return Ok(None);
        };
        let Some(record) = self.token(id)? else {
            return Ok(None);
        };
        // Comparing hashes takes the same time wherever they differ.
        let same = blake3::hash(secret.as_bytes()) == blake3::Hash::from_bytes(record.digest);
        Ok(Some(record).filter(|record| same && record.is_live(self.now)))
    }

    /// The token with this id.
    pub fn token(&self, id: &str) -> Result<Option<TokenRecord>, StoreError> {
        let value = self.view.find(schema::TOKENS, id.as_bytes())?;
        value.map(|bytes| TokenRecord::decode(id.as_bytes(), &bytes)).transpose()
    }

    /// All tokens.
    pub fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        let mut tokens = Vec::new();
        let mut iter = self.view.iter(schema::TOKENS, ReadOptions::default());
        iter.seek_to_first();
        while let Some((key, value)) = iter.item() {
            tokens.push(TokenRecord::decode(key, value)?);
            iter.next();
        }
        iter.status()?;
        Ok(tokens)
    }
}
