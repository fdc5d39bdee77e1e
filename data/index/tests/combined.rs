//! Combined zones: the union of what several zones list, as it is at the time of the question.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{net::Ipv4Addr, sync::Arc, time::Instant};

use dnsbl_index::{Index, IndexWriter, Verdict, prefetch};
use dnsbl_types::{
    Entry, EntryWriter as _, Follower as _, Include, Includes, Name, Serial, UnixTime, Zone,
    ZoneKind, ZoneSpec,
};

struct Lists {
    index: Arc<Index>,
    writer: IndexWriter,
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn include(zone: &str, codes: &[&str], reason: Option<&str>) -> Include {
    Include {
        zone: name(zone),
        return_codes: codes.iter().map(|code| code.parse().unwrap()).collect(),
        reason: reason.map(|reason| reason.parse().unwrap()),
    }
}

fn zone(origin: &str, kind: ZoneKind, includes: Vec<Include>) -> Zone {
    let reason = format!("$ is in {origin}").parse().unwrap();
    let includes = Includes::new(includes).unwrap();
    let spec = ZoneSpec::new(name(origin), kind, vec![name("ns.example.net")], reason);
    ZoneSpec { includes, ..spec }.check().unwrap()
}

impl Lists {
    /// `all` includes `a` with its own values and `b` with others.
    fn new(kind: ZoneKind) -> Self {
        let index = Arc::new(Index::default());
        let mut lists = Self { index: index.clone(), writer: IndexWriter::new(index) };
        let b = include("b", &["127.0.0.9"], Some("elsewhere: $"));
        lists.put(&zone("all", kind, vec![include("a", &[], None), b]));
        for origin in ["a", "b"] {
            lists.put(&zone(origin, kind, vec![]));
        }
        lists
    }

    fn put(&mut self, zone: &Zone) {
        self.writer.put_zone(zone, Serial(1));
        self.writer.publish(1, Instant::now());
    }

    fn set(&mut self, origin: &str, subject: &str, entries: &[Entry]) {
        self.writer.set_entries(&name(origin), &subject.parse().unwrap(), entries);
        self.writer.publish(2, Instant::now());
    }

    /// What the combined zone answers: codes and reasons, or what else; and until when.
    fn judge(&self, asked: &str, now: u64) -> (String, Option<u64>) {
        let snapshot = self.index.load();
        let zone = snapshot.zone(&name("all")).unwrap();
        let domain: Name;
        let verdict = match asked.parse() {
            Ok(addr) => zone.judge_address(addr, UnixTime(now)),
            Err(_) => {
                domain = name(asked);
                zone.judge_domain(domain.labels(), UnixTime(now))
            }
        };
        let said = match &verdict {
            Verdict::Unlisted => "unlisted".into(),
            Verdict::Excluded { .. } => "excluded".into(),
            Verdict::Listed(listed) => {
                let codes = listed.return_codes(zone.settings());
                let codes: Vec<String> =
                    codes.iter().map(|code| code.addr().octets()[3].to_string()).collect();
                format!("{}: {}", codes.join(" "), listed.reasons(zone.settings()).join(", "))
            }
        };
        (said, verdict.until().map(|at| at.0))
    }

    #[track_caller]
    fn check(&self, asked: &str, said: &str) {
        assert_eq!(self.judge(asked, 0).0, said, "{asked}");
    }
}

fn excluded() -> Entry {
    Entry { exclusion: true, ..Entry::default() }
}

fn until(at: u64, entry: Entry) -> Entry {
    Entry { expires_at: Some(UnixTime(at)), ..entry }
}

#[test]
fn what_any_of_them_lists_is_listed_with_the_values_of_each() {
    let mut lists = Lists::new(ZoneKind::Ip);
    lists.set("all", "192.0.2.0/24", &[Entry::default()]);
    lists.set("a", "192.0.2.1", &[Entry::default()]);
    lists.set("b", "192.0.2.0/25", &[Entry::default()]);
    lists.check("192.0.2.1", "2 9: 192.0.2.1 is in all, 192.0.2.1 is in a, elsewhere: 192.0.2.1");
    lists.check("192.0.2.2", "2 9: 192.0.2.2 is in all, elsewhere: 192.0.2.2");
    lists.check("192.0.2.200", "2: 192.0.2.200 is in all");
    lists.check("192.0.3.1", "unlisted");
    // A 6to4 address of the address.
    lists.check(
        "2002:c000:0201::1",
        "2 9: 192.0.2.1 is in all, 192.0.2.1 is in a, elsewhere: 192.0.2.1",
    );
}

#[test]
fn values_of_an_include_stand_in_place_of_those_of_its_listings() {
    let mut lists = Lists::new(ZoneKind::Ip);
    let own = |code: &str, reason: &str| Entry {
        return_codes: vec![code.parse().unwrap()],
        reason: Some(reason.parse().unwrap()),
        ..Entry::default()
    };
    lists.set("a", "192.0.2.1", &[own("127.0.0.5", "x"), own("127.0.0.6", "y")]);
    lists.set("b", "192.0.2.2", &[own("127.0.0.5", "x"), own("127.0.0.6", "y")]);
    lists.check("192.0.2.1", "5 6: x, y");
    lists.check("192.0.2.2", "9: elsewhere: 192.0.2.2");
}

#[test]
fn an_exclusion_holds_for_its_own_part() {
    let mut lists = Lists::new(ZoneKind::Ip);
    lists.set("all", "192.0.2.1", &[excluded()]);
    lists.check("192.0.2.1", "excluded");
    lists.set("a", "192.0.2.1", &[Entry::default()]);
    lists.check("192.0.2.1", "2: 192.0.2.1 is in a");
    lists.set("b", "192.0.2.1", &[excluded()]);
    lists.check("192.0.2.1", "2: 192.0.2.1 is in a");
    lists.set("a", "192.0.2.1", &[]);
    lists.set("all", "192.0.2.1", &[]);
    lists.check("192.0.2.1", "excluded");
}

#[test]
fn test_entries_are_those_of_all() {
    let lists = Lists::new(ZoneKind::Ip);
    lists.check("127.0.0.2", "2 9: 127.0.0.2 is in all, 127.0.0.2 is in a, elsewhere: 127.0.0.2");
    lists.check("127.0.0.1", "excluded");
    let lists = Lists::new(ZoneKind::Domain);
    lists.check("test", "2 9: test is in all, test is in a, elsewhere: test");
    lists.check("invalid", "excluded");
}

#[test]
fn a_verdict_ends_with_the_first_part_that_may_change_it() {
    let mut lists = Lists::new(ZoneKind::Ip);
    lists.set("all", "192.0.2.1", &[until(300, Entry::default())]);
    lists.set("a", "192.0.2.1", &[until(100, excluded())]);
    lists.set("b", "192.0.2.1", &[until(200, Entry::default())]);
    let ends = |now| lists.judge("192.0.2.1", now);
    assert_eq!(ends(0).1, Some(100));
    assert_eq!(ends(100).1, Some(200));
    assert_eq!(ends(200), ("2: 192.0.2.1 is in all".into(), Some(300)));
    assert_eq!(ends(300), ("unlisted".into(), None));
}

#[test]
fn a_change_of_a_zone_that_is_included_shows_at_once() {
    let mut lists = Lists::new(ZoneKind::Ip);
    lists.set("a", "192.0.2.1", &[Entry::default()]);
    let before = lists.index.load();
    lists.set("a", "192.0.2.1", &[]);
    lists.check("192.0.2.1", "unlisted");
    // Who holds the state before goes on with it.
    let all = before.zone(&name("all")).unwrap();
    assert!(all.judge_address([192, 0, 2, 1].into(), UnixTime(0)).listed().is_some());
    lists.put(&zone("a", ZoneKind::Ip, vec![]));
    lists.set("b", "192.0.2.1", &[Entry::default()]);
    lists.check("192.0.2.1", "9: elsewhere: 192.0.2.1");
    lists.put(&zone("all", ZoneKind::Ip, vec![include("b", &[], None)]));
    lists.check("192.0.2.1", "2: 192.0.2.1 is in b");
    lists.put(&zone("all", ZoneKind::Ip, vec![]));
    lists.check("192.0.2.1", "unlisted");
}

#[test]
fn a_zone_that_is_gone_or_includes_others_itself_says_nothing() {
    let mut lists = Lists::new(ZoneKind::Ip);
    lists.set("a", "192.0.2.1", &[Entry::default()]);
    lists.set("b", "192.0.2.1", &[Entry::default()]);
    lists.writer.remove_zone(&name("a"));
    lists.writer.publish(3, Instant::now());
    lists.check("192.0.2.1", "9: elsewhere: 192.0.2.1");
    lists.put(&zone("b", ZoneKind::Ip, vec![include("all", &[], None)]));
    lists.check("192.0.2.1", "unlisted");
}

#[test]
fn names_above_what_any_of_them_lists_exist() {
    let mut lists = Lists::new(ZoneKind::Domain);
    lists.set("b", "spam.example.com", &[Entry::default()]);
    let all = |of: fn(&dnsbl_index::IndexedZone) -> bool| {
        of(lists.index.load().zone(&name("all")).unwrap())
    };
    assert!(all(|zone| zone.lists_below_domain(name("example.com").labels(), UnixTime(0))));
    assert!(!all(|zone| zone.lists_below_domain(name("example.net").labels(), UnixTime(0))));
    let mut lists = Lists::new(ZoneKind::Ip);
    lists.set("a", "2001:db8::1", &[Entry::default()]);
    let index = lists.index.load();
    let all = index.zone(&name("all")).unwrap();
    assert!(all.touches_v6("2001::/16".parse().unwrap(), UnixTime(0)));
    assert!(!all.touches_v6("2003::/16".parse().unwrap(), UnixTime(0)));
}

#[test]
fn sixty_four_zones_are_all_asked() {
    let origin = |i: usize| format!("z{i}");
    let mut lists = Lists::new(ZoneKind::Ip);
    let includes = (0..64).map(|i| include(&origin(i), &[&format!("127.0.1.{i}")], None)).collect();
    lists.put(&zone("all", ZoneKind::Ip, includes));
    for i in 0..64 {
        lists.put(&zone(&origin(i), ZoneKind::Ip, vec![]));
        lists.set(&origin(i), &format!("192.0.2.{i}"), &[Entry::default()]);
    }
    for i in 0..64 {
        let addr = format!("192.0.2.{i}");
        lists.check(&addr, &format!("{i}: {addr} is in z{i}"));
    }
    lists.check("192.0.2.64", "unlisted");
    // More than are read at once.
    let snapshot = lists.index.load();
    let all = snapshot.zone(&name("all")).unwrap();
    prefetch::<8>(&[(all, Ipv4Addr::new(192, 0, 2, 1)); 8]);
}
