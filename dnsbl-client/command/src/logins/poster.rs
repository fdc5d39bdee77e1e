//! Logins on their way to the server.

use std::{path::PathBuf, time::Instant};

use tokio::{
    select,
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::{reader::Reading, waiting::Waiting};
use crate::{
    api::{Outbox, Seldom, Totals, UPKEEP},
    mail_log::{Batch, Saved, save_state},
};

/// The one that posts logins.
pub(super) struct Poster {
    outbox: Outbox<Waiting>,
    place: KeptPlace,
    /// Logins that are too old, or of a time to come.
    out_of_time: u64,
    out_of_time_trouble: Seldom,
    place_trouble: Seldom,
}

/// The place in the log, as it will be kept.
struct KeptPlace {
    file: Option<PathBuf>,
    /// Of the last batch that was taken.
    read: Option<Saved>,
    kept: Option<Saved>,
}

impl Poster {
    /// A poster of logins; it keeps the place in the log in a file if there is one.
    pub(super) fn new(outbox: Outbox<Waiting>, state_file: Option<PathBuf>) -> Self {
        Self {
            outbox,
            place: KeptPlace { file: state_file, read: None, kept: None },
            out_of_time: 0,
            out_of_time_trouble: Seldom::default(),
            place_trouble: Seldom::default(),
        }
    }

    /// Posts until no more batches come and nothing waits.
    pub(super) async fn run(&mut self, mut batches: mpsc::Receiver<Batch<Reading>>) {
        let mut upkeep = interval(UPKEEP);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_open = true;
        while is_open || !self.outbox.is_idle() {
            select! {
                batch = batches.recv(), if is_open => match batch {
                    Some(batch) => self.take(batch),
                    None => is_open = false,
                },
                () = self.outbox.work() => {}
                _ = upkeep.tick() => self.keep_up(Instant::now()),
            }
        }
    }

    /// Keeps the place in the log if everything up to it was posted or dropped, and tells what became of all.
    pub(super) fn finish(mut self) {
        if !self.outbox.is_idle() {
            tracing::warn!("some logins were not posted before the end");
        }
        self.keep_up(Instant::now());
        let (Totals { posted, refused, dropped }, out_of_time) =
            (self.outbox.totals(), self.out_of_time);
        tracing::info!(posted, refused, dropped, out_of_time, "stopped");
    }

    fn take(&mut self, batch: Batch<Reading>) {
        let mut out_of_time = 0;
        for reading in batch.found {
            match reading {
                Reading::Login(login, at) => self.outbox.push(Waiting { login, at }),
                Reading::OutOfTime => out_of_time += 1,
            }
        }
        self.place.read = batch.saved;
        self.out_of_time += out_of_time;
        if let Some(count) = self.out_of_time_trouble.count(Instant::now(), out_of_time) {
            tracing::warn!(
                count,
                "logins are older than --max-age or of a time to come, and grant nothing; where this goes \
                 on, the log has another time zone or clock"
            );
        }
    }

    fn keep_up(&mut self, now: Instant) {
        self.outbox.tell_dropped(now);
        // What still waits would be lost if the log were gone on with behind it.
        if self.outbox.is_idle()
            && let Err(err) = self.place.keep()
            && let Some(count) = self.place_trouble.count(now, 1)
        {
            tracing::warn!(%err, count, "the place in the log can't be kept in its file");
        }
    }
}

impl KeptPlace {
    fn keep(&mut self) -> std::io::Result<()> {
        if let (Some(file), Some(read)) = (&self.file, self.read)
            && self.kept != self.read
        {
            save_state(&read, file)?;
            self.kept = self.read;
        }
        Ok(())
    }
}
