//! Keeping health and budgets over a restart.

use std::{
    collections::HashMap,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::shared::Shared;
use crate::{
    Event,
    health::saved::{SavedFile, SavedZone},
};

/// Goes on where another run stopped, and reports so. A file of another version is left alone until it
/// is replaced, and one that can't be read is as good as none.
pub(super) fn restore<T>(shared: &Shared<T>) {
    let Some(path) = &shared.settings.state_file else { return };
    let file = match SavedFile::read(path) {
        Ok(Some(file)) => file,
        Ok(None) => return,
        Err(err) => {
            let error = err.to_string();
            let event = Event::StateNotRead { path: path.clone(), error };
            return shared.settings.notify(Some(event));
        }
    };
    let ago = Duration::from_secs(unix_seconds().saturating_sub(file.saved_at));
    let now = shared.settings.now();
    let mut of_that_name: HashMap<&str, Vec<&SavedZone>> = HashMap::new();
    for zone in file.zones.iter().rev() {
        of_that_name.entry(&zone.zone).or_default().push(zone);
    }
    for zone in &shared.zones {
        let saved = of_that_name.get_mut(zone.name().public()).and_then(Vec::pop);
        if let Some(saved) = saved {
            let effects = zone.lock().restore(saved, ago, now);
            shared.apply(zone, effects);
        }
    }
}

/// Writes the file. It waits for the disk.
pub(super) fn save<T>(shared: &Shared<T>) {
    let Some(path) = &shared.settings.state_file else { return };
    let now = shared.settings.now();
    let zones = shared.zones.iter().map(|zone| zone.lock().saved(zone.name().public(), now));
    let file =
        SavedFile { version: SavedFile::VERSION, saved_at: unix_seconds(), zones: zones.collect() };
    let written = file.write(path);
    let reported = shared.state_unsaved.swap(written.is_err(), Relaxed);
    if let (Err(err), false) = (written, reported) {
        let error = err.to_string();
        shared.settings.notify(Some(Event::StateNotSaved { path: path.clone(), error }));
    }
}

/// The wall clock, which alone goes on while nothing runs. A jump of it costs a probe or a day's budget.
fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
