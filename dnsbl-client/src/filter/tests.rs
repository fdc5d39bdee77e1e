use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::{FilterErrorKind as Kind, Quantifier, ReplyFilter};

fn has(filter: &ReplyFilter, text: &str) -> bool {
    filter.matches(&[text.parse().unwrap()])
}

#[test]
fn h_a_postfix_filter_is_four_fields_of_numbers_or_lists() {
    for (filter, inside, outside) in [
        ("127.0.0.2", &["127.0.0.2"][..], &["127.0.0.3", "127.0.1.2", "126.0.0.2"][..]),
        ("127.0.0.[2..11]", &["127.0.0.2", "127.0.0.11"], &["127.0.0.1", "127.0.0.12"]),
        ("127.0.[2..11].[1;3]", &["127.0.2.1", "127.0.11.3"], &["127.0.2.2", "127.0.12.1"]),
        ("127.[0;9..10].0.2", &["127.0.0.2", "127.9.0.2", "127.10.0.2"], &["127.8.0.2"]),
        ("[127].[0].[0].[2]", &["127.0.0.2"], &["127.0.0.3"]),
        ("[0..255].[0..255].[0..255].[0..255]", &["0.0.0.0", "255.255.255.255"], &[]),
        ("127.0.0.[3;2;3..4;4..4]", &["127.0.0.2", "127.0.0.3", "127.0.0.4"], &["127.0.0.5"]),
        ("127.000.00.002", &["127.0.0.2"], &["127.0.0.0"]),
    ] {
        let compiled = ReplyFilter::postfix(filter).unwrap();
        assert!(inside.iter().all(|addr| has(&compiled, addr)), "{filter}");
        assert!(!outside.iter().any(|addr| has(&compiled, addr)), "{filter}");
    }
}

#[test]
fn h_what_is_no_postfix_filter_says_where() {
    for (filter, at, kind) in [
        ("", 0, Kind::NumberMissing),
        ("127", 3, Kind::FieldMissing),
        ("127.0.0", 7, Kind::FieldMissing),
        ("127.0.0.", 8, Kind::NumberMissing),
        ("127.0.0.256", 8, Kind::NumberTooLarge),
        ("127.0.0.99999999999999999999", 8, Kind::NumberTooLarge),
        ("127.0.0.[]", 9, Kind::NumberMissing),
        ("127.0.0.[2", 10, Kind::ListOpen),
        ("127.0.0.[2,3]", 10, Kind::ListOpen),
        ("127.0.0.[2..]", 12, Kind::NumberMissing),
        ("127.0.0.[5..2]", 12, Kind::RangeBackwards),
        ("127.0.0.[2..3..4]", 13, Kind::ListOpen),
        ("127.0.0.[2;]", 11, Kind::NumberMissing),
        ("127.0.0.[2]3", 11, Kind::Trailing),
        ("127.0.0.2.1", 9, Kind::Trailing),
        ("127.0.0.2 ", 9, Kind::Trailing),
        ("127.0.[0.0].2", 8, Kind::ListOpen),
        ("a.0.0.2", 0, Kind::NumberMissing),
    ] {
        let error = ReplyFilter::postfix(filter).unwrap_err();
        assert_eq!((error.at, error.kind), (at, kind), "{filter}");
    }
}

#[test]
fn what_is_no_exim_filter_says_where() {
    for (filter, at, kind) in [
        ("127.0.0.2", 0, Kind::OperatorMissing),
        ("=", 1, Kind::AddressMissing),
        ("=127.0.0.2,", 11, Kind::AddressMissing),
        ("!&0.0.0.x", 2, Kind::AddressMissing),
        ("!==127.0.0.2, 127.0.0", 14, Kind::AddressMissing),
    ] {
        let error = ReplyFilter::exim(filter).unwrap_err();
        assert_eq!((error.at, error.kind), (at, kind), "{filter}");
    }
}

#[test]
fn prefixes_bits_and_codes_are_filters_too() {
    let prefix = ReplyFilter::prefix("127.0.4.0/22".parse().unwrap());
    assert!(has(&prefix, "127.0.7.255") && !has(&prefix, "127.0.8.0"));
    assert!(has(&ReplyFilter::prefix("127.0.0.9/8".parse().unwrap()), "127.255.255.0"));
    let bits = ReplyFilter::bits(Ipv4Addr::new(0, 0, 0, 6));
    assert!(has(&bits, "127.0.0.14") && !has(&bits, "127.0.0.2"));
    let codes = ReplyFilter::codes([Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 1, 3)]);
    assert!(has(&codes, "127.0.1.3") && !has(&codes, "127.0.0.3"));
    assert!(ReplyFilter::any().is_any() && has(&ReplyFilter::any(), "127.9.9.9"));
}

#[test]
fn no_filter_matches_no_answer() {
    for quantifier in [Quantifier::Any, Quantifier::All, Quantifier::NotAny, Quantifier::NotAll] {
        let filter = ReplyFilter { quantifier, patterns: Box::default() };
        assert!(!filter.matches(&[]), "{quantifier:?}");
    }
}

/// A field of a filter, and the octets it stands for.
fn field() -> impl Strategy<Value = (String, Vec<u8>)> {
    let member = (any::<u8>(), 0u8..20, any::<bool>()).prop_map(|(first, more, range)| {
        let last = first.saturating_add(more);
        match range {
            true => (format!("{first}..{last}"), (first..=last).collect::<Vec<u8>>()),
            false => (first.to_string(), vec![first]),
        }
    });
    let list = prop::collection::vec(member, 1..4).prop_map(|members| {
        let texts: Vec<String> = members.iter().map(|(text, _)| text.clone()).collect();
        (format!("[{}]", texts.join(";")), members.into_iter().flat_map(|(_, set)| set).collect())
    });
    prop_oneof![any::<u8>().prop_map(|octet| (octet.to_string(), vec![octet])), list]
}

proptest! {
    #[test]
    fn h_a_postfix_filter_matches_what_its_fields_say_and_reads_as_it_is_written(
        fields in [field(), field(), field(), field()],
        addr: [u8; 4],
        picks: [prop::sample::Index; 4],
        hit: bool,
    ) {
        let texts: Vec<&str> = fields.iter().map(|(text, _)| text.as_str()).collect();
        let filter = ReplyFilter::postfix(&texts.join(".")).unwrap();
        let addr: [u8; 4] = match hit {
            true => std::array::from_fn(|i| fields[i].1[picks[i].index(fields[i].1.len())]),
            false => addr,
        };
        let expected = fields.iter().zip(addr).all(|((_, set), octet)| set.contains(&octet));
        prop_assert_eq!(filter.matches(&[addr.into()]), expected);
        let written = filter.patterns()[0].to_string();
        prop_assert_eq!(ReplyFilter::postfix(&written).unwrap(), filter);
    }

    #[test]
    fn case_44_no_text_breaks_the_readers(text in "[0-9.;=&!,\\[\\] a]{0,40}", any: String) {
        for text in [&text, &any] {
            for error in [ReplyFilter::postfix(text).err(), ReplyFilter::exim(text).err()] {
                prop_assert!(error.is_none_or(|error| error.at <= text.len()));
            }
        }
    }
}
