//! What goes out.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use dnsbl_client::{
    Client, ClientBuilder, ClientError, Failure, Resolvers, Status, Target, ZoneName, ZoneNameError,
};
use hickory_proto::op::{Message, ResponseCode};

use crate::{
    server::{Server, Transport},
    zones::{self, rcode},
};

/// The first name asked for a target.
async fn asked_for(target: impl Into<Target>) -> String {
    let server = Server::start(zones::script).await;
    let client = client(&server, &["Clean.Example."]);
    client.check(target).await;
    server.asked()[0].name.clone()
}

fn client(server: &Server, zones: &[&str]) -> Client {
    zones::client(&[server], zones, Duration::from_secs(4)).build().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn rfc5782_s2_1_ipv4_is_reversed_octets() {
    assert_eq!(asked_for(ip("192.0.2.99")).await, "99.2.0.192.clean.example.");
}

#[tokio::test]
async fn rfc5782_s2_4_ipv6_is_reversed_nibbles() {
    assert_eq!(
        asked_for(ip("2001:db8:1:2:3:4:567:89ab")).await,
        "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.clean.example."
    );
}

#[tokio::test]
async fn a_mapped_address_is_asked_as_ipv4() {
    assert_eq!(asked_for(ip("::ffff:192.0.2.99")).await, "99.2.0.192.clean.example.");
}

#[tokio::test]
async fn rfc5782_s5_the_mapped_test_entry_can_be_asked_in_its_raw_form() {
    let raw = Target::RawAddress(ip("::ffff:127.0.0.2"));
    let zeros = "0.".repeat(20);
    assert_eq!(asked_for(raw).await, format!("2.0.0.0.0.0.f.7.f.f.f.f.{zeros}clean.example."));
}

#[tokio::test]
async fn a_name_is_asked_once_and_without_search_domains() {
    let server = Server::start(zones::script).await;
    client(&server, &["clean.example"]).check(ip("192.0.2.99")).await;
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!((&*asked[0].rtype, asked[0].transport), ("A", Transport::Udp));
}

#[tokio::test]
async fn names_that_are_special_elsewhere_are_asked_too() {
    let server =
        Server::start(|query: &Message, _| vec![rcode(query, ResponseCode::NXDomain)]).await;
    let zones = ["bl.invalid", "bl.localhost", "bl.local", "bl.onion", "lists"];
    client(&server, &zones).check(ip("192.0.2.99")).await;
    assert_eq!(server.asked().len(), zones.len());
}

/// A server that answers nobody before everybody has asked.
#[tokio::test]
async fn all_zones_are_asked_at_once() {
    const ZONES: usize = 8;
    let waiting = Arc::new(Mutex::new(0));
    let server = Server::start(move |query: &Message, _| {
        let mut waiting = waiting.lock().unwrap();
        *waiting += 1;
        match *waiting {
            ..ZONES => vec![],
            _ => vec![rcode(query, ResponseCode::NXDomain)],
        }
    })
    .await;
    let names: Vec<String> = (0..ZONES).map(|i| format!("z{i}.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let report = client(&server, &names).check(ip("192.0.2.99")).await;
    let first: Vec<String> =
        server.asked().into_iter().take(ZONES).map(|asked| asked.name).collect();
    assert!(names.iter().all(|name| first.contains(&format!("99.2.0.192.{name}."))));
    assert!(report.is_complete());
}

#[tokio::test]
async fn a_zone_too_long_for_the_name_has_failed() {
    let server = Server::start(zones::script).await;
    let long = format!("{}.example", vec!["x".repeat(60); 3].join("."));
    let report = client(&server, &[&long]).check(ip("2001:db8::1")).await;
    let status = &report.outcomes[0].status;
    assert!(matches!(status, Status::Failed(Failure::NameTooLong)), "{status:?}");
}

#[tokio::test]
async fn settings_that_can_ask_nothing_are_refused() {
    let server = Server::start(zones::script).await;
    let refused = |change: &dyn Fn(ClientBuilder) -> ClientBuilder, zones: &[&str]| {
        change(zones::client(&[&server], zones, Duration::from_secs(1))).build().err().unwrap()
    };
    assert!(matches!(refused(&|settings| settings, &[]), ClientError::NoZone));
    assert_eq!(".".parse::<ZoneName>(), Err(ZoneNameError::Root));
    let nobody = |settings: ClientBuilder| settings.resolvers(Resolvers::Given(vec![]));
    assert!(matches!(refused(&nobody, &["bl.example"]), ClientError::NoResolver));
    for deadline in [Duration::ZERO, Duration::MAX] {
        let error = refused(&|settings| settings.deadline(deadline), &["bl.example"]);
        assert!(matches!(error, ClientError::Deadline(_)));
    }
}

#[tokio::test]
async fn a_check_may_move_between_threads() {
    fn assert_send<T: Send>(_: T) {}
    let server = Server::start(zones::script).await;
    let client = client(&server, &["bl.example"]);
    assert_send(client.check(ip("192.0.2.99")));
}
