use std::{collections::HashMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{
    Category, Event, Limits, Memory, RecipientHash, Recognizer, Report, Sighting, Thresholds,
};

const WINDOW: i64 = 600;
const QUIET: i64 = 60;
const THRESHOLD: usize = 20;

fn limits() -> Limits {
    Limits {
        window: Duration::from_secs(WINDOW as u64),
        quiet: Duration::from_secs(QUIET as u64),
        failure_share: 80,
        thresholds: Thresholds { harvest: Some(THRESHOLD), backscatter: Some(THRESHOLD) },
        memory: Memory::default(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap() + SignedDuration::from_secs(second)
}

fn unknown(recipient: u64) -> Event {
    Event::Unknown { recipient: RecipientHash(recipient), is_bounce: false }
}

fn bounce(recipient: u64) -> Event {
    Event::Unknown { recipient: RecipientHash(recipient), is_bounce: true }
}

const fn accepted(recipients: u32) -> Event {
    Event::Accepted { recipients }
}

/// A recognizer, and what it has reported.
struct Log {
    recognizer: Recognizer,
    reports: Vec<Report>,
}

impl Log {
    fn new(limits: Limits) -> Self {
        Self { recognizer: Recognizer::new(limits), reports: Vec::new() }
    }

    fn see(&mut self, second: i64, client: &str, event: Event) {
        let sighting = Sighting { at: at(second), client: client.parse().unwrap(), event };
        self.recognizer.see(sighting, &mut self.reports);
    }

    /// So many unknown recipients, one a second.
    fn harvest(&mut self, second: i64, client: &str, recipients: std::ops::Range<u64>) {
        for (recipient, second) in recipients.zip(second..) {
            self.see(second, client, unknown(recipient));
        }
    }

    /// What was reported up to then, as subject and count.
    fn reported(&mut self, second: i64) -> Vec<(String, Category, u64)> {
        self.recognizer.advance(at(second), &mut self.reports);
        let reports = self.reports.drain(..);
        reports.map(|report| (report.subject.to_string(), report.category, report.count)).collect()
    }
}

const HOST: &str = "192.0.2.55";

fn harvest_of(count: u64) -> Vec<(String, Category, u64)> {
    vec![(HOST.to_owned(), Category::DirectoryHarvest, count)]
}

#[test]
fn a_harvest_is_reported_once_with_its_count_when_it_is_over() {
    let mut log = Log::new(limits());
    log.harvest(0, HOST, 0..50);
    assert_eq!(log.reported(49 + QUIET - 1), []);
    log.recognizer.advance(at(49 + QUIET), &mut log.reports);
    let report = log.reports[0].clone();
    assert_eq!((report.first_seen, report.last_seen), (at(0), at(49)));
    assert_eq!(log.reported(10_000), harvest_of(50));
}

#[test]
fn typing_errors_of_a_user_are_none() {
    let mut log = Log::new(limits());
    log.harvest(0, HOST, 0..2);
    // However often they are tried again.
    (2..500).for_each(|second| log.see(second, HOST, unknown(1)));
    log.recognizer.finish(&mut log.reports);
    assert_eq!(log.reported(10_000), []);
}

#[test]
fn who_sends_to_many_whom_somebody_knows_is_none() {
    let mut log = Log::new(limits());
    log.see(0, HOST, accepted(20));
    log.harvest(1, HOST, 0..50);
    log.see(60, HOST, accepted(1));
    assert_eq!(log.reported(10_000), []);
    // Before and behind the failures.
    log.harvest(10_000, HOST, 0..50);
    log.see(10_060, HOST, accepted(13));
    assert_eq!(log.reported(20_000), []);
    log.harvest(20_000, HOST, 0..50);
    log.see(20_060, HOST, accepted(12));
    assert_eq!(log.reported(30_000), harvest_of(50));
}

#[test]
fn a_flood_of_bounces_is_backscatter_whomever_they_are_for() {
    let mut log = Log::new(limits());
    (0..30).for_each(|second| log.see(second, HOST, bounce(7)));
    assert_eq!(log.reported(1000), [(HOST.to_owned(), Category::Backscatter, 30)]);
}

#[test]
fn failures_count_together_within_a_window_only() {
    let mut log = Log::new(limits());
    (0..200).for_each(|n| log.see(n * 40, HOST, unknown(n as u64)));
    assert_eq!(log.reported(100_000), []);
}

#[test]
fn a_harvest_that_goes_on_is_reported_once_a_window() {
    let mut log = Log::new(limits());
    log.harvest(0, HOST, 0..3600);
    log.recognizer.advance(at(5000), &mut log.reports);
    let times: Vec<_> = log.reports.iter().map(|report| report.last_seen).collect();
    let counts: u64 = log.reports.iter().map(|report| report.count).sum();
    assert_eq!((log.reports.len(), counts), (6, 3600), "{times:?}");
}

#[test]
fn what_begins_again_soon_waits_for_the_window_to_end() {
    let mut log = Log::new(limits());
    log.harvest(0, HOST, 0..50);
    assert_eq!(log.reported(110), harvest_of(50));
    log.harvest(200, HOST, 100..130);
    log.harvest(400, HOST, 200..230);
    let next = 49 + QUIET + WINDOW;
    assert_eq!(log.reported(next - 1), []);
    assert_eq!(log.reported(next), harvest_of(60));
}

#[test]
fn addresses_of_a_64_are_one_client() {
    let mut log = Log::new(limits());
    (0..50).for_each(|n| log.see(n, &format!("2001:db8::{n:x}"), unknown(n as u64)));
    let expected = ("2001:db8::/64".to_owned(), Category::DirectoryHarvest, 50);
    assert_eq!(log.reported(1000), [expected]);
}

#[test]
fn the_end_of_a_log_is_the_end_of_all_cases() {
    let mut log = Log::new(limits());
    log.harvest(0, HOST, 0..50);
    log.recognizer.finish(&mut log.reports);
    assert_eq!(log.reported(50), harvest_of(50));
}

#[test]
fn what_was_reported_is_not_reported_again_when_the_log_is_read_again() {
    let mut log = Log::new(limits());
    log.harvest(0, HOST, 0..50);
    log.recognizer.finish(&mut log.reports);
    let reported: Vec<_> = log.recognizer.reported().collect();
    assert_eq!(reported.len(), 1);
    let mut log = Log::new(limits());
    log.recognizer.restore(reported);
    log.harvest(0, HOST, 0..50);
    log.harvest(50, HOST, 50..80);
    assert_eq!(log.reported(49 + WINDOW - 1), []);
    assert_eq!(log.reported(49 + WINDOW), harvest_of(30));
}

#[test]
fn a_category_without_threshold_is_not_reported() {
    let thresholds = Thresholds { harvest: None, backscatter: Some(5) };
    let mut log = Log::new(Limits { thresholds, ..limits() });
    log.harvest(0, HOST, 0..50);
    (0..5).for_each(|n| log.see(50, HOST, bounce(n)));
    assert_eq!(log.reported(1000), [(HOST.to_owned(), Category::Backscatter, 5)]);
}

#[test]
fn memory_has_a_limit_and_a_harvest_is_found_in_a_flood_of_clients() {
    let memory = Memory { clients: 100, failures: 1000, failures_of_one: 200 };
    let mut log = Log::new(Limits { memory, ..limits() });
    log.harvest(0, HOST, 0..500);
    (0..30).for_each(|_| log.see(500, "192.0.2.56", bounce(7)));
    for n in 0..100_000_u32 {
        let client = std::net::Ipv4Addr::from_bits(n).to_string();
        log.see(500, &client, if n % 3 == 0 { unknown(u64::from(n)) } else { accepted(1) });
        let remembered: usize =
            log.recognizer.clients.values().map(super::Client::remembered).sum();
        assert!(log.recognizer.clients.len() <= 100 && remembered + log.recognizer.room == 1000);
    }
    let mut expected = harvest_of(200);
    expected.push(("192.0.2.56".to_owned(), Category::Backscatter, 30));
    assert_eq!(log.reported(1000), expected);
}

/// What happens at a second, by one of few clients.
fn happening() -> impl Strategy<Value = (i64, u8, Event)> {
    let event = prop_oneof![
        6 => (0..60_u64).prop_map(unknown),
        3 => (0..4_u64).prop_map(bounce),
        1 => (1..10_u32).prop_map(accepted),
    ];
    (0..30_i64, 1..4_u8, event)
}

fn happenings() -> impl Strategy<Value = Vec<(i64, u8, Event)>> {
    let steps = prop::collection::vec(happening(), 0..600);
    steps.prop_map(|steps| {
        let mut second = 0;
        let each = steps.into_iter().map(|(step, client, event)| {
            second += if step > 28 { 20 * step } else { step / 4 };
            (second, client, event)
        });
        each.collect()
    })
}

fn reports(limits: Limits, happenings: &[(i64, u8, Event)], ticks: i64) -> Vec<Report> {
    let mut log = Log::new(limits);
    for &(second, client, event) in happenings {
        if ticks > 0 && second % ticks == 0 {
            log.recognizer.advance(at(second), &mut log.reports);
        }
        log.see(second, &format!("192.0.2.{client}"), event);
    }
    log.recognizer.advance(at(1_000_000), &mut log.reports);
    log.reports
        .sort_by_key(|report| (report.subject.to_string(), report.category, report.last_seen));
    log.reports
}

/// The most failures of a client within any time as long as a window.
fn most_within_a_window(happenings: &[(i64, u8, Event)], wanted: &Report) -> usize {
    let times = |of: &Event| match (of, wanted.category) {
        (Event::Unknown { recipient, is_bounce: false }, Category::DirectoryHarvest) => {
            Some(Some(*recipient))
        }
        (Event::Unknown { is_bounce: true, .. }, Category::Backscatter) => Some(None),
        _ => None,
    };
    let own: Vec<_> = happenings
        .iter()
        .filter(|(_, client, _)| wanted.subject.to_string() == format!("192.0.2.{client}"))
        .filter_map(|(second, _, event)| Some((*second, times(event)?)))
        .collect();
    let within = |start: i64| {
        let mut attempts = 0;
        let mut distinct = HashMap::new();
        for (second, recipient) in &own {
            if (start..start + WINDOW).contains(second) {
                attempts += 1;
                distinct.insert(*recipient, ());
            }
        }
        if wanted.category == Category::Backscatter { attempts } else { distinct.len() }
    };
    own.iter().map(|(second, _)| within(*second)).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn nobody_is_reported_without_as_many_failures_within_a_window(all in happenings()) {
        for report in reports(limits(), &all, 0) {
            prop_assert!(report.count >= THRESHOLD as u64);
            prop_assert!(most_within_a_window(&all, &report) >= THRESHOLD, "{report:?}");
            prop_assert!(report.count * 100 >= 80 * (report.count + report.accepted));
            prop_assert!(report.first_seen <= report.last_seen);
        }
    }

    #[test]
    fn a_client_is_reported_for_a_category_once_a_window(all in happenings()) {
        let reports = reports(limits(), &all, 0);
        for pair in reports.windows(2) {
            if (pair[0].subject, pair[0].category) == (pair[1].subject, pair[1].category) {
                prop_assert!(pair[0].last_seen < pair[1].first_seen, "{pair:?}");
            }
        }
        let mut last: HashMap<_, Timestamp> = HashMap::new();
        let mut log = Log::new(limits());
        let end = all.last().map_or(0, |last| last.0) + 2 * WINDOW;
        let mut rest = all.iter().peekable();
        for second in 0..end {
            while let Some(&(at, client, event)) = rest.next_if(|(at, ..)| *at == second) {
                log.see(at, &format!("192.0.2.{client}"), event);
            }
            log.recognizer.advance(at(second), &mut log.reports);
            for report in log.reports.drain(..) {
                let before = last.insert((report.subject, report.category), at(second));
                let window = SignedDuration::from_secs(WINDOW);
                prop_assert!(before.is_none_or(|before| before + window <= at(second)));
            }
        }
    }

    #[test]
    fn it_makes_no_difference_when_somebody_looks_nor_what_others_do(
        all in happenings(), ticks in 1_i64..100,
    ) {
        let expected = reports(limits(), &all, 0);
        prop_assert_eq!(&reports(limits(), &all, ticks), &expected);
        for client in 1..4_u8 {
            let own: Vec<_> = all.iter().copied().filter(|(_, other, _)| *other == client).collect();
            let name = format!("192.0.2.{client}");
            let of_it: Vec<_> =
                expected.iter().filter(|report| report.subject.to_string() == name).cloned().collect();
            prop_assert_eq!(reports(limits(), &own, 0), of_it);
        }
    }
}
