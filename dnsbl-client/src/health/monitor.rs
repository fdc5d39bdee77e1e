//! The states of a zone, and what leads from one to another.

use std::time::{Duration, Instant};

use super::{DownReason, Health, alarm::Alarm, breaker::Breaker};
use crate::{Blocked, Bogus, Status};

/// The health monitor of a zone.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    state: MonitorState,
    breaker: Breaker,
    alarm: Alarm,
    /// Answers in a row that no zone gives.
    bogus: u32,
    /// How often it went down lately, which lengthens the time until it is probed again.
    falls: u32,
    /// Probes in a row without an answer.
    missed: u32,
    up_since: Option<Instant>,
    /// Since when it could not be believed; `None` while it is up.
    down_since: Option<Instant>,
    /// Somebody was told that it counts as gone.
    gone_reported: bool,
    /// It has just gone down without an answer, and nobody has looked yet whether that is its fault.
    doubted: bool,
    next_probe: Instant,
    /// Until when the alarm does not ring: a probe has just shown that all is well.
    quiet_until: Option<Instant>,
    every: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MonitorState {
    Unproven,
    Up,
    Suspect(DownReason),
    Down(DownReason),
    Probation { clean: u32 },
}

/// The trust in a zone: whether it may be asked, and whether its listings count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    Full,
    Unproven,
    ListingsWithheld,
    None,
}

/// The part of a monitor that survives a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) state: MonitorState,
    pub(crate) falls: u32,
    pub(crate) retry_in: Duration,
    pub(crate) down_for: Option<Duration>,
}

/// The result of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeResult {
    /// Everything is as it should be.
    Good,
    /// Something is wrong.
    Fault(DownReason),
    /// The zone did not answer.
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
    /// How soon a zone is probed again that can't be asked through this resolver.
    pub(crate) const AGAIN: Duration = Duration::from_secs(30);

    pub(crate) fn new(every: Duration, now: Instant) -> Self {
        Self {
            state: MonitorState::Unproven,
            breaker: Breaker::default(),
            alarm: Alarm::new(),
            bogus: 0,
            falls: 0,
            missed: 0,
            up_since: None,
            down_since: Some(now),
            gone_reported: false,
            doubted: false,
            next_probe: now,
            quiet_until: None,
            every,
        }
    }

    pub(crate) fn trust(&self) -> Trust {
        match self.state {
            MonitorState::Up | MonitorState::Probation { .. } => Trust::Full,
            MonitorState::Unproven => Trust::Unproven,
            MonitorState::Suspect(_) => Trust::ListingsWithheld,
            MonitorState::Down(_) => Trust::None,
        }
    }

    pub(crate) fn health(&self, now: Instant) -> Health {
        match self.state {
            MonitorState::Unproven => Health::Unproven,
            MonitorState::Up => Health::Up,
            MonitorState::Suspect(why) => Health::Suspect { why },
            MonitorState::Down(why) => {
                Health::Down { why, retry_in: self.next_probe.saturating_duration_since(now) }
            }
            MonitorState::Probation { .. } => Health::Probation,
        }
    }

    /// When it wants to be probed.
    pub(crate) fn next_probe(&self) -> Instant {
        self.next_probe
    }

    /// What was wrong when it was looked at last.
    pub(crate) fn fault(&self) -> Option<DownReason> {
        match self.state {
            MonitorState::Suspect(why) | MonitorState::Down(why) => Some(why),
            _ => None,
        }
    }

    /// Takes what the zone said when it was asked. `jitter` gives something from 0 to 1.
    pub(crate) fn observe(&mut self, status: &Status, now: Instant, jitter: impl FnOnce() -> f64) {
        if let Status::Blocked(Blocked::Rewritten(_)) = status {
            self.alarm.observe(false);
        }
        if says_nothing_of_the_zone(status) {
            return;
        }
        let failed = is_failure(status);
        let failing = self.breaker.observe(failed, now);
        self.bogus = if matches!(status, Status::Bogus(_)) { self.bogus + 1 } else { 0 };
        let rings = status.is_verdict() && self.alarm.observe(status.listing().is_some());
        let quiet = self.quiet_until.is_some_and(|until| now < until);
        match self.state {
            MonitorState::Down(_) | MonitorState::Suspect(_) => {}
            _ if refusal(status).is_some() => {
                let why = refusal(status).map_or(DownReason::NotAList, DownReason::Blocked);
                self.fall(why, now, jitter());
            }
            MonitorState::Probation { .. } if failed || self.bogus > 0 => {
                let (failed, of) = failing.unwrap_or((1, 1));
                self.fall(DownReason::Failing { failed, of }, now, jitter());
            }
            _ if failing.is_some() => {
                let (failed, of) = failing.unwrap_or_default();
                self.fall(DownReason::Failing { failed, of }, now, jitter());
            }
            _ if self.bogus >= Self::BOGUS => self.suspect(DownReason::NotAList, now),
            _ if rings && !quiet => {
                let (listed, of) = self.alarm.observed();
                self.suspect(DownReason::ListsEverything { listed, of }, now);
            }
            MonitorState::Probation { clean } if clean + 1 >= Self::CLEAN => self.rise(now),
            MonitorState::Probation { clean } => {
                self.state = MonitorState::Probation { clean: clean + 1 }
            }
            MonitorState::Unproven | MonitorState::Up => {}
        }
    }

    /// Takes it that the zone has just denied what was made up: it does not list everything.
    pub(crate) fn note_denied(&mut self) {
        self.alarm.reset();
    }

    /// Takes the outcome of a probe.
    pub(crate) fn record_probe(&mut self, result: ProbeResult, now: Instant, jitter: f64) {
        match (result, self.state) {
            (ProbeResult::Good, MonitorState::Down(why)) if why.is_of_the_resolver() => {
                self.rise(now);
                self.next_probe = now + stretch(self.every, jitter);
            }
            (ProbeResult::Good, MonitorState::Down(_)) => {
                self.state = MonitorState::Probation { clean: 0 };
                (self.down_since, self.gone_reported) = (None, false);
                self.forget();
                self.next_probe = now + stretch(self.every, jitter);
            }
            (ProbeResult::Good, MonitorState::Suspect(_)) => {
                self.quiet_until = Some(now + Self::QUIET);
                self.rise(now);
                self.next_probe = now + stretch(self.every, jitter);
            }
            (ProbeResult::Good, _) => {
                self.rise(now);
                self.next_probe = now + stretch(self.every, jitter);
            }
            (ProbeResult::Fault(why), _) if why.is_of_the_resolver() => {
                self.state = MonitorState::Down(why);
                self.blame_resolver(why, stretch(Self::AGAIN, jitter), now);
            }
            (ProbeResult::Fault(why), _) => self.fall(why, now, jitter),
            // The resolver answers again, and the zone does not.
            (ProbeResult::NoAnswer, MonitorState::Down(why)) if why.is_of_the_resolver() => {
                self.fall(DownReason::Failing { failed: 1, of: 1 }, now, jitter);
            }
            (ProbeResult::NoAnswer, MonitorState::Suspect(why) | MonitorState::Down(why)) => {
                self.fall(why, now, jitter);
            }
            // One lost answer is no reason to do without the zone: its users will notice.
            (ProbeResult::NoAnswer, _) => {
                let wait = delay(DownReason::Failing { failed: 1, of: 1 }, self.missed);
                self.next_probe = now + stretch(wait, jitter);
                self.missed = self.missed.saturating_add(1);
            }
            (ProbeResult::NotAsked, _) => self.next_probe = now + stretch(self.every, jitter),
        }
        if result == ProbeResult::Good {
            self.missed = 0;
        }
    }

    /// Takes it that the zone could not be asked through this resolver, which does not count against it,
    /// and wants to be probed after so long.
    pub(crate) fn blame_resolver(&mut self, why: DownReason, wait: Duration, now: Instant) {
        match self.state {
            MonitorState::Down(DownReason::Failing { .. }) => {
                self.falls = self.falls.saturating_sub(1);
                self.state = MonitorState::Down(why);
            }
            MonitorState::Down(own) if own.is_of_the_resolver() => {
                self.state = MonitorState::Down(why)
            }
            MonitorState::Down(_) | MonitorState::Unproven => {}
            // It has not failed yet.
            MonitorState::Up | MonitorState::Probation { .. } | MonitorState::Suspect(_)
                if self.next_probe > now =>
            {
                return;
            }
            MonitorState::Up | MonitorState::Probation { .. } | MonitorState::Suspect(_) => {}
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
        matches!(
            self.state,
            MonitorState::Down(DownReason::Failing { .. } | DownReason::ResolverSilent)
        )
    }

    /// Wants to be probed at once: what stood between has changed.
    pub(crate) fn probe_at_once(&mut self, now: Instant) {
        self.next_probe = self.next_probe.min(now);
    }

    /// Whether it is down for a reason of its own, and has been for so long.
    pub(crate) fn is_gone(&self, after: Duration, now: Instant) -> bool {
        let own = match self.state {
            MonitorState::Unproven => true,
            MonitorState::Down(why) => !why.is_of_the_resolver(),
            MonitorState::Up | MonitorState::Suspect(_) | MonitorState::Probation { .. } => false,
        };
        own && self.down_for(now).is_some_and(|down| down >= after)
    }

    /// The same, once.
    pub(crate) fn reports_gone(&mut self, after: Duration, now: Instant) -> bool {
        let gone = self.is_gone(after, now);
        gone && !std::mem::replace(&mut self.gone_reported, true)
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
                MonitorState::Down(why) => why,
                _ => DownReason::NotAList,
            },
            u32::MAX,
        );
        (self.state, self.falls) = (state, falls);
        self.up_since = (state == MonitorState::Up).then_some(now);
        self.down_since = down_for.map(|down| now.checked_sub(down).unwrap_or(now));
        self.next_probe = match state {
            MonitorState::Down(_) => now + retry_in.min(most * 2),
            _ => now,
        };
    }

    /// What to keep for another run.
    pub(crate) fn saved(&self, now: Instant) -> Saved {
        let state = match self.state {
            MonitorState::Down(why) if why.is_of_the_resolver() => MonitorState::Unproven,
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
        self.state = MonitorState::Suspect(why);
        self.next_probe = now;
    }

    fn fall(&mut self, why: DownReason, now: Instant, jitter: f64) {
        let steady = |since: Instant| now.saturating_duration_since(since) >= Self::STEADY;
        if self.up_since.is_some_and(steady) {
            self.falls = 0;
        }
        self.next_probe = now + stretch(delay(why, self.falls), jitter);
        self.falls = self.falls.saturating_add(1);
        self.state = MonitorState::Down(why);
        self.up_since = None;
        self.down_since.get_or_insert(now);
        self.doubted = matches!(why, DownReason::Failing { .. });
        self.forget();
    }

    fn rise(&mut self, now: Instant) {
        if self.state != MonitorState::Up {
            self.up_since = Some(now);
            self.forget();
        }
        (self.down_since, self.gone_reported, self.doubted) = (None, false, false);
        self.state = MonitorState::Up;
    }

    fn forget(&mut self) {
        self.breaker = Breaker::default();
        self.alarm.reset();
        self.bogus = 0;
    }
}

/// The zone's own refusal. One by a resolver is a failure like others: it may be about one name.
fn refusal(status: &Status) -> Option<Blocked> {
    match status {
        Status::Blocked(Blocked::Refused | Blocked::Filtered(_)) => None,
        Status::Blocked(why) => Some(*why),
        _ => None,
    }
}

/// What is about one name, about the resolver, or was concluded already.
fn says_nothing_of_the_zone(status: &Status) -> bool {
    matches!(
        status,
        Status::Bogus(Bogus::ErrorForOne(_) | Bogus::ListsEverything)
            | Status::Blocked(Blocked::Rewritten(_) | Blocked::Stripped)
    )
}

fn is_failure(status: &Status) -> bool {
    matches!(status, Status::Failed(_) | Status::Blocked(Blocked::Refused | Blocked::Filtered(_)))
}

/// How long a zone is left alone when it goes down for the n-th time in a row.
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
