//! Which entries decide, and for how long.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{sync::Arc, time::Instant};

use dnsbl_index::{Index, IndexWriter, Verdict};
use dnsbl_types::{
    Entry, EntryWriter as _, Follower as _, Name, Serial, UnixTime, Zone, ZoneKind, ZoneSpec,
};

struct Listings {
    zone: Zone,
    index: Arc<Index>,
    writer: IndexWriter,
}

impl Listings {
    fn new(kind: ZoneKind) -> Self {
        let ns: Name = "ns.example.net".parse().unwrap();
        let (origin, reason) = ("bl.example.org".parse().unwrap(), "$".parse().unwrap());
        let spec =
            ZoneSpec { test_codes: vec![9], ..ZoneSpec::new(origin, kind, vec![ns], reason) };
        let zone = spec.check().unwrap();
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(&zone, Serial(1));
        writer.publish(1, Instant::now());
        Self { zone, index, writer }
    }

    fn set(&mut self, subject: &str, entries: &[Entry]) {
        self.writer.set_entries(&self.zone.origin, &subject.parse().unwrap(), entries);
        self.writer.publish(2, Instant::now());
    }

    /// Whether it is listed and by which subject, or excluded; and until when.
    fn judge(&self, asked: &str, now: u64) -> (String, Option<u64>) {
        let snapshot = self.index.load();
        let zone = snapshot.zone(&self.zone.origin).unwrap();
        let name: Name;
        let verdict = match asked.parse() {
            Ok(addr) => zone.judge_address(addr, UnixTime(now)),
            Err(_) => {
                name = asked.parse().unwrap();
                zone.judge_domain(name.labels(), UnixTime(now))
            }
        };
        let said = match &verdict {
            Verdict::Unlisted => "unlisted".into(),
            Verdict::Excluded { .. } => "excluded".into(),
            Verdict::Listed(listed) => {
                listed.by().map_or("test entry".into(), |subject| subject.to_string())
            }
        };
        (said, verdict.until().map(|at| at.0))
    }

    #[track_caller]
    fn check(&self, asked: &str, now: u64, said: &str, until: Option<u64>) {
        assert_eq!(self.judge(asked, now), (said.to_owned(), until), "{asked} at {now}");
    }
}

fn listed() -> Entry {
    Entry::default()
}

fn excluded() -> Entry {
    Entry { exclusion: true, ..Entry::default() }
}

fn until(at: u64, entry: Entry) -> Entry {
    Entry { expires_at: Some(UnixTime(at)), ..entry }
}

#[test]
fn the_longest_prefix_decides_whatever_the_shorter_ones_say() {
    let mut listings = Listings::new(ZoneKind::Ip);
    listings.set("192.0.2.0/24", &[listed()]);
    listings.set("192.0.2.0/25", &[excluded()]);
    listings.set("192.0.2.0/26", &[listed()]);
    listings.set("192.0.2.1", &[excluded()]);
    listings.check("192.0.2.1", 0, "excluded", None);
    listings.check("192.0.2.2", 0, "192.0.2.0/26", None);
    listings.check("192.0.2.64", 0, "excluded", None);
    listings.check("192.0.2.128", 0, "192.0.2.0/24", None);
    listings.check("192.0.3.0", 0, "unlisted", None);
}

#[test]
fn an_exclusion_beats_listings_of_the_same_subject_by_other_sources() {
    let mut listings = Listings::new(ZoneKind::Ip);
    for subject in ["192.0.2.1", "192.0.2.0/24", "2001:db8::1", "2001:db8::/32"] {
        listings.set(subject, &[listed(), excluded(), listed()]);
    }
    for addr in ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"] {
        listings.check(addr, 0, "excluded", None);
    }
}

#[test]
fn an_entry_is_absent_from_the_second_in_which_it_expires() {
    let mut listings = Listings::new(ZoneKind::Ip);
    listings.set("192.0.2.0/24", &[listed()]);
    listings.set("192.0.2.1", &[until(1_000, excluded())]);
    listings.check("192.0.2.1", 999, "excluded", Some(1_000));
    listings.check("192.0.2.1", 1_000, "192.0.2.0/24", None);
    listings.set("2001:db8::/48", &[until(1_000, listed()), until(1_001, listed())]);
    listings.check("2001:db8::1", 999, "2001:db8::/48", Some(1_000));
    listings.check("2001:db8::1", 1_000, "2001:db8::/48", Some(1_001));
    listings.check("2001:db8::1", 1_001, "unlisted", None);
}

#[test]
fn a_listing_that_ends_with_an_exclusion_beside_it_comes_back() {
    let mut listings = Listings::new(ZoneKind::Domain);
    listings.set("spam.example", &[listed(), until(50, excluded())]);
    listings.check("spam.example", 49, "excluded", Some(50));
    listings.check("spam.example", 50, "spam.example", None);
}

#[test]
fn a_6to4_verdict_holds_as_long_as_both_of_its_parts() {
    let mut listings = Listings::new(ZoneKind::Ip);
    listings.set("192.0.2.1", &[until(70, listed())]);
    listings.check("2002:c000:201::1", 60, "192.0.2.1", Some(70));
    listings.set("2002::/16", &[until(65, listed())]);
    listings.check("2002:c000:201::1", 60, "2002::/16", Some(65));
    listings.check("2002:c000:201::1", 65, "192.0.2.1", Some(70));
    listings.check("2002:c000:201::1", 70, "unlisted", None);
    listings.set("192.0.2.1", &[until(70, excluded())]);
    listings.check("2002:c000:201::1", 60, "excluded", Some(70));
    listings.check("2002:c000:202::1", 60, "2002::/16", Some(65));
}

#[test]
fn test_entries_come_before_everything() {
    let mut listings = Listings::new(ZoneKind::Ip);
    for subject in ["127.0.0.0/8", "127.0.0.2", "127.0.0.9", "::/0"] {
        listings.set(subject, &[excluded()]);
    }
    for addr in ["127.0.0.2", "::ffff:127.0.0.2", "127.0.0.9"] {
        listings.check(addr, 0, "test entry", None);
    }
    listings.check("127.0.0.1", 0, "excluded", None);
    listings.check("127.0.0.8", 0, "excluded", None);
    // An exclusion of the 6to4 form keeps that form out.
    listings.check("2002:7f00:2::", 0, "excluded", None);
}

#[test]
fn the_widest_and_the_narrowest_subjects_are_found() {
    let mut listings = Listings::new(ZoneKind::Ip);
    let all = ["0.0.0.0/0", "0.0.0.0", "255.255.255.255", "::/0", "::", "::/127"];
    for subject in all {
        listings.set(subject, &[listed()]);
    }
    let last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    listings.set(last, &[listed()]);
    listings.check("0.0.0.0", 0, "0.0.0.0", None);
    listings.check("255.255.255.255", 0, "255.255.255.255", None);
    listings.check("255.255.255.254", 0, "0.0.0.0/0", None);
    listings.check("::", 0, "::", None);
    listings.check("::1", 0, "::/127", None);
    listings.check("::2", 0, "::/0", None);
    listings.check(last, 0, last, None);
    for subject in all {
        listings.set(subject, &[]);
    }
    listings.set(last, &[]);
    for addr in ["0.0.0.0", "255.255.255.255", "::", "::1", last] {
        listings.check(addr, 0, "unlisted", None);
    }
}

#[test]
fn a_wildcard_covers_what_is_below_it_and_not_itself_however_deep() {
    let mut listings = Listings::new(ZoneKind::Domain);
    let deepest = ["x"; 127].join(".");
    let above = ["x"; 126].join(".");
    listings.set(&format!("*.{above}"), &[listed()]);
    listings.check(&deepest, 0, &format!("*.{above}"), None);
    listings.check(&above, 0, "unlisted", None);
    listings.set(&deepest, &[excluded()]);
    listings.check(&deepest, 0, "excluded", None);
    let (long, tail) = ("l".repeat(63), "t".repeat(61));
    let longest = [&*long, &long, &long, &tail].join(".");
    listings.set(&format!("*.{tail}"), &[listed()]);
    listings.check(&longest, 0, &format!("*.{tail}"), None);
    listings.set(&longest, &[listed()]);
    listings.check(&longest, 0, &longest, None);
    listings.check(&tail, 0, "unlisted", None);
    listings.check("x", 0, "unlisted", None);
}

#[test]
fn a_name_that_only_begins_like_a_listed_one_is_not_listed() {
    let mut listings = Listings::new(ZoneKind::Domain);
    listings.set("*.ample", &[listed()]);
    listings.set("spam.example", &[listed()]);
    for name in ["x.example", "aspam.example", "spam.xexample", "spam", "example", "ample"] {
        listings.check(name, 0, "unlisted", None);
    }
    listings.check("x.ample", 0, "*.ample", None);
}
