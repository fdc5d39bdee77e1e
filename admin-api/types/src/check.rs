//! Checks of many subjects at once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The subjects to check, and the zones to look in.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckBody {
    /// Addresses, prefixes and domains, at most 1,000.
    #[schema(example = json!(["192.0.2.1", "spam.example"]))]
    pub subjects: Vec<String>,
    /// Where; left out: every zone that lists subjects of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zones: Option<Vec<String>>,
}

/// The results for each subject in each zone of its kind.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct CheckResults {
    /// In the order of the subjects, then of the zones.
    pub results: Vec<CheckResult>,
}

/// The result for one subject in one zone.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct CheckResult {
    /// In its canonical form.
    pub subject: String,
    /// Where.
    pub zone: String,
    /// Whether DNS answers that it is listed; a prefix: whether all of it is covered by a listing.
    pub listed: bool,
    /// The A records.
    pub return_codes: Vec<String>,
    /// The TXT records.
    pub reasons: Vec<String>,
    /// The subject whose listings or exclusion decide; null where nothing is said, and for a test entry.
    pub by: Option<String>,
    /// Whether an exclusion keeps it out.
    pub excluded: bool,
    /// The subject of an allow entry that keeps it out, whatever is said of it; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_by: Option<String>,
    /// Who lists it, or keeps it out; empty where nothing is said, and for a test entry.
    pub sources: Vec<String>,
    /// Of a combined zone: which of itself and the zones that it includes list it; left out where none does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed_in: Vec<String>,
}
