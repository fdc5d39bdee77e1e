//! What is known of a feed between its runs. Pure: the clock is a parameter.

use dnsbl_types::UnixTime;

use crate::{
    content::Content,
    feed::{Feed, Origin},
    fetch::FetchError,
    import::{ImportError, Imported, Note},
};

/// Seconds until the first attempt after one that failed; it doubles with each, up to the feed's own time.
const RETRY: u64 = 60;

/// Rows may expire so much later than they have to, as a part of their lifetime: otherwise each run would change all.
const SLACK: u64 = 4;

/// What is known of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedState {
    /// When it was last tried.
    pub last_attempt: Option<UnixTime>,
    /// When it was last there and whole.
    pub last_success: Option<UnixTime>,
    /// When it was last imported: it had changed, or its rows were to be renewed.
    pub last_import: Option<UnixTime>,
    /// What that did.
    pub imported: Option<Imported>,
    /// Why it does not succeed since, if so.
    pub failing: Option<Failing>,
    /// What was imported.
    pub(crate) content: Option<Content>,
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
    /// Rows that were not understood.
    pub notes: Vec<Note>,
}

/// The reason why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttemptError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl FeedState {
    /// When the next attempt is due, at `now` at the latest where there was none.
    pub fn next_attempt(&self, feed: &Feed, now: UnixTime) -> UnixTime {
        let Some(last) = self.last_attempt else { return now };
        let wait = match &self.failing {
            None => feed.every,
            Some(failing) => {
                let doubled = RETRY.checked_shl(failing.times.clamp(1, 32) as u32 - 1);
                doubled.unwrap_or(u64::MAX).min(feed.every)
            }
        };
        // A clock that was ahead must not stop the feed.
        last.min(now).plus(wait)
    }

    /// When the rows of a run at `now` expire. It is the same for a quarter of their lifetime, so that a run changes
    /// only what has changed, but for a renewal now and then.
    pub(crate) fn expiry(feed: &Feed, now: UnixTime) -> Option<UnixTime> {
        let expires_in = feed.expires_in?;
        let step = (expires_in / SLACK).max(1);
        let earliest = now.plus(expires_in).0;
        Some(UnixTime(earliest.div_ceil(step).saturating_mul(step)))
    }

    /// Whether the rows must be renewed at `now` even where they have not changed.
    pub(crate) fn needs_renewal(&self, feed: &Feed, now: UnixTime) -> bool {
        let is = self.content.as_ref().and_then(|content| content.expires_at);
        is != Self::expiry(feed, now)
    }

    /// It is there and has not changed.
    pub(crate) fn unchanged(&mut self, now: UnixTime) {
        self.last_attempt = Some(now);
        self.last_success = Some(now);
        self.failing = None;
    }

    /// It was imported.
    pub(crate) fn imported(&mut self, content: Content, imported: Imported, now: UnixTime) {
        self.unchanged(now);
        self.last_import = Some(now);
        self.content = Some(content);
        self.imported = Some(imported);
    }

    /// The attempt failed.
    pub(crate) fn failed(&mut self, err: &AttemptError, now: UnixTime) {
        self.last_attempt = Some(now);
        let (reason, notes) = match err {
            AttemptError::Fetch(err) => (err.word(), &[] as &[Note]),
            AttemptError::Import(err) => (err.word(), err.notes()),
        };
        let (since, times) = match &self.failing {
            Some(failing) => (failing.since, failing.times),
            None => (now, 0),
        };
        self.failing = Some(Failing {
            since,
            times: times + 1,
            reason: reason.into(),
            detail: err.to_string().chars().take(2000).collect(),
            notes: notes.to_vec(),
        });
    }

    /// Whether it says the same as another one, but for the times of attempts.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let without = |state: &Self| {
            let mut state = Self { last_attempt: None, last_success: None, ..state.clone() };
            if let Some(failing) = &mut state.failing {
                failing.times = 0;
            }
            state
        };
        without(self) == without(other)
    }

    /// What was imported says nothing about a feed whose settings differ in what is read.
    pub(crate) fn after_change(self, old: &Feed, new: &Feed) -> Self {
        let reads_alike = Feed {
            every: new.every,
            max_removed: new.max_removed,
            max_rejected: new.max_rejected,
            allow_private: new.allow_private,
            ..old.clone()
        } == *new;
        if reads_alike { self } else { Self::default() }
    }

    /// Whether the origin is asked only for what has changed.
    pub(crate) fn validators(&self, feed: &Feed) -> Option<&Content> {
        self.content.as_ref().filter(|_| matches!(feed.origin, Origin::Url(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Share;

    const NOW: UnixTime = UnixTime(1_700_000_000);

    fn feed(every: u64, expires_in: Option<u64>) -> Feed {
        Feed {
            name: "drop".parse().unwrap(),
            zone: "bl.example.org".parse().unwrap(),
            source: "drop".parse().unwrap(),
            origin: Origin::path("/srv/drop.txt".into()).unwrap(),
            format: dnsbl_formats::Format::Auto,
            every,
            max_removed: Share::FIFTH,
            max_rejected: Share::TWENTIETH,
            expires_in,
            lifted: Vec::new(),
            allow_private: false,
        }
    }

    fn lost() -> AttemptError {
        AttemptError::Import(ImportError::Unreadable("lost".into()))
    }

    #[test]
    fn failures_are_tried_again_soon_and_then_later_and_later() {
        let (feed, mut state) = (feed(600, None), FeedState::default());
        assert_eq!(state.next_attempt(&feed, NOW), NOW);
        state.unchanged(NOW);
        assert_eq!(state.next_attempt(&feed, NOW), NOW.plus(600));
        let mut waits = Vec::new();
        for _ in 0..40 {
            state.failed(&lost(), NOW);
            waits.push(state.next_attempt(&feed, NOW).0 - NOW.0);
        }
        assert_eq!(waits[..6], [60, 120, 240, 480, 600, 600]);
        assert!(waits[6..].iter().all(|wait| *wait == 600));
        let failing = state.failing.clone().unwrap();
        assert_eq!((failing.times, failing.since, state.last_success), (40, NOW, Some(NOW)));
        state.unchanged(NOW.plus(1));
        assert_eq!(state.failing, None);
    }

    #[test]
    fn a_clock_that_was_ahead_does_not_stop_a_feed() {
        let (feed, mut state) = (feed(600, None), FeedState::default());
        state.unchanged(NOW.plus(86_400 * 365));
        assert_eq!(state.next_attempt(&feed, NOW), NOW.plus(600));
    }

    #[test]
    fn rows_are_renewed_before_they_expire_and_not_with_every_run() {
        let (feed, mut state) = (feed(600, Some(86_400)), FeedState::default());
        let (mut renewals, mut now) = (0, NOW);
        for _ in 0..144 {
            if state.needs_renewal(&feed, now) {
                renewals += 1;
                let expires_at = FeedState::expiry(&feed, now);
                state.imported(
                    Content { expires_at, ..Content::default() },
                    Imported::default(),
                    now,
                );
            }
            let left = state.content.as_ref().unwrap().expires_at.unwrap().0 - now.0;
            assert!((86_400..=86_400 * 5 / 4).contains(&left), "{left}");
            now = now.plus(600);
        }
        assert!((4..=5).contains(&renewals), "{renewals}");
        let forever = self::feed(600, None);
        state.content = Some(Content::default());
        assert!(!state.needs_renewal(&forever, now));
    }

    #[test]
    fn another_format_or_zone_is_read_anew_and_another_pace_is_not() {
        let (old, mut state) = (feed(600, None), FeedState::default());
        state.unchanged(NOW);
        assert_eq!(state.clone().after_change(&old, &feed(900, None)), state);
        let other = Feed { format: dnsbl_formats::Format::Plain, ..old.clone() };
        assert_eq!(state.after_change(&old, &other), FeedState::default());
    }
}
