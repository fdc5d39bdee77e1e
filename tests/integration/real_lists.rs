//! Four published lists: imported, exported, and every row found over DNS.

use std::{collections::BTreeSet, net::Ipv4Addr};

use dnsbl_tests::{
    Answer::{self, NxDomain},
    Random, TcpClient, TestServer, TestZone,
    fixtures::{self, DOMAINS, Fixture, IPSUM, VPN_IPV4, VPN_IPV6},
};
use dnsbl_types::Subject;
use hickory_proto::rr::RecordType::A;
use serde_json::json;

use crate::server;

/// Imports a list; nothing of it is rejected, and it comes out again as it went in.
#[track_caller]
fn import(server: &TestServer, zone: &TestZone, name: &str) -> Fixture {
    let fixture = fixtures::load(name);
    let result = zone.import("format=plain&source=list", fixture.text.clone());
    assert_eq!(result["rejected"], 0, "{name}: {result}");
    assert_eq!(result["added"], fixture.subjects.len(), "{name}: {result}");
    let export = server.admin().get(&format!("{}/export?format=plain", zone.path())).expect(200);
    let out = fixtures::subjects(&export.text);
    let missing: Vec<_> = fixture.subjects.difference(&out).take(5).collect();
    let surplus: Vec<_> = out.difference(&fixture.subjects).take(5).collect();
    assert!(out == fixture.subjects, "{name}: missing {missing:?}, surplus {surplus:?}");
    fixture
}

/// The names that ask for the first and the last address of each prefix, or for each domain.
fn names(zone: &TestZone, subjects: &BTreeSet<Subject>) -> Vec<String> {
    let mut names: Vec<String> = subjects
        .iter()
        .flat_map(|subject| match subject.net() {
            Some(net) => vec![zone.name_of(net.network()), zone.name_of(net.broadcast())],
            None => vec![zone.below(&subject.to_string())],
        })
        .collect();
    names.dedup();
    names
}

/// Every row of a list is found.
#[track_caller]
fn all_found(server: &TestServer, zone: &TestZone, subjects: &BTreeSet<Subject>) {
    let names = names(zone, subjects);
    let answers = TcpClient::ask_all(server.dns(), &names, A);
    let missed: Vec<_> =
        names.iter().zip(answers).filter(|(_, answer)| *answer != Answer::listed()).collect();
    assert!(missed.is_empty(), "{} missed, such as {:?}", missed.len(), missed[0]);
}

#[test]
fn every_row_of_the_domain_list_is_found() {
    let server = server();
    let zone = server.domain_zone(json!({}));
    let fixture = import(&server, &zone, DOMAINS);
    assert_eq!(fixture.subjects.len(), 8335);
    all_found(&server, &zone, &fixture.subjects);
}

#[test]
fn every_row_of_the_ipv6_list_is_found() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let fixture = import(&server, &zone, VPN_IPV6);
    all_found(&server, &zone, &fixture.subjects);
}

#[test]
fn every_row_of_the_ipv4_lists_is_found_and_random_addresses_agree_with_a_naive_lookup() {
    let server = TestServer::start();
    let zones = [IPSUM, VPN_IPV4].map(|name| {
        let zone = server.ip_zone(json!({}));
        let fixture = import(&server, &zone, name);
        all_found(&server, &zone, &fixture.subjects);
        (zone, fixture.subjects)
    });
    let addresses = random_addresses(zones.each_ref().map(|(_, subjects)| subjects), 100_000);
    for (zone, subjects) in &zones {
        agrees(&server, zone, subjects, &addresses);
    }
}

/// Half anywhere, half next to a row of a list.
fn random_addresses(lists: [&BTreeSet<Subject>; 2], count: usize) -> Vec<Ipv4Addr> {
    let rows: Vec<u32> = lists
        .into_iter()
        .flatten()
        .flat_map(|subject| match subject {
            Subject::V4(net) => [net.network().into(), net.broadcast().into()],
            other => panic!("{other} in a list of IPv4"),
        })
        .collect();
    let mut random = Random::from_env("DNSBL_ADDRESS_SEED");
    (0..count)
        .map(|i| {
            let anywhere = random.number() as u32;
            let near = random.pick(&rows).wrapping_add(random.below(9) as u32).wrapping_sub(4);
            Ipv4Addr::from(if i % 2 == 0 { anywhere } else { near })
        })
        .filter(|addr| !addr.is_loopback())
        .collect()
}

/// The server and a lookup that tries every prefix say the same.
#[track_caller]
fn agrees(
    server: &TestServer,
    zone: &TestZone,
    subjects: &BTreeSet<Subject>,
    addresses: &[Ipv4Addr],
) {
    let names: Vec<String> = addresses.iter().map(|&addr| zone.name_of(addr.into())).collect();
    let answers = TcpClient::ask_all(server.dns(), &names, A);
    let mut hits = 0;
    for (addr, answer) in addresses.iter().zip(answers) {
        let above = std::iter::successors(Some(Subject::from(*addr)), Subject::parent);
        let listed = above.into_iter().any(|subject| subjects.contains(&subject));
        hits += usize::from(listed);
        // An address of four digits may also be the top of an IPv6 prefix that exists in every zone.
        let expected = match addr.octets() {
            _ if listed => Answer::listed(),
            [0, 0, 0, 0] | [2, 0, 0, 2] => Answer::NoData,
            _ => NxDomain,
        };
        assert_eq!(answer, expected, "{addr} in {}", zone.origin());
    }
    assert!(hits > addresses.len() / 20, "only {hits} hits: too few to show anything");
}
