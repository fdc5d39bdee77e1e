//! A host that is listed since it relays: when it is looked at again, and when it is forgotten.

use std::net::IpAddr;

use dnsbl_types::UnixTime;

use super::Test;
use crate::{HostName, RelayTarget, TestId};

const DAY: u64 = 24 * 3600;
const SMTP: u16 = RelayTarget::SMTP;

/// Days after the listing on which a host is tested again; then every [`RETEST_EVERY`].
const RETESTS: [u64; 5] = [7, 14, 30, 60, 90];

/// Days between the retests that follow.
const RETEST_EVERY: u64 = 90;

/// Days after which a listing goes that nothing has confirmed.
const KEEP: u64 = 90;

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
    /// How often its delisting was asked for since.
    pub delist_tests: u32,
    /// When that was last.
    pub last_delist_test: Option<UnixTime>,
}

impl Host {
    /// The host that a test found open; `before` is what was known of it. One that is open on several
    /// ports is known by that of SMTP, else by the last one.
    pub fn confirmed(test: &Test, before: Option<&Self>, now: UnixTime) -> Self {
        if let Some(host) = before.filter(|host| host.port != test.port && host.port == SMTP) {
            return Self { confirmed_at: now, ..host.clone() };
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
            delist_tests: before.map_or(0, |host| host.delist_tests),
            last_delist_test: before.and_then(|host| host.last_delist_test),
        }
    }

    /// Whether a clean test shows that the host is closed where it was open.
    pub fn is_cleared_by(&self, test: &Test) -> bool {
        self.port == test.port && self.probes.iter().all(|probe| test.plan.contains(probe))
    }

    /// From then on the listing is absent unless something confirms it.
    pub fn expires_at(&self) -> UnixTime {
        self.confirmed_at.plus(KEEP * DAY)
    }

    /// The first retest after `now`.
    pub fn next_retest(&self, now: UnixTime) -> UnixTime {
        let scheduled = RETESTS.into_iter();
        let last = RETESTS[RETESTS.len() - 1];
        let later = (1..).map(|round| last + round * RETEST_EVERY);
        let mut times = scheduled.chain(later).map(|days| self.listed_at.plus(days * DAY));
        times.find(|&at| at > now).unwrap_or(now.plus(RETEST_EVERY * DAY))
    }

    /// When somebody should look at it again.
    pub fn due(&self, now: UnixTime) -> UnixTime {
        self.next_retest(now).min(self.expires_at())
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use super::{DAY, Host};
    use crate::TestId;

    fn listed_on_day(day: u64) -> Host {
        Host {
            address: "192.0.2.1".parse().unwrap(),
            port: 25,
            domain: None,
            probes: vec![0],
            test: TestId(1),
            listed_at: UnixTime(day * DAY),
            confirmed_at: UnixTime(day * DAY),
            delist_tests: 0,
            last_delist_test: None,
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
        assert_eq!(host.due(UnixTime(200 * DAY)), UnixTime(250 * DAY));
    }
}
