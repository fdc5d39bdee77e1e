//! Who may ask, and how much, on both paths.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use dnsbl_index::{Index, IndexWriter};
use dnsbl_types::{
    Access, AccessAction, AccessKey, AccessRules, ClockReading, Denial, Entry, EntryWriter as _,
    Follower as _, LargeUdp, ListAll, Name, Quota, Recognition, Serial, Subscriber, SubscriberId,
    SubscriberKey, SubscriberMode, UnixTime, ZoneKind, ZoneQuotas, ZoneSpec,
};
use hickory_server::proto::{
    op::{Message, ResponseCode},
    rr::{RData, RecordType, rdata::opt::EdnsOption},
};

use super::{
    differential::{fast_to, query, slow_to, understood},
    zones::{NOW, now},
};
use crate::dns::{
    AccessControl, Counters, Protection, Sampler, Service,
    counters::{Outcome, Transport},
    fast_path::{self, Asked},
    lookup::look_up,
    message,
    query::Query,
};

const A: u16 = 1;
const NS: u16 = 2;
const SOA: u16 = 6;
const TXT: u16 = 16;
const AAAA: u16 = 28;

/// A key of a subscriber, of one that has expired, of one to other zones, and of one in a network.
const KEY: &str = "abcdefghijklmnopqrstuvwxyz";
const EXPIRED: &str = "expiredexpiredexpiredexpire";
const ELSEWHERE: &str = "elsewhereelsewhereelsewher";
const BOTH: &str = "bothbothbothbothbothbothbo";

/// Somebody, a subscriber by network, one refused, ignored, and told that all is listed.
pub(super) const CLIENTS: &[&str] =
    &["192.0.2.99", "198.51.100.7", "203.0.113.1", "203.0.113.2", "203.0.113.3", "2001:db8::9"];

pub(super) const NAMES: &[&str] = &[
    "rules.example.org",
    "keys.example.org",
    "optional.example.org",
    "code.example.org",
    "drop.example.org",
    "domains.example.org",
    "abcdefghijklmnopqrstuvwxyz.keys.example.org",
    "Abcdefghijklmnopqrstuvwxyz.optional.example.org",
    "expiredexpiredexpiredexpire.keys.example.org",
    "elsewhereelsewhereelsewher.code.example.org",
    "unknownunknownunknownunkno.drop.example.org",
    "abcdefghijklmnopqrstuvwxyz.domains.example.org",
    "bothbothbothbothbothbothbo.keys.example.org",
    "abcdefghijklmnopqrstuvwxyz.rules.example.org",
];

fn subscriber(id: u64, label: &str, zones: &[&str]) -> Subscriber {
    let digest = dnsbl_types::KeyDigest::of(label.as_bytes());
    let subscriber = Subscriber {
        id: SubscriberId(id),
        name: format!("subscriber {id}"),
        zones: zones.iter().map(|zone| format!("{zone}.example.org").parse().unwrap()).collect(),
        networks: vec![],
        recognition: Recognition::Key,
        quota: Quota::default(),
        expires_at: None,
        keys: vec![SubscriberKey { digest, created_at: UnixTime(1), until: None }],
        note: None,
        created_at: UnixTime(1),
    };
    subscriber.check().unwrap()
}

fn rules() -> AccessRules {
    let listing = ListAll {
        return_code: "127.0.0.9".parse().unwrap(),
        reason: "$ asks too much".parse().unwrap(),
    };
    let rules = [
        ("203.0.113.0/24", AccessAction::Empty),
        ("203.0.113.1/32", AccessAction::Refuse),
        ("203.0.113.2/32", AccessAction::Ignore),
        ("203.0.113.3/32", AccessAction::List(listing)),
    ];
    let rules = rules.map(|(prefix, action)| (prefix.parse().unwrap(), action));
    AccessRules::new(AccessAction::Pass, rules).unwrap()
}

fn zone(name: &str, kind: ZoneKind, access: Access) -> ZoneSpec {
    let ns: Name = format!("ns1.{name}.example.org").parse().unwrap();
    let origin = format!("{name}.example.org").parse().unwrap();
    let glue = [(ns.clone(), vec!["192.0.2.53".parse().unwrap()])].into();
    ZoneSpec {
        access,
        glue,
        ..ZoneSpec::new(origin, kind, vec![ns], "$ is listed".parse().unwrap())
    }
}

fn of(subscribers: SubscriberMode, denial: Denial) -> Access {
    Access { subscribers, denial, ..Access::default() }
}

pub(super) fn service() -> Service {
    use Denial::{Code, Drop, Refused};
    use SubscriberMode::{Optional, Required};
    let zones = [
        zone("rules", ZoneKind::Ip, Access { rules: rules(), ..Access::default() }),
        zone("keys", ZoneKind::Ip, of(Required, Refused)),
        zone("optional", ZoneKind::Ip, Access { rules: rules(), ..of(Optional, Refused) }),
        zone("code", ZoneKind::Ip, of(Required, Code)),
        zone("drop", ZoneKind::Ip, of(Required, Drop)),
        zone("domains", ZoneKind::Domain, of(Required, Refused)),
    ];
    let all = ["keys", "optional", "code", "drop", "domains"];
    let networks = vec!["198.51.100.0/24".parse().unwrap()];
    let subscribers = [
        subscriber(1, KEY, &all),
        Subscriber { expires_at: Some(NOW), ..subscriber(2, EXPIRED, &all) },
        subscriber(3, ELSEWHERE, &["elsewhere"]),
        Subscriber {
            networks: networks.clone(),
            recognition: Recognition::Both,
            ..subscriber(4, BOTH, &["keys"])
        },
        Subscriber {
            networks,
            recognition: Recognition::Networks,
            ..subscriber(5, "networksnetworksnetworksne", &["optional", "code"])
        },
    ];
    serve(&zones, &subscribers)
}

fn serve(zones: &[ZoneSpec], subscribers: &[Subscriber]) -> Service {
    let index = Arc::new(Index::default());
    let counters = Counters::new(1).unwrap();
    let mut writer = IndexWriter::observed(index.clone(), counters.clone());
    for zone in zones {
        let zone = zone.clone().check().unwrap();
        writer.put_zone(&zone, Serial(7));
        let subject = if zone.kind == ZoneKind::Ip { "192.0.2.1" } else { "spam.example" };
        writer.set_entries(&zone.origin, &subject.parse().unwrap(), &[Entry::default()]);
    }
    subscribers.iter().for_each(|subscriber| writer.set_subscriber(None, Some(subscriber)));
    writer.publish(1, Instant::now());
    let (access, protection) = (Arc::default(), Protection::default());
    let sampler = Sampler::default();
    Service { index, counters, access, protection, sampler, version: None, identity: None }
}

/// What both paths reply to a client; `None` if that is nothing.
#[track_caller]
fn ask(service: &Service, client: &str, name: &str, qtype: u16) -> Option<Message> {
    let (packet, client) =
        (query(&format!("{name}.example.org"), qtype, 1232), client.parse().unwrap());
    let slow = slow_to(service, &packet, client);
    // What is too long is the slow path's.
    if let Some(fast) = fast_to(service, &packet, client) {
        let understood = |reply: &Vec<u8>| understood(reply);
        let fast = Some(fast).filter(|fast| !fast.is_empty());
        assert_eq!(fast.as_ref().map(understood), slow.as_ref().map(understood), "{name}");
    }
    slow.map(|slow| Message::from_vec(&slow).unwrap())
}

/// What a reply says in a word, with its extended error.
#[track_caller]
fn shown(service: &Service, client: &str, name: &str, qtype: u16) -> String {
    let Some(message) = ask(service, client, name, qtype) else { return "nothing".into() };
    let error = message.edns.as_ref().and_then(|edns| match edns.option(15.into())? {
        EdnsOption::Unknown(_, data) => Some(format!(" {}", data[1])),
        _ => None,
    });
    let records = message.answers.iter().map(|record| match &record.data {
        RData::A(addr) => addr.to_string(),
        RData::TXT(text) => text.to_string(),
        data => data.record_type().to_string(),
    });
    let said = match message.metadata.response_code {
        ResponseCode::NoError if message.answers.is_empty() => "nodata".into(),
        ResponseCode::NoError => records.collect::<Vec<_>>().join(" "),
        code => format!("{code:?}").to_lowercase(),
    };
    said + &error.unwrap_or_default()
}

#[test]
fn each_rule_has_its_action() {
    let service = service();
    let check = |client, name, qtype, expected: &str| {
        assert_eq!(shown(&service, client, name, qtype), expected, "{client} {name}");
    };
    check("192.0.2.99", "1.2.0.192.rules", A, "127.0.0.2");
    // Refused.
    for (name, qtype) in [("1.2.0.192.rules", A), ("rules", SOA), ("ns1.rules", A)] {
        check("203.0.113.1", name, qtype, "refused 18");
        check("203.0.113.2", name, qtype, "nothing");
        check("::ffff:203.0.113.2", name, qtype, "nothing");
    }
    // Nothing is listed but what proves that the list works.
    for (name, qtype, expected) in [
        ("1.2.0.192.rules", A, "nxdomain 17"),
        ("2.0.0.127.rules", A, "127.0.0.2"),
        ("2.0.192.rules", A, "nodata"),
        ("rules", SOA, "SOA"),
        ("rules", NS, "NS"),
        ("ns1.rules", A, "192.0.2.53"),
    ] {
        check("203.0.113.9", name, qtype, expected);
    }
    // Everything is listed.
    for (name, qtype, expected) in [
        ("9.9.9.9.rules", A, "127.0.0.9 4"),
        ("9.9.9.9.rules", TXT, "203.0.113.3 asks too much 4"),
        ("9.9.9.9.rules", AAAA, "nodata"),
        ("9.9.9.rules", A, "nodata"),
        ("x.9.9.9.rules", A, "nxdomain"),
        ("ns1.rules", A, "192.0.2.53"),
        ("rules", SOA, "SOA"),
    ] {
        check("203.0.113.3", name, qtype, expected);
    }
}

#[test]
fn the_rules_of_the_server_hold_for_every_zone_and_for_none() {
    let mut service = service();
    service.access = Arc::new(AccessControl::new(rules(), Instant::now()));
    let check = |client, name, expected: &str| {
        assert_eq!(shown(&service, client, name, A), expected, "{client} {name}");
    };
    let keyed = format!("1.2.0.192.{KEY}.keys");
    check("203.0.113.1", &keyed, "refused 18");
    check("203.0.113.2", &keyed, "nothing");
    check("203.0.113.2", "elsewhere", "nothing");
    check("203.0.113.3", &keyed, "127.0.0.9 4");
    check("203.0.113.9", &keyed, "nxdomain 17");
    check("192.0.2.99", &keyed, "127.0.0.2");
    check("203.0.113.1", "elsewhere", "refused 20");
}

#[test]
fn a_key_finds_every_listing_and_nobody_else_finds_any() {
    let service = service();
    let check = |client, name: &str, qtype, expected: &str| {
        assert_eq!(shown(&service, client, name, qtype), expected, "{client} {name}");
    };
    let client = "192.0.2.99";
    for (relative, qtype, expected) in [
        ("1.2.0.192.", A, "127.0.0.2"),
        ("1.2.0.192.", TXT, "192.0.2.1 is listed"),
        ("2.0.0.127.", A, "127.0.0.2"),
        ("9.2.0.192.", A, "nxdomain"),
        ("2.0.192.", A, "nodata"),
        ("192.", A, "nodata"),
        ("", SOA, "SOA"),
        ("", NS, "NS"),
        ("", A, "nodata"),
        ("x.", A, "nxdomain"),
    ] {
        check(client, &format!("{relative}{KEY}.keys"), qtype, expected);
        check(client, &format!("{relative}{}.keys", KEY.to_uppercase()), qtype, expected);
        for key in [EXPIRED, ELSEWHERE, BOTH, "unknownunknownunknownunkno", &KEY[1..]] {
            check(client, &format!("{relative}{key}.keys"), qtype, "refused 18");
            check(client, &format!("{relative}{key}.optional"), qtype, "refused 18");
        }
        if !relative.is_empty() {
            check(client, &format!("{relative}keys"), qtype, "refused 18");
        }
    }
    check(client, &format!("spam.example.{KEY}.domains"), A, "127.0.0.2");
    check(client, &format!("example.{KEY}.domains"), A, "nodata");
    check(client, "spam.example.domains", A, "refused 18");
    // On the way to a key.
    for (name, qtype, expected) in
        [("keys", SOA, "SOA"), ("keys", A, "nodata"), ("ns1.keys", A, "192.0.2.53")]
    {
        check(client, name, qtype, expected);
    }
    // Where keys are not used they are names like others.
    check(client, &format!("1.2.0.192.{KEY}.rules"), A, "nxdomain");
}

#[test]
fn rfc2308_s3_below_a_key_the_soa_is_that_of_the_keys_name() {
    let service = service();
    for relative in ["9.2.0.192.", "2.0.192.", ""] {
        let name = format!("{relative}{KEY}.keys");
        let message = ask(&service, "192.0.2.99", &name, A).unwrap();
        let soa = &message.authorities[0];
        assert_eq!(soa.record_type(), RecordType::SOA);
        assert_eq!(soa.name.to_string(), format!("{KEY}.keys.example.org."));
    }
}

#[test]
fn networks_identify_a_subscriber_with_a_key_or_without() {
    let service = service();
    let check = |client, name: &str, expected: &str| {
        assert_eq!(shown(&service, client, name, A), expected, "{client} {name}");
    };
    check("198.51.100.7", "1.2.0.192.code", "127.0.0.2");
    check("198.51.101.7", "1.2.0.192.code", "127.255.255.254 4");
    check("198.51.100.7", "1.2.0.192.keys", "refused 18");
    check("198.51.100.7", &format!("1.2.0.192.{BOTH}.keys"), "127.0.0.2");
    check("198.51.101.7", &format!("1.2.0.192.{BOTH}.keys"), "refused 18");
    check("198.51.100.7", "1.2.0.192.networksnetworksnetworksne.code", "127.255.255.252 4");
}

#[test]
fn a_denial_is_a_code_or_nothing_where_the_zone_says_so() {
    let service = service();
    let check = |name: &str, qtype, expected: &str| {
        assert_eq!(shown(&service, "192.0.2.99", name, qtype), expected, "{name}");
    };
    check("1.2.0.192.code", A, "127.255.255.254 4");
    check("9.9.9.9.code", A, "127.255.255.254 4");
    check("1.2.0.192.code", TXT, "Not answered: only subscribers may ask 4");
    check("1.2.0.192.code", AAAA, "nodata");
    check("2.0.192.code", A, "nodata");
    check(&format!("9.9.9.9.{EXPIRED}.code"), A, "127.255.255.252 4");
    check("1.2.0.192.drop", A, "nothing");
    check(&format!("9.9.9.9.{EXPIRED}.drop"), A, "nothing");
    check("drop", SOA, "SOA");
}

/// The outcome of a question over UDP and of one over TCP at a time after the start.
fn outcomes(service: &Service, client: &str, name: &str, after: Duration) -> [String; 2] {
    let client: IpAddr = client.parse().unwrap();
    let packet = query(&format!("{name}.example.org"), A, 0);
    let time =
        ClockReading { wall: UnixTime(NOW.0 + after.as_secs()), steady: now().steady + after };
    let (mut bytes, mut query) = ([0; 1232], Query::EMPTY);
    assert!(query.read(&packet));
    let snapshot = service.index.load();
    let lookup = &look_up(&snapshot, query.question());
    let asked = Asked { packet: &packet, query: &query, lookup, client };
    let (access, protection) = (&service.access, &service.protection);
    let fast = fast_path::respond(access, protection, asked, &mut bytes, time).unwrap().outcome;
    let reply = message::respond(service, &packet, (client, 53).into(), Transport::Tcp, time);
    let code = reply.map(|reply| Message::from_vec(&reply).unwrap().metadata.response_code);
    [format!("{fast:?}"), format!("{code:?}")]
}

#[test]
fn quotas_are_shared_by_both_paths_and_counted_by_address_network_and_zone() {
    let few = |per_day| Quota { per_day: NonZeroU32::new(per_day), per_second: None };
    let quotas = ZoneQuotas { address: few(4), network: few(8), zone: few(12) };
    let service = serve(&[zone("few", ZoneKind::Ip, Access { quotas, ..Access::default() })], &[]);
    let answered = |client: &str| {
        let ask = |_| outcomes(&service, client, "1.2.0.192.few", Duration::ZERO);
        let of_one: Vec<_> = (0..10).map(ask).collect();
        let listed = of_one.iter().filter(|both| both[0] == format!("{:?}", Outcome::Listed));
        let noerror = of_one.iter().filter(|both| both[1] == "Some(NoError)");
        listed.count() + noerror.count()
    };
    for (client, expected) in [
        ("192.0.2.1", 4),
        ("192.0.2.2", 4),
        // The network has had its share.
        ("192.0.2.3", 0),
        ("198.51.100.1", 4),
        // All have.
        ("203.0.113.1", 0),
    ] {
        assert_eq!(answered(client), expected, "{client}");
    }
    assert_eq!(shown(&service, "192.0.2.1", "1.2.0.192.few", A), "refused 18");
    // What has nothing to do with listings is never refused.
    assert_eq!(shown(&service, "192.0.2.1", "few", SOA), "SOA");
    // The next day.
    let tomorrow = Duration::from_secs(86_400);
    assert_eq!(outcomes(&service, "192.0.2.1", "1.2.0.192.few", tomorrow)[0], "Listed");
}

#[test]
fn a_subscriber_is_charged_for_all_its_zones_and_what_it_asks_is_counted() {
    let quota = Quota { per_day: NonZeroU32::new(4), per_second: None };
    let zones = ["one", "two"]
        .map(|name| zone(name, ZoneKind::Ip, of(SubscriberMode::Optional, Denial::Refused)));
    let service = serve(&zones, &[Subscriber { quota, ..subscriber(1, KEY, &["one", "two"]) }]);
    let ask = |name: &str| shown(&service, "192.0.2.9", &format!("{name}.{KEY}.one"), A);
    for (name, expected) in
        [("1.2.0.192", "127.0.0.2"), ("9.2.0.192", "nxdomain"), ("1.2.0.192", "refused 18")]
    {
        // Each is asked on both paths.
        assert_eq!(ask(name), expected);
    }
    assert_eq!(shown(&service, "192.0.2.9", "1.2.0.192.one", A), "127.0.0.2");
    let snapshot = service.index.load();
    let subscriber = snapshot.subscribers().iter().next().unwrap();
    let usage = subscriber.meter().collect(0);
    assert_eq!((usage.questions, usage.listed, usage.refused), (6, 2, 2));
}

#[test]
fn a_zone_may_keep_long_answers_for_who_is_where_it_says_it_is() {
    let reason = "x".repeat(700).parse().unwrap();
    let with = |large_udp| ZoneSpec {
        reason,
        ..zone("long", ZoneKind::Ip, Access { large_udp, ..Access::default() })
    };
    let spec = with(Some(LargeUdp::Cookie));
    let open = ZoneSpec { access: Access::default(), ..spec.clone() };
    let for_all = ZoneSpec {
        access: Access { large_udp: Some(LargeUdp::All), ..Access::default() },
        ..spec.clone()
    };
    let is_cut = |service: &Service| {
        let reply = ask(service, "192.0.2.99", "1.2.0.192.long", TXT).unwrap();
        assert_eq!(reply.answers.is_empty(), reply.metadata.truncation);
        reply.metadata.truncation
    };
    assert!(is_cut(&serve(&[spec], &[])));
    assert!(!is_cut(&serve(std::slice::from_ref(&open), &[])));
    for (zone, expected) in [(open, true), (for_all, false)] {
        let mut service = serve(&[zone], &[]);
        service.protection.large_udp = crate::config::LargeUdp::Cookie { networks: vec![] };
        assert_eq!(is_cut(&service), expected);
    }
}

#[test]
fn a_key_counts_to_the_second() {
    let quota = Quota::default();
    let expires_at = Some(UnixTime(NOW.0 + 10));
    let zone = zone("keys", ZoneKind::Ip, of(SubscriberMode::Required, Denial::Refused));
    let service =
        serve(&[zone], &[Subscriber { quota, expires_at, ..subscriber(1, KEY, &["keys"]) }]);
    let name = format!("1.2.0.192.{KEY}.keys");
    for (after, fast) in [(9, "Listed"), (10, "Refused")] {
        let outcomes = outcomes(&service, "192.0.2.9", &name, Duration::from_secs(after));
        assert_eq!(outcomes[0], fast, "{after}");
    }
    assert!(AccessKey::is_like(KEY.as_bytes()));
}
