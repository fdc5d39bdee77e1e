//! Files that are made up, and what to ask of them.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv6Addr},
};

use dnsbl_formats::rbldnsd::ListType;
use dnsbl_types::Name;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::question::Question;

/// Files of a type, by their lines.
pub(crate) fn files(list: ListType) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let marks = (prop::bool::weighted(0.05), vec(prop::bool::weighted(0.03), 25));
    (vec(line(list), 1..25), marks).prop_map(|(lines, (bom, cr))| {
        let mut lines: Vec<Vec<u8>> = lines.into_iter().map(String::into_bytes).collect();
        if bom {
            drop(lines[0].splice(0..0, "\u{feff}".bytes()));
        }
        for (line, _) in lines.iter_mut().zip(cr).filter(|(_, cr)| *cr) {
            line.push(b'\r');
        }
        lines
    })
}

fn line(list: ListType) -> BoxedStrategy<String> {
    let subject = subject(list);
    let blank = select(&["", "", "", " ", "\t"][..]);
    let entry =
        (blank, subject.clone(), value()).prop_map(|(b, s, value)| format!("{b}{s}{value}"));
    let exclusion = (select(&["!", "!", "! "][..]), subject, select(&["", " x", " :5:x"][..]))
        .prop_map(|(mark, subject, behind)| format!("{mark}{subject}{behind}"));
    prop_oneof![
        10 => entry,
        3 => exclusion,
        2 => default(),
        1 => directive(),
        1 => select(&["", "# comment", "; comment", "#x", " ", "$x y", "x", "1.2.3.4,5", "!"][..])
            .prop_map(str::to_owned),
    ]
    .boxed()
}

fn subject(list: ListType) -> BoxedStrategy<String> {
    match list {
        ListType::Ip4Set => prop_oneof![
            4 => quad(),
            4 => prefix_v4(),
            3 => range_v4(),
            1 => odd_v4(),
        ]
        .boxed(),
        ListType::Ip4Trie => prop_oneof![
            3 => quad(),
            6 => prefix_v4(),
            1 => odd_v4(),
        ]
        .boxed(),
        ListType::Ip4TSet => prop_oneof![8 => quad(), 1 => odd_v4()].boxed(),
        ListType::Ip6Trie => prop_oneof![
            6 => prefix_v6(),
            2 => groups(1..=8),
            2 => host_v6(),
            1 => odd_v6(),
        ]
        .boxed(),
        ListType::Ip6TSet => prop_oneof![
            6 => groups(4..=4),
            3 => host_v6(),
            1 => groups(1..=9),
            1 => odd_v6(),
        ]
        .boxed(),
        ListType::DnSet | ListType::DnHash => prop_oneof![9 => domain(), 1 => odd_domain()].boxed(),
    }
}

/// Few of them, so that entries meet.
fn octet() -> impl Strategy<Value = u8> {
    select(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 126, 127, 128, 191, 192, 254, 255][..])
}

fn net() -> impl Strategy<Value = [u8; 4]> {
    (
        select(&[1, 2, 3, 11][..]),
        select(&[0, 1, 255][..]),
        select(&[0, 1, 2, 254, 255][..]),
        octet(),
    )
        .prop_map(|(a, b, c, d)| [a, b, c, d])
}

fn dotted(octets: &[u8]) -> String {
    octets.iter().map(u8::to_string).collect::<Vec<_>>().join(".")
}

pub(crate) fn quad() -> impl Strategy<Value = String> {
    net().prop_map(|octets| dotted(&octets))
}

fn prefix_v4() -> impl Strategy<Value = String> {
    let cut = (net(), 2usize..=4).prop_map(|(octets, count)| dotted(&octets[..count]));
    let with_length = (net(), 6u32..=32, 1usize..=4).prop_map(|(octets, len, most)| {
        let bits = u32::from_be_bytes(octets) & u32::MAX << (32 - len);
        let octets = bits.to_be_bytes();
        let count = most.max(len.div_ceil(8) as usize);
        format!("{}/{len}", dotted(&octets[..count]))
    });
    prop_oneof![1 => cut, 2 => with_length]
}

/// A prefix with all four octets and its length.
pub(crate) fn whole_prefix_v4() -> impl Strategy<Value = String> {
    (net(), 6u32..=32).prop_map(|(octets, len)| {
        let bits = u32::from_be_bytes(octets) & u32::MAX << (32 - len);
        format!("{}/{len}", dotted(&bits.to_be_bytes()))
    })
}

fn range_v4() -> impl Strategy<Value = String> {
    let by_octet = (net(), 1usize..=4, octet())
        .prop_map(|(octets, count, last)| format!("{}-{last}", dotted(&octets[..count])));
    let whole = (net(), net(), 1usize..=4).prop_map(|(a, b, count)| {
        let (a, b) = (a.min(b), a.max(b));
        format!("{}-{}", dotted(&a[..count]), dotted(&b[..count]))
    });
    let near = (net(), 0u32..70_000).prop_map(|(octets, more)| {
        let last = u32::from_be_bytes(octets).saturating_add(more).to_be_bytes();
        format!("{}-{}", dotted(&octets), dotted(&last))
    });
    prop_oneof![1 => by_octet, 1 => whole, 2 => near]
}

fn odd_v4() -> impl Strategy<Value = String> {
    let host_bits =
        (net(), 1u8..=34).prop_map(|(octets, len)| format!("{}/{len}", dotted(&octets)));
    let backwards = (net(), net()).prop_map(|(a, b)| format!("{}-{}", dotted(&a), dotted(&b)));
    let mixed = (net(), net(), 1usize..=4, 1usize..=4)
        .prop_map(|(a, b, from, to)| format!("{}-{}", dotted(&a[..from]), dotted(&b[..to])));
    let spaced = (quad(), quad()).prop_map(|(a, b)| format!("{a} - {b}"));
    let zeros = net().prop_map(|[a, b, c, d]| format!("00{a}.0{b}.{c:03}.{d:05}"));
    let fixed = select(
        &["1", "1.", "1.2.", "1.2.3.4.5", "1.2.3.256", "0/0", "1.2.3.4x", "2.0.0.1-", "1-1", "3/8"]
            [..],
    );
    prop_oneof![host_bits, backwards, mixed, spaced, zeros, fixed.prop_map(str::to_owned)]
}

fn group() -> impl Strategy<Value = String> {
    select(&["0", "1", "2", "a", "db8", "ffff", "8000", "0001", "00"][..]).prop_map(str::to_owned)
}

fn groups(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = String> {
    (select(&["2001", "2001", "1", "20"][..]), vec(group(), *count.start() - 1..=count.end() - 1))
        .prop_map(|(first, rest)| {
            let all = std::iter::once(first.to_owned()).chain(rest);
            all.collect::<Vec<_>>().join(":")
        })
}

fn host_v6() -> impl Strategy<Value = String> {
    let whole = groups(8..=8);
    let short = (groups(1..=4), vec(group(), 0..=3))
        .prop_map(|(head, tail)| format!("{head}::{}", tail.join(":")));
    let shown = groups(8..=8).prop_map(|text| text.parse::<Ipv6Addr>().unwrap().to_string());
    prop_oneof![whole, short, shown]
}

pub(crate) fn prefix_v6() -> impl Strategy<Value = String> {
    (groups(8..=8), 16u32..=128).prop_map(|(text, len)| {
        let bits = text.parse::<Ipv6Addr>().unwrap().to_bits();
        let addr = Ipv6Addr::from_bits(bits & u128::MAX << (128 - len));
        format!("{addr}/{len}")
    })
}

fn odd_v6() -> impl Strategy<Value = String> {
    let host_bits = (host_v6(), 1u32..=130).prop_map(|(addr, len)| format!("{addr}/{len}"));
    let short = (groups(1..=5), 1u32..=80).prop_map(|(addr, len)| format!("{addr}/{len}"));
    let value = groups(9..=10);
    let fixed = select(
        &[
            "2001",
            "2001:",
            "2001:db8:",
            ":1",
            "2001::1::2",
            "2001:db8::1x",
            "20010:1",
            "2001:g",
            "1:2:3:4:5:6::7:8",
        ][..],
    );
    prop_oneof![host_bits, short, value, fixed.prop_map(str::to_owned)]
}

fn label() -> impl Strategy<Value = String> {
    select(&["a", "b", "c", "B", "x-y", "_z", "com", "example", "q"][..]).prop_map(str::to_owned)
}

fn domain() -> impl Strategy<Value = String> {
    (select(&["", "", ".", "*."][..]), vec(label(), 1..=4), select(&["", "", "", "."][..]))
        .prop_map(|(scope, labels, dot)| format!("{scope}{}{dot}", labels.join(".")))
}

fn odd_domain() -> impl Strategy<Value = String> {
    let fixed = select(
        &[
            ".",
            "*.",
            "*",
            "*.*.a.com",
            "a.*.com",
            "a..com",
            "..com",
            "*..com",
            "a.com#c",
            "a.com:5:x",
            "http://a.com/b",
            "1.2.3.4",
            "a\\.b.com",
            "\\097.com",
            "a\\256.com",
            "\\*.com",
            "a@b.com",
            "b\u{fc}.com",
            ".*.com",
            "a.com..",
            "a\\",
            "\\097\\.com",
        ][..],
    );
    fixed.prop_map(str::to_owned)
}

fn code() -> impl Strategy<Value = &'static str> {
    select(&["2", "3", "4", "005", "127.0.0.6", "127.7", "127.8.9", "127.0.0.2"][..])
}

/// Texts in which all that is substituted may stand.
fn text() -> impl Strategy<Value = String> {
    let tokens = &[
        "a", "b c", "x", "$", "$$", "$1", "$2", "$9", "$=", "=", "#", ";", ":", "-", " ", "\"",
        "\\", "~", "1.2.3.4",
    ];
    vec(select(&tokens[..]), 1..6).prop_map(|tokens| tokens.concat())
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => Just(String::new()),
        2 => (code(), text()).prop_map(|(code, text)| format!(" :{code}:{text}")),
        1 => (code(), text()).prop_map(|(code, text)| format!(":{code}:{text}")),
        1 => (code(), text()).prop_map(|(code, text)| format!("\t:{code}  :  {text} ")),
        1 => code().prop_map(|code| format!(" :{code}")),
        1 => code().prop_map(|code| format!(" :{code}:")),
        2 => text().prop_map(|text| format!(" {text}")),
        1 => select(
            &[
                " # c", "#c", ";c", " ;c", " :0:x", " : 5:x", " :5 x", " :1.2:x", " ::x", " :", " :256:x", ":5 # c",
                " :127.0.0.1:x", " - 1.2.3.9", " /24", "x", " :127.255.255.254:x", " =", " :5:=",
            ][..],
        ).prop_map(str::to_owned),
    ]
}

fn default() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (code(), text()).prop_map(|(code, text)| format!(":{code}:{text}")),
        1 => code().prop_map(|code| format!(":{code}")),
        1 => code().prop_map(|code| format!(":{code}:")),
        1 => select(&[":", ":x", ":0:x", ": 5:x", ":5 x", ":256:x", ":5:#x", ":5::", "::", ":5:x "][..])
            .prop_map(str::to_owned),
    ]
}

fn directive() -> impl Strategy<Value = String> {
    let mark = select(&["$", "$", "$", "#$", ";$", ":$", "# $"][..]);
    let directive = prop_oneof![
        4 => (0u8..4, text()).prop_map(|(n, text)| format!("{n} {text}")),
        2 => text().prop_map(|text| format!("= {text}")),
        1 => (1u32..32).prop_map(|len| format!("MAXRANGE4 /{len}")),
        1 => (1u32..2000).prop_map(|count| format!("MAXRANGE4 {count}")),
        3 => select(
            &[
                "TTL 5m", "ttl\t7", "TTL 1h30m", "TTL", "SOA 5 a. b. 0 1 2 3 4", "SOA 5 a. b. 0 1 2 3 4 # x",
                "NS 5 a. -b.", "NS a.", "TIMESTAMP 2020-01-01", "TIMESTAMP 2020-01-01 20370101",
                "TIMESTAMP - 2037-12-31-12:00", "TIMESTAMP 2020-01-01T00:00", "ORIGIN x", "10 x", "1", "x", " 1 x",
                "MAXRANGE4 x", "MAXRANGE4 /0", "timestamp 0 0",
            ][..],
        ).prop_map(str::to_owned),
    ];
    (mark, directive).prop_map(|(mark, directive)| format!("{mark}{directive}"))
}

/// Every address and name in a file, and those beside it.
pub(crate) fn questions(list: ListType, file: &[u8]) -> BTreeSet<Question> {
    let text = String::from_utf8_lossy(file);
    match list {
        ListType::Ip4Set | ListType::Ip4TSet | ListType::Ip4Trie => {
            let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
            words.filter_map(first_v4).flat_map(beside_v4).collect()
        }
        ListType::Ip6TSet | ListType::Ip6Trie => {
            let words = text.split(|c: char| !(c.is_ascii_hexdigit() || c == ':'));
            words.flat_map(all_v6).flat_map(beside_v6).collect()
        }
        ListType::DnSet | ListType::DnHash => {
            text.split_ascii_whitespace().flat_map(beside_name).collect()
        }
    }
}

/// The first address of what is written with one to four octets.
fn first_v4(word: &str) -> Option<u32> {
    let mut octets = [0; 4];
    let written = word.split('.').take(4);
    for (place, octet) in octets.iter_mut().zip(written) {
        *place = octet.trim_start_matches('0').parse().or(octet.parse()).ok()?;
    }
    Some(u32::from_be_bytes(octets))
}

fn beside_v4(addr: u32) -> impl Iterator<Item = Question> {
    let flipped = (0..32).map(move |bit| addr ^ 1 << bit);
    let lasts = [7, 8, 16, 24].map(|bits| addr | ((1 << bits) - 1));
    let around = flipped.chain(lasts).chain([addr]);
    let around = around.flat_map(|addr| [addr.wrapping_sub(1), addr, addr.wrapping_add(1)]);
    // Addresses at which every zone of ours has test entries are not compared.
    let around = around.filter(|addr| addr >> 24 != 127);
    around.map(|addr| Question::Addr(IpAddr::V4(addr.into())))
}

/// The addresses that a word may mean, written in part or with a value behind.
fn all_v6(word: &str) -> impl Iterator<Item = u128> {
    let parts: Vec<&str> = word.split(':').collect();
    let cut = parts.iter().take(8).copied().collect::<Vec<_>>().join(":");
    let read =
        [word.to_owned(), format!("{word}::"), format!("{}::", word.trim_end_matches(':')), cut];
    let addresses = read.into_iter().filter_map(|text| text.parse::<Ipv6Addr>().ok());
    addresses.map(Ipv6Addr::to_bits)
}

fn beside_v6(addr: u128) -> impl Iterator<Item = Question> {
    let flipped = (0..128).step_by(3).map(move |bit| addr ^ 1 << bit);
    let lasts = [16, 48, 64, 80, 96].map(|bits| addr | ((1u128 << bits) - 1));
    let around = flipped.chain(lasts).chain([addr, addr.wrapping_sub(1), addr.wrapping_add(1)]);
    let addresses = around.map(Ipv6Addr::from_bits);
    // An IPv4 address, to us.
    let addresses = addresses.filter(|addr| addr.to_ipv4_mapped().is_none());
    addresses.map(|addr| Question::Addr(IpAddr::V6(addr)))
}

fn beside_name(word: &str) -> Vec<Question> {
    let name = word.trim_start_matches(['!', '*', '.']).trim_end_matches('.');
    let mut questions = Vec::new();
    for text in [name.to_owned(), format!("q.{name}"), format!("y.q.{name}"), format!("a{name}")] {
        let Ok(name) = text.parse::<Name>() else { continue };
        questions.push(Question::Name(name.clone()));
        let mut labels = name.labels();
        while labels.next().is_some() && !labels.is_empty() {
            questions.push(Question::Name(Name::from_labels(labels).unwrap()));
        }
    }
    // Those that every zone of ours lists or never does.
    let is_test = |name: &Name| ["test", "invalid"].contains(&name.to_string().as_str());
    questions.retain(
        |question| matches!(question, Question::Name(name) if !name.is_root() && !is_test(name)),
    );
    questions
}
