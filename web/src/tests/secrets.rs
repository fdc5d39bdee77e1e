//! What is private is on no page.

use std::net::IpAddr;

use dnsbl_types::{Listing, ListingBody, UnixTime};
use proptest::prelude::*;
use relay_tester::{
    Ground, TestId,
    life::{Arrival, ArrivalKind, DelistTests, Host, Patience, State, Test},
    service::{ListedHost, SOURCE},
};

use super::{furnished, settings};
use crate::{
    Language,
    catalogue::Catalogue,
    lookup::{Findings, HostNames, Inside, Standing, ZoneFinding, evidence, facts, findings_json},
    pages::{Surroundings, View, lookup_result, relay_test},
    relay_test::TestFacts,
};

/// Nothing that is private in a furnished server is on any of its pages.
#[tokio::test]
async fn no_page_has_notes_tags_sources_actors_or_zones_that_are_not_public() {
    let pages = furnished(settings());
    pages.remove("bl.example.org", "192.0.2.2");
    let mut paths = Vec::new();
    for subject in ["192.0.2.1", "192.0.2.2", "192.0.2.0/24", "198.51.100.7", "a.bad.example"] {
        paths.extend(["en", "ja"].map(|language| format!("/{language}/lookup/{subject}")));
    }
    for page in ["", "policy", "use", "faq", "glossary", "stats", "status", "status.atom"] {
        paths.extend(["en", "ja"].map(|language| format!("/{language}/{page}")));
    }
    for path in paths {
        for accept in ["text/html", "application/json"] {
            let page = pages.ask("GET", &path, &[("accept", accept)]).await;
            for private in ["undisclosed", "the-source", "the-actor"] {
                assert!(!page.text.contains(private), "{path} has {private}: {}", page.text);
            }
        }
    }
}

/// A zone that is named is shown though it is not public, and one of grants never is.
#[tokio::test]
async fn a_zone_is_shown_that_the_operator_names_but_none_of_grants() {
    let mut named = settings();
    let names = ["undisclosed-paid.example", "undisclosed-allow.example"];
    named.zones = crate::ShownZones::These(names.map(|name| name.parse().unwrap()).to_vec());
    let pages = furnished(named);
    let page = pages.get("/en/lookup/192.0.2.1").await.text;
    assert!(
        page.contains("undisclosed-paid.example") && page.contains("undisclosed reason"),
        "{page}"
    );
    assert!(!page.contains("undisclosed-allow") && !page.contains("Sent spam"), "{page}");
}

fn listing(secret: &str, is_tested: bool) -> Listing {
    let body = ListingBody {
        note: Some(secret.to_owned()),
        tags: vec![secret.to_owned()],
        ..ListingBody::default()
    };
    let source = if is_tested { SOURCE } else { secret };
    Listing {
        subject: "192.0.2.1".parse().unwrap(),
        source: source.parse().unwrap(),
        body,
        listed_at: UnixTime(1_000),
        updated_at: UnixTime(2_000),
        listed_by: secret.to_owned(),
        seq: 77_777,
    }
}

/// A test in which every text of anybody's is the secret.
fn test(secret: &str, via: Option<IpAddr>) -> Test {
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    Test {
        id: TestId(0x1234_5678_9abc_def0),
        address,
        port: 25,
        ground: Ground::Evidence,
        domain: format!("{secret}.example").parse().ok(),
        evidence: Some(secret.to_owned()),
        note: Some(secret.to_owned()),
        submitter: format!("{}{secret}", Test::ANONYMOUS),
        submitted_at: UnixTime(500),
        state: State::Queued { contact: None },
        via,
        plan: vec![0],
        repeats: vec![],
        sent: vec![],
        conversations: 1,
        retries: 0,
        transcript: vec![format!("C: RCPT TO:<{secret}@probe.example>")],
        arrivals: vec![Arrival {
            probe: 0,
            kind: ArrivalKind::Return,
            peer: address,
            at: UnixTime(900),
            headers: format!("X-Token: {secret}"),
        }],
        not_before: UnixTime(500),
        postponed: 0,
    }
}

fn host(secret: &str) -> Host {
    let tests = DelistTests { count: 3, last: Some(UnixTime(800)) };
    Host {
        address: "192.0.2.1".parse().unwrap(),
        port: 25,
        domain: format!("{secret}.example").parse().ok(),
        probes: vec![0, 1],
        test: TestId(0x1234_5678_9abc_def0),
        listed_at: UnixTime(900),
        confirmed_at: UnixTime(950),
        delist_tests: tests,
        anonymous_delist_tests: tests,
        cleared_at: None,
    }
}

proptest! {
    #[test]
    fn whatever_is_kept_with_a_listing_or_a_test_is_not_shown(
        secret in "s[a-z0-9]{11,15}z",
        is_tested in any::<bool>(),
        is_through_another in any::<bool>(),
    ) {
        let now = UnixTime(3_000);
        let via = is_through_another.then(|| "203.0.113.250".parse().unwrap());
        let found = ListedHost {
            host: host(&secret),
            test: Some(test(&secret, via)),
            second_test_at: None,
        };
        let mut facts = facts(None, &[listing(&secret, is_tested)]);
        facts.evidence = Some(evidence(&found, now));
        let zone = ZoneFinding {
            zone: "bl.example.org".parse().unwrap(),
            standing: Standing::Listed(Box::new(facts)),
            answer: None,
            inside: Inside::None,
        };
        let findings = Findings {
            subject: "192.0.2.1".parse().unwrap(),
            now,
            zones: vec![zone],
            names: HostNames::NotAsked,
        };
        let (settings, catalogue) = (settings(), Catalogue::load());
        let surroundings = Surroundings::default();
        let mut shown = vec![findings_json(&findings, &settings).to_string()];
        for language in Language::ALL {
            let view = View {
                settings: &settings,
                texts: catalogue.texts(language),
                surroundings: &surroundings,
            };
            shown.push(lookup_result(view, &findings).into_string());
        }
        let id = TestId(0x1234_5678_9abc_def0).to_string();
        for text in shown {
            for private in [&*secret, "203.0.113.250", "77777", &*id] {
                prop_assert!(!text.contains(private), "{private} in {text}");
            }
        }
    }

    #[test]
    fn whoever_has_the_id_of_a_test_sees_neither_who_asked_nor_why_nor_a_live_token(
        secret in "s[a-z0-9]{11,15}z",
        token in "r[a-z2-7]{35}",
        part in 0..4_usize,
    ) {
        let now = UnixTime(3_000);
        let mut test = test(&secret, None);
        test.transcript = vec![format!("C: RCPT TO:<{token}@probe.example>"); 300];
        test.arrivals[0].headers = format!("X-Token: {token}\nReceived: from <there>");
        let patience = Patience {
            settle_for: 1,
            pending_for: 2,
            retry_after: 3,
            second_test_after: 4,
        };
        let facts = TestFacts::of(&test, true, None, patience, part, now);
        let (settings, catalogue) = (settings(), Catalogue::load());
        let surroundings = Surroundings::default();
        for language in Language::ALL {
            let view = View {
                settings: &settings,
                texts: catalogue.texts(language),
                surroundings: &surroundings,
            };
            let page = relay_test(view, &facts, false).into_string();
            prop_assert!(page.len() < 30_000, "{} bytes", page.len());
            for private in [&*secret, &*token, &token[..12]] {
                prop_assert!(!page.contains(private), "{private} in {page}");
            }
        }
    }
}
