//! Calls that come again. Pure: the time is a parameter.
//!
//! A client that gets no reply sends the same call again, with the same xid (RFC 5531 section 5), and must not
//! thereby have logged in twice.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use super::call::AddResult;

#[cfg(test)]
mod tests;

/// A call by what it has in common with its repetitions, and with no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct CallKey {
    pub(super) peer: SocketAddr,
    pub(super) xid: u32,
    pub(super) address: IpAddr,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallState {
    /// Its address is being added.
    UnderWay,
    /// It has been answered.
    Answered(AddResult),
}

/// The calls of late: the duplicate request cache of other RPC servers.
#[derive(Debug)]
pub(super) struct DuplicateRequestCache {
    states: HashMap<CallKey, CallState>,
    /// The calls in `states`, each once, and when it came; the oldest is the first.
    order: VecDeque<(Instant, CallKey)>,
    capacity: usize,
}

impl DuplicateRequestCache {
    /// How long a call is remembered. DRAC's client asks again after 15 seconds and gives up after 25.
    pub(super) const AGE: Duration = Duration::from_secs(30);

    /// A cache that forgets the oldest call when it has `capacity`, at least 1.
    pub(super) fn new(capacity: usize) -> Self {
        Self { states: HashMap::new(), order: VecDeque::new(), capacity }
    }

    /// How far the call has come; `None` if it is new.
    pub(super) fn state(&mut self, key: &CallKey, now: Instant) -> Option<CallState> {
        self.forget_while(|cache| {
            let oldest = cache.order.front();
            oldest.is_some_and(|(came, _)| now.saturating_duration_since(*came) > Self::AGE)
        });
        self.states.get(key).copied()
    }

    /// Remembers a new call.
    pub(super) fn begin(&mut self, key: CallKey, now: Instant) {
        if self.states.insert(key, CallState::UnderWay).is_none() {
            self.order.push_back((now, key));
        }
        self.forget_while(|cache| cache.order.len() > cache.capacity);
    }

    /// Remembers what a call was answered, unless it is forgotten.
    pub(super) fn end(&mut self, key: &CallKey, result: AddResult) {
        if let Some(state) = self.states.get_mut(key) {
            *state = CallState::Answered(result);
        }
    }

    fn forget_while(&mut self, condition: impl Fn(&Self) -> bool) {
        while condition(self) {
            let Some((_, oldest)) = self.order.pop_front() else { return };
            self.states.remove(&oldest);
        }
    }
}
