//! Undoing changes, purging listings, and sources that are frozen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which change is to be undone: by its sequence number, or by the id of an import, a purge or an undo of many listings.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoBody {
    /// Its sequence number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 17)]
    pub seq: Option<u64>,
    /// The id that an import or a purge answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "0000002a")]
    pub import: Option<String>,
}

/// What an undo did, or would do.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct UndoResult {
    /// The change that was undone.
    pub undone: u64,
    /// Listings that came back.
    pub added: u64,
    /// Listings that are what they were.
    pub updated: u64,
    /// Listings that went.
    pub removed: u64,
    /// The change that the undo is; the head of the log where it was only tried.
    pub seq: u64,
}

/// What is to be purged: listings of which all holds that is said here.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurgeBody {
    /// In these zones.
    #[schema(example = json!(["bl.example.org"]))]
    pub zones: Vec<String>,
    /// By this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// With this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// As this import wrote them; what was changed since is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<String>,
    /// Listed at this time or later (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_from: Option<String>,
    /// Listed before this time (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_until: Option<String>,
    /// How many will go, as a dry run says; where it would be more or fewer, none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
}

/// What a purge removed, or would remove.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct PurgeResult {
    /// How many listings and exclusions.
    pub count: u64,
    /// Of which sources.
    pub sources: Vec<PurgedSource>,
    /// The change that the purge is, by which it can be undone; the head of the log where nothing changed.
    pub seq: u64,
}

/// What a purge removed of a source.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct PurgedSource {
    /// In which zone.
    pub zone: String,
    /// Whose.
    pub source: String,
    /// How many listings.
    pub listings: u64,
    /// How many exclusions.
    pub exclusions: u64,
}

/// The facts of a problem where a purge was not confirmed, or would remove another number of listings.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PurgeProblem {
    /// How many would go.
    pub count: u64,
    /// Of which sources.
    pub sources: Vec<PurgedSource>,
}

/// Whether a source is to be frozen.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceBody {
    /// Whether it takes no writes.
    pub frozen: bool,
    /// Why; needed to freeze.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The sources of a zone.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Sources {
    /// By name.
    pub sources: Vec<SourceState>,
}

/// A source of a zone.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct SourceState {
    /// In which zone.
    pub zone: String,
    /// Its name.
    pub source: String,
    /// Whether it takes no writes; what it lists stays.
    pub frozen: bool,
    /// Since when it is frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Who froze it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When it was last imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported_at: Option<String>,
}

/// An undo in the feed.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct UndoChange {
    /// The change that was undone.
    pub seq: u64,
    /// What became of many listings; null where lines with the same `seq` say what became of single ones.
    pub listings: Option<BulkChange>,
}

/// A change of many listings of a source in the feed; they are in the export.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct BulkChange {
    /// Its id.
    pub id: String,
    /// Listings that came.
    pub added: u64,
    /// Listings that changed.
    pub updated: u64,
    /// Listings that went.
    pub removed: u64,
}
