//! Reports on their way to the server or to standard output.

use std::{
    collections::VecDeque,
    future::pending,
    io::{self, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::{
    select,
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::{
    body::Report,
    recognizer::{Recognizer, Reported},
    sighting::Sighting,
};
use crate::{
    api::{Outbox, Posting as _, Seldom, Totals, UPKEEP},
    mail_log::{Batch, Saved, save_state},
};

/// How many places in the log are remembered for the time up to which it will be read again.
const PLACES: u32 = 64;

/// The one that has things recognized and reports them.
pub(super) struct Reporter {
    recognizer: Recognizer,
    sink: Sink,
    clock: LogClock,
    places: Places,
    place_trouble: Seldom,
}

/// Where reports go.
pub(super) enum Sink {
    /// To the server.
    Server(Box<Outbox<Report>>),
    /// To standard output, as what would be posted for this zone.
    Output(Option<String>),
}

/// What is kept over restarts.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct State {
    #[serde(flatten)]
    pub(super) place: Saved,
    pub(super) reported: Vec<Reported>,
}

/// The time of the log, which goes on while nothing is written.
#[derive(Debug, Default)]
struct LogClock {
    last: Option<(Timestamp, Instant)>,
}

/// Where to read on after a restart: so far back that all of what is counted now is counted again.
pub(super) struct Places {
    file: Option<PathBuf>,
    back: Duration,
    /// The first is the one to be kept.
    read: VecDeque<(Timestamp, Saved)>,
    kept: Option<Saved>,
    /// Whether something was reported since the state was kept.
    is_outdated: bool,
}

impl Reporter {
    /// A reporter; what it keeps over restarts goes into `places`.
    pub(super) fn new(recognizer: Recognizer, sink: Sink, places: Places) -> Self {
        let (clock, place_trouble) = (LogClock::default(), Seldom::default());
        Self { recognizer, sink, clock, places, place_trouble }
    }

    /// Reports until no more batches come and nothing waits.
    ///
    /// # Errors
    /// Nobody reads standard output.
    pub(super) async fn run(
        &mut self,
        mut batches: mpsc::Receiver<Batch<Sighting>>,
    ) -> io::Result<()> {
        let mut upkeep = interval(UPKEEP);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_open = true;
        while is_open || !self.sink.is_idle() {
            select! {
                batch = batches.recv(), if is_open => match batch {
                    Some(batch) => self.take(batch)?,
                    None => {
                        is_open = false;
                        self.report(Recognizer::finish)?;
                    }
                },
                () = self.sink.work() => {}
                _ = upkeep.tick() => self.keep_up(Instant::now())?,
            }
        }
        Ok(())
    }

    /// Keeps the state if everything was posted or dropped, and tells what became of all.
    pub(super) fn finish(mut self) {
        if !self.sink.is_idle() {
            tracing::warn!("some reports were not posted before the end");
        }
        let now = Instant::now();
        self.keep(now);
        if let Sink::Server(outbox) = &mut self.sink {
            outbox.tell_dropped(now);
            let Totals { posted, refused, dropped } = outbox.totals();
            tracing::info!(posted, refused, dropped, "stopped");
        }
    }

    fn take(&mut self, batch: Batch<Sighting>) -> io::Result<()> {
        let newest = batch.found.iter().map(|sighting| sighting.at).max();
        self.report(|recognizer, reports| {
            batch.found.into_iter().for_each(|sighting| recognizer.see(sighting, reports));
        })?;
        let now = Instant::now();
        self.clock.note(newest, now);
        if let Some(place) = batch.saved {
            self.places.note(self.clock.time(now), place);
        }
        Ok(())
    }

    fn keep_up(&mut self, now: Instant) -> io::Result<()> {
        if let Some(time) = self.clock.time(now) {
            self.report(|recognizer, reports| recognizer.advance(time, reports))?;
        }
        if let Sink::Server(outbox) = &mut self.sink {
            outbox.tell_dropped(now);
        }
        self.keep(now);
        Ok(())
    }

    fn report(&mut self, step: impl FnOnce(&mut Recognizer, &mut Vec<Report>)) -> io::Result<()> {
        let mut reports = Vec::new();
        step(&mut self.recognizer, &mut reports);
        self.places.is_outdated |= !reports.is_empty();
        reports.into_iter().try_for_each(|report| self.sink.push(report))
    }

    /// What still waits would be lost if it were kept as reported.
    fn keep(&mut self, now: Instant) {
        if self.sink.is_idle()
            && let Err(err) = self.places.keep(self.recognizer.reported())
            && let Some(count) = self.place_trouble.count(now, 1)
        {
            tracing::warn!(%err, count, "the place in the log can't be kept in its file");
        }
    }
}

impl Sink {
    fn push(&mut self, report: Report) -> io::Result<()> {
        match self {
            Self::Server(outbox) => outbox.push(report),
            Self::Output(zone) => {
                let mut out = io::stdout().lock();
                serde_json::to_writer(&mut out, &report.body(zone.as_deref()))?;
                out.write_all(b"\n")?;
                out.flush()?;
            }
        }
        Ok(())
    }

    async fn work(&mut self) {
        match self {
            Self::Server(outbox) => outbox.work().await,
            Self::Output(_) => pending().await,
        }
    }

    fn is_idle(&self) -> bool {
        match self {
            Self::Server(outbox) => outbox.is_idle(),
            Self::Output(_) => true,
        }
    }
}

impl LogClock {
    /// Notes the time of what was read now.
    fn note(&mut self, newest: Option<Timestamp>, now: Instant) {
        let before = self.time(now);
        if let Some(newest) = newest {
            self.last = Some((before.map_or(newest, |before| before.max(newest)), now));
        }
    }

    fn time(&self, now: Instant) -> Option<Timestamp> {
        self.last.map(|(time, read)| time + now.saturating_duration_since(read))
    }
}

impl Places {
    /// Places that are kept in a file, if there is one: what is older than `back` does not matter any more. The log is read
    /// from `begun` on, if there was a place.
    pub(super) fn new(file: Option<PathBuf>, back: Duration, begun: Option<Saved>) -> Self {
        let read = begun.map(|place| (Timestamp::MIN, place)).into_iter().collect();
        Self { file, back, read, kept: None, is_outdated: false }
    }

    /// Notes how far the log was read when; without a time nothing of it counts yet.
    fn note(&mut self, time: Option<Timestamp>, place: Saved) {
        let Some(time) = time else {
            if self.read.is_empty() {
                self.read.push_back((Timestamp::MIN, place));
            }
            return;
        };
        let is_due = self.read.back().is_none_or(|(last, _)| *last + self.back / PLACES <= time);
        if is_due {
            self.read.push_back((time, place));
        }
        while self.read.get(1).is_some_and(|(next, _)| *next + self.back <= time) {
            self.read.pop_front();
        }
    }

    fn keep(&mut self, reported: impl Iterator<Item = Reported>) -> io::Result<()> {
        let place = self.read.front().map(|(_, place)| *place);
        if let (Some(file), Some(place)) = (&self.file, place)
            && (self.is_outdated || self.kept != Some(place))
        {
            save_state(&State { place, reported: reported.collect() }, file)?;
            self.kept = Some(place);
            self.is_outdated = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use jiff::{SignedDuration, Timestamp};

    use super::{LogClock, PLACES, Places};
    use crate::mail_log::Saved;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap() + SignedDuration::from_secs(second)
    }

    fn place(offset: i64) -> Saved {
        serde_json::from_str(&format!(r#"{{"device":1,"inode":2,"offset":{offset}}}"#)).unwrap()
    }

    #[test]
    fn the_time_of_a_log_goes_on_and_never_back() {
        let (mut clock, now) = (LogClock::default(), Instant::now());
        clock.note(None, now);
        assert_eq!(clock.time(now), None);
        clock.note(Some(at(10)), now);
        assert_eq!(clock.time(now + Duration::from_secs(5)), Some(at(15)));
        clock.note(Some(at(12)), now + Duration::from_secs(5));
        assert_eq!(clock.time(now + Duration::from_secs(5)), Some(at(15)));
        clock.note(Some(at(20)), now + Duration::from_secs(5));
        assert_eq!(clock.time(now + Duration::from_secs(6)), Some(at(21)));
    }

    #[test]
    fn a_log_is_read_again_from_a_place_that_is_old_enough() {
        let back = Duration::from_secs(640);
        let mut places = Places::new(None, back, None);
        places.note(None, place(0));
        for second in 0..5000 {
            places.note(Some(at(second)), place(second));
            let first = places.read[0].0;
            assert!(first == Timestamp::MIN || first <= at(second - 640), "{second}");
            assert!(second < 700 || first >= at(second - 640 - 20), "{second}");
            assert!(places.read.len() <= PLACES as usize + 2);
        }
    }
}
