//! Allow entries win over whatever is listed, for as long as they hold, and keep test entries answering.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{net::Ipv4Addr, sync::Arc, time::Instant};

use dnsbl_index::{Index, IndexWriter, Verdict};
use dnsbl_types::{
    AllowEntry, Entry, EntryWriter as _, Follower as _, Include, Includes, Name, Serial, Subject,
    UnixTime, Zone, ZoneKind, ZoneSpec,
};
use ipnet::Ipv4Net;
use proptest::prelude::*;

const NOW: UnixTime = UnixTime(1_000);

fn zone(origin: &str, kind: ZoneKind, includes: &[&str]) -> Zone {
    let includes = includes.iter().map(|zone| Include {
        zone: zone.parse().unwrap(),
        return_codes: Vec::new(),
        reason: None,
    });
    let ns = vec!["ns.example.net".parse().unwrap()];
    let spec = ZoneSpec::new(origin.parse().unwrap(), kind, ns, "listed".parse().unwrap());
    ZoneSpec { includes: Includes::new(includes.collect()).unwrap(), ..spec }.check().unwrap()
}

fn allow(zone: Option<&str>, subject: &str, expires_at: Option<UnixTime>) -> AllowEntry {
    AllowEntry {
        zone: zone.map(|zone| zone.parse().unwrap()),
        subject: subject.parse().unwrap(),
        reason: "ours".into(),
        owner: "us".into(),
        expires_at,
        created_at: UnixTime(1),
    }
}

struct World {
    index: Arc<Index>,
    writer: IndexWriter,
}

impl World {
    fn new(zones: &[Zone]) -> Self {
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        zones.iter().for_each(|zone| writer.put_zone(zone, Serial(1)));
        Self { index, writer }
    }

    fn list(&mut self, origin: &str, subject: &str) {
        let subject: Subject = subject.parse().unwrap();
        self.writer.set_entries(&origin.parse().unwrap(), &subject, &[Entry::default()]);
    }

    fn publish(&mut self) {
        self.writer.publish(1, Instant::now());
    }

    /// What is said of an address: `listed`, `excluded` with its end, or nothing.
    fn judge(&self, origin: &str, addr: &str) -> (&'static str, Option<UnixTime>) {
        let snapshot = self.index.load();
        let zone = snapshot.zone(&origin.parse::<Name>().unwrap()).unwrap();
        let verdict = match addr.parse() {
            Ok(addr) => zone.judge_address(addr, NOW),
            Err(_) => {
                let name: Name = addr.parse().unwrap();
                let labels = name.labels();
                match zone.judge_domain(labels, NOW) {
                    Verdict::Listed(_) => return ("listed", None),
                    other => return (word(&other), other.until()),
                }
            }
        };
        (word(&verdict), verdict.until())
    }
}

fn word(verdict: &Verdict<'_>) -> &'static str {
    match verdict {
        Verdict::Unlisted => "unlisted",
        Verdict::Excluded { .. } => "excluded",
        Verdict::Listed(_) => "listed",
    }
}

#[test]
fn an_entry_wins_over_longer_and_shorter_listings_until_it_ends() {
    let mut world = World::new(&[zone("a.x", ZoneKind::Ip, &[]), zone("b.x", ZoneKind::Ip, &[])]);
    for origin in ["a.x", "b.x"] {
        for subject in
            ["192.0.2.0/24", "192.0.2.7", "198.51.100.1", "2001:db8::/32", "2002:c000:0207::/48"]
        {
            world.list(origin, subject);
        }
    }
    let (soon, later) = (UnixTime(1_005), UnixTime(1_009));
    for entry in [
        allow(Some("a.x"), "192.0.2.0/28", Some(soon)),
        allow(None, "192.0.2.7", Some(later)),
        allow(None, "198.51.100.0/24", None),
        allow(Some("b.x"), "2001:db8:1::/48", Some(NOW)),
        allow(None, "127.0.0.0/8", None),
    ] {
        world.writer.put_allow_entry(&entry);
    }
    world.publish();
    for (origin, addr, expected) in [
        ("a.x", "192.0.2.1", ("excluded", Some(soon))),
        // The last end counts.
        ("a.x", "192.0.2.7", ("excluded", Some(later))),
        ("a.x", "192.0.2.16", ("listed", None)),
        ("b.x", "192.0.2.1", ("listed", None)),
        ("b.x", "192.0.2.7", ("excluded", Some(later))),
        ("a.x", "198.51.100.1", ("excluded", None)),
        // What nobody lists stays what it is.
        ("a.x", "198.51.100.2", ("unlisted", None)),
        // It has ended.
        ("b.x", "2001:db8:1::1", ("listed", None)),
        // The IPv4 address inside is allowed.
        ("b.x", "2002:c000:0207::1", ("excluded", Some(later))),
        ("a.x", "127.0.0.2", ("listed", None)),
        ("a.x", "::ffff:192.0.2.1", ("excluded", Some(soon))),
    ] {
        assert_eq!(world.judge(origin, addr), expected, "{origin} {addr}");
    }
    world.writer.remove_allow_entry(&allow(None, "192.0.2.7", Some(later)));
    world.publish();
    assert_eq!(world.judge("b.x", "192.0.2.7"), ("listed", None));
    assert_eq!(world.judge("a.x", "192.0.2.7"), ("excluded", Some(soon)));
}

#[test]
fn domains_are_allowed_with_what_is_below_them_or_alone() {
    let mut world = World::new(&[zone("d.x", ZoneKind::Domain, &[])]);
    for subject in ["*.example.com", "example.com", "a.example.com", "example.net", "*.example.net"]
    {
        world.list("d.x", subject);
    }
    world.writer.put_allow_entry(&allow(Some("d.x"), "*.example.com", None));
    world.writer.put_allow_entry(&allow(None, "example.net", None));
    world.publish();
    for (name, expected) in [
        ("example.com", "listed"),
        ("a.example.com", "excluded"),
        ("b.a.example.com", "excluded"),
        ("example.net", "excluded"),
        ("a.example.net", "listed"),
        ("test", "listed"),
    ] {
        assert_eq!(world.judge("d.x", name).0, expected, "{name}");
    }
}

/// What is allowed in one of them holds for its own part, what is allowed everywhere for all.
#[test]
fn a_combined_zone_has_the_allow_entries_of_its_parts() {
    let mut world = World::new(&[
        zone("a.x", ZoneKind::Ip, &[]),
        zone("b.x", ZoneKind::Ip, &[]),
        zone("all.x", ZoneKind::Ip, &["a.x", "b.x"]),
    ]);
    for origin in ["a.x", "b.x"] {
        world.list(origin, "192.0.2.1");
    }
    world.list("a.x", "192.0.2.2");
    world.writer.put_allow_entry(&allow(Some("a.x"), "192.0.2.0/24", None));
    world.publish();
    assert_eq!(world.judge("all.x", "192.0.2.1").0, "listed");
    assert_eq!(world.judge("all.x", "192.0.2.2").0, "excluded");
    world.writer.put_allow_entry(&allow(None, "192.0.2.1", None));
    world.publish();
    assert_eq!(world.judge("all.x", "192.0.2.1").0, "excluded");
}

proptest! {
    #[test]
    fn whatever_is_listed_and_allowed_an_address_is_listed_only_where_nothing_allows_it(
        listed in prop::collection::vec((any::<u8>(), 24u8..=32), 0..12),
        allowed in prop::collection::vec((any::<u8>(), 24u8..=32, any::<bool>(), prop::option::of(998u64..1_003)), 0..8),
    ) {
        let net = |last: u8, len: u8| {
            Ipv4Net::new(Ipv4Addr::new(192, 0, 2, last), len).unwrap().trunc()
        };
        let mut world = World::new(&[zone("a.x", ZoneKind::Ip, &[])]);
        for (last, len) in &listed {
            world.list("a.x", &net(*last, *len).to_string());
        }
        let entries: Vec<AllowEntry> = allowed
            .iter()
            .map(|(last, len, of_zone, end)| {
                let zone = of_zone.then_some("a.x");
                allow(zone, &net(*last, *len).to_string(), end.map(UnixTime))
            })
            .collect();
        // One of a scope and subject replaces the one before.
        entries.iter().for_each(|entry| world.writer.put_allow_entry(entry));
        world.publish();
        let holds = |entry: &AllowEntry| {
            let is_last = |other: &&AllowEntry| (&other.zone, &other.subject) == (&entry.zone, &entry.subject);
            entries.iter().rfind(is_last).is_some_and(|last| last.is_live(NOW))
        };
        for last in 0..=255u8 {
            let addr = Ipv4Addr::new(192, 0, 2, last);
            let subject = Subject::from(addr);
            let is_listed = listed.iter().any(|(last, len)| net(*last, *len).contains(&addr));
            let is_allowed = entries.iter().any(|entry| entry.subject.covers(&subject) && holds(entry));
            let expected = match (is_listed, is_allowed) {
                (false, _) => "unlisted",
                (true, true) => "excluded",
                (true, false) => "listed",
            };
            prop_assert_eq!(world.judge("a.x", &addr.to_string()).0, expected, "{}", addr);
        }
    }
}
