//! Cases 21 to 27: failures and time. What is the transport's own stands in `case_transport`.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use dnsbl_client::{
    Action, Answer, CacheLimits, Client, Failure, HealthChecks, OnUnknown, Policy, Question, Rule,
    Score, Skipped, Source, Status, Transport, TxtMode, Zone, ZoneKind,
};
use hickory_proto::{op::ResponseCode, rr::RecordType};

use crate::{
    client::{self, Time, ip, nth},
    fake::{Asked, Fake, Says, World, a_ttl, fail, good, negative, nxdomain, rcode},
};

const SHORT: Duration = Duration::from_millis(500);

fn weighing(name: &str, points: i32) -> Zone {
    let rule = Rule::new(dnsbl_client::ReplyFilter::any(), Score::points(points));
    client::zone(name).txt(TxtMode::Never).rules([rule])
}

fn rejecting_at(points: i32) -> Policy {
    Policy::new([(Score::points(points), Action::Reject)]).unwrap()
}

/// A transport that never answers and notes until when it may.
#[derive(Clone, Default)]
struct Silence(Arc<Mutex<Vec<Instant>>>);

impl Transport for Silence {
    async fn ask(&self, _question: &Question, deadline: Instant) -> Result<Answer, Failure> {
        self.0.lock().unwrap().push(deadline);
        std::future::pending().await
    }
}

#[tokio::test]
async fn case_21_silence_takes_one_deadline_and_not_one_for_each_zone() {
    let (silence, began) = (Silence::default(), Instant::now());
    let zones = (0..8).map(|i| client::zone(&format!("z{i}.example")));
    let settings = Client::builder().health_checks(HealthChecks::Off).deadline(SHORT).zones(zones);
    let client = settings.build_with(silence.clone()).unwrap();
    let report = client.check(nth(0)).await;
    let failed = Status::Failed(Failure::Deadline);
    assert!(report.outcomes.iter().all(|outcome| outcome.status == failed));
    assert_eq!(report.action, Action::Pass);
    assert!(report.elapsed >= SHORT);
    let mut deadlines = silence.0.lock().unwrap().clone();
    let asked = deadlines.len();
    deadlines.truncate(8);
    deadlines.dedup();
    // What is late is asked on for, with more patience.
    assert_eq!((asked >= 8, deadlines.len()), (true, 1));
    assert!(deadlines[0] >= began + SHORT);
}

#[tokio::test]
async fn case_21_the_deadline_shrinks_as_answers_arrive() {
    let world = World::default();
    world.set("silent.example", |_| Says::Silence);
    for zone in ["a.example", "b.example", "c.example"] {
        world.good(zone, &[]);
    }
    let fake = world.serve().await;
    let zones = ["a.example", "b.example", "c.example", "silent.example"].map(client::zone);
    let client = client::asking(&fake).shrink_deadline(SHORT).deadline(SHORT * 8).zones(zones);
    let report = client.build().unwrap().check(ip("192.0.2.99")).await;
    // A quarter of the way from the shortest to the longest; the rest is what a busy machine may add.
    assert!(report.elapsed < SHORT * 8, "{:?}", report.elapsed);
    assert_eq!(report.outcomes[3].status, Status::Failed(Failure::Deadline));
}

#[tokio::test]
async fn case_22_a_slow_zone_that_can_change_nothing_is_not_waited_for() {
    let world = World::default();
    world.set("silent.example", |_| Says::Silence);
    for i in 0..7 {
        world.good(&format!("z{i}.example"), &["99.2.0.192"]);
    }
    let fake = world.serve().await;
    let zones = (0..7).map(|i| weighing(&format!("z{i}.example"), 1));
    let settings = client::asking(&fake).zones(zones).zone(weighing("silent.example", 1));
    let client = settings.policy(rejecting_at(5)).build().unwrap();
    let report = client.check(ip("192.0.2.99")).await;
    assert!(report.decided_early);
    assert_eq!(report.action, Action::Reject);
    assert_eq!(report.outcomes[7].status, Status::Skipped(Skipped::DecidedEarly));
    assert_eq!(client.counters().decided_early, 1);
}

#[tokio::test]
async fn case_22_a_slow_zone_that_can_change_the_verdict_is_waited_for() {
    let world = World::default();
    world.good("bl.example", &["99.2.0.192"]).set("silent.example", |_| Says::Silence);
    let fake = world.serve().await;
    let zones = [weighing("bl.example", 1), weighing("silent.example", 1)];
    let settings = client::asking(&fake).deadline(SHORT).zones(zones);
    let report = settings.policy(rejecting_at(2)).build().unwrap().check(ip("192.0.2.99")).await;
    assert!(!report.decided_early && report.elapsed >= SHORT);
    assert_eq!(report.action, Action::Pass);
}

/// A block list that lists and an allow list that fails.
async fn with_allow_list(weight: i32) -> Action {
    let world = World::default();
    world.good("bl.example", &["99.2.0.192"]).set("wl.example", fail);
    let fake = world.serve().await;
    let allow = weighing("wl.example", weight).kind(ZoneKind::Allow);
    let client = client::asking(&fake).zone(weighing("bl.example", 3)).zone(allow);
    client.policy(rejecting_at(2)).build().unwrap().check(ip("192.0.2.99")).await.action
}

#[tokio::test]
async fn case_24_a_failed_allow_list_turns_a_rejection_into_a_deferral() {
    assert_eq!(with_allow_list(4).await, Action::Defer);
    assert_eq!(with_allow_list(-4).await, Action::Defer);
    assert_eq!(with_allow_list(1).await, Action::Reject, "it could not have saved it");
}

#[tokio::test]
async fn case_25_without_a_quorum_the_configured_action_is_taken() {
    let world = World::default();
    world.set("a.example", fail).set("b.example", fail).good("c.example", &[]);
    let fake = world.serve().await;
    for (quorum, action) in [(1, Action::Pass), (2, Action::Defer), (3, Action::Defer)] {
        let zones = ["a.example", "b.example", "c.example"].map(client::zone);
        let policy = Policy::default().quorum(quorum, Action::Defer).unwrap();
        let client = client::asking(&fake).zones(zones).policy(policy).build().unwrap();
        let report = client.check(ip("192.0.2.99")).await;
        assert_eq!(report.action, action, "{quorum}");
        assert!(!report.is_complete());
    }
    assert!(Policy::default().quorum(1, Action::Reject).is_err());
}

#[tokio::test]
async fn case_25_doubt_defers_where_the_policy_says_so() {
    let world = World::default();
    world.set("bl.example", fail);
    let fake = world.serve().await;
    let policy = Policy::default().on_unknown(OnUnknown::Defer);
    let client = client::asking(&fake).zone(client::zone("bl.example")).policy(policy);
    assert_eq!(client.build().unwrap().check(ip("192.0.2.99")).await.action, Action::Defer);
}

#[tokio::test]
async fn case_26_a_failure_is_remembered_for_seconds_and_never_as_a_pass() {
    let failing = AtomicUsize::new(1);
    let fake = Fake::answering(move |asked: &Asked| match failing.fetch_sub(1, Relaxed) {
        1 => rcode(asked, ResponseCode::ServFail),
        _ => nxdomain(asked),
    })
    .await;
    let time = Time::new();
    let client = client::asking(&fake).clock(time.clock()).zone(client::zone("bl.example"));
    let client = client.build().unwrap();
    let failed = Status::Failed(Failure::Rcode(2));
    for (wait, status, asked) in
        [(0, &failed, 1), (4, &failed, 1), (1, &Status::NotListed, 2), (20, &Status::NotListed, 2)]
    {
        time.pass(Duration::from_secs(wait));
        let outcome = client.check(ip("192.0.2.99")).await.outcomes.remove(0);
        assert_eq!((&outcome.status, fake.count()), (status, asked), "after {wait} s");
    }
}

/// How many seconds an answer is remembered, to the second.
async fn remembered(fake: &Fake) -> u64 {
    let time = Time::new();
    let zone = client::zone("bl.example").txt(TxtMode::Never);
    let client = client::asking(fake).clock(time.clock()).zone(zone).build().unwrap();
    client.check(ip("192.0.2.99")).await;
    let asked = fake.count();
    let mut seconds = 0;
    loop {
        client.check(ip("192.0.2.99")).await;
        if fake.count() > asked {
            return seconds;
        }
        seconds += 1;
        time.pass(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn case_27_times_to_live_are_kept_within_bounds() {
    for (ttl, expected) in [(0, 60), (90, 90), (1 << 31, 60), (u32::MAX, 60)] {
        let fake = Fake::answering(move |asked: &Asked| a_ttl(asked, &["127.0.0.2"], ttl)).await;
        assert_eq!(remembered(&fake).await, expected, "{ttl}");
    }
    for (ttl, minimum, expected) in [(50, 90, 50), (90, 50, 50), (0, 60, 30), (9999, 9999, 900)] {
        let fake =
            Fake::answering(move |asked: &Asked| negative(nxdomain(asked), ttl, minimum)).await;
        assert_eq!(remembered(&fake).await, expected, "{ttl} {minimum}");
    }
}

/// What is remembered hangs on the monotonic clock alone: nothing else is read, and that it stands
/// still changes nothing.
#[tokio::test]
async fn case_27_a_clock_that_stands_still_or_leaps_ahead_does_no_harm() {
    let fake = Fake::answering(nxdomain).await;
    let time = Time::new();
    let client = client::asking(&fake).clock(time.clock()).zone(client::zone("bl.example"));
    let client = client.build().unwrap();
    for (leap, asked) in [(0, 1), (0, 1), (1_000_000_000, 2), (0, 2)] {
        time.pass(Duration::from_secs(leap));
        client.check(ip("192.0.2.99")).await;
        assert_eq!(fake.count(), asked);
    }
}

#[tokio::test]
async fn an_old_verdict_stands_in_for_a_failure_for_ten_minutes() {
    let world = World::default();
    world.good("bl.example", &["99.2.0.192"]);
    let fake = world.serve().await;
    let time = Time::new();
    let zone = client::zone("bl.example").txt(TxtMode::Never);
    let client = client::asking(&fake).clock(time.clock()).zone(zone).build().unwrap();
    let check = async || client.check(ip("192.0.2.99")).await.outcomes.remove(0);
    assert_eq!(check().await.status.as_str(), "listed");
    world.set("bl.example", fail);
    time.pass(Duration::from_secs(61));
    let stale = check().await;
    assert_eq!((stale.status.as_str(), stale.source), ("listed", Source::Stale));
    let asked = fake.count();
    assert_eq!(check().await.source, Source::Stale);
    assert_eq!(fake.count(), asked, "the list is spared for some seconds");
    time.pass(Duration::from_secs(600));
    assert_eq!(check().await.status.as_str(), "failed");
}

#[tokio::test]
async fn what_is_remembered_is_not_asked_again_and_nothing_is_if_so_wanted() {
    let world = World::default();
    world.good("bl.example", &["99.2.0.192"]);
    let fake = world.serve().await;
    for (capacity, expected) in [(100, 2), (0, 20)] {
        let mut limits = CacheLimits::default();
        limits.capacity = capacity;
        let client = client::asking(&fake).cache(limits).zone(client::zone("bl.example"));
        let client = client.build().unwrap();
        let before = fake.count();
        for _ in 0..10 {
            let outcome = client.check(ip("192.0.2.99")).await.outcomes.remove(0);
            assert_eq!(client::listing(&outcome.status).reason.as_deref(), Some("listed"));
        }
        assert_eq!(fake.count() - before, expected, "A and TXT");
    }
}

#[tokio::test]
async fn equal_targets_count_once_and_others_add_up() {
    let world = World::default();
    world.set("dbl.example", |name| good(name, |name| name.ends_with("bad.example")));
    let fake = world.serve().await;
    let client = client::asking(&fake).early_exit(false).zone(client::domains("dbl.example"));
    let client = client.build().unwrap();
    let domain = |text: &str| dnsbl_client::Target::Domain(text.parse().unwrap());
    let bad = domain("bad.example");
    let targets = [bad.clone(), domain("BAD.example."), domain("ok.example")];
    let report = client.check_all(&targets).await;
    assert_eq!((report.score, report.targets.len()), (Score::ONE, 2));
    let report = client.check_all(&[bad, domain("mail.bad.example")]).await;
    assert_eq!(report.score, Score::points(2));
}

#[tokio::test]
async fn a_check_can_begin_before_it_is_needed() {
    let world = World::default();
    world.good("bl.example", &["99.2.0.192"]);
    let fake = world.serve().await;
    let client = client::asking(&fake).zone(client::zone("bl.example")).build().unwrap();
    let ticket = client.prefetch(vec![ip("192.0.2.99").into()]);
    assert_eq!(ticket.report().await.unwrap().action, Action::Reject);
}

#[tokio::test]
async fn outcomes_come_as_they_arrive() {
    use futures_util::StreamExt;
    let fake = Fake::start(|asked: &Asked| {
        let say = crate::fake::Say::from(nxdomain(asked));
        let slow = asked.name.contains("slow");
        vec![if slow { say.after(Duration::from_millis(300)) } else { say }]
    })
    .await;
    let zones = ["slow.example", "quick.example"].map(client::zone);
    let client = client::asking(&fake).zones(zones).build().unwrap();
    let outcomes = client.outcomes(&[ip("192.0.2.99").into()]);
    let names: Vec<String> = outcomes.map(|outcome| outcome.zone.to_string()).collect().await;
    assert_eq!(names, ["quick.example", "slow.example"]);
}

#[test]
fn it_works_without_async() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = World::default();
    world.good("bl.example", &["99.2.0.192"]);
    let fake = runtime.block_on(world.serve());
    let settings = client::asking(&fake).zone(client::zone("bl.example"));
    let client = dnsbl_client::BlockingClient::new(settings).unwrap();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let client = &client;
            scope.spawn(move || assert!(!client.check(nth(n)).is_listed()));
        }
    });
    assert!(client.check(ip("192.0.2.99")).is_listed());
    assert!(fake.asked().iter().all(|asked| asked.rtype != RecordType::AAAA));
}
