//! API tokens: `dnsbl_<id>_<secret>`. The store keeps a digest of the secret only.

use std::{collections::BTreeMap, fmt};

use dnsbl_types::UnixTime;
use rocksdb::ReadOptions;
use serde::{Deserialize, Serialize};

use crate::{
    Actor, ChangeError, Done, Op, Outcome, Reader, StoreError, codec,
    group::Group,
    scan::{View, cf},
    schema,
};

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

    fn decode(id: &[u8], bytes: &[u8]) -> Result<Self, StoreError> {
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

impl Group<'_> {
    pub(crate) fn put_token(
        &mut self,
        actor: &Actor,
        token: TokenRecord,
    ) -> Result<Done, ChangeError> {
        let now = self.now;
        let tokens = self.tokens()?;
        let is_live = |id: &String| tokens.get(id).is_some_and(|token| token.is_live(now));
        if !token.parent.as_ref().is_none_or(is_live) {
            return Err(ChangeError::NoParent);
        }
        let same = |other: &&TokenRecord| {
            // Whoever reads an audit record takes `Admin` for `admin`.
            other.name.eq_ignore_ascii_case(&token.name) && other.id != token.id
        };
        if let Some(other) = tokens.values().filter(|other| other.is_live(now)).find(same) {
            return Err(ChangeError::TokenName { name: other.name.clone(), id: other.id.clone() });
        }
        tokens.insert(token.id.clone(), token.clone());
        self.writes.batch.put_cf(cf(self.writes.db, schema::TOKENS), &token.id, token.encode());
        let op = Op::PutToken {
            id: token.id,
            name: token.name,
            scopes: token.scopes,
            sources: token.sources,
            parent: token.parent,
        };
        Ok(Done { seq: self.append(actor, vec![op]), outcome: Outcome::Count(1) })
    }

    /// Revokes a token and all that came from it.
    pub(crate) fn delete_token(
        &mut self,
        actor: &Actor,
        id: &str,
        keep: Option<&'static str>,
    ) -> Result<Done, ChangeError> {
        let now = self.now;
        let tokens = self.tokens()?;
        if !tokens.contains_key(id) {
            return Err(ChangeError::NoToken);
        }
        let gone = descent(tokens, id);
        let mut left = tokens.values().filter(|token| !gone.contains(&token.id));
        let mut lost = gone.iter().filter_map(|id| tokens.get(id));
        if let Some(scope) = keep
            && lost.any(|token| token.is_live(now) && token.has(scope))
            && !left.any(|token| token.is_live(now) && token.has(scope))
        {
            return Err(ChangeError::LastToken(scope));
        }
        let gone: Vec<TokenRecord> = gone.iter().filter_map(|id| tokens.remove(id)).collect();
        for token in &gone {
            self.writes.batch.delete_cf(cf(self.writes.db, schema::TOKENS), &token.id);
        }
        let count = gone.len() as u64;
        let ops = gone.into_iter().map(|token| Op::DeleteToken { id: token.id, name: token.name });
        Ok(Done { seq: self.append(actor, ops.collect()), outcome: Outcome::Count(count) })
    }

    /// All tokens, as the changes so far leave them.
    fn tokens(&mut self) -> Result<&mut BTreeMap<String, TokenRecord>, StoreError> {
        let tokens = match self.tokens.take() {
            Some(tokens) => tokens,
            None => {
                let reader = Reader { view: View::new(self.writes.db), now: self.now };
                reader.tokens()?.into_iter().map(|token| (token.id.clone(), token)).collect()
            }
        };
        Ok(self.tokens.insert(tokens))
    }
}

/// A token, those that were made with it, those that were made with these, and so on.
fn descent(tokens: &BTreeMap<String, TokenRecord>, id: &str) -> Vec<String> {
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for token in tokens.values() {
        if let Some(parent) = &token.parent {
            children.entry(parent).or_default().push(&token.id);
        }
    }
    let mut found = vec![id];
    let mut at = 0;
    while let Some(parent) = found.get(at) {
        found.extend(children.remove(parent).unwrap_or_default());
        at += 1;
    }
    found.into_iter().map(String::from).collect()
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
