//! Tokens that were found good, so that not every request asks the store.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use blake3::Hash;
use dnsbl_store::{Authenticated, TokenRecord};
use dnsbl_types::{TokenText, UnixTime};

use crate::{
    error::TooManyAMinute,
    rights::Rights,
    token_meter::{TokenMeter, TokenMeters},
};

/// The most texts that are kept; where there are more, all are read anew.
const MAX: usize = 4096;

/// A token that counts, as requests see it.
pub struct KnownToken {
    /// The token as the store has it.
    pub record: TokenRecord,
    /// All that it may do.
    pub rights: Rights,
    meter: Arc<TokenMeter>,
    /// The limits of the token and of those that it was made with.
    limits: Vec<(NonZeroU32, Arc<TokenMeter>)>,
    /// From when on it counts no more.
    until: Option<UnixTime>,
}

impl KnownToken {
    /// One that the store has found good.
    pub(crate) fn new(authenticated: Authenticated, meters: &TokenMeters) -> Self {
        let rights = Rights::of(&authenticated);
        let Authenticated { token, ancestors, until } = authenticated;
        let limits = std::iter::once(&token)
            .chain(&ancestors)
            .filter_map(|token| Some((token.terms.requests_per_minute?, meters.of(&token.id))));
        let limits = limits.collect();
        Self { rights, meter: meters.of(&token.id), limits, until, record: token }
    }

    /// Counts a request of its holder, or refuses it.
    ///
    /// # Errors
    /// All that a minute has were made.
    pub fn charge(&self, from: Option<IpAddr>, now: UnixTime) -> Result<(), TooManyAMinute> {
        self.meter.note(now, from);
        for (per_minute, meter) in &self.limits {
            meter
                .take(*per_minute, Instant::now())
                .map_err(|wait| TooManyAMinute { most: per_minute.get(), wait })?;
        }
        Ok(())
    }
}

/// Live tokens by the digest of their text. Digests are compared in constant time.
///
/// A revoked token goes before its revocation is acknowledged: [`invalidate`](Self::invalidate) runs
/// first. A reader that had read it just before can't bring it back, as it comes with an earlier
/// [`generation`](Self::generation). Nothing is kept of texts that were never good.
#[derive(Default)]
pub(crate) struct TokenCache(RwLock<Cached>);

#[derive(Default)]
struct Cached {
    generation: u64,
    /// `None`: it was good once, and is to be read again.
    tokens: HashMap<Hash, Option<Arc<KnownToken>>>,
}

impl TokenCache {
    /// The token with this text, if it is here and has not expired at `now`.
    pub(crate) fn find(&self, text: &TokenText, now: UnixTime) -> Option<Arc<KnownToken>> {
        let cached = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let token = cached.tokens.get(&digest(text))?.as_ref()?;
        token.until.is_none_or(|until| now < until).then(|| token.clone())
    }

    /// Whether the text was good when it last came, so that who sends it is not guessing.
    pub(crate) fn was_good(&self, text: &TokenText) -> bool {
        let cached = self.0.read().unwrap_or_else(PoisonError::into_inner);
        cached.tokens.contains_key(&digest(text))
    }

    /// The generation that [`insert`](Self::insert) takes, to be asked for before the store is read.
    pub(crate) fn generation(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    /// Keeps a token that the store holds, unless tokens may have changed since `generation`.
    pub(crate) fn insert(&self, generation: u64, text: &TokenText, token: Arc<KnownToken>) {
        let mut cached = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if cached.generation != generation {
            return;
        }
        if cached.tokens.len() >= MAX {
            cached.tokens.clear();
        }
        cached.tokens.insert(digest(text), Some(token));
    }

    /// Forgets a text that is good no more.
    pub(crate) fn forget(&self, text: &TokenText) {
        let mut cached = self.0.write().unwrap_or_else(PoisonError::into_inner);
        cached.tokens.remove(&digest(text));
    }

    /// Drops all tokens, as one of them changed, and begins another generation.
    pub(crate) fn invalidate(&self) {
        let mut cached = self.0.write().unwrap_or_else(PoisonError::into_inner);
        cached.generation += 1;
        cached.tokens.values_mut().for_each(|token| *token = None);
    }
}

fn digest(text: &TokenText) -> Hash {
    blake3::hash(text.reveal().as_bytes())
}

#[cfg(test)]
mod tests {
    use dnsbl_store::MintedToken;

    use super::*;

    const NOW: UnixTime = UnixTime(1_700_000_000);

    fn token(byte: u8) -> (TokenText, Arc<KnownToken>) {
        let random = [byte; MintedToken::RANDOM];
        let minted = MintedToken::mint(random, "a".into(), vec![], NOW, None);
        let until = Some(NOW.plus(10));
        let good = Authenticated { token: minted.record, ancestors: Vec::new(), until };
        (minted.text, KnownToken::new(good, &TokenMeters::default()).into())
    }

    fn is_found(cache: &TokenCache, text: &TokenText, now: UnixTime) -> bool {
        cache.find(text, now).is_some()
    }

    #[test]
    fn a_known_token_is_found_by_its_whole_text_until_it_expires() {
        let (cache, (text, known)) = (TokenCache::default(), token(1));
        cache.insert(cache.generation(), &text, known);
        assert!(is_found(&cache, &text, NOW));
        assert!(!is_found(&cache, &text, NOW.plus(10)));
        assert!(!is_found(&cache, &token(2).0, NOW));
    }

    #[test]
    fn a_token_that_was_read_before_a_change_is_not_kept_after_it() {
        let (cache, (text, known)) = (TokenCache::default(), token(1));
        cache.insert(cache.generation(), &text, known.clone());
        let generation = cache.generation();
        cache.invalidate();
        assert!(!is_found(&cache, &text, NOW));
        cache.insert(generation, &text, known.clone());
        assert!(!is_found(&cache, &text, NOW));
        cache.insert(cache.generation(), &text, known);
        assert!(is_found(&cache, &text, NOW));
    }

    #[test]
    fn who_had_a_good_token_is_known_until_it_is_found_to_be_none() {
        let (cache, (text, known)) = (TokenCache::default(), token(1));
        assert!(!cache.was_good(&text));
        cache.insert(cache.generation(), &text, known);
        cache.invalidate();
        assert!(cache.was_good(&text));
        cache.forget(&text);
        assert!(!cache.was_good(&text));
    }
}
