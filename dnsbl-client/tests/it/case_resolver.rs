//! Field cases: a resolver that rewrites, strips or does not answer is told apart from the lists.

use std::{sync::Arc, time::Duration};

use dnsbl_client::{
    Action, Client, DownReason, Event, Health, HealthChecks, Policy, ResolverTrouble, Score,
    Status, TxtMode, Zone, ZoneKind,
};

use crate::{
    client::{self, Ears, Time, ip, nth},
    fake::{Fake, Says, World, good},
};

const MINUTE: Duration = Duration::from_secs(60);

fn parked(_: &str) -> Says {
    Says::Codes(vec!["203.0.113.7"])
}

/// What a list says, through a resolver that rewrites "no such name".
fn rewritten(name: &str) -> Says {
    match good(name, |name| name.ends_with(".2.0.192")) {
        Says::NotListed => parked(name),
        listed => listed,
    }
}

/// The same, through one that takes return codes away.
fn stripped(name: &str) -> Says {
    match good(name, |name| name.ends_with(".2.0.192")) {
        Says::Codes(_) => Says::Stripped,
        other => other,
    }
}

fn right(name: &str) -> Says {
    good(name, |name| name.ends_with(".2.0.192"))
}

const LISTS: [&str; 3] = ["a.example", "b.example", "wl.example"];

struct Site {
    world: World,
    time: Time,
    ears: Arc<Ears>,
    client: Client,
}

fn zones() -> impl Iterator<Item = Zone> {
    let kinds = [ZoneKind::Block, ZoneKind::Block, ZoneKind::Allow];
    let zones = LISTS.into_iter().zip(kinds);
    zones.map(|(name, kind)| client::zone(name).kind(kind).txt(TxtMode::Never))
}

impl Site {
    async fn new(answers: fn(&str) -> Says, denied: fn(&str) -> Says) -> Self {
        let (world, time, ears) = (World::default(), Time::new(), Arc::new(Ears::default()));
        let fake = world.serve().await;
        let client = Self::client(&fake, &time, &ears);
        let site = Self { world, time, ears, client };
        site.is(answers, denied);
        site.client.run_probes().await;
        site
    }

    fn client(fake: &Fake, time: &Time, ears: &Arc<Ears>) -> Client {
        let policy = Policy::new([(Score::points(1), Action::Reject)]).unwrap();
        let settings =
            client::watching(fake, time).health_checks(HealthChecks::Required).policy(policy);
        settings.observer(ears.clone()).zones(zones()).build().unwrap()
    }

    /// From now on the lists answer so, and names that do not exist.
    fn is(&self, answers: fn(&str) -> Says, denied: fn(&str) -> Says) {
        self.world.set("a.example", answers).set("b.example", answers);
        // The allow list has nobody.
        self.world.set("wl.example", move |name| match name.ends_with(".2.0.192") {
            true => answers("made-up"),
            false => answers(name),
        });
        self.world.set("invalid", denied).set("example.com", denied);
    }

    async fn passes(&self, time: Duration) {
        for _ in 0..time.as_secs() / 10 {
            self.time.pass(Duration::from_secs(10));
            self.client.run_probes().await;
        }
    }

    fn troubles(&self) -> Vec<Option<ResolverTrouble>> {
        let events = self.ears.heard().into_iter();
        let troubles = events.filter_map(|event| match event {
            Event::Resolver { trouble } => Some(trouble),
            _ => None,
        });
        troubles.collect()
    }

    fn words(&self) -> Vec<&'static str> {
        self.client.health().iter().map(Health::as_str).collect()
    }
}

fn not_listed(_: &str) -> Says {
    Says::NotListed
}

fn rewrites() -> ResolverTrouble {
    ResolverTrouble::Rewrites("203.0.113.7".parse().unwrap())
}

/// mail.md F5: all lists were down as "not a list", minutes after the resolver was right again; 73 of 76
/// listed mails passed.
#[tokio::test]
async fn behind_a_resolver_that_rewrites_a_listing_is_still_a_listing() {
    let site = Site::new(rewritten, parked).await;
    assert_eq!(site.words(), ["up"; 3]);
    for n in 1..77 {
        let report = site.client.check(ip(&format!("192.0.2.{n}"))).await;
        assert_eq!(report.action, Action::Reject);
        assert_eq!(site.client.check(nth(n)).await.action, Action::Pass);
    }
    assert_eq!(site.words(), ["up"; 3]);
    let status = site.client.check(nth(1)).await.outcomes.remove(0).status;
    assert_eq!(
        status.as_str(),
        "blocked",
        "that it is not listed is the resolver's word: {status:?}"
    );
    site.is(right, not_listed);
    site.passes(MINUTE).await;
    assert_eq!(site.troubles(), [Some(rewrites()), None], "told once, and looked at again");
    assert_eq!(site.client.check(nth(500)).await.outcomes[0].status, Status::NotListed);
}

#[tokio::test]
async fn a_resolver_that_begins_to_rewrite_brings_no_list_down() {
    let site = Site::new(right, not_listed).await;
    site.is(rewritten, parked);
    for n in 1..40 {
        assert_eq!(site.client.check(nth(n)).await.action, Action::Pass);
        assert_eq!(site.client.check(ip(&format!("192.0.2.{n}"))).await.action, Action::Reject);
    }
    assert_eq!((site.words(), site.troubles()), (vec!["up"; 3], vec![Some(rewrites())]));
}

/// A resolver may rewrite to an address that looks like a return code.
#[tokio::test]
async fn a_resolver_that_rewrites_to_a_return_code_lists_nobody() {
    fn everything(_: &str) -> Says {
        Says::Codes(vec!["127.0.0.2"])
    }
    let site = Site::new(right, not_listed).await;
    site.is(everything, everything);
    for n in 1..40 {
        assert_eq!(site.client.check(nth(n)).await.action, Action::Pass);
    }
    site.is(right, not_listed);
    site.passes(MINUTE).await;
    assert_eq!(site.client.check(ip("192.0.2.1")).await.action, Action::Reject);
}

#[tokio::test]
async fn a_list_that_is_parked_is_no_resolver_that_rewrites() {
    let site = Site::new(right, not_listed).await;
    site.world.set("a.example", parked);
    site.passes(MINUTE * 40).await;
    assert_eq!((site.words(), site.troubles()), (vec!["down", "up", "up"], vec![]));
}

/// Field case 61: unbound with `private-address: 127.0.0.0/8`.
#[tokio::test]
async fn a_resolver_that_strips_return_codes_is_told_and_no_list_is_blamed() {
    let site = Site::new(stripped, not_listed).await;
    for health in site.client.health() {
        assert!(matches!(health, Health::Down { why: DownReason::ResolverStrips, .. }));
    }
    assert_eq!(site.troubles(), [Some(ResolverTrouble::Strips)]);
    site.passes(MINUTE * 10).await;
    site.is(right, not_listed);
    site.passes(MINUTE).await;
    assert_eq!((site.words(), site.troubles().last()), (vec!["up"; 3], Some(&None)));
    assert_eq!(site.client.check(ip("192.0.2.1")).await.action, Action::Reject);
}

#[tokio::test]
async fn a_list_whose_test_entry_has_no_address_is_an_emptied_one_where_others_answer() {
    let site = Site::new(right, not_listed).await;
    site.world.set("a.example", |name| match right(name) {
        Says::Codes(_) => Says::NoData,
        other => other,
    });
    assert_eq!(site.client.check(ip("192.0.2.1")).await.action, Action::Reject, "b has it");
    let report = site.client.probe(site.client.zone_id(0).unwrap()).await;
    assert_eq!(report.fault, Some(DownReason::MissesTestEntry));
    assert_eq!(site.troubles(), []);
}

/// durability.md F18: after the third outage a good resolver was not believed for minutes.
#[tokio::test]
async fn an_outage_of_the_resolver_does_not_count_against_the_lists() {
    fn silent(_: &str) -> Says {
        Says::Rcode(hickory_proto::op::ResponseCode::ServFail)
    }
    // What a resolver says itself, and what it says where it reaches nobody.
    for denied in [silent, not_listed] {
        let site = Site::new(right, not_listed).await;
        for outage in 0..5 {
            site.is(silent, denied);
            for n in 0..10 {
                site.client.check(nth(1000 * outage + n)).await;
                site.client.run_probes().await;
            }
            site.passes(MINUTE * 2).await;
            // The allow list may not have been waited for: a verdict was certain without it.
            assert_eq!(site.words()[..2], ["down"; 2]);
            site.is(right, not_listed);
            site.passes(MINUTE).await;
            assert_eq!(site.words(), ["up"; 3], "outage {outage}");
            let client = ip(&format!("192.0.2.{}", outage + 1));
            assert_eq!(site.client.check(client).await.action, Action::Reject);
        }
    }
}

#[tokio::test]
async fn one_dead_list_among_good_ones_is_its_own_fault() {
    let site = Site::new(right, not_listed).await;
    site.world.set("a.example", crate::fake::fail);
    for n in 0..10 {
        site.client.check(nth(n)).await;
    }
    site.client.run_probes().await;
    let Health::Down { why: DownReason::Failing { .. }, retry_in } = site.client.health()[0] else {
        panic!("{:?}", site.client.health());
    };
    assert!(retry_in <= Duration::from_secs(34), "{retry_in:?}");
    site.passes(MINUTE * 5).await;
    let Health::Down { retry_in, .. } = site.client.health()[0] else { panic!() };
    assert!(retry_in > MINUTE, "{retry_in:?}");
    assert_eq!(site.troubles(), []);
}

/// What the resolver did is not kept: a restart begins with the resolver as it is now.
#[tokio::test]
async fn trouble_of_the_resolver_is_not_kept_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let (world, time) = (World::default(), Time::new());
    let fake = world.serve().await;
    let build = || {
        let settings =
            client::watching(&fake, &time).health_checks(HealthChecks::Required).state_file(&file);
        settings.zone(client::zone("a.example")).build().unwrap()
    };
    world.set("a.example", stripped).set("invalid", not_listed);
    let first = build();
    first.run_probes().await;
    assert_eq!(first.health()[0].as_str(), "down");
    world.set("a.example", right);
    let second = build();
    assert_eq!(second.health(), [Health::Unproven]);
    second.run_probes().await;
    assert_eq!(second.health(), [Health::Up]);
}
