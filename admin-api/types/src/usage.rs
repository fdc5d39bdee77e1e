//! Who asks how much.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A number of questions.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsageCounts {
    /// All of them.
    pub questions: u64,
    /// Those for something that is listed.
    pub listed: u64,
    /// Those that were refused.
    pub refused: u64,
}

/// What was asked of a zone on a day.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsageDay {
    /// The day in UTC, as `2030-01-31`.
    pub day: String,
    /// The zone.
    pub zone: String,
    /// How much.
    #[serde(flatten)]
    pub counts: UsageCounts,
}

/// What a subscriber asked. What came within the last 20 seconds may be missing.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
pub struct SubscriberUsage {
    /// Its id.
    pub subscriber: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// All days and zones together.
    pub total: UsageCounts,
    /// By day and zone; a day on which nothing was asked is left out.
    pub days: Vec<UsageDay>,
    /// What it has asked of its daily quota; absent once it is no subscriber any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub today: Option<QuotaToday>,
}

/// What is asked of a daily quota, at this moment.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuotaToday {
    /// The day in UTC.
    pub day: String,
    /// Questions that were charged to the quota; 0 where there is none.
    pub asked: u32,
    /// The quota, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
    /// How much of it is used, in percent, rounded down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u64>,
}

/// What all subscribers asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsageSummary {
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// All of it together.
    pub total: UsageCounts,
    /// By day and zone.
    pub days: Vec<UsageDay>,
    /// Who asked most, all days and zones together.
    pub subscribers: Vec<SubscriberTotal>,
}

/// What a subscriber asked, all days and zones together.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
pub struct SubscriberTotal {
    /// Its id.
    pub subscriber: String,
    /// How much.
    #[serde(flatten)]
    pub counts: UsageCounts,
}

/// Who asks most, by samples of all queries.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
pub struct Top {
    /// The day in UTC.
    pub day: String,
    /// Of so many queries one was counted, and stands for all of them.
    pub sampled_one_in: u32,
    /// Samples that were not counted since the server started, as too many came at once.
    pub lost: u64,
    /// Who, most first.
    pub entries: Vec<TopEntry>,
}

/// One who asks much.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
pub struct TopEntry {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The /24, or /48 of IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The id of the subscriber.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscriber: Option<String>,
    /// The zone, where one is asked for; empty for queries outside all zones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Why it was denied: `rule`, `key`, `no-subscriber` or `quota`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denial: Option<String>,
    /// About how many questions, at most.
    pub questions: u64,
    /// By how much that may be too high, since others had its place before.
    pub error: u64,
    /// About how many of them were for something that is listed.
    pub listed: u64,
    /// About how many of them were denied.
    pub denied: u64,
}
