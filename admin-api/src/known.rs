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
/// A revoked token is forgotten before its revocation is acknowledged: [`forget`](Self::forget) runs
/// first. A reader that had read it just before can't bring it back, as it comes with an earlier
/// [`round`](Self::round). Nothing is remembered of texts that are no tokens.
#[derive(Default)]
pub(crate) struct KnownTokens(RwLock<Known>);

#[derive(Default)]
struct Known {
    round: u64,
    tokens: HashMap<Hash, Arc<TokenRecord>>,
}

impl KnownTokens {
    /// The token with this text, if it is known and has not expired at `now`.
    pub(crate) fn find(&self, text: &str, now: UnixTime) -> Option<Arc<TokenRecord>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let token = known.tokens.get(&digest(text))?;
        token.is_live(now).then(|| token.clone())
    }

    /// What [`learn`](Self::learn) must be told; to be asked for before the store is read.
    pub(crate) fn round(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).round
    }

    /// Keeps a token that the store holds, unless tokens may have changed since `round`.
    pub(crate) fn learn(&self, round: u64, text: &str, token: Arc<TokenRecord>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.round != round {
            return;
        }
        if known.tokens.len() >= MAX {
            known.tokens.clear();
        }
        known.tokens.insert(digest(text), token);
    }

    /// Forgets all tokens: one of them changed.
    pub(crate) fn forget(&self) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.round += 1;
        known.tokens.clear();
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
        let (known, (text, token)) = (KnownTokens::default(), token(1));
        known.learn(known.round(), &text, token.clone());
        assert_eq!(known.find(&text, NOW), Some(token));
        assert_eq!(known.find(&text, NOW.plus(10)), None);
        assert_eq!(known.find(&text[..text.len() - 1], NOW), None);
        assert_eq!(known.find(&format!("{text}0"), NOW), None);
    }

    #[test]
    fn a_token_that_was_read_before_a_change_is_not_kept_after_it() {
        let (known, (text, token)) = (KnownTokens::default(), token(1));
        known.learn(known.round(), &text, token.clone());
        let round = known.round();
        known.forget();
        assert_eq!(known.find(&text, NOW), None);
        known.learn(round, &text, token.clone());
        assert_eq!(known.find(&text, NOW), None);
        known.learn(known.round(), &text, token);
        assert!(known.find(&text, NOW).is_some());
    }
}
