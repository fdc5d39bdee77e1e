//! How long an answer holds.

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use super::Entry;
use crate::{Answer, Status};

/// The limits of the memory: how many answers, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheLimits {
    /// The most answers, shared among the zones; 0 keeps none.
    pub capacity: usize,
    /// How long a listing is kept: its TTL, but no less and no more than this.
    pub positive: RangeInclusive<Duration>,
    /// How long "not listed" is kept: the negative TTL (RFC 2308 section 5), within these bounds.
    pub negative: RangeInclusive<Duration>,
    /// How long it is remembered that a zone could not tell; at most [`Self::MAX_FAILURE`].
    pub failure: Duration,
    /// How long after its end a verdict is used where no other is to be had; zero is never.
    pub stale: Duration,
}

impl CacheLimits {
    /// The longest that a failure is remembered.
    pub const MAX_FAILURE: Duration = Duration::from_secs(30);

    /// How long a status holds that came with this answer, or without any.
    fn lifetime(&self, status: &Status, answer: Option<&Answer>) -> Duration {
        let seconds = |ttl: Option<u32>| Duration::from_secs(rfc2181_ttl(ttl).into());
        let within = |ttl: Duration, bounds: &RangeInclusive<Duration>| {
            ttl.min(*bounds.end()).max(*bounds.start())
        };
        match status {
            Status::Listed(_) => within(seconds(answer.and_then(|a| a.ttl)), &self.positive),
            Status::NotListed => {
                within(seconds(answer.and_then(|a| a.negative_ttl)), &self.negative)
            }
            _ => self.failure(),
        }
    }

    /// How long a failure is remembered.
    pub(crate) fn failure(&self) -> Duration {
        self.failure.min(Self::MAX_FAILURE)
    }

    /// What to keep of a status that was found out now.
    pub(crate) fn entry(&self, status: Status, answer: Option<&Answer>, now: Instant) -> Entry {
        let fresh_until = now + self.lifetime(&status, answer);
        let stale = if status.is_verdict() { self.stale } else { Duration::ZERO };
        Entry {
            status,
            fresh_until,
            stale_until: fresh_until + stale,
            spared_until: None,
            reason_from: Some(now),
        }
    }
}

/// A TTL with the top bit set counts as 0 (RFC 2181 section 8), and so does none at all.
fn rfc2181_ttl(ttl: Option<u32>) -> u32 {
    ttl.filter(|ttl| *ttl <= i32::MAX as u32).unwrap_or(0)
}

impl Default for CacheLimits {
    /// 100,000 answers; listings 60 s to 1 h, others 30 s to 15 min, failures 5 s, stale 10 min.
    fn default() -> Self {
        Self {
            capacity: 100_000,
            positive: Duration::from_secs(60)..=Duration::from_secs(3600),
            negative: Duration::from_secs(30)..=Duration::from_secs(900),
            failure: Duration::from_secs(5),
            stale: Duration::from_secs(600),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::CacheLimits;
    use crate::{Answer, Failure, Listing, Status};

    fn lifetime(status: &Status, answer: &Answer) -> u64 {
        CacheLimits::default().lifetime(status, Some(answer)).as_secs()
    }

    #[test]
    fn a_listing_holds_for_its_ttl_between_a_minute_and_an_hour() {
        let listed = Status::Listed(Listing::new(vec![]));
        for (ttl, expected) in
            [(0, 60), (59, 60), (300, 300), (3601, 3600), (1 << 31, 60), (u32::MAX, 60)]
        {
            assert_eq!(
                lifetime(&listed, &Answer { ttl: Some(ttl), ..Answer::default() }),
                expected
            );
        }
        assert_eq!(lifetime(&listed, &Answer::default()), 60);
    }

    #[test]
    fn rfc2308_s5_a_denial_holds_for_its_negative_ttl_between_30_seconds_and_15_minutes() {
        for (ttl, expected) in [(Some(0), 30), (Some(120), 120), (Some(86_400), 900), (None, 30)] {
            let answer = Answer { negative_ttl: ttl, ttl: Some(3600), ..Answer::default() };
            assert_eq!(lifetime(&Status::NotListed, &answer), expected);
        }
    }

    #[test]
    fn a_failure_is_forgotten_within_30_seconds_and_never_stale() {
        let failed = Status::Failed(Failure::Rcode(2));
        let limits = CacheLimits { failure: Duration::from_secs(3600), ..CacheLimits::default() };
        let now = Instant::now();
        let entry = limits.entry(failed, None, now);
        assert_eq!(entry.fresh_until - now, Duration::from_secs(30));
        assert_eq!(entry.stale_until, entry.fresh_until);
    }
}
