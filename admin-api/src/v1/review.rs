//! What waits for reviewers.

use admin_api_types as api;
use dnsbl_removals::{Decided, Item, ItemId, ItemKind, Matter, ReviewDecision};
use dnsbl_types::UnixTime;

use super::{listing, removal, report, time};
use crate::precondition::etag;

/// An item as it is shown.
pub(crate) fn write(item: &Item, now: UnixTime) -> api::ReviewItem {
    let due = match &item.matter {
        Matter::Removal(request) => Some(request.promised()),
        Matter::Report(_) | Matter::Listing { .. } => None,
    };
    let kind = item.matter.kind();
    api::ReviewItem {
        id: item.id.to_string(),
        kind: write_kind(kind),
        etag: etag(item.revision),
        zone: item.zone().to_string(),
        subject: item.subject().to_string(),
        since: time::write(item.since()),
        due_at: due.map(time::write),
        overdue: due.is_some_and(|due| due <= now),
        claim: item.claim.as_ref().map(|claim| api::ReviewClaim {
            by: claim.by.clone(),
            until: time::write(claim.until),
        }),
        decisions: kind.decisions().iter().map(|one| one.as_str().to_owned()).collect(),
        removal_request: match &item.matter {
            Matter::Removal(request) => Some(removal::write(request)),
            _ => None,
        },
        report: match &item.matter {
            Matter::Report(one) => Some(report::write(one)),
            _ => None,
        },
        listing: match &item.matter {
            Matter::Listing { listing: one, .. } => Some(listing::write(one)),
            _ => None,
        },
    }
}

/// What came of a decision.
pub(crate) fn write_decided(
    id: &ItemId,
    decision: ReviewDecision,
    decided: &Decided,
) -> api::Decided {
    api::Decided {
        id: id.to_string(),
        decision: decision.as_str().to_owned(),
        seq: decided.seq,
        removal_request: decided.request.as_ref().map(removal::write),
        report: decided.report.as_ref().map(report::write),
    }
}

fn write_kind(kind: ItemKind) -> api::ReviewKind {
    match kind {
        ItemKind::Removal => api::ReviewKind::Removal,
        ItemKind::Report => api::ReviewKind::Report,
        ItemKind::Listing => api::ReviewKind::Listing,
    }
}
