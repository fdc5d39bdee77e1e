//! What can be changed, on which condition, and what comes of it.

use std::fmt;

use dnsbl_types::{
    AllowEntry, KeyDigest, Listing, ListingBody, Name, Serial, Source, Subject, Subscriber,
    SubscriberId, Zone,
};

use crate::{
    ChangeError, PurgedSource,
    format::{
        allow_entry::AllowRecord,
        document::{Document, DocumentId, DocumentKind},
        freeze::Freeze,
        idempotency::RequestId,
        log::{Actor, ImportCounts},
        subscriber::SubscriberRecord,
        token::TokenRecord,
    },
    read::state::ZoneRecord,
    write::transaction::Transaction,
};

/// A transaction: operations that are made in this order, all of them as one entry of the log, or where one
/// can't be made, none. Imports, sweeps, compactions and changes of subscribers and allow entries go alone.
#[derive(Debug)]
pub struct Change {
    /// Who asks for it.
    pub actor: Actor,
    /// What shall be done; each sees what those before it leave.
    pub operations: Vec<Operation>,
}

impl Change {
    /// A change of one operation.
    pub fn new(actor: Actor, operation: Operation) -> Self {
        Self { actor, operations: vec![operation] }
    }
}

/// How a change is made, beside what it is.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Only tried: the result is what it would be, and nothing changes.
    pub dry_run: bool,
    /// The request that it carries out, to be remembered with it.
    pub carried: Option<Carried>,
}

/// A request that is carried out by a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// By which it is known again.
    pub request: RequestId,
    /// A digest of all of it.
    pub fingerprint: [u8; 32],
}

/// A part of a [`Change`].
#[derive(Debug)]
pub enum Operation {
    /// Creates a zone or replaces its settings.
    PutZone {
        /// The settings.
        zone: Box<Zone>,
        /// The serial will be at least this one.
        serial_floor: Option<Serial>,
    },
    /// Deletes a zone with all its listings.
    DeleteZone(Name),
    /// Adds or replaces a source's listing of a subject.
    PutListing {
        /// The zone.
        zone: Name,
        /// The subject.
        subject: Subject,
        /// Whose listing.
        source: Source,
        /// What it says.
        body: Box<ListingBody>,
        /// On that source's listing as it is.
        precondition: Precondition,
    },
    /// Removes the listing of a subject by one source, or by all. One that is not there is no error where
    /// none was required.
    DeleteListing {
        /// The zone.
        zone: Name,
        /// The subject.
        subject: Subject,
        /// Whose listings.
        sources: Sources,
        /// On each listing that goes.
        precondition: Precondition,
    },
    /// Writes a document. One that says the same already keeps its revision.
    PutDocument {
        /// As it shall be.
        document: Box<Document>,
        /// On the document as it is; its tag is its revision.
        precondition: Precondition,
    },
    /// Deletes a document. One that is not there is no error where none was required.
    DeleteDocument {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: DocumentId,
        /// On the document as it is; its tag is its revision.
        precondition: Precondition,
    },
    /// Makes a staged import visible ([`Staged::commit`](crate::Staged::commit)).
    CommitImport(StagedImport),
    /// Adds a token, or writes it in the place of the one that it was made from, which the revision tells. Its name
    /// must be that of no other live one, and the parent of a new one must be live.
    PutToken(TokenRecord),
    /// Revokes a token, and those that were made with it.
    DeleteToken {
        /// Its public id.
        id: String,
        /// A scope that some live token must have afterwards, unless none has it now.
        keep: Option<&'static str>,
    },
    /// Adds a subscriber, or replaces the terms of one: its keys, and when it was made, stay as they are.
    PutSubscriber {
        /// As it shall be, [checked](Subscriber::check).
        subscriber: Box<Subscriber>,
        /// On the subscriber as it is; its tag is its revision.
        precondition: Precondition,
    },
    /// Gives a subscriber another key.
    RotateSubscriber {
        /// Which.
        id: SubscriberId,
        /// The digest of the key.
        digest: KeyDigest,
        /// For how many seconds the keys that it has count yet.
        overlap: u64,
        /// On the subscriber as it is; its tag is its revision.
        precondition: Precondition,
    },
    /// Deletes a subscriber.
    DeleteSubscriber {
        /// Which.
        id: SubscriberId,
        /// On the subscriber as it is; its tag is its revision.
        precondition: Precondition,
    },
    /// Makes an allow entry, or replaces one.
    PutAllow {
        /// As it shall be, [checked](AllowEntry::check).
        entry: Box<AllowEntry>,
        /// On the entry as it is; its tag is its revision.
        precondition: Precondition,
    },
    /// Deletes an allow entry.
    DeleteAllow {
        /// Its zone; `None`: it holds for all.
        zone: Option<Name>,
        /// Its subject.
        subject: Subject,
        /// On the entry as it is; its tag is its revision.
        precondition: Precondition,
    },
    /// Removes some rows that have expired, and counts those that it looked at: 0 where none is left. The
    /// server does this on its own.
    Sweep,
    /// Moves some rows towards one segment a source; the server does this on its own.
    CompactSegments,
    /// Freezes a source in a zone, for a reason, so that it takes no writes; `None` thaws it.
    PutSource {
        /// The zone.
        zone: Name,
        /// Which.
        source: Source,
        /// Why it is frozen.
        frozen: Option<String>,
    },
    /// Undoes a change of single listings, of settings or of sources; [`Store::stage_undo`](crate::Store::stage_undo)
    /// says which operation undoes which change.
    Undo {
        /// The change.
        seq: u64,
    },
    /// Forgets what undos of changes of many listings would need.
    ForgetUndo {
        /// The first change of which it is still kept.
        before: u64,
    },
    /// Drops the oldest log entries, never the last one.
    TruncateLog {
        /// The first entry that stays; [`Reader::floor_of_log`](crate::Reader::floor_of_log) finds it.
        floor: u64,
    },
}

impl Operation {
    /// Whether it must be the only one of its change: it reads past what other operations would leave.
    pub(crate) fn stands_alone(&self) -> bool {
        matches!(
            self,
            Self::CommitImport(_)
                | Self::Sweep
                | Self::CompactSegments
                | Self::Undo { .. }
                | Self::ForgetUndo { .. }
                | Self::PutSubscriber { .. }
                | Self::RotateSubscriber { .. }
                | Self::DeleteSubscriber { .. }
                | Self::PutAllow { .. }
                | Self::DeleteAllow { .. }
        )
    }

    /// Whether it may share a batch with other changes: it takes little time, and all that it reads the
    /// batch keeps up to date.
    pub(crate) fn is_batchable(&self) -> bool {
        matches!(
            self,
            Self::PutListing { .. }
                | Self::DeleteListing { .. }
                | Self::PutDocument { .. }
                | Self::DeleteDocument { .. }
        )
    }
}

/// Whose listings an operation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sources {
    /// One source's.
    One(Source),
    /// Every source's.
    All,
}

/// A condition on what is there (RFC 9110 section 13.1). The tag of a listing, a document or a
/// subscriber is the number of the change that wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// None.
    #[default]
    None,
    /// It exists with one of these tags; no tags: with any.
    Matches(Vec<u64>),
    /// It does not exist.
    Absent,
}

impl Precondition {
    /// It exists with this tag.
    pub fn matches(tag: u64) -> Self {
        Self::Matches(vec![tag])
    }

    /// Whether it holds where this tag is found.
    pub fn holds(&self, tag: Option<u64>) -> bool {
        match (self, tag) {
            (Self::None, _) | (Self::Absent, None) => true,
            (Self::Absent, Some(_)) | (Self::Matches(_), None) => false,
            (Self::Matches(tags), Some(tag)) => tags.is_empty() || tags.contains(&tag),
        }
    }
}

/// A change of many listings whose rows lie in the database already, in segments that no zone names yet.
pub struct StagedImport(pub(crate) Box<dyn Commit>);

/// The decision of an operation that another layer makes.
pub(crate) trait Commit: Send {
    /// Plans the operation.
    fn decide(
        self: Box<Self>,
        transaction: &mut Transaction<'_>,
    ) -> Result<OperationResult, ChangeError>;
}

impl fmt::Debug for StagedImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StagedImport(…)")
    }
}

/// An acknowledged change.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its sequence number; the head of the log where nothing had to change.
    pub seq: u64,
    /// The result of each operation, in their order.
    pub results: Vec<OperationResult>,
}

impl Committed {
    /// The result of the first operation, or of the only one; `None` of a change that had none.
    pub fn into_result(self) -> Option<OperationResult> {
        self.results.into_iter().next()
    }
}

/// The result of an [`Operation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationResult {
    /// A zone was put.
    Zone {
        /// It did not exist before.
        created: bool,
        /// The zone as it now is.
        record: Box<ZoneRecord>,
    },
    /// A listing was put.
    Listing {
        /// It did not exist before.
        created: bool,
        /// The listing as it now is.
        listing: Box<Listing>,
    },
    /// A document was put.
    Document {
        /// Its revision: the change that wrote it, an older one where it said the same.
        revision: u64,
    },
    /// A subscriber was put, or has another key; as it now is.
    Subscriber(Box<SubscriberRecord>),
    /// An allow entry was put.
    AllowEntry {
        /// It did not exist before.
        created: bool,
        /// The entry as it now is.
        record: Box<AllowRecord>,
    },
    /// A token was put; as it now is.
    Token(Box<TokenRecord>),
    /// An import was committed, or tried.
    Import(ImportCounts),
    /// Listings were purged, or would be: how many of which sources.
    Purge(Vec<PurgedSource>),
    /// A change was undone, or would be.
    Undone {
        /// The change.
        of: u64,
        /// How many listings came, changed and went.
        counts: ImportCounts,
    },
    /// A source was frozen or thawed: how it is frozen now.
    Source(Option<Freeze>),
    /// So many listings, documents, zones, tokens, subscribers, rows or entries were removed, moved or looked at.
    Count(u64),
}
