//! A client with so many failures that it will be reported, unless much of it was accepted.

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;

use super::watch::Watch;
use crate::report::{
    body::{Category, Report},
    client::Subject,
    sighting::RecipientHash,
};

/// What is counted of a client that was recognized.
#[derive(Debug)]
pub(super) struct Case {
    recognized: Timestamp,
    first: Timestamp,
    last: Timestamp,
    count: u64,
    accepted: u64,
    /// Those that are counted, where each counts once.
    recipients: HashSet<RecipientHash>,
}

impl Case {
    /// Begins with what was watched, which is something. `is_distinct`: a recipient counts once.
    pub(super) fn new(watch: Watch, is_distinct: bool, accepted: u64, now: Timestamp) -> Self {
        let failures = watch.into_failures();
        let first = failures.front().map_or(now, |(at, _)| *at);
        let count = failures.len() as u64;
        let recipients = failures.into_iter().filter(|_| is_distinct);
        let recipients = recipients.map(|(_, recipient)| recipient).collect();
        Self { recognized: now, first, last: now, count, accepted, recipients }
    }

    /// Adds a failure. Where a recipient counts once, it does as long as so many can be remembered.
    pub(super) fn fail(
        &mut self,
        recipient: RecipientHash,
        is_distinct: bool,
        now: Timestamp,
        most: usize,
        room: &mut usize,
    ) {
        self.last = now;
        if !is_distinct {
            self.count = self.count.saturating_add(1);
        } else if self.recipients.len() < most && *room > 0 && self.recipients.insert(recipient) {
            *room -= 1;
            self.count = self.count.saturating_add(1);
        }
    }

    pub(super) fn accept(&mut self, recipients: u32) {
        self.accepted = self.accepted.saturating_add(u64::from(recipients));
    }

    /// When it is to be reported, if nothing more comes.
    pub(super) fn end(&self, window: Duration, quiet: Duration) -> Timestamp {
        (self.last + quiet).min(self.recognized + window)
    }

    /// Whether so many of a hundred recipients were failures.
    pub(super) fn is_abuse(&self, share: u64) -> bool {
        let all = self.count.saturating_add(self.accepted);
        self.count.saturating_mul(100) >= share.saturating_mul(all)
    }

    pub(super) fn report(&self, subject: Subject, category: Category) -> Report {
        Report {
            subject,
            category,
            count: self.count,
            accepted: self.accepted,
            first_seen: self.first,
            last_seen: self.last,
        }
    }

    /// How many failures are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.recipients.len()
    }
}
