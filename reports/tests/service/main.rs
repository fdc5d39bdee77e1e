//! Reports over a real store and index: what is written, together, and what a restart finds.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod fixture;

use std::time::Duration;

use dnsbl_reports::{
    Comment, Filter, Refused, ReportId, ReportState, ReportsError, Settings, StateKind, Verdict,
};
use dnsbl_store::{Op, Operation, Precondition, Sources};
use dnsbl_types::{ListingBody, ReportCategory, ReportRule, Source};
use fixture::{DOMAINS, Fixture, ZONE, by, rule};
use tokio::time::{interval, timeout};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reporters_at_once_list_a_subject_once_in_one_change() {
    let fixture = Fixture::new(rule()).await;
    let reports = (0..1000).map(|n| {
        let reports = fixture.reports.clone();
        let submission = by(&format!("mx{n}"), n, "192.0.2.1");
        tokio::spawn(async move { reports.report(submission).await.unwrap() })
    });
    let mut ids: Vec<ReportId> = Vec::new();
    for outcome in reports.collect::<Vec<_>>() {
        let outcome = outcome.await.unwrap();
        assert!(outcome.is_new);
        ids.push(outcome.report.id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1000);
    let puts = fixture.listing_ops();
    assert_eq!(puts.len(), 1, "{puts:?}");
    let listed = Filter { state: Some(StateKind::Listed), ..Filter::default() };
    let (listed, _) = fixture.reports.list(listed, None, 2000).await.unwrap();
    assert_eq!(listed.len(), 1000, "all of them rest on the one listing");
    assert_eq!(fixture.reports.stats().waiting().total(), 0);
    let (reporters, _) = fixture.reports.reporters(None, 2000).await.unwrap();
    assert!(reporters.len() == 1000 && reporters.iter().all(|reporter| reporter.reports == 1));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_that_lists_is_one_change_with_the_listing_and_the_records() {
    let fixture = Fixture::new(ReportRule { reporters: 1, networks: 1, ..rule() }).await;
    let mut submission = by("mx1", 1, "192.0.2.1");
    submission.claimed.evidence = dnsbl_reports::Evidence::new("Subject: x");
    let outcome = fixture.reports.report(submission).await.unwrap();
    let entry = fixture.entry(outcome.seq);
    let count = |is: fn(&Op) -> bool| entry.ops.iter().filter(|op| is(op)).count();
    assert_eq!(count(|op| matches!(op, Op::Put { .. })), 1, "{:?}", entry.ops);
    assert_eq!(count(|op| matches!(op, Op::PutDocument { .. })), 4, "{:?}", entry.ops);
    assert_eq!(entry.actor, "reports");
    let logged = format!("{:?}", entry.ops);
    assert!(!logged.contains("Subject: x"));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_with_the_windows_and_the_records() {
    let mut fixture = Fixture::new(rule()).await;
    for n in [1, 2] {
        let outcome = fixture.reports.report(by(&format!("mx{n}"), n, "192.0.2.1")).await.unwrap();
        assert_eq!(outcome.report.state, ReportState::Waiting);
    }
    let first = fixture.reports.list(Filter::default(), None, 10).await.unwrap().0;
    fixture = fixture.restart().await;
    assert_eq!(fixture.reports.stats().waiting().of(ReportCategory::Spam), 2);
    let again = fixture.reports.report(by("mx2", 9, "192.0.2.1")).await.unwrap();
    assert!(!again.is_new && again.report.id == first[0].id, "{again:?}");
    let third = fixture.reports.report(by("mx3", 3, "192.0.2.1")).await.unwrap();
    assert!(matches!(third.report.state, ReportState::Listed(_)));
    assert!(third.report.id > first[0].id);
    assert_eq!(fixture.listing_ops().len(), 1);
    fixture = fixture.restart().await;
    let late = fixture.reports.report(by("mx4", 4, "192.0.2.1")).await.unwrap();
    assert!(matches!(late.report.state, ReportState::Listed(_)));
    assert_eq!(fixture.listing_ops().len(), 1, "it belongs to the same listing");
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_one_report_does_not_keep_others_out() {
    let fixture = Fixture::new(rule()).await;
    let long = format!("{0}.{0}.{0}.{1}.example.com", "x".repeat(60), "y".repeat(45));
    let mut too_long = by("mx1", 1, &long);
    too_long.claimed.zone = Some(DOMAINS.parse().unwrap());
    let all = vec![
        by("mx1", 1, "192.0.2.1"),
        too_long,
        by("mx1", 1, "10.0.0.1"),
        by("mx1", 1, "192.0.2.0/24"),
        by("mx1", 1, "127.0.0.2"),
        by("mx2", 1, "192.0.2.1"),
    ];
    let answers = fixture.reports.report_all(all).await.unwrap();
    assert!(answers[0].is_ok() && answers[5].is_ok(), "{answers:?}");
    assert!(
        matches!(answers[1], Err(ReportsError::Refused(Refused::TooLong { .. }))),
        "{:?}",
        answers[1]
    );
    assert!(matches!(answers[2], Err(ReportsError::Refused(Refused::Guard(_)))));
    assert!(matches!(answers[3], Err(ReportsError::Refused(Refused::Wide(_)))));
    assert!(matches!(answers[4], Err(ReportsError::Refused(Refused::TestEntry(_)))));
    let (reporters, _) = fixture.reports.reporters(None, 10).await.unwrap();
    assert_eq!(reporters.iter().map(|reporter| reporter.reports).collect::<Vec<_>>(), [1, 1]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_excluded_is_refused_and_other_zones_must_be_named_and_take_reports() {
    let fixture = Fixture::new(rule()).await;
    fixture.put("192.0.2.9", "ops", ListingBody { exclusion: true, ..ListingBody::default() });
    let why = |submission| {
        let reports = fixture.reports.clone();
        async move {
            match reports.report(submission).await {
                Err(ReportsError::Refused(why)) => why,
                other => panic!("{other:?}"),
            }
        }
    };
    let excluded = why(by("mx1", 1, "192.0.2.9")).await;
    assert!(matches!(excluded, Refused::Excluded { .. }), "{excluded}");
    let mut named = by("mx1", 1, "192.0.2.1");
    named.claimed.zone = Some("none.example.org".parse().unwrap());
    assert!(matches!(why(named.clone()).await, Refused::NoZone(_)));
    named.claimed.zone = Some(DOMAINS.parse().unwrap());
    assert!(matches!(why(named).await, Refused::Kind { .. }));
    fixture.put_zone("quiet.example.org", None);
    let mut quiet = by("mx1", 1, "192.0.2.1");
    quiet.claimed.zone = Some("quiet.example.org".parse().unwrap());
    assert!(matches!(why(quiet).await, Refused::NotTaken(_)));
    fixture.put_zone("second.example.org", Some(rule()));
    assert!(matches!(why(by("mx1", 1, "192.0.2.1")).await, Refused::SeveralTake(_)));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reviewers_decide_for_all_who_say_the_same_and_may_think_again() {
    let fixture = Fixture::new(rule()).await;
    let first = fixture.reports.report(by("mx1", 1, "192.0.2.1")).await.unwrap().report.id;
    let second = fixture.reports.report(by("mx2", 1, "192.0.2.1")).await.unwrap().report.id;
    let note = Comment::new("seen here, too");
    let decide = |id, verdict| {
        let (reports, note) = (fixture.reports.clone(), note.clone());
        async move { reports.decide(id, verdict, note, fixture::reviewer()).await }
    };
    let confirmed = decide(first, Verdict::Confirmed).await.unwrap();
    assert_eq!((confirmed.report.state.kind(), confirmed.count), (StateKind::Confirmed, 2));
    assert!(fixture.is_listed("192.0.2.1"));
    let entry = fixture.entry(confirmed.seq.unwrap());
    assert_eq!(entry.actor, "reviewer");
    let found = fixture.reports.find(second).await.unwrap().unwrap();
    let decision = found.report.decision.unwrap();
    assert_eq!((decision.by.as_str(), decision.note), ("reviewer", note.clone()));
    assert_eq!(decide(first, Verdict::Confirmed).await.unwrap().seq, None, "it is so already");
    let records = || async {
        let (reporters, _) = fixture.reports.reporters(None, 10).await.unwrap();
        reporters.into_iter().map(|r| (r.confirmed, r.refuted)).collect::<Vec<_>>()
    };
    assert_eq!(records().await, [(1, 0), (1, 0)]);
    let refuted = decide(second, Verdict::Refuted).await.unwrap();
    assert_eq!((refuted.report.state.kind(), refuted.count), (StateKind::Refuted, 2));
    assert!(!fixture.is_listed("192.0.2.1"));
    assert_eq!(records().await, [(0, 1), (0, 1)]);
    let none = decide(ReportId(1), Verdict::Refuted).await.unwrap_err();
    assert!(matches!(none, ReportsError::NotFound(_)));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_refuted_too_often_lists_nothing_even_if_trusted() {
    let trusted: Source = "mx1".parse().unwrap();
    let fixture = Fixture::new(ReportRule { trusted: vec![trusted], ..rule() }).await;
    for last in 1..=3 {
        let outcome =
            fixture.reports.report(by("mx1", 1, &format!("192.0.2.{last}"))).await.unwrap();
        assert!(matches!(outcome.report.state, ReportState::Listed(_)), "{last}");
        let id = outcome.report.id;
        fixture.reports.decide(id, Verdict::Refuted, None, fixture::reviewer()).await.unwrap();
        assert!(!fixture.is_listed(&format!("192.0.2.{last}")));
    }
    let outcome = fixture.reports.report(by("mx1", 1, "192.0.2.4")).await.unwrap();
    assert_eq!(outcome.report.state, ReportState::Waiting);
    assert!(!fixture.is_listed("192.0.2.4"));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_was_removed_by_hand_stays_removed_until_others_report() {
    let fixture = Fixture::new(rule()).await;
    for n in 1..=3 {
        fixture.reports.report(by(&format!("mx{n}"), n, "192.0.2.1")).await.unwrap();
    }
    assert!(fixture.is_listed("192.0.2.1"));
    fixture.commit(Operation::DeleteListing {
        zone: ZONE.parse().unwrap(),
        subject: "192.0.2.1".parse().unwrap(),
        sources: Sources::All,
        precondition: Precondition::None,
    });
    for n in 4..=5 {
        let outcome = fixture.reports.report(by(&format!("mx{n}"), n, "192.0.2.1")).await.unwrap();
        assert_eq!(outcome.report.state, ReportState::Waiting);
    }
    assert!(!fixture.is_listed("192.0.2.1"));
    fixture.reports.report(by("mx6", 6, "192.0.2.1")).await.unwrap();
    assert!(fixture.is_listed("192.0.2.1"));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_was_put_back_is_known_again_and_one_of_an_older_release_is_left_alone() {
    let fixture = Fixture::new(rule()).await;
    for n in 1..=3 {
        fixture.reports.report(by(&format!("mx{n}"), n, "192.0.2.1")).await.unwrap();
    }
    let body = fixture.listings("192.0.2.1").remove(0).body;
    fixture.commit(Operation::DeleteListing {
        zone: ZONE.parse().unwrap(),
        subject: "192.0.2.1".parse().unwrap(),
        sources: Sources::All,
        precondition: Precondition::None,
    });
    let alone = fixture.reports.report(by("mx4", 4, "192.0.2.1")).await.unwrap();
    assert_eq!(alone.report.state, ReportState::Waiting);
    fixture.put("192.0.2.1", Source::REPORTS, body.clone());
    let joins = fixture.reports.report(by("mx5", 5, "192.0.2.1")).await.unwrap();
    assert_eq!(joins.report.state, ReportState::Listed(body.expires_at.unwrap()));
    fixture.put("192.0.2.2", Source::REPORTS, ListingBody::default());
    let waits = fixture.reports.report(by("mx1", 1, "192.0.2.2")).await.unwrap();
    assert_eq!(waits.report.state, ReportState::Waiting);
    assert!(fixture.is_listed("192.0.2.2"));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_several_categories_make_one_listing() {
    let fixture = Fixture::new(ReportRule { reporters: 1, networks: 1, ..rule() }).await;
    fixture.reports.report(by("mx1", 1, "192.0.2.1")).await.unwrap();
    let mut harvest = by("mx1", 1, "192.0.2.1");
    harvest.claimed.category = ReportCategory::DirectoryHarvest;
    let outcome = fixture.reports.report(harvest).await.unwrap();
    assert!(outcome.is_new, "it is another category");
    let listings = fixture.listings("192.0.2.1");
    assert_eq!(listings.len(), 1);
    assert_eq!(listings[0].body.tags, ["directory-harvest", "spam"]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_and_reports_are_deleted_when_their_time_is_over() {
    let settings = Settings { keep: 0, keep_evidence: 0 };
    let fixture = Fixture::keeping(rule(), settings).await;
    let mut submission = by("mx1", 1, "192.0.2.1");
    submission.claimed.evidence = dnsbl_reports::Evidence::new("Subject: x");
    let id = fixture.reports.report(submission).await.unwrap().report.id;
    // It is looked for them at the start, and then once a minute.
    let fixture = fixture.restart().await;
    let gone = async {
        let mut tick = interval(Duration::from_millis(50));
        while fixture.reports.find(id).await.unwrap().is_some()
            || fixture.reports.stats().waiting().total() > 0
        {
            tick.tick().await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
    assert_eq!(fixture.documents("report-evidence"), 0);
    fixture.stop().await;
}
