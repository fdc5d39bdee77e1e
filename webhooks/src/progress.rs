//! How far a webhook has come, and what an attempt leaves. Pure: clock and randomness are parameters.

use dnsbl_types::UnixTime;

use crate::delivery::DeliveryError;

/// How long failures are borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Seconds until the first attempt after one that failed, at most; it doubles with each.
    pub first: u64,
    /// The most that it comes to.
    pub longest: u64,
    /// Seconds of nothing but failures after which the webhook is paused.
    pub pause_after: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { first: 5, longest: 3600, pause_after: 3 * 86_400 }
    }
}

impl Patience {
    /// Seconds until the next attempt after so many that failed: from half of what they make to all of it, so that many
    /// who failed at once do not come back at once.
    pub(crate) fn wait(&self, times: u64, random: u64) -> u64 {
        let doubled = self.first.checked_shl(times.clamp(1, 32) as u32 - 1).unwrap_or(u64::MAX);
        let most = doubled.min(self.longest);
        let least = most / 2;
        least + random % (most - least + 1)
    }
}

/// How far a webhook has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last change that is done with: the receiver has been told of it, or there was nothing to tell.
    pub position: u64,
    /// The last change of the last message that the receiver took, or where the webhook began.
    pub told: u64,
    /// When a message was last sent, whatever came of it.
    pub last_attempt: Option<UnixTime>,
    /// When one was last taken.
    pub last_success: Option<UnixTime>,
    /// Why none is since, if so.
    pub failing: Option<Failing>,
    /// Why nothing more is tried, if so.
    pub paused: Option<Pause>,
}

/// Attempts that failed, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Since when.
    pub since: UnixTime,
    /// How often.
    pub times: u64,
    /// Why the last one did, in a word.
    pub reason: String,
    /// The same in words.
    pub detail: String,
    /// When the next attempt is due.
    pub next_try: UnixTime,
}

/// Why nothing more is tried until somebody changes the webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: UnixTime,
    /// Why.
    pub reason: PauseReason,
}

/// The reason of a [`Pause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// Nothing but failures for too long.
    Failing,
    /// The receiver answers 410: it wants no more.
    Gone,
    /// The token counts no more, or may not follow the change log.
    Token,
    /// The change log has no more what comes next.
    Compacted,
}

impl PauseReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Failing, Self::Gone, Self::Token, Self::Compacted];

    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Gone => "gone",
            Self::Token => "token",
            Self::Compacted => "compacted",
        }
    }

    /// What to do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Failing => {
                "every message failed for long; mend the receiver and PUT the webhook again, which goes on at its position"
            }
            Self::Gone => {
                "the receiver answers 410 Gone; delete the webhook, or PUT it with another URL, which goes on at its position"
            }
            Self::Token => {
                "the token that made it counts no more, or lacks changes:read; PUT the webhook with a token that may follow changes"
            }
            Self::Compacted => {
                "the change log no longer has what comes next; have the receiver begin anew with an export, and PUT the webhook with its DNSBL-Seq as `after`"
            }
        }
    }
}

impl Progress {
    /// One that begins behind a change.
    pub(crate) fn beginning_after(position: u64) -> Self {
        Self { position, told: position, ..Self::default() }
    }

    /// There was nothing to tell up to a change.
    pub(crate) fn skipped(&mut self, position: u64) {
        self.position = position;
    }

    /// A message up to a change was taken.
    pub(crate) fn delivered(&mut self, position: u64, now: UnixTime) {
        *self = Self {
            position,
            told: position,
            last_attempt: Some(now),
            last_success: Some(now),
            failing: None,
            paused: None,
        };
    }

    /// A message was not taken.
    pub(crate) fn failed(
        &mut self,
        err: &DeliveryError,
        now: UnixTime,
        patience: &Patience,
        random: u64,
    ) {
        self.last_attempt = Some(now);
        let (since, times) = match &self.failing {
            Some(failing) => (failing.since, failing.times + 1),
            None => (now, 1),
        };
        let wait = patience.wait(times, random);
        let asked = err.retry_after().unwrap_or(0).min(patience.longest);
        self.failing = Some(Failing {
            since,
            times,
            reason: err.word().into(),
            detail: err.to_string().chars().take(500).collect(),
            next_try: now.plus(wait.max(asked)),
        });
        if err.is_gone() {
            self.pause(PauseReason::Gone, now);
        } else if now.seconds_from(since) >= patience.pause_after {
            self.pause(PauseReason::Failing, now);
        }
    }

    /// Nothing more is tried.
    pub(crate) fn pause(&mut self, reason: PauseReason, now: UnixTime) {
        self.paused = Some(Pause { since: now, reason });
    }

    /// The same once somebody has changed the webhook: it is tried at once.
    pub(crate) fn resumed(self) -> Self {
        Self { failing: None, paused: None, ..self }
    }

    /// Seconds until something may be tried; a clock that was ahead must not stop it for long.
    pub(crate) fn wait(&self, now: UnixTime, patience: &Patience) -> u64 {
        let due = self.failing.as_ref().map(|failing| failing.next_try.seconds_from(now));
        due.unwrap_or(0).min(patience.longest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixTime = UnixTime(1_700_000_000);

    fn lost() -> DeliveryError {
        DeliveryError::Unreachable("lost".into())
    }

    proptest! {
        #[test]
        fn waits_double_up_to_the_longest_and_differ(
            times in 1u64..100, random: u64, first in 1u64..100, longest in 100u64..10_000,
        ) {
            let patience = Patience { first, longest, pause_after: 1 };
            let wait = patience.wait(times, random);
            let most = first.saturating_mul(1 << (times - 1).min(40)).min(longest);
            prop_assert!((most / 2..=most).contains(&wait), "{wait} of {most}");
        }
    }

    #[test]
    fn failures_are_counted_from_the_first_until_one_is_taken() {
        let patience = Patience { first: 4, longest: 60, pause_after: 1000 };
        let mut progress = Progress::beginning_after(7);
        for times in 1..=3 {
            progress.failed(&lost(), NOW.plus(times), &patience, 0);
        }
        let failing = progress.failing.clone().unwrap();
        assert_eq!((failing.since, failing.times), (NOW.plus(1), 3));
        assert_eq!(failing.next_try, NOW.plus(3 + 8), "half of four times four");
        assert_eq!((progress.position, progress.last_success), (7, None));
        assert_eq!(progress.wait(NOW.plus(3), &patience), 8);
        assert_eq!(progress.wait(UnixTime(0), &patience), 60, "the clock was ahead");
        progress.delivered(9, NOW.plus(20));
        assert_eq!((progress.position, progress.told, progress.failing), (9, 9, None));
    }

    #[test]
    fn who_fails_for_too_long_is_paused_until_somebody_changes_it() {
        let patience = Patience { pause_after: 1000, ..Patience::default() };
        let mut progress = Progress::default();
        progress.failed(&lost(), NOW, &patience, 0);
        progress.failed(&lost(), NOW.plus(999), &patience, 0);
        assert_eq!(progress.paused, None);
        progress.failed(&lost(), NOW.plus(1000), &patience, 0);
        assert_eq!(progress.paused.as_ref().map(|pause| pause.reason), Some(PauseReason::Failing));
        let resumed = progress.resumed();
        assert_eq!((resumed.paused, resumed.failing), (None, None));
    }

    #[test]
    fn who_wants_no_more_is_paused_at_once_and_who_asks_for_time_gets_it() {
        let patience = Patience::default();
        let mut progress = Progress::default();
        let busy = DeliveryError::Status { status: 503, retry_after: Some(120) };
        progress.failed(&busy, NOW, &patience, 0);
        assert_eq!(progress.failing.as_ref().unwrap().next_try, NOW.plus(120));
        let endless = DeliveryError::Status { status: 429, retry_after: Some(u64::MAX) };
        progress.failed(&endless, NOW, &patience, 0);
        assert_eq!(progress.failing.as_ref().unwrap().next_try, NOW.plus(patience.longest));
        assert_eq!(progress.paused, None);
        progress.failed(
            &DeliveryError::Status { status: 410, retry_after: None },
            NOW,
            &patience,
            0,
        );
        assert_eq!(progress.paused.map(|pause| pause.reason), Some(PauseReason::Gone));
    }
}
