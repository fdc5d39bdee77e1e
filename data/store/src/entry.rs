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
    ops: Vec<OpValue>,
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
}

/// An entry's value.
pub(crate) fn encode_entry(entry: &LogEntry) -> Vec<u8> {
    codec::encode(&EntryValue {
        epoch: entry.epoch,
        at: entry.at.0,
        actor: entry.actor.clone(),
        ops: entry.ops.iter().map(OpValue::from).collect(),
    })
}

/// Reads what [`encode_entry`] wrote.
pub(crate) fn decode_entry(seq: u64, bytes: &[u8]) -> Result<LogEntry, StoreError> {
    let value: EntryValue = codec::decode("log entry", bytes)?;
    let ops = value.ops.into_iter().map(Op::try_from).collect::<Result<_, _>>()?;
    Ok(LogEntry { seq, epoch: value.epoch, at: UnixTime(value.at), actor: value.actor, ops })
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
            Op::PutToken { id, name, scopes } => {
                Self::PutToken { id: id.clone(), name: name.clone(), scopes: scopes.clone() }
            }
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
            OpValue::PutToken { id, name, scopes } => Self::PutToken { id, name, scopes },
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
