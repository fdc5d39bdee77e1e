//! Cases 29 to 36: whether a list can be believed.

use std::{sync::Arc, time::Duration};

use dnsbl_client::{
    Client, ClientBuilder, DownReason, Event, Health, HealthChecks, Probes, Skipped, Status,
    TxtMode, Zone,
};
use hickory_proto::op::ResponseCode;

use crate::{
    client::{self, Ears, Time, nth},
    fake::{Fake, Says, World, fail, good},
};

const MINUTE: Duration = Duration::from_secs(60);

/// One list behind a server, and a client that watches it.
struct Watched {
    world: World,
    fake: Fake,
    time: Time,
    ears: Arc<Ears>,
    client: Client,
}

async fn watched(zone: Zone, answers: impl Fn(&str) -> Says + Send + Sync + 'static) -> Watched {
    watched_with(zone, answers, |settings| settings).await
}

async fn watched_with(
    zone: Zone,
    answers: impl Fn(&str) -> Says + Send + Sync + 'static,
    settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Watched {
    let (world, time, ears) = (World::default(), Time::new(), Arc::new(Ears::default()));
    world.set(zone.name.public(), answers);
    let fake = world.serve().await;
    let built = settings(client::watching(&fake, &time).observer(ears.clone()));
    let client = built.zone(zone.txt(TxtMode::Never)).build().unwrap();
    Watched { world, fake, time, ears, client }
}

impl Watched {
    fn health(&self) -> Health {
        self.client.health()[0]
    }

    fn why(&self) -> Option<DownReason> {
        match self.health() {
            Health::Down { why, .. } | Health::Suspect { why } => Some(why),
            _ => None,
        }
    }

    async fn says(&self, n: u32) -> Status {
        self.client.check(nth(n)).await.outcomes.remove(0).status
    }
}

fn not_listed(_: &str) -> Says {
    Says::NotListed
}

fn everything(_: &str) -> Says {
    Says::Codes(vec!["127.0.0.2"])
}

fn parked(_: &str) -> Says {
    Says::Codes(vec!["203.0.113.7"])
}

fn healthy(name: &str) -> Says {
    good(name, |_| false)
}

#[tokio::test]
async fn case_29_a_list_that_fails_its_test_entries_is_down() {
    let lists_negative = |name: &str| good(name, |name| name == "1.0.0.127");
    let lists_made_up =
        |name: &str| good(name, |name| name.contains(".18.198") || name.contains(".19.198"));
    let zone = || client::zone("bl.example");
    for (watched, why) in [
        (watched(zone(), lists_negative).await, DownReason::ListsTestNegative),
        (watched(zone(), not_listed).await, DownReason::MissesTestEntry),
        (watched(zone(), lists_made_up).await, DownReason::ListsRandomName),
        (watched(zone(), parked).await, DownReason::NotAList),
    ] {
        watched.client.run_probes().await;
        assert_eq!(watched.why(), Some(why));
        assert_eq!(watched.says(1).await, Status::Skipped(Skipped::ZoneDown));
        assert_eq!(watched.ears.heard().len(), 1);
    }
    let watched = watched(zone(), healthy).await;
    watched.client.run_probes().await;
    assert_eq!((watched.health(), watched.fake.count()), (Health::Up, 3));
}

#[tokio::test]
async fn case_29_a_list_of_domains_has_test_and_lacks_invalid() {
    let domains = || client::domains("dbl.example");
    let lists_invalid = |name: &str| good(name, |name| name == "invalid");
    for (watched, why) in [
        (watched(domains(), not_listed).await, DownReason::MissesTestEntry),
        (watched(domains(), lists_invalid).await, DownReason::ListsTestNegative),
        (watched(domains(), everything).await, DownReason::ListsRandomName),
    ] {
        watched.client.run_probes().await;
        assert_eq!(watched.why(), Some(why));
    }
    let watched = watched(domains(), healthy).await;
    watched.client.run_probes().await;
    assert_eq!(watched.health(), Health::Up);
}

/// Behind a resolver that minimises names, a server that denies `example` hides all below it.
#[tokio::test]
async fn case_30_a_list_whose_longer_names_are_hidden_is_found_out_by_a_name_of_the_operator() {
    let hidden = |name: &str| match name {
        "test" => Says::Codes(vec!["127.0.0.2"]),
        _ => Says::NotListed,
    };
    let mut zone = client::domains("dbl.example");
    let labels: Vec<&[u8]> = vec![b"dbltest", b"com"];
    let name = dnsbl_client::Name::from_labels(labels).unwrap();
    let plain = watched(zone.clone(), hidden).await;
    plain.client.run_probes().await;
    assert_eq!(plain.health(), Health::Up, "TEST alone does not show it");
    zone.probes.listed.push(dnsbl_client::Target::Verbatim(name));
    let watched = watched(zone, hidden).await;
    watched.client.run_probes().await;
    assert_eq!(watched.why(), Some(DownReason::MissesTestEntry));
}

#[tokio::test]
async fn case_31_a_list_without_test_entries_is_not_down_where_the_operator_says_so() {
    let mut zone = client::zone("bl.example");
    zone.probes = Probes::without_test_entries();
    let watched = watched(zone, not_listed).await;
    assert_eq!(watched.health(), Health::Unproven);
    watched.client.run_probes().await;
    assert_eq!(watched.health(), Health::Up);
    assert_eq!(watched.says(1).await, Status::NotListed);
}

/// Asks about so many clients of which every fifth is listed.
async fn usual_traffic(watched: &Watched) {
    watched.world.set("bl.example", |name: &str| {
        let last: u32 = name.split('.').next().unwrap().parse().unwrap();
        good(name, |_| last.is_multiple_of(5) && !name.contains("198"))
    });
    watched.client.run_probes().await;
    for n in 0..250 {
        watched.says(n).await;
    }
    assert_eq!(watched.health(), Health::Up);
}

#[tokio::test]
async fn case_32_a_list_that_begins_to_list_everything_lists_nobody() {
    let watched = watched(client::zone("bl.example"), healthy).await;
    usual_traffic(&watched).await;
    watched.world.set("bl.example", everything);
    let mut wrong = 0;
    for n in 1000..1100 {
        wrong += u32::from(watched.says(n).await.listing().is_some());
    }
    assert_eq!(wrong, 0, "it proves itself before it counts");
    assert_eq!(watched.why(), Some(DownReason::ListsRandomName));
    assert_eq!(watched.says(2000).await, Status::Skipped(Skipped::ZoneDown));
}

#[tokio::test]
async fn case_32_a_list_never_asked_before_lists_nobody_either() {
    let watched = watched(client::zone("bl.example"), everything).await;
    let mut wrong = 0;
    for n in 0..100 {
        wrong += u32::from(watched.says(n).await.listing().is_some());
    }
    assert_eq!(wrong, 0);
}

#[tokio::test]
async fn case_33_a_real_wave_of_spam_does_not_bring_the_list_down() {
    let watched = watched(client::zone("bl.example"), healthy).await;
    usual_traffic(&watched).await;
    watched.world.set("bl.example", |name: &str| {
        let last: u32 = name.split('.').next().unwrap().parse().unwrap();
        good(name, |_| !last.is_multiple_of(10) && !name.contains("198") && name != "1.0.0.127")
    });
    let mut withheld = 0;
    for n in 1000..1500 {
        let status = watched.says(n).await;
        withheld += u32::from(status == Status::Skipped(Skipped::Suspect));
        assert_ne!(status, Status::Skipped(Skipped::ZoneDown));
        // The task that probes would do so at once.
        if matches!(watched.health(), Health::Suspect { .. }) {
            watched.client.run_probes().await;
        }
        watched.time.pass(Duration::from_secs(1));
    }
    assert_eq!(watched.health(), Health::Up);
    assert!(withheld <= 5, "{withheld}");
}

#[tokio::test]
async fn case_34_one_parked_list_among_others_is_not_the_resolver() {
    let (world, time) = (World::default(), Time::new());
    world.set("parked.example", parked).good("bl.example", &[]);
    let fake = world.serve().await;
    let zones = ["parked.example", "bl.example"].map(client::zone);
    let client = client::watching(&fake, &time).zones(zones).build().unwrap();
    client.run_probes().await;
    let words: Vec<&str> = client.health().iter().map(Health::as_str).collect();
    assert_eq!(words, ["down", "up"]);
}

#[tokio::test]
async fn case_35_a_dead_list_costs_at_most_3_questions_in_half_an_hour() {
    for answers in [fail, not_listed, everything, parked] {
        let watched = watched(client::zone("bl.example"), answers).await;
        watched.client.run_probes().await;
        for n in 0..5 {
            watched.says(n).await;
        }
        assert_eq!(watched.health().as_str(), "down");
        let count = || {
            let names = watched.fake.asked().into_iter().map(|asked| asked.name);
            names.filter(|name| name.ends_with("bl.example.")).count()
        };
        let mut last_half_hour = vec![count()];
        for minute in 0..300 {
            watched.time.pass(MINUTE);
            watched.client.run_probes().await;
            assert!(matches!(watched.says(100 + minute).await, Status::Skipped(_)));
            last_half_hour.push(count());
            let before = last_half_hour[last_half_hour.len().saturating_sub(30)];
            let asked = count() - before;
            assert!(asked <= 3, "{asked} questions before minute {minute}");
        }
    }
}

#[tokio::test]
async fn case_35_a_list_that_recovers_is_on_probation_and_falls_harder_the_next_time() {
    let watched = watched(client::zone("bl.example"), fail).await;
    let retry = |watched: &Watched| match watched.health() {
        Health::Down { retry_in, .. } => retry_in,
        other => panic!("{other:?}"),
    };
    for n in 0..5 {
        watched.says(n).await;
    }
    let first = retry(&watched);
    assert!((Duration::from_secs(30)..Duration::from_secs(34)).contains(&first), "{first:?}");
    watched.world.set("bl.example", healthy);
    watched.time.pass(MINUTE);
    watched.client.run_probes().await;
    assert_eq!(watched.health(), Health::Probation);
    assert_eq!(watched.says(10).await, Status::NotListed);
    watched.world.set("bl.example", fail);
    watched.says(11).await;
    assert!(retry(&watched) >= first * 3, "one failure is enough now");
    watched.world.set("bl.example", healthy);
    watched.time.pass(MINUTE * 3);
    watched.client.run_probes().await;
    for n in 20..40 {
        watched.says(n).await;
    }
    assert_eq!(watched.health(), Health::Up);
}

#[tokio::test]
async fn case_35_health_and_budget_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let build = async |answers: fn(&str) -> Says| {
        let mut zone = client::zone("bl.example");
        zone.per_day = Some(10);
        watched_with(zone, answers, |settings| settings.state_file(&file)).await
    };
    let first = build(not_listed).await;
    first.client.run_probes().await;
    assert_eq!(first.why(), Some(DownReason::MissesTestEntry));
    let second = build(healthy).await;
    assert_eq!(second.why(), Some(DownReason::MissesTestEntry));
    assert_eq!(second.client.counters().zones[0].budget, Some((4, 10)));
    second.client.run_probes().await;
    assert_eq!(second.fake.count(), 0, "its time has not come");
    second.time.pass(MINUTE * 12);
    second.client.run_probes().await;
    assert_eq!(second.health(), Health::Probation);
    let third = build(healthy).await;
    assert_eq!(third.health(), Health::Probation);
    std::fs::write(&file, "{\"version\": 99}").unwrap();
    assert_eq!(build(healthy).await.health(), Health::Unproven);
}

#[tokio::test]
async fn case_35_probes_count_against_the_budget_of_the_day() {
    let mut zone = client::zone("bl.example");
    zone.per_day = Some(4);
    let watched = watched(zone, healthy).await;
    watched.client.run_probes().await;
    assert_eq!(watched.says(1).await, Status::NotListed);
    assert_eq!(watched.says(2).await, Status::Skipped(Skipped::OverBudget));
    assert_eq!(watched.says(3).await, Status::Skipped(Skipped::OverBudget));
    watched.time.pass(MINUTE * 40);
    watched.client.run_probes().await;
    assert_eq!((watched.fake.count(), watched.health()), (4, Health::Up));
    let spent = watched.ears.heard().into_iter().filter(|e| matches!(e, Event::BudgetSpent { .. }));
    assert_eq!(spent.count(), 1);
    watched.time.pass(MINUTE * 60 * 24);
    assert_eq!(watched.says(4).await, Status::NotListed);
}

#[tokio::test]
async fn case_36_a_list_whose_domain_is_parked_lists_nothing_and_goes_down() {
    let watched = watched(client::zone("bl.example"), healthy).await;
    watched.client.run_probes().await;
    watched.world.set("bl.example", parked);
    for n in 0..3 {
        assert_eq!(watched.says(n).await.as_str(), "bogus");
    }
    assert_eq!(watched.health(), Health::Suspect { why: DownReason::NotAList });
    watched.client.run_probes().await;
    assert_eq!(watched.why(), Some(DownReason::NotAList));
}

#[tokio::test]
async fn case_09_a_list_that_refuses_is_paused_and_told_once() {
    let refusing = |_: &str| Says::Codes(vec!["127.255.255.254"]);
    let watched = watched(client::zone("bl.example"), refusing).await;
    assert_eq!(watched.says(1).await.as_str(), "blocked");
    for n in 2..20 {
        assert_eq!(watched.says(n).await, Status::Skipped(Skipped::ZoneDown));
    }
    // One about the client; one made up and the test entry, which it refuses as well.
    assert_eq!((watched.fake.count(), watched.ears.heard().len()), (3, 1));
    let mut pauses = Vec::new();
    for _ in 0..10 {
        let Health::Down { retry_in, .. } = watched.health() else { panic!() };
        pauses.push(retry_in.as_secs() / 60);
        watched.time.pass(retry_in + Duration::from_secs(1));
        watched.client.run_probes().await;
    }
    assert!((5..6).contains(&pauses[0]) && (10..12).contains(&pauses[1]), "{pauses:?}");
    assert!((360..400).contains(&pauses[9]), "{pauses:?}");
    assert_eq!(watched.fake.count(), 13);
}

#[tokio::test]
async fn five_failures_in_a_row_bring_a_list_down() {
    let failing = |_: &str| Says::Rcode(ResponseCode::ServFail);
    let watched = watched(client::zone("bl.example"), failing).await;
    for n in 0..5 {
        assert_eq!(watched.says(n).await.as_str(), "failed");
    }
    assert_eq!(watched.why(), Some(DownReason::Failing { failed: 5, of: 5 }));
    assert_eq!(watched.says(6).await, Status::Skipped(Skipped::ZoneDown));
}

#[tokio::test]
async fn where_proof_is_wanted_a_list_counts_once_a_probe_has_succeeded() {
    let watched = watched_with(
        client::zone("bl.example"),
        |name: &str| good(name, |name| name != "1.0.0.127" && !name.contains(".198")),
        |settings| settings.health_checks(HealthChecks::Required),
    )
    .await;
    assert_eq!(watched.says(1).await, Status::Skipped(Skipped::Unproven));
    assert_eq!(watched.fake.count(), 0);
    watched.client.run_probes().await;
    assert_eq!(watched.says(1).await.as_str(), "listed");
}

#[tokio::test]
async fn a_probe_on_demand_has_every_point_of_both_families() {
    let watched = watched(client::zone("bl.example"), healthy).await;
    let report = watched.client.probe(watched.client.zone_id(0).unwrap()).await;
    assert_eq!((report.fault, report.points.len()), (None, 6));
    let listed = report.points.iter().filter(|point| point.should_be_listed);
    let listed: Vec<String> = listed.map(|point| point.target.to_string()).collect();
    assert_eq!(listed, ["127.0.0.2", "::ffff:127.0.0.2"]);
    assert_eq!(watched.health(), Health::Up);
}
