//! The change log: what an entry says, and how it is written.
//!
//! Operations are told apart by their place in [`OpValue`], so new ones come at its end.

use std::{borrow::Cow, iter::Sum};

use dnsbl_types::{
    AllowEntry, Listing, Name, Source, Subscriber, SubscriberId, TokenTerms, UnixTime, Zone,
};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    format::{
        allow_entry::AllowValue,
        codec,
        document::{self, Document, DocumentId, DocumentKind, DocumentValue},
        freeze::{Freeze, FreezeValue},
        row::{ListingRow, Provenance},
        token::{TokenRecord, TokenTermsValue},
        value::{self, FirstSettings, SettingsValue, WriteStamp},
    },
};

/// Who asks for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The token's name, or the part of the server that acts on its own.
    pub name: String,
    /// The token's public id, if it is a token.
    pub token: Option<String>,
    /// Where the request came from, if it came over HTTP.
    pub remote: Option<String>,
}

impl Actor {
    /// What the server itself is called.
    pub const SERVER: &str = "dnsbl-server";

    /// The server itself.
    pub fn server() -> Self {
        Self::part(Self::SERVER)
    }

    /// A part of the server, or whoever acts without a token.
    pub fn part(name: &str) -> Self {
        Self { name: name.into(), token: None, remote: None }
    }
}

/// One request's effect. It holds results, never requests: reading it needs no other state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place in the one order; dense.
    pub seq: u64,
    /// Which history this is; a store restored from a copy begins a new one.
    pub epoch: u64,
    /// When it was written.
    pub at: UnixTime,
    /// The name of the token that asked for it, or of the part of the server that did it.
    pub actor: String,
    /// The public id of that token; `None` also in entries of older releases.
    pub token: Option<String>,
    /// What it did, in order.
    pub ops: Vec<Op>,
}

/// A part of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A zone got these settings.
    PutZone {
        /// The settings.
        zone: Box<Zone>,
        /// The ones before, if it existed.
        previous: Option<Box<Zone>>,
    },
    /// A zone was deleted with all its listings.
    DeleteZone {
        /// Its settings.
        previous: Box<Zone>,
    },
    /// A listing was added or changed.
    Put {
        /// Where.
        zone: Name,
        /// As it now is.
        listing: Box<Listing>,
        /// As it was before.
        previous: Option<Box<Listing>>,
    },
    /// A listing was removed.
    Delete {
        /// Where.
        zone: Name,
        /// As it was.
        previous: Box<Listing>,
        /// By its own expiry.
        expired: bool,
    },
    /// An import was committed.
    Import {
        /// Where.
        zone: Name,
        /// What it was.
        import: Box<ImportSummary>,
    },
    /// Listings of a source were purged.
    Purge {
        /// Where.
        zone: Name,
        /// What went.
        purge: Box<BulkSummary>,
    },
    /// An earlier change was undone. Where that one was of single listings or of settings, the operations behind this
    /// one say what became of them; where it was of many listings, this one says so of one source.
    Undo {
        /// The change that was undone.
        of: u64,
        /// What became of many listings.
        part: Option<Box<UndonePart>>,
    },
    /// A source takes no writes in a zone from now on, or does again.
    PutSource {
        /// Where.
        zone: Name,
        /// Which.
        source: Source,
        /// How it is frozen now.
        frozen: Option<Freeze>,
        /// How it was.
        previous: Option<Freeze>,
    },
    /// A document was written.
    PutDocument {
        /// As it now is.
        document: Box<Document>,
    },
    /// A document was deleted.
    DeleteDocument {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: DocumentId,
    },
    /// A token was added, or is under other terms.
    PutToken {
        /// Its public id.
        id: String,
        /// Its name.
        name: String,
        /// What it may do.
        scopes: Vec<String>,
        /// The sources that it writes as beside its own name.
        sources: Vec<String>,
        /// The token that it was made with.
        parent: Option<String>,
        /// From when on it counts no more; `None` also in entries of older releases.
        expires_at: Option<UnixTime>,
        /// What else limits it.
        terms: Box<TokenTerms>,
    },
    /// A token has another secret.
    RotateToken {
        /// Its public id.
        id: String,
        /// Its name.
        name: String,
        /// Until when the secrets before count; `None`: they ended at once.
        until: Option<UnixTime>,
    },
    /// A token was revoked.
    DeleteToken {
        /// Its public id.
        id: String,
        /// Its name.
        name: String,
    },
    /// A subscriber was added, or has other terms.
    PutSubscriber {
        /// Its number.
        id: SubscriberId,
        /// Its name.
        name: String,
        /// The zones that it may ask.
        zones: Vec<Name>,
        /// From when on it may not ask any more.
        expires_at: Option<UnixTime>,
    },
    /// A subscriber has another key.
    RotateSubscriber {
        /// Its number.
        id: SubscriberId,
        /// Its name.
        name: String,
        /// Until when the keys before count; `None`: they ended at once.
        until: Option<UnixTime>,
    },
    /// A subscriber was deleted.
    DeleteSubscriber {
        /// Its number.
        id: SubscriberId,
        /// Its name.
        name: String,
    },
    /// An allow entry was added or changed.
    PutAllow {
        /// As it now is.
        entry: Box<AllowEntry>,
        /// As it was before.
        previous: Option<Box<AllowEntry>>,
    },
    /// An allow entry was removed.
    DeleteAllow {
        /// As it was.
        previous: Box<AllowEntry>,
        /// By its own expiry.
        expired: bool,
    },
}

/// An import as the log knows it. Its rows are in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSummary {
    /// Its id.
    pub id: String,
    /// Whose listings.
    pub source: Source,
    /// Whether it replaced what the source had listed before.
    pub replaced: bool,
    /// What it did.
    pub counts: ImportCounts,
    /// BLAKE3 over two BLAKE3 digests of what was accepted, hexadecimal. The first is over the plain IPv4
    /// addresses, four bytes each; the second over all other rows, as the lengths of subject and value in
    /// four bytes each and then both. Each in the order of subjects, the last row of each subject.
    pub digest: String,
}

/// A change of many listings of a source, which is no import. Its rows are in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkSummary {
    /// Its id.
    pub id: String,
    /// Whose listings.
    pub source: Source,
    /// What it did.
    pub counts: ImportCounts,
}

/// What an undo did to many listings of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndonePart {
    /// Where.
    pub zone: Name,
    /// What it did.
    pub done: BulkSummary,
}

impl Op {
    /// A subscriber was put.
    pub(crate) fn put_subscriber(subscriber: &Subscriber) -> Self {
        let Subscriber { id, name, zones, expires_at, .. } = subscriber;
        Self::PutSubscriber {
            id: *id,
            name: name.clone(),
            zones: zones.clone(),
            expires_at: *expires_at,
        }
    }

    /// A token was put.
    pub(crate) fn put_token(token: &TokenRecord) -> Self {
        Self::PutToken {
            id: token.id.clone(),
            name: token.name.clone(),
            scopes: token.scopes.clone(),
            sources: token.sources.clone(),
            parent: token.parent.clone(),
            expires_at: token.expires_at,
            terms: Box::new(token.terms.clone()),
        }
    }

    /// The word for it in the change feed and in audit records.
    pub fn word(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::PutZone { .. } => "zone-put",
            Self::DeleteZone { .. } => "zone-delete",
            Self::Put { .. } => "put",
            Self::Delete { expired: false, .. } => "delete",
            Self::Delete { expired: true, .. } => "expire",
            Self::Import { .. } => "import",
            Self::Purge { .. } => "purge",
            Self::Undo { .. } => "undo",
            Self::PutSource { .. } => "source-put",
            Self::PutToken { .. } => "token-put",
            Self::RotateToken { .. } => "token-rotate",
            Self::DeleteToken { .. } => "token-delete",
            Self::PutSubscriber { .. } => "subscriber-put",
            Self::RotateSubscriber { .. } => "subscriber-rotate",
            Self::DeleteSubscriber { .. } => "subscriber-delete",
            Self::PutAllow { .. } => "allow-put",
            Self::DeleteAllow { expired: false, .. } => "allow-delete",
            Self::DeleteAllow { expired: true, .. } => "allow-expire",
            Self::PutDocument { document } => return format!("{}-put", document.kind()).into(),
            Self::DeleteDocument { kind, .. } => return format!("{kind}-delete").into(),
        })
    }

    /// The zone it is about.
    pub fn zone(&self) -> Option<&Name> {
        match self {
            Self::PutZone { zone, .. } | Self::DeleteZone { previous: zone } => Some(&zone.origin),
            Self::PutAllow { entry, .. } | Self::DeleteAllow { previous: entry, .. } => {
                entry.zone.as_ref()
            }
            Self::Put { zone, .. }
            | Self::Delete { zone, .. }
            | Self::Import { zone, .. }
            | Self::Purge { zone, .. }
            | Self::PutSource { zone, .. } => Some(zone),
            Self::Undo { part, .. } => part.as_ref().map(|part| &part.zone),
            Self::PutDocument { .. }
            | Self::DeleteDocument { .. }
            | Self::PutToken { .. }
            | Self::RotateToken { .. }
            | Self::DeleteToken { .. }
            | Self::PutSubscriber { .. }
            | Self::RotateSubscriber { .. }
            | Self::DeleteSubscriber { .. } => None,
        }
    }

    /// The document it is about.
    pub fn document(&self) -> Option<(&DocumentKind, &DocumentId)> {
        match self {
            Self::PutDocument { document } => Some((document.kind(), document.id())),
            Self::DeleteDocument { kind, id } => Some((kind, id)),
            _ => None,
        }
    }

    /// Whether it is but a step of a machine, or what a login grants, which is not audited.
    pub(crate) fn is_step(&self) -> bool {
        match self {
            Self::PutDocument { document } => document.is_step(),
            Self::Put { .. } | Self::Delete { .. } => {
                self.source().is_some_and(|source| source.as_str() == Source::LOGINS)
            }
            _ => false,
        }
    }

    /// The listing it is about, as it now is or as it last was.
    pub fn listing(&self) -> Option<&Listing> {
        match self {
            Self::Put { listing, .. } | Self::Delete { previous: listing, .. } => Some(listing),
            _ => None,
        }
    }

    /// What it is about in its zone, or the name of the token or subscriber, or the document's id.
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::PutToken { name, .. }
            | Self::RotateToken { name, .. }
            | Self::DeleteToken { name, .. }
            | Self::PutSubscriber { name, .. }
            | Self::RotateSubscriber { name, .. }
            | Self::DeleteSubscriber { name, .. } => Some(name.clone()),
            Self::PutDocument { document } => Some(document.id().to_string()),
            Self::DeleteDocument { id, .. } => Some(id.to_string()),
            Self::PutAllow { entry, .. } | Self::DeleteAllow { previous: entry, .. } => {
                Some(entry.subject.to_string())
            }
            Self::Undo { of, .. } => Some(of.to_string()),
            _ => self.listing().map(|listing| listing.subject.to_string()),
        }
    }

    /// The source it is about.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::Import { import, .. } => Some(&import.source),
            Self::Purge { purge, .. } => Some(&purge.source),
            Self::Undo { part, .. } => part.as_ref().map(|part| &part.done.source),
            Self::PutSource { source, .. } => Some(source),
            _ => self.listing().map(|listing| &listing.source),
        }
    }
}

/// What an import did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Subjects that the source did not list.
    pub added: u64,
    /// Subjects of which it said something else.
    pub updated: u64,
    /// Rows that change nothing.
    pub unchanged: u64,
    /// Listings that go.
    pub removed: u64,
    /// Rows that were refused.
    pub rejected: u64,
}

impl Sum for ImportCounts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, counts| Self {
            added: sum.added + counts.added,
            updated: sum.updated + counts.updated,
            unchanged: sum.unchanged + counts.unchanged,
            removed: sum.removed + counts.removed,
            rejected: sum.rejected + counts.rejected,
        })
    }
}

/// A sequence number as it stands in keys.
pub(crate) fn read_seq(bytes: &[u8]) -> Result<u64, StoreError> {
    let bytes =
        bytes.try_into().map_err(|_| StoreError::unreadable("number", format!("{bytes:x?}")))?;
    Ok(u64::from_be_bytes(bytes))
}

/// A listing as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListingValue {
    subject: String,
    source: String,
    row: ListingRow,
    stamp: WriteStamp,
}

impl From<&Listing> for ListingValue {
    fn from(listing: &Listing) -> Self {
        Self {
            subject: listing.subject.to_string(),
            source: listing.source.to_string(),
            row: ListingRow::new(&listing.body, Provenance::OfSegment),
            stamp: WriteStamp::of(listing),
        }
    }
}

impl TryFrom<ListingValue> for Listing {
    type Error = StoreError;

    fn try_from(value: ListingValue) -> Result<Self, StoreError> {
        Ok(Self {
            subject: value.subject.parse()?,
            source: value::source(&value.source)?,
            body: value.row.body()?,
            listed_at: UnixTime(value.stamp.listed_at),
            updated_at: UnixTime(value.stamp.updated_at),
            listed_by: value.stamp.listed_by,
            seq: value.stamp.seq,
        })
    }
}

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
    PutZone(FirstSettings, Option<FirstSettings>),
    DeleteZone(FirstSettings),
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
    PutZoneWithMore(SettingsValue, Option<SettingsValue>),
    DeleteZoneWithMore(SettingsValue),
    PutSubscriber {
        id: u64,
        name: String,
        zones: Vec<String>,
        expires_at: Option<u64>,
    },
    RotateSubscriber {
        id: u64,
        name: String,
        until: Option<u64>,
    },
    DeleteSubscriber {
        id: u64,
        name: String,
    },
    PutAllow(AllowValue, Option<AllowValue>),
    DeleteAllow(AllowValue, bool),
    Purge(BulkValue),
    Undo(u64, Option<BulkValue>),
    PutSource {
        zone: String,
        source: String,
        frozen: Option<FreezeValue>,
        previous: Option<FreezeValue>,
    },
    PutTokenWithTerms {
        id: String,
        name: String,
        scopes: Vec<String>,
        sources: Vec<String>,
        parent: Option<String>,
        expires_at: Option<u64>,
        terms: TokenTermsValue,
    },
    RotateToken {
        id: String,
        name: String,
        until: Option<u64>,
    },
}

#[derive(Serialize, Deserialize)]
struct BulkValue {
    zone: String,
    id: String,
    source: String,
    counts: [u64; 5],
}

impl BulkValue {
    fn new(zone: &Name, bulk: &BulkSummary) -> Self {
        let BulkSummary { id, source, counts } = bulk;
        let (zone, source) = (zone.to_string(), source.to_string());
        Self { zone, id: id.clone(), source, counts: (*counts).into() }
    }

    fn read(self) -> Result<(Name, BulkSummary), StoreError> {
        let Self { zone, id, source, counts } = self;
        let source = value::source(&source)?;
        Ok((value::name(&zone)?, BulkSummary { id, source, counts: counts.into() }))
    }
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
                let previous = previous.as_deref().map(SettingsValue::from);
                Self::PutZoneWithMore((&**zone).into(), previous)
            }
            Op::DeleteZone { previous } => Self::DeleteZoneWithMore((&**previous).into()),
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
            Op::Purge { zone, purge } => Self::Purge(BulkValue::new(zone, purge)),
            Op::Undo { of, part } => {
                let part = part.as_deref();
                Self::Undo(*of, part.map(|part| BulkValue::new(&part.zone, &part.done)))
            }
            Op::PutSource { zone, source, frozen, previous } => Self::PutSource {
                zone: zone.to_string(),
                source: source.to_string(),
                frozen: frozen.as_ref().map(FreezeValue::from),
                previous: previous.as_ref().map(FreezeValue::from),
            },
            Op::PutToken { id, name, scopes, sources, parent, expires_at, terms } => {
                Self::PutTokenWithTerms {
                    id: id.clone(),
                    name: name.clone(),
                    scopes: scopes.clone(),
                    sources: sources.clone(),
                    parent: parent.clone(),
                    expires_at: expires_at.map(|at| at.0),
                    terms: terms.as_ref().into(),
                }
            }
            Op::RotateToken { id, name, until } => Self::RotateToken {
                id: id.clone(),
                name: name.clone(),
                until: until.map(|at| at.0),
            },
            Op::DeleteToken { id, name } => {
                Self::DeleteToken { id: id.clone(), name: name.clone() }
            }
            Op::PutSubscriber { id, name, zones, expires_at } => Self::PutSubscriber {
                id: id.0,
                name: name.clone(),
                zones: zones.iter().map(Name::to_string).collect(),
                expires_at: expires_at.map(|at| at.0),
            },
            Op::RotateSubscriber { id, name, until } => {
                Self::RotateSubscriber { id: id.0, name: name.clone(), until: until.map(|at| at.0) }
            }
            Op::DeleteSubscriber { id, name } => {
                Self::DeleteSubscriber { id: id.0, name: name.clone() }
            }
            Op::PutAllow { entry, previous } => {
                Self::PutAllow((&**entry).into(), previous.as_deref().map(AllowValue::from))
            }
            Op::DeleteAllow { previous, expired } => {
                Self::DeleteAllow((&**previous).into(), *expired)
            }
            Op::PutDocument { document } => Self::PutDocument {
                kind: document.kind().to_string(),
                id: document.id().to_string(),
                document: document.logged_value(),
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
                zone: settings(zone.into())?,
                previous: previous.map(|first| settings(first.into())).transpose()?,
            },
            OpValue::PutZoneWithMore(zone, previous) => Self::PutZone {
                zone: settings(zone)?,
                previous: previous.map(settings).transpose()?,
            },
            OpValue::DeleteZone(previous) => {
                Self::DeleteZone { previous: settings(previous.into())? }
            }
            OpValue::DeleteZoneWithMore(previous) => {
                Self::DeleteZone { previous: settings(previous)? }
            }
            OpValue::Put { zone, listing, previous } => Self::Put {
                zone: name(&zone)?,
                listing: boxed(listing)?,
                previous: previous.map(boxed).transpose()?,
            },
            OpValue::Delete { zone, previous, expired } => {
                Self::Delete { zone: name(&zone)?, previous: boxed(previous)?, expired }
            }
            OpValue::Import { zone, id, source, replaced, counts, digest } => {
                let source = value::source(&source)?;
                let import = ImportSummary { id, source, replaced, counts: counts.into(), digest };
                Self::Import { zone: name(&zone)?, import: Box::new(import) }
            }
            OpValue::Purge(bulk) => {
                let (zone, purge) = bulk.read()?;
                Self::Purge { zone, purge: Box::new(purge) }
            }
            OpValue::Undo(of, part) => {
                let part = part.map(BulkValue::read).transpose()?;
                Self::Undo { of, part: part.map(|(zone, done)| UndonePart { zone, done }.into()) }
            }
            OpValue::PutSource { zone, source, frozen, previous } => Self::PutSource {
                zone: name(&zone)?,
                source: value::source(&source)?,
                frozen: frozen.map(Freeze::from),
                previous: previous.map(Freeze::from),
            },
            OpValue::PutToken { id, name, scopes } => {
                let (sources, parent, expires_at) = (Vec::new(), None, None);
                let terms = Box::default();
                Self::PutToken { id, name, scopes, sources, parent, expires_at, terms }
            }
            OpValue::PutTokenWithSources { id, name, scopes, sources, parent } => {
                let (expires_at, terms) = (None, Box::default());
                Self::PutToken { id, name, scopes, sources, parent, expires_at, terms }
            }
            OpValue::PutTokenWithTerms { id, name, scopes, sources, parent, expires_at, terms } => {
                Self::PutToken {
                    id,
                    name,
                    scopes,
                    sources,
                    parent,
                    expires_at: expires_at.map(UnixTime),
                    terms: Box::new(terms.try_into()?),
                }
            }
            OpValue::RotateToken { id, name, until } => {
                Self::RotateToken { id, name, until: until.map(UnixTime) }
            }
            OpValue::DeleteToken { id, name } => Self::DeleteToken { id, name },
            OpValue::PutSubscriber { id, name: called, zones, expires_at } => Self::PutSubscriber {
                id: SubscriberId(id),
                name: called,
                zones: zones.iter().map(|zone| name(zone)).collect::<Result<_, _>>()?,
                expires_at: expires_at.map(UnixTime),
            },
            OpValue::RotateSubscriber { id, name, until } => {
                Self::RotateSubscriber { id: SubscriberId(id), name, until: until.map(UnixTime) }
            }
            OpValue::DeleteSubscriber { id, name } => {
                Self::DeleteSubscriber { id: SubscriberId(id), name }
            }
            OpValue::PutAllow(entry, previous) => Self::PutAllow {
                entry: Box::new(entry.try_into()?),
                previous: previous.map(AllowEntry::try_from).transpose()?.map(Box::new),
            },
            OpValue::DeleteAllow(previous, expired) => {
                Self::DeleteAllow { previous: Box::new(previous.try_into()?), expired }
            }
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
