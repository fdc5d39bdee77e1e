//! Listings that are made up, exported, and served by the real rbldnsd and NSD: they answer what the index says.
//!
//! Texts that a format can't say are none of these; what becomes of them is told by the exporter's own tests.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use dnsbl_formats::{
    export::{Exporter, Options, Part, Target, Trigger},
    rbldnsd::ListType,
};
use dnsbl_index::{Index, IndexWriter};
use dnsbl_tests::{Nsd, Query, Transport, check_zone};
use dnsbl_types::{
    EntryWriter as _, Follower as _, Listing, ListingBody, Reason, ReturnCode, Serial, Subject,
    UnixTime, Zone, ZoneKind, ZoneSpec,
};
use hickory_proto::rr::{RData, RecordType};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    count, files,
    question::{Answers, Question, origin},
    rbldnsd::Rbldnsd,
};

/// What sources say of a subject.
type Rows = Vec<(String, Vec<ListingBody>)>;

/// Listings in the index, and as an export reads them.
struct Listed {
    zone: Zone,
    index: Arc<Index>,
    listings: Vec<Listing>,
    reasons: BTreeMap<Subject, Vec<Reason>>,
}

impl Listed {
    fn new(kind: ZoneKind, rows: &Rows) -> Self {
        let zone = zone(kind);
        let mut subjects: BTreeMap<Vec<u8>, (Subject, Vec<ListingBody>)> = BTreeMap::new();
        for (text, bodies) in rows {
            let subject: Subject = text.parse().unwrap_or_else(|err| panic!("{text}: {err}"));
            // What each zone has is no listing, and the same subject comes once.
            if dnsbl_types::TestEntry::named_by(&zone, &subject).is_none() {
                subjects.entry(order(&subject)).or_insert_with(|| (subject, bodies.clone()));
            }
        }
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(&zone, Serial(7));
        let (mut listings, mut reasons) = (Vec::new(), BTreeMap::new());
        for (subject, bodies) in subjects.into_values() {
            let entries: Vec<_> = bodies.iter().map(ListingBody::entry).collect();
            writer.set_entries(&zone.origin, &subject, &entries);
            let own = |body: &ListingBody| body.reason.clone().unwrap_or(zone.reason.clone());
            reasons.insert(subject.clone(), bodies.iter().map(own).collect());
            listings
                .extend(bodies.into_iter().zip(0..).map(|(body, n)| listing(&subject, body, n)));
        }
        writer.publish(1, std::time::Instant::now());
        Self { zone, index, listings, reasons }
    }

    fn export(&self, target: Target) -> Option<String> {
        self.export_with(target, Options::default())
    }

    /// A zone file that has the IPv6 forms of IPv4 addresses as well.
    fn export_forms(&self) -> Option<String> {
        let six_to_four: ipnet::Ipv6Net = "2002::/16".parse().unwrap();
        let overlaps = |listing: &&Listing| match &listing.subject {
            Subject::V6(net) => net.contains(&six_to_four) || six_to_four.contains(net),
            _ => false,
        };
        let own: Vec<Listing> = self.listings.iter().filter(overlaps).cloned().collect();
        let options = Options { ipv6_forms: Some(&own), ..Options::default() };
        self.export_with(Target::ZoneFile, options)
    }

    fn export_with(&self, target: Target, options: Options<'_>) -> Option<String> {
        let mut exporter = Exporter::new(target, &self.zone, Serial(7), options).unwrap();
        for listing in &self.listings {
            let is_of_part = match (target.part(), &listing.subject) {
                (Part::V4, Subject::V4(_)) | (Part::V6, Subject::V6(_)) | (Part::All, _) => true,
                (Part::V4 | Part::V6, _) => false,
            };
            if is_of_part {
                exporter.add(listing);
            }
        }
        while exporter.again().is_some() {
            let is_v6 = |listing: &&Listing| matches!(listing.subject, Subject::V6(_));
            self.listings.iter().filter(is_v6).for_each(|listing| exporter.add(listing));
        }
        exporter.finish();
        let is_said = exporter.refusals().count == 0;
        is_said.then(|| std::mem::take(exporter.text()))
    }

    /// What the index answers; `None` where it denies. rbldnsd's `$` is the name that is listed.
    fn ask(&self, question: &Question, listed_name: bool) -> Option<Answers> {
        let snapshot = self.index.load();
        let zone = snapshot.zone(&self.zone.origin).unwrap();
        let verdict = match question {
            Question::Addr(addr) => zone.judge_address(*addr, UnixTime(0)),
            Question::Name(name) => zone.judge_domain(name.labels(), UnixTime(0)),
        };
        let listed = verdict.listed()?;
        let codes = listed.return_codes(&self.zone).iter().map(ToString::to_string).collect();
        let texts = match listed.by() {
            Some(by @ Subject::Domain(_)) if listed_name => self.listed_texts(&by),
            _ => listed.reasons(&self.zone).into_iter().collect(),
        };
        Some(Answers { codes, texts })
    }

    fn listed_texts(&self, by: &Subject) -> BTreeSet<String> {
        let Subject::Domain(domain) = by else { panic!("{by} is no domain") };
        self.reasons[by].iter().map(|reason| reason.render(domain.name())).collect()
    }

    /// All that is listed or excluded, as words.
    fn words(&self) -> String {
        let words: Vec<String> = self.reasons.keys().map(ToString::to_string).collect();
        words.join(" ")
    }
}

fn zone(kind: ZoneKind) -> Zone {
    let ns = vec!["ns.example.net".parse().unwrap()];
    let spec = ZoneSpec::new(origin(), kind, ns, "the zone's".parse().unwrap());
    ZoneSpec { test_codes: vec![5], ..spec }.check().unwrap()
}

fn listing(subject: &Subject, body: ListingBody, n: u64) -> Listing {
    Listing {
        subject: subject.clone(),
        source: format!("s{n}").parse().unwrap(),
        body: body.checked().unwrap(),
        listed_at: UnixTime(1),
        updated_at: UnixTime(1),
        listed_by: "test".into(),
        seq: 1,
    }
}

/// The order of the store.
fn order(subject: &Subject) -> Vec<u8> {
    match subject {
        Subject::V4(net) => [&[4], &net.addr().octets()[..], &[net.prefix_len()]].concat(),
        Subject::V6(net) => [&[6], &net.addr().octets()[..], &[net.prefix_len()]].concat(),
        Subject::Domain(domain) => {
            let mut labels: Vec<&[u8]> = domain.name().labels().collect();
            labels.reverse();
            labels.extend(domain.is_wildcard().then_some(b"*".as_slice()));
            labels.iter().flat_map(|label| label.iter().copied().chain([0])).collect()
        }
    }
}

fn body(texts: &'static [&'static str]) -> impl Strategy<Value = ListingBody> {
    let codes = vec(select(&["127.0.0.2", "127.0.0.3", "127.0.1.4", "127.0.0.9"][..]), 0..3);
    let text = prop::option::of(select(texts));
    (codes, text, prop::bool::weighted(0.2)).prop_map(|(codes, text, exclusion)| {
        let codes = codes.iter().map(|code| code.parse::<ReturnCode>().unwrap());
        ListingBody {
            return_codes: if exclusion { Vec::new() } else { codes.collect() },
            reason: text.filter(|_| !exclusion).map(|text| text.parse().unwrap()),
            exclusion,
            ..ListingBody::default()
        }
    })
}

fn rows(
    subject: BoxedStrategy<String>,
    texts: &'static [&'static str],
    sources: usize,
) -> impl Strategy<Value = Rows> {
    vec((subject, vec(body(texts), 1..=sources)), 1..20)
}

/// Prefixes and addresses that lie inside each other more often than not.
fn v4() -> BoxedStrategy<String> {
    prop_oneof![2 => files::quad(), 3 => files::whole_prefix_v4()].boxed()
}

fn v6() -> BoxedStrategy<String> {
    let host = files::prefix_v6().prop_map(|text| text.split_once('/').unwrap().0.to_owned());
    prop_oneof![1 => host, 3 => files::prefix_v6()]
        .prop_filter("an IPv4 address, to us", |text| !text.starts_with("::"))
        .boxed()
}

fn domain() -> BoxedStrategy<String> {
    let label = || select(&["a", "b", "c", "x-y", "_z", "com", "example"][..]);
    (prop::bool::ANY, vec(label(), 1..=5))
        .prop_map(|(below, labels)| {
            format!("{}{}", if below { "*." } else { "" }, labels.join("."))
        })
        .boxed()
}

/// Texts of rbldnsd in which all that it reads may stand.
const TEXTS: &[&str] = &[
    "open relay $, see https://bl.example.org/$",
    "costs $$5",
    "$$1 $$= $$",
    "=x",
    "==",
    " # y",
    "#z",
    ";",
    ":5:x",
    "\"quoted\" \\ ~",
    "ünïcode",
];

/// Texts of zone files, of which wildcards say the same for all addresses.
const FIXED_TEXTS: &[&str] = &["costs $$5", "\"quoted\" \\ ; (x)", "ünïcode", " a ", LONG];
const LONG: &str = "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 \
    0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 \
    0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789";

/// Test entries, what never is one, and what is beside them.
fn fixed_questions(kind: ZoneKind) -> Vec<Question> {
    let addr = |text: &str| Question::Addr(text.parse().unwrap());
    match kind {
        ZoneKind::Domain => {
            let names = ["test", "invalid", "x.test", "a"];
            names.iter().map(|name| Question::Name(name.parse().unwrap())).collect()
        }
        _ => ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.5", "0.0.0.0"].map(addr).to_vec(),
    }
}

/// Runs through so many of those that a generator makes, the same each time.
fn run<T: std::fmt::Debug>(
    cases: u32,
    strategy: impl Strategy<Value = T>,
    test: impl Fn(T) -> Result<(), TestCaseError>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    if let Err(err) = TestRunner::new_with_rng(config, rng).run(&strategy, test) {
        panic!("{err}");
    }
}

fn rbldnsd_answers_the_same(list: ListType, rows: impl Strategy<Value = Rows>) {
    let (kind, listed) = (list.kind(), Cell::new(0));
    run(count() / 4 + 1, rows, |rows| {
        let ours = Listed::new(kind, &rows);
        let Some(file) = ours.export(Target::Rbldnsd(list)) else { return Ok(()) };
        let theirs = Rbldnsd::start(list.as_str(), file.as_bytes());
        let mut questions = files::questions(list, ours.words().as_bytes());
        if list != ListType::Ip6Trie {
            questions.extend(fixed_questions(kind));
        }
        for question in questions {
            let (expected, found) = (ours.ask(&question, true), theirs.ask(&question));
            listed.set(listed.get() + usize::from(expected.is_some()));
            prop_assert_eq!(expected, found, "{} in this {}:\n{}", question, list.as_str(), file);
        }
        Ok(())
    });
    assert!(listed.get() > count() as usize, "something is listed");
}

#[test]
fn rbldnsd_answers_an_exported_ip4set_as_we_do() {
    rbldnsd_answers_the_same(ListType::Ip4Set, rows(v4(), TEXTS, 3));
}

#[test]
fn rbldnsd_answers_an_exported_ip4trie_as_we_do() {
    rbldnsd_answers_the_same(ListType::Ip4Trie, rows(v4(), TEXTS, 1));
}

#[test]
fn rbldnsd_answers_an_exported_ip6trie_as_we_do() {
    rbldnsd_answers_the_same(ListType::Ip6Trie, rows(v6(), TEXTS, 1));
}

#[test]
fn rbldnsd_answers_an_exported_dnset_as_we_do() {
    rbldnsd_answers_the_same(ListType::DnSet, rows(domain(), TEXTS, 3));
}

/// One file with all of an IP zone: several values of IPv6 prefixes, too.
#[test]
fn rbldnsd_answers_an_exported_combined_set_as_we_do() {
    let listed = Cell::new(0);
    let subject = prop_oneof![1 => v4(), 2 => v6()].boxed();
    run(count() / 4 + 1, rows(subject, TEXTS, 3), |rows| {
        let ours = Listed::new(ZoneKind::Ip, &rows);
        let file = ours.export(Target::Combined).unwrap();
        let theirs = Rbldnsd::start("combined", file.as_bytes());
        let words = ours.words();
        let (v6, v4): (Vec<&str>, Vec<&str>) = words.split(' ').partition(|w| w.contains(':'));
        let mut questions = files::questions(ListType::Ip4Set, v4.join(" ").as_bytes());
        questions.extend(files::questions(ListType::Ip6Trie, v6.join(" ").as_bytes()));
        questions.extend(fixed_questions(ZoneKind::Ip));
        for question in questions {
            let (expected, found) = (ours.ask(&question, true), theirs.ask(&question));
            listed.set(listed.get() + usize::from(expected.is_some()));
            prop_assert_eq!(expected, found, "{} in this file:\n{}", question, file);
        }
        Ok(())
    });
    assert!(listed.get() > count() as usize, "something is listed");
}

/// What a name server answers; `None` where there is no A record.
fn ask(server: SocketAddr, question: &Question) -> Option<Answers> {
    let records = |rtype| {
        let reply = Query::new(&question.to_string(), rtype).ask(server, Transport::Udp);
        let reply = match reply.flags() & Query::TC {
            0 => reply,
            _ => Query::new(&question.to_string(), rtype).ask(server, Transport::Tcp),
        };
        assert!([0, 3].contains(&reply.rcode()), "{question}: {reply:?}");
        reply.message.answers.into_iter().map(|record| record.data)
    };
    let mut answers = Answers::default();
    for data in records(RecordType::A).chain(records(RecordType::TXT)) {
        match data {
            RData::A(addr) => answers.codes.insert(addr.to_string()),
            RData::TXT(text) => {
                answers.texts.insert(String::from_utf8(text.txt_data.concat()).unwrap())
            }
            other => panic!("{question}: {other:?}"),
        };
    }
    (answers != Answers::default()).then_some(answers)
}

fn nsd_answers_the_same(
    kind: ZoneKind,
    rows: impl Strategy<Value = Rows>,
    export: impl Fn(&Listed) -> Option<String>,
    questions: impl Fn(&str) -> BTreeSet<Question>,
) {
    let listed = Cell::new(0);
    run(count() / 8 + 1, rows, |rows| {
        let ours = Listed::new(kind, &rows);
        let Some(file) = export(&ours) else { return Ok(()) };
        let theirs = Nsd::start(&origin().to_string(), &file);
        prop_assert_eq!(check_zone(&origin().to_string(), &file), Ok(()));
        let mut questions = questions(&ours.words());
        questions.extend(fixed_questions(kind));
        for question in questions {
            let (expected, found) = (ours.ask(&question, false), ask(theirs.addr(), &question));
            listed.set(listed.get() + usize::from(expected.is_some()));
            prop_assert_eq!(expected, found, "{} in this zone file:\n{}", question, file);
        }
        Ok(())
    });
    assert!(listed.get() > count() as usize, "something is listed");
}

fn zone_file(listed: &Listed) -> Option<String> {
    listed.export(Target::ZoneFile)
}

/// IPv4 addresses as IPv6 has them, some of which are listed or excluded themselves.
#[test]
fn nsd_answers_the_ipv6_forms_of_ipv4_addresses_as_we_do() {
    let six_to_four = (v4(), 16u8..=96).prop_map(|(text, len)| {
        let net: ipnet::Ipv4Net = text.parse().or(format!("{text}/32").parse()).unwrap();
        let bits = 0x2002u128 << 112 | u128::from(net.addr().to_bits()) << 80;
        ipnet::Ipv6Net::new_assert(bits.into(), len).trunc().to_string()
    });
    let questions = |words: &str| {
        let v4: Vec<&str> = words.split(' ').filter(|word| !word.contains(':')).collect();
        let v4 = files::questions(ListType::Ip4Set, v4.join(" ").as_bytes());
        let mut questions = BTreeSet::new();
        for question in v4.into_iter().step_by(3) {
            let Question::Addr(IpAddr::V4(addr)) = question else { continue };
            let six_to_four = 0x2002u128 << 112 | u128::from(addr.to_bits()) << 80;
            let forms = [addr.to_ipv6_mapped().to_bits(), six_to_four, six_to_four | 5 << 64];
            questions.extend(forms.map(|bits| Question::Addr(IpAddr::V6(bits.into()))));
        }
        questions
    };
    let subject = prop_oneof![2 => v4(), 1 => six_to_four].boxed();
    let rows = rows(subject, FIXED_TEXTS, 2);
    nsd_answers_the_same(ZoneKind::Ip, rows, Listed::export_forms, questions);
}

/// Addresses whose names end like those of IPv4 addresses with digits of one octet each.
fn v6_beside_v4() -> impl Iterator<Item = Question> {
    let addresses = [
        "1000::1",
        "1111::1",
        "1012:5::",
        "1234:5678::9",
        "1a00::1",
        "2000::1",
        "2001:db8::1",
        "200a::1",
        "20a0::2",
        "2a00::1",
        "3012::1",
        "300c::1",
        "1101::",
        "1254::1",
        "3000::3",
        "c000::1",
    ];
    addresses.into_iter().map(|text| Question::Addr(IpAddr::V6(text.parse().unwrap())))
}

#[test]
fn nsd_answers_an_exported_ipv4_zone_as_we_do_for_both_families() {
    let questions = |words: &str| {
        let mut questions = files::questions(ListType::Ip4Set, words.as_bytes());
        questions.extend(v6_beside_v4());
        questions
    };
    let digits = (1u8..4, 0u8..3, 0u8..10, 0u8..10, 8u8..=32);
    let digits = digits.prop_map(|(a, b, c, d, len)| {
        let net = ipnet::Ipv4Net::new_assert([a, b, c, d].into(), len);
        net.trunc().to_string()
    });
    let subject = prop_oneof![2 => v4(), 1 => digits].boxed();
    nsd_answers_the_same(ZoneKind::Ip, rows(subject, FIXED_TEXTS, 2), zone_file, questions);
}

#[test]
fn nsd_answers_an_exported_zone_of_both_families_as_we_do() {
    let questions = |words: &str| {
        let v4: Vec<&str> = words.split(' ').filter(|word| !word.contains(':')).collect();
        let v6: Vec<&str> = words.split(' ').filter(|word| word.contains(':')).collect();
        let mut questions = files::questions(ListType::Ip4Set, v4.join(" ").as_bytes());
        questions.extend(files::questions(ListType::Ip6Trie, v6.join(" ").as_bytes()));
        questions.extend(v6_beside_v4());
        questions
    };
    let subject = prop_oneof![1 => v4(), 2 => v6()].boxed();
    nsd_answers_the_same(ZoneKind::Ip, rows(subject, FIXED_TEXTS, 2), zone_file, questions);
}

#[test]
fn nsd_answers_an_exported_domain_zone_as_we_do() {
    let questions = |words: &str| files::questions(ListType::DnSet, words.as_bytes());
    nsd_answers_the_same(ZoneKind::Domain, rows(domain(), FIXED_TEXTS, 2), zone_file, questions);
}

/// In a policy zone names are looked up as in any zone, so NSD tells which action a resolver would find.
#[test]
fn a_policy_zone_has_the_action_for_each_name() {
    run(count() / 8 + 1, rows(domain(), FIXED_TEXTS, 1), |rows| {
        let ours = Listed::new(ZoneKind::Domain, &rows);
        let file = ours.export(Target::Rpz(Trigger::Answer)).unwrap();
        prop_assert_eq!(check_zone(&origin().to_string(), &file), Ok(()));
        let theirs = Nsd::start(&origin().to_string(), &file);
        for question in files::questions(ListType::DnSet, ours.words().as_bytes()) {
            let query = Query::new(&question.to_string(), RecordType::CNAME);
            let answers = query.ask(theirs.addr(), Transport::Udp).message.answers;
            let blocks = answers
                .iter()
                .any(|record| matches!(&record.data, RData::CNAME(target) if target.0.is_root()));
            let expected = ours.ask(&question, false).is_some();
            prop_assert_eq!(expected, blocks, "{} in this policy zone:\n{}", question, file);
        }
        Ok(())
    });
}

#[test]
fn what_a_file_cannot_say_refuses_it() {
    let row = |text: &str, codes: &[&str]| {
        let codes = codes.iter().map(|code| code.parse().unwrap()).collect();
        (text.to_owned(), vec![ListingBody { return_codes: codes, ..ListingBody::default() }])
    };
    let two = Listed::new(ZoneKind::Ip, &vec![row("192.0.2.1", &["127.0.0.2", "127.0.0.3"])]);
    assert!(two.export(Target::Rbldnsd(ListType::Ip4Trie)).is_none());
    assert!(two.export(Target::Rbldnsd(ListType::Ip4Set)).is_some());
    let short = Listed::new(ZoneKind::Ip, &vec![row("2000::/12", &[])]);
    assert!(short.export(Target::ZoneFile).is_none());
    assert!(
        Exporter::new(Target::Rbldnsd(ListType::DnSet), &two.zone, Serial(1), Options::default())
            .is_err()
    );
    assert!(
        Exporter::new(Target::Rbldnsd(ListType::Ip4TSet), &two.zone, Serial(1), Options::default())
            .is_err()
    );
    let options = Options { max_names: 3, ..Options::default() };
    let mut few = Exporter::new(Target::ZoneFile, &short.zone, Serial(1), options).unwrap();
    let wide = Listed::new(ZoneKind::Ip, &vec![row("10.0.0.0/9", &[])]);
    wide.listings.iter().for_each(|listing| few.add(listing));
    few.finish();
    assert!(few.refusals().count > 100);
}
