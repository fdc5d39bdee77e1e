//! What waits for a reviewer.

use std::{fmt, str::FromStr};

use dnsbl_reports::{Comment, Report, ReportId};
use dnsbl_store::Actor;
use dnsbl_types::{Listing, Name, Source, Subject, UnixTime};

use crate::{
    RemovalId, Request,
    ticket::{name_of, parts_of},
};

/// The name of something that waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ItemId {
    /// A request for removal.
    Removal(RemovalId),
    /// A report.
    Report(ReportId),
    /// A listing.
    Listing(ListingKey),
}

/// A listing by what it is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListingKey {
    pub(crate) zone: Name,
    pub(crate) subject: Subject,
    pub(crate) source: Source,
}

/// A text that is no name of something that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an item of the review is removal-…, report-… or listing-…")]
pub struct ItemIdError;

/// A kind of what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A request for removal.
    Removal,
    /// A report.
    Report,
    /// A listing that somebody has made, and that never expires (RFC 6471 section 2.2.1).
    Listing,
}

/// Something that waits for a reviewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub id: ItemId,
    /// The change that wrote it last, or claimed it.
    pub revision: u64,
    /// Who works on it, if anybody does.
    pub claim: Option<Claim>,
    /// What it is.
    pub matter: Matter,
}

/// What it is that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matter {
    /// A request for removal.
    Removal(Box<Request>),
    /// A report.
    Report(Box<Report>),
    /// A listing.
    Listing {
        /// Its zone.
        zone: Name,
        /// The listing.
        listing: Box<Listing>,
    },
}

/// Who works on something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The name of the token.
    pub by: String,
    /// Its public id.
    pub token: Option<String>,
    /// When the claim ends.
    pub until: UnixTime,
}

/// What a reviewer has decided about a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) is_kept: bool,
    pub(crate) by: String,
    pub(crate) at: UnixTime,
    pub(crate) note: Option<Comment>,
    /// The change that had written the listing.
    pub(crate) seq: u64,
}

/// What is decided about an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewDecision {
    /// A request for removal is granted; what covers the subject stays.
    Grant,
    /// It is granted, and what covers the subject goes, too.
    GrantWider,
    /// It is refused.
    Refuse,
    /// A report is true.
    Confirm,
    /// It is false.
    Refute,
    /// A listing stays as it is; it is shown again after a year, or once it has changed.
    Keep,
    /// It goes.
    Remove,
}

/// A text that names no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a decision is grant, grant-wider, refuse, confirm, refute, keep or remove")]
pub struct DecisionError;

impl ItemKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Removal, Self::Report, Self::Listing];

    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Removal => "removal",
            Self::Report => "report",
            Self::Listing => "listing",
        }
    }

    /// What may be decided about one.
    pub const fn decisions(self) -> &'static [ReviewDecision] {
        use ReviewDecision::{Confirm, Grant, GrantWider, Keep, Refuse, Refute, Remove};
        match self {
            Self::Removal => &[Grant, GrantWider, Refuse],
            Self::Report => &[Confirm, Refute],
            Self::Listing => &[Keep, Remove],
        }
    }
}

impl ReviewDecision {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::GrantWider => "grant-wider",
            Self::Refuse => "refuse",
            Self::Confirm => "confirm",
            Self::Refute => "refute",
            Self::Keep => "keep",
            Self::Remove => "remove",
        }
    }
}

impl FromStr for ReviewDecision {
    type Err = DecisionError;

    fn from_str(text: &str) -> Result<Self, DecisionError> {
        let mut all = ItemKind::ALL.into_iter().flat_map(ItemKind::decisions);
        all.find(|decision| decision.as_str() == text).copied().ok_or(DecisionError)
    }
}

impl Item {
    /// The zone that it is about.
    pub fn zone(&self) -> &Name {
        match &self.matter {
            Matter::Removal(request) => &request.zone,
            Matter::Report(report) => &report.zone,
            Matter::Listing { zone, .. } => zone,
        }
    }

    /// The subject that it is about.
    pub fn subject(&self) -> &Subject {
        match &self.matter {
            Matter::Removal(request) => &request.subject,
            Matter::Report(report) => &report.subject,
            Matter::Listing { listing, .. } => &listing.subject,
        }
    }

    /// Since when it waits.
    pub fn since(&self) -> UnixTime {
        match &self.matter {
            Matter::Removal(request) => request.at,
            Matter::Report(report) => report.at,
            Matter::Listing { listing, .. } => listing.updated_at,
        }
    }
}

impl Matter {
    /// Of which kind it is.
    pub fn kind(&self) -> ItemKind {
        match self {
            Self::Removal(_) => ItemKind::Removal,
            Self::Report(_) => ItemKind::Report,
            Self::Listing { .. } => ItemKind::Listing,
        }
    }
}

impl Claim {
    /// Whether it is somebody's.
    pub(crate) fn is_of(&self, actor: &Actor) -> bool {
        self.token == actor.token && self.by == actor.name
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removal(id) => write!(f, "removal-{id}"),
            Self::Report(id) => write!(f, "report-{id}"),
            Self::Listing(ListingKey { zone, subject, source }) => {
                let parts = [zone.to_string(), subject.to_string(), source.to_string()];
                write!(f, "listing-{}", name_of(&parts.each_ref().map(String::as_str)))
            }
        }
    }
}

impl FromStr for ItemId {
    type Err = ItemIdError;

    fn from_str(text: &str) -> Result<Self, ItemIdError> {
        let (kind, id) = text.split_once('-').ok_or(ItemIdError)?;
        match kind {
            "removal" => id.parse().map(Self::Removal).map_err(|_| ItemIdError),
            "report" => id.parse().map(Self::Report).map_err(|_| ItemIdError),
            "listing" => {
                let parts = parts_of(id).ok_or(ItemIdError)?;
                ListingKey::of(&parts).map(Self::Listing).ok_or(ItemIdError)
            }
            _ => Err(ItemIdError),
        }
    }
}

impl ListingKey {
    /// The listing of these parts.
    pub(crate) fn of(parts: &[String]) -> Option<Self> {
        let [zone, subject, source] = parts else { return None };
        Some(Self {
            zone: zone.parse().ok()?,
            subject: subject.parse().ok()?,
            source: source.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let listing = |subject: &str| {
            ItemId::Listing(ListingKey {
                zone: "bl.example.org".parse().unwrap(),
                subject: subject.parse().unwrap(),
                source: "ops.a_b".parse().unwrap(),
            })
        };
        for id in [
            ItemId::Removal(RemovalId(7)),
            ItemId::Report(ReportId(8)),
            listing("192.0.2.0/24"),
            listing("*.example.com"),
            listing("2001:db8::/32"),
        ] {
            let text = id.to_string();
            assert!(text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
            assert_eq!(text.parse(), Ok(id));
        }
        for text in ["", "removal", "removal-7", "listing-", "listing-AAAA", "zone-1"] {
            assert_eq!(text.parse::<ItemId>(), Err(ItemIdError), "{text}");
        }
        for decision in ItemKind::ALL.into_iter().flat_map(ItemKind::decisions) {
            assert_eq!(decision.as_str().parse(), Ok(*decision));
        }
    }
}
