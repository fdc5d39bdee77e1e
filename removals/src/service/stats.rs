//! How many requests there are, which of them are open, and what became of mails.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
};

use dnsbl_types::UnixTime;

use crate::{RemovalId, Request, StateKind, post::PostStats};

/// Counts of requests and mails.
#[derive(Debug, Default)]
pub struct Stats {
    kept: Mutex<Kept>,
    pub(super) post: Arc<PostStats>,
}

/// The requests that are kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    counts: [u64; StateKind::ALL.len()],
    /// Those of which something is to come yet.
    pub(super) open: BTreeMap<RemovalId, Open>,
}

/// An open request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) state: StateKind,
    promised: UnixTime,
}

impl Kept {
    /// Takes note of how a request stands; `None`: it is kept no more. `before` is how it stood, if it was kept.
    pub(super) fn note(
        &mut self,
        id: RemovalId,
        before: Option<StateKind>,
        after: Option<&Request>,
    ) {
        if let Some(before) = before {
            let count = &mut self.counts[before as usize];
            *count = count.saturating_sub(1);
        }
        self.open.remove(&id);
        let Some(request) = after else { return };
        let state = request.state.kind();
        self.counts[state as usize] += 1;
        if state.is_open() {
            self.open.insert(id, Open { state, promised: request.promised() });
        }
    }
}

impl Stats {
    /// How many requests stand how.
    pub fn requests(&self) -> impl Iterator<Item = (StateKind, u64)> {
        let counts = self.kept().counts;
        StateKind::ALL.into_iter().map(move |state| (state, counts[state as usize]))
    }

    /// How many are not answered though they should be by now.
    pub fn overdue(&self, now: UnixTime) -> u64 {
        let is_overdue =
            |open: &&Open| open.state != StateKind::Unconfirmed && open.promised <= now;
        self.kept().open.values().filter(is_overdue).count() as u64
    }

    /// How many mails wait to be sent.
    pub fn mails_queued(&self) -> u64 {
        self.post.queued.load(Relaxed)
    }

    /// Whether the last mail that was tried was not taken.
    pub fn is_mail_failing(&self) -> bool {
        self.post.is_failing.load(Relaxed)
    }

    /// What has become of mails since the start: how many were sent, put off, refused or too old, and never written
    /// since too many waited.
    pub fn mails(&self) -> [(&'static str, u64); 4] {
        [
            ("sent", self.post.sent.load(Relaxed)),
            ("deferred", self.post.deferred.load(Relaxed)),
            ("failed", self.post.failed.load(Relaxed)),
            ("dropped", self.post.dropped.load(Relaxed)),
        ]
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers of the open requests that stand so, oldest first.
    pub(super) fn open(&self, state: StateKind) -> Vec<RemovalId> {
        let kept = self.kept();
        let of_state = kept.open.iter().filter(|(_, open)| open.state == state);
        of_state.map(|(id, _)| *id).collect()
    }
}
