//! Field cases: mail is never rejected by mistake, at small sites too.

use std::{sync::Arc, time::Duration};

use dnsbl_client::{
    Action, Bogus, Client, ClientBuilder, DownReason, Event, Health, HealthChecks, Policy, Probes,
    ReplyFilter, Rule, Score, Status, Target, TxtMode, Zone, ZoneKind,
};

use crate::{
    client::{self, Ears, Time, ip, nth},
    fake::{Fake, Says, World, good},
};

const MINUTE: Duration = Duration::from_secs(60);

/// Lists behind one server, and a client that wants proof, as the policy service has it.
struct Site {
    world: World,
    fake: Fake,
    time: Time,
    ears: Arc<Ears>,
    client: Client,
}

async fn site(
    zones: impl IntoIterator<Item = Zone>,
    settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Site {
    let (world, time, ears) = (World::default(), Time::new(), Arc::new(Ears::default()));
    let zones: Vec<Zone> = zones.into_iter().map(|zone| zone.txt(TxtMode::Never)).collect();
    for zone in &zones {
        world.good(zone.name.public(), &[]);
    }
    let fake = world.serve().await;
    let built = settings(
        client::watching(&fake, &time).health_checks(HealthChecks::Required).observer(ears.clone()),
    );
    let client = built.zones(zones).build().unwrap();
    client.run_probes().await;
    Site { world, fake, time, ears, client }
}

impl Site {
    async fn action(&self, target: impl Into<Target>) -> Action {
        self.client.check(target).await.action
    }

    async fn status(&self, target: impl Into<Target>) -> Status {
        self.client.check(target).await.outcomes.remove(0).status
    }

    fn why(&self) -> Option<DownReason> {
        match self.client.health()[0] {
            Health::Down { why, .. } | Health::Suspect { why } => Some(why),
            _ => None,
        }
    }

    fn questions(&self, zone: &str) -> usize {
        let names = self.fake.asked().into_iter().map(|asked| asked.name);
        names.filter(|name| name.ends_with(&format!("{zone}."))).count()
    }
}

fn everything(_: &str) -> Says {
    Says::Codes(vec!["127.0.0.2"])
}

/// Everything but one kind of what no list has.
fn all_but_the_rfcs_entry(name: &str) -> Says {
    good(name, |name| {
        !matches!(name, "1.0.0.127" | "invalid") && !name.starts_with("1.0.0.0.0.0.f.7")
    })
}

fn all_but_test_networks(name: &str) -> Says {
    good(name, |name| !(name.ends_with(".18.198") || name.ends_with(".19.198")))
}

fn domain(n: u32) -> Target {
    Target::Domain(format!("mail{n}.example.net").parse().unwrap())
}

fn v6(n: u32) -> Target {
    format!("2a00:1450::{:x}", n + 1).parse::<std::net::IpAddr>().unwrap().into()
}

/// mail.md F4: 40 of 40 mails were rejected until the next probe, half an hour later.
#[tokio::test]
async fn a_list_that_begins_to_list_the_world_rejects_nobody_not_even_once() {
    let which: [fn(u32) -> Target; 3] =
        [|_| nth(7).into(), |n| nth(n % 4).into(), |n| nth(n).into()];
    for which in which {
        for world in [everything, all_but_the_rfcs_entry, all_but_test_networks] {
            let site = site([client::zone("bl.example")], |settings| settings).await;
            // It lists rightly, a moment before.
            site.world.good("bl.example", &["1.1.8.8"]);
            assert_eq!(site.action(nth(0x101)).await, Action::Reject);
            site.world.set("bl.example", world);
            for n in 0..40 {
                assert_eq!(site.action(which(n)).await, Action::Pass);
            }
            assert_eq!(site.client.health()[0].as_str(), "down");
        }
    }
}

#[tokio::test]
async fn neither_does_a_list_of_domains_or_one_that_lists_all_ipv6_addresses() {
    for world in [everything, all_but_the_rfcs_entry] {
        let site = site([client::domains("dbl.example")], |settings| settings).await;
        site.world.set("dbl.example", world);
        for n in 0..40 {
            assert_eq!(site.action(domain(n % 4)).await, Action::Pass);
        }
    }
    let site = site([client::zone("bl.example")], |settings| settings).await;
    site.world.set("bl.example", |name| {
        good(name, |name| name == "9.2.0.192" || (name.len() > 40 && !name.contains("f.7.f.f.f.f")))
    });
    for n in 0..40 {
        assert_eq!(site.action(v6(n)).await, Action::Pass);
    }
    assert_eq!(site.action(ip("192.0.2.9")).await, Action::Reject, "its IPv4 is as it should be");
}

#[tokio::test]
async fn an_allow_list_that_begins_to_list_the_world_saves_nobody() {
    let allow = client::zone("wl.example").kind(ZoneKind::Allow);
    let site = site([client::zone("bl.example"), allow], |settings| settings).await;
    site.world.good("bl.example", &["9.2.0.192"]).set("wl.example", everything);
    assert_eq!(site.action(ip("192.0.2.9")).await, Action::Defer, "it can't tell");
    assert_eq!(site.client.health()[1].as_str(), "down");
}

/// What is made up is answered with a code that no rule is about: the list lists the world all the same.
#[tokio::test]
async fn a_list_that_lists_the_world_with_other_codes_is_not_believed_either() {
    let rule = Rule::new(ReplyFilter::postfix("127.0.0.2").unwrap(), Score::ONE);
    let site = site([client::zone("bl.example").rules([rule])], |settings| settings).await;
    site.world.set("bl.example", |name| match name {
        "9.2.0.192" => Says::Codes(vec!["127.0.0.2"]),
        _ => Says::Codes(vec!["127.0.0.9"]),
    });
    assert_eq!(site.action(ip("192.0.2.9")).await, Action::Pass);
}

#[tokio::test]
async fn proofs_are_shared_and_do_not_outgrow_the_questions_of_a_busy_site() {
    let site = site([client::zone("bl.example")], |settings| settings).await;
    site.world.set("bl.example", |name| good(name, |name| name.ends_with(".8.8")));
    let before = site.questions("bl.example");
    let mut passed = 0;
    for n in 0..300 {
        passed += u32::from(site.action(nth(n)).await == Action::Pass);
        // That so many are listed is odd; the task that probes would find out at once.
        if matches!(site.client.health()[0], Health::Suspect { .. }) {
            site.client.run_probes().await;
        }
    }
    let asked = site.questions("bl.example") - before;
    assert!((300..=310 + 2 * 61).contains(&asked) && passed <= 1, "{asked} {passed}");
    let together = (1000..1100).map(|n| site.action(nth(n)));
    let before = site.questions("bl.example");
    site.time.pass(MINUTE);
    let actions = futures_util::future::join_all(together).await;
    assert!(actions.iter().all(|action| *action == Action::Reject));
    let asked = site.questions("bl.example") - before;
    assert!(asked <= 100 + 2 * 60, "{asked}");
}

#[tokio::test]
async fn where_the_questions_of_a_day_are_counted_a_proof_holds_for_a_minute() {
    let mut zone = client::zone("bl.example");
    zone.per_day = Some(1000);
    let site = site([zone], |settings| settings).await;
    site.world.set("bl.example", |name| good(name, |name| name.ends_with(".8.8")));
    let before = site.questions("bl.example");
    for n in 0..6 {
        assert_eq!(site.action(nth(n)).await, Action::Reject);
    }
    assert_eq!(site.questions("bl.example") - before, 8);
    site.time.pass(MINUTE);
    assert_eq!(site.action(nth(100)).await, Action::Reject);
    assert_eq!(site.questions("bl.example") - before, 11);
}

#[tokio::test]
async fn a_list_without_anything_to_deny_counts_as_the_operator_wishes() {
    let mut zone = client::zone("bl.example");
    zone.probes = Probes::without_test_entries();
    zone.probes.random_absent = false;
    let site = site([zone], |settings| settings).await;
    site.world.set("bl.example", everything);
    assert_eq!(site.action(nth(1)).await, Action::Reject);
}

/// security.md M4: one listing with an error code turned the list off at its clients.
#[tokio::test]
async fn an_error_code_for_one_address_is_about_that_address_alone() {
    for codes in [&["127.255.255.254"][..], &["127.0.0.2", "127.255.255.252"]] {
        let site = site([client::zone("bl.example")], |settings| settings).await;
        site.world.set("bl.example", |name| match name {
            "66.2.0.192" => Says::Codes(codes.to_vec()),
            name => good(name, |name| name == "9.2.0.192"),
        });
        for _ in 0..10 {
            let status = site.status(ip("192.0.2.66")).await;
            assert!(matches!(status, Status::Bogus(Bogus::ErrorForOne(_))), "{status:?}");
            site.time.pass(MINUTE);
        }
        assert_eq!(site.client.health(), [Health::Up]);
        assert_eq!(site.action(ip("192.0.2.9")).await, Action::Reject);
    }
}

/// mail.md F7: the list was down, "5 of 5 questions failed".
#[tokio::test]
async fn a_slow_list_is_not_dead_and_what_it_says_late_counts_the_next_time() {
    let site = site([client::zone("bl.example")], |settings| {
        settings.deadline(Duration::from_millis(150))
    })
    .await;
    site.world.set("bl.example", |name| match good(name, |name| name.ends_with(".8.8")) {
        Says::Codes(codes) => Says::Late(300, codes),
        other => other,
    });
    for n in 0..6 {
        assert_eq!(site.status(nth(n)).await.as_str(), "failed");
    }
    let counts = async {
        for n in 0..6 {
            while site.action(nth(n)).await != Action::Reject {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(client::LONG, counts).await.unwrap();
    assert_eq!(site.client.health(), [Health::Up]);
}

fn weighing(name: &str, kind: ZoneKind) -> Zone {
    let rule = Rule::new(ReplyFilter::any(), Score::points(3));
    client::zone(name).kind(kind).rules([rule])
}

fn refusing(_: &str) -> Says {
    Says::Codes(vec!["127.255.255.255"])
}

/// mail.md F8 and field case 72: every rejection became a deferral, without end.
#[tokio::test]
async fn an_allow_list_that_is_dead_for_a_day_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let zones = [weighing("bl.example", ZoneKind::Block), weighing("wl.example", ZoneKind::Allow)];
    let policy = Policy::new([(Score::points(3), Action::Reject)]).unwrap();
    let site =
        site(zones.clone(), |settings| settings.state_file(&file).policy(policy.clone())).await;
    site.world.good("bl.example", &["9.2.0.192"]).set("wl.example", refusing);
    let hour = async |site: &Site| {
        site.time.pass(MINUTE * 60);
        site.client.run_probes().await;
    };
    assert_eq!(site.action(ip("192.0.2.9")).await, Action::Defer);
    for _ in 0..23 {
        hour(&site).await;
        assert_eq!(site.action(ip("192.0.2.9")).await, Action::Defer);
    }
    for _ in 0..3 {
        hour(&site).await;
    }
    assert_eq!(site.action(ip("192.0.2.9")).await, Action::Reject);
    let gone = |ears: &Ears| {
        ears.heard().into_iter().filter(|event| matches!(event, Event::Gone { .. })).count()
    };
    assert_eq!(gone(&site.ears), 1, "it is told once");
    // A restart does not begin the day anew.
    let again = client::watching(&site.fake, &site.time)
        .health_checks(HealthChecks::Required)
        .state_file(&file);
    let again = again.zones(zones).policy(policy).build().unwrap();
    assert_eq!(again.check(ip("192.0.2.9")).await.action, Action::Reject);
    // Once it answers again, it counts again.
    site.world.good("wl.example", &["9.2.0.192"]);
    for _ in 0..12 {
        hour(&site).await;
    }
    assert_eq!(site.action(ip("192.0.2.9")).await, Action::Pass);
}

/// Field case 58: such a list was said not to be believed, and rejected all the same.
#[tokio::test]
async fn a_list_without_ipv6_test_entries_is_sound_for_ipv4_and_the_other_way_round() {
    let only = |v4: bool| {
        move |name: &str| match good(name, |name| name == "9.2.0.192") {
            Says::Codes(_) if (name.len() < 20) != v4 => Says::NotListed,
            other => other,
        }
    };
    for v4 in [true, false] {
        let site = site([client::zone("bl.example")], |settings| settings).await;
        site.world.set("bl.example", only(v4));
        site.time.pass(MINUTE * 60);
        site.client.run_probes().await;
        assert_eq!(site.client.health(), [Health::Up], "IPv4: {v4}");
        let report = site.client.probe(site.client.zone_id(0).unwrap()).await;
        let lacks = Some(DownReason::MissesTestEntry);
        assert_eq!(report.fault, None);
        let expected = if v4 { (None, lacks) } else { (lacks, None) };
        assert_eq!((report.ipv4_fault, report.ipv6_fault), expected);
        assert_eq!(site.why(), None);
    }
}

/// durability.md F19: the policy service did not start.
#[tokio::test]
async fn a_state_file_that_cannot_be_read_or_written_is_told_with_its_path_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    std::fs::create_dir(&path).unwrap();
    let site = site([client::zone("bl.example")], |settings| settings.state_file(&path)).await;
    site.client.run_probes().await;
    let told: Vec<String> = site.ears.heard().iter().map(ToString::to_string).collect();
    let about_the_file: Vec<&String> =
        told.iter().filter(|told| told.contains(path.to_str().unwrap())).collect();
    assert_eq!(about_the_file.len(), 2, "{told:?}");
    assert_eq!(site.client.health(), [Health::Up]);
}

#[test]
fn outside_a_runtime_a_watched_client_is_an_error_and_no_panic() {
    let settings = || {
        Client::builder()
            .resolvers(dnsbl_client::Resolvers::Given(vec!["127.0.0.1:9".parse().unwrap()]))
            .zone(client::zone("bl.example"))
    };
    assert!(matches!(settings().build(), Err(dnsbl_client::ClientError::NoRuntime)));
    let client = settings().health_checks(HealthChecks::Off).build().unwrap();
    drop(client.prefetch(vec![nth(1).into()]));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(async {
        let blocking = dnsbl_client::BlockingClient::new(settings()).unwrap();
        blocking.check(ip("127.0.0.1"))
    });
    assert_eq!(report.action, Action::Pass);
}
