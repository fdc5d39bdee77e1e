//! Reports, reporters, and the rules of zones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a subject is reported for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportCategory {
    /// It relays for everybody; it is tested, not believed.
    Relay,
    /// It sent spam.
    Spam,
    /// It sent to an address that nobody has.
    SpamTrap,
    /// It tried many recipients that there are not.
    DirectoryHarvest,
    /// It sends bounces and the like to forged senders.
    Backscatter,
    /// It sends or hosts malware.
    Malware,
    /// It sends or hosts phishing.
    Phishing,
    /// It guesses passwords.
    BruteForce,
    /// It breaks a policy, such as that of dynamic addresses.
    Policy,
}

/// What has come of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportState {
    /// It waits for others that say the same, or for a reviewer.
    Waiting,
    /// A listing rests on it, or did.
    Listed,
    /// The relay tester has been asked.
    Testing,
    /// A reviewer has found it true.
    Confirmed,
    /// A reviewer has found it false.
    Refuted,
}

/// A report, as JSON or as a form.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportBody {
    /// An address, an IPv6 prefix of /64 and longer, or a domain; `ip` is the same.
    #[serde(alias = "ip")]
    #[schema(example = "192.0.2.25")]
    pub subject: String,
    /// What it has done.
    pub category: ReportCategory,
    /// The zone that should list it. Default the only one that takes reports of such subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "bl.example.org")]
    pub zone: Option<String>,
    /// How many events it stands for, at least 1. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub count: Option<u64>,
    /// What is to be said of it, on one line; what is longer than 1,024 bytes is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Header fields of a message, or lines of a log; what is longer than 16,384 bytes is cut, and recipients in header
    /// fields are removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// When the first of the events was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// When the last of them was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
}

/// A report as it is kept.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Report {
    /// Its number; later ones are higher.
    #[schema(example = "0006a1d2b4c00000")]
    pub id: String,
    /// What has come of it.
    pub state: ReportState,
    /// Of what it speaks.
    pub subject: String,
    /// What the subject has done.
    pub category: ReportCategory,
    /// The zone that lists it, or would.
    pub zone: String,
    /// How many events it stands for, those of duplicates included.
    pub count: u64,
    /// How often the reporter has said the same since.
    pub duplicates: u32,
    /// When it came.
    pub reported_at: String,
    /// When the reporter last said the same.
    pub repeated_at: String,
    /// Where it is listed: until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_until: Option<String>,
    /// Where it is tested: the relay test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_test: Option<String>,
    /// When the reporter saw the first of the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// When the reporter saw the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// The name of the token that it came with; shown to those who may see reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporter: Option<String>,
    /// The network that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// What the reporter says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What the reporter has seen, as long as that is kept; shown of one report only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// What a reviewer has found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<ReportDecision>,
}

/// What a reviewer has found.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ReportDecision {
    /// The name of the reviewer's token.
    pub by: String,
    /// When.
    pub at: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why a reviewer decides so.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportNote {
    /// On one line; what is longer than 1,024 bytes is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A page of reports, the newest first.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ReportPage {
    /// Without their evidence.
    pub reports: Vec<Report>,
    /// Where to go on; null where there are no more.
    pub next: Option<String>,
}

/// What came of many reports.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ReportsResult {
    /// One for each row, in their order.
    pub results: Vec<ReportRow>,
    /// How many are new.
    pub accepted: u64,
    /// How many say again what the reporter had said.
    pub duplicates: u64,
    /// How many were not taken.
    pub rejected: u64,
}

/// What came of a row.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ReportRow {
    /// The row, from 1 on; a header of CSV and empty lines do not count.
    pub row: u64,
    /// As the report alone would be answered: 201, 200 for a duplicate, or why it was not taken.
    pub status: u16,
    /// The report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What has come of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ReportState>,
    /// Why it was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A reporter's record.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Reporter {
    /// The name of its token.
    pub name: String,
    /// How many reports it has made, without duplicates.
    pub reports: u64,
    /// How often it said again what it had said.
    pub duplicates: u64,
    /// How many a reviewer has found true.
    pub confirmed: u64,
    /// How many a reviewer has found false.
    pub refuted: u64,
    /// Whether its reports count: fewer than three were refuted, or at most a fifth of those that were decided.
    pub counts: bool,
    /// When the first came.
    pub first_report_at: String,
    /// When the last came.
    pub last_report_at: String,
}

/// A page of reporters, by name.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ReporterPage {
    /// The reporters.
    pub reporters: Vec<Reporter>,
    /// Where to go on; null where there are no more.
    pub next: Option<String>,
}

/// When reports list in a zone.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportRules {
    /// The rule of each category; reports of others wait for a reviewer. `relay` has none.
    #[serde(default)]
    #[schema(example = json!({"directory-harvest": {"return_code": "127.0.0.5", "reporters": 2, "expires_in": 86400}}))]
    pub categories: BTreeMap<ReportCategory, ReportRule>,
}

/// What reports of one category do.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportRule {
    /// What is answered. Default the zone's codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_code: Option<String>,
    /// The reason. Default the zone's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many reporters list a subject, 1 to 100. Default 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reporters: Option<u32>,
    /// From how many networks (/24, of IPv6 /48) they must be. Default 2, or 1 where one reporter is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub networks: Option<u32>,
    /// Seconds for which a report counts, and within which the same reporter counts once. Default a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// Seconds for which the first listing lasts, at least `window`; each that follows lasts twice as long. Default a day, or
    /// `window`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// Seconds that no listing exceeds; as long after the end of the last one it begins anew. Default 30 days, or
    /// `expires_in`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest: Option<u32>,
    /// Names of tokens whose reports list by themselves; at most 64. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted: Vec<String>,
}
