//! Reading the tokens, and when each was last used.

use dnsbl_types::{TokenDigest, TokenText, UnixTime};
use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{
        schema,
        token::TokenRecord,
        usage::{self, TOKENS, TokenUse},
    },
    read::{reader::Reader, view::View},
};

/// The most tokens of which each was made with the one before: a new one deeper down is refused.
pub(crate) const MAX_DEPTH: usize = 16;

/// What a text of a token is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// It counts.
    Good(Box<Authenticated>),
    /// Its token, or one that this was made with, has expired.
    Expired,
    /// There is no such token, or another secret has taken the place of this one.
    Unknown,
}

/// A token that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The token.
    pub token: TokenRecord,
    /// The token that it was made with, the one that that was made with, and so on. It has nothing that one of them
    /// lacks.
    pub ancestors: Vec<TokenRecord>,
    /// From when on the text counts no more, unless it is revoked before.
    pub until: Option<UnixTime>,
}

impl Reader<'_> {
    /// What a text is worth.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn authenticate(&self, text: &TokenText) -> Result<Authentication, StoreError> {
        self.authenticate_secret(text.id(), &text.digest())
    }

    /// What a text is worth of which only the token's id and the digest of the secret are remembered.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn authenticate_secret(
        &self,
        id: &str,
        digest: &TokenDigest,
    ) -> Result<Authentication, StoreError> {
        let Some(token) = self.token(id)? else {
            return Ok(Authentication::Unknown);
        };
        let Some(secret) = token.secret(digest, self.now).copied() else {
            return Ok(Authentication::Unknown);
        };
        // An ancestor that is not there can't vouch for it.
        let Some(ancestors) = self.ancestors(&token)? else {
            return Ok(Authentication::Unknown);
        };
        let chain = || std::iter::once(&token).chain(&ancestors);
        if !chain().all(|token| token.is_live(self.now)) {
            return Ok(Authentication::Expired);
        }
        let until = chain().filter_map(|token| token.expires_at).chain(secret.until).min();
        Ok(Authentication::Good(Box::new(Authenticated { token, ancestors, until })))
    }

    /// The token with this id as it counts now, whichever of its secrets is shown; `None` where it, or one above it, is
    /// gone or has expired.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn live_token(&self, id: &str) -> Result<Option<Authenticated>, StoreError> {
        let Some(token) = self.token(id)? else { return Ok(None) };
        let Some(ancestors) = self.ancestors(&token)? else { return Ok(None) };
        let chain = || std::iter::once(&token).chain(&ancestors);
        if !chain().all(|token| token.is_live(self.now)) {
            return Ok(None);
        }
        let until = chain().filter_map(|token| token.expires_at).min();
        Ok(Some(Authenticated { token, ancestors, until }))
    }

    /// The token that one was made with, the one that that was made with, and so on; `None` where one of them is gone.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn ancestors(&self, token: &TokenRecord) -> Result<Option<Vec<TokenRecord>>, StoreError> {
        let mut ancestors: Vec<TokenRecord> = Vec::new();
        let mut parent = token.parent.clone();
        while let Some(id) = parent.take() {
            let found = self.token(&id)?.filter(|_| ancestors.len() < MAX_DEPTH);
            let Some(found) = found else { return Ok(None) };
            parent = found.parent.clone();
            ancestors.push(found);
        }
        Ok(Some(ancestors))
    }

    /// The token with this id.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn token(&self, id: &str) -> Result<Option<TokenRecord>, StoreError> {
        let value = self.view.find(schema::TOKENS, id.as_bytes())?;
        value.map(|bytes| TokenRecord::decode(id.as_bytes(), &bytes)).transpose()
    }

    /// All tokens.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        read_all(&self.view)
    }

    /// When a token was last used, as far as that is kept. A row that can't be read is logged and left out.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn token_use(&self, id: &str) -> Result<Option<TokenUse>, StoreError> {
        let value = self.view.find(schema::USAGE, &usage::token_key(id))?;
        let read = value.map(|value| usage::read_token_use(id, &value)).transpose();
        Ok(read.unwrap_or_else(|err| {
            tracing::error!(%err, "when a token was last used is left out");
            None
        }))
    }

    /// The same of all tokens.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn token_uses(&self) -> Result<Vec<TokenUse>, StoreError> {
        let mut uses = Vec::new();
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound([TOKENS + 1]);
        let mut iter = self.view.iter(schema::USAGE, options);
        iter.seek([TOKENS]);
        while let Some((key, value)) = iter.item() {
            let id = String::from_utf8_lossy(&key[1..]);
            match usage::read_token_use(&id, value) {
                Ok(used) => uses.push(used),
                Err(err) => tracing::error!(%err, "when a token was last used is left out"),
            }
            iter.next();
        }
        iter.status()?;
        Ok(uses)
    }
}

/// All tokens, in the order of their ids.
pub(crate) fn read_all(view: &View<'_>) -> Result<Vec<TokenRecord>, StoreError> {
    let mut tokens = Vec::new();
    let mut iter = view.iter(schema::TOKENS, ReadOptions::default());
    iter.seek_to_first();
    while let Some((key, value)) = iter.item() {
        tokens.push(TokenRecord::decode(key, value)?);
        iter.next();
    }
    iter.status()?;
    Ok(tokens)
}
