//! Whether the machine's clock is to be believed, before something goes for good because of its time.
//!
//! What has expired is hidden at once, by whatever the clock says. What can't be undone (removing rows,
//! cutting the log, testing and forgetting hosts) waits while the clock is in doubt: after it stepped, that
//! is, moved against the time that has passed; and at a start whose time does not fit the last change that is
//! known. The doubt ends when the clock is back in line, or has gone on steadily for [`ClockWatch::PROOF`].

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::UnixTime;

/// A reading of both clocks of a machine at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// The time of day.
    pub wall: UnixTime,
    /// The time that has passed, which never steps.
    pub steady: Instant,
}

impl ClockReading {
    /// What they say now.
    pub fn now() -> Self {
        Self { wall: UnixTime::now(), steady: Instant::now() }
    }

    /// How many seconds the wall clock is ahead of where it should be, judged by another reading.
    fn ahead_of(self, other: Self) -> i64 {
        let wall = i128::from(self.wall.0) - i128::from(other.wall.0);
        let passed = self.steady.saturating_duration_since(other.steady).as_secs_f64().round();
        let ahead = wall - passed as i128;
        ahead.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}

/// The reason why the clock is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockDoubt {
    /// It stepped by so many seconds, forward where positive.
    Stepped(i64),
    /// At the start it said a time before the last change.
    BeforeLastChange(UnixTime),
    /// At the start the last change was long ago, which may be so, or the clock is ahead.
    LongAfterLastChange(UnixTime),
}

/// A change of the trust in the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockEvent {
    /// It is in doubt from now on.
    Doubted(ClockDoubt),
    /// It stepped back into line by so many seconds.
    InLine(i64),
    /// It has gone on steadily for long enough.
    Proved(ClockDoubt),
}

/// The watch over a clock: a pure value that is shown what the clocks say.
#[derive(Clone, Debug)]
pub struct ClockWatch {
    last: ClockReading,
    last_change: Option<UnixTime>,
    /// The last reading that was believed.
    sound: Option<ClockReading>,
    doubt: Option<(ClockDoubt, Instant)>,
    events: Vec<ClockEvent>,
}

impl ClockWatch {
    /// How long a clock in doubt must go on steadily to be believed.
    pub const PROOF: Duration = Duration::from_secs(300);
    /// Seconds between two looks by which a clock may move against the time that has passed. Slewing moves it
    /// by half a second in a thousand at most.
    const STEP: i64 = 5;
    /// Seconds by which a start may come before the last change.
    const BEFORE: u64 = 60;
    /// Seconds after the last change in which the time of a start is believed at once.
    const SOON: u64 = 24 * 3600;
    /// The most events that are kept for those who ask seldom.
    const EVENTS: usize = 64;

    /// The watch from a start on, knowing when the last change was made, if there was one.
    pub fn new(start: ClockReading, last_change: Option<UnixTime>) -> Self {
        let mut watch =
            Self { last: start, last_change, sound: None, doubt: None, events: Vec::new() };
        match last_change {
            Some(at) if at.0 > start.wall.plus(Self::BEFORE).0 => {
                watch.begin_doubt(ClockDoubt::BeforeLastChange(at), start.steady);
            }
            Some(at) if start.wall.0 > at.plus(Self::SOON).0 => {
                watch.begin_doubt(ClockDoubt::LongAfterLastChange(at), start.steady);
            }
            _ => watch.sound = Some(start),
        }
        watch
    }

    /// Takes a look. Looks should come every second or so.
    pub fn look(&mut self, reading: ClockReading) {
        let step = reading.ahead_of(self.last);
        self.last = reading;
        if step.abs() > Self::STEP {
            if self.is_in_line(reading) {
                self.doubt = None;
                self.emit(ClockEvent::InLine(step));
            } else {
                self.begin_doubt(ClockDoubt::Stepped(step), reading.steady);
            }
        }
        if let Some((doubt, since)) = self.doubt
            && reading.steady.saturating_duration_since(since) >= Self::PROOF
        {
            self.doubt = None;
            self.emit(ClockEvent::Proved(doubt));
        }
        if self.doubt.is_none() {
            self.sound = Some(reading);
        }
    }

    /// Why it is in doubt, if it is.
    pub fn doubt(&self) -> Option<ClockDoubt> {
        self.doubt.map(|(doubt, _)| doubt)
    }

    /// How long it must still go on steadily, if it is in doubt.
    pub fn proved_in(&self) -> Option<Duration> {
        let (_, since) = self.doubt?;
        Some(Self::PROOF.saturating_sub(self.last.steady.saturating_duration_since(since)))
    }

    /// What has become of it since this was last asked.
    pub fn take_events(&mut self) -> Vec<ClockEvent> {
        std::mem::take(&mut self.events)
    }

    /// Whether it says what the last sound reading lets expect, or fits the last change.
    fn is_in_line(&self, reading: ClockReading) -> bool {
        match (self.sound, self.last_change) {
            (Some(sound), _) => reading.ahead_of(sound).abs() <= Self::STEP,
            (None, Some(at)) => {
                reading.wall.plus(Self::BEFORE) >= at && reading.wall <= at.plus(Self::SOON)
            }
            (None, None) => false,
        }
    }

    fn begin_doubt(&mut self, doubt: ClockDoubt, since: Instant) {
        self.doubt = Some((doubt, since));
        self.emit(ClockEvent::Doubted(doubt));
    }

    fn emit(&mut self, event: ClockEvent) {
        if self.events.len() < Self::EVENTS {
            self.events.push(event);
        }
    }
}

/// A clock under a watch. Clones share it.
#[derive(Clone)]
pub struct Clock {
    watch: Arc<Mutex<ClockWatch>>,
    read: Arc<dyn Fn() -> ClockReading + Send + Sync>,
}

impl Clock {
    /// The machine's, knowing when the last change was made, if there was one.
    pub fn watched(last_change: Option<UnixTime>) -> Self {
        Self::read_by(ClockReading::now, last_change)
    }

    /// One that is read so.
    pub fn read_by(
        read: impl Fn() -> ClockReading + Send + Sync + 'static,
        last_change: Option<UnixTime>,
    ) -> Self {
        let watch = ClockWatch::new(read(), last_change);
        Self { watch: Arc::new(Mutex::new(watch)), read: Arc::new(read) }
    }

    /// The time, unless the clock is in doubt.
    pub fn believed(&self) -> Option<UnixTime> {
        let watch = self.look();
        watch.doubt().is_none().then_some(watch.last.wall)
    }

    /// Why the clock is in doubt, and how long it must still go on steadily; `None` if it is not.
    pub fn doubt(&self) -> Option<(ClockDoubt, Duration)> {
        let watch = self.look();
        watch.doubt().zip(watch.proved_in())
    }

    /// What has become of the clock since this was last asked.
    pub fn take_events(&self) -> Vec<ClockEvent> {
        self.look().take_events()
    }

    fn look(&self) -> MutexGuard<'_, ClockWatch> {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that looks come in the order of time.
        watch.look((self.read)());
        watch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: u64 = 365 * 86_400;
    const NOW: UnixTime = UnixTime(1_700_000_000);

    /// A machine whose clocks can be set.
    struct Machine {
        reading: ClockReading,
        watch: ClockWatch,
    }

    impl Machine {
        fn started(wall: UnixTime, last_change: Option<UnixTime>) -> Self {
            let reading = ClockReading { wall, steady: Instant::now() };
            Self { reading, watch: ClockWatch::new(reading, last_change) }
        }

        /// Lets time pass, a look a second.
        fn pass(&mut self, seconds: u64) {
            for _ in 0..seconds {
                self.reading.wall = self.reading.wall.plus(1);
                self.reading.steady += Duration::from_secs(1);
                self.watch.look(self.reading);
            }
        }

        fn set(&mut self, wall: UnixTime) {
            self.reading.wall = wall;
            self.watch.look(self.reading);
        }

        fn is_believed(&self) -> bool {
            self.watch.doubt().is_none()
        }
    }

    /// Field case 36.
    #[test]
    fn a_clock_that_steps_a_year_forward_and_back_is_never_believed_in_between() {
        let mut machine = Machine::started(NOW, Some(NOW));
        machine.pass(10);
        machine.set(NOW.plus(10 + YEAR));
        for _ in 0..3 {
            assert!(!machine.is_believed());
            machine.pass(1);
        }
        machine.set(NOW.plus(13));
        assert!(machine.is_believed());
        let events = machine.watch.take_events();
        let (there, back) = (YEAR as i64, -(YEAR as i64));
        assert_eq!(
            events,
            [ClockEvent::Doubted(ClockDoubt::Stepped(there)), ClockEvent::InLine(back)]
        );
    }

    #[test]
    fn a_step_that_lasts_is_believed_after_minutes_in_step_with_the_time_that_passes() {
        for wall in [NOW.plus(YEAR), UnixTime(NOW.0 - YEAR), NOW.plus(3600)] {
            let mut machine = Machine::started(NOW, Some(NOW));
            machine.pass(1);
            machine.set(wall);
            machine.pass(ClockWatch::PROOF.as_secs() - 1);
            assert!(!machine.is_believed(), "{wall:?}");
            machine.pass(2);
            assert!(machine.is_believed(), "{wall:?}");
        }
    }

    #[test]
    fn each_further_step_begins_the_proof_again() {
        let mut machine = Machine::started(NOW, Some(NOW));
        machine.set(NOW.plus(YEAR));
        machine.pass(200);
        machine.set(NOW.plus(2 * YEAR));
        machine.pass(200);
        assert!(!machine.is_believed());
        machine.set(NOW.plus(400));
        assert!(machine.is_believed(), "back in line");
    }

    #[test]
    fn slewing_and_leap_seconds_are_no_steps() {
        let mut machine = Machine::started(NOW, Some(NOW));
        for _ in 0..20 {
            machine.pass(1000);
            machine.set(machine.reading.wall.plus(1));
        }
        machine.set(UnixTime(machine.reading.wall.0 - 2));
        assert!(machine.is_believed());
        assert_eq!(machine.watch.take_events(), []);
    }

    /// Field case 38.
    #[test]
    fn a_start_in_1972_is_doubted_until_the_clock_is_set_right() {
        let wrong = UnixTime(2 * YEAR);
        let mut machine = Machine::started(wrong, Some(NOW));
        assert_eq!(machine.watch.doubt(), Some(ClockDoubt::BeforeLastChange(NOW)));
        machine.pass(20);
        machine.set(NOW.plus(600));
        assert!(machine.is_believed(), "it fits the last change");
        let events = machine.watch.take_events();
        assert!(matches!(events[..], [ClockEvent::Doubted(_), ClockEvent::InLine(1..)]));
    }

    #[test]
    fn a_start_that_nothing_speaks_against_is_believed_at_once() {
        assert!(Machine::started(NOW, None).is_believed());
        assert!(Machine::started(NOW, Some(UnixTime(NOW.0 - 3600))).is_believed());
        assert!(Machine::started(NOW, Some(NOW.plus(5))).is_believed());
    }

    #[test]
    fn a_start_long_after_the_last_change_waits_for_its_proof() {
        let mut machine = Machine::started(NOW.plus(YEAR), Some(NOW));
        assert_eq!(machine.watch.doubt(), Some(ClockDoubt::LongAfterLastChange(NOW)));
        machine.pass(ClockWatch::PROOF.as_secs());
        assert!(machine.is_believed());
        let mut machine = Machine::started(NOW.plus(YEAR), Some(NOW));
        machine.pass(3);
        machine.set(NOW.plus(60));
        assert!(machine.is_believed(), "it was a year ahead, and is right now");
    }
}
