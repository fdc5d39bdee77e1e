//! Requests that carried an `Idempotency-Key`: the change that was made for each, and the answer.

use dnsbl_types::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{StoreError, format::codec};

/// A request by which it is known again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId {
    /// The public id of the token that sent it.
    pub token: String,
    /// A digest of its key.
    pub digest: [u8; 32],
}

/// A request that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// A digest of all of it: another request with the same key has another.
    pub fingerprint: [u8; 32],
    /// When it was carried out.
    pub at: UnixTime,
    /// The change that was made for it; the head of the log where nothing had to change.
    pub seq: u64,
    /// The answer, in a form that whoever keeps it understands; `None` until it is known.
    pub answer: Option<Vec<u8>>,
}

impl RequestId {
    /// The key in the database.
    pub(crate) fn key(&self) -> Vec<u8> {
        [self.token.as_bytes(), &[0], &self.digest].concat()
    }
}

/// The token in a key.
pub(crate) fn token_of(key: &[u8]) -> &[u8] {
    key.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// What is remembered, as it is written.
#[derive(Serialize, Deserialize)]
struct RememberedValue<A> {
    fingerprint: [u8; 32],
    at: u64,
    seq: u64,
    answer: Option<A>,
}

/// The value.
pub(crate) fn encode(remembered: &Remembered) -> Vec<u8> {
    let Remembered { fingerprint, at, seq, answer } = remembered;
    codec::encode(&RememberedValue {
        fingerprint: *fingerprint,
        at: at.0,
        seq: *seq,
        answer: answer.as_ref(),
    })
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(bytes: &[u8]) -> Result<Remembered, StoreError> {
    let RememberedValue { fingerprint, at, seq, answer } =
        codec::decode::<RememberedValue<Vec<u8>>>("remembered request", bytes)?;
    Ok(Remembered { fingerprint, at: UnixTime(at), seq, answer })
}
