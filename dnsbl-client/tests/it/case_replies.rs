//! Cases 8 to 19: what replies mean.

use std::time::Duration;

use dnsbl_client::{Asks, Blocked, Bogus, ReplyFilter, Rule, Score, Skipped, Status, TxtMode};
use hickory_proto::rr::RecordType;
use proptest::prelude::*;

use crate::{
    client::{self, ip, listing, outcome, status},
    fake::{
        Asked, Fake, Via, a, cname, negative, nodata, nxdomain, reply, texts, with_extended_error,
    },
};

/// A list that answers these addresses to everything, and no text.
async fn answering(addresses: &'static [&str]) -> Fake {
    Fake::answering(move |asked: &Asked| match asked.rtype {
        RecordType::A => a(asked, addresses),
        _ => nodata(asked),
    })
    .await
}

fn rule(filter: &str, points: i32) -> Rule {
    Rule::new(ReplyFilter::postfix(filter).unwrap(), Score::points(points))
}

fn exim(filter: &str) -> Rule {
    Rule::new(ReplyFilter::exim(filter).unwrap(), Score::ONE)
}

#[tokio::test]
async fn case_08_several_codes_count_for_every_rule_once() {
    let fake = answering(&["127.0.0.2", "127.0.0.10", "127.0.0.3"]).await;
    let rules = [rule("127.0.0.[2..9]", 3), rule("127.0.0.10", 1), rule("127.0.0.11", 7)];
    let outcome = outcome(&fake, client::zone("bl.example").rules(rules)).await;
    assert_eq!(listing(&outcome.status).hits, [0, 1]);
    assert_eq!(outcome.score, Score::points(4));
}

#[tokio::test]
async fn case_09_the_refusals_of_each_provider_are_blocked() {
    let says = |code: &str| Blocked::ErrorCode(code.parse().unwrap());
    for (zone, code, blocked) in [
        ("zen.spamhaus.org", "127.255.255.252", Blocked::ZoneTypo),
        ("zen.spamhaus.org", "127.255.255.254", Blocked::PublicResolver),
        ("zen.spamhaus.org", "127.255.255.255", Blocked::TooManyQueries),
        ("list.dnswl.org", "127.0.0.255", Blocked::TooManyQueries),
        ("multi.surbl.org", "127.0.0.1", says("127.0.0.1")),
        ("multi.uribl.com", "127.0.0.1", says("127.0.0.1")),
        (
            "dbl.spamhaus.org",
            "127.0.1.255",
            Blocked::NotForAddresses("127.0.1.255".parse().unwrap()),
        ),
        ("bl.score.senderscore.com", "127.255.255.255", Blocked::TooManyQueries),
        ("bl.example", "127.255.255.254", Blocked::PublicResolver),
    ] {
        let code: &'static str = code;
        let fake = Fake::answering(move |asked: &Asked| a(asked, &[code])).await;
        assert_eq!(status(&fake, client::zone(zone)).await, Status::Blocked(blocked), "{zone}");
    }
    let fake = answering(&["127.0.10.0"]).await;
    let dnswl = outcome(&fake, client::zone("list.dnswl.org")).await;
    assert_eq!(dnswl.status.as_str(), "listed", "its test entry has this code");
}

#[tokio::test]
async fn case_10_a_reply_outside_127_is_bogus_with_any_filter() {
    let fake = answering(&["203.0.113.7"]).await;
    let stray = Status::Bogus(Bogus::OutsideLoopback("203.0.113.7".parse().unwrap()));
    for filter in ["!=127.0.0.2", "!&0.255.255.0", "!==127.0.0.2", "!=&0.0.0.4", "=203.0.113.7"] {
        let zone = client::zone("bl.example").rules([exim(filter)]);
        assert_eq!(status(&fake, zone).await, stray, "{filter}");
    }
    for rules in [vec![], vec![rule("203.0.113.7", 1)], vec![rule("[0..255].0.113.7", 1)]] {
        assert_eq!(status(&fake, client::zone("bl.example").rules(rules)).await, stray);
    }
}

#[tokio::test]
async fn case_11_localhost_is_bogus_unless_the_list_declares_it() {
    let fake = answering(&["127.0.0.1"]).await;
    let bogus = Status::Bogus(Bogus::Localhost);
    assert_eq!(status(&fake, client::zone("bl.example")).await, bogus);
    let hostkarma = client::zone("hostkarma.junkemailfilter.com");
    assert_eq!(status(&fake, hostkarma).await.as_str(), "listed");
    let mut declared = client::zone("bl.example");
    declared.codes.localhost_is_listed = true;
    assert_eq!(status(&fake, declared).await.as_str(), "listed");
}

#[tokio::test]
async fn case_12_one_address_outside_127_spoils_the_whole_answer() {
    for addresses in [&["127.0.0.2", "203.0.113.1"][..], &["203.0.113.1", "127.0.0.2"]] {
        let addresses: &'static [&str] = addresses;
        let fake = answering(addresses).await;
        let stray = Status::Bogus(Bogus::OutsideLoopback("203.0.113.1".parse().unwrap()));
        assert_eq!(status(&fake, client::zone("bl.example")).await, stray);
    }
}

#[tokio::test]
async fn case_13_unusual_codes_are_judged_by_the_filter() {
    for (code, filter, hit) in [
        ("127.0.0.0", "127.0.0.0", true),
        ("127.0.0.0", "127.0.0.[2..11]", false),
        ("127.255.254.128", "127.255.[0..254].128", true),
        ("127.1.2.3", "127.1.2.[3;9]", true),
    ] {
        let code: &'static str = code;
        let fake = Fake::answering(move |asked: &Asked| match asked.rtype {
            RecordType::A => a(asked, &[code]),
            _ => nodata(asked),
        })
        .await;
        let outcome = outcome(&fake, client::zone("bl.example").rules([rule(filter, 1)])).await;
        assert_eq!(outcome.score > Score::ZERO, hit, "{code} {filter}");
    }
    let fake = answering(&["127.255.255.128"]).await;
    assert_eq!(status(&fake, client::zone("bl.example")).await.as_str(), "blocked");
}

#[tokio::test]
async fn case_14_aliases_without_an_address_and_empty_answers_are_not_listed() {
    let dangling = Fake::answering(|asked: &Asked| cname(asked, "elsewhere.example.")).await;
    let looping = Fake::answering(|asked: &Asked| cname(asked, &asked.name)).await;
    let empty = Fake::answering(nodata).await;
    for fake in [dangling, looping, empty] {
        assert_eq!(status(&fake, client::zone("bl.example")).await, Status::NotListed);
    }
}

#[tokio::test]
async fn case_15_denials_with_and_without_soa_and_text_alone_are_not_listed() {
    let with = Fake::answering(|asked: &Asked| negative(nxdomain(asked), 60, 60)).await;
    let without = Fake::answering(nxdomain).await;
    let text = Fake::answering(|asked: &Asked| match asked.rtype {
        RecordType::TXT => texts(asked, &[&[b"listed, it says"]]),
        _ => nodata(asked),
    })
    .await;
    for fake in [with, without, text] {
        assert_eq!(status(&fake, client::zone("bl.example")).await, Status::NotListed);
    }
}

/// `*.3.bl.example` is a wildcard for 3.0.0.0/8 that covers 3::/4 too.
#[tokio::test]
async fn case_16_a_list_of_ipv4_is_not_asked_about_ipv6() {
    let fake = Fake::answering(|asked: &Asked| {
        if asked.name.ends_with(".3.bl.example.") {
            a(asked, &["127.0.0.2"])
        } else {
            nxdomain(asked)
        }
    })
    .await;
    let mut zone = client::zone("bl.example");
    zone.asks = Asks::Addresses { v4: true, v6: false };
    let client = client::asking(&fake).zone(zone).build().unwrap();
    let report = client.check(ip("3000::1")).await;
    assert_eq!(report.outcomes[0].status, Status::Skipped(Skipped::Family));
    assert_eq!(fake.count(), 0);
    assert!(client.check(ip("3.1.2.3")).await.is_listed());
}

/// The reason of a listing whose texts are these records of strings.
async fn reason(records: &'static [&'static [&'static [u8]]]) -> Option<String> {
    let fake = Fake::answering(move |asked: &Asked| match asked.rtype {
        RecordType::TXT => texts(asked, records),
        _ => a(asked, &["127.0.0.2"]),
    })
    .await;
    listing(&status(&fake, client::zone("bl.example")).await).reason.clone()
}

#[tokio::test]
async fn case_17_texts_become_one_safe_line() {
    let read = |text: &str| Some(text.to_owned());
    assert_eq!(reason(&[&[b"one ", b"text"]]).await, read("one text"));
    assert_eq!(reason(&[&[b"no\r\n250 OK\0\x7f%n"]]).await, read("no 250 OK %n"));
    assert_eq!(reason(&[&[b"caf\xe9 \x80"]]).await, read("caf\u{fffd} \u{fffd}"));
    let several = reason(&[&[b"one"], &[b"two"]]).await.unwrap();
    assert!(["one / two", "two / one"].contains(&several.as_str()), "{several}");
}

#[tokio::test]
async fn case_17_a_text_of_64_kib_comes_over_tcp_and_is_cut() {
    let fake = Fake::start(|asked: &Asked| match (asked.rtype, asked.via) {
        (RecordType::TXT, Via::Udp) => vec![reply(asked).truncate().into()],
        (RecordType::TXT, Via::Tcp) => {
            let line = [b'x'; 255];
            let strings: Vec<&[u8]> = vec![&line; 250];
            vec![texts(asked, &[&strings]).into()]
        }
        _ => vec![a(asked, &["127.0.0.2"]).into()],
    })
    .await;
    let status = status(&fake, client::zone("bl.example")).await;
    let reason = listing(&status).reason.clone().unwrap();
    assert_eq!(reason.chars().count(), 1000);
}

#[tokio::test]
async fn case_18_a_late_text_leaves_the_listing_and_the_deadline() {
    const SHORT: Duration = Duration::from_millis(400);
    for mode in [TxtMode::OnListed, TxtMode::Parallel] {
        let fake = Fake::start(|asked: &Asked| match asked.rtype {
            RecordType::A => vec![a(asked, &["127.0.0.2"]).into()],
            _ => vec![],
        })
        .await;
        let zone = client::zone("bl.example").txt(mode);
        let client = client::asking(&fake).deadline(SHORT).zone(zone).build().unwrap();
        let report = client.check(ip("192.0.2.99")).await;
        assert!(report.elapsed >= SHORT);
        assert_eq!(listing(&report.outcomes[0].status).reason, None);
        assert_eq!(report.score, Score::ONE);
    }
}

#[tokio::test]
async fn case_18_a_text_without_a_listing_is_no_listing() {
    let fake = Fake::answering(|asked: &Asked| match asked.rtype {
        RecordType::TXT => texts(asked, &[&[b"not really"]]),
        _ => nxdomain(asked),
    })
    .await;
    let zone = client::zone("bl.example").txt(TxtMode::Parallel);
    assert_eq!(status(&fake, zone).await, Status::NotListed);
}

#[tokio::test]
async fn txt_is_asked_as_the_zone_wants_it() {
    for (mode, listed, clean) in
        [(TxtMode::Never, 0, 0), (TxtMode::OnListed, 1, 0), (TxtMode::Parallel, 1, 1)]
    {
        let fake = Fake::answering(|asked: &Asked| match asked.rtype {
            RecordType::TXT => texts(asked, &[&[b"reason"]]),
            _ if asked.name.starts_with("99.") => a(asked, &["127.0.0.2"]),
            _ => nxdomain(asked),
        })
        .await;
        let zone = client::zone("bl.example").txt(mode);
        let client = client::asking(&fake).zone(zone).build().unwrap();
        let texts = || fake.asked().iter().filter(|asked| asked.rtype == RecordType::TXT).count();
        let report = client.check(ip("192.0.2.98")).await;
        assert_eq!((report.is_listed(), texts()), (false, clean), "{mode:?}");
        let report = client.check(ip("192.0.2.99")).await;
        assert_eq!(texts() - clean, listed, "{mode:?}");
        let reason = listing(&report.outcomes[0].status).reason.clone();
        assert_eq!(reason.is_some(), listed == 1, "{mode:?}");
    }
}

#[tokio::test]
async fn case_19_a_resolver_that_says_it_filters_is_blocked() {
    for code in 15..=18 {
        let fake = Fake::answering(move |asked: &Asked| {
            with_extended_error(a(asked, &["127.0.0.2"]), code)
        })
        .await;
        let blocked = Status::Blocked(Blocked::Filtered(code));
        assert_eq!(status(&fake, client::zone("bl.example")).await, blocked);
    }
    let fake = Fake::answering(|asked: &Asked| match asked.rtype {
        RecordType::A => with_extended_error(a(asked, &["127.0.0.2"]), 3),
        _ => nodata(asked),
    })
    .await;
    assert_eq!(status(&fake, client::zone("bl.example")).await.as_str(), "listed", "stale answer");
}

#[tokio::test]
async fn case_19_authenticated_data_makes_no_difference() {
    for authentic in [false, true] {
        let fake = Fake::answering(move |asked: &Asked| {
            let mut reply = a(asked, &["127.0.0.2"]);
            reply.metadata.authentic_data = authentic;
            reply
        })
        .await;
        let zone = client::zone("bl.example").txt(TxtMode::Never);
        assert_eq!(status(&fake, zone).await.as_str(), "listed");
    }
}

/// What is listed by Exim's operator, by its documentation: which quantifier over which match.
fn exim_model(operator: &str, values: &[[u8; 4]], codes: &[[u8; 4]]) -> bool {
    let equal = |code: &[u8; 4]| values.contains(code);
    let masked = |code: &[u8; 4]| {
        values.iter().any(|mask| mask.iter().zip(code).all(|(mask, octet)| mask & octet == *mask))
    };
    match operator {
        "=" => codes.iter().any(equal),
        "&" => codes.iter().any(masked),
        "==" => codes.iter().all(equal),
        "=&" => codes.iter().all(masked),
        "!=" => !codes.iter().any(equal),
        "!&" => !codes.iter().any(masked),
        "!==" => codes.iter().any(|code| !equal(code)),
        "!=&" => codes.iter().any(|code| !masked(code)),
        other => panic!("{other}"),
    }
}

fn code() -> impl Strategy<Value = [u8; 4]> {
    (0u8..2, 0u8..2, 2u8..9).prop_map(|(b, c, d)| [127, b, c, d])
}

proptest! {
    #[test]
    fn h_exim_operators_have_the_truth_table_of_a_model(
        operator in prop::sample::select(vec!["=", "&", "==", "=&", "!=", "!&", "!==", "!=&"]),
        values in prop::collection::vec(code(), 1..4),
        codes in prop::collection::vec(code(), 1..4),
    ) {
        let dotted: Vec<String> =
            values.iter().map(|value| std::net::Ipv4Addr::from(*value).to_string()).collect();
        let filter = ReplyFilter::exim(&format!("{operator}{}", dotted.join(","))).unwrap();
        let addresses: Vec<_> = codes.iter().copied().map(std::net::Ipv4Addr::from).collect();
        prop_assert_eq!(filter.matches(&addresses), exim_model(operator, &values, &codes));
    }
}
