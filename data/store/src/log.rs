//! The change log.

use std::borrow::Cow;

use dnsbl_types::{Listing, Name, Source, UnixTime, Zone};
use rocksdb::ReadOptions;

use crate::{
    Document, DocumentId, DocumentKind, ImportCounts, Reader, StoreError, entry::decode_entry,
    schema,
};

/// Bytes of the log that are read at once, about. Documents make entries large.
const READ_BYTES: usize = 4 << 20;

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
    /// A token was added.
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
    },
    /// A token was revoked.
    DeleteToken {
        /// Its public id.
        id: String,
        /// Its name.
        name: String,
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

impl Op {
    /// The word for it in the change feed and in audit records.
    pub fn word(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::PutZone { .. } => "zone-put",
            Self::DeleteZone { .. } => "zone-delete",
            Self::Put { .. } => "put",
            Self::Delete { expired: false, .. } => "delete",
            Self::Delete { expired: true, .. } => "expire",
            Self::Import { .. } => "import",
            Self::PutToken { .. } => "token-put",
            Self::DeleteToken { .. } => "token-delete",
            Self::PutDocument { document } => return format!("{}-put", document.kind()).into(),
            Self::DeleteDocument { kind, .. } => return format!("{kind}-delete").into(),
        })
    }

    /// The zone it is about.
    pub fn zone(&self) -> Option<&Name> {
        match self {
            Self::PutZone { zone, .. } | Self::DeleteZone { previous: zone } => Some(&zone.origin),
            Self::Put { zone, .. } | Self::Delete { zone, .. } | Self::Import { zone, .. } => {
                Some(zone)
            }
            Self::PutDocument { .. }
            | Self::DeleteDocument { .. }
            | Self::PutToken { .. }
            | Self::DeleteToken { .. } => None,
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

    /// The listing it is about, as it now is or as it last was.
    pub fn listing(&self) -> Option<&Listing> {
        match self {
            Self::Put { listing, .. } | Self::Delete { previous: listing, .. } => Some(listing),
            _ => None,
        }
    }

    /// What it is about in its zone, or the token's name, or the document's id.
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::PutToken { name, .. } | Self::DeleteToken { name, .. } => Some(name.clone()),
            Self::PutDocument { document } => Some(document.id().to_string()),
            Self::DeleteDocument { id, .. } => Some(id.to_string()),
            _ => self.listing().map(|listing| listing.subject.to_string()),
        }
    }

    /// The source it is about.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::Import { import, .. } => Some(&import.source),
            _ => self.listing().map(|listing| &listing.source),
        }
    }
}

impl Reader<'_> {
    /// The last sequence number; 0 before the first change.
    pub fn head(&self) -> Result<u64, StoreError> {
        let mut iter = self.view.iter(schema::LOG, ReadOptions::default());
        iter.seek_to_last();
        let head = iter.key().map(read_seq).transpose()?;
        iter.status()?;
        Ok(head.unwrap_or(0))
    }

    /// The history this is.
    pub fn epoch(&self) -> Result<u64, StoreError> {
        let value = self.view.find(schema::META, b"epoch")?;
        value.map_or(Ok(1), |bytes| read_seq(&bytes))
    }

    /// The oldest entry that is still there; 1 before any compaction.
    pub fn log_floor(&self) -> Result<u64, StoreError> {
        let value = self.view.find(schema::META, b"log_floor")?;
        value.map_or(Ok(1), |bytes| read_seq(&bytes))
    }

    /// At most `limit` entries after `seq`, fewer where they are large, none only behind the last; `None` if
    /// some of those were compacted away.
    pub fn log_after(&self, seq: u64, limit: usize) -> Result<Option<Vec<LogEntry>>, StoreError> {
        self.log_within(seq, limit, READ_BYTES)
    }

    /// The same up to so many bytes, and then the rest of an entry.
    pub(crate) fn log_within(
        &self,
        seq: u64,
        limit: usize,
        bytes: usize,
    ) -> Result<Option<Vec<LogEntry>>, StoreError> {
        if seq.saturating_add(1) < self.log_floor()? {
            return Ok(None);
        }
        let (mut entries, mut read) = (Vec::new(), 0);
        let mut iter = self.view.iter(schema::LOG, ReadOptions::default());
        iter.seek(seq.saturating_add(1).to_be_bytes());
        while let Some((key, value)) = iter.item().filter(|_| entries.len() < limit && read < bytes)
        {
            read += value.len();
            entries.push(decode_entry(read_seq(key)?, value)?);
            iter.next();
        }
        iter.status()?;
        Ok(Some(entries))
    }

    /// One entry, if it is still there.
    pub fn log_entry(&self, seq: u64) -> Result<Option<LogEntry>, StoreError> {
        let value = self.view.find(schema::LOG, &seq.to_be_bytes())?;
        value.map(|bytes| decode_entry(seq, &bytes)).transpose()
    }
}

/// A sequence number as it stands in keys.
pub(crate) fn read_seq(bytes: &[u8]) -> Result<u64, StoreError> {
    let bytes =
        bytes.try_into().map_err(|_| StoreError::unreadable("number", format!("{bytes:x?}")))?;
    Ok(u64::from_be_bytes(bytes))
}
