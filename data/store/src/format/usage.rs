//! Usage of subscribers, what is spent of daily quotas, when tokens were last used, and how far those have come who follow
//! the change log. It is no part of that log.

use std::net::IpAddr;

use dnsbl_types::{Day, Labels, Name, SubscriberId, UnixTime, Usage};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    format::{
        codec,
        document::{DocumentId, DocumentKind},
    },
};

/// What a subscriber asked of a zone on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// The day.
    pub day: Day,
    /// Who asked.
    pub subscriber: SubscriberId,
    /// The origin of the zone.
    pub zone: Name,
    /// How much.
    pub usage: Usage,
}

/// What is spent of quotas of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The day.
    pub day: Day,
    /// Questions of subscribers.
    pub subscribers: Vec<(SubscriberId, u32)>,
    /// Questions of others, by what stands for an address, a network or a zone.
    pub others: Vec<(u64, u32)>,
}

/// The last use of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// The public id of the token.
    pub token: String,
    /// When.
    pub at: UnixTime,
    /// From where; `None`: over a Unix socket.
    pub from: Option<IpAddr>,
}

/// The key by which others are known.
pub(crate) const QUOTA_KEY: &[u8] = b"k";
/// The day whose quotas are spent.
pub(crate) const SPENT_DAY: &[u8] = b"d";
/// In front of what others have spent.
pub(crate) const OTHERS: u8 = b'q';
/// In front of what subscribers have spent.
pub(crate) const SUBSCRIBERS: u8 = b's';
/// In front of the last uses of tokens.
pub(crate) const TOKENS: u8 = b't';
/// In front of bookmarks.
const BOOKMARKS: u8 = b'b';
/// In front of usage.
const USAGE: u8 = b'u';

/// A row's counts.
#[derive(Serialize, Deserialize)]
struct UsageValue {
    questions: u64,
    listed: u64,
    refused: u64,
}

/// The first key of a day, or of a subscriber on it.
pub(crate) fn usage_from(day: Day, subscriber: Option<SubscriberId>) -> Vec<u8> {
    let mut key = vec![USAGE];
    key.extend(day.0.to_be_bytes());
    key.extend(subscriber.iter().flat_map(|id| id.0.to_be_bytes()));
    key
}

/// The first key behind those of a day.
pub(crate) fn usage_behind(day: Day) -> Vec<u8> {
    match day.0.checked_add(1) {
        Some(next) => usage_from(Day(next), None),
        None => vec![USAGE + 1],
    }
}

/// The key of what a subscriber asked of a zone on a day.
pub(crate) fn usage_key(day: Day, subscriber: SubscriberId, zone: &Name) -> Vec<u8> {
    let mut key = usage_from(day, Some(subscriber));
    key.extend(zone.wire());
    key
}

pub(crate) fn usage_value(usage: Usage) -> Vec<u8> {
    let Usage { questions, listed, refused } = usage;
    codec::encode(&UsageValue { questions, listed, refused })
}

pub(crate) fn read_usage_value(bytes: &[u8]) -> Result<Usage, StoreError> {
    let UsageValue { questions, listed, refused } = codec::decode("usage", bytes)?;
    Ok(Usage { questions, listed, refused })
}

pub(crate) fn read_usage(key: &[u8], value: &[u8]) -> Result<UsageRow, StoreError> {
    let unreadable = || StoreError::unreadable("usage key", format!("{key:x?}"));
    let (&[kind, ref day @ ..], rest) = key.split_first_chunk::<5>().ok_or_else(unreadable)?;
    let (id, wire) = rest.split_first_chunk::<8>().ok_or_else(unreadable)?;
    if kind != USAGE || wire.is_empty() {
        return Err(unreadable());
    }
    let zone = Name::from_labels(Labels::before(wire, 1)).ok().filter(|zone| zone.wire() == wire);
    Ok(UsageRow {
        day: Day(u32::from_be_bytes(*day)),
        subscriber: SubscriberId(u64::from_be_bytes(*id)),
        zone: zone.ok_or_else(unreadable)?,
        usage: read_usage_value(value)?,
    })
}

/// The key of what somebody has spent.
pub(crate) fn spent_key(kind: u8, who: u64) -> [u8; 9] {
    let mut key = [kind; 9];
    key[1..].copy_from_slice(&who.to_be_bytes());
    key
}

pub(crate) fn read_spent_key(key: &[u8]) -> Result<u64, StoreError> {
    match key.split_first() {
        Some((_, who)) if who.len() == 8 => {
            Ok(who.iter().fold(0, |all, &byte| all << 8 | u64::from(byte)))
        }
        _ => Err(StoreError::unreadable("spent quota", format!("{key:x?}"))),
    }
}

/// The key of the last use of a token.
pub(crate) fn token_key(id: &str) -> Vec<u8> {
    [&[TOKENS], id.as_bytes()].concat()
}

pub(crate) fn token_value(used: &TokenUse) -> Vec<u8> {
    codec::encode(&(used.at.0, used.from))
}

pub(crate) fn read_token_use(id: &str, value: &[u8]) -> Result<TokenUse, StoreError> {
    let (at, from): (u64, Option<IpAddr>) = codec::decode("last use of a token", value)?;
    Ok(TokenUse { token: id.into(), at: UnixTime(at), from })
}

/// The key of the bookmark of who follows the change log as a document says.
pub(crate) fn bookmark_key(kind: &DocumentKind, id: &DocumentId) -> Vec<u8> {
    [&[BOOKMARKS], kind.as_str().as_bytes(), b" ", id.as_str().as_bytes()].concat()
}

/// A number as these rows have it: a day, or questions.
pub(crate) fn number(number: u32) -> Vec<u8> {
    codec::encode(&number)
}

pub(crate) fn read_number(bytes: &[u8]) -> Result<u32, StoreError> {
    codec::decode("spent quota", bytes)
}
