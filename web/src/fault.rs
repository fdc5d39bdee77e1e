//! What is wrong with what somebody typed into a form.

use relay_tester::{TargetError, life::Limit, service::Refusal};

use crate::forms::SealError;

/// A field of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Address,
    Ground,
    Evidence,
    Domain,
    Subject,
    Zone,
    Contact,
    /// None of them: the form as a whole.
    Whole,
}

/// The reason why a form is not taken: the key of a text, and which field it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) field: Field,
    pub(crate) key: &'static str,
    /// Seconds after which it may be tried again, where that would help.
    pub(crate) retry_after: Option<u64>,
}

impl Field {
    /// The id of its element.
    pub(crate) fn id(self) -> Option<&'static str> {
        match self {
            Self::Address => Some("address"),
            Self::Ground => Some("ground"),
            Self::Evidence => Some("evidence"),
            Self::Domain => Some("domain"),
            Self::Subject => Some("subject"),
            Self::Zone => Some("zone"),
            Self::Contact => Some("contact"),
            Self::Whole => None,
        }
    }
}

impl Fault {
    pub(crate) const fn of(field: Field, key: &'static str) -> Self {
        Self { field, key, retry_after: None }
    }

    /// The fault that the tester found; `None` where it is ours, not that of what was typed.
    pub(crate) fn found(refusal: &Refusal) -> Option<Self> {
        use Field::{Address, Domain, Evidence, Ground, Whole};
        let (field, key) = match refusal {
            Refusal::Target(TargetError::NotAnAddress(_)) => (Address, "fault-malformed-address"),
            Refusal::Target(TargetError::EmbeddedIpv4 { .. }) => (Address, "fault-embedded"),
            Refusal::Target(TargetError::SpecialUse { .. } | TargetError::Port(_))
            | Refusal::NotAllowed(_) => (Address, "fault-special"),
            Refusal::Target(TargetError::Own(_)) => (Address, "fault-own"),
            Refusal::OptedOut(_) => (Address, "fault-opted-out"),
            Refusal::Domain(_) => (Domain, "fault-malformed-domain"),
            Refusal::NotItsMx { .. } => (Domain, "fault-not-mx"),
            Refusal::Lookup(_) => (Domain, "fault-lookup"),
            Refusal::NoEvidence => (Evidence, "fault-no-evidence"),
            Refusal::NotListed(_) => (Ground, "fault-not-listed"),
            Refusal::Limited(limited) => {
                let key = match limited.limit {
                    Limit::Address | Limit::Owner => "limit-address",
                    Limit::Delist => "limit-delist",
                    Limit::Network => "limit-network",
                    Limit::Submitter | Limit::Lookups | Limit::Reads => "limit-submitter",
                    Limit::Global | Limit::Waiting => "limit-all",
                };
                let retry_after = Some(limited.retry_after);
                return Some(Self { field: Whole, key, retry_after });
            }
            Refusal::Tier | Refusal::NoZone(_) | Refusal::Records(_) => return None,
        };
        Some(Self::of(field, key))
    }
}

impl From<SealError> for Fault {
    fn from(err: SealError) -> Self {
        Self::of(
            Field::Whole,
            match err {
                SealError::Early => "fault-early",
                SealError::Stale => "fault-stale",
            },
        )
    }
}
