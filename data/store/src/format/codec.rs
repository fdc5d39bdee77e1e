//! Values: a version byte, then postcard.

use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

/// The first version of all values.
pub(crate) const V1: u8 = 1;
/// The second one, of the values that have one: zones and their copies, tokens, log entries, audit records.
pub(crate) const V2: u8 = 2;
/// The third one, of tokens.
pub(crate) const V3: u8 = 3;

/// A value as it stands in the database.
pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    encode_as(V1, value)
}

/// A value of a later version.
pub(crate) fn encode_as(version: u8, value: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(value, vec![version]).expect("a vector takes any value")
}

/// The same at the end of `bytes`.
pub(crate) fn encode_into(value: &impl Serialize, bytes: &mut Vec<u8>) {
    let mut all = std::mem::take(bytes);
    all.push(V1);
    *bytes = postcard::to_extend(value, all).expect("a vector takes any value");
}

/// Reads what [`encode`] wrote; `what` names it in the error.
pub(crate) fn decode<T: DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, StoreError> {
    decode_as(V1, what, bytes)
}

/// Reads a value of one version.
pub(crate) fn decode_as<T: DeserializeOwned>(
    version: u8,
    what: &'static str,
    bytes: &[u8],
) -> Result<T, StoreError> {
    match bytes {
        [found, body @ ..] if *found == version => {
            postcard::from_bytes(body).map_err(|err| StoreError::unreadable(what, err))
        }
        [found, ..] => Err(StoreError::unreadable(what, format!("version {found} is unknown"))),
        [] => Err(StoreError::unreadable(what, "it is empty")),
    }
}

/// Whether a value is of the first version.
pub(crate) fn is_first(bytes: &[u8]) -> bool {
    bytes.first() == Some(&V1)
}
