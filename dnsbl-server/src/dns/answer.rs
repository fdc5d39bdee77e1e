//! What is answered: a pure function of the place that a question leads to and the time.
//!
//! The rows of [`answer`] are those of the table in `ARCHITECTURE.md`, top to bottom.

use dnsbl_index::{IndexedZone, Listed, Verdict};
use dnsbl_types::{Labels, Name, UnixTime, Zone, query_name::AddressName};

use super::{
    place::{Place, Question, Target},
    records::Own,
};

/// Record types that make a difference (RFC 1035 section 3.2.2, RFC 3596).
pub(crate) mod qtype {
    pub(crate) const A: u16 = 1;
    pub(crate) const NS: u16 = 2;
    pub(crate) const SOA: u16 = 6;
    pub(crate) const TXT: u16 = 16;
    pub(crate) const AAAA: u16 = 28;
    pub(crate) const DS: u16 = 43;
    pub(crate) const IXFR: u16 = 251;
    pub(crate) const AXFR: u16 = 252;
    pub(crate) const ANY: u16 = 255;
}

/// What is answered. The owner of all records is the name asked for.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The zone it comes from.
    pub(crate) zone: Option<&'a IndexedZone>,
    pub(crate) kind: Kind<'a>,
}

/// The kinds of answers.
#[derive(Debug)]
pub(crate) enum Kind<'a> {
    /// A records with the return codes of a listing.
    Codes { ttl: u32, listed: Listed<'a> },
    /// TXT records with the reasons of a listing.
    Reasons { ttl: u32, listed: Listed<'a> },
    /// An RRset of the zone's own.
    Own { ttl: u32, records: Own<'a> },
    /// The name exists, the type does not; the TTL of the SOA in the authority section.
    NoData { ttl: u32 },
    /// The name does not exist; the TTL of the SOA in the authority section.
    NxDomain { ttl: u32 },
    /// Not our name, or nothing that we do.
    Refused,
    /// Nothing can be said yet.
    ServFail,
}

/// Answers the question that leads to a place. Allocates nothing.
pub(crate) fn answer<'a>(place: &Place<'a>, now: UnixTime) -> Answer<'a> {
    let Question { qname, qtype } = place.question;
    let (zone, kind) = match place.target {
        Target::Unknown => return Answer { zone: None, kind: Kind::ServFail },
        Target::Outside => return Answer { zone: None, kind: Kind::Refused },
        Target::Apex(zone) => (zone, at_apex(zone.settings(), qtype)),
        // Nothing is signed.
        Target::Delegation(zone) => (zone, Kind::NoData { ttl: zone.settings().negative_ttl }),
        Target::Address(zone, name) => {
            let own = at_own_name(zone.settings(), qname, qtype);
            (zone, own.unwrap_or_else(|| at_address(zone, name, qtype, now)))
        }
        Target::Domain(zone, labels) => {
            let own = at_own_name(zone.settings(), qname, qtype);
            (zone, own.unwrap_or_else(|| at_domain(zone, labels, qtype, now)))
        }
    };
    let kind = match kind {
        _ if matches!(qtype, qtype::AXFR | qtype::IXFR) => Kind::Refused,
        // A resolver that has a denial would not ask for what is below (RFC 8020).
        Kind::NxDomain { ttl } if place.is_above_zone => Kind::NoData { ttl },
        kind => kind,
    };
    Answer { zone: Some(zone), kind }
}

fn at_apex(zone: &Zone, qtype: u16) -> Kind<'_> {
    match qtype {
        // One RRset for ANY (RFC 8482).
        qtype::SOA | qtype::ANY => Kind::Own { ttl: zone.negative_ttl, records: Own::Soa },
        qtype::NS => own(zone, Own::Ns(&zone.ns)),
        qtype::A => own(zone, Own::A(&zone.apex.a)),
        qtype::AAAA => own(zone, Own::Aaaa(&zone.apex.aaaa)),
        qtype::TXT => own(zone, Own::Txt(&zone.apex.txt)),
        _ => Kind::NoData { ttl: zone.negative_ttl },
    }
}

fn own<'a>(zone: &Zone, records: Own<'a>) -> Kind<'a> {
    if records.iter().next().is_none() {
        Kind::NoData { ttl: zone.negative_ttl }
    } else {
        Kind::Own { ttl: zone.ttl, records }
    }
}

/// The zone's own names, such as its name servers, and the names above them.
fn at_own_name<'a>(zone: &'a Zone, qname: &[u8], qtype: u16) -> Option<Kind<'a>> {
    let Some(addresses) = zone.glue.get(qname) else {
        let above = zone.glue.keys().any(|name| is_above(qname, name));
        return above.then_some(Kind::NoData { ttl: zone.negative_ttl });
    };
    Some(match qtype {
        qtype::A | qtype::ANY => own(zone, Own::GlueA(addresses)),
        qtype::AAAA => own(zone, Own::GlueAaaa(addresses)),
        _ => Kind::NoData { ttl: zone.negative_ttl },
    })
}

/// Whether `qname` is what is left of `name` without some of its first labels.
fn is_above(qname: &[u8], name: &Name) -> bool {
    let mut rest = name.wire();
    while rest.len() > qname.len() {
        let skip = 1 + usize::from(rest[0]);
        rest = &rest[skip.min(rest.len())..];
    }
    rest == qname
}

fn at_address(zone: &IndexedZone, name: AddressName, qtype: u16, now: UnixTime) -> Kind<'_> {
    match name {
        AddressName::V4 { addr, or_above } => {
            let verdict = zone.judge_address(addr.into(), now);
            let above = || or_above.is_some_and(|net| lies_near(zone, net, now));
            judged(zone.settings(), verdict, above, qtype, now)
        }
        AddressName::V6(addr) => {
            let verdict = zone.judge_address(addr.into(), now);
            judged(zone.settings(), verdict, || false, qtype, now)
        }
        AddressName::Above => Kind::NoData { ttl: zone.settings().negative_ttl },
        AddressName::Other => Kind::NxDomain { ttl: zone.settings().negative_ttl },
    }
}

/// Whether an IPv6 name may exist at, below or above a /16: an entry, or a name that stands for an
/// IPv4 address. `::ffff:127.0.0.2` lies in ::/16 and its 6to4 form in 2002::/16, in every zone.
fn lies_near(zone: &IndexedZone, net: ipnet::Ipv6Net, now: UnixTime) -> bool {
    matches!(net.addr().segments()[0], 0 | 0x2002) || zone.touches_v6(net, now)
}

fn at_domain<'a>(zone: &'a IndexedZone, labels: Labels<'a>, qtype: u16, now: UnixTime) -> Kind<'a> {
    let verdict = zone.judge_domain(labels, now);
    judged(zone.settings(), verdict, || zone.lists_below_domain(labels, now), qtype, now)
}

/// The answer to a verdict; `above` says whether names below this one exist.
fn judged<'a>(
    zone: &Zone,
    verdict: Verdict<'a>,
    above: impl FnOnce() -> bool,
    qtype: u16,
    now: UnixTime,
) -> Kind<'a> {
    let until = verdict.until();
    let negative = bounded(zone.negative_ttl, until, now);
    let Verdict::Listed(listed) = verdict else {
        return if above() {
            Kind::NoData { ttl: negative }
        } else {
            Kind::NxDomain { ttl: negative }
        };
    };
    let ttl = bounded(zone.ttl, until, now);
    match qtype {
        qtype::A | qtype::ANY => Kind::Codes { ttl, listed },
        qtype::TXT => Kind::Reasons { ttl, listed },
        _ => Kind::NoData { ttl: negative },
    }
}

/// A TTL that does not outlive what it rests on.
fn bounded(ttl: u32, until: Option<UnixTime>, now: UnixTime) -> u32 {
    let left = until.map_or(u64::MAX, |until| until.seconds_from(now));
    ttl.min(u32::try_from(left).unwrap_or(u32::MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc, time::Instant};

    use dnsbl_index::{Index, IndexWriter};
    use dnsbl_types::{Entry, Follower as _, Serial, ZoneKind, ZoneSpec};

    use super::{super::place::locate, *};

    const NOW: UnixTime = UnixTime(1_000);

    fn spec(kind: ZoneKind) -> ZoneSpec {
        let ns: Name = "ns1.deep.bl.example.org".parse().unwrap();
        let (origin, reason) = ("bl.example.org".parse().unwrap(), "listed: $".parse().unwrap());
        ZoneSpec {
            test_codes: vec![5],
            glue: BTreeMap::from([(ns.clone(), vec!["192.0.2.53".parse().unwrap()])]),
            ..ZoneSpec::new(origin, kind, vec![ns], reason)
        }
    }

    /// Answers for a name relative to a zone with these plain listings, `!` for exclusions.
    fn ask(kind: ZoneKind, subjects: &[&str], relative: &str, qtype: u16) -> &'static str {
        let zone = spec(kind).check().unwrap();
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(&zone, Serial(1));
        for text in subjects {
            let (exclusion, subject) =
                text.strip_prefix('!').map_or((false, *text), |rest| (true, rest));
            let entry = Entry { exclusion, ..Entry::default() };
            writer.set_entries(&zone.origin, &subject.parse().unwrap(), &[entry]);
        }
        writer.publish(1, Instant::now());
        let qname: Name = format!("{relative}bl.example.org").parse().unwrap();
        let snapshot = index.load();
        word(&answer(&locate(&snapshot, Question { qname: qname.wire(), qtype }), NOW).kind)
    }

    fn word(kind: &Kind<'_>) -> &'static str {
        match kind {
            Kind::Codes { .. } | Kind::Reasons { .. } | Kind::Own { .. } => "records",
            Kind::NoData { .. } => "nodata",
            Kind::NxDomain { .. } => "nxdomain",
            Kind::Refused => "refused",
            Kind::ServFail => "servfail",
        }
    }

    #[track_caller]
    fn check(kind: ZoneKind, subjects: &[&str], relative: &str, qtype: u16, expected: &str) {
        assert_eq!(ask(kind, subjects, relative, qtype), expected, "{relative}");
    }

    #[test]
    fn nothing_is_denied_before_the_store_is_loaded() {
        let question = Question { qname: b"\x01x\x00", qtype: qtype::A };
        let snapshot = Index::default();
        assert_eq!(word(&answer(&locate(&snapshot.load(), question), NOW).kind), "servfail");
    }

    #[test]
    fn an_address_is_listed_excluded_or_unknown() {
        let subjects = ["192.0.2.0/24", "!192.0.2.9", "2001:db8::/32"];
        let check =
            |relative, qtype, expected| check(ZoneKind::Ip, &subjects, relative, qtype, expected);
        check("7.2.0.192.", qtype::A, "records");
        check("7.2.0.192.", qtype::TXT, "records");
        check("7.2.0.192.", qtype::ANY, "records");
        check("7.2.0.192.", qtype::AAAA, "nodata");
        check("9.2.0.192.", qtype::A, "nxdomain");
        check("1.3.0.192.", qtype::A, "nxdomain");
        check("x.7.2.0.192.", qtype::A, "nxdomain");
        check("07.2.0.192.", qtype::A, "nxdomain");
        check("7.2.0.192.", qtype::AXFR, "refused");
    }

    #[test]
    fn names_above_addresses_are_never_denied() {
        for relative in ["2.0.192.", "192.", "77.", "b.d.0.1.0.0.2.", "f.", "a.0.0.2."] {
            check(ZoneKind::Ip, &[], relative, qtype::A, "nodata");
        }
    }

    #[test]
    fn four_single_digits_are_denied_only_where_no_ipv6_name_can_lie() {
        check(ZoneKind::Ip, &[], "1.0.0.2.", qtype::A, "nxdomain");
        check(ZoneKind::Ip, &["2001:db8::1"], "1.0.0.2.", qtype::A, "nodata");
        check(ZoneKind::Ip, &["2000::/8"], "1.0.0.2.", qtype::A, "nodata");
        check(ZoneKind::Ip, &["2003::1"], "1.0.0.2.", qtype::A, "nxdomain");
        check(ZoneKind::Ip, &["2.0.0.1"], "1.0.0.2.", qtype::A, "records");
        check(ZoneKind::Ip, &[], "0.0.0.0.", qtype::A, "nodata");
        check(ZoneKind::Ip, &[], "2.0.0.2.", qtype::A, "nodata");
    }

    #[test]
    fn domains_names_above_them_and_holes() {
        let subjects = ["spam.example.com", "*.bad.example", "!ok.bad.example", "*.only.example"];
        let check =
            |relative, expected| check(ZoneKind::Domain, &subjects, relative, qtype::A, expected);
        check("spam.example.com.", "records");
        check("x.spam.example.com.", "nxdomain");
        check("example.com.", "nodata");
        check("com.", "nodata");
        check("a.b.bad.example.", "records");
        check("bad.example.", "nodata");
        check("only.example.", "nodata");
        // Excluded itself, but names below it are listed.
        check("ok.bad.example.", "nodata");
        check("x.ok.bad.example.", "records");
        check("test.", "records");
        check("invalid.", "nxdomain");
        check("org.", "nxdomain");
    }

    #[test]
    fn the_zones_own_names_answer_with_their_addresses() {
        for kind in [ZoneKind::Ip, ZoneKind::Domain] {
            check(kind, &[], "ns1.deep.", qtype::A, "records");
            check(kind, &[], "ns1.deep.", qtype::AAAA, "nodata");
            check(kind, &[], "deep.", qtype::A, "nodata");
            check(kind, &[], "eep.", qtype::A, "nxdomain");
            check(kind, &[], "", qtype::SOA, "records");
            check(kind, &[], "", qtype::A, "nodata");
        }
    }

    #[test]
    fn a_ttl_does_not_outlive_what_it_rests_on() {
        let zone = spec(ZoneKind::Ip).check().unwrap();
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(&zone, Serial(1));
        let entry =
            |exclusion, at| Entry { exclusion, expires_at: Some(UnixTime(at)), ..Entry::default() };
        writer.set_entries(
            &zone.origin,
            &"192.0.2.1".parse().unwrap(),
            &[entry(false, 1_017), Entry::default()],
        );
        writer.set_entries(&zone.origin, &"192.0.2.2".parse().unwrap(), &[entry(true, 1_005)]);
        writer.publish(1, Instant::now());
        let ask = |relative: &str, now| {
            let qname: Name = format!("{relative}.bl.example.org").parse().unwrap();
            let question = Question { qname: qname.wire(), qtype: qtype::A };
            match answer(&locate(&index.load(), question), UnixTime(now)).kind {
                Kind::Codes { ttl, .. } => ("listed", ttl),
                Kind::NxDomain { ttl } => ("denied", ttl),
                kind => panic!("{kind:?}"),
            }
        };
        assert_eq!(ask("1.2.0.192", 1_000), ("listed", 17));
        assert_eq!(ask("1.2.0.192", 1_017), ("listed", 300));
        assert_eq!(ask("2.2.0.192", 1_000), ("denied", 5));
        assert_eq!(ask("2.2.0.192", 1_005), ("denied", 60));
    }
}
