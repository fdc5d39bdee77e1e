//! What the client makes of every kind of answer.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use dnsbl_client::{
    Blocked, Bogus, ClientBuilder, Failure, Listing, Outcome, Skipped, SpecialUse, Status, Target,
};

use crate::{
    server::{Server, Transport},
    zones,
};

/// More than enough on loopback.
const LONG: Duration = Duration::from_secs(10);
/// For answers that never come.
const SHORT: Duration = Duration::from_secs(1);

fn client(server: &Server, zones: &[&str], deadline: Duration) -> ClientBuilder {
    let zones: Vec<String> = zones.iter().map(|zone| format!("{zone}.example")).collect();
    let zones: Vec<&str> = zones.iter().map(String::as_str).collect();
    zones::client(&[server], &zones, deadline)
}

async fn outcomes(zones: &[&str], deadline: Duration) -> Vec<Outcome> {
    let server = Server::start(zones::script).await;
    let client = client(&server, zones, deadline).build().unwrap();
    client.check(ip("192.0.2.99")).await.outcomes
}

async fn status(zone: &str) -> Status {
    outcomes(&[zone], LONG).await.remove(0).status
}

async fn listing(zone: &str, deadline: Duration) -> Listing {
    let status = outcomes(&[zone], deadline).await.remove(0).status;
    status.listing().unwrap().clone()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_listing_has_every_code_and_every_text() {
    let listing = listing("listed", LONG).await;
    let codes: Vec<String> = listing.codes.iter().map(ToString::to_string).collect();
    assert_eq!(codes, ["127.0.0.2", "127.0.0.10"]);
    assert_eq!(listing.reason.unwrap(), "Open relay / see https://bl.example");
}

#[tokio::test]
async fn nxdomain_and_nodata_are_not_listed() {
    assert_eq!(status("clean").await, Status::NotListed);
    assert_eq!(status("nodata").await, Status::NotListed);
}

#[tokio::test]
async fn a_text_that_fails_or_is_late_leaves_the_verdict() {
    assert_eq!(listing("servfail-txt", LONG).await.reason, None);
    assert_eq!(listing("silent-txt", SHORT).await.reason, None);
}

#[tokio::test]
async fn a_text_is_made_safe_and_short() {
    let nasty = listing("nasty-txt", LONG).await.reason.unwrap();
    assert_eq!(nasty, "no 250 OK [2J %n");
    let huge = listing("huge-txt", LONG).await.reason.unwrap();
    assert_eq!(huge.chars().count(), 1000);
}

#[tokio::test]
async fn text_is_asked_of_listings_only() {
    let server = Server::start(zones::script).await;
    let zones = ["listed", "clean", "nodata", "public", "localhost", "parked", "mixed"];
    let client = client(&server, &zones, LONG).build().unwrap();
    client.check(ip("192.0.2.99")).await;
    let asked = server.asked();
    let texts: Vec<_> = asked.iter().filter(|asked| asked.rtype == "TXT").collect();
    assert_eq!(texts.len(), 1);
    assert_eq!(texts[0].name, "99.2.0.192.listed.example.");
}

#[tokio::test]
async fn a_list_that_refuses_is_blocked() {
    assert_eq!(status("public").await, Status::Blocked(Blocked::PublicResolver));
    assert_eq!(status("refused").await, Status::Blocked(Blocked::Refused));
    assert_eq!(status("filtered").await, Status::Blocked(Blocked::Filtered(17)));
}

#[tokio::test]
async fn an_answer_that_no_list_gives_is_bogus() {
    let stray = Status::Bogus(Bogus::OutsideLoopback("203.0.113.7".parse().unwrap()));
    assert_eq!(status("parked").await, stray);
    assert_eq!(status("mixed").await, stray);
    assert_eq!(status("localhost").await, Status::Bogus(Bogus::Localhost));
}

#[tokio::test]
async fn an_error_or_a_referral_has_failed() {
    assert_eq!(status("servfail").await, Status::Failed(Failure::Rcode(2)));
    assert_eq!(status("referral").await, Status::Failed(Failure::Referral));
}

#[tokio::test]
async fn silence_has_failed_at_the_deadline() {
    let began = Instant::now();
    let outcome = outcomes(&["silent"], SHORT).await.remove(0);
    assert_eq!(outcome.status, Status::Failed(Failure::Deadline));
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_over_tcp() {
    let server = Server::start(zones::script).await;
    let client = client(&server, &["big"], LONG).build().unwrap();
    let status = client.check(ip("192.0.2.99")).await.outcomes.remove(0).status;
    assert_eq!(status.listing().unwrap().codes.len(), 2);
    let transports: Vec<_> = server.asked().iter().map(|asked| asked.transport).collect();
    assert_eq!(transports[..2], [Transport::Udp, Transport::Tcp]);
}

#[tokio::test]
async fn replies_to_other_questions_do_not_count() {
    assert_eq!(status("spoofed").await, Status::NotListed);
    assert_eq!(status("alien").await, Status::NotListed);
}

#[tokio::test]
async fn a_silent_zone_does_not_spoil_the_others() {
    let mut zones = vec!["listed"; 20];
    zones[7] = "silent";
    let outcomes = outcomes(&zones, SHORT).await;
    for (i, outcome) in outcomes.iter().enumerate() {
        let expected = if i == 7 { "failed" } else { "listed" };
        assert_eq!(outcome.status.as_str(), expected, "{i}");
    }
}

#[tokio::test]
async fn special_use_addresses_are_skipped_unless_asked_for() {
    let server = Server::start(zones::script).await;
    let skipping = client(&server, &["listed"], LONG).build().unwrap();
    let asking = client(&server, &["listed"], LONG).special_use(SpecialUse::Ask).build().unwrap();
    let report = skipping.check(ip("10.1.2.3")).await;
    assert_eq!(report.outcomes[0].status, Status::Skipped(Skipped::SpecialUse));
    assert!(!report.is_complete() && !report.is_listed());
    assert_eq!(server.asked(), []);
    let raw = Target::RawAddress(ip("127.0.0.2"));
    assert!(skipping.check(raw).await.is_listed());
    assert!(asking.check(ip("10.1.2.3")).await.is_listed());
}
