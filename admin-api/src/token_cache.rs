//! Tokens that were found good, so that not every request asks the store.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use blake3::Hash;
use dnsbl_store::TokenRecord;
use dnsbl_types::UnixTime;

/// The most tokens that are kept; where there are more, all are read anew.
const MAX: usize = 4096;

/// Live tokens by the digest of their text. Digests are compared in constant time.
///
/// A revoked token goes before its revocation is acknowledged: [`invalidate`](Self::invalidate) runs
/// first. A reader that had read it just before can't bring it back, as it comes with an earlier
/// [`generation`](Self::generation). Nothing is kept of texts that are no tokens.
#[derive(Default)]
pub(crate) struct TokenCache(RwLock<Cached>);

#[derive(Default)]
struct Cached {
    generation: u64,
    tokens: HashMap<Hash, Arc<TokenRecord>>,
}

impl TokenCache {
    /// The token with this text, if it is here and has not expired at `now`.
    pub(crate) fn find(&self, text: &str, now: UnixTime) -> Option<Arc<TokenRecord>> {
        let cached = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let token = cached.tokens.get(&digest(text))?;
        token.is_live(now).then(|| token.clone())
    }

    /// The generation that [`insert`](Self::insert) takes, to be asked for before the store is read.
    pub(crate) fn generation(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    /// Keeps a token that the store holds, unless tokens may have changed since `generation`.
    pub(crate) fn insert(&self, generation: u64, text: &str, token: Arc<TokenRecord>) {
        let mut cached = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if cached.generation != generation {
            return;
        }
        if cached.tokens.len() >= MAX {
            cached.tokens.clear();
        }
        cached.tokens.insert(digest(text), token);
    }

    /// Drops all tokens, as one of them changed, and begins another generation.
    pub(crate) fn invalidate(&self) {
        let mut cached = self.0.write().unwrap_or_else(PoisonError::into_inner);
        cached.generation += 1;
        cached.tokens.clear();
    }
}

fn digest(text: &str) -> Hash {
    blake3::hash(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use dnsbl_store::MintedToken;

    use super::*;

    const NOW: UnixTime = UnixTime(1_700_000_000);

    fn token(byte: u8) -> (String, Arc<TokenRecord>) {
        let random = [byte; MintedToken::RANDOM];
        let minted = MintedToken::mint(random, "a".into(), vec![], NOW, Some(NOW.plus(10)));
        (minted.text.reveal().to_owned(), Arc::new(minted.record))
    }

    #[test]
    fn a_known_token_is_found_by_its_whole_text_until_it_expires() {
        let (cache, (text, token)) = (TokenCache::default(), token(1));
        cache.insert(cache.generation(), &text, token.clone());
        assert_eq!(cache.find(&text, NOW), Some(token));
        assert_eq!(cache.find(&text, NOW.plus(10)), None);
        assert_eq!(cache.find(&text[..text.len() - 1], NOW), None);
        assert_eq!(cache.find(&format!("{text}0"), NOW), None);
    }

    #[test]
    fn a_token_that_was_read_before_a_change_is_not_kept_after_it() {
        let (cache, (text, token)) = (TokenCache::default(), token(1));
        cache.insert(cache.generation(), &text, token.clone());
        let generation = cache.generation();
        cache.invalidate();
        assert_eq!(cache.find(&text, NOW), None);
        cache.insert(generation, &text, token.clone());
        assert_eq!(cache.find(&text, NOW), None);
        cache.insert(cache.generation(), &text, token);
        assert!(cache.find(&text, NOW).is_some());
    }
}
