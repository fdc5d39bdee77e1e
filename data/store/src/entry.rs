//! The entries of the change log as they are written.
//!
//! Operations are told apart by their place in [`OpValue`], so new ones come at its end.

use dnsbl_types::{Listing, Name, UnixTime, Zone};
use serde::{Deserialize, Serialize};

use crate::{
    ImportCounts, ImportSummary, LogEntry, Op, StoreError, codec,
    document::{self, DocumentValue},
    value::{ListingValue, SettingsValue},
};

/// An entry as it is written; its sequence number is the key.
#[derive(Serialize, Deserialize)]
struct EntryValue {
    epoch: u64,
    at: u64,
    actor: String,
    token: Option<String>,
    ops: Vec<OpValue>,
}

/// An entry as it was written before tokens were named by their ids.
#[derive(Deserialize)]
struct FirstEntryValue {
    epoch: u64,
    at: u64,
    actor: String,
    ops: Vec<OpValue>,
}

impl From<FirstEntryValue> for EntryValue {
    fn from(FirstEntryValue { epoch, at, actor, ops }: FirstEntryValue) -> Self {
        Self { epoch, at, actor, token: None, ops }
    }
}

#[derive(Serialize, Deserialize)]
enum OpValue {
    PutZone(SettingsValue, Option<SettingsValue>),
    DeleteZone(SettingsValue),
    Put {
        zone: String,
        listing: ListingValue,
        previous: Option<ListingValue>,
    },
    Delete {
        zone: String,
        previous: ListingValue,
        expired: bool,
    },
    Import {
        zone: String,
        id: String,
        source: String,
        replaced: bool,
        counts: [u64; 5],
        digest: String,
    },
    PutToken {
        id: String,
        name: String,
        scopes: Vec<String>,
    },
    DeleteToken {
        id: String,
        name: String,
    },
    PutDocument {
        kind: String,
        id: String,
        document: DocumentValue,
    },
    DeleteDocument {
        kind: String,
        id: String,
    },
    PutTokenWithSources {
        id: String,
        name: String,
        scopes: Vec<String>,
        sources: Vec<String>,
        parent: Option<String>,
    },
}

/// An entry's value.
pub(crate) fn encode_entry(entry: &LogEntry) -> Vec<u8> {
    let value = EntryValue {
        epoch: entry.epoch,
        at: entry.at.0,
        actor: entry.actor.clone(),
        token: entry.token.clone(),
        ops: entry.ops.iter().map(OpValue::from).collect(),
    };
    codec::encode_as(codec::V2, &value)
}

/// Reads what [`encode_entry`] wrote.
pub(crate) fn decode_entry(seq: u64, bytes: &[u8]) -> Result<LogEntry, StoreError> {
    let value = match codec::is_first(bytes) {
        true => codec::decode::<FirstEntryValue>("log entry", bytes)?.into(),
        false => codec::decode_as::<EntryValue>(codec::V2, "log entry", bytes)?,
    };
    let EntryValue { epoch, at, actor, token, ops } = value;
    let ops = ops.into_iter().map(Op::try_from).collect::<Result<_, _>>()?;
    Ok(LogEntry { seq, epoch, at: UnixTime(at), actor, token, ops })
}

impl From<&Op> for OpValue {
    fn from(op: &Op) -> Self {
        match op {
            Op::PutZone { zone, previous } => {
                Self::PutZone((&**zone).into(), previous.as_deref().map(SettingsValue::from))
            }
            Op::DeleteZone { previous } => Self::DeleteZone((&**previous).into()),
            Op::Put { zone, listing, previous } => Self::Put {
                zone: zone.to_string(),
                listing: (&**listing).into(),
                previous: previous.as_deref().map(ListingValue::from),
            },
            Op::Delete { zone, previous, expired } => Self::Delete {
                zone: zone.to_string(),
                previous: (&**previous).into(),
                expired: *expired,
            },
            Op::Import { zone, import } => Self::Import {
                zone: zone.to_string(),
                id: import.id.clone(),
                source: import.source.to_string(),
                replaced: import.replaced,
                counts: import.counts.into(),
                digest: import.digest.clone(),
            },
            Op::PutToken { id, name, scopes, sources, parent } => Self::PutTokenWithSources {
                id: id.clone(),
                name: name.clone(),
                scopes: scopes.clone(),
                sources: sources.clone(),
                parent: parent.clone(),
            },
            Op::DeleteToken { id, name } => {
                Self::DeleteToken { id: id.clone(), name: name.clone() }
            }
            Op::PutDocument { document } => Self::PutDocument {
                kind: document.kind().to_string(),
                id: document.id().to_string(),
                document: (&**document).into(),
            },
            Op::DeleteDocument { kind, id } => {
                Self::DeleteDocument { kind: kind.to_string(), id: id.to_string() }
            }
        }
    }
}

impl TryFrom<OpValue> for Op {
    type Error = StoreError;

    fn try_from(value: OpValue) -> Result<Self, StoreError> {
        let name =
            |text: &str| text.parse::<Name>().map_err(|err| StoreError::unreadable("zone", err));
        let boxed = |listing: ListingValue| Listing::try_from(listing).map(Box::new);
        let settings = |zone: SettingsValue| Zone::try_from(zone).map(Box::new);
        Ok(match value {
            OpValue::PutZone(zone, previous) => Self::PutZone {
                zone: settings(zone)?,
                previous: previous.map(settings).transpose()?,
            },
            OpValue::DeleteZone(previous) => Self::DeleteZone { previous: settings(previous)? },
            OpValue::Put { zone, listing, previous } => Self::Put {
                zone: name(&zone)?,
                listing: boxed(listing)?,
                previous: previous.map(boxed).transpose()?,
            },
            OpValue::Delete { zone, previous, expired } => {
                Self::Delete { zone: name(&zone)?, previous: boxed(previous)?, expired }
            }
            OpValue::Import { zone, id, source, replaced, counts, digest } => {
                let source = crate::value::source(&source)?;
                let import = ImportSummary { id, source, replaced, counts: counts.into(), digest };
                Self::Import { zone: name(&zone)?, import: Box::new(import) }
            }
            OpValue::PutToken { id, name, scopes } => {
                Self::PutToken { id, name, scopes, sources: Vec::new(), parent: None }
            }
            OpValue::PutTokenWithSources { id, name, scopes, sources, parent } => {
                Self::PutToken { id, name, scopes, sources, parent }
            }
            OpValue::DeleteToken { id, name } => Self::DeleteToken { id, name },
            OpValue::PutDocument { kind, id, document } => {
                let document = document.document(document::kind(&kind)?, document::id(&id)?)?;
                Self::PutDocument { document: Box::new(document) }
            }
            OpValue::DeleteDocument { kind, id } => {
                Self::DeleteDocument { kind: document::kind(&kind)?, id: document::id(&id)? }
            }
        })
    }
}

impl From<ImportCounts> for [u64; 5] {
    fn from(counts: ImportCounts) -> Self {
        [counts.added, counts.updated, counts.unchanged, counts.removed, counts.rejected]
    }
}

impl From<[u64; 5]> for ImportCounts {
    fn from([added, updated, unchanged, removed, rejected]: [u64; 5]) -> Self {
        Self { added, updated, unchanged, removed, rejected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_release_before_is_read_without_a_token_id() {
        let op = OpValue::PutToken {
            id: "07".into(),
            name: "feed".into(),
            scopes: vec!["zones:read".into()],
        };
        let old = codec::encode(&(1_u64, 9_u64, "admin", vec![op]));
        let entry = decode_entry(5, &old).unwrap();
        assert_eq!((entry.seq, entry.at, entry.actor.as_str()), (5, UnixTime(9), "admin"));
        assert_eq!(entry.token, None);
        let Op::PutToken { sources, parent, .. } = &entry.ops[0] else { panic!("{entry:?}") };
        assert_eq!((sources.len(), parent.as_deref()), (0, None));
        assert_eq!(decode_entry(5, &encode_entry(&entry)).unwrap(), entry);
    }
}
