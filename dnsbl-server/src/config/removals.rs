//! `[removals]`: as typed, and checked.

use dnsbl_removals::{MailSettings, Settings};
use serde::Deserialize;
use toml::Spanned;

use super::refused::{Refused, refuse, usual};

const DAY: u64 = 86_400;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct RemovalsSpec {
    keep_days: Spanned<u64>,
}

impl Default for RemovalsSpec {
    fn default() -> Self {
        Self { keep_days: usual(Settings::default().keep / DAY) }
    }
}

impl RemovalsSpec {
    pub(super) fn check(&self, mail: Option<MailSettings>) -> Result<Settings, Refused> {
        let days = *self.keep_days.get_ref();
        if !(1..=3660).contains(&days) {
            return refuse("removals.keep-days", self.keep_days.span(), "it is 1 to 3660");
        }
        Ok(Settings { keep: days * DAY, mail })
    }
}
