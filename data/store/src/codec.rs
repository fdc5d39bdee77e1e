//! Values: a version byte, then postcard.

use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

/// The version of all values so far.
const V1: u8 = 1;

/// A value as it stands in the database.
pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(value, vec![V1]).expect("a vector takes any value")
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
    match bytes {
        [V1, body @ ..] => {
            postcard::from_bytes(body).map_err(|err| StoreError::unreadable(what, err))
        }
        [version, ..] => Err(StoreError::unreadable(what, format!("version {version} is unknown"))),
        [] => Err(StoreError::unreadable(what, "it is empty")),
    }
}
