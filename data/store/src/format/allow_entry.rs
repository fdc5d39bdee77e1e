//! Allow entries as they are written, and their keys.

use dnsbl_types::{AllowEntry, Name, Subject, UnixTime};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    format::{codec, key, value},
};

/// An allow entry as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowRecord {
    /// The entry.
    pub entry: AllowEntry,
    /// The change that wrote it.
    pub revision: u64,
}

/// An entry as it stands in a row, and in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AllowValue {
    zone: Option<String>,
    subject: String,
    reason: String,
    owner: String,
    expires_at: Option<u64>,
    created_at: u64,
}

/// What comes before the subject in the keys of the entries of a zone, or of those of all zones.
pub(crate) fn scope(zone: Option<&Name>) -> Vec<u8> {
    match zone {
        None => vec![0],
        Some(zone) => [&[1], zone.wire()].concat(),
    }
}

/// The key of an entry.
pub(crate) fn key(zone: Option<&Name>, subject: &Subject) -> Vec<u8> {
    let mut key = scope(zone);
    key.extend(key::subject(subject));
    key
}

impl AllowRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        codec::encode(&(self.revision, AllowValue::from(&self.entry)))
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let (revision, value): (u64, AllowValue) = codec::decode("allow entry", bytes)?;
        Ok(Self { entry: value.try_into()?, revision })
    }
}

impl From<&AllowEntry> for AllowValue {
    fn from(entry: &AllowEntry) -> Self {
        Self {
            zone: entry.zone.as_ref().map(Name::to_string),
            subject: entry.subject.to_string(),
            reason: entry.reason.clone(),
            owner: entry.owner.clone(),
            expires_at: entry.expires_at.map(|at| at.0),
            created_at: entry.created_at.0,
        }
    }
}

impl TryFrom<AllowValue> for AllowEntry {
    type Error = StoreError;

    fn try_from(value: AllowValue) -> Result<Self, StoreError> {
        let entry = Self {
            zone: value.zone.as_deref().map(value::name).transpose()?,
            subject: value.subject.parse()?,
            reason: value.reason,
            owner: value.owner,
            expires_at: value.expires_at.map(UnixTime),
            created_at: UnixTime(value.created_at),
        };
        entry.check().map_err(|err| StoreError::unreadable("allow entry", err))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_back_and_those_of_a_scope_lie_together() {
        let entry = |zone: Option<&str>, subject: &str| AllowEntry {
            zone: zone.map(|zone| zone.parse().unwrap()),
            subject: subject.parse().unwrap(),
            reason: "our own".into(),
            owner: "postmaster".into(),
            expires_at: Some(UnixTime(9)),
            created_at: UnixTime(3),
        };
        for entry in [entry(None, "192.0.2.0/24"), entry(Some("bl.example.org"), "*.example.com")] {
            let record = AllowRecord { entry, revision: 7 };
            assert_eq!(AllowRecord::decode(&record.encode()).unwrap(), record);
            let AllowEntry { zone, subject, .. } = &record.entry;
            assert!(key(zone.as_ref(), subject).starts_with(&scope(zone.as_ref())));
        }
        let (inner, outer) = ("bl.example.org".parse().unwrap(), "example.org".parse().unwrap());
        assert!(!scope(Some(&inner)).starts_with(&scope(Some(&outer))));
    }
}
