//! A real resolver in front: unbound with strict query name minimisation finds every listing.

use std::time::Duration;

use dnsbl_tests::{Query, Random, TestServer, TestZone, Transport, Unbound};
use hickory_proto::{
    op::ResponseCode,
    rr::RecordType::{self, A, AAAA, NS, TXT},
};
use serde_json::json;

use crate::{metrics::value, server};

/// Rcode and A records, as a resolver passes them on.
#[track_caller]
fn resolve(unbound: &Unbound, name: &str, rtype: RecordType) -> (ResponseCode, Vec<String>) {
    // RD: it is a resolver.
    let reply = Query::new(name, rtype).flags(0x0100).ask(unbound.addr(), Transport::Udp);
    let answers = reply.message.answers.iter().map(|record| record.data.to_string());
    (reply.message.metadata.response_code, answers.collect())
}

/// Asks for what lies above a name first, in any order, so that a wrong denial would be remembered.
#[track_caller]
fn ask_parents(unbound: &Unbound, zone: &TestZone, name: &str, random: &mut Random) {
    let labels: Vec<&str> =
        name.strip_suffix(zone.origin()).unwrap().trim_end_matches('.').split('.').collect();
    let mut parents: Vec<String> =
        (1..labels.len()).map(|skip| zone.below(&labels[skip..].join("."))).collect();
    random.shuffle(&mut parents);
    for parent in parents {
        let rtype = *random.pick(&[A, AAAA, TXT, NS]);
        let (rcode, _) = resolve(unbound, &parent, rtype);
        assert_eq!(rcode, ResponseCode::NoError, "{parent} {rtype}, above {name}");
    }
}

#[test]
fn strict_unbound_finds_every_listed_address() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let mut random = Random::from_env("DNSBL_UNBOUND_SEED");
    let mut listed: Vec<String> = ["127.0.0.2", "::ffff:127.0.0.2"].map(Into::into).to_vec();
    for subject in [
        "2.0.0.1",
        "2.0.0.2",
        "1.2.3.4",
        "192.0.2.1",
        "198.51.100.0/24",
        "203.0.112.0/23",
        "2001:db8::1",
        "2001::1",
        "2001:db8:1::/48",
        "2002:c000:2ff::/48",
        "2a00:1234:5678::/56",
        "2000:1::5",
        "64:ff9b:2::1",
    ] {
        zone.list(subject);
        let subject: dnsbl_types::Subject = subject.parse().unwrap();
        let net = subject.net().unwrap();
        listed.extend([net.network(), net.broadcast()].map(|addr| addr.to_string()));
    }
    // Mapped and 6to4 forms of what is listed as IPv4.
    listed.extend(
        ["::ffff:192.0.2.1", "::ffff:198.51.100.9", "2002:c000:201::1", "2002:c633:6401::"]
            .map(Into::into),
    );
    random.shuffle(&mut listed);
    let unbound = Unbound::start(server.dns(), &[zone.origin()]);
    for addr in &listed {
        let name = zone.name_of(addr.parse().unwrap());
        ask_parents(&unbound, &zone, &name, &mut random);
        let found = resolve(&unbound, &name, A);
        assert_eq!(found, (ResponseCode::NoError, vec!["127.0.0.2".into()]), "{addr}");
    }
    for absent in
        ["192.0.2.2", "127.0.0.1", "::ffff:127.0.0.1", "2001:db8::2", "2003::1", "10.1.1.1"]
    {
        let name = zone.name_of(absent.parse().unwrap());
        assert_eq!(resolve(&unbound, &name, A), (ResponseCode::NXDomain, vec![]), "{absent}");
    }
}

#[test]
fn strict_unbound_finds_what_is_listed_after_its_neighbours_were_denied() {
    let server = server();
    let zone = server.ip_zone(json!({"negative_ttl": 3600}));
    let unbound = Unbound::start(server.dns(), &[zone.origin()]);
    let mut random = Random::from_env("DNSBL_UNBOUND_SEED");
    for round in 0..40 {
        let [b, c, d] = [(); 3].map(|()| random.below(200) + 20);
        let (denied, listed) = if round % 2 == 0 {
            (format!("93.{b}.{c}.{d}"), format!("93.{b}.{c}.{}", d + 1))
        } else {
            (format!("2a02:{b}::{c}:{d}"), format!("2a02:{b}::{c}:{}", d + 1))
        };
        let denied = zone.name_of(denied.parse().unwrap());
        assert_eq!(resolve(&unbound, &denied, A).0, ResponseCode::NXDomain, "{denied}");
        zone.list(&listed);
        let name = zone.name_of(listed.parse().unwrap());
        assert_eq!(resolve(&unbound, &name, A).1, ["127.0.0.2"], "{listed}");
    }
}

#[test]
fn strict_unbound_finds_every_listed_domain() {
    let server = server();
    let zone = server.domain_zone(json!({}));
    for subject in [
        "deep.down.in.spam.example",
        "spam.example.com",
        "*.wild.example.net",
        "xn--bcher-kva.example",
    ] {
        zone.list(subject);
    }
    zone.exclude("good.wild.example.net");
    let mut random = Random::from_env("DNSBL_UNBOUND_SEED");
    let unbound = Unbound::start(server.dns(), &[zone.origin()]);
    for domain in [
        "deep.down.in.spam.example",
        "spam.example.com",
        "a.wild.example.net",
        "c.b.a.wild.example.net",
        "x.good.wild.example.net",
        "xn--bcher-kva.example",
        "test",
    ] {
        let name = zone.below(domain);
        ask_parents(&unbound, &zone, &name, &mut random);
        let found = resolve(&unbound, &name, A);
        assert_eq!(found, (ResponseCode::NoError, vec!["127.0.0.2".into()]), "{domain}");
    }
    for absent in ["wild.example.net", "good.wild.example.net", "invalid", "ham.example.org"] {
        assert!(resolve(&unbound, &zone.below(absent), A).1.is_empty(), "{absent}");
    }
}

#[test]
fn unbound_forgets_a_denial_when_its_ttl_ends() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({"negative_ttl": 1}));
    let unbound = Unbound::start(server.dns(), &[zone.origin()]);
    let name = zone.name_of("192.0.2.1".parse().unwrap());
    assert_eq!(resolve(&unbound, &name, A).0, ResponseCode::NXDomain);
    zone.list("192.0.2.1");
    dnsbl_tests::eventually(Duration::from_secs(5), || match resolve(&unbound, &name, A) {
        (ResponseCode::NoError, found) if found == ["127.0.0.2"] => Ok(()),
        other => Err(other),
    });
}

/// It keeps one SOA for all denials of a zone, so that one of the names above addresses is asked for again when a
/// shorter denial has ended, in place of all of them.
#[test]
fn unbound_remembers_names_above_addresses_longer_than_denials() {
    let server = TestServer::start();
    let asked = |zone: &TestZone| {
        let labels = [("zone", zone.origin()), ("result", "nodata")];
        value(&server, "dnsbl_queries_total", &labels)
    };
    let zones = [json!({"parent_ttl": 1}), json!({})].map(|mut settings| {
        settings["negative_ttl"] = json!(1);
        server.ip_zone(settings)
    });
    let unbound = Unbound::start(server.dns(), &zones.each_ref().map(TestZone::origin));
    let [short, long] = zones.each_ref().map(|zone| {
        let name = zone.name_of("192.0.2.1".parse().unwrap());
        assert_eq!(resolve(&unbound, &name, A).0, ResponseCode::NXDomain);
        let first = asked(zone);
        for round in 2..5 {
            // When a denial is gone that came after them, all that lasted as long is gone.
            let name = zone.name_of(format!("192.0.2.{round}").parse().unwrap());
            assert_eq!(resolve(&unbound, &name, A).0, ResponseCode::NXDomain);
            zone.list(&format!("192.0.2.{round}"));
            dnsbl_tests::eventually(Duration::from_secs(5), || match resolve(&unbound, &name, A) {
                (ResponseCode::NoError, _) => Ok(()),
                other => Err(other),
            });
        }
        (first, asked(zone) - first)
    });
    assert_eq!(long.0, short.0, "the first question is the same");
    assert!((3..=4).contains(&long.0), "{long:?}");
    assert!(long.1 <= 3, "one in each round: {long:?}");
    assert!(short.1 >= 9, "all of them in each round: {short:?}");
}
