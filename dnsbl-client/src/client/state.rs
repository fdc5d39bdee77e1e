//! Keeping health and budgets over a restart.

use std::{
    collections::HashMap,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::inner::Inner;
use crate::{
    Event, Transport,
    health::saved::{SavedFile, SavedZone},
};

impl<T: Transport> Inner<T> {
    /// Goes on where another run stopped, and tells so. A file of another version is left alone until it
    /// is replaced, and one that can't be read is as good as none.
    pub(super) fn restore(&self) {
        let Some(path) = &self.settings.state_file else { return };
        let file = match SavedFile::read(path) {
            Ok(Some(file)) => file,
            Ok(None) => return,
            Err(err) => {
                let error = err.to_string();
                return self.tell(Some(Event::StateNotRead { path: path.clone(), error }));
            }
        };
        let passed = Duration::from_secs(unix_seconds().saturating_sub(file.saved_at));
        let now = self.now();
        let mut of_that_name: HashMap<&str, Vec<&SavedZone>> = HashMap::new();
        for zone in file.zones.iter().rev() {
            of_that_name.entry(&zone.zone).or_default().push(zone);
        }
        for list in &self.lists {
            let saved = of_that_name.get_mut(list.name().public()).and_then(Vec::pop);
            let Some(saved) = saved else { continue };
            let counted_for = Duration::from_secs(saved.counted_for).saturating_add(passed);
            let mut known = list.lock();
            let from = known.monitor.health(now);
            known.monitor.restore(saved.saved(passed), now);
            known.budget.restore(saved.used, counted_for, now);
            let to = known.monitor.health(now);
            drop(known);
            self.tell_health(list, from, to);
        }
    }

    /// Writes the file. It waits for the disk.
    pub(super) fn save(&self) {
        let Some(path) = &self.settings.state_file else { return };
        let now = self.now();
        let zones = self.lists.iter().map(|list| {
            let known = list.lock();
            SavedZone::new(list.name().public(), known.monitor.saved(now), known.budget.used(now))
        });
        let file = SavedFile {
            version: SavedFile::VERSION,
            saved_at: unix_seconds(),
            zones: zones.collect(),
        };
        let written = file.write(path);
        let told = self.state_unsaved.swap(written.is_err(), Relaxed);
        if let (Err(err), false) = (written, told) {
            let error = err.to_string();
            self.tell(Some(Event::StateNotSaved { path: path.clone(), error }));
        }
    }
}

/// The wall clock, which alone goes on while nothing runs. A jump of it costs a probe or a day's budget.
fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
