//! What waits for a reviewer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Listing, RemovalRequest, Report};

/// What waits for a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewKind {
    /// A request for removal.
    Removal,
    /// A report.
    Report,
    /// A listing that somebody has made, and that never expires.
    Listing,
}

/// Something that waits for a reviewer.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ReviewItem {
    /// Its name.
    #[schema(example = "removal-0006a1d2b4c00000")]
    pub id: String,
    /// What it is.
    pub kind: ReviewKind,
    /// For `If-Match`: it changes when the item does, and with each claim.
    #[schema(example = "\"1234\"")]
    pub etag: String,
    /// The zone that it is about.
    pub zone: String,
    /// The subject that it is about.
    pub subject: String,
    /// Since when it waits.
    pub since: String,
    /// Until when it is answered, as was promised; of requests for removal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// Whether it should have been answered by now.
    pub overdue: bool,
    /// Who works on it, if anybody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ReviewClaim>,
    /// What may be decided.
    #[schema(example = json!(["grant", "grant-wider", "refuse"]))]
    pub decisions: Vec<String>,
    /// The request for removal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal_request: Option<RemovalRequest>,
    /// The report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// The listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
}

/// Who works on something, and until when.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ReviewClaim {
    /// The name of the reviewer's token.
    pub by: String,
    /// When the claim ends by itself.
    pub until: String,
}

/// A page of what waits: requests for removal, the oldest first, then reports, the newest first, then listings.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ReviewPage {
    /// What waits.
    pub items: Vec<ReviewItem>,
    /// Where to go on; null where there is no more.
    pub next: Option<String>,
}

/// A claim.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimBody {
    /// How long it holds, `1m` to `24h`. Default `30m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "30m")]
    pub term: Option<String>,
}

/// A decision.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideBody {
    /// One of what may be decided: `grant`, `grant-wider` or `refuse` a request for removal, `confirm` or `refute` a report,
    /// `keep` or `remove` a listing.
    #[schema(example = "grant")]
    pub decision: String,
    /// Why, on one line; what is longer than 1,024 bytes is cut. Whoever asked for a removal is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What came of a decision.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Decided {
    /// The name of what was decided about.
    pub id: String,
    /// What was decided.
    pub decision: String,
    /// The change, for `POST /v1/undo`; left out where nothing had to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The request for removal as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal_request: Option<RemovalRequest>,
    /// The report as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}
