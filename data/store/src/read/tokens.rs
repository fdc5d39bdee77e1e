//! Reading the tokens.

use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{schema, token::TokenRecord},
    read::{reader::Reader, view::View},
};

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
        Ok(Some(record).filter(|record| record.has_secret(secret) && record.is_live(self.now)))
    }

    /// The token with this id.
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
