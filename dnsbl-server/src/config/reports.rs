//! `[reports]`: as typed, and checked.

use dnsbl_reports::Settings;
use serde::Deserialize;
use toml::Spanned;

use super::refused::{Refused, refuse, usual};

const DAY: u64 = 86_400;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct ReportsSpec {
    keep_days: Spanned<u64>,
    keep_evidence_days: Spanned<u64>,
}

impl Default for ReportsSpec {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            keep_days: usual(settings.keep / DAY),
            keep_evidence_days: usual(settings.keep_evidence / DAY),
        }
    }
}

impl ReportsSpec {
    pub(super) fn check(&self) -> Result<Settings, Refused> {
        for (key, days) in [
            ("reports.keep-days", &self.keep_days),
            ("reports.keep-evidence-days", &self.keep_evidence_days),
        ] {
            if !(1..=3660).contains(days.get_ref()) {
                return refuse(key, days.span(), "it is 1 to 3660");
            }
        }
        Ok(Settings {
            keep: self.keep_days.get_ref() * DAY,
            keep_evidence: self.keep_evidence_days.get_ref() * DAY,
        })
    }
}
