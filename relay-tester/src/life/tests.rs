//! The life of a test in sentences.

use std::net::IpAddr;

use data_encoding::HEXLOWER;
use dnsbl_types::UnixTime;
use proptest::prelude::*;

use super::{
    Arrival, ArrivalClass, ArrivalKind, Contact, Host, Outcome, Output, Patience, SessionEnd,
    Sighting, State, StateKind, Test, Verdict,
};
use crate::{Ground, TestId};

const PATIENCE: Patience =
    Patience { settle_for: 1_800, pending_for: 432_000, retry_after: 420, second_test_after: 900 };
const START: UnixTime = UnixTime(1_000_000);
const HOST: &str = "192.0.2.1";
const OTHER: &str = "203.0.113.9";

/// A test of a host, queued, with two probes.
pub(super) fn test_of(address: &str) -> Test {
    Test {
        id: TestId(1),
        address: address.parse().unwrap(),
        port: 25,
        ground: Ground::Evidence,
        domain: None,
        evidence: None,
        note: None,
        submitter: "somebody".into(),
        submitted_at: START,
        state: State::Queued { contact: None },
        via: None,
        plan: vec![0, 1],
        repeats: Vec::new(),
        sent: Vec::new(),
        conversations: 0,
        retries: 0,
        transcript: Vec::new(),
        arrivals: Vec::new(),
        not_before: START,
        postponed: 0,
    }
}

/// A test whose probes were answered so, and the conversation ended.
fn answered(outcomes: [Outcome; 2]) -> Test {
    let mut test = test_of(HOST);
    for probe in test.begin(START, PATIENCE) {
        test.sending(probe);
        test.answered(probe, outcomes[usize::from(probe)]);
    }
    test.end_session(SessionEnd::Completed, START, PATIENCE);
    test
}

fn arrival(probe: u8, kind: ArrivalKind, peer: &str, after: u64) -> Arrival {
    let (peer, at) = (peer.parse().unwrap(), START.plus(after));
    Arrival { probe, kind, peer, at, headers: String::new() }
}

fn comes_back(test: &mut Test, probe: u8, peer: &str, after: u64) -> ArrivalClass {
    test.arrived(arrival(probe, ArrivalKind::Return, peer, after), PATIENCE)
}

fn bounces(test: &mut Test, probe: u8) -> ArrivalClass {
    test.arrived(arrival(probe, ArrivalKind::Bounce, HOST, 1), PATIENCE)
}

#[track_caller]
fn is_done(test: &Test, verdict: Verdict) {
    assert_eq!((test.state.kind(), test.verdict()), (StateKind::Done, Some(verdict)));
}

#[test]
fn a_host_that_refuses_all_is_clean_at_once() {
    is_done(&answered([Outcome::Refused; 2]), Verdict::Clean);
}

#[test]
fn a_host_that_accepts_is_clean_only_once_nothing_has_come_back_for_long_enough() {
    let mut test = answered([Outcome::Refused, Outcome::Accepted]);
    assert_eq!((test.state.kind(), test.verdict()), (StateKind::Pending, None));
    assert_eq!(test.due(PATIENCE), Some(START.plus(PATIENCE.settle_for)));
    test.settle();
    is_done(&test, Verdict::Clean);
}

#[test]
fn a_host_that_bounces_all_that_it_accepted_is_clean_at_once() {
    let mut test = answered([Outcome::Accepted; 2]);
    assert_eq!(bounces(&mut test, 0), ArrivalClass::Bounced);
    assert_eq!(test.state.kind(), StateKind::Pending);
    assert_eq!(bounces(&mut test, 1), ArrivalClass::Bounced);
    is_done(&test, Verdict::Clean);
}

#[test]
fn a_return_is_an_open_relay() {
    let mut test = answered([Outcome::Accepted, Outcome::Refused]);
    assert_eq!(comes_back(&mut test, 0, HOST, 5), ArrivalClass::Relayed);
    is_done(&test, Verdict::Open);
    assert_eq!(test.via, None);
}

#[test]
fn a_late_return_still_counts_until_pending_for_has_passed() {
    let mut test = answered([Outcome::Accepted; 2]);
    test.settle();
    assert_eq!(comes_back(&mut test, 1, HOST, PATIENCE.pending_for), ArrivalClass::Relayed);
    is_done(&test, Verdict::Open);
    assert_eq!(comes_back(&mut test, 0, HOST, PATIENCE.pending_for + 1), ArrivalClass::Late);
}

#[test]
fn a_return_through_another_host_names_it() {
    let mut test = answered([Outcome::Accepted; 2]);
    assert_eq!(comes_back(&mut test, 0, OTHER, 5), ArrivalClass::Relayed);
    is_done(&test, Verdict::Open);
    assert_eq!(test.via, OTHER.parse().ok());
}

#[test]
fn a_return_of_what_was_refused_is_a_forgery_if_another_brings_it() {
    let mut test = answered([Outcome::Refused, Outcome::Accepted]);
    assert_eq!(comes_back(&mut test, 0, OTHER, 5), ArrivalClass::Forged);
    assert_eq!((test.state.kind(), test.via), (StateKind::Pending, None));
    assert!(test.arrivals.is_empty());
}

#[test]
fn a_return_of_what_was_never_sent_is_a_forgery() {
    let mut test = answered([Outcome::Accepted; 2]);
    assert_eq!(comes_back(&mut test, 7, HOST, 5), ArrivalClass::Forged);
}

#[test]
fn a_probe_comes_back_once() {
    let mut test = answered([Outcome::Accepted; 2]);
    assert_eq!(comes_back(&mut test, 0, HOST, 5), ArrivalClass::Relayed);
    assert_eq!(comes_back(&mut test, 0, HOST, 6), ArrivalClass::Repeated);
    assert_eq!(comes_back(&mut test, 0, OTHER, 6), ArrivalClass::Repeated);
}

#[test]
fn a_return_from_elsewhere_before_the_host_has_answered_waits_for_the_answer() {
    for (answer, verdict) in
        [(Outcome::Accepted, Verdict::Open), (Outcome::Refused, Verdict::Clean)]
    {
        let mut test = test_of(HOST);
        test.begin(START, PATIENCE);
        test.sending(0);
        assert_eq!(comes_back(&mut test, 0, OTHER, 0), ArrivalClass::Unanswered);
        test.answered(0, answer);
        test.answered(1, Outcome::Refused);
        test.end_session(SessionEnd::Completed, START, PATIENCE);
        is_done(&test, verdict);
    }
}

#[test]
fn a_return_from_the_host_itself_while_it_is_talked_to_decides_at_the_end() {
    let mut test = test_of(HOST);
    test.begin(START, PATIENCE);
    test.sending(0);
    assert_eq!(comes_back(&mut test, 0, HOST, 0), ArrivalClass::Relayed);
    assert_eq!((test.state.kind(), test.verdict()), (StateKind::Testing, None));
    test.answered(0, Outcome::Accepted);
    test.end_session(SessionEnd::Completed, START, PATIENCE);
    is_done(&test, Verdict::Open);
}

#[test]
fn a_host_that_is_not_reached_is_never_clean() {
    for (ended, verdict) in
        [(SessionEnd::Unreachable, Verdict::Unreachable), (SessionEnd::Blocked, Verdict::Blocked)]
    {
        let mut test = test_of(HOST);
        test.begin(START, PATIENCE);
        test.end_session(ended, START, PATIENCE);
        is_done(&test, verdict);
    }
}

#[test]
fn a_probe_without_an_answer_leaves_it_open_whether_the_host_is_clean() {
    is_done(&answered([Outcome::Refused, Outcome::Error]), Verdict::Inconclusive);
    let mut test = answered([Outcome::Accepted, Outcome::Error]);
    assert_eq!(test.state.kind(), StateKind::Pending);
    test.settle();
    is_done(&test, Verdict::Inconclusive);
}

#[test]
fn a_probe_is_never_sent_twice_even_if_the_server_was_killed_meanwhile() {
    let mut test = test_of(HOST);
    assert_eq!(test.begin(START, PATIENCE), [0, 1]);
    test.sending(0);
    let mut test = Test::decode(&test.encode()).unwrap();
    assert_eq!(test.begin(START, PATIENCE), [1]);
    assert_eq!(test.sent[0].outcome, Some(Outcome::Error));
}

#[test]
fn a_test_that_is_interrupted_again_and_again_ends() {
    let mut test = test_of(HOST);
    for _ in 0..Test::MAX_CONVERSATIONS {
        assert!(!test.begin(START, PATIENCE).is_empty());
    }
    assert!(test.begin(START, PATIENCE).is_empty());
    test.end_session(SessionEnd::Completed, START, PATIENCE);
    is_done(&test, Verdict::Inconclusive);
}

#[test]
fn a_test_that_was_called_off_stays_so() {
    let mut test = test_of(HOST);
    test.begin(START, PATIENCE);
    test.sending(0);
    assert!(test.cancel());
    assert_eq!(comes_back(&mut test, 0, HOST, 1), ArrivalClass::Late);
    test.end_session(SessionEnd::Completed, START, PATIENCE);
    assert_eq!((test.state.kind(), test.verdict()), (StateKind::Cancelled, None));
    assert!(!answered([Outcome::Refused; 2]).cancel());
}

#[test]
fn a_test_is_put_off_while_nothing_can_be_reached_but_not_for_ever() {
    let mut test = test_of(HOST);
    for round in 0..Test::MAX_POSTPONED {
        assert!(!test.begin(START, PATIENCE).is_empty());
        let until = START.plus(u64::from(round));
        test.postpone(until);
        assert_eq!((test.state.kind(), test.due(PATIENCE)), (StateKind::Queued, Some(until)));
    }
    test.begin(START, PATIENCE);
    test.postpone(START);
    is_done(&test, Verdict::Inconclusive);
}

#[test]
fn only_who_refuses_what_came_back_before_is_cleared() {
    let mut open = answered([Outcome::Accepted; 2]);
    comes_back(&mut open, 1, HOST, 1);
    let host = Host::confirmed(&open, None, START);
    assert_eq!(host.probes, [1]);
    let mut retest = answered([Outcome::Refused; 2]);
    assert!(host.is_cleared_by(&retest));
    retest.port = 2525;
    assert!(!host.is_cleared_by(&retest));
    retest.port = 25;
    retest.sent.remove(1);
    assert!(!host.is_cleared_by(&retest));
    for (outcome, is_cleared) in [
        (Outcome::Bounced, true),
        (Outcome::Accepted, false),
        (Outcome::Deferred, false),
        (Outcome::Error, false),
    ] {
        let mut retest = answered([Outcome::Refused; 2]);
        retest.sent[1].outcome = Some(outcome);
        assert_eq!(host.is_cleared_by(&retest), is_cleared, "{outcome:?}");
    }
}

/// Mail row F1: one lucky connection delisted, as of a balancer's closed backend.
#[test]
fn what_came_back_is_refused_over_several_connections_before_a_host_is_clean() {
    let mut open = answered([Outcome::Accepted; 2]);
    comes_back(&mut open, 0, HOST, 1);
    let host = Host::confirmed(&open, None, START);
    let mut retest = test_of(HOST);
    retest.repeats = host.probes.clone();
    assert_eq!(retest.begin(START, PATIENCE), [0, 1]);
    retest.answered(1, Outcome::Refused);
    for connection in 0..Test::CONNECTIONS {
        assert_eq!(retest.connections(), Test::CONNECTIONS - connection);
        let mut early = retest.clone();
        early.end_session(SessionEnd::Completed, START, PATIENCE);
        is_done(&early, Verdict::Inconclusive);
        assert!(!host.is_cleared_by(&early));
        retest.sending(0);
        retest.answered(0, Outcome::Refused);
    }
    retest.end_session(SessionEnd::Completed, START, PATIENCE);
    is_done(&retest, Verdict::Clean);
    assert!(host.is_cleared_by(&retest));
}

/// Mail row F1.
#[test]
fn a_delisting_takes_two_clean_tests_some_time_apart() {
    let mut open = answered([Outcome::Accepted; 2]);
    comes_back(&mut open, 0, HOST, 1);
    let host = Host::confirmed(&open, None, START);
    let mut retest = answered([Outcome::Refused; 2]);
    assert!(!host.is_cleared_twice_by(&retest, PATIENCE), "it is the first");
    let first = START.plus(10);
    let host = host.cleared_once(first, PATIENCE);
    retest.submitted_at = first.plus(PATIENCE.second_test_after - 1);
    assert!(!host.is_cleared_twice_by(&retest, PATIENCE), "it is too early");
    retest.submitted_at = first.plus(PATIENCE.second_test_after);
    assert!(host.is_cleared_twice_by(&retest, PATIENCE));
    let reopened = Host::confirmed(&open, Some(&host), first.plus(20));
    assert_eq!(reopened.cleared_at, None, "it begins anew once it was open in between");
}

/// Mail row F1: 4xx was a refusal, so who keeps a grey list was clean.
#[test]
fn a_probe_that_is_put_off_is_sent_again_once_as_it_was_and_then_leaves_it_open() {
    let mut test = answered([Outcome::Refused, Outcome::Deferred]);
    let again = START.plus(PATIENCE.retry_after);
    assert_eq!((test.state.kind(), test.retry_at()), (StateKind::Pending, Some(again)));
    assert_eq!(test.due(PATIENCE), Some(again));
    assert!(test.is_under_way() && test.awaits_conversation());
    let tokens = test.binding();
    assert_eq!(test.begin(again, PATIENCE), [1]);
    assert_eq!(test.binding(), tokens, "another envelope would be put off anew");
    let mut open = test.clone();
    for (answer, verdict) in [
        (Outcome::Refused, Verdict::Clean),
        (Outcome::Deferred, Verdict::Inconclusive),
        (Outcome::Error, Verdict::Inconclusive),
    ] {
        let mut test = test.clone();
        test.sending(1);
        test.answered(1, answer);
        test.end_session(SessionEnd::Completed, again, PATIENCE);
        is_done(&test, verdict);
    }
    open.sending(1);
    open.answered(1, Outcome::Accepted);
    open.end_session(SessionEnd::Completed, again, PATIENCE);
    assert_eq!(open.state.kind(), StateKind::Pending);
    assert_eq!(comes_back(&mut open, 1, HOST, 500), ArrivalClass::Relayed);
    is_done(&open, Verdict::Open);
}

/// The tokens of what had been sent were replaced, so that its return was taken for a forgery.
#[test]
fn a_second_try_that_can_reach_nothing_from_here_keeps_the_tokens_of_the_first() {
    let mut test = answered([Outcome::Accepted, Outcome::Deferred]);
    let (tokens, again) = (test.binding(), START.plus(PATIENCE.retry_after));
    test.begin(again, PATIENCE);
    test.postpone(again.plus(3600));
    assert_eq!(test.begin(again.plus(3600), PATIENCE), [1]);
    assert_eq!(test.binding(), tokens);
    let mut unsent = test_of(HOST);
    unsent.begin(START, PATIENCE);
    unsent.postpone(START.plus(3600));
    unsent.begin(START.plus(3600), PATIENCE);
    assert_eq!(unsent.binding().unwrap().expires_at, tokens.unwrap().expires_at.plus(3600));
}

/// Mail row F1.
#[test]
fn a_host_that_puts_us_off_at_the_greeting_is_tried_again_once() {
    let mut test = test_of(HOST);
    test.begin(START, PATIENCE);
    test.end_session(SessionEnd::Deferred, START, PATIENCE);
    let again = START.plus(PATIENCE.retry_after);
    assert_eq!((test.state.kind(), test.retry_at()), (StateKind::Pending, Some(again)));
    assert_eq!(test.begin(again, PATIENCE), [0, 1]);
    let mut refusing = test.clone();
    test.end_session(SessionEnd::Deferred, again, PATIENCE);
    is_done(&test, Verdict::Inconclusive);
    for probe in [0, 1] {
        refusing.sending(probe);
        refusing.answered(probe, Outcome::Refused);
    }
    refusing.end_session(SessionEnd::Completed, again, PATIENCE);
    is_done(&refusing, Verdict::Clean);
}

#[test]
fn what_comes_back_before_the_second_try_ends_the_test() {
    let mut test = answered([Outcome::Accepted, Outcome::Deferred]);
    assert_eq!(bounces(&mut test, 0), ArrivalClass::Bounced);
    assert_eq!(test.state.kind(), StateKind::Pending, "the other is not answered yet");
    let mut test = answered([Outcome::Accepted, Outcome::Deferred]);
    assert_eq!(comes_back(&mut test, 0, HOST, 5), ArrivalClass::Relayed);
    is_done(&test, Verdict::Open);
    assert_eq!(test.due(PATIENCE), None);
    let mut test = answered([Outcome::Refused, Outcome::Deferred]);
    assert!(test.cancel(), "it may be called off until it is tried again");
    assert_eq!(test.due(PATIENCE), None);
}

#[test]
fn a_second_try_that_is_cut_off_is_not_made_a_third_time() {
    let mut test = answered([Outcome::Deferred; 2]);
    let again = START.plus(PATIENCE.retry_after);
    assert_eq!(test.begin(again, PATIENCE), [0, 1]);
    test.sending(0);
    test.answered(0, Outcome::Deferred);
    test.sending(1);
    let mut test = Test::decode(&test.encode()).unwrap();
    assert_eq!(test.begin(again, PATIENCE), [0; 0]);
    test.end_session(SessionEnd::Completed, again, PATIENCE);
    is_done(&test, Verdict::Inconclusive);
}

/// Records of each state as the release wrote them that had the state, the verdict and the times of a
/// test side by side. They are read, and written again bit by bit.
#[test]
fn stored_records_are_read_and_written_as_ever() {
    let mut records = 0;
    for line in include_str!("stored.txt").lines() {
        let (name, hex) = line.split_once(' ').unwrap();
        let bytes = HEXLOWER.decode(hex.as_bytes()).unwrap();
        let written = match name.split('-').next() {
            Some("host") => Host::decode(&bytes).unwrap().encode(),
            Some("output") => Output::decode(&bytes).unwrap().encode(),
            _ => Test::decode(&bytes).unwrap().encode(),
        };
        assert_eq!(HEXLOWER.encode(&written), hex, "{name}");
        records += 1;
    }
    assert_eq!(records, 16);
}

/// The record of that name, read.
fn stored(name: &str) -> Test {
    let mut lines = include_str!("stored.txt").lines();
    let hex = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
    Test::decode(&HEXLOWER.decode(hex.as_bytes()).unwrap()).unwrap()
}

#[test]
fn stored_states_carry_what_was_known() {
    let tokens_expire_at = START.plus(Test::MAX_DURATION + PATIENCE.pending_for);
    let begun = Contact { tokens_expire_at, tested_at: None };
    let tested = Contact { tested_at: Some(START), ..begun };
    let pending = |retry_at| State::Pending { tokens_expire_at, tested_at: START, retry_at };
    let done = |verdict| State::Done { verdict, contact: tested };
    let again = Some(START.plus(PATIENCE.retry_after));
    for (name, state) in [
        ("queued", State::Queued { contact: None }),
        ("postponed", State::Queued { contact: Some(begun) }),
        ("postponed-retry", State::Queued { contact: Some(tested) }),
        ("testing-retry", State::Testing { contact: tested }),
        ("pending", pending(None)),
        ("pending-retry", pending(again)),
        ("done-clean", done(Verdict::Clean)),
        ("done-open", done(Verdict::Open)),
        ("done-never-reached", State::Done { verdict: Verdict::Inconclusive, contact: begun }),
        ("cancelled", State::Cancelled { contact: None }),
        ("cancelled-testing", State::Cancelled { contact: Some(begun) }),
    ] {
        assert_eq!(stored(name).state, state, "{name}");
    }
    let begun_later = Contact { tokens_expire_at: tokens_expire_at.plus(5), tested_at: None };
    let testing = stored("testing");
    assert_eq!(testing.state, State::Testing { contact: begun_later });
    assert_eq!(testing.anonymous_submitter(), "192.0.2.7".parse().ok());
    assert_eq!((testing.repeats, testing.sent.len()), (vec![1], 1));
    assert_eq!(stored("done-open").via, OTHER.parse().ok());
    assert_eq!(stored("cancelled-tested").tested_at(), Some(START.plus(9)));
}

/// Of a release that knew no second try.
#[test]
fn records_of_the_first_format_are_read() {
    let mut test = answered([Outcome::Refused, Outcome::Accepted]);
    comes_back(&mut test, 1, OTHER, 1);
    let mut bytes = test.encode();
    // Behind what format 1 had: no repeats, two pairs of counts, retries and no second try.
    bytes.truncate(bytes.len() - 8);
    bytes[0] = 1;
    assert_eq!(Test::decode(&bytes).unwrap(), test);
    let host = Host::confirmed(&test, None, START);
    let mut bytes = host.encode();
    bytes.truncate(bytes.len() - 3);
    bytes[0] = 1;
    assert_eq!(Host::decode(&bytes).unwrap(), host);
    let sighting = Sighting { input: test.address, test: test.id, at: START };
    let output = Output { address: OTHER.parse().unwrap(), sightings: vec![sighting] };
    let mut bytes = output.encode();
    bytes[0] = 1;
    let read = Output::decode(&bytes).unwrap();
    assert_eq!(read.sightings, [], "they were not proved");
    assert!(matches!(Test::decode(&[3, 0]), Err(super::RecordError::Format(3))));
}

#[test]
fn a_host_that_is_open_on_two_ports_is_cleared_on_that_of_smtp() {
    let mut open = answered([Outcome::Accepted; 2]);
    comes_back(&mut open, 0, HOST, 1);
    let host = Host::confirmed(&open, None, START);
    let mut elsewhere = open.clone();
    elsewhere.port = 2525;
    assert_eq!(Host::confirmed(&elsewhere, Some(&host), START).port, 25);
    let other = Host::confirmed(&elsewhere, None, START);
    assert_eq!(Host::confirmed(&open, Some(&other), START).port, 25);
}

#[test]
fn a_host_that_is_confirmed_again_stays_listed_since_the_first_time() {
    let mut open = answered([Outcome::Accepted; 2]);
    comes_back(&mut open, 1, HOST, 1);
    let first = Host::confirmed(&open, None, START);
    let mut again = answered([Outcome::Accepted; 2]);
    comes_back(&mut again, 0, HOST, 1);
    let later = START.plus(1_000);
    let host = Host::confirmed(&again, Some(&first), later);
    assert_eq!((host.listed_at, host.confirmed_at), (START, later));
    assert_eq!(host.probes, [0, 1]);
}

#[test]
fn records_are_read_back_as_they_were_written() {
    let mut test = answered([Outcome::Accepted; 2]);
    test.domain = "example.org".parse().ok();
    comes_back(&mut test, 1, OTHER, 1);
    assert_eq!(Test::decode(&test.encode()).unwrap(), test);
    let host = Host::confirmed(&test, None, START);
    assert_eq!(Host::decode(&host.encode()).unwrap(), host);
    let sighting = Sighting { input: test.address, test: test.id, at: START };
    let output = Output { address: OTHER.parse().unwrap(), sightings: vec![sighting] };
    assert_eq!(Output::decode(&output.encode()).unwrap(), output);
}

proptest! {
    #[test]
    fn a_damaged_record_is_an_error_and_no_panic(bytes: Vec<u8>) {
        let _ = Test::decode(&bytes);
        let _ = Host::decode(&bytes);
        let _ = Output::decode(&bytes);
    }

    /// Whatever happens in whatever order: without a return nobody is open, and who was
    /// refused, bounced or left without an answer is not open through another host.
    #[test]
    fn only_a_return_makes_a_host_open(
        answers in prop::array::uniform2(0usize..5),
        arrivals in prop::collection::vec((0u8..3, any::<bool>(), any::<bool>(), 0u64..600_000), 0..6),
    ) {
        const ANSWERS: [Outcome; 4] =
            [Outcome::Refused, Outcome::Accepted, Outcome::Error, Outcome::Deferred];
        let mut test = answered(answers.map(|answer| ANSWERS[answer % 4]));
        let before = test.clone();
        for (probe, is_bounce, is_other, after) in arrivals {
            let kind = if is_bounce { ArrivalKind::Bounce } else { ArrivalKind::Return };
            let peer = if is_other { OTHER } else { HOST };
            test.arrived(arrival(probe, kind, peer, after), PATIENCE);
        }
        let is_proof = |arrival: &Arrival| {
            let accepted = before.sent.iter().any(|sent| {
                sent.probe == arrival.probe && sent.outcome == Some(Outcome::Accepted)
            });
            let from_host = arrival.peer == HOST.parse::<IpAddr>().unwrap();
            arrival.kind == ArrivalKind::Return && (accepted || from_host)
        };
        let is_open = test.verdict() == Some(Verdict::Open);
        prop_assert_eq!(is_open, test.arrivals.iter().any(is_proof));
    }
}
