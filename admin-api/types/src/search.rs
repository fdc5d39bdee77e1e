//! Searches over several zones, and all that is known of a subject.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AllowEntry, AllowEntryChange, Listing, RelayTest, Report};

/// The answer to a search.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub enum SearchResult {
    /// Without `count`.
    Page(SearchPage),
    /// With `count=1`.
    Count(SearchCount),
}

/// A page of listings of several zones.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct SearchPage {
    /// At most `limit`, by zone, subject and source; fewer, maybe none, where the search has looked for long enough.
    pub listings: Vec<FoundListing>,
    /// What to send as `cursor` for the next page; null on the last, and only there.
    pub next: Option<String>,
}

/// How many listings a search has found.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct SearchCount {
    /// As many were found, from `cursor` on where there was one.
    #[schema(example = 1_204_331)]
    pub count: u64,
    /// Whether there are no more. If not, there are at least so many.
    pub exact: bool,
    /// What to send as `cursor` to count on; null where `exact`.
    pub next: Option<String>,
}

/// A listing, and where it is.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct FoundListing {
    /// The zone.
    #[schema(example = "bl.example.org")]
    pub zone: String,
    /// The listing.
    #[serde(flatten)]
    pub listing: Listing,
}

/// All that is known of a subject, as far as the token may see it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct SubjectHistory {
    /// The address, prefix or domain.
    #[schema(example = "192.0.2.99")]
    pub subject: String,
    /// The zones that list such subjects.
    pub zones: Vec<SubjectInZone>,
    /// Allow entries for it and for what covers it. Left out where they are withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_entries: Option<Vec<AllowEntry>>,
    /// The last reports of it, at most 100, newest first. Left out where they are withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<Vec<Report>>,
    /// The last relay tests of an address, at most 100, newest first. Left out where they are withheld, and where there are none of such
    /// subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_tests: Option<Vec<RelayTest>>,
    /// Past changes of it and of what covers it, newest first. Left out where they are withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<PastChange>>,
    /// What to send as `before` for older changes; null where there are none.
    pub next: Option<u64>,
    /// What the token may not see.
    pub withheld: Vec<Withheld>,
}

/// What is said of a subject in a zone.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct SubjectInZone {
    /// The zone.
    pub zone: String,
    /// Whether DNS lists it; null for a prefix or wildcard, for which nobody can ask.
    pub listed: Option<bool>,
    /// What is said of the subject itself, by source.
    pub listings: Vec<Listing>,
    /// What is said of what covers it, the widest first.
    pub covering: Vec<Listing>,
    /// Whether more is said than fits here: `/v1/search` has all of it.
    pub more: bool,
}

/// A change of a subject.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct PastChange {
    /// Its place in the one order.
    pub seq: u64,
    /// When.
    pub at: String,
    /// `put`, `delete`, `expire`, `allow-put`, `allow-delete` or `allow-expire`.
    pub op: String,
    /// In which zone; null for an allow entry of all zones.
    pub zone: Option<String>,
    /// Of which subject: the one that was asked for, or what covers it.
    pub subject: String,
    /// Of which source; null for an allow entry.
    pub source: Option<String>,
    /// Who did it: the name of the token, or the part of the server.
    pub actor: String,
    /// The token's public id; null also for changes of older releases.
    pub token_id: Option<String>,
    /// Whether the change log still has it: where it has not, what was said is not known any more.
    pub logged: bool,
    /// The listing as it was then; null where it went.
    pub listing: Option<Listing>,
    /// The listing as it was before; null where there was none.
    pub previous: Option<Listing>,
    /// The allow entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_entry: Option<AllowEntryChange>,
}

/// A part that a token may not see.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Withheld {
    /// `allow_entries`, `reports`, `relay_tests`, `changes` or `allow_zones`.
    #[schema(example = "reports")]
    pub part: String,
    /// The scope that shows it; null: a token for other zones.
    #[schema(example = "reports:read")]
    pub needs: Option<String>,
}
