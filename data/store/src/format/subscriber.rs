//! Subscribers as they are written. Of their keys the store has digests only.

use std::net::IpAddr;

use dnsbl_types::{
    KeyDigest, Name, Recognition, Subscriber, SubscriberId, SubscriberKey, UnixTime,
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    format::{
        codec,
        value::{self, QuotaValue},
    },
};

/// A subscriber as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberRecord {
    /// The subscriber.
    pub subscriber: Subscriber,
    /// The change that wrote it.
    pub revision: u64,
}

#[derive(Serialize, Deserialize)]
struct SubscriberValue {
    revision: u64,
    name: String,
    zones: Vec<String>,
    networks: Vec<(IpAddr, u8)>,
    recognition: RecognitionValue,
    quota: QuotaValue,
    expires_at: Option<u64>,
    keys: Vec<KeyValue>,
    note: Option<String>,
    created_at: u64,
}

#[derive(Serialize, Deserialize)]
enum RecognitionValue {
    Key,
    Networks,
    Either,
    Both,
}

#[derive(Serialize, Deserialize)]
struct KeyValue {
    digest: [u8; 32],
    created_at: u64,
    until: Option<u64>,
}

impl SubscriberRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Subscriber {
            id: _,
            name,
            zones,
            networks,
            recognition,
            quota,
            expires_at,
            keys,
            note,
            created_at,
        } = &self.subscriber;
        codec::encode(&SubscriberValue {
            revision: self.revision,
            name: name.clone(),
            zones: zones.iter().map(Name::to_string).collect(),
            networks: networks
                .iter()
                .map(|network| (network.addr(), network.prefix_len()))
                .collect(),
            recognition: (*recognition).into(),
            quota: (*quota).into(),
            expires_at: expires_at.map(|at| at.0),
            keys: keys.iter().map(KeyValue::from).collect(),
            note: note.clone(),
            created_at: created_at.0,
        })
    }

    pub(crate) fn decode(id: SubscriberId, bytes: &[u8]) -> Result<Self, StoreError> {
        let value: SubscriberValue = codec::decode("subscriber", bytes)?;
        let network = |(addr, len)| {
            IpNet::new(addr, len).map_err(|err| StoreError::unreadable("network", err))
        };
        let subscriber = Subscriber {
            id,
            name: value.name,
            zones: value.zones.iter().map(|zone| value::name(zone)).collect::<Result<_, _>>()?,
            networks: value.networks.into_iter().map(network).collect::<Result<_, _>>()?,
            recognition: value.recognition.into(),
            quota: value.quota.into(),
            expires_at: value.expires_at.map(UnixTime),
            keys: value.keys.into_iter().map(SubscriberKey::from).collect(),
            note: value.note,
            created_at: UnixTime(value.created_at),
        };
        let subscriber = subscriber.check();
        let subscriber = subscriber.map_err(|err| StoreError::unreadable("subscriber", err))?;
        Ok(Self { subscriber, revision: value.revision })
    }
}

impl From<Recognition> for RecognitionValue {
    fn from(recognition: Recognition) -> Self {
        match recognition {
            Recognition::Key => Self::Key,
            Recognition::Networks => Self::Networks,
            Recognition::Either => Self::Either,
            Recognition::Both => Self::Both,
        }
    }
}

impl From<RecognitionValue> for Recognition {
    fn from(value: RecognitionValue) -> Self {
        match value {
            RecognitionValue::Key => Self::Key,
            RecognitionValue::Networks => Self::Networks,
            RecognitionValue::Either => Self::Either,
            RecognitionValue::Both => Self::Both,
        }
    }
}

impl From<&SubscriberKey> for KeyValue {
    fn from(key: &SubscriberKey) -> Self {
        let SubscriberKey { digest, created_at, until } = key;
        Self { digest: *digest.bytes(), created_at: created_at.0, until: until.map(|at| at.0) }
    }
}

impl From<KeyValue> for SubscriberKey {
    fn from(KeyValue { digest, created_at, until }: KeyValue) -> Self {
        Self {
            digest: KeyDigest::from_bytes(digest),
            created_at: UnixTime(created_at),
            until: until.map(UnixTime),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use dnsbl_types::{AccessKey, Quota};

    use super::*;

    #[test]
    fn a_subscriber_reads_back_and_its_key_stands_nowhere_in_it() {
        let key = AccessKey::from_random([9; AccessKey::RANDOM]);
        let made = |until| SubscriberKey { digest: key.digest(), created_at: UnixTime(3), until };
        let subscriber = Subscriber {
            id: SubscriberId(7),
            name: "Example Mail".into(),
            zones: vec!["a.example.org".parse().unwrap(), "b.example.org".parse().unwrap()],
            networks: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            recognition: Recognition::Either,
            quota: Quota { per_second: None, per_day: NonZeroU32::new(5) },
            expires_at: Some(UnixTime(9)),
            keys: vec![made(None), made(Some(UnixTime(8)))],
            note: Some("pays in June".into()),
            created_at: UnixTime(2),
        };
        let record = SubscriberRecord { subscriber, revision: 11 };
        let bytes = record.encode();
        assert_eq!(SubscriberRecord::decode(SubscriberId(7), &bytes).unwrap(), record);
        let key = key.reveal().as_bytes();
        assert!(!bytes.windows(key.len()).any(|window| window == key));
    }
}
