//! The state of the list, as visitors may know it.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use dnsbl_types::{Name, UnixTime};

use crate::{
    State,
    reading::{Failure, Reading},
    zones,
};

/// Changes of the state that are remembered.
const KEPT: usize = 20;

/// The state of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) now: UnixTime,
    pub(crate) state: State,
    /// When anything was last listed, removed or set; `None` where the log does not have it any more.
    pub(crate) last_change: Option<UnixTime>,
    /// Changes that are stored and that DNS does not answer with yet.
    pub(crate) behind: u64,
    /// The zones that are shown.
    pub(crate) zones: Vec<ZoneStatus>,
    /// The last changes of the state since the server was started, the newest first.
    pub(crate) changes: Vec<StateChange>,
}

/// The state of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZoneStatus {
    pub(crate) origin: Name,
    pub(crate) serial: u32,
    pub(crate) ttl: u32,
}

/// A change of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StateChange {
    /// When it was noticed.
    pub(crate) at: UnixTime,
    /// What the state is since.
    pub(crate) state: State,
}

/// The changes of the state that were noticed.
#[derive(Debug, Default)]
pub(crate) struct StatusHistory(Mutex<VecDeque<StateChange>>);

impl StatusHistory {
    /// Notes a state, and returns the last changes, the newest first.
    pub(crate) fn note(&self, state: State, now: UnixTime) -> Vec<StateChange> {
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.front().is_none_or(|last| last.state != state) {
            changes.push_front(StateChange { at: now, state });
            changes.truncate(KEPT);
        }
        changes.iter().copied().collect()
    }
}

/// Looks at the state of the list.
///
/// # Errors
/// The store can't be read.
pub(crate) async fn look(
    reading: &Reading,
    history: &StatusHistory,
    now: UnixTime,
) -> Result<Status, Failure> {
    let read = |reader: &dnsbl_store::Reader<'_>| {
        let head = reader.head()?;
        Ok((head, reader.log_entry(head)?.map(|entry| entry.at)))
    };
    let (head, last_change) = reading.read(now, read).await?;
    let state = reading.host.state();
    let snapshot = reading.index.load();
    let zones = zones::shown(&snapshot, &reading.settings).into_iter().map(|zone| ZoneStatus {
        origin: zone.origin().clone(),
        serial: zone.serial().0,
        ttl: zone.settings().ttl,
    });
    Ok(Status {
        now,
        state,
        last_change,
        behind: head.saturating_sub(snapshot.seq()),
        zones: zones.collect(),
        changes: history.note(state, now),
    })
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use super::{KEPT, StateChange, StatusHistory};
    use crate::State;

    #[test]
    fn a_state_is_noted_when_it_changes_and_old_ones_are_forgotten() {
        let history = StatusHistory::default();
        history.note(State::Loading, UnixTime(1));
        history.note(State::Serving, UnixTime(2));
        let changes = history.note(State::Serving, UnixTime(3));
        let change = |at, state| StateChange { at: UnixTime(at), state };
        assert_eq!(changes, [change(2, State::Serving), change(1, State::Loading)]);
        for at in 0..100 {
            let state = if at % 2 == 0 { State::ReadOnly } else { State::Serving };
            history.note(state, UnixTime(10 + at));
        }
        assert_eq!(history.note(State::Serving, UnixTime(200)).len(), KEPT);
    }
}
