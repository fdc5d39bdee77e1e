//! Forms that anybody may send, and what comes of them.

use dnsbl_types::{UnixTime, ZoneKind};
use relay_tester::life::{Outcome, Verdict};

use super::{Pages, settings, test_facts, well_formed};
use crate::{
    Language,
    catalogue::Catalogue,
    forms::Form,
    pages::{Surroundings, View, relay_test},
    relay_test::{ProbeFact, Progress, Stage, TestFacts},
};

fn pages() -> Pages {
    let pages = Pages::with_tester(settings());
    pages.zone("relays.example.org", ZoneKind::Ip, |_| {});
    pages
}

/// The fields of a good nomination.
fn nomination<'a>(seal: &'a str, address: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("address", address),
        ("ground", "evidence"),
        ("evidence", "Received: from undisclosed.example"),
        ("domain", ""),
        ("seal", seal),
    ]
}

#[tokio::test]
async fn a_nomination_leads_to_a_page_that_follows_its_test() {
    let pages = pages();
    let seal = pages.seal(Form::Nominate);
    for language in Language::ALL.map(Language::code) {
        let path = format!("/{language}/nominate");
        let form = pages.get(&path).await;
        well_formed(&form.text);
        assert_eq!((form.status, form.header("referrer-policy")), (200, "same-origin"));
        assert!(form.text.contains("192.0.2.77"), "where the visitor comes from: {}", form.text);
        let sent = pages.post(&path, &nomination(&seal, "127.9.9.9"), &[]).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let place = sent.header("location");
        assert!(place.starts_with(&format!("/{language}/tests/")), "{place}");
        let test = pages.get(place).await;
        well_formed(&test.text);
        assert_eq!((test.status, test.header("refresh")), (200, "4"));
        assert!(test.text.contains("127.9.9.9") && test.text.contains("plain"), "{}", test.text);
        for private in ["undisclosed", "192.0.2.77", "anonymous"] {
            assert!(!test.text.contains(private), "{private}: {}", test.text);
        }
        let stays = pages.get(&format!("{place}?stay=1")).await;
        assert!(stays.header("refresh").is_empty());
        assert_eq!(pages.get(&place.replace(&format!("/{language}"), "")).await.status, 200);
    }
    for missing in ["/en/tests/aaaaaaaaaaaaa", "/en/tests/x", "/ja/tests/%3Cscript%3E"] {
        assert_eq!(pages.get(missing).await.status, 404, "{missing}");
    }
}

/// Fields that were typed, the status of what comes back, and what it says.
type Typed<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);

#[tokio::test]
async fn what_is_wrong_is_said_beside_what_was_typed() {
    let pages = pages();
    let seal = pages.seal(Form::Nominate);
    let early = pages.seal_for("192.0.2.77", Form::Nominate, 0);
    let table: [Typed<'_>; 10] = [
        (&[("address", "")], 422, "Enter the address"),
        (&[("address", "mail.example.org")], 422, "A name is not enough"),
        (&[("address", "::ffff:127.0.0.1")], 422, "IPv4 address itself"),
        (&[("address", "203.0.113.9")], 422, "not tested"),
        (&[("ground", "owner")], 422, "Choose a reason"),
        (&[("ground", "self")], 422, "not coming from the address"),
        (&[("ground", "delist")], 422, "nothing to be removed"),
        (&[("evidence", "")], 422, "Add the header"),
        (&[("domain", "a b")], 422, "no name of a domain"),
        (&[("seal", &*early)], 422, "quicker than people"),
    ];
    for (changes, status, told) in table {
        let mut fields = nomination(&seal, "127.8.8.8");
        for (name, value) in changes {
            fields.iter_mut().find(|(own, _)| own == name).unwrap().1 = *value;
        }
        let page = pages.post("/en/nominate", &fields, &[]).await;
        well_formed(&page.text);
        assert_eq!(page.status, status, "{changes:?}: {}", page.text);
        assert!(page.text.contains(told), "{changes:?}: {}", page.text);
        let address = fields[0].1;
        assert!(page.text.contains(&format!("value=\"{address}\"")), "{changes:?}");
        // It can be sent again from there.
        assert!(page.text.contains("name=\"seal\" value=\""));
    }
    let own = [("address", "192.0.2.77"), ("ground", "self"), ("seal", &*seal)];
    let sent = pages.post("/en/nominate", &own, &[]).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
}

#[tokio::test]
async fn no_other_site_and_no_other_network_sends_a_form_for_somebody() {
    let pages = pages();
    let seal = pages.seal(Form::Nominate);
    let fields = nomination(&seal, "127.7.7.7");
    for headers in [
        [("sec-fetch-site", "cross-site")],
        [("origin", "https://evil.example")],
        [("origin", "null")],
    ] {
        let page = pages.post("/en/nominate", &fields, &headers).await;
        assert_eq!(page.status, 403, "{headers:?}");
        well_formed(&page.text);
    }
    let stolen = pages.seal_for("203.0.113.1", Form::Nominate, 60);
    for seal in ["", "1.2", &*stolen] {
        let page = pages.post("/en/nominate", &nomination(seal, "127.7.7.7"), &[]).await;
        assert_eq!(page.status, 422);
        assert!(page.text.contains("What you typed is still here"), "{}", page.text);
    }
    let kind = [("content-type", "application/json")];
    assert_eq!(pages.ask("POST", "/en/nominate", &kind).await.status, 400);
    let good = [("sec-fetch-site", "same-origin"), ("origin", "null")];
    assert_eq!(pages.post("/en/nominate", &fields, &good).await.status, 303);
}

#[tokio::test]
async fn one_network_sends_few_forms_and_the_tester_takes_fewer() {
    let pages = pages();
    let seal = pages.seal(Form::Nominate);
    let mut statuses = Vec::new();
    for last in 1..=4 {
        let address = format!("127.6.{last}.1");
        let page = pages.post("/en/nominate", &nomination(&seal, &address), &[]).await;
        statuses.push((page.status, page.header("retry-after").is_empty()));
    }
    assert_eq!(statuses, [(303, true), (303, true), (303, true), (429, false)]);
    let mut limited = settings();
    limited.limits.forms_per_hour = 6;
    let pages = Pages::with_tester(limited);
    let mut sent = 0;
    while pages.post("/ja/nominate", &[("address", "x")], &[]).await.status == 422 {
        sent += 1;
        assert!(sent <= 3, "half an hour's");
    }
    assert_eq!(sent, 3);
}

#[tokio::test]
async fn nothing_is_offered_where_nobody_may_nominate() {
    let pages = Pages::new(settings());
    for path in ["/en/nominate", "/ja/nominate", "/en/tests/aaaaaaaaaaaaa"] {
        assert_eq!(pages.get(path).await.status, 404, "{path}");
    }
    let seal = pages.seal(Form::Nominate);
    assert_eq!(pages.post("/en/nominate", &nomination(&seal, "127.7.7.7"), &[]).await.status, 404);
    assert!(!pages.get("/en/faq").await.text.contains("/nominate"));
}

#[test]
fn a_test_is_told_in_both_languages_whatever_it_found() {
    let (settings, catalogue) = (settings(), Catalogue::load());
    let surroundings = Surroundings { offers_nominations: true, ..Surroundings::default() };
    let at = UnixTime(5_000);
    let stages = [Stage::Waits(at), Stage::Talks, Stage::Awaits(at), Stage::Retries(at)];
    let done = Verdict::ALL.map(Stage::Done);
    let outcomes = Outcome::ALL
        .map(|outcome| ProbeFact { name: "plain", progress: Progress::Answered(outcome) });
    for stage in stages.into_iter().chain(done).chain([Stage::Cancelled]) {
        for language in Language::ALL {
            let texts = catalogue.texts(language);
            let view = View { settings: &settings, texts, surroundings: &surroundings };
            let facts = TestFacts { stage, probes: outcomes.into(), ..test_facts() };
            for stays in [false, true] {
                well_formed(&relay_test(view, &facts, stays).into_string());
            }
        }
    }
}
