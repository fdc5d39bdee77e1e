use proptest::prelude::*;

use super::*;

const NOW: UnixTime = UnixTime(1_700_000_000);

fn rule() -> ReportRule {
    ReportRule {
        reporters: 3,
        networks: 2,
        window: 100,
        expires_in: 100,
        longest: 450,
        trusted: vec!["trusted".parse().unwrap()],
        ..ReportRule::default()
    }
}

fn voice(reporter: &str, network: u8, at: UnixTime, report: u64) -> Voice {
    Voice {
        reporter: reporter.parse().unwrap(),
        network: Some(format!("192.0.{network}.0/24").parse().unwrap()),
        at,
        report: ReportId(report),
        spent: false,
    }
}

/// A claim that reports come in for, each with the next number.
struct Told {
    claim: Claim,
    rule: Option<ReportRule>,
    reports: u64,
}

impl Told {
    fn new() -> Self {
        Self { claim: Claim::default(), rule: Some(rule()), reports: 0 }
    }

    fn by(&mut self, reporter: &str, network: u8, at: u64) -> Received {
        self.reports += 1;
        let now = NOW.plus(at);
        let voice = voice(reporter, network, now, self.reports);
        let counts = |reporter: &Source| !reporter.as_str().starts_with("liar");
        self.claim.receive(voice, self.rule.as_ref(), counts, true, now).unwrap()
    }

    /// Three reporters from two networks.
    fn by_three(&mut self, name: &str, at: u64) -> Received {
        assert_eq!(self.by(&format!("{name}1"), 1, at), Received::Waits);
        assert_eq!(self.by(&format!("{name}2"), 1, at), Received::Waits);
        self.by(&format!("{name}3"), 2, at)
    }
}

fn ids(ids: &[u64]) -> Vec<ReportId> {
    ids.iter().map(|id| ReportId(*id)).collect()
}

#[test]
fn so_many_reporters_from_so_many_networks_list_and_a_trusted_one_does_alone() {
    let mut told = Told::new();
    assert_eq!(told.by_three("a", 0), Received::Lists(NOW.plus(100), ids(&[1, 2, 3])));
    let mut told = Told::new();
    for name in ["a", "b", "c", "d"] {
        assert_eq!(told.by(name, 1, 0), Received::Waits, "all are of one network");
    }
    assert!(matches!(told.by("e", 2, 0), Received::Lists(..)));
    let mut told = Told::new();
    assert_eq!(told.by("Trusted", 1, 0), Received::Lists(NOW.plus(100), ids(&[1])));
}

#[test]
fn who_reports_again_within_the_window_is_heard_once() {
    let mut told = Told::new();
    assert_eq!(told.by("a", 1, 0), Received::Waits);
    assert_eq!(told.by("a", 2, 99), Received::Duplicate(ReportId(1)));
    assert_eq!(told.by("a", 2, 100), Received::Waits);
    assert_eq!(told.by("b", 2, 100), Received::Waits);
    assert!(matches!(told.by("c", 1, 100), Received::Lists(..)));
}

#[test]
fn who_does_not_count_lists_nothing() {
    let mut told = Told::new();
    for (name, network) in [("liar1", 1), ("liar2", 2), ("liar3", 3), ("a", 4), ("b", 5)] {
        assert_eq!(told.by(name, network, 0), Received::Waits);
    }
    assert!(matches!(told.by("c", 5, 0), Received::Lists(..)));
}

#[test]
fn without_a_rule_everything_waits() {
    let mut told = Told { rule: None, ..Told::new() };
    for name in ["a", "b", "c", "d", "trusted"] {
        assert_eq!(told.by(name, 1, 0), Received::Waits);
    }
    assert_eq!(told.by("a", 1, 86_399), Received::Duplicate(ReportId(1)));
}

#[test]
fn what_follows_within_a_window_belongs_to_the_same_listing_and_what_comes_later_lasts_longer() {
    let mut told = Told::new();
    assert!(matches!(told.by_three("a", 0), Received::Lists(..)));
    for n in 0..500 {
        let name = format!("more{n}");
        assert_eq!(told.by(&name, n as u8, 99), Received::Joins(NOW.plus(100)));
    }
    assert_eq!(told.claim.times, 1);
    assert_eq!(told.by_three("b", 100), Received::Lists(NOW.plus(300), ids(&[504, 505, 506])));
    // Still listed: it is renewed.
    assert!(matches!(told.by_three("c", 200), Received::Lists(until, _) if until == NOW.plus(600)));
    assert!(
        matches!(told.by_three("d", 600), Received::Lists(until, _) if until == NOW.plus(1050))
    );
    // Long after the last one it begins anew.
    assert!(
        matches!(told.by_three("e", 1499), Received::Lists(until, _) if until == NOW.plus(1949))
    );
    assert!(
        matches!(told.by_three("f", 2399), Received::Lists(until, _) if until == NOW.plus(2499))
    );
}

#[test]
fn a_listing_that_was_removed_or_refuted_was_none_and_the_same_voices_do_not_list_again() {
    let mut told = Told::new();
    told.by_three("a", 0);
    let now = NOW.plus(10);
    told.claim.unlist(now);
    assert!(!told.claim.is_listed(now));
    assert_eq!(told.by("a1", 1, 20), Received::Duplicate(ReportId(1)));
    assert_eq!(told.by("b", 7, 20), Received::Waits);
    assert_eq!(told.by("c", 8, 20), Received::Waits);
    let again = told.by("d", 9, 20);
    assert!(matches!(again, Received::Lists(until, _) if until == NOW.plus(120)), "{again:?}");
}

#[test]
fn a_reviewer_lists_what_one_reporter_said_and_leaves_a_listing_as_it_is() {
    let mut told = Told::new();
    told.by("a", 1, 0);
    assert_eq!(told.claim.confirm(told.rule.as_ref(), NOW.plus(50)), NOW.plus(150));
    assert_eq!(told.claim.confirm(told.rule.as_ref(), NOW.plus(60)), NOW.plus(150));
    assert_eq!(told.by("b", 1, 70), Received::Joins(NOW.plus(150)));
    told.claim.unlist(NOW.plus(80));
    assert_eq!(told.claim.times, 0);
    assert_eq!(told.claim.confirm(None, NOW.plus(80)), NOW.plus(80 + 86_400));
}

#[test]
fn there_are_only_so_many_voices() {
    let (rules, mut case) = (ReportRules::default(), Case::default());
    let mut by = |name: &str, at: UnixTime| {
        case.receive(ReportCategory::Spam, voice(name, 1, at, 1), &rules, |_| true, at)
    };
    for n in 0..Case::MAX_VOICES {
        assert_eq!(by(&format!("r{n}"), NOW), Ok(Received::Waits));
    }
    assert_eq!(by("late", NOW), Err(Crowded));
    assert_eq!(by("r0", NOW), Ok(Received::Duplicate(ReportId(1))));
    assert_eq!(by("late", NOW.plus(86_400)), Ok(Received::Waits));
}

#[test]
fn claims_of_several_categories_make_one_listing_and_each_ends_at_its_own_time() {
    let of = |code: Option<&str>, longest: u32| ReportRule {
        return_code: code.map(|code| code.parse().unwrap()),
        expires_in: longest,
        longest,
        window: 10,
        ..ReportRule::default()
    };
    let spam = of(None, 100);
    let phishing =
        ReportRule { reason: Some("phish $".parse().unwrap()), ..of(Some("127.0.0.9"), 300) };
    let rules =
        [(ReportCategory::Spam, spam.clone()), (ReportCategory::Phishing, phishing.clone())];
    let rules = ReportRules::new(rules).unwrap();
    let codes = [ReturnCode::LISTED];
    let mut case = Case::default();
    assert_eq!(case.listing(&rules, &codes, NOW), None);
    case.claim(ReportCategory::Spam).confirm(Some(&spam), NOW);
    let alone = case.listing(&rules, &codes, NOW).unwrap();
    assert_eq!((alone.return_codes.len(), alone.expires_at), (0, Some(NOW.plus(100))));
    case.claim(ReportCategory::Phishing).confirm(Some(&phishing), NOW);
    let both = case.listing(&rules, &codes, NOW).unwrap();
    assert_eq!(both.return_codes, [ReturnCode::LISTED, "127.0.0.9".parse().unwrap()]);
    assert_eq!((both.tags.len(), both.expires_at), (2, Some(NOW.plus(300))));
    assert_eq!(both.reason, phishing.reason);
    assert_eq!(case.due(&rules, NOW), Some(NOW.plus(100)));
    let then = NOW.plus(100);
    let left = case.listing(&rules, &codes, then).unwrap();
    assert_eq!((left.return_codes.len(), left.tags.len()), (1, 1));
    case.forget(&rules, NOW.plus(600));
    assert_eq!((case.claims.len(), case.due(&rules, NOW.plus(600))), (0, None));
}

/// The claim as somebody would keep it who remembers all reports.
#[derive(Default)]
struct Model {
    /// Reporter, network, time, whether it is spent.
    heard: Vec<(u8, u8, u64, bool)>,
    times: u32,
    /// From when, until when.
    listed: Option<(u64, u64)>,
}

#[derive(Debug, PartialEq)]
enum Expected {
    Duplicate,
    Waits,
    Joins(u64),
    Lists(u64),
}

impl Model {
    const TRUSTED: u8 = 0;
    const LIAR: u8 = 1;

    fn report(&mut self, rule: &ReportRule, reporter: u8, network: u8, now: u64) -> Expected {
        let window = u64::from(rule.window);
        let is_recent = |at: u64| now < at + window;
        if self.listed.is_some_and(|(_, until)| now >= until + u64::from(rule.longest)) {
            (self.listed, self.times) = (None, 0);
        }
        if self.heard.iter().any(|(who, _, at, _)| *who == reporter && is_recent(*at)) {
            return Expected::Duplicate;
        }
        if let Some((_, until)) = self.listed.filter(|(at, until)| is_recent(*at) && now < *until) {
            self.heard.push((reporter, network, now, true));
            return Expected::Joins(until);
        }
        self.heard.push((reporter, network, now, false));
        let counting: Vec<_> = self
            .heard
            .iter()
            .filter(|(who, _, at, spent)| !spent && is_recent(*at) && *who != Self::LIAR)
            .collect();
        let networks: HashSet<u8> = counting.iter().map(|(_, network, ..)| *network).collect();
        let enough =
            counting.len() >= rule.reporters as usize && networks.len() >= rule.networks as usize;
        if !enough && !counting.iter().any(|(who, ..)| *who == Self::TRUSTED) {
            return Expected::Waits;
        }
        self.times += 1;
        let mut lifetime = u64::from(rule.expires_in);
        for _ in 1..self.times {
            lifetime = (lifetime * 2).min(rule.longest.into());
        }
        let until = (now + lifetime).max(self.listed.map_or(0, |(_, until)| until));
        self.listed = Some((now, until));
        self.heard.iter_mut().for_each(|(_, _, _, spent)| *spent = true);
        Expected::Lists(until)
    }

    fn remove(&mut self, now: u64) {
        if self.listed.is_some_and(|(_, until)| until > now) {
            (self.listed, self.times) = (None, self.times - 1);
        }
        self.heard.iter_mut().for_each(|(_, _, _, spent)| *spent = true);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_claim_is_what_a_simple_model_makes_of_all_reports(
        reporters in 1..5_u32,
        networks in 1..4_u32,
        window in 1..40_u32,
        longer in 0..40_u32,
        longest in 0..200_u32,
        steps in proptest::collection::vec((0..8_u8, 0..4_u8, 0..25_u64, 0..20_u8), 1..60),
    ) {
        let rule = ReportRule {
            reporters,
            networks: networks.min(reporters),
            window,
            expires_in: window + longer,
            longest: window + longer + longest,
            trusted: vec!["r0".parse().unwrap()],
            ..ReportRule::default()
        };
        let (mut claim, mut model, mut now) = (Claim::default(), Model::default(), 1_000);
        for (number, (reporter, network, passes, removes)) in steps.into_iter().enumerate() {
            now += passes;
            if removes == 0 {
                claim.unlist(UnixTime(now));
                model.remove(now);
            }
            let name = format!("r{reporter}");
            let voice = voice(&name, network, UnixTime(now), number as u64);
            let counts = |reporter: &Source| reporter.as_str() != "r1";
            let received = claim.receive(voice, Some(&rule), counts, true, UnixTime(now)).unwrap();
            let received = match received {
                Received::Duplicate(_) => Expected::Duplicate,
                Received::Waits => Expected::Waits,
                Received::Joins(until) => Expected::Joins(until.0),
                Received::Lists(until, _) => Expected::Lists(until.0),
            };
            prop_assert_eq!(received, model.report(&rule, reporter, network, now));
            prop_assert_eq!(claim.times, model.times);
            prop_assert_eq!(claim.is_listed(UnixTime(now)), model.listed.is_some_and(|(_, until)| until > now));
            if let Some(listed) = claim.listed {
                prop_assert!(listed.until.0 <= listed.at.0 + u64::from(rule.longest) || claim.times > 1);
                prop_assert!(listed.until.0 <= now + u64::from(rule.longest));
            }
        }
    }
}
