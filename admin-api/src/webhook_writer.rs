//! Webhooks are told of changes as those are who follow them.

use admin_api_types::ChangeLine;
use dnsbl_store::{LogEntry, Op, Store};
use dnsbl_types::UnixTime;
use dnsbl_webhooks::{ChangeWriter, SightError};

use crate::{
    rights::Rights,
    scopes::CHANGES_READ,
    v1::change::{self, Sight},
};

/// Puts changes into the lines of `/v1/changes`.
pub struct WebhookWriter(Store);

impl WebhookWriter {
    /// One that asks the store what tokens may see.
    pub fn new(store: Store) -> Self {
        Self(store)
    }
}

impl ChangeWriter for WebhookWriter {
    fn sight(
        &self,
        token: &str,
        now: UnixTime,
    ) -> Result<Box<dyn dnsbl_webhooks::Sight>, SightError> {
        let found = self.0.read(now).live_token(token);
        let found = found.map_err(|err| SightError::Unreadable(err.to_string()))?;
        let rights = found.as_ref().map(Rights::of).filter(|rights| rights.has(CHANGES_READ));
        let rights = rights.ok_or(SightError::Ended)?;
        Ok(Box::new(Sight::of(&rights)))
    }
}

impl dnsbl_webhooks::Sight for Sight {
    fn write(&self, entry: &LogEntry, wanted: &dyn Fn(&Op) -> bool) -> Vec<String> {
        let lines = change::write_some(entry, self, wanted);
        let json = |line: &ChangeLine| {
            serde_json::to_string(line).inspect_err(|err| {
                tracing::error!(seq = entry.seq, %err, "a change can't be written");
            })
        };
        lines.iter().filter_map(|line: &ChangeLine| json(line).ok()).collect()
    }
}
