//! Sources that take no writes.

use std::collections::BTreeMap;

use dnsbl_types::{Name, Source, UnixTime};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    format::{codec, value},
};

/// The state of a source that takes no writes in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Since when.
    pub since: UnixTime,
    /// By whom: the name of a token.
    pub by: String,
    /// Why.
    pub why: String,
}

/// The frozen sources of a zone.
pub(crate) type Frozen = BTreeMap<Source, Freeze>;

/// A freeze as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FreezeValue {
    since: u64,
    by: String,
    why: String,
}

impl From<&Freeze> for FreezeValue {
    fn from(freeze: &Freeze) -> Self {
        let Freeze { since, by, why } = freeze.clone();
        Self { since: since.0, by, why }
    }
}

impl From<FreezeValue> for Freeze {
    fn from(FreezeValue { since, by, why }: FreezeValue) -> Self {
        Self { since: UnixTime(since), by, why }
    }
}

/// The value under a zone and a source.
pub(crate) fn encode(origin: &Name, source: &Source, freeze: &Freeze) -> Vec<u8> {
    codec::encode(&(origin.to_string(), source.to_string(), FreezeValue::from(freeze)))
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(bytes: &[u8]) -> Result<(Name, Source, Freeze), StoreError> {
    let (origin, source, freeze): (String, String, FreezeValue) = codec::decode("freeze", bytes)?;
    Ok((value::name(&origin)?, value::source(&source)?, freeze.into()))
}
