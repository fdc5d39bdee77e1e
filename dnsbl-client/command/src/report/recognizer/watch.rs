//! A client that is watched: failures too few to mean anything, and what was accepted.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use crate::report::sighting::RecipientHash;

/// The failures of a window that goes with the time. There are fewer than make a case.
#[derive(Debug, Default)]
pub(super) struct Watch {
    failures: VecDeque<(Timestamp, RecipientHash)>,
}

/// How many recipients were accepted, over the last window at least and the last two at most.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    current: u64,
    before: u64,
    /// When `current` began.
    since: Option<Timestamp>,
}

impl Watch {
    /// Adds a failure, if there is room for it. `is_distinct`: a recipient counts once.
    pub(super) fn fail(
        &mut self,
        recipient: RecipientHash,
        is_distinct: bool,
        now: Timestamp,
        window: Duration,
        room: &mut usize,
    ) {
        let before = self.failures.len();
        self.failures
            .retain(|(at, known)| *at + window > now && !(is_distinct && *known == recipient));
        *room += before - self.failures.len();
        if *room > 0 {
            *room -= 1;
            self.failures.push_back((now, recipient));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.failures.len()
    }

    pub(super) fn into_failures(self) -> VecDeque<(Timestamp, RecipientHash)> {
        self.failures
    }
}

impl Accepted {
    pub(super) fn add(&mut self, recipients: u32, now: Timestamp, window: Duration) {
        self.turn(now, window);
        self.since.get_or_insert(now);
        self.current = self.current.saturating_add(u64::from(recipients));
    }

    pub(super) fn count(&mut self, now: Timestamp, window: Duration) -> u64 {
        self.turn(now, window);
        self.current.saturating_add(self.before)
    }

    fn turn(&mut self, now: Timestamp, window: Duration) {
        let Some(since) = self.since else { return };
        if since + 2 * window <= now {
            *self = Self::default();
        } else if since + window <= now {
            *self = Self { current: 0, before: self.current, since: Some(since + window) };
        }
    }
}
