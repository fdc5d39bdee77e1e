//! `[webhooks]`: as typed, and checked.

use std::time::Duration;

use dnsbl_webhooks::{Destinations, Patience, Settings};
use serde::Deserialize;
use toml::Spanned;

use super::refused::{Refused, all, duration, refuse};

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct WebhooksSpec {
    allow: Vec<Spanned<String>>,
    timeout: Option<Spanned<String>>,
    retry: Option<Spanned<String>>,
    longest_retry: Option<Spanned<String>>,
    pause_after: Option<Spanned<String>>,
}

impl WebhooksSpec {
    pub(super) fn check(&self) -> Result<Settings, Refused> {
        let usual = Settings::default();
        let read = |key, typed: &Option<Spanned<String>>, usual: u64, least: u64, most: u64| {
            let read = duration(key, typed.as_ref(), Duration::from_secs(usual))?.as_secs();
            match typed {
                Some(typed) if !(least..=most).contains(&read) => {
                    refuse(key, typed.span(), format!("it is {least} to {most} seconds"))
                }
                _ => Ok(read),
            }
        };
        let Patience { first, longest, pause_after } = usual.patience;
        let limit = read("webhooks.timeout", &self.timeout, usual.limit.as_secs(), 1, 300)?;
        let first = read("webhooks.retry", &self.retry, first, 1, 3600)?;
        let longest =
            read("webhooks.longest-retry", &self.longest_retry, longest.max(first), first, 86_400)?;
        let pause_after =
            read("webhooks.pause-after", &self.pause_after, pause_after, 60, 365 * 86_400)?;
        Ok(Settings {
            destinations: Destinations { allowed: all("webhooks.allow", &self.allow)? },
            limit: Duration::from_secs(limit),
            patience: Patience { first, longest, pause_after },
            ..usual
        })
    }
}
