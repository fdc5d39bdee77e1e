//! Logins on their way to the server.

use std::{
    future::Future,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::{
    select,
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep_until},
};

use super::{
    follow::Saved,
    pace::{Pace, Seldom},
    queue::{Queue, QueueLimits, Waiting},
    server::{Answer, Server},
    source::Batch,
};

/// How many logins wait.
const MAX_WAITING: usize = 10_000;
/// How often the place in the log is kept, and dropped logins are told.
const UPKEEP: Duration = Duration::from_secs(1);

/// The one that posts logins, and the only one that knows what became of them.
pub(super) struct Poster {
    server: Arc<Server>,
    queue: Queue,
    pace: Pace,
    place: KeptPlace,
    trouble: Trouble,
    totals: Totals,
}

/// The place in the log, as it will be kept.
struct KeptPlace {
    file: Option<PathBuf>,
    /// Of the last batch that was taken.
    read: Option<Saved>,
    kept: Option<Saved>,
}

/// What goes wrong, each told once a minute.
#[derive(Default)]
struct Trouble {
    unreachable: Seldom,
    refused: Seldom,
    dropped: Seldom,
    out_of_time: Seldom,
    place: Seldom,
}

/// What became of all logins.
#[derive(Debug, Default)]
struct Totals {
    posted: u64,
    refused: u64,
    dropped: u64,
    out_of_time: u64,
}

impl Poster {
    /// A poster of logins that are at most so old; it keeps the place in the log in a file if there is one.
    pub(super) fn new(server: Server, max_age: Duration, state_file: Option<PathBuf>) -> Self {
        Self {
            server: Arc::new(server),
            queue: Queue::new(QueueLimits { length: MAX_WAITING, age: max_age }),
            pace: Pace::default(),
            place: KeptPlace { file: state_file, read: None, kept: None },
            trouble: Trouble::default(),
            totals: Totals::default(),
        }
    }

    /// Posts until no more batches come and nothing waits.
    pub(super) async fn run(&mut self, mut batches: mpsc::Receiver<Batch>) {
        let mut in_flight = FuturesUnordered::new();
        let mut upkeep = interval(UPKEEP);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_open = true;
        loop {
            let now = Instant::now();
            while in_flight.len() < self.pace.width(now)
                && let Some(next) = self.queue.pop(Timestamp::now())
            {
                in_flight.push(self.post(next));
            }
            if !is_open && self.queue.is_empty() && in_flight.is_empty() {
                return;
            }
            let pause = self.pace.pause(now);
            select! {
                batch = batches.recv(), if is_open => match batch {
                    Some(batch) => self.take(batch),
                    None => is_open = false,
                },
                Some((login, answer)) = in_flight.next(), if !in_flight.is_empty() => {
                    self.settle(login, answer, Instant::now());
                }
                () = sleep_until(pause.unwrap_or(now).into()), if pause.is_some() => {}
                _ = upkeep.tick() => self.keep_up(in_flight.is_empty(), Instant::now()),
            }
        }
    }

    /// Keeps the place in the log if everything up to it was posted or dropped, and tells what became of all.
    pub(super) fn finish(mut self, is_done: bool) {
        self.keep_up(is_done, Instant::now());
        let Totals { posted, refused, dropped, out_of_time } = self.totals;
        tracing::info!(posted, refused, dropped, out_of_time, "stopped");
    }

    fn post(&self, waiting: Waiting) -> impl Future<Output = (Waiting, Answer)> + use<> {
        let server = self.server.clone();
        async move {
            let answer = server.post(&waiting).await;
            (waiting, answer)
        }
    }

    fn take(&mut self, batch: Batch) {
        batch.logins.into_iter().for_each(|login| self.queue.push(login));
        self.place.read = batch.saved;
        self.totals.out_of_time += batch.out_of_time;
        if let Some(count) = self.trouble.out_of_time.count(Instant::now(), batch.out_of_time) {
            tracing::warn!(
                count,
                "logins are older than --max-age or of a time to come, and grant nothing; where this goes \
                 on, the log has another time zone or clock"
            );
        }
    }

    fn settle(&mut self, login: Waiting, answer: Answer, now: Instant) {
        match answer {
            Answer::Taken => {
                self.totals.posted += 1;
                self.reached();
            }
            Answer::Refused { detail, .. } => {
                self.totals.refused += 1;
                self.reached();
                if let Some(count) = self.trouble.refused.count(now, 1) {
                    tracing::error!(
                        count,
                        ?detail,
                        "the server refuses logins: they grant nothing"
                    );
                }
            }
            Answer::TryAgain { after, detail } => {
                self.queue.push_back(login);
                self.pace.failed(now, after);
                if let Some(count) = self.trouble.unreachable.count(now, 1) {
                    tracing::warn!(count, ?detail, "logins could not be posted; they wait");
                }
            }
        }
    }

    fn reached(&mut self) {
        if self.pace.succeeded() {
            tracing::info!("the server takes logins again");
        }
    }

    fn keep_up(&mut self, is_idle: bool, now: Instant) {
        let dropped = self.queue.take_dropped();
        self.totals.dropped += dropped;
        if let Some(count) = self.trouble.dropped.count(now, dropped) {
            tracing::error!(
                count,
                "logins could not be posted in time and were dropped: they grant nothing"
            );
        }
        // What still waits would be lost if the log were gone on with behind it.
        if is_idle
            && self.queue.is_empty()
            && let Err(err) = self.place.keep()
            && let Some(count) = self.trouble.place.count(now, 1)
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
            read.save(file)?;
            self.kept = self.read;
        }
        Ok(())
    }
}
