//! A host that is listed since it relays: when it is looked at again, and when it is forgotten.

use std::net::IpAddr;

use dnsbl_types::UnixTime;

use super::{Patience, Test};
use crate::{HostName, RelayTarget, TestId};

const DAY: u64 = 24 * 3600;
const SMTP: u16 = RelayTarget::SMTP;

/// Days between the retests that follow.
const RETEST_EVERY: u64 = 90;

/// Days for which the first of two clean tests counts.
const CLEARED_FOR: u64 = 7;

/// Seconds after which the second of two clean tests is made anew where it told nothing.
const SECOND_AGAIN: u64 = 3600;

/// The tests for delisting that a host has had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DelistTests {
    /// How often, since it is listed.
    pub count: u32,
    /// When that was last.
    pub last: Option<UnixTime>,
}

/// A host that is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its address.
    pub address: IpAddr,
    /// The port on which it was found open.
    pub port: u16,
    /// The domain that was nominated with it.
    pub domain: Option<HostName>,
    /// The probes that came back. Only who refuses all of them is clean.
    pub probes: Vec<u8>,
    /// The test that found it open last.
    pub test: TestId,
    /// Since when it is listed.
    pub listed_at: UnixTime,
    /// When it was last found open.
    pub confirmed_at: UnixTime,
    /// How often its delisting was asked for with a token.
    pub delist_tests: DelistTests,
    /// How often its delisting was asked for without one.
    pub anonymous_delist_tests: DelistTests,
    /// When the first of the two clean tests that a delisting takes had ended.
    pub cleared_at: Option<UnixTime>,
}

impl DelistTests {
    /// One more.
    #[must_use]
    pub fn and_one(self, now: UnixTime) -> Self {
        Self { count: self.count.saturating_add(1), last: Some(now) }
    }
}

impl Host {
    /// Days after the listing on which a host is tested again; after the last, every 90 days.
    pub const RETESTS: [u64; 5] = [7, 14, 30, 60, 90];
    /// Days after which a listing goes that nothing has confirmed.
    pub const KEEP: u64 = 90;

    /// The host that a test found open; `before` is what was known of it. One that is open on several
    /// ports is known by that of SMTP, else by the last one.
    pub fn confirmed(test: &Test, before: Option<&Self>, now: UnixTime) -> Self {
        if let Some(host) = before.filter(|host| host.port != test.port && host.port == SMTP) {
            return Self { confirmed_at: now, cleared_at: None, ..host.clone() };
        }
        let before = before.filter(|host| host.port == test.port);
        let mut probes = before.map_or_else(Vec::new, |host| host.probes.clone());
        probes.extend(test.returned());
        probes.sort_unstable();
        probes.dedup();
        Self {
            address: test.address,
            port: test.port,
            domain: test.domain.clone().or_else(|| before?.domain.clone()),
            probes,
            test: test.id,
            listed_at: before.map_or(now, |host| host.listed_at),
            confirmed_at: now,
            delist_tests: before.map(|host| host.delist_tests).unwrap_or_default(),
            anonymous_delist_tests: before
                .map(|host| host.anonymous_delist_tests)
                .unwrap_or_default(),
            cleared_at: None,
        }
    }

    /// Whether a clean test shows that the host is closed where it was open: it refused for good, or
    /// bounced, all that had come back. That it took such a message and nothing came yet is no proof.
    pub fn is_cleared_by(&self, test: &Test) -> bool {
        self.port == test.port && self.probes.iter().all(|&probe| test.is_final(probe))
    }

    /// Whether a clean test is the second one, long enough after the first: one lucky connection
    /// delists nobody.
    pub fn is_cleared_twice_by(&self, test: &Test, patience: Patience) -> bool {
        let second = self.second_test(test.submitted_at, patience);
        second.is_some_and(|at| at <= test.submitted_at)
    }

    /// When the second of the two clean tests is due, if the first was made within a week.
    pub fn second_test(&self, now: UnixTime, patience: Patience) -> Option<UnixTime> {
        let first = self.cleared_at.filter(|first| now <= first.plus(CLEARED_FOR * DAY))?;
        Some(first.plus(patience.second_test_after))
    }

    /// The host after a clean test that was not the second one.
    #[must_use]
    pub fn cleared_once(&self, now: UnixTime, patience: Patience) -> Self {
        let first = self.second_test(now, patience).and(self.cleared_at);
        Self { cleared_at: first.or(Some(now)), ..self.clone() }
    }

    /// From then on the listing is absent unless something confirms it.
    pub fn expires_at(&self) -> UnixTime {
        self.confirmed_at.plus(Self::KEEP * DAY)
    }

    /// The first retest after `now`.
    pub fn next_retest(&self, now: UnixTime) -> UnixTime {
        let scheduled = Self::RETESTS.into_iter();
        let last = Self::RETESTS[Self::RETESTS.len() - 1];
        let later = (1..).map(|round| last + round * RETEST_EVERY);
        let mut times = scheduled.chain(later).map(|days| self.listed_at.plus(days * DAY));
        times.find(|&at| at > now).unwrap_or(now.plus(RETEST_EVERY * DAY))
    }

    /// When somebody should look at it again.
    pub fn due(&self, now: UnixTime, patience: Patience) -> UnixTime {
        let due = self.next_retest(now).min(self.expires_at());
        match self.second_test(now, patience) {
            Some(second) if second > now => second.min(due),
            Some(_) => now.plus(SECOND_AGAIN).min(due),
            None => due,
        }
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use super::{DAY, DelistTests, Host, SECOND_AGAIN};
    use crate::{TestId, life::Patience};

    const PATIENCE: Patience = Patience {
        settle_for: 1_800,
        pending_for: 432_000,
        retry_after: 420,
        second_test_after: 900,
    };

    fn listed_on_day(day: u64) -> Host {
        Host {
            address: "192.0.2.1".parse().unwrap(),
            port: 25,
            domain: None,
            probes: vec![0],
            test: TestId(1),
            listed_at: UnixTime(day * DAY),
            confirmed_at: UnixTime(day * DAY),
            delist_tests: DelistTests::default(),
            anonymous_delist_tests: DelistTests::default(),
            cleared_at: None,
        }
    }

    #[test]
    fn retests_grow_rare_and_never_end() {
        let host = listed_on_day(100);
        let mut now = host.listed_at;
        let mut days = Vec::new();
        for _ in 0..8 {
            now = host.next_retest(now);
            days.push(now.0 / DAY - 100);
        }
        assert_eq!(days, [7, 14, 30, 60, 90, 180, 270, 360]);
    }

    #[test]
    fn a_listing_that_nothing_confirms_ends_after_90_days() {
        let mut host = listed_on_day(100);
        assert_eq!(host.expires_at(), UnixTime(190 * DAY));
        host.confirmed_at = UnixTime(130 * DAY);
        assert_eq!(host.expires_at(), UnixTime(220 * DAY));
    }

    #[test]
    fn a_host_is_due_at_its_expiry_even_where_no_retest_is() {
        let mut host = listed_on_day(100);
        host.confirmed_at = UnixTime(160 * DAY);
        assert_eq!(host.due(UnixTime(200 * DAY), PATIENCE), UnixTime(250 * DAY));
    }

    /// Mail row F1: one lucky connection delisted.
    #[test]
    fn a_second_test_follows_the_first_clean_one_and_again_while_it_tells_nothing() {
        let now = UnixTime(107 * DAY);
        let host = listed_on_day(100).cleared_once(now, PATIENCE);
        let second = now.plus(PATIENCE.second_test_after);
        assert_eq!(host.due(now, PATIENCE), second);
        assert_eq!(host.due(second, PATIENCE), second.plus(SECOND_AGAIN));
        assert_eq!(host.cleared_once(second, PATIENCE).cleared_at, Some(now), "the first stays");
        let later = now.plus(7 * DAY + 1);
        assert_eq!(host.second_test(later, PATIENCE), None, "it is forgotten after a week");
        assert_eq!(host.due(later, PATIENCE), UnixTime(130 * DAY));
        assert_eq!(host.cleared_once(later, PATIENCE).cleared_at, Some(later));
    }
}
