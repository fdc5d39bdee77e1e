//! Where logins come from: a log as it grows, batch by batch.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::{
    select,
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    follow::{Follower, FollowerError, Saved, lines_of_input},
    queue::Waiting,
    reader::{Reader, Reading},
};

/// How often a log is looked at.
const POLL: Duration = Duration::from_millis(200);
/// For how long a log may be away before it is told: a rotation leaves a gap.
const GAP: Duration = Duration::from_secs(5);
/// How many batches wait to be taken.
pub(super) const BATCHES: usize = 16;

/// The logins of some lines.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) logins: Vec<Waiting>,
    /// How many were too old, or of a time to come.
    pub(super) out_of_time: u64,
    /// How far the log was read.
    pub(super) saved: Option<Saved>,
}

impl Batch {
    fn add(&mut self, reader: &mut Reader, line: &[u8], is_new: bool, now: Timestamp) {
        match reader.read(line, is_new, now) {
            Reading::Login(login, at) => self.logins.push(Waiting { login, at }),
            Reading::OutOfTime => self.out_of_time += 1,
            Reading::Nothing => {}
        }
    }

    fn is_empty(&self) -> bool {
        self.logins.is_empty() && self.out_of_time == 0
    }
}

/// Follows a file until it is told to stop; what is there then is read first.
pub(super) async fn follow(
    mut follower: Follower,
    mut reader: Reader,
    batches: mpsc::Sender<Batch>,
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
            let mut batch = Batch::default();
            let now = Timestamp::now();
            let polled = follower.poll(Instant::now(), &mut |line, is_new| {
                batch.add(&mut reader, line, is_new, now);
            });
            batch.saved = follower.saved();
            has_more = *polled.as_ref().unwrap_or(&false) && !stop.is_cancelled();
            absence.note(polled.err(), Instant::now());
            let is_known = batch.is_empty() && batch.saved == told;
            told = batch.saved;
            if !is_known && batches.send(batch).await.is_err() {
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
pub(super) async fn read_input(
    mut reader: Reader,
    batches: mpsc::Sender<Batch>,
    stop: CancellationToken,
) {
    let (sender, mut receiver) = mpsc::channel(BATCHES);
    thread::spawn(move || {
        let read = lines_of_input(io::stdin().lock(), |lines| {
            let (mut batch, now) = (Batch::default(), Timestamp::now());
            lines.into_iter().for_each(|line| batch.add(&mut reader, line, true, now));
            batch.is_empty() || sender.blocking_send(batch).is_ok()
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
            tracing::error!(%err, "the log can't be read: nothing is granted until it can");
        }
    }
}
