//! Extended DNS errors (RFC 8914): why there is no answer, for people who read what `dig` shows.

use super::{
    access::Permission,
    answer::Reply,
    lookup::{Lookup, Matched},
};

/// An extended error, by its number in IANA's registry (RFC 8914 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum ExtendedError {
    /// A listing, or a code, in place of the truth.
    ForgedAnswer = 4,
    /// The store has not been read whole.
    NotReady = 14,
    /// What is listed is kept from this client.
    Filtered = 17,
    /// The zone, or the key, is not for this client, or it asks too much.
    Prohibited = 18,
    /// The name is outside all zones.
    NotAuthoritative = 20,
    /// What is asked for is nothing that we do.
    NotSupported = 21,
}

impl ExtendedError {
    /// The reason for the reply to a question, where there is more to say than it says itself.
    pub(super) fn of(
        lookup: &Lookup<'_>,
        permission: Permission<'_>,
        reply: &Reply<'_>,
    ) -> Option<Self> {
        match (reply, lookup.matched) {
            (Reply::ServFail, Matched::NotLoaded) => Some(Self::NotReady),
            (Reply::Refused, Matched::OutsideZones) => Some(Self::NotAuthoritative),
            (Reply::Refused, _) if matches!(permission, Permission::Refused) => {
                Some(Self::Prohibited)
            }
            (Reply::ForgedA { .. } | Reply::ForgedTxt { .. }, _) => Some(Self::ForgedAnswer),
            (Reply::NxDomain { .. }, _) if matches!(permission, Permission::OwnRecords) => {
                Some(Self::Filtered)
            }
            // A transfer.
            (Reply::Refused, _) => Some(Self::NotSupported),
            _ => None,
        }
    }

    /// The data of the option, without a text.
    pub(super) fn octets(self) -> [u8; 2] {
        (self as u16).to_be_bytes()
    }
}
