//! The states of a list, and what leads from one to another.

use std::time::{Duration, Instant};

use super::{DownReason, Health, alarm::Alarm, breaker::Breaker};
use crate::{Blocked, Bogus, Status};

/// Watches one list.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    state: State,
    breaker: Breaker,
    alarm: Alarm,
    /// Answers in a row that no list gives.
    bogus: u32,
    /// How often it went down lately, which lengthens the time until it is probed again.
    falls: u32,
    /// Probes in a row without an answer.
    missed: u32,
    up_since: Option<Instant>,
    /// Since when it could not be believed; `None` while it is up.
    down_since: Option<Instant>,
    /// Somebody was told that it counts as gone.
    told_gone: bool,
    /// It has just gone down without an answer, and nobody has looked yet whether that is its fault.
    doubted: bool,
    next_probe: Instant,
    /// Until when the alarm does not ring: a probe has just shown that all is well.
    quiet_until: Option<Instant>,
    every: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Unproven,
    Up,
    Suspect(DownReason),
    Down(DownReason),
    Probation { clean: u32 },
}

/// Whether a list may be asked, and whether its listings count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    Full,
    Unproven,
    ListingsWithheld,
    None,
}

/// What survives a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) state: State,
    pub(crate) falls: u32,
    pub(crate) retry_in: Duration,
    pub(crate) down_for: Option<Duration>,
}

/// What a probe has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probed {
    /// Everything is as it should be.
    Good,
    /// Something is wrong.
    Fault(DownReason),
    /// The list did not answer.
    NoAnswer,
    /// There was no question left to ask.
    NotAsked,
}

impl Monitor {
    const BOGUS: u32 = 3;
    const CLEAN: u32 = 20;
    const QUIET: Duration = Duration::from_secs(300);
    /// Falls are forgotten after so long without one.
    const STEADY: Duration = Duration::from_secs(3600);
    /// How soon a list is probed again that can't be asked through this resolver.
    pub(crate) const AGAIN: Duration = Duration::from_secs(30);

    pub(crate) fn new(every: Duration, now: Instant) -> Self {
        Self {
            state: State::Unproven,
            breaker: Breaker::default(),
            alarm: Alarm::new(),
            bogus: 0,
            falls: 0,
            missed: 0,
            up_since: None,
            down_since: Some(now),
            told_gone: false,
            doubted: false,
            next_probe: now,
            quiet_until: None,
            every,
        }
    }

    pub(crate) fn trust(&self) -> Trust {
        match self.state {
            State::Up | State::Probation { .. } => Trust::Full,
            State::Unproven => Trust::Unproven,
            State::Suspect(_) => Trust::ListingsWithheld,
            State::Down(_) => Trust::None,
        }
    }

    pub(crate) fn health(&self, now: Instant) -> Health {
        match self.state {
            State::Unproven => Health::Unproven,
            State::Up => Health::Up,
            State::Suspect(why) => Health::Suspect { why },
            State::Down(why) => {
                Health::Down { why, retry_in: self.next_probe.saturating_duration_since(now) }
            }
            State::Probation { .. } => Health::Probation,
        }
    }

    /// When it wants to be probed.
    pub(crate) fn next_probe(&self) -> Instant {
        self.next_probe
    }

    /// What was wrong when it was looked at last.
    pub(crate) fn fault(&self) -> Option<DownReason> {
        match self.state {
            State::Suspect(why) | State::Down(why) => Some(why),
            _ => None,
        }
    }

    /// Takes what the list said when it was asked. `jitter` gives something from 0 to 1.
    pub(crate) fn hear(&mut self, status: &Status, now: Instant, jitter: impl FnOnce() -> f64) {
        if let Status::Blocked(Blocked::Rewritten(_)) = status {
            self.alarm.hear(false);
        }
        if says_nothing_of_the_list(status) {
            return;
        }
        let failed = is_failure(status);
        let failing = self.breaker.hear(failed, now);
        self.bogus = if matches!(status, Status::Bogus(_)) { self.bogus + 1 } else { 0 };
        let rings = status.is_verdict() && self.alarm.hear(status.listing().is_some());
        let quiet = self.quiet_until.is_some_and(|until| now < until);
        match self.state {
            State::Down(_) | State::Suspect(_) => {}
            _ if refusal(status).is_some() => {
                let why = refusal(status).map_or(DownReason::NotAList, DownReason::Blocked);
                self.fall(why, now, jitter());
            }
            State::Probation { .. } if failed || self.bogus > 0 => {
                let (failed, of) = failing.unwrap_or((1, 1));
                self.fall(DownReason::Failing { failed, of }, now, jitter());
            }
            _ if failing.is_some() => {
                let (failed, of) = failing.unwrap_or_default();
                self.fall(DownReason::Failing { failed, of }, now, jitter());
            }
            _ if self.bogus >= Self::BOGUS => self.suspect(DownReason::NotAList, now),
            _ if rings && !quiet => {
                let (listed, of) = self.alarm.heard();
                self.suspect(DownReason::ListsEverything { listed, of }, now);
            }
            State::Probation { clean } if clean + 1 >= Self::CLEAN => self.rise(now),
            State::Probation { clean } => self.state = State::Probation { clean: clean + 1 },
            State::Unproven | State::Up => {}
        }
    }

    /// Takes it that the list has just denied what was made up: it does not list everything.
    pub(crate) fn note_denied(&mut self) {
        self.alarm.reset();
    }

    /// Takes the outcome of a probe.
    pub(crate) fn probed(&mut self, outcome: Probed, now: Instant, jitter: f64) {
        match (outcome, self.state) {
            (Probed::Good, State::Down(why)) if why.is_of_the_resolver() => {
                self.rise(now);
                self.next_probe = now + stretch(self.every, jitter);
            }
            (Probed::Good, State::Down(_)) => {
                self.state = State::Probation { clean: 0 };
                (self.down_since, self.told_gone) = (None, false);
                self.forget();
                self.next_probe = now + stretch(self.every, jitter);
            }
            (Probed::Good, State::Suspect(_)) => {
                self.quiet_until = Some(now + Self::QUIET);
                self.rise(now);
                self.next_probe = now + stretch(self.every, jitter);
            }
            (Probed::Good, _) => {
                self.rise(now);
                self.next_probe = now + stretch(self.every, jitter);
            }
            (Probed::Fault(why), _) if why.is_of_the_resolver() => {
                self.state = State::Down(why);
                self.blame_resolver(why, stretch(Self::AGAIN, jitter), now);
            }
            (Probed::Fault(why), _) => self.fall(why, now, jitter),
            // The resolver answers again, and the list does not.
            (Probed::NoAnswer, State::Down(why)) if why.is_of_the_resolver() => {
                self.fall(DownReason::Failing { failed: 1, of: 1 }, now, jitter);
            }
            (Probed::NoAnswer, State::Suspect(why) | State::Down(why)) => {
                self.fall(why, now, jitter);
            }
            // One lost answer is no reason to do without the list: its users will notice.
            (Probed::NoAnswer, _) => {
                let wait = delay(DownReason::Failing { failed: 1, of: 1 }, self.missed);
                self.next_probe = now + stretch(wait, jitter);
                self.missed = self.missed.saturating_add(1);
            }
            (Probed::NotAsked, _) => self.next_probe = now + stretch(self.every, jitter),
        }
        if outcome == Probed::Good {
            self.missed = 0;
        }
    }

    /// Takes it that the list could not be asked through this resolver, which does not count against it,
    /// and wants to be probed after so long.
    pub(crate) fn blame_resolver(&mut self, why: DownReason, wait: Duration, now: Instant) {
        match self.state {
            State::Down(DownReason::Failing { .. }) => {
                self.falls = self.falls.saturating_sub(1);
                self.state = State::Down(why);
            }
            State::Down(own) if own.is_of_the_resolver() => self.state = State::Down(why),
            State::Down(_) | State::Unproven => {}
            // It has not failed yet.
            State::Up | State::Probation { .. } | State::Suspect(_) if self.next_probe > now => {
                return;
            }
            State::Up | State::Probation { .. } | State::Suspect(_) => {}
        }
        self.doubted = false;
        self.next_probe = now + wait;
    }

    /// Whether it has gone down without an answer and nobody has looked yet whose fault that is; asked
    /// once.
    pub(crate) fn take_doubt(&mut self) -> bool {
        std::mem::take(&mut self.doubted)
    }

    /// Whether it is down because nothing answers, be that its fault or the resolver's.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.state, State::Down(DownReason::Failing { .. } | DownReason::ResolverSilent))
    }

    /// Wants to be probed at once: what stood between has changed.
    pub(crate) fn look_again(&mut self, now: Instant) {
        self.next_probe = self.next_probe.min(now);
    }

    /// Whether it is down for a reason of its own, and has been for so long.
    pub(crate) fn is_gone(&self, after: Duration, now: Instant) -> bool {
        let own = match self.state {
            State::Unproven => true,
            State::Down(why) => !why.is_of_the_resolver(),
            State::Up | State::Suspect(_) | State::Probation { .. } => false,
        };
        own && self.down_for(now).is_some_and(|down| down >= after)
    }

    /// The same, once.
    pub(crate) fn tells_gone(&mut self, after: Duration, now: Instant) -> bool {
        let gone = self.is_gone(after, now);
        gone && !std::mem::replace(&mut self.told_gone, true)
    }

    /// For how long it could not be believed; `None` while it can.
    pub(crate) fn down_for(&self, now: Instant) -> Option<Duration> {
        self.down_since.map(|since| now.saturating_duration_since(since))
    }

    /// As it was when another run stopped. What the resolver did is not kept.
    pub(crate) fn restore(&mut self, saved: Saved, now: Instant) {
        let Saved { state, falls, retry_in, down_for } = saved;
        let most = delay(
            match state {
                State::Down(why) => why,
                _ => DownReason::NotAList,
            },
            u32::MAX,
        );
        (self.state, self.falls) = (state, falls);
        self.up_since = (state == State::Up).then_some(now);
        self.down_since = down_for.map(|down| now.checked_sub(down).unwrap_or(now));
        self.next_probe = match state {
            State::Down(_) => now + retry_in.min(most * 2),
            _ => now,
        };
    }

    /// What to keep for another run.
    pub(crate) fn saved(&self, now: Instant) -> Saved {
        let state = match self.state {
            State::Down(why) if why.is_of_the_resolver() => State::Unproven,
            state => state,
        };
        Saved {
            state,
            falls: self.falls,
            retry_in: self.next_probe.saturating_duration_since(now),
            down_for: self.down_for(now),
        }
    }

    fn suspect(&mut self, why: DownReason, now: Instant) {
        self.state = State::Suspect(why);
        self.next_probe = now;
    }

    fn fall(&mut self, why: DownReason, now: Instant, jitter: f64) {
        let steady = |since: Instant| now.saturating_duration_since(since) >= Self::STEADY;
        if self.up_since.is_some_and(steady) {
            self.falls = 0;
        }
        self.next_probe = now + stretch(delay(why, self.falls), jitter);
        self.falls = self.falls.saturating_add(1);
        self.state = State::Down(why);
        self.up_since = None;
        self.down_since.get_or_insert(now);
        self.doubted = matches!(why, DownReason::Failing { .. });
        self.forget();
    }

    fn rise(&mut self, now: Instant) {
        if self.state != State::Up {
            self.up_since = Some(now);
            self.forget();
        }
        (self.down_since, self.told_gone, self.doubted) = (None, false, false);
        self.state = State::Up;
    }

    fn forget(&mut self) {
        self.breaker = Breaker::default();
        self.alarm.reset();
        self.bogus = 0;
    }
}

/// The list's own refusal. One by a resolver is a failure like others: it may be about one name.
fn refusal(status: &Status) -> Option<Blocked> {
    match status {
        Status::Blocked(Blocked::Refused | Blocked::Filtered(_)) => None,
        Status::Blocked(why) => Some(*why),
        _ => None,
    }
}

/// What is about one name, about the resolver, or was concluded already.
fn says_nothing_of_the_list(status: &Status) -> bool {
    matches!(
        status,
        Status::Bogus(Bogus::ErrorForOne(_) | Bogus::ListsEverything)
            | Status::Blocked(Blocked::Rewritten(_) | Blocked::Stripped)
    )
}

fn is_failure(status: &Status) -> bool {
    matches!(status, Status::Failed(_) | Status::Blocked(Blocked::Refused | Blocked::Filtered(_)))
}

/// How long a list is left alone when it goes down for the n-th time in a row.
fn delay(why: DownReason, falls: u32) -> Duration {
    let (first, factor, most) = match why {
        DownReason::Failing { .. } => (30, 4, 1800),
        DownReason::Blocked(_) => (300, 2, 21_600),
        _ => (600, 3, 1800),
    };
    let seconds = (0..falls.min(16)).fold(first, |seconds: u64, _| (seconds * factor).min(most));
    Duration::from_secs(seconds)
}

/// Up to a tenth longer, so that clients that began together do not go on together.
fn stretch(duration: Duration, jitter: f64) -> Duration {
    duration.mul_f64(1.0 + 0.1 * jitter.clamp(0.0, 1.0))
}
