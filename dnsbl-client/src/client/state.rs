//! Keeping health and budgets over a restart.

use std::{
    collections::HashMap,
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::inner::Inner;
use crate::{
    Event, Transport,
    health::saved::{SavedFile, SavedZone},
};

impl<T: Transport> Inner<T> {
    /// Goes on where another run stopped. A file of another version is left alone until it is replaced.
    pub(super) fn restore(&self) -> io::Result<()> {
        let Some(path) = &self.settings.state_file else { return Ok(()) };
        let Some(file) = SavedFile::read(path)? else { return Ok(()) };
        let passed = Duration::from_secs(unix_seconds().saturating_sub(file.saved_at));
        let now = self.now();
        let mut of_that_name: HashMap<&str, Vec<&SavedZone>> = HashMap::new();
        for zone in file.zones.iter().rev() {
            of_that_name.entry(&zone.zone).or_default().push(zone);
        }
        for list in &self.lists {
            let saved = of_that_name.get_mut(list.name().public()).and_then(Vec::pop);
            let Some(saved) = saved else { continue };
            let retry_in = Duration::from_secs(saved.retry_in).saturating_sub(passed);
            let counted_for = Duration::from_secs(saved.counted_for).saturating_add(passed);
            let mut known = list.lock();
            known.monitor.restore(saved.state(), saved.falls, retry_in, now);
            known.budget.restore(saved.used, counted_for, now);
        }
        Ok(())
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
        if let Err(err) = file.write(path) {
            self.tell(Some(Event::StateNotSaved { error: err.to_string() }));
        }
    }
}

/// The wall clock, which alone goes on while nothing runs. A jump of it costs a probe or a day's budget.
fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
