//! API tokens as the store keeps them: of their secrets it has digests only.

use std::net::IpAddr;

use dnsbl_types::{MaxPrefix, Name, TokenDigest, TokenTerms, TokenText, UnixTime};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    format::{codec, value},
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
    /// What else limits it.
    pub terms: TokenTerms,
    /// The change that wrote it; 0 of one that was not written yet, or by an older release. A token is written
    /// only in the place of the one that has the same.
    pub revision: u64,
    /// The newest first.
    secrets: Vec<TokenSecret>,
}

/// A secret of a token, as far as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSecret {
    digest: TokenDigest,
    /// When it was made.
    pub created_at: UnixTime,
    /// From when on it counts no more, since another has taken its place.
    pub until: Option<UnixTime>,
}

/// A token at the one moment when its secret is known.
pub struct MintedToken {
    /// What the store keeps.
    pub record: TokenRecord,
    /// What the holder keeps.
    pub text: TokenText,
}

impl MintedToken {
    /// How many random bytes a token needs.
    pub const RANDOM: usize = TokenText::RANDOM_ID + TokenText::RANDOM_SECRET;

    /// Makes a token from random bytes. It writes as its own name, comes from no other token, and nothing else
    /// limits it.
    pub fn mint(
        random: [u8; Self::RANDOM],
        name: String,
        scopes: Vec<String>,
        created_at: UnixTime,
        expires_at: Option<UnixTime>,
    ) -> Self {
        let (id, secret) = parts(random);
        let text = TokenText::from_random(id, secret);
        let record = TokenRecord {
            id: text.id().to_owned(),
            name,
            scopes,
            sources: Vec::new(),
            parent: None,
            created_at,
            expires_at,
            terms: TokenTerms::default(),
            revision: 0,
            secrets: vec![TokenSecret { digest: text.digest(), created_at, until: None }],
        };
        Self { record, text }
    }
}

fn parts(
    random: [u8; MintedToken::RANDOM],
) -> ([u8; TokenText::RANDOM_ID], [u8; TokenText::RANDOM_SECRET]) {
    let (mut id, mut secret) = ([0; TokenText::RANDOM_ID], [0; TokenText::RANDOM_SECRET]);
    id.copy_from_slice(&random[..TokenText::RANDOM_ID]);
    secret.copy_from_slice(&random[TokenText::RANDOM_ID..]);
    (id, secret)
}

impl TokenRecord {
    /// The most secrets that count at a time.
    pub const MAX_SECRETS: usize = 4;

    /// The same token with another secret once this is stored; those that it has count until the overlap ends, in
    /// seconds from now, and not at all where it is 0. `None` where it would have too many.
    pub fn rotated(
        mut self,
        random: [u8; MintedToken::RANDOM],
        overlap: u64,
        now: UnixTime,
    ) -> Option<MintedToken> {
        let (_, secret) = parts(random);
        let text = TokenText::of(&self.id, secret);
        self.secrets.retain(|secret| overlap > 0 && secret.counts(now));
        let end = now.plus(overlap);
        for secret in &mut self.secrets {
            secret.until = Some(secret.until.map_or(end, |until| until.min(end)));
        }
        let new = TokenSecret { digest: text.digest(), created_at: now, until: None };
        self.secrets.insert(0, new);
        (self.secrets.len() <= Self::MAX_SECRETS).then_some(MintedToken { record: self, text })
    }

    /// The secrets that count, the newest first.
    pub fn secrets(&self, now: UnixTime) -> impl Iterator<Item = &TokenSecret> {
        self.secrets.iter().filter(move |secret| secret.counts(now))
    }

    /// Whether it has the secrets that another has.
    pub(crate) fn has_same_secrets(&self, other: &Self) -> bool {
        self.secrets == other.secrets
    }

    /// Until when the secrets count that another one has taken the place of; the last of them.
    pub(crate) fn overlap_until(&self) -> Option<UnixTime> {
        self.secrets.iter().filter_map(|secret| secret.until).max()
    }

    /// Whether it has a scope.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|has| has == scope)
    }

    /// Whether it has not expired.
    pub fn is_live(&self, now: UnixTime) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    /// The secret with this digest, if it is one that counts.
    pub(crate) fn secret(&self, digest: &TokenDigest, now: UnixTime) -> Option<&TokenSecret> {
        self.secrets(now).find(|secret| secret.digest.is(digest))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let value = TokenValue {
            name: self.name.clone(),
            scopes: self.scopes.clone(),
            sources: self.sources.clone(),
            parent: self.parent.clone(),
            created_at: self.created_at.0,
            expires_at: self.expires_at.map(|at| at.0),
            revision: self.revision,
            terms: (&self.terms).into(),
            secrets: self.secrets.iter().map(SecretValue::from).collect(),
        };
        codec::encode_as(codec::V3, &value)
    }

    pub(crate) fn decode(id: &[u8], bytes: &[u8]) -> Result<Self, StoreError> {
        let value: TokenValue = match bytes.first() {
            Some(&codec::V1) => codec::decode::<FirstTokenValue>("token", bytes)?.into(),
            Some(&codec::V2) => {
                codec::decode_as::<SecondTokenValue>(codec::V2, "token", bytes)?.into()
            }
            _ => codec::decode_as(codec::V3, "token", bytes)?,
        };
        Ok(Self {
            id: String::from_utf8_lossy(id).into_owned(),
            terms: value.terms.try_into()?,
            name: value.name,
            scopes: value.scopes,
            sources: value.sources,
            parent: value.parent,
            created_at: UnixTime(value.created_at),
            expires_at: value.expires_at.map(UnixTime),
            revision: value.revision,
            secrets: value.secrets.into_iter().map(TokenSecret::from).collect(),
        })
    }
}

impl TokenSecret {
    fn counts(&self, now: UnixTime) -> bool {
        self.until.is_none_or(|until| now < until)
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
    revision: u64,
    terms: TokenTermsValue,
    secrets: Vec<SecretValue>,
}

/// The terms of a token, here and in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenTermsValue {
    zones: Vec<String>,
    max_prefix: Option<(u8, u8)>,
    networks: Vec<(IpAddr, u8)>,
    requests_per_minute: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct SecretValue {
    digest: [u8; 32],
    created_at: u64,
    until: Option<u64>,
}

impl From<&TokenTerms> for TokenTermsValue {
    fn from(terms: &TokenTerms) -> Self {
        let TokenTerms { zones, max_prefix, networks, requests_per_minute } = terms;
        Self {
            zones: zones.iter().map(Name::to_string).collect(),
            max_prefix: max_prefix.map(|max| (max.ipv4(), max.ipv6())),
            networks: networks.iter().map(|net| (net.addr(), net.prefix_len())).collect(),
            requests_per_minute: requests_per_minute.map(Into::into),
        }
    }
}

impl TryFrom<TokenTermsValue> for TokenTerms {
    type Error = StoreError;

    fn try_from(value: TokenTermsValue) -> Result<Self, StoreError> {
        let network = |&(addr, len): &(IpAddr, u8)| {
            IpNet::new(addr, len).map_err(|err| StoreError::unreadable("network", err))
        };
        let max_prefix = value.max_prefix.map(|(ipv4, ipv6)| MaxPrefix::new(ipv4, ipv6));
        let unreadable = |err| StoreError::unreadable("terms of a token", err);
        let terms = Self {
            zones: value.zones.iter().map(|zone| value::name(zone)).collect::<Result<_, _>>()?,
            max_prefix: max_prefix.transpose().map_err(unreadable)?,
            networks: value.networks.iter().map(network).collect::<Result<_, _>>()?,
            requests_per_minute: value.requests_per_minute.and_then(|most| most.try_into().ok()),
        };
        terms.check().map_err(unreadable)
    }
}

impl From<&TokenSecret> for SecretValue {
    fn from(secret: &TokenSecret) -> Self {
        let TokenSecret { digest, created_at, until } = secret;
        Self { digest: *digest.bytes(), created_at: created_at.0, until: until.map(|at| at.0) }
    }
}

impl From<SecretValue> for TokenSecret {
    fn from(SecretValue { digest, created_at, until }: SecretValue) -> Self {
        Self {
            digest: TokenDigest::from_bytes(digest),
            created_at: UnixTime(created_at),
            until: until.map(UnixTime),
        }
    }
}

/// A token as it was written before it had terms and several secrets.
#[derive(Serialize, Deserialize)]
struct SecondTokenValue {
    name: String,
    scopes: Vec<String>,
    sources: Vec<String>,
    parent: Option<String>,
    created_at: u64,
    expires_at: Option<u64>,
    digest: [u8; 32],
}

impl From<SecondTokenValue> for TokenValue {
    fn from(value: SecondTokenValue) -> Self {
        let SecondTokenValue { name, scopes, sources, parent, created_at, expires_at, digest } =
            value;
        Self {
            name,
            scopes,
            sources,
            parent,
            created_at,
            expires_at,
            revision: 0,
            terms: TokenTermsValue::default(),
            secrets: vec![SecretValue { digest, created_at, until: None }],
        }
    }
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
        SecondTokenValue { name, scopes, sources, parent, created_at, expires_at, digest }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token's text as releases before checksums made it.
    const OLD: &str =
        "dnsbl_0102030405060708_1111111111111111111111111111111111111111111111111111111111111111";

    fn old_digest() -> [u8; 32] {
        blake3::hash(OLD.rsplit('_').next().unwrap().as_bytes()).into()
    }

    #[test]
    fn a_token_of_the_first_release_writes_as_its_own_name_only() {
        let old = FirstTokenValue {
            name: "feed".into(),
            scopes: vec!["listings:write".into()],
            created_at: 1,
            expires_at: Some(9),
            digest: old_digest(),
        };
        let token = TokenRecord::decode(b"0102030405060708", &codec::encode(&old)).unwrap();
        assert_eq!((token.id.as_str(), token.name.as_str()), ("0102030405060708", "feed"));
        assert_eq!((token.sources.len(), token.parent.as_deref()), (0, None));
        assert_eq!(token.expires_at, Some(UnixTime(9)));
        assert_eq!(TokenRecord::decode(b"0102030405060708", &token.encode()).unwrap(), token);
    }

    #[test]
    fn a_token_of_the_release_before_has_no_terms_and_its_text_is_good_yet() {
        let old = SecondTokenValue {
            name: "feed".into(),
            scopes: vec!["listings:write".into()],
            sources: vec!["drop".into()],
            parent: Some("0a".into()),
            created_at: 1,
            expires_at: None,
            digest: old_digest(),
        };
        let bytes = codec::encode_as(codec::V2, &old);
        let token = TokenRecord::decode(b"0102030405060708", &bytes).unwrap();
        assert_eq!((&token.terms, token.revision), (&TokenTerms::default(), 0));
        assert_eq!(token.sources, ["drop"]);
        let text = TokenText::parse(OLD).unwrap();
        assert!(token.secret(&text.digest(), UnixTime(5)).is_some());
        assert_eq!(TokenRecord::decode(b"0102030405060708", &token.encode()).unwrap(), token);
    }

    #[test]
    fn a_rotated_token_has_its_old_secrets_until_the_overlap_ends() {
        let mint = |byte| [byte; MintedToken::RANDOM];
        let first = MintedToken::mint(mint(1), "a".into(), vec![], UnixTime(1), None);
        let second = first.record.clone().rotated(mint(2), 100, UnixTime(10)).unwrap();
        let third = second.record.clone().rotated(mint(3), 1_000, UnixTime(20)).unwrap();
        let counts = |at: u64| {
            [&first, &second, &third]
                .map(|minted| third.record.secret(&minted.text.digest(), UnixTime(at)).is_some())
        };
        assert_eq!(counts(109), [true, true, true]);
        assert_eq!(counts(110), [false, true, true], "another rotation does not prolong it");
        assert_eq!(counts(1_020), [false, false, true]);
        assert_eq!(third.record.id, first.record.id);
        let at_once = third.record.clone().rotated(mint(4), 0, UnixTime(30)).unwrap();
        assert_eq!(at_once.record.secrets(UnixTime(30)).count(), 1);
        let fourth = third.record.rotated(mint(4), 9, UnixTime(30)).unwrap();
        assert!(fourth.record.rotated(mint(5), 9, UnixTime(31)).is_none(), "five count");
    }
}
