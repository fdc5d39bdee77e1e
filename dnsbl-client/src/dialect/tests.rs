use proptest::prelude::*;

use super::{
    DialectErrorKind as Kind, Unwritable, Written, exim, exim::Unknown, postscreen, rspamd,
    spamassassin,
};
use crate::{Asks, FilterErrorKind, Quantifier, ReplyFilter, Score, Zone, ZoneKind, ZoneNameError};

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
    assert_eq!((zones[1].kind, zones[2].kind), (ZoneKind::Block, ZoneKind::Allow));
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
        whole(postscreen::write(&zones)),
        "zen.spamhaus.org=127.0.0.[2..11]*3 zen.spamhaus.org=127.0.0.[4..7] bl.spamcop.net*2 \
         list.dnswl.org=127.0.[0..255].[1..3]*-4"
    );
    let exim = exim::write(&zones[..2]);
    assert_eq!(
        exim.text,
        "zen.spamhaus.org=127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5,127.0.0.6,127.0.0.7,127.0.0.8,\
         127.0.0.9,127.0.0.10,127.0.0.11 : \
         zen.spamhaus.org=127.0.0.4,127.0.0.5,127.0.0.6,127.0.0.7 : bl.spamcop.net"
    );
    assert_eq!(whys(&exim), [Unwritable::Weight, Unwritable::Weight]);
    let rspamd = whole(rspamd::write(&zones[..1]));
    assert!(rspamd.contains("rbl = \"zen.spamhaus.org\";"), "{rspamd}");
    assert!(
        rspamd.contains("ZEN_SPAMHAUS_ORG_1 = [\"^127\\\\.0\\\\.0\\\\.[4-7]$\"]; # score 1"),
        "{rspamd}"
    );
}

fn whole(written: Written) -> String {
    assert_eq!(written.left_out, []);
    written.text
}

fn whys(written: &Written) -> Vec<Unwritable> {
    written.left_out.iter().map(|left| left.why.clone()).collect()
}

/// Newcomer B2: the set was named otherwise in the rules that look at its answers, so that they never hit.
#[test]
fn rules_of_spamassassin_look_at_the_set_that_was_asked() {
    let zones = postscreen::parse(SITES).unwrap();
    let mut domains = Zone::domains("dbl.example".parse().unwrap());
    domains.rules = postscreen::parse("x.example=127.0.1.[2..106]").unwrap().remove(0).rules;
    let written = spamassassin::write(&[zones[0].clone(), zones[2].clone(), domains]);
    assert_eq!(
        whole(written),
        "header __ZEN_SPAMHAUS_ORG eval:check_rbl('zen_spamhaus_org-lastexternal', 'zen.spamhaus.org.')\n\
         tflags __ZEN_SPAMHAUS_ORG net\n\
         header ZEN_SPAMHAUS_ORG_0 eval:check_rbl_sub('zen_spamhaus_org-lastexternal', '^127\\.0\\.0\\.(?:[2-9]|1[0-1])$')\n\
         tflags ZEN_SPAMHAUS_ORG_0 net\nscore ZEN_SPAMHAUS_ORG_0 3\n\
         header ZEN_SPAMHAUS_ORG_1 eval:check_rbl_sub('zen_spamhaus_org-lastexternal', '^127\\.0\\.0\\.[4-7]$')\n\
         tflags ZEN_SPAMHAUS_ORG_1 net\nscore ZEN_SPAMHAUS_ORG_1 1\n\
         header __LIST_DNSWL_ORG eval:check_rbl('list_dnswl_org-lastexternal', 'list.dnswl.org.')\n\
         tflags __LIST_DNSWL_ORG net\n\
         header LIST_DNSWL_ORG_0 eval:check_rbl_sub('list_dnswl_org-lastexternal', '^127\\.0\\.\\d+\\.[1-3]$')\n\
         tflags LIST_DNSWL_ORG_0 net nice\nscore LIST_DNSWL_ORG_0 -4\n\
         header __DBL_EXAMPLE eval:check_rbl_envfrom('dbl_example', 'dbl.example.')\n\
         tflags __DBL_EXAMPLE net\n\
         header DBL_EXAMPLE_0 eval:check_rbl_sub('dbl_example', '^127\\.0\\.1\\.(?:[2-9]|[1-9]\\d|10[0-6])$')\n\
         tflags DBL_EXAMPLE_0 net\nscore DBL_EXAMPLE_0 1\n"
    );
}

/// Newcomer B2: one zone that could not be written hid all others, or vanished without a word.
#[test]
fn what_a_mail_server_cannot_say_is_named_and_the_rest_is_written() {
    let zone = |filter: &str| {
        let rule = crate::Rule::new(ReplyFilter::exim(filter).unwrap(), Score::ONE);
        Zone::addresses("bl.example".parse().unwrap()).rules([rule])
    };
    let good = || postscreen::parse("good.example=127.0.0.2").unwrap().remove(0);
    let fraction = || {
        let mut zone = zone("=127.0.0.2");
        zone.rules[0].weight = Score::milli(1500);
        zone
    };
    let domains = || Zone::domains("dbl.example".parse().unwrap());
    for (zone, why) in [
        (zone("!=127.0.0.2"), Unwritable::Negation),
        (zone("=127.0.0.2,127.1.0.3"), Unwritable::Union),
        (fraction(), Unwritable::Fraction(Score::milli(1500))),
        (domains(), Unwritable::Domains),
        (zone("=127.0.0.2").kind(ZoneKind::Informational), Unwritable::Informational),
    ] {
        let written = postscreen::write(&[zone, good()]);
        assert_eq!((&*written.text, whys(&written)), ("good.example=127.0.0.2", vec![why]));
    }
    assert_eq!(
        whole(postscreen::write(&[zone("=127.0.0.2,127.0.0.9")])),
        "bl.example=127.0.0.[2;9]"
    );
    assert_eq!(whole(exim::write(&[zone("!&0.255.255.0")])), "bl.example!&0.255.255.0");
    let mut wide = zone("=127.0.0.2");
    wide.rules[0].filter = ReplyFilter::postfix("127.0.[0..255].[2..3]").unwrap();
    for (zone, why) in [
        (wide, Unwritable::TooMany(512)),
        (zone("=127.0.0.2").kind(ZoneKind::Allow), Unwritable::Allow),
        (zone("=127.0.0.2").kind(ZoneKind::Informational), Unwritable::Informational),
    ] {
        let written = exim::write(&[zone, good()]);
        assert_eq!((&*written.text, whys(&written)), ("good.example=127.0.0.2", vec![why]));
    }
    let mut range = zone("=127.0.0.2");
    range.rules[0].filter = ReplyFilter::postfix("127.0.0.[2..254]").unwrap();
    assert_eq!(whole(exim::write(std::slice::from_ref(&range))).matches(',').count(), 252);
    assert!(whole(rspamd::write(&[range])).len() < 300);
}

/// Newcomer B2: "at character 31: at character 1: …".
#[test]
fn an_error_names_one_position() {
    for (error, text) in [
        (postscreen::parse("a.example b.example=127.0.0.[2").unwrap_err(), "at character 31: "),
        (exim::parse("a.example : b.example=127").unwrap_err(), "at character 23: "),
        (exim::parse("a.example : b..example").unwrap_err(), "at character 13: "),
    ] {
        let said = error.to_string();
        assert!(said.starts_with(text) && said.matches("at character").count() == 1, "{said}");
    }
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
        let again = postscreen::parse(&postscreen::write(&zones).text).unwrap();
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
