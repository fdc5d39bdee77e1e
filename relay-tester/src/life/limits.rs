//! How often hosts and networks are tested, and how much may be asked for.

use std::{collections::VecDeque, net::IpAddr};

use dnsbl_types::UnixTime;

use super::{Host, State, Test};
use crate::Ground;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Seconds between tests for delisting, by how many there were since the host was listed.
const DELIST_WAITS: [u64; 5] = [0, HOUR, 6 * HOUR, DAY, 7 * DAY];

/// Seconds between tests that the owner asks for, and how many of them a day has.
const OWNER_WAIT: u64 = HOUR;
const OWNER_A_DAY: usize = 3;

/// The limits; 0 turns one off, except for [`Limits::at_once`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Days between tests of one address, unless its owner asks; 0 also lifts what limits owners.
    pub per_address_days: u64,
    /// Tests an hour of one IPv4 /24 or IPv6 /48.
    pub per_24_hour: usize,
    /// Tests an hour.
    pub global_hour: usize,
    /// Tests at once, at least 1.
    pub at_once: usize,
    /// Tests that wait, beyond which nobody may ask.
    pub waiting: usize,
    /// Submissions an hour of one token without the scope `relay-tests:trusted`.
    pub per_token_hour: usize,
    /// Anonymous submissions a day from one IPv4 /24 or IPv6 /48.
    pub anonymous_day: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_address_days: 7,
            per_24_hour: 4,
            global_hour: 60,
            at_once: 8,
            waiting: 10_000,
            per_token_hour: 10,
            anonymous_day: 3,
        }
    }
}

/// Who asks, as far as limits go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Somebody who is trusted with more than a few.
    Trusted,
    /// The holder of a token.
    Token(String),
    /// Somebody at this address.
    Anonymous(IpAddr),
}

/// Which limit is reached, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limit}; try again in {retry_after} seconds")]
pub struct Limited {
    /// The limit.
    pub limit: Limit,
    /// Seconds until it is worth trying again.
    pub retry_after: u64,
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// One address.
    #[error("this address was tested a short time ago")]
    Address,
    /// Its owner.
    #[error("tests that the owner of an address asks for are one an hour and three a day")]
    Owner,
    /// Delisting.
    #[error("another test for delisting has to wait, longer each time")]
    Delist,
    /// One network.
    #[error("this network was tested often within the hour")]
    Network,
    /// All.
    #[error("as many tests as this list makes in an hour were asked for")]
    Global,
    /// The queue.
    #[error("as many tests as this list keeps waiting are waiting")]
    Waiting,
    /// One submitter.
    #[error("as many tests as one submitter may ask for were asked for")]
    Submitter,
    /// Names.
    #[error("as many domains as are looked up at once without a token are being looked up")]
    Lookups,
}

/// The tests of the last day, for the limits that are about more than one address.
#[derive(Clone, Debug, Default)]
pub struct Recent(VecDeque<Submission>);

#[derive(Clone, Debug)]
struct Submission {
    at: UnixTime,
    address: IpAddr,
    asker: Asker,
}

impl Recent {
    /// Adds a test; they come in the order of time.
    pub fn add(&mut self, at: UnixTime, address: IpAddr, asker: Asker) {
        self.0.push_back(Submission { at, address, asker });
    }

    /// Forgets what no limit asks for any more.
    pub fn prune(&mut self, now: UnixTime) {
        while self.0.front().is_some_and(|oldest| oldest.at.plus(DAY) <= now) {
            self.0.pop_front();
        }
    }

    /// Whether one more fits the limits that are about more than one address.
    pub fn check(
        &self,
        address: IpAddr,
        asker: &Asker,
        limits: &Limits,
        now: UnixTime,
    ) -> Result<(), Limited> {
        let network = network(address);
        let of_network = |s: &&Submission| self::network(s.address) == network;
        self.within(Limit::Network, limits.per_24_hour, HOUR, now, of_network)?;
        self.within(Limit::Global, limits.global_hour, HOUR, now, |_| true)?;
        match asker {
            Asker::Trusted => Ok(()),
            Asker::Token(_) => {
                self.within(Limit::Submitter, limits.per_token_hour, HOUR, now, |s| {
                    s.asker == *asker
                })
            }
            Asker::Anonymous(from) => {
                let from = self::network(*from);
                let same = |s: &&Submission| matches!(s.asker, Asker::Anonymous(other) if self::network(other) == from);
                self.within(Limit::Submitter, limits.anonymous_day, DAY, now, same)
            }
        }
    }

    fn within(
        &self,
        limit: Limit,
        most: usize,
        seconds: u64,
        now: UnixTime,
        counts: impl Fn(&&Submission) -> bool,
    ) -> Result<(), Limited> {
        if most == 0 {
            return Ok(());
        }
        let recent = self.0.iter().rev().take_while(|s| s.at.plus(seconds) > now);
        // The one that has to grow old before there is room again.
        match recent.filter(counts).nth(most - 1) {
            Some(oldest) => Err(limited(limit, oldest.at.plus(seconds), now)),
            None => Ok(()),
        }
    }
}

/// Whether the address itself may be tested again; `history` is its tests, the newest first.
pub fn check_address(
    history: &[Test],
    host: Option<&Host>,
    ground: Ground,
    limits: &Limits,
    now: UnixTime,
) -> Result<(), Limited> {
    if limits.per_address_days == 0 {
        return Ok(());
    }
    // One that was called off before it began disturbed nobody.
    let made =
        || history.iter().filter(|test| test.state != State::Cancelled || test.conversations > 0);
    match (ground, host) {
        (Ground::Delist, Some(host)) => check_delist(host, now),
        (Ground::Owner | Ground::Retest | Ground::Delist, _) => {
            let times = made().filter(|test| test.ground == ground).map(|test| test.submitted_at);
            check_owner(times, now)
        }
        (Ground::Own | Ground::Evidence, _) => {
            let wait = limits.per_address_days * DAY;
            match made().next().map(|test| test.submitted_at.plus(wait)) {
                Some(until) if until > now => Err(limited(Limit::Address, until, now)),
                _ => Ok(()),
            }
        }
    }
}

/// The first test for delisting after a listing is never limited.
pub fn is_free(host: Option<&Host>, ground: Ground) -> bool {
    ground == Ground::Delist && host.is_some_and(|host| host.delist_tests == 0)
}

fn check_delist(host: &Host, now: UnixTime) -> Result<(), Limited> {
    let Some(last) = host.last_delist_test else { return Ok(()) };
    let times = usize::try_from(host.delist_tests).unwrap_or(usize::MAX);
    let until = last.plus(DELIST_WAITS[times.min(DELIST_WAITS.len() - 1)]);
    if until > now { Err(limited(Limit::Delist, until, now)) } else { Ok(()) }
}

fn check_owner(mut times: impl Iterator<Item = UnixTime>, now: UnixTime) -> Result<(), Limited> {
    let Some(last) = times.next() else { return Ok(()) };
    let of_day = times.nth(OWNER_A_DAY - 2).map_or(UnixTime(0), |at| at.plus(DAY));
    let until = last.plus(OWNER_WAIT).max(of_day);
    if until > now { Err(limited(Limit::Owner, until, now)) } else { Ok(()) }
}

fn limited(limit: Limit, until: UnixTime, now: UnixTime) -> Limited {
    Limited { limit, retry_after: until.seconds_from(now).max(1) }
}

/// The IPv4 /24 or IPv6 /48 of an address.
pub fn network(address: IpAddr) -> (bool, u64) {
    match address {
        IpAddr::V4(v4) => (false, u64::from(v4.to_bits() >> 8)),
        IpAddr::V6(v6) => (true, (v6.to_bits() >> 80) as u64),
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use super::{Asker, DAY, HOUR, Limit, Limits, Recent, check_address};
    use crate::{
        Ground,
        life::{Host, Test, tests::test_of},
    };

    const NOW: UnixTime = UnixTime(1_000 * DAY);

    fn tested(ground: Ground, ago: u64) -> Test {
        let mut test = test_of("192.0.2.1");
        test.ground = ground;
        test.submitted_at = UnixTime(NOW.0 - ago);
        test
    }

    fn listed(delist_tests: u32, ago: Option<u64>) -> Host {
        let mut host = Host::confirmed(&test_of("192.0.2.1"), None, UnixTime(NOW.0 - 30 * DAY));
        host.delist_tests = delist_tests;
        host.last_delist_test = ago.map(|ago| UnixTime(NOW.0 - ago));
        host
    }

    fn limited(history: &[Test], host: Option<&Host>, ground: Ground) -> Option<(Limit, u64)> {
        let checked = check_address(history, host, ground, &Limits::default(), NOW);
        checked.err().map(|limited| (limited.limit, limited.retry_after))
    }

    #[test]
    fn an_address_is_tested_once_in_seven_days_unless_its_owner_asks() {
        let history = [tested(Ground::Evidence, DAY)];
        let wait = Some((Limit::Address, 6 * DAY));
        assert_eq!(limited(&history, None, Ground::Evidence), wait);
        assert_eq!(limited(&history, None, Ground::Own), wait);
        assert_eq!(limited(&history, None, Ground::Owner), None);
        assert_eq!(limited(&[tested(Ground::Evidence, 7 * DAY)], None, Ground::Evidence), None);
    }

    #[test]
    fn an_owner_asks_once_an_hour_and_three_times_a_day() {
        let asked = |hours: &[u64]| {
            let history: Vec<Test> =
                hours.iter().map(|ago| tested(Ground::Owner, ago * HOUR)).collect();
            limited(&history, None, Ground::Owner)
        };
        assert_eq!(asked(&[2]), None);
        assert_eq!(asked(&[0]), Some((Limit::Owner, HOUR)));
        assert_eq!(asked(&[2, 4]), None);
        assert_eq!(asked(&[2, 4, 6]), Some((Limit::Owner, 18 * HOUR)));
        assert_eq!(asked(&[2, 4, 25]), None);
    }

    #[test]
    fn the_first_test_for_delisting_is_never_limited_and_later_ones_wait_longer() {
        let history = [tested(Ground::Evidence, 1)];
        let asked = |times, ago| limited(&history, Some(&listed(times, ago)), Ground::Delist);
        assert_eq!(asked(0, None), None);
        assert_eq!(asked(1, Some(0)), Some((Limit::Delist, HOUR)));
        assert_eq!(asked(2, Some(2 * HOUR)), Some((Limit::Delist, 4 * HOUR)));
        assert_eq!(asked(9, Some(DAY)), Some((Limit::Delist, 6 * DAY)));
        assert_eq!(asked(9, Some(7 * DAY)), None);
    }

    #[test]
    fn a_test_that_was_called_off_counts_only_if_it_had_begun() {
        let mut test = tested(Ground::Evidence, 1);
        test.cancel();
        assert_eq!(limited(&[test.clone()], None, Ground::Evidence), None);
        test.conversations = 1;
        assert!(limited(&[test], None, Ground::Evidence).is_some());
    }

    fn after(submissions: &[(&str, u64)], address: &str, asker: &Asker) -> Option<(Limit, u64)> {
        let mut recent = Recent::default();
        for &(address, ago) in submissions {
            recent.add(UnixTime(NOW.0 - ago), address.parse().unwrap(), asker.clone());
        }
        let limits = Limits { global_hour: 6, ..Limits::default() };
        let checked = recent.check(address.parse().unwrap(), asker, &limits, NOW);
        checked.err().map(|limited| (limited.limit, limited.retry_after))
    }

    #[test]
    fn a_network_is_tested_four_times_an_hour() {
        let four =
            [("192.0.2.1", 3000), ("192.0.2.2", 2000), ("192.0.2.3", 1000), ("192.0.2.4", 10)];
        let trusted = Asker::Trusted;
        assert_eq!(after(&four, "192.0.2.9", &trusted), Some((Limit::Network, 600)));
        assert_eq!(after(&four, "192.0.3.9", &trusted), None);
        assert_eq!(after(&four[1..], "192.0.2.9", &trusted), None);
        let six = [("2001:db8::1", 1); 4];
        assert_eq!(after(&six, "2001:db8:0:ffff::1", &trusted), Some((Limit::Network, 3599)));
        assert_eq!(after(&six, "2001:db8:1::1", &trusted), None);
    }

    #[test]
    fn all_tests_of_an_hour_are_limited_together() {
        let addresses: Vec<String> = (1..=6).map(|n| format!("198.51.{n}.1")).collect();
        let six: Vec<(&str, u64)> = addresses.iter().map(|a| (a.as_str(), 60)).collect();
        let limited = after(&six, "192.0.2.1", &Asker::Trusted);
        assert_eq!(limited, Some((Limit::Global, HOUR - 60)));
    }

    #[test]
    fn a_submitter_is_limited_by_token_or_by_network() {
        let three = [("198.51.1.1", 60), ("198.51.2.1", 60), ("198.51.3.1", 60)];
        let anonymous = Asker::Anonymous("203.0.113.5".parse().unwrap());
        let limited = after(&three, "192.0.2.1", &anonymous);
        assert_eq!(limited, Some((Limit::Submitter, DAY - 60)));
        assert_eq!(after(&three, "192.0.2.1", &Asker::Token("t".into())), None);
    }

    #[test]
    fn submissions_are_forgotten_after_a_day() {
        let mut recent = Recent::default();
        recent.add(UnixTime(NOW.0 - DAY), "192.0.2.1".parse().unwrap(), Asker::Trusted);
        recent.add(NOW, "192.0.2.1".parse().unwrap(), Asker::Trusted);
        recent.prune(NOW);
        assert_eq!(recent.0.len(), 1);
    }
}
