//! Subscribers: who may ask for more than others, or at all.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Quota;

/// A subscriber to be made, or the terms of one.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriberBody {
    /// What it is called: 1 to 100 characters. No other live subscriber has the name, in whatever case.
    pub name: String,
    /// The zones that it may ask, 1 to 64 of those that there are.
    #[schema(example = json!(["bl.example.org"]))]
    pub zones: Vec<String>,
    /// Where it asks from: at most 64 addresses and prefixes. Where they are enough, no other subscriber to
    /// one of its zones has one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["192.0.2.0/24"]))]
    pub networks: Vec<String>,
    /// What it is recognized by. Default `either` where it has networks, else `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recognition: Option<Recognition>,
    /// How much it may ask of all its zones together. Default anything.
    #[serde(default)]
    pub quota: Quota,
    /// From when on it may not ask any more (RFC 3339). Default never. A time that has passed ends it now, and makes
    /// no new subscriber.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The same, in seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// At most 1000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a subscriber is recognized by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Recognition {
    /// A key in the name, wherever it asks from.
    Key,
    /// The network it asks from.
    Networks,
    /// Either.
    Either,
    /// A key in the name, from its networks only.
    Both,
}

/// How a subscriber gets another key.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RotateBody {
    /// For how many seconds the keys that it has count yet, at most 2592000 (30 days). Default 86400 (a day); 0: they
    /// end at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 2_592_000)]
    pub overlap: Option<u64>,
}

/// A subscriber. Its keys are not kept, only their digests.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct Subscriber {
    /// Its number, 16 hexadecimal digits.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The zones that it may ask; one that was deleted since stays here.
    pub zones: Vec<String>,
    /// Where it asks from.
    pub networks: Vec<String>,
    /// What it is recognized by.
    pub recognition: Recognition,
    /// How much it may ask of all its zones together.
    pub quota: Quota,
    /// From when on it may not ask any more; null: never.
    pub expires_at: Option<String>,
    /// What the operator notes.
    pub note: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// The keys that count, the newest first; none where it is recognized by its networks alone.
    pub keys: Vec<SubscriberKey>,
    /// The new key: the label before the zone's name. Only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A key of a subscriber, as far as it is kept.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct SubscriberKey {
    /// What tells it from others: the first 8 hexadecimal digits of its BLAKE3 digest.
    pub fingerprint: String,
    /// When it was made.
    pub created_at: String,
    /// From when on it does not count any more, since another has taken its place; null: it is the newest.
    pub until: Option<String>,
}

/// A page of subscribers.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct SubscriberPage {
    /// By number, which is in no particular order; expired ones too.
    pub subscribers: Vec<Subscriber>,
    /// What to send as `cursor` for the next page; null on the last.
    pub next: Option<String>,
}
