//! What searches find, and what became of a subject.

use admin_api_types as api;
use dnsbl_store::{AuditRecord, Op, PastChange};
use dnsbl_types::{Listing, Name};

use super::{change, listing, time};

/// A listing of a zone as it is shown.
pub(crate) fn write_found(zone: &Name, found: &Listing) -> api::FoundListing {
    api::FoundListing { zone: zone.to_string(), listing: listing::write(found) }
}

/// A change as it is shown.
pub(crate) fn write_past(PastChange { record, op }: PastChange) -> api::PastChange {
    let AuditRecord { seq, at, actor, token, action, zone, subject, source, .. } = record;
    let (listing, previous) = match &op {
        Some(Op::Put { listing, previous, .. }) => (Some(listing), previous.as_ref()),
        Some(Op::Delete { previous, .. }) => (None, Some(previous)),
        _ => (None, None),
    };
    api::PastChange {
        seq,
        at: time::write(at),
        op: action,
        zone,
        subject: subject.unwrap_or_default(),
        source,
        actor,
        token_id: token,
        logged: op.is_some(),
        listing: listing.map(|listing| listing::write(listing)),
        previous: previous.map(|listing| listing::write(listing)),
        allow_entry: op.as_ref().and_then(change::allow_entry_change),
    }
}
