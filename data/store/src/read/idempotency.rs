//! Reading what is remembered of requests.

use std::collections::BTreeMap;

use dnsbl_types::UnixTime;
use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{
        idempotency::{self, Remembered, RequestId, token_of},
        schema,
    },
    read::{reader::Reader, view::View},
};

impl Reader<'_> {
    /// What is remembered of a request.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn remembered(&self, request: &RequestId) -> Result<Option<Remembered>, StoreError> {
        let value = self.view.find(schema::IDEMPOTENCY, &request.key())?;
        value.map(|bytes| idempotency::decode(&bytes)).transpose()
    }
}

/// The keys of requests that were carried out before a time, and of those of a token beyond so many, the oldest first.
pub(crate) fn read_old(
    view: &View<'_>,
    before: UnixTime,
    most: usize,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    let (mut old, mut young) = (Vec::new(), BTreeMap::<Vec<u8>, Vec<(UnixTime, Vec<u8>)>>::new());
    let mut iter = view.iter(schema::IDEMPOTENCY, options);
    iter.seek_to_first();
    while let Some((key, value)) = iter.item() {
        let at = idempotency::decode(value)?.at;
        match at < before {
            true => old.push(key.to_vec()),
            false => young.entry(token_of(key).to_vec()).or_default().push((at, key.to_vec())),
        }
        iter.next();
    }
    iter.status()?;
    for mut of_token in young.into_values().filter(|of_token| of_token.len() > most) {
        of_token.sort_unstable();
        let beyond = of_token.len() - most;
        old.extend(of_token.into_iter().take(beyond).map(|(_, key)| key));
    }
    Ok(old)
}
