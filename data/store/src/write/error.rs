//! The reasons for which a change is refused, with the facts.

use dnsbl_types::{Name, Source, Subject, SubscriberId};
use ipnet::IpNet;

use crate::{
    PurgedSource, StoreError,
    db::Failure,
    format::{
        document::{DocumentId, DocumentKind},
        freeze::Freeze,
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
    /// The zone takes no listings for now, or any more.
    #[error(
        "zone {zone} is {state}, so nothing more is listed in it; removals and exclusions are taken",
        state = if *.is_retired { "retired" } else { "frozen" }
    )]
    TakesNoListings {
        /// The zone.
        zone: Name,
        /// Whether it has ended.
        is_retired: bool,
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
    /// There is no such allow entry.
    #[error("there is no such allow entry")]
    NoAllowEntry,
    /// There are as many allow entries as there may be.
    #[error("there are {0} allow entries, which is the most")]
    TooManyAllowEntries(usize),
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
    /// A source takes no writes.
    #[error(
        "the source {whose} is frozen in zone {zone} since {since} by {by}: {why}; what it lists stays, and thawing it lets it write again",
        since = .freeze.since.0,
        by = .freeze.by,
        why = .freeze.why
    )]
    Frozen {
        /// The zone.
        zone: Name,
        /// The source.
        whose: Source,
        /// Since when, by whom, why.
        freeze: Freeze,
    },
    /// A purge would remove more or fewer listings than was confirmed.
    #[error("{found} listings would go{confirmed}; nothing was changed", confirmed = in_place_of(.expected))]
    PurgeCount {
        /// How many were confirmed.
        expected: Option<u64>,
        /// How many it would be.
        found: u64,
        /// Of which sources.
        sources: Vec<PurgedSource>,
    },
    /// There never was such a change.
    #[error("there is no change {0}")]
    NoChange(u64),
    /// What an undo of a change needs is gone.
    #[error("what an undo of change {0} needs is no longer kept")]
    NotKept(u64),
    /// There is no way to undo a change.
    #[error("change {of} can't be undone: {why}")]
    NotUndoable {
        /// The change.
        of: u64,
        /// Why.
        why: &'static str,
    },
    /// The zone of a change that is to be undone was deleted.
    #[error("change {of} can't be undone: the zone {zone} that it was about is gone")]
    ZoneGone {
        /// The change.
        of: u64,
        /// The zone.
        zone: Name,
    },
    /// Something later rests on a change that is to be undone.
    #[error(
        "change {of} can't be undone: {what} in zone {zone} is no longer as it left it{later}{more}",
        later = later(.by),
        more = others(.count)
    )]
    Overtaken {
        /// The change.
        of: u64,
        /// The zone.
        zone: Name,
        /// What is no longer so, the first of it.
        what: String,
        /// The later change, where what is there tells.
        by: Option<u64>,
        /// How much of it.
        count: u64,
    },
    /// All that a change did is over.
    #[error("nothing is left to undo of change {0}")]
    NothingToUndo(u64),
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
    #[error(
        "an import, a sweep, a compaction, a change of a subscriber or of an allow entry is a change of its own"
    )]
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

fn in_place_of(expected: &Option<u64>) -> String {
    match expected {
        Some(expected) => format!(", where {expected} were confirmed"),
        None => ", and nobody has confirmed how many".into(),
    }
}

fn later(seq: &Option<u64>) -> String {
    seq.map(|seq| format!("; change {seq} wrote what is there")).unwrap_or_default()
}

fn others(count: &u64) -> String {
    match count {
        0 | 1 => String::new(),
        count => format!(", and {} others", count - 1),
    }
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
