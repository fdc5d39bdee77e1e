//! The index agrees with a naive model, whatever is put, removed, excluded and asked.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Instant,
};

use dnsbl_index::{Index, IndexWriter, Verdict};
use dnsbl_types::{
    Entry, EntryWriter as _, Follower as _, Name, ReturnCode, Serial, Subject, UnixTime, Zone,
    ZoneKind, ZoneSpec,
};
use proptest::prelude::*;

const NOW: UnixTime = UnixTime(1_000);

fn zone(kind: ZoneKind) -> Zone {
    let ns: Name = "ns.example.net".parse().unwrap();
    let reason = "$".parse().unwrap();
    ZoneSpec::new("bl.example.org".parse().unwrap(), kind, vec![ns], reason).check().unwrap()
}

/// What the naive model says: a map, searched from the subject asked for to the widest.
#[derive(Default)]
struct Model(HashMap<Subject, Vec<Entry>>);

#[derive(Debug, PartialEq)]
enum Expected {
    Unlisted,
    Excluded,
    Listed(Subject, Vec<ReturnCode>),
}

impl Model {
    fn judge(&self, asked: &Subject) -> Expected {
        for subject in std::iter::successors(Some(asked.clone()), Subject::parent) {
            let entries = self.0.get(&subject).into_iter().flatten();
            let live: Vec<&Entry> = entries.filter(|entry| entry.is_live(NOW)).collect();
            if live.is_empty() {
                continue;
            }
            if live.iter().any(|entry| entry.exclusion) {
                return Expected::Excluded;
            }
            let own = |entry: &Entry| match entry.return_codes.as_slice() {
                [] => vec![ReturnCode::LISTED],
                codes => codes.to_vec(),
            };
            let mut codes: Vec<ReturnCode> = live.into_iter().flat_map(own).collect();
            codes.sort();
            codes.dedup();
            return Expected::Listed(subject, codes);
        }
        Expected::Unlisted
    }
}

fn simplify(verdict: &Verdict<'_>, zone: &Zone) -> Expected {
    match verdict {
        Verdict::Unlisted => Expected::Unlisted,
        Verdict::Excluded { .. } => Expected::Excluded,
        Verdict::Listed(listed) => {
            Expected::Listed(listed.by().unwrap(), listed.return_codes(zone))
        }
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    let codes = prop::collection::vec(2u8..6, 0..3);
    let expires = prop::option::of(990u64..1_010);
    (any::<bool>(), any::<bool>(), codes, expires).prop_map(|(a, b, codes, expires)| {
        let exclusion = a && b;
        let code = |last| ReturnCode::try_from(Ipv4Addr::new(127, 0, 0, last)).unwrap();
        Entry {
            exclusion,
            return_codes: if exclusion { vec![] } else { codes.into_iter().map(code).collect() },
            reason: None,
            expires_at: expires.map(UnixTime),
        }
    })
}

/// Prefixes that crowd into a small space, so that they overlap.
fn subject_v4() -> impl Strategy<Value = Subject> {
    (0u32..64, prop_oneof![8u8..=32, Just(32)]).prop_map(|(low, len)| {
        let addr = Ipv4Addr::from(0xc633_6400 | low << 2 | low & 3);
        Subject::from_net(ipnet::IpNet::new(addr.into(), len).unwrap())
    })
}

fn subject_v6() -> impl Strategy<Value = Subject> {
    (0u128..64, prop_oneof![16u8..=128, Just(128)]).prop_map(|(low, len)| {
        let bits = 0x2001_0db8 << 96 | low << 64 | low & 7;
        Subject::from_net(ipnet::IpNet::new(Ipv6Addr::from(bits).into(), len).unwrap())
    })
}

fn subject_domain() -> impl Strategy<Value = Subject> {
    let label = prop_oneof![Just("a"), Just("b"), Just("ab"), Just("ba")];
    (prop::collection::vec(label, 1..5), any::<bool>()).prop_map(|(labels, wildcard)| {
        let star = if wildcard { "*." } else { "" };
        format!("{star}{}", labels.join(".")).parse().unwrap()
    })
}

type Changes = Vec<(Subject, Vec<Entry>)>;

fn changes(subject: impl Strategy<Value = Subject>) -> impl Strategy<Value = Changes> {
    prop::collection::vec((subject, prop::collection::vec(entry(), 0..3)), 0..60)
}

/// Applies the changes to both and compares them on every subject that plays a part.
fn agree(kind: ZoneKind, changes: &Changes, asked: &[Subject]) {
    let zone = zone(kind);
    let index = Arc::new(Index::default());
    let mut writer = IndexWriter::new(index.clone());
    writer.put_zone(&zone, Serial(1));
    writer.publish(1, Instant::now());
    let before = Arc::clone(&index.load());
    let mut model = Model::default();
    for (subject, entries) in changes {
        writer.set_entries(&zone.origin, subject, entries);
        model.0.insert(subject.clone(), entries.clone());
    }
    for subject in asked.iter().chain(changes.iter().map(|(subject, _)| subject)) {
        assert_eq!(
            judge(&before, &zone, subject),
            Some(Expected::Unlisted).filter(|_| is_asked(subject))
        );
    }
    writer.publish(2, Instant::now());
    let after = index.load();
    for subject in asked.iter().chain(changes.iter().map(|(subject, _)| subject)) {
        let expected = is_asked(subject).then(|| model.judge(subject));
        assert_eq!(judge(&after, &zone, subject), expected, "{subject}");
    }
}

/// Changes a fork and, at the same time, the index it is of; joins the fork as the store does, which writes anew what has
/// changed since, and compares both with the model.
fn agree_with_fork(kind: ZoneKind, [base, forked, meanwhile]: [Changes; 3]) {
    let zone = zone(kind);
    let index = Arc::new(Index::default());
    let mut writer = IndexWriter::new(index.clone());
    let (mut now, mut later) = (Model::default(), Model::default());
    let compare = |model: &Model| {
        let snapshot = index.load();
        for (subject, _) in base.iter().chain(&forked).chain(&meanwhile) {
            let expected = is_asked(subject).then(|| model.judge(subject));
            assert_eq!(judge(&snapshot, &zone, subject), expected, "{subject}");
        }
    };
    writer.put_zone(&zone, Serial(1));
    for (subject, entries) in &base {
        writer.set_entries(&zone.origin, subject, entries);
        now.0.insert(subject.clone(), entries.clone());
        later.0.insert(subject.clone(), entries.clone());
    }
    writer.publish(7, Instant::now());
    let (mut fork, seq) = writer.forks().unwrap().fork();
    assert_eq!(seq, 7);
    for (subject, entries) in &forked {
        fork.set_entries(&zone.origin, subject, entries);
        later.0.insert(subject.clone(), entries.clone());
    }
    for (subject, entries) in &meanwhile {
        writer.set_entries(&zone.origin, subject, entries);
        now.0.insert(subject.clone(), entries.clone());
        later.0.insert(subject.clone(), entries.clone());
    }
    writer.set_serial(&zone.origin, Serial(8));
    writer.publish(8, Instant::now());
    compare(&now);
    fork.settle();
    writer.join(fork, &[&zone.origin]);
    for (subject, entries) in &meanwhile {
        writer.set_entries(&zone.origin, subject, entries);
    }
    compare(&now);
    writer.publish(9, Instant::now());
    compare(&later);
    let snapshot = index.load();
    let found = snapshot.zone(&zone.origin).map(|zone| (zone.serial(), snapshot.seq()));
    assert_eq!(found, Some((Serial(8), 9)), "only entries are the fork's");
}

/// Only single addresses and names are asked for.
fn is_asked(subject: &Subject) -> bool {
    match subject {
        Subject::Domain(domain) => !domain.is_wildcard(),
        net => net.net().is_some_and(|net| net.prefix_len() == net.max_prefix_len()),
    }
}

fn judge(snapshot: &dnsbl_index::Snapshot, zone: &Zone, subject: &Subject) -> Option<Expected> {
    let indexed = snapshot.zone(&zone.origin).unwrap();
    is_asked(subject).then(|| match subject {
        Subject::Domain(domain) => {
            simplify(&indexed.judge_domain(domain.name().labels(), NOW), zone)
        }
        net => simplify(&indexed.judge_address(net.net().unwrap().addr(), NOW), zone),
    })
}

proptest! {
    #[test]
    fn ipv4_agrees_with_the_model(changes in changes(subject_v4()), asked in prop::collection::vec(subject_v4(), 40)) {
        agree(ZoneKind::Ip, &changes, &asked);
    }

    #[test]
    fn ipv6_agrees_with_the_model(changes in changes(subject_v6()), asked in prop::collection::vec(subject_v6(), 40)) {
        agree(ZoneKind::Ip, &changes, &asked);
    }

    #[test]
    fn domains_agree_with_the_model(changes in changes(subject_domain()), asked in prop::collection::vec(subject_domain(), 40)) {
        agree(ZoneKind::Domain, &changes, &asked);
    }

    #[test]
    fn ipv4_addresses_written_to_a_fork_and_meanwhile_agree_with_the_model(changes in prop::array::uniform3(changes(subject_v4()))) {
        agree_with_fork(ZoneKind::Ip, changes);
    }

    #[test]
    fn ipv6_addresses_written_to_a_fork_and_meanwhile_agree_with_the_model(changes in prop::array::uniform3(changes(subject_v6()))) {
        agree_with_fork(ZoneKind::Ip, changes);
    }

    #[test]
    fn domains_written_to_a_fork_and_meanwhile_agree_with_the_model(changes in prop::array::uniform3(changes(subject_domain()))) {
        agree_with_fork(ZoneKind::Domain, changes);
    }

    #[test]
    fn a_name_has_listed_names_below_it_exactly_when_some_name_below_is_listed(changes in changes(subject_domain()), asked in subject_domain()) {
        let zone = zone(ZoneKind::Domain);
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(&zone, Serial(1));
        let mut model = Model::default();
        for (subject, entries) in &changes {
            writer.set_entries(&zone.origin, subject, entries);
            model.0.insert(subject.clone(), entries.clone());
        }
        writer.publish(1, Instant::now());
        let Subject::Domain(asked) = asked else { unreachable!() };
        // Any listed name below begins with a name that a change names, or with a fresh label.
        let named = changes.iter().filter_map(|(subject, _)| match subject {
            Subject::Domain(domain) => Some(domain.name().clone()),
            _ => None,
        });
        let below = named.chain([asked.name().clone()]).flat_map(|name| {
            let fresh = name.prepend([b"fresh".as_slice()]).unwrap();
            [name, fresh]
        });
        let expected = below
            .filter(|name| name.strip_suffix(asked.name()).is_some_and(|labels| !labels.is_empty()))
            .any(|name| matches!(model.judge(&name.to_string().parse().unwrap()), Expected::Listed(..)));
        let snapshot = index.load();
        let found = snapshot.zone(&zone.origin).unwrap().lists_below_domain(asked.name().labels(), NOW);
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_6to4_address_is_listed_with_the_ipv4_address_inside_unless_either_is_excluded() {
    let zone = zone(ZoneKind::Ip);
    let index = Arc::new(Index::default());
    let mut writer = IndexWriter::new(index.clone());
    writer.put_zone(&zone, Serial(1));
    let mut judge = |changes: &[(&str, bool)], addr: &str| {
        for (subject, exclusion) in changes {
            let entry = Entry { exclusion: *exclusion, ..Entry::default() };
            writer.set_entries(&zone.origin, &subject.parse().unwrap(), &[entry]);
        }
        writer.publish(1, Instant::now());
        let addr: IpAddr = addr.parse().unwrap();
        index.load().zone(&zone.origin).unwrap().judge_address(addr, NOW).listed().is_some()
    };
    assert!(!judge(&[], "2002:c633:6401::1"));
    assert!(judge(&[("198.51.100.1", false)], "2002:c633:6401::1"));
    assert!(!judge(&[("2002:c633:6401::/48", true)], "2002:c633:6401::1"));
    assert!(judge(&[("2002:c633:6401::/48", false)], "2002:c633:6401::1"));
    assert!(!judge(&[("198.51.100.1", true)], "2002:c633:6401::1"));
    assert!(judge(&[], "2002:7f00:2::"), "the test entry in its 6to4 form");
}
