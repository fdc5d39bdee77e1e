//! What can be changed, and what comes of it.

use dnsbl_types::{Listing, ListingBody, Name, Serial, Source, Subject, UnixTime, Zone};

use crate::{Part, PartDone, TokenRecord, import::Staged};

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

/// A change to be decided by the writer.
#[derive(Debug)]
pub enum Change {
    /// Creates a zone or replaces its settings.
    PutZone {
        /// The settings.
        zone: Box<Zone>,
        /// The serial will be at least this one.
        serial_floor: Option<Serial>,
    },
    /// Deletes a zone with all its listings.
    DeleteZone(Name),
    /// Adds or replaces what a source says of a subject.
    PutListing {
        /// Where.
        zone: Name,
        /// Of what.
        subject: Subject,
        /// Who says so.
        source: Source,
        /// What.
        body: ListingBody,
        /// On which condition.
        precondition: Precondition,
    },
    /// Removes what one source says of a subject, or all.
    DeleteListing {
        /// Where.
        zone: Name,
        /// Of what.
        subject: Subject,
        /// Whose.
        sources: Sources,
        /// On which condition; holds for one source only.
        precondition: Precondition,
    },
    /// Several changes of documents and listings, in this order: all of them, as one entry of the log, or
    /// where one can't be made, none.
    Together(Vec<Part>),
    /// Makes a staged import visible.
    CommitImport(Box<Staged>),
    /// Adds a token. Its name must be that of no other live one, and its parent must be live.
    PutToken(TokenRecord),
    /// Revokes a token, and those that were made with it.
    DeleteToken {
        /// Its public id.
        id: String,
        /// A scope that some live token must have afterwards, unless none has it now.
        keep: Option<&'static str>,
    },
    /// Removes rows that have expired; the server does this on its own.
    Sweep,
    /// Moves some rows towards one segment a source; the server does this on its own.
    Fold,
    /// Drops the oldest log entries.
    CompactLog {
        /// Drop what is older than this.
        before: UnixTime,
        /// Drop what is beyond this many bytes, whatever its age.
        max_bytes: u64,
    },
}

/// Whose listings a change is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sources {
    /// One source's.
    One(Source),
    /// Every source's.
    All,
}

/// A condition on the listing as it is (RFC 9110 section 13.1).
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
    /// Whether it holds for a listing with this tag.
    pub fn holds(&self, tag: Option<u64>) -> bool {
        match (self, tag) {
            (Self::None, _) | (Self::Absent, None) => true,
            (Self::Absent, Some(_)) | (Self::Matches(_), None) => false,
            (Self::Matches(tags), Some(tag)) => tags.is_empty() || tags.contains(&tag),
        }
    }
}

/// What an import does to the source's listings that it does not name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ImportMode {
    /// They stay.
    Upsert,
    /// They go, within these limits.
    ReplaceSource(ImportLimits),
}

/// When an import that replaces a source is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImportLimits {
    /// Rows may have been rejected.
    pub allow_rejected: bool,
    /// The share of the source's listings that may go, 0 to 1.
    pub max_removed: f64,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self { allow_rejected: false, max_removed: 0.2 }
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

/// An acknowledged change.
#[derive(Clone, Debug)]
pub struct Done {
    /// Its sequence number; the head of the log where nothing had to change.
    pub seq: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a change.
#[derive(Clone, Debug)]
pub enum Outcome {
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
    /// What came of each part, in their order.
    Together(Vec<PartDone>),
    /// An import was committed, or tried.
    Import(ImportCounts),
    /// So many rows, entries or tokens were removed or moved.
    Count(u64),
}

/// A zone as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRecord {
    /// Its settings.
    pub zone: Zone,
    /// Its serial.
    pub serial: Serial,
    /// How many listings it has, expired ones left out.
    pub listings: u64,
    /// How many exclusions it has, expired ones left out.
    pub exclusions: u64,
}
