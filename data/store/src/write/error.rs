//! The reasons for which a change is refused, with the facts.

use dnsbl_types::{Name, Source, Subject, SubscriberId};
use ipnet::IpNet;

use crate::{
    StoreError,
    db::Failure,
    format::{
        document::{DocumentId, DocumentKind},
        log::ImportCounts,
    },
};

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such zone.
    #[error("there is no zone {0}")]
    NoZone(Name),
    /// The zone holds listings of the other kind.
    #[error("zone {0} has listings, so its kind can't change; delete the zone first")]
    KindInUse(Name),
    /// A zone that is to be included does not exist.
    #[error("there is no zone {0} to include; make it first")]
    NoInclude(Name),
    /// A zone that is to be included is of another kind.
    #[error("zone {0} can't be included: it is of another kind")]
    IncludeKind(Name),
    /// A zone that is to be included includes others itself.
    #[error("zone {0} can't be included, as it includes others itself; include those in its place")]
    IncludeCombined(Name),
    /// Other zones include the zone.
    #[error(
        "zone {zone} is included by {names}: it stays, is of their kind, and includes no other itself; take it out of their includes first",
        names = list(.by)
    )]
    Included {
        /// The zone.
        zone: Name,
        /// Who includes it.
        by: Vec<Name>,
    },
    /// There is no such token.
    #[error("there is no such token")]
    NoToken,
    /// Another live token has the name.
    #[error(
        "the token {id} is called {name} already, and audit and sources tell tokens apart by their names; revoke that one first, or choose another name"
    )]
    TokenName {
        /// The name of the other one.
        name: String,
        /// Its id.
        id: String,
    },
    /// The token that a new one comes from is gone.
    #[error("the token that asks for another one was revoked or has expired")]
    NoParent,
    /// Too many tokens stand above a new one.
    #[error(
        "{0} tokens stand above this one already, each made with the one before, which is the most"
    )]
    TokenDepth(usize),
    /// No token would be left that has a scope.
    #[error("no live token with the scope {0} would be left")]
    LastToken(&'static str),
    /// There is no such subscriber.
    #[error("there is no such subscriber")]
    NoSubscriber,
    /// A subscriber should ask a zone that there is not.
    #[error("there is no zone {0} that a subscriber could ask")]
    SubscriberZone(Name),
    /// Another live subscriber has the name.
    #[error(
        "the subscriber {id} is called {name} already; delete that one first, or choose another name"
    )]
    SubscriberName {
        /// The name of the other one.
        name: String,
        /// Its id.
        id: SubscriberId,
    },
    /// Another subscriber to one of the zones has the network.
    #[error(
        "{network} is a network of the subscriber {id} ({name}) already, and the two have a zone in common; take it from that one first"
    )]
    SubscriberNetwork {
        /// The network.
        network: IpNet,
        /// The name of the other one.
        name: String,
        /// Its id.
        id: SubscriberId,
    },
    /// There are as many subscribers as there may be.
    #[error("there are {0} subscribers, which is the most")]
    TooManySubscribers(u64),
    /// A subscriber has as many keys as it may.
    #[error(
        "the subscriber has {0} keys that count, which is the most; wait until an old one ends, or end them all at once with an overlap of 0"
    )]
    TooManyKeys(usize),
    /// A subscriber that takes no key should have one.
    #[error("the subscriber is recognized by its networks alone, so a key would be of no use")]
    NoKeys,
    /// `If-Match` or `If-None-Match` does not hold.
    #[error("the precondition does not hold")]
    Precondition,
    /// A document is not the one that was expected.
    #[error("{kind} {id} is not the one that was expected")]
    Stale {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: DocumentId,
        /// The revision that is there; `None` where there is no such document.
        found: Option<u64>,
    },
    /// It names a test entry.
    #[error("this is a test entry of RFC 5782 section 5: it always exists and is no listing")]
    TestEntry,
    /// The subject is not of the zone's kind.
    #[error("the zone does not list subjects of this kind")]
    WrongKind,
    /// With the zone behind it the name is too long.
    #[error("the subject is too long: with the zone's name behind it, it exceeds 255 octets")]
    SubjectTooLong,
    /// The zone has as many sources as it may.
    #[error("the zone has listings of {0} sources, which is the most")]
    TooManySources(usize),
    /// An import that replaces a source would do more harm than good.
    #[error("{why}; nothing was changed")]
    ImportRefused {
        /// Which limit it breaks.
        why: String,
        /// What it would have done.
        counts: ImportCounts,
    },
    /// An import would take away what whoever asks for it may not change.
    #[error(
        "{by} lists {subject}, which this import would remove, and it may change no such prefix; nothing was changed"
    )]
    ImportBeyond {
        /// Whose listing.
        by: Source,
        /// Of what.
        subject: Box<Subject>,
    },
    /// An import, a sweep, a compaction or a change of a subscriber is in one change with other operations.
    #[error("an import, a sweep, a compaction or a change of a subscriber is a change of its own")]
    NotAlone,
    /// More changes wait than the writer takes.
    #[error("too many changes are waiting")]
    Busy,
    /// An earlier write failed, or the store is closing.
    #[error("the store takes no writes: {reason}")]
    Unwritable {
        /// Why.
        reason: String,
        /// Whether the disk is full.
        full: bool,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(names: &[Name]) -> String {
    names.iter().map(Name::to_string).collect::<Vec<_>>().join(", ")
}

impl From<rocksdb::Error> for ChangeError {
    fn from(err: rocksdb::Error) -> Self {
        Self::Store(err.into())
    }
}

impl From<&Failure> for ChangeError {
    fn from(failure: &Failure) -> Self {
        let Failure { reason, full } = failure.clone();
        Self::Unwritable { reason, full }
    }
}
