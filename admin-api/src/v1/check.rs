//! Checks of many subjects at once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CheckBody)]
pub(crate) struct CheckIn {
    /// Addresses, prefixes and domains, at most 1,000.
    #[schema(example = json!(["192.0.2.1", "spam.example"]))]
    pub(crate) subjects: Vec<String>,
    /// Where; left out: every zone that lists subjects of this kind.
    pub(crate) zones: Option<Vec<String>>,
}

/// What is said of each subject in each zone of its kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckResults)]
pub(crate) struct ChecksOut {
    /// In the order of the subjects, then of the zones.
    pub(crate) results: Vec<CheckOut>,
}

/// What is said of one subject in one zone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckResult)]
pub(crate) struct CheckOut {
    /// In its canonical form.
    pub(crate) subject: String,
    /// Where.
    pub(crate) zone: String,
    /// Whether DNS answers that it is listed; a prefix: whether all of it is covered by a listing.
    pub(crate) listed: bool,
    /// The A records.
    pub(crate) return_codes: Vec<String>,
    /// The TXT records.
    pub(crate) reasons: Vec<String>,
    /// The subject whose listings or exclusion decide; null where nothing is said, and for a test entry.
    pub(crate) by: Option<String>,
    /// Whether an exclusion keeps it out.
    pub(crate) excluded: bool,
    /// Who lists it, or keeps it out; empty where nothing is said, and for a test entry.
    pub(crate) sources: Vec<String>,
}
