//! What a reporter sends, and the reasons for which it is not taken.

use dnsbl_types::{GuardError, Name, ReportCategory, Source, Subject, UnixTime};
use ipnet::IpNet;

use crate::{Comment, Evidence};

/// What a report claims, whoever sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The zone that should list it; `None`: the only one that takes such reports.
    pub zone: Option<Name>,
    /// Of what it speaks.
    pub subject: Subject,
    /// What the subject has done.
    pub category: ReportCategory,
    /// How many events it stands for, at least 1.
    pub count: u64,
    /// When the first of them was seen.
    pub first_seen: Option<UnixTime>,
    /// When the last of them was seen.
    pub last_seen: Option<UnixTime>,
    /// What the reporter says of it.
    pub comment: Option<Comment>,
    /// What was seen.
    pub evidence: Option<Evidence>,
}

/// A report on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The name of the token that it comes with.
    pub reporter: Source,
    /// The network that it comes from; `None` over a Unix socket.
    pub network: Option<IpNet>,
    /// What it claims.
    pub claimed: Claimed,
}

impl Submission {
    /// The network of a reporter's address: its /24, or its /48 of IPv6.
    pub fn network(address: std::net::IpAddr) -> IpNet {
        let len = if address.is_ipv4() { 24 } else { 48 };
        IpNet::new_assert(address, len).trunc()
    }
}

/// The reason for which a report is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such zone.
    #[error("there is no zone {0}")]
    NoZone(Name),
    /// The zone takes no reports.
    #[error("the zone {0} takes no reports; its setting `reports` turns that on")]
    NotTaken(Name),
    /// No zone takes such reports.
    #[error("no zone takes reports of {0}; a zone's setting `reports` turns that on")]
    NoneTakes(Subject),
    /// Several zones take such reports.
    #[error("several zones take reports of {0}: name one")]
    SeveralTake(Subject),
    /// Relays are listed elsewhere.
    #[error("a relay is tested, and then listed in {0}: name that zone, or none")]
    RelayZone(Name),
    /// The zone lists subjects of the other kind.
    #[error("the zone {zone} does not list subjects such as {subject}")]
    Kind {
        /// The zone.
        zone: Name,
        /// The subject.
        subject: Subject,
    },
    /// The name of a listing would be too long for DNS.
    #[error("{subject} is too long: with {zone} behind it, it exceeds 255 octets")]
    TooLong {
        /// The zone.
        zone: Name,
        /// The subject.
        subject: Subject,
    },
    /// It names many at once.
    #[error(
        "{0} names many at once: a report is about an address, an IPv6 prefix of /64 and longer, or a domain"
    )]
    Wide(Subject),
    /// It is a test entry.
    #[error("{0} is a test entry of RFC 5782 section 5: it always exists and is no listing")]
    TestEntry(Subject),
    /// Such subjects are not listed.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// An exclusion or an allow entry keeps it out.
    #[error("{subject} is excluded in {zone}, whatever is reported")]
    Excluded {
        /// The zone.
        zone: Name,
        /// The subject.
        subject: Subject,
    },
    /// Many reports wait.
    #[error("{0} reports wait for a reviewer, which is the most")]
    Full(u64),
    /// Many reports of one reporter wait.
    #[error("{0} reports of this token wait for a reviewer, which is the most")]
    FullForReporter(u64),
    /// Many have reported the same.
    #[error("{count} others have reported {subject} within the window, which is the most")]
    Crowded {
        /// The subject.
        subject: Subject,
        /// How many.
        count: usize,
    },
}

impl Refused {
    /// Its name in metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NoZone(_) | Self::NotTaken(_) | Self::NoneTakes(_) | Self::SeveralTake(_) => {
                "zone"
            }
            Self::RelayZone(_) => "zone",
            Self::Kind { .. }
            | Self::TooLong { .. }
            | Self::Wide(_)
            | Self::TestEntry(_)
            | Self::Guard(_) => "subject",
            Self::Excluded { .. } => "excluded",
            Self::Full(_) | Self::FullForReporter(_) | Self::Crowded { .. } => "full",
        }
    }
}
