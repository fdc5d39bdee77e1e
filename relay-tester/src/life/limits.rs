//! How often hosts and networks are tested, and how much may be asked for.

use std::{collections::VecDeque, fmt, net::IpAddr};

use dnsbl_types::UnixTime;

use super::{DelistTests, Host, StateKind, Test, Verdict};
use crate::Ground;

const MINUTE: u64 = 60;
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
    /// Days between tests of one address, unless its owner or a trusted token asks; 0 also lifts what
    /// limits owners.
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

/// The asker, as far as limits go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Somebody who is trusted with more than a few.
    Trusted,
    /// The holder of a token.
    Token(String),
    /// Somebody at this address.
    Anonymous(IpAddr),
}

impl Asker {
    fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous(_))
    }

    /// How many domains are looked up for it in a minute.
    fn lookups_a_minute(&self) -> usize {
        match self {
            Self::Trusted => 60,
            Self::Token(_) => 10,
            Self::Anonymous(_) => 1,
        }
    }

    /// Whether limits count both together: the same token, or one network without a token.
    fn is_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anonymous(one), Self::Anonymous(other)) => network(*one) == network(*other),
            (one, other) => one == other,
        }
    }
}

/// A limit that is reached, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limit}; try again in {} ({retry_after} seconds)", Wait(*retry_after))]
pub struct Limited {
    /// The limit.
    pub limit: Limit,
    /// Seconds until it is worth trying again.
    pub retry_after: u64,
}

/// Seconds in words, rounded up to whole minutes where they are many.
struct Wait(u64);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, smaller) = match self.0 {
            0..120 => return write!(f, "{} s", self.0),
            120..7_200 => return write!(f, "{} min", self.0.div_ceil(MINUTE)),
            7_200..172_800 => ((HOUR, "h"), (MINUTE, "min")),
            _ => ((DAY, "days"), (HOUR, "h")),
        };
        let smallest = self.0.div_ceil(smaller.0);
        let per = unit.0 / smaller.0;
        match (smallest / per, smallest % per) {
            (whole, 0) => write!(f, "{whole} {}", unit.1),
            (whole, rest) => write!(f, "{whole} {} {rest} {}", unit.1, smaller.1),
        }
    }
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
    #[error(
        "as many domains as are looked up for one submitter in a minute, or at once, were given"
    )]
    Lookups,
    /// Reading without a token.
    #[error("as many tests as are shown to one network in a minute were asked for")]
    Reads,
}

/// The tests of the last day, for the limits that are about more than one address, and what was asked
/// for in vain.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    tests: VecDeque<RecentTest>,
    /// Submissions that were charged and have made no test. Forgotten at a restart.
    charged: VecDeque<(UnixTime, Asker)>,
    /// Domains that were looked up within a minute.
    lookups: VecDeque<(UnixTime, Asker)>,
    /// Tests that were looked at without a token within a minute.
    reads: VecDeque<(UnixTime, Asker)>,
}

/// How many tests one network sees in a minute without a token: ids are not to be guessed.
const READS_A_MINUTE: usize = 120;

/// The most submissions in vain that are remembered; what is beyond takes the place of the oldest.
const MAX_CHARGED: usize = 100_000;

#[derive(Clone, Debug)]
struct RecentTest {
    at: UnixTime,
    address: IpAddr,
    asker: Asker,
}

impl Recent {
    /// Adds a test; they come in the order of time.
    pub fn add(&mut self, at: UnixTime, address: IpAddr, asker: Asker) {
        self.tests.push_back(RecentTest { at, address, asker });
    }

    /// Forgets what no limit asks for any more.
    pub fn prune(&mut self, now: UnixTime) {
        while self.tests.front().is_some_and(|oldest| oldest.at.plus(DAY) <= now) {
            self.tests.pop_front();
        }
        for (queue, seconds) in
            [(&mut self.charged, DAY), (&mut self.reads, MINUTE), (&mut self.lookups, MINUTE)]
        {
            while queue.front().is_some_and(|(at, _)| at.plus(seconds) <= now) {
                queue.pop_front();
            }
        }
    }

    /// Charges a submission to whoever asks, before anything is done for it; [`add`](Self::add) alone does
    /// not. What then makes a test is to be [given back](Self::give_back).
    ///
    /// # Errors
    /// The asker has submitted as many as it may.
    pub fn charge(&mut self, asker: &Asker, limits: &Limits, now: UnixTime) -> Result<(), Limited> {
        self.prune(now);
        self.check_submitter(asker, limits, now)?;
        // Nobody who is trusted has a limit that it could count for.
        if *asker != Asker::Trusted {
            push(&mut self.charged, now, asker);
        }
        Ok(())
    }

    /// Takes the latest charge of an asker back.
    pub fn give_back(&mut self, asker: &Asker) {
        let latest = self.charged.iter().rposition(|(_, charged)| charged == asker);
        latest.and_then(|at| self.charged.remove(at));
    }

    /// Charges a look at a test without a token.
    ///
    /// # Errors
    /// The network has looked at as many as it may in a minute.
    pub fn charge_read(&mut self, from: IpAddr, now: UnixTime) -> Result<(), Limited> {
        self.prune(now);
        let asker = &Asker::Anonymous(from);
        charge_minute(&mut self.reads, asker, Limit::Reads, READS_A_MINUTE, now)
    }

    /// Charges the lookup of a domain.
    ///
    /// # Errors
    /// The asker has had as many looked up as it may in a minute.
    pub fn charge_lookup(&mut self, asker: &Asker, now: UnixTime) -> Result<(), Limited> {
        self.prune(now);
        charge_minute(&mut self.lookups, asker, Limit::Lookups, asker.lookups_a_minute(), now)
    }

    /// Measures one more test by the limits of networks, and of all.
    ///
    /// # Errors
    /// One of them is reached.
    pub fn check(&self, address: IpAddr, limits: &Limits, now: UnixTime) -> Result<(), Limited> {
        let network = network(address);
        let of_network = self.tests.iter().filter(|s| self::network(s.address) == network);
        within(Limit::Network, limits.per_24_hour, HOUR, now, of_network.map(|s| s.at).collect())?;
        let all = self.tests.iter().map(|s| s.at).collect();
        within(Limit::Global, limits.global_hour, HOUR, now, all)
    }

    fn check_submitter(
        &self,
        asker: &Asker,
        limits: &Limits,
        now: UnixTime,
    ) -> Result<(), Limited> {
        let (most, seconds) = match asker {
            Asker::Trusted => return Ok(()),
            Asker::Token(_) => (limits.per_token_hour, HOUR),
            Asker::Anonymous(_) => (limits.anonymous_day, DAY),
        };
        let tests = self.tests.iter().map(|s| (s.at, &s.asker));
        let charged = self.charged.iter().map(|(at, asker)| (*at, asker));
        let own = tests.chain(charged).filter(|(_, other)| other.is_with(asker));
        within(Limit::Submitter, most, seconds, now, own.map(|(at, _)| at).collect())
    }
}

/// Charges one of the `most` that an asker has in a minute.
fn charge_minute(
    charged: &mut VecDeque<(UnixTime, Asker)>,
    asker: &Asker,
    limit: Limit,
    most: usize,
    now: UnixTime,
) -> Result<(), Limited> {
    let own = charged.iter().filter(|(_, other)| other.is_with(asker));
    if let Some((oldest, _)) = own.rev().nth(most - 1) {
        return Err(limited(limit, oldest.plus(MINUTE), now));
    }
    push(charged, now, asker);
    Ok(())
}

fn push(to: &mut VecDeque<(UnixTime, Asker)>, now: UnixTime, asker: &Asker) {
    if to.len() >= MAX_CHARGED {
        to.pop_front();
    }
    to.push_back((now, asker.clone()));
}

fn within(
    limit: Limit,
    most: usize,
    seconds: u64,
    now: UnixTime,
    mut times: Vec<UnixTime>,
) -> Result<(), Limited> {
    times.retain(|at| at.plus(seconds) > now);
    times.sort_unstable();
    // The one that has to grow old before there is room again.
    match times.iter().rev().nth(most.wrapping_sub(1)) {
        Some(oldest) if most > 0 => Err(limited(limit, oldest.plus(seconds), now)),
        _ => Ok(()),
    }
}

/// Measures one more test of an address by its own limits; `history` is its tests, the newest first.
///
/// Nobody gets immunity by having an address tested himself: what was asked for without a token limits only those without,
/// tests by the host itself limit such tests, and a test that found nothing out limits nobody.
///
/// # Errors
/// The address has been tested too recently.
pub fn check_address(
    history: &[Test],
    host: Option<&Host>,
    ground: Ground,
    asker: &Asker,
    limits: &Limits,
    now: UnixTime,
) -> Result<(), Limited> {
    if limits.per_address_days == 0 {
        return Ok(());
    }
    // One that was called off before it began disturbed nobody.
    let made = || {
        history
            .iter()
            .filter(|test| test.state.kind() != StateKind::Cancelled || test.conversations > 0)
    };
    match (ground, host) {
        (Ground::Delist, Some(host)) => check_delist(delist_tests(host, asker), now),
        (Ground::Owner | Ground::Retest | Ground::Delist, _) => {
            let times = made().filter(|test| test.ground == ground).map(|test| test.submitted_at);
            check_owner(times, now)
        }
        (Ground::Own | Ground::Evidence, _) if *asker == Asker::Trusted => Ok(()),
        (Ground::Own | Ground::Evidence, _) => {
            let wait = limits.per_address_days * DAY;
            let counts = |test: &&Test| {
                let found_nothing = [Verdict::Unreachable, Verdict::Blocked, Verdict::Inconclusive];
                let is_of_itself = test.ground == Ground::Own && ground != Ground::Own;
                let is_foreign =
                    !asker.is_anonymous() && (test.anonymous_submitter().is_some() || is_of_itself);
                !is_foreign && !test.verdict().is_some_and(|v| found_nothing.contains(&v))
            };
            match made().find(counts).map(|test| test.submitted_at.plus(wait)) {
                Some(until) if until > now => Err(limited(Limit::Address, until, now)),
                _ => Ok(()),
            }
        }
    }
}

/// The first test for delisting after a listing is never limited.
pub fn is_free(host: Option<&Host>, ground: Ground, asker: &Asker) -> bool {
    ground == Ground::Delist && host.is_some_and(|host| delist_tests(host, asker).count == 0)
}

/// The tests for delisting that limit this asker.
fn delist_tests(host: &Host, asker: &Asker) -> DelistTests {
    if asker.is_anonymous() { host.anonymous_delist_tests } else { host.delist_tests }
}

fn check_delist(tests: DelistTests, now: UnixTime) -> Result<(), Limited> {
    let Some(last) = tests.last else { return Ok(()) };
    let times = usize::try_from(tests.count).unwrap_or(usize::MAX);
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

    use super::{Asker, DAY, HOUR, Limit, Limits, Recent, Wait, check_address};
    use crate::{
        Ground,
        life::{Contact, DelistTests, Host, State, Test, Verdict, tests::test_of},
    };

    const NOW: UnixTime = UnixTime(1_000 * DAY);

    fn tested(ground: Ground, ago: u64) -> Test {
        let mut test = test_of("192.0.2.1");
        test.ground = ground;
        test.submitted_at = UnixTime(NOW.0 - ago);
        test.state = done(Verdict::Clean);
        test
    }

    fn done(verdict: Verdict) -> State {
        State::Done { verdict, contact: Contact { tokens_expire_at: NOW, tested_at: Some(NOW) } }
    }

    fn listed(count: u32, ago: Option<u64>) -> Host {
        let mut host = Host::confirmed(&test_of("192.0.2.1"), None, UnixTime(NOW.0 - 30 * DAY));
        host.delist_tests = DelistTests { count, last: ago.map(|ago| UnixTime(NOW.0 - ago)) };
        host
    }

    fn anonymous() -> Asker {
        Asker::Anonymous("203.0.113.5".parse().unwrap())
    }

    fn token() -> Asker {
        Asker::Token("t".into())
    }

    fn limited_for(
        asker: &Asker,
        history: &[Test],
        host: Option<&Host>,
        ground: Ground,
    ) -> Option<(Limit, u64)> {
        let checked = check_address(history, host, ground, asker, &Limits::default(), NOW);
        checked.err().map(|limited| (limited.limit, limited.retry_after))
    }

    fn limited(history: &[Test], host: Option<&Host>, ground: Ground) -> Option<(Limit, u64)> {
        limited_for(&token(), history, host, ground)
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

    /// Security review, M7: nominating oneself gave immunity for seven days.
    #[test]
    fn who_has_himself_tested_is_not_immune() {
        let mut by_anonymous = tested(Ground::Evidence, DAY);
        by_anonymous.submitter = "anonymous 192.0.2.1".into();
        let by_itself = tested(Ground::Own, DAY);
        for test in [by_anonymous, by_itself] {
            let history = [test];
            assert_eq!(limited(&history, None, Ground::Evidence), None);
            let of_anonymous = limited_for(&anonymous(), &history, None, Ground::Evidence);
            assert_eq!(of_anonymous, Some((Limit::Address, 6 * DAY)));
        }
        let by_token = [tested(Ground::Evidence, DAY)];
        assert_eq!(limited_for(&Asker::Trusted, &by_token, None, Ground::Evidence), None);
    }

    /// Security review, M7.
    #[test]
    fn a_test_that_found_nothing_out_limits_nobody() {
        for verdict in [Verdict::Unreachable, Verdict::Blocked, Verdict::Inconclusive] {
            let mut test = tested(Ground::Evidence, DAY);
            test.state = done(verdict);
            for asker in [token(), anonymous()] {
                let history = [test.clone()];
                assert_eq!(limited_for(&asker, &history, None, Ground::Evidence), None);
                let earlier = [test.clone(), tested(Ground::Evidence, 2 * DAY)];
                let limited = limited_for(&asker, &earlier, None, Ground::Evidence);
                assert_eq!(limited, Some((Limit::Address, 5 * DAY)));
            }
        }
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

    /// A sibling of M7: strangers could make an owner wait for a week.
    #[test]
    fn what_is_asked_for_without_a_token_does_not_make_others_wait_for_their_delisting() {
        let mut host = listed(0, None);
        host.anonymous_delist_tests = DelistTests { count: 9, last: Some(NOW) };
        assert_eq!(limited(&[], Some(&host), Ground::Delist), None);
        let of_anonymous = limited_for(&anonymous(), &[], Some(&host), Ground::Delist);
        assert_eq!(of_anonymous, Some((Limit::Delist, 7 * DAY)));
    }

    #[test]
    fn a_test_that_was_called_off_counts_only_if_it_had_begun() {
        let mut test = tested(Ground::Evidence, 1);
        test.state = State::Queued { contact: None };
        test.cancel();
        assert_eq!(limited(&[test.clone()], None, Ground::Evidence), None);
        test.conversations = 1;
        assert!(limited(&[test], None, Ground::Evidence).is_some());
    }

    /// What limits one more submission after some that have made tests.
    fn after(submissions: &[(&str, u64)], address: &str, asker: &Asker) -> Option<(Limit, u64)> {
        let mut recent = Recent::default();
        for &(address, ago) in submissions {
            recent.add(UnixTime(NOW.0 - ago), address.parse().unwrap(), asker.clone());
        }
        let limits = Limits { global_hour: 6, ..Limits::default() };
        let charged = recent.charge(asker, &limits, NOW);
        let checked = charged.and_then(|()| recent.check(address.parse().unwrap(), &limits, NOW));
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
        let limited = after(&three, "192.0.2.1", &anonymous());
        assert_eq!(limited, Some((Limit::Submitter, DAY - 60)));
        assert_eq!(after(&three, "192.0.2.1", &token()), None);
    }

    /// Security review, M8: refused submissions were charged to nobody.
    #[test]
    fn a_submission_in_vain_counts_for_who_asked() {
        let (mut recent, limits) = (Recent::default(), Limits::default());
        let neighbour = Asker::Anonymous("203.0.113.77".parse().unwrap());
        for _ in 0..3 {
            recent.charge(&anonymous(), &limits, NOW).unwrap();
        }
        let refused = recent.charge(&neighbour, &limits, NOW).unwrap_err();
        assert_eq!((refused.limit, refused.retry_after), (Limit::Submitter, DAY));
        recent.give_back(&anonymous());
        recent.charge(&neighbour, &limits, NOW).unwrap();
        for _ in 0..limits.per_token_hour {
            recent.charge(&token(), &limits, NOW).unwrap();
        }
        assert_eq!(recent.charge(&token(), &limits, NOW).unwrap_err().limit, Limit::Submitter);
        recent.charge(&Asker::Trusted, &limits, NOW).unwrap();
    }

    /// Security review, M8: strangers had thousands of names looked up in a second.
    #[test]
    fn domains_are_looked_up_once_a_minute_for_a_network_and_some_times_for_a_token() {
        let mut recent = Recent::default();
        recent.charge_lookup(&anonymous(), NOW).unwrap();
        let neighbour = Asker::Anonymous("203.0.113.77".parse().unwrap());
        let refused = recent.charge_lookup(&neighbour, NOW.plus(1)).unwrap_err();
        assert_eq!((refused.limit, refused.retry_after), (Limit::Lookups, 59));
        recent.charge_lookup(&neighbour, NOW.plus(60)).unwrap();
        for _ in 0..10 {
            recent.charge_lookup(&token(), NOW).unwrap();
        }
        assert_eq!(recent.charge_lookup(&token(), NOW).unwrap_err().limit, Limit::Lookups);
        recent.charge_lookup(&Asker::Token("other".into()), NOW).unwrap();
    }

    #[test]
    fn submissions_are_forgotten_after_a_day() {
        let mut recent = Recent::default();
        recent.add(UnixTime(NOW.0 - DAY), "192.0.2.1".parse().unwrap(), Asker::Trusted);
        recent.add(NOW, "192.0.2.1".parse().unwrap(), Asker::Trusted);
        recent.prune(NOW);
        assert_eq!(recent.tests.len(), 1);
    }

    /// Newcomer A8: limits told seconds only, such as 604781.
    #[test]
    fn a_wait_is_given_in_words() {
        for (seconds, words) in [
            (1, "1 s"),
            (119, "119 s"),
            (3_599, "60 min"),
            (7_260, "2 h 1 min"),
            (86_400, "24 h"),
            (604_781, "7 days"),
            (600_000, "6 days 23 h"),
        ] {
            assert_eq!(Wait(seconds).to_string(), words);
        }
    }
}
