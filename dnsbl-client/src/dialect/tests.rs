use proptest::prelude::*;

use super::{
    DialectErrorKind as Kind, Unwritable, exim, exim::Unknown, postscreen, rspamd, spamassassin,
};
use crate::{Asks, FilterErrorKind, ListKind, Quantifier, ReplyFilter, Score, Zone, ZoneNameError};

const SITES: &str = "zen.spamhaus.org=127.0.0.[2..11]*3, bl.spamcop.net*2\n  \
                     list.dnswl.org=127.0.[0..255].[1..3]*-4 zen.spamhaus.org=127.0.0.[4..7]";

#[test]
fn postscreen_entries_of_one_domain_are_one_zone() {
    let zones = postscreen::parse(SITES).unwrap();
    let names: Vec<&str> = zones.iter().map(|zone| zone.name.public()).collect();
    assert_eq!(names, ["zen.spamhaus.org", "bl.spamcop.net", "list.dnswl.org"]);
    let weights: Vec<Score> = zones[0].rules.iter().map(|rule| rule.weight).collect();
    assert_eq!(weights, [Score::points(3), Score::ONE]);
    assert!(zones[1].rules[0].filter.is_any());
    assert_eq!((zones[1].kind, zones[2].kind), (ListKind::Block, ListKind::Allow));
}

#[test]
fn what_postscreen_would_not_take_says_where() {
    let filter = |at, kind| Kind::Filter(crate::FilterError { at, kind });
    for (text, at, kind) in [
        ("", 0, Kind::Empty),
        (" , ", 0, Kind::Empty),
        ("bl.example*", 11, Kind::Weight),
        ("a.example bl.example*x", 21, Kind::Weight),
        ("a.example bl.example*1.5", 21, Kind::Weight),
        ("bl.example=", 11, filter(0, FilterErrorKind::NumberMissing)),
        ("bl.example=127.0.0.[2*2", 11, filter(10, FilterErrorKind::ListOpen)),
        ("a.example,=127.0.0.2", 10, Kind::Zone(ZoneNameError::EmptyLabel)),
        ("bl..example", 0, Kind::Zone(ZoneNameError::EmptyLabel)),
    ] {
        let error = postscreen::parse(text).unwrap_err();
        assert_eq!((error.at, error.kind), (at, kind), "{text}");
    }
}

#[test]
fn exim_items_have_operators_texts_keys_and_options() {
    let items = exim::parse(
        "dnslists = sbl.example,zen.example=127.0.0.2,127.0.0.3 : +include_unknown : \
         dbl.example/$sender_address_domain : x.example!&0.255.255.0",
    )
    .unwrap();
    assert_eq!(items.len(), 3);
    assert_eq!(items[0].txt_zone.as_ref().unwrap().public(), "sbl.example");
    assert_eq!(items[0].zone.name.public(), "zen.example");
    assert_eq!((items[0].unknown, items[1].unknown), (Unknown::Exclude, Unknown::Include));
    assert_eq!(items[1].keys.as_deref(), Some("$sender_address_domain"));
    assert_eq!(items[1].zone.asks, Asks::Domains);
    assert_eq!(items[2].zone.rules[0].filter.quantifier(), Quantifier::NotAny);
    let items = exim::parse("<; a.example ; b.example==127.0.0.2").unwrap();
    assert_eq!(items.len(), 2);
}

#[test]
fn what_exim_would_not_take_says_where() {
    let filter = |at, kind| Kind::Filter(crate::FilterError { at, kind });
    for (text, at, kind) in [
        ("", 0, Kind::Empty),
        ("+include_unknown", 0, Kind::Empty),
        ("a.example : +include_all", 12, Kind::Option),
        ("a.example : b.example=127", 21, filter(1, FilterErrorKind::AddressMissing)),
        ("a b.example", 0, Kind::Zone(ZoneNameError::Character(' '))),
        ("a.example,=127.0.0.2", 10, Kind::Zone(ZoneNameError::EmptyLabel)),
    ] {
        let error = exim::parse(text).unwrap_err();
        assert_eq!((error.at, error.kind), (at, kind), "{text}");
    }
}

#[test]
fn zones_are_written_for_each_mail_server() {
    let zones = postscreen::parse(SITES).unwrap();
    assert_eq!(
        postscreen::write(&zones).unwrap(),
        "zen.spamhaus.org=127.0.0.[2..11]*3 zen.spamhaus.org=127.0.0.[4..7] bl.spamcop.net*2 \
         list.dnswl.org=127.0.[0..255].[1..3]*-4"
    );
    assert_eq!(
        exim::write(&zones[..2]).unwrap(),
        "zen.spamhaus.org=127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5,127.0.0.6,127.0.0.7,127.0.0.8,\
         127.0.0.9,127.0.0.10,127.0.0.11 : \
         zen.spamhaus.org=127.0.0.4,127.0.0.5,127.0.0.6,127.0.0.7 : bl.spamcop.net"
    );
    let rspamd = rspamd::write(&zones[..1]).unwrap();
    assert!(rspamd.contains("rbl = \"zen.spamhaus.org\";"), "{rspamd}");
    assert!(
        rspamd.contains(
            "ZEN_SPAMHAUS_ORG_1 = [\"^(?:127\\\\.0\\\\.0\\\\.(?:4|5|6|7))$\"]; # score 1"
        )
    );
    let rules = spamassassin::write(&zones[..1]).unwrap();
    assert!(rules.contains("check_rbl_sub('zen_spamhaus_org', '^(?:127\\.0\\.0\\.(?:4|5|6|7))$')"));
    assert!(rules.contains("score ZEN_SPAMHAUS_ORG_0 3\n"), "{rules}");
}

#[test]
fn what_a_mail_server_cannot_say_is_not_written() {
    let zone = |filter: &str| {
        let rule = crate::Rule::new(ReplyFilter::exim(filter).unwrap(), Score::ONE);
        [Zone::addresses("bl.example".parse().unwrap()).rules([rule])]
    };
    let name = || zone("=127.0.0.2")[0].name.clone();
    assert_eq!(postscreen::write(&zone("!=127.0.0.2")), Err(Unwritable::Negation(name())));
    assert_eq!(postscreen::write(&zone("=127.0.0.2,127.1.0.3")), Err(Unwritable::Union(name())));
    assert_eq!(
        postscreen::write(&zone("=127.0.0.2,127.0.0.9")).unwrap(),
        "bl.example=127.0.0.[2;9]"
    );
    assert_eq!(exim::write(&zone("!&0.255.255.0")).unwrap(), "bl.example!&0.255.255.0");
    let mut wide = zone("=127.0.0.2");
    wide[0].rules[0].filter = ReplyFilter::postfix("127.0.[0..255].2").unwrap();
    assert_eq!(exim::write(&wide), Err(Unwritable::TooMany(name())));
    wide[0].rules[0].weight = Score::milli(1500);
    assert_eq!(postscreen::write(&wide), Err(Unwritable::Fraction(name())));
}

proptest! {
    #[test]
    fn what_postscreen_reads_is_written_as_it_is_read(
        entries in prop::collection::vec((0u8..3, prop::option::of((any::<u8>(), any::<u8>())), -9i16..9), 1..6),
    ) {
        let words = entries.iter().map(|(zone, filter, weight)| {
            let filter = filter.map_or_else(String::new, |(a, b)| {
                format!("=127.0.{a}.[{}..{}]", a.min(b), a.max(b))
            });
            format!("z{zone}.example{filter}*{weight}")
        });
        let zones = postscreen::parse(&words.collect::<Vec<_>>().join(" ")).unwrap();
        let again = postscreen::parse(&postscreen::write(&zones).unwrap()).unwrap();
        prop_assert_eq!(format!("{zones:?}"), format!("{again:?}"));
    }

    #[test]
    fn case_44_no_line_breaks_the_readers(line in "[a-z0-9.=&!,:<+*/\\[\\]; é]{0,60}") {
        let (postscreen, exim) = (postscreen::parse(&line).err(), exim::parse(&line).err());
        for error in [postscreen, exim].into_iter().flatten() {
            prop_assert!(error.at <= line.len());
        }
    }
}
