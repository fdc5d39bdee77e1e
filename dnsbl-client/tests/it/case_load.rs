//! Cases 39, 42 and 45: load and secrets. What is the transport's own stands in `case_transport`.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use dnsbl_client::{
    CacheLimits, Client, Event, Health, Observer, Report, Skipped, Status, TxtMode, ZoneName,
    dialect::{exim, postscreen},
};
use futures_util::future::join_all;
use tokio::sync::Notify;

use crate::{
    client::{self, LONG, Time, ip, nth},
    fake::{Asked, Fake, Say, Says, World, a},
};

/// A list that has everything and takes its time: so much that the transport asks again.
async fn slow() -> Fake {
    let late =
        |asked: &Asked| Say::from(a(asked, &["127.0.0.2"])).after(Duration::from_millis(500));
    Fake::start(move |asked: &Asked| vec![late(asked)]).await
}

#[tokio::test]
async fn case_39_ten_thousand_equal_lookups_are_one_question() {
    let fake = slow().await;
    let zone = client::zone("bl.example").txt(TxtMode::Never);
    let client = client::asking(&fake).zone(zone).build().unwrap();
    let reports = join_all((0..10_000).map(|_| client.check(ip("192.0.2.99")))).await;
    assert!(reports.iter().all(Report::is_listed));
    let counters = client.counters();
    assert_eq!(counters.zones[0].asked.iter().sum::<u64>(), 1);
    assert_eq!(counters.coalesced + counters.cache_hits, 9_999);
    assert!(counters.coalesced > 0);
}

#[tokio::test]
async fn case_39_a_leader_that_leaves_does_not_take_the_followers_with_it() {
    let fake = slow().await;
    let zone = client::zone("bl.example").txt(TxtMode::Never);
    let client = client::asking(&fake).zone(zone).build().unwrap();
    let leader = tokio::spawn({
        let client = client.clone();
        async move { client.check(ip("192.0.2.99")).await }
    });
    while fake.count() == 0 {
        tokio::task::yield_now().await;
    }
    let followers = join_all((0..10).map(|_| client.check(ip("192.0.2.99"))));
    let (reports, ()) = tokio::join!(followers, async { leader.abort() });
    assert!(reports.iter().all(Report::is_listed));
    assert_eq!(client.counters().zones[0].asked.iter().sum::<u64>(), 1);
}

#[tokio::test]
async fn case_39_leaders_that_leave_one_after_the_other_hand_on_the_one_question() {
    let fake = slow().await;
    let zone = client::zone("bl.example").txt(TxtMode::Never);
    let client = client::asking(&fake).zone(zone).build().unwrap();
    let mut checks: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.check(ip("192.0.2.99")).await })
        })
        .collect();
    while fake.count() == 0 || client.counters().coalesced < 9 {
        tokio::task::yield_now().await;
    }
    let stays = checks.remove(5);
    for leaves in checks {
        leaves.abort();
        assert!(leaves.await.unwrap_err().is_cancelled());
    }
    assert!(stays.await.unwrap().is_listed());
    assert_eq!(client.counters().cache_misses, 1);
    assert_eq!(client.counters().zones[0].asked.iter().sum::<u64>(), 1);
}

#[tokio::test]
async fn case_41_a_check_that_is_dropped_makes_room() {
    let fake = Fake::start(|_: &Asked| vec![]).await;
    let client = client::asking(&fake).max_in_flight(3).zone(client::zone("bl.example"));
    let client = client.build().unwrap();
    for round in 0..3 {
        let mut checks: Vec<_> = (0..3)
            .map(|n| {
                let client = client.clone();
                tokio::spawn(async move { client.check(nth(round * 3 + n)).await })
            })
            .collect();
        while fake.count() < (round as usize + 1) * 3 {
            tokio::task::yield_now().await;
        }
        let shed = client.check(ip("192.0.2.99")).await;
        assert_eq!(shed.outcomes[0].status, Status::Skipped(Skipped::OverBudget));
        for check in &checks {
            check.abort();
        }
        for check in checks.drain(..) {
            assert!(check.await.unwrap_err().is_cancelled());
        }
    }
}

#[tokio::test]
async fn case_42_a_scan_of_a_network_stays_within_the_memory_it_may_have() {
    let world = World::default();
    world.good("bl.example", &[]);
    let fake = world.serve().await;
    let mut limits = CacheLimits::default();
    limits.capacity = 1000;
    let client = client::asking(&fake).cache(limits).zone(client::zone("bl.example"));
    let client = client.build().unwrap();
    for chunk in 0..50u128 {
        let base = (0x2a00_u128 << 112) + (chunk << 20);
        let checks =
            (0..100).map(|n| client.check(std::net::IpAddr::from((base + n).to_be_bytes())));
        join_all(checks).await;
        assert!(client.counters().cache_entries <= 1000);
    }
    assert_eq!(client.counters().cache_entries, 1000);
    assert_eq!(fake.count(), 5000);
}

/// Everything that a client says, as text.
#[derive(Default)]
struct Everything(Mutex<String>);

impl Everything {
    fn add(&self, what: &dyn std::fmt::Debug) {
        let mut all = self.0.lock().unwrap();
        all.push_str(&format!("{what:?}\n{what:#?}\n"));
    }
}

impl Observer for Everything {
    fn outcome(&self, zone: &ZoneName, status: &Status, took: Duration) {
        self.add(&(zone, zone.to_string(), status, status.detail(), took));
    }
    fn check(&self, report: &Report) {
        self.add(report);
    }
    fn event(&self, event: &Event) {
        self.add(event);
    }
}

const KEY: &str = "s3cretk3y";

#[tokio::test]
async fn case_45_a_key_is_in_questions_and_nowhere_else() {
    let world = World::default();
    let origin = format!("{KEY}.zen.dq.spamhaus.net");
    world.good(&origin, &["99.2.0.192"]);
    let fake = world.serve().await;
    let (time, all) = (Time::new(), Arc::new(Everything::default()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let long = format!("{KEY}.{}example", "long-label-of-a-zone.".repeat(11));
    let zones = [
        client::zone(&origin),
        dnsbl_client::Zone::addresses(ZoneName::keyed(KEY, "bl.example").unwrap()),
        dnsbl_client::Zone::domains(ZoneName::shown_as(&long, "long.example").unwrap()),
    ];
    let settings = client::watching(&fake, &time).state_file(&file).observer(all.clone());
    let client: Client = settings.zones(zones).build().unwrap();
    all.add(&client);
    for target in
        [ip("192.0.2.99").into(), dnsbl_client::Target::Domain("a.example".parse().unwrap())]
    {
        all.add(&client.check(target.clone()).await);
        for i in 0..3 {
            all.add(&client.lookup(client.zone_id(i).unwrap(), &target).await);
        }
    }
    all.add(&client.zones().cloned().collect::<Vec<_>>());
    for i in 0..3 {
        all.add(&client.probe(client.zone_id(i).unwrap()).await);
    }
    world.set(&origin, |_| Says::Codes(vec!["127.0.0.2"]));
    time.pass(Duration::from_secs(4000));
    client.run_probes().await;
    all.add(&(client.health(), client.counters()));
    for text in
        [format!("{KEY}.a b"), format!("{KEY}..b"), format!("{KEY}.example=127.0.0"), long + "x="]
    {
        let errors = (text.parse::<ZoneName>(), postscreen::parse(&text), exim::parse(&text));
        all.add(&errors.0.err().map(|err| (err, err.to_string())));
        all.add(&errors.1.err().map(|err| (err, err.to_string())));
        all.add(&errors.2.err().map(|err| (err, err.to_string())));
    }
    all.add(&std::fs::read_to_string(&file).unwrap());
    let said = all.0.lock().unwrap();
    let found = said.lines().find(|line| line.contains(KEY));
    assert_eq!(found, None);
    assert!(said.contains("zen.dq.spamhaus.net") && said.len() > 10_000);
    assert!(fake.asked().iter().any(|asked| asked.name.contains(KEY)));
}

#[tokio::test]
async fn a_client_that_is_dropped_ends_its_task() {
    let world = World::default();
    world.good("bl.example", &[]);
    let fake = world.serve().await;
    let gone = Arc::new((AtomicBool::new(false), Notify::new()));
    struct Told(Arc<(AtomicBool, Notify)>, AtomicUsize);
    impl Observer for Told {
        fn event(&self, _event: &Event) {
            self.1.fetch_add(1, Relaxed);
        }
    }
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.0.store(true, Relaxed);
            self.0.1.notify_one();
        }
    }
    let told = Arc::new(Told(gone.clone(), AtomicUsize::new(0)));
    let client = client::asking(&fake)
        .health_checks(dnsbl_client::HealthChecks::Passive)
        .observer(told.clone())
        .zone(client::zone("bl.example"))
        .build()
        .unwrap();
    let proven = async {
        while client.health() != [Health::Up] {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, proven).await.unwrap();
    assert_eq!(told.1.load(Relaxed), 1);
    drop((client, told));
    tokio::time::timeout(LONG, gone.1.notified()).await.unwrap();
    assert!(gone.0.load(Relaxed));
    assert_eq!(fake.count(), 3);
}
