//! Feeds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ImportCounts, Warning};

/// A feed as it shall be.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedBody {
    /// The zone that lists what it has.
    #[schema(example = "bl.example.org")]
    pub zone: String,
    /// Whose listings they are, all of that source's. Default the feed's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// A file or folder on the server, in one of `feeds.folders`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// An http or https URL, which may name a user and password.
    #[schema(example = "https://lists.example.net/drop.json")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A format of imports. Default `auto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The type of a data set of rbldnsd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Where the subjects stand in csv, ndjson and json.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Seconds between two attempts, 10 to 2592000. Default 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The share of the source's listings that may go with one run, 0 to 1. Default 0.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_removed: Option<f64>,
    /// The share of rows that may be rejected, 0 to 1. Default 0.05.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rejected: Option<f64>,
    /// Seconds for which a row is listed at least after the last run that had it. Default: until a run lacks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// Guards that do not hold; needs guards:override.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#override: Option<Vec<String>>,
    /// Whether the URL may lead to special-use addresses; needs guards:override. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_private: Option<bool>,
}

/// A feed as it is.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Feed {
    /// Its name.
    pub name: String,
    /// The zone that lists what it has.
    pub zone: String,
    /// Whose listings they are.
    pub source: String,
    /// The file or folder.
    pub path: Option<String>,
    /// The URL, without what may be secret in it.
    pub url: Option<String>,
    /// The format.
    pub format: String,
    /// The type of a data set of rbldnsd.
    pub dataset: Option<String>,
    /// Where the subjects stand.
    pub field: Option<String>,
    /// Seconds between two attempts.
    pub every: u64,
    /// The share of the source's listings that may go with one run.
    pub max_removed: f64,
    /// The share of rows that may be rejected.
    pub max_rejected: f64,
    /// Seconds for which a row is listed at least after the last run that had it.
    pub expires_in: Option<u64>,
    /// Guards that do not hold.
    pub r#override: Vec<String>,
    /// Whether the URL may lead to special-use addresses.
    pub allow_private: bool,
    /// Whether it stands in the server's configuration, where alone it can be changed.
    pub configured: bool,
    /// What came of it.
    pub status: FeedStatus,
}

/// What came of a feed.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct FeedStatus {
    /// `waiting` for its first attempt, `ok`, or `failing`.
    #[schema(example = "ok")]
    pub state: String,
    /// Whether an attempt is being made.
    pub running: bool,
    /// When the last attempt was made.
    pub last_attempt: Option<String>,
    /// When it was last there and whole.
    pub last_success: Option<String>,
    /// When it was last imported, as it had changed or its rows were to be renewed.
    pub last_import: Option<String>,
    /// When the next attempt is due; files are watched besides.
    pub next_attempt: String,
    /// Attempts that failed since the server started.
    pub failures: u64,
    /// Why it does not succeed, if so; its listings stay as they are.
    pub failing: Option<FeedFailure>,
    /// What the last import did.
    pub imported: Option<FeedImport>,
}

/// Attempts that failed, one after the other.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct FeedFailure {
    /// Since when.
    pub since: String,
    /// How often.
    pub times: u64,
    /// Why the last one did, in a word.
    #[schema(example = "unreachable")]
    pub reason: String,
    /// The same in words.
    pub detail: String,
    /// Rows that were not understood.
    pub notes: Vec<Warning>,
}

/// What an import of a feed did.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct FeedImport {
    /// Its id.
    pub id: String,
    /// Its change.
    pub seq: u64,
    /// How many rows did what.
    #[serde(flatten)]
    pub counts: ImportCounts,
    /// What was not understood, or may not be what was meant.
    pub notes: Vec<Warning>,
}

/// All feeds.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Feeds {
    /// By name.
    pub feeds: Vec<Feed>,
}
