//! What zones said, and how long that holds. Pure: the clock is a parameter.

mod clock;
mod lifetime;

use std::time::Instant;

pub(crate) use self::clock::Ring;
pub use self::lifetime::CacheLimits;
use crate::{Status, Target};

/// The remembered answer of a zone about a target.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) status: Status,
    pub(crate) fresh_until: Instant,
    pub(crate) stale_until: Instant,
    /// Until when nobody asks again though its time is over: the zone has just failed.
    pub(crate) spared_until: Option<Instant>,
    /// From when on the reason may be asked for; `None` if that is done.
    pub(crate) reason_from: Option<Instant>,
}

/// Whether an answer is still true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    Stale,
}

/// The answers of one zone.
#[derive(Debug)]
pub(crate) struct Cache(Ring<Target, Entry>);

impl Cache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Ring::new(capacity))
    }

    /// What is still true.
    pub(crate) fn fresh(&mut self, target: &Target, now: Instant) -> Option<&Entry> {
        self.0.find(target).map(|entry| &*entry).filter(|entry| now < entry.fresh_until)
    }

    /// What is to be used without asking: what is true, or was when the zone failed a moment ago.
    pub(crate) fn usable(&mut self, target: &Target, now: Instant) -> Option<(&Entry, Age)> {
        let entry = &*self.0.find(target)?;
        if now < entry.fresh_until {
            return Some((entry, Age::Fresh));
        }
        let spared = entry.spared_until.is_some_and(|until| now < until) && now < entry.stale_until;
        spared.then_some((entry, Age::Stale))
    }

    /// A verdict that was true a while ago, for want of a better one.
    pub(crate) fn stale(&mut self, target: &Target, now: Instant) -> Option<&mut Entry> {
        let usable = |entry: &&mut Entry| now < entry.stale_until && entry.status.is_verdict();
        self.0.find(target).filter(usable)
    }

    pub(crate) fn insert(&mut self, target: Target, entry: Entry) {
        self.0.insert(target, entry);
    }

    /// Adds the reason to a listing, or that there is none until then.
    pub(crate) fn set_reason(
        &mut self,
        target: &Target,
        reason: Option<String>,
        again: Option<Instant>,
    ) {
        if let Some(entry) = self.0.find(target)
            && let Status::Listed(listing) = &mut entry.status
        {
            listing.reason = reason;
            entry.reason_from = again;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
