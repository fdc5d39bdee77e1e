//! Zones with everything that makes a difference to an answer.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, LazyLock},
    time::Instant,
};

use dnsbl_index::{Index, IndexWriter};
use dnsbl_types::{
    Apex, ClockReading, Entry, EntryWriter as _, Follower as _, Include, Includes, Name, Records,
    ReturnCode, Serial, UnixTime, Zone, ZoneKind, ZoneSpec,
};

use crate::dns::{AccessControl, Cookies, Counters, Protection, Sampler, Secrets, Service};

pub(super) const NOW: UnixTime = UnixTime(1_000);
/// Not on this machine.
pub(super) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 99));

/// That time, by both clocks; it stands still.
pub(super) fn now() -> ClockReading {
    static STEADY: LazyLock<Instant> = LazyLock::new(Instant::now);
    ClockReading { wall: NOW, steady: *STEADY }
}

/// The cookies of every service here.
pub(super) fn cookies() -> Cookies {
    Cookies::new(Secrets::of_one_server([7; 16]))
}

/// A service with IP zones, domain zones, combined zones of both, and one with names so long that replies do not fit.
pub(super) fn service() -> Service {
    let index = Arc::new(Index::default());
    let counters = Counters::new(1).unwrap();
    let mut writer = IndexWriter::observed(index.clone(), counters.clone());
    for zone in zones() {
        writer.put_zone(&zone, Serial(7));
        let subjects = if zone.kind == ZoneKind::Ip { ADDRESSES } else { DOMAINS };
        // A combined zone says something else of a part of them.
        let (first, step) = if zone.includes.is_empty() { (0, 1) } else { (5, 2) };
        for (i, subject) in subjects.iter().enumerate().step_by(step) {
            writer.set_entries(&zone.origin, &subject.parse().unwrap(), &entries(first + i));
        }
    }
    writer.publish(1, Instant::now());
    let identity = Some("ns1".into());
    let protection = Protection { cookies: Some(cookies()), ..Protection::default() };
    let access = Arc::new(AccessControl::default());
    let sampler = Sampler::default();
    Service { index, counters, access, protection, sampler, version: Some("test".into()), identity }
}

/// What addresses and prefixes are listed; the place in the list decides what is said of them.
pub(super) const ADDRESSES: &[&str] = &[
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.3",
    "192.0.2.4",
    "192.0.2.5",
    "192.0.2.6",
    "192.0.2.7",
    "198.51.100.0/24",
    "198.51.100.128/25",
    "198.51.100.9",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "2001:db8:1::1",
    "2002:c000:201::/48",
    "203.0.113.0/24",
    "1.0.0.2",
];

pub(super) const DOMAINS: &[&str] = &[
    "spam.example",
    "many.example",
    "*.many.example",
    "text.example",
    "bad.example",
    "a.b.c.example",
    "*.wild.example",
    "ok.wild.example",
    "*.ok.wild.example",
];

fn entries(i: usize) -> Vec<Entry> {
    let code = |n: u8| ReturnCode::try_from(Ipv4Addr::new(127, 0, 0, n)).unwrap();
    let with = |reason: &str, codes: &[u8]| Entry {
        reason: Some(reason.parse().unwrap()),
        return_codes: codes.iter().map(|&n| code(n)).collect(),
        ..Entry::default()
    };
    match i % 9 {
        0 => vec![Entry::default()],
        1 => vec![Entry::default(), with("also $, costs $$5", &[9, 3]), with("again: $", &[3])],
        2 => vec![with("ä€ $ $ ".repeat(40).trim_end().replace("$ $ ä€ $ $", "").as_str(), &[])],
        3 => vec![Entry { expires_at: Some(UnixTime(1_017)), ..Entry::default() }],
        4 => vec![Entry { expires_at: Some(UnixTime(1_000)), ..Entry::default() }],
        5 => vec![with(&"long ".repeat(190), &[5])],
        6 => (2..=60).map(|n| with(&format!("reason {n}"), &[n])).collect(),
        7 => vec![Entry { exclusion: true, ..Entry::default() }],
        _ => vec![with("$", &[4]), with("192.0.2.9", &[4])],
    }
}

fn zones() -> Vec<Zone> {
    let long = format!("{0}.{0}.{0}.example.net", "x".repeat(60));
    [
        spec("bl.example.org", ZoneKind::Ip, "ns1.bl.example.org"),
        spec("sub.bl.example.org", ZoneKind::Ip, "ns.2.0.192.sub.bl.example.org"),
        spec("x.between.bl.example.org", ZoneKind::Domain, "ns1.x.between.bl.example.org"),
        spec("dbl.example.org", ZoneKind::Domain, "ns1.deep.dbl.example.org"),
        spec("long.example.org", ZoneKind::Ip, &long),
        combined("all.example.org", ZoneKind::Ip, &["bl.example.org", "sub.bl.example.org"]),
        combined(
            "dall.example.org",
            ZoneKind::Domain,
            &["x.between.bl.example.org", "dbl.example.org"],
        ),
    ]
    .into_iter()
    .map(|spec| spec.check().unwrap())
    .collect()
}

/// A zone that includes others, and one that there is not; the last one with values of its own.
fn combined(origin: &str, kind: ZoneKind, zones: &[&str]) -> ZoneSpec {
    let include = |zone: &&str| Include {
        zone: zone.parse().unwrap(),
        return_codes: Vec::new(),
        reason: None,
    };
    let mut includes: Vec<Include> =
        [&["gone.example.org"], zones].concat().iter().map(include).collect();
    if let Some(last) = includes.last_mut() {
        last.return_codes = vec!["127.0.0.77".parse().unwrap(), "127.0.0.3".parse().unwrap()];
        last.reason = Some("elsewhere: $".parse().unwrap());
    }
    let includes = Includes::new(includes).unwrap();
    let test_codes = vec![9];
    ZoneSpec { includes, test_codes, ..spec(origin, kind, &format!("ns1.{origin}")) }
}

/// Records at the apex, below it, and at a name server.
fn records(origin: &Name, ns: &Name) -> Records {
    let long = "x".repeat(900);
    let mut all: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    let mut add = |owner: &str, rtype: &str, data: &[&str]| {
        let data = data.iter().map(|text| (*text).to_owned()).collect();
        all.entry(owner.to_owned()).or_default().insert(rtype.to_owned(), data);
    };
    add("@", "MX", &["10 mail.example.org.", "20 backup.example.org."]);
    add("@", "CAA", &["0 issue \"ca.example.net\""]);
    add("www", "A", &["192.0.2.80", "192.0.2.81"]);
    add("www", "AAAA", &["2001:db8::80"]);
    add("www", "TXT", &["a notice", &long, &long.replace('x', "y")]);
    add("www", "TYPE65", &[r"\# 3 000100"]);
    add("_dmarc.mail", "TXT", &["v=DMARC1; p=reject"]);
    add("x.many.example.deep.www", "TYPE65280", &[r"\# 0"]);
    if ns.strip_suffix(origin).is_some() {
        add(&ns.to_absolute(), "TXT", &["a name server"]);
    }
    let all = all.iter().map(|(owner, types)| (owner.as_str(), types));
    Records::parse(origin, all).unwrap()
}

fn spec(origin: &str, kind: ZoneKind, ns: &str) -> ZoneSpec {
    let (origin, ns): (Name, Name) = (origin.parse().unwrap(), ns.parse().unwrap());
    let glue = BTreeMap::from([(
        ns.clone(),
        vec!["192.0.2.53".parse().unwrap(), "2001:db8::53".parse().unwrap()],
    )]);
    let reason = "Listed: $, see https://bl.example.org/$".parse().unwrap();
    ZoneSpec {
        glue: if ns.strip_suffix(&origin).is_some() { glue } else { BTreeMap::new() },
        rname: if ns.wire().len() > 100 {
            ns.clone()
        } else {
            "hostmaster.example.org".parse().unwrap()
        },
        test_codes: vec![5],
        records: records(&origin, &ns),
        apex: Apex {
            a: vec!["192.0.2.80".parse().unwrap()],
            aaaa: vec![],
            txt: vec!["a notice".into(), "b".repeat(600)],
        },
        ..ZoneSpec::new(origin, kind, vec![ns, "ns2.example.net".parse().unwrap()], reason)
    }
}
