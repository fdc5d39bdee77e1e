//! What comes of a log as it grows, batch by batch.

use std::{
    io,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::{
    select,
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::follow::{Begin, Follower, FollowerError, Saved, lines_of_input};

/// How often a log is looked at.
const POLL: Duration = Duration::from_millis(200);
/// For how long a log may be away before it is told: a rotation leaves a gap.
const GAP: Duration = Duration::from_secs(5);
/// How many batches wait to be taken.
const BATCHES: usize = 16;

/// A log.
#[derive(Debug)]
pub(crate) enum Log {
    /// A file that is followed by its name.
    File(PathBuf, Begin),
    /// Standard input.
    Input,
}

/// A reader of lines.
pub(crate) trait LineReader: Send + 'static {
    /// What a line may come to.
    type Found: Send + 'static;

    /// Reads a line. `is_new`: it was written while the log was followed.
    fn read(&mut self, line: &[u8], is_new: bool, now: Timestamp) -> Option<Self::Found>;
}

/// What some lines come to.
#[derive(Debug)]
pub(crate) struct Batch<F> {
    /// In the order of the lines.
    pub(crate) found: Vec<F>,
    /// How far the log was read.
    pub(crate) saved: Option<Saved>,
}

impl Log {
    /// Reads it until it is told to stop or the input ends.
    pub(crate) fn read<R: LineReader>(
        self,
        reader: R,
        stop: CancellationToken,
    ) -> mpsc::Receiver<Batch<R::Found>> {
        let (sender, batches) = mpsc::channel(BATCHES);
        match self {
            Self::File(path, begin) => {
                let (follower, opened) = Follower::open(path, begin);
                if let Err(err) = opened {
                    tracing::warn!(%err, "the log is not there yet");
                }
                tokio::spawn(follow(follower, reader, sender, stop));
            }
            Self::Input => {
                tokio::spawn(read_input(reader, sender, stop));
            }
        }
        batches
    }
}

/// Follows a file until it is told to stop; what is there then is read first.
async fn follow<R: LineReader>(
    mut follower: Follower,
    mut reader: R,
    batches: mpsc::Sender<Batch<R::Found>>,
    stop: CancellationToken,
) {
    let mut ticks = interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut absence = Absence::default();
    let mut told = None;
    loop {
        select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => {}
        }
        let is_last = stop.is_cancelled();
        let mut has_more = true;
        while has_more {
            let (mut found, now) = (Vec::new(), Timestamp::now());
            let polled = follower.poll(Instant::now(), &mut |line, is_new| {
                found.extend(reader.read(line, is_new, now));
            });
            let saved = follower.saved();
            has_more = *polled.as_ref().unwrap_or(&false) && !stop.is_cancelled();
            absence.note(polled.err(), Instant::now());
            let is_known = found.is_empty() && saved == told;
            told = saved;
            if !is_known && batches.send(Batch { found, saved }).await.is_err() {
                return;
            }
        }
        if is_last {
            return;
        }
    }
}

/// Reads standard input until it ends or until told to stop.
///
/// A thread reads, since nothing can interrupt it.
async fn read_input<R: LineReader>(
    mut reader: R,
    batches: mpsc::Sender<Batch<R::Found>>,
    stop: CancellationToken,
) {
    let (sender, mut receiver) = mpsc::channel(BATCHES);
    thread::spawn(move || {
        let read = lines_of_input(io::stdin().lock(), |lines| {
            let now = Timestamp::now();
            let found: Vec<_> =
                lines.into_iter().filter_map(|line| reader.read(line, true, now)).collect();
            found.is_empty() || sender.blocking_send(Batch { found, saved: None }).is_ok()
        });
        if let Err(err) = read {
            tracing::error!(%err, "standard input can't be read any more");
        }
    });
    loop {
        let batch = select! {
            batch = receiver.recv() => batch,
            () = stop.cancelled() => None,
        };
        let Some(batch) = batch else { return };
        if batches.send(batch).await.is_err() {
            return;
        }
    }
}

/// Whether a log can be read, logged when that changes for long.
#[derive(Default)]
struct Absence {
    since: Option<Instant>,
    is_told: bool,
}

impl Absence {
    fn note(&mut self, trouble: Option<FollowerError>, now: Instant) {
        let Some(err) = trouble else {
            if std::mem::take(self).is_told {
                tracing::info!("the log is there again");
            }
            return;
        };
        let since = *self.since.get_or_insert(now);
        if !self.is_told && now.duration_since(since) >= GAP {
            self.is_told = true;
            tracing::error!(%err, "the log can't be read: nothing comes of it until it can");
        }
    }
}
