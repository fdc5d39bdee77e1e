//! What is answered: a pure function of the index, the question and the time.
//!
//! The rows of [`answer`] are those of the table in `ARCHITECTURE.md`, top to bottom.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dnsbl_index::{IndexedZone, Snapshot, Verdict};
use dnsbl_types::{
    Labels, Name, Reason, UnixTime, Zone, ZoneKind,
    query_name::{self, AddressName},
};

/// Query types that make a difference (RFC 1035 section 3.2.2, RFC 3596).
pub(crate) mod qtype {
    pub(crate) const A: u16 = 1;
    pub(crate) const NS: u16 = 2;
    pub(crate) const SOA: u16 = 6;
    pub(crate) const TXT: u16 = 16;
    pub(crate) const AAAA: u16 = 28;
    pub(crate) const IXFR: u16 = 251;
    pub(crate) const AXFR: u16 = 252;
    pub(crate) const ANY: u16 = 255;
}

/// A question of class IN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'q> {
    /// Uncompressed lower-case wire form, the root label included.
    pub(crate) qname: &'q [u8],
    pub(crate) qtype: u16,
}

/// What is answered. The owner of all records is the name asked for.
#[derive(Debug)]
pub(crate) struct Answer<'s> {
    /// The zone it comes from.
    pub(crate) zone: Option<&'s IndexedZone>,
    pub(crate) kind: Kind,
}

/// The kinds of answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One RRset.
    Records { ttl: u32, records: Vec<Data>, listed: bool },
    /// The name exists, the type does not; the TTL of the SOA in the authority section.
    NoData { ttl: u32 },
    /// The name does not exist; the TTL of the SOA in the authority section.
    NxDomain { ttl: u32 },
    /// Not our name, or nothing that we do.
    Refused,
    /// Nothing can be said yet.
    ServFail,
}

/// The data of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Ns(Name),
    /// The zone's SOA.
    Soa,
    Txt(String),
}

/// Answers a question.
pub(crate) fn answer<'s>(
    snapshot: &'s Snapshot,
    question: Question<'_>,
    now: UnixTime,
) -> Answer<'s> {
    if !snapshot.is_loaded() {
        return Answer { zone: None, kind: Kind::ServFail };
    }
    let Some((zone, labels)) = snapshot.zone_of(question.qname) else {
        return Answer { zone: None, kind: Kind::Refused };
    };
    let kind = match question.qtype {
        qtype::AXFR | qtype::IXFR => Kind::Refused,
        qtype if labels.is_empty() => at_apex(zone.settings(), qtype),
        qtype => below_apex(zone, labels, question.qname, qtype, now),
    };
    Answer { zone: Some(zone), kind }
}

fn at_apex(zone: &Zone, qtype: u16) -> Kind {
    let (ttl, records) = match qtype {
        // One RRset for ANY (RFC 8482).
        qtype::SOA | qtype::ANY => (zone.negative_ttl, vec![Data::Soa]),
        qtype::NS => (zone.ttl, zone.ns.iter().cloned().map(Data::Ns).collect()),
        qtype::A => (zone.ttl, zone.apex.a.iter().copied().map(Data::A).collect()),
        qtype::AAAA => (zone.ttl, zone.apex.aaaa.iter().copied().map(Data::Aaaa).collect()),
        qtype::TXT => (zone.ttl, zone.apex.txt.iter().cloned().map(Data::Txt).collect()),
        _ => (zone.ttl, Vec::new()),
    };
    records_or_nodata(zone, ttl, records)
}

fn records_or_nodata(zone: &Zone, ttl: u32, records: Vec<Data>) -> Kind {
    if records.is_empty() {
        Kind::NoData { ttl: zone.negative_ttl }
    } else {
        Kind::Records { ttl, records, listed: false }
    }
}

fn below_apex(
    zone: &IndexedZone,
    labels: Labels<'_>,
    qname: &[u8],
    qtype: u16,
    now: UnixTime,
) -> Kind {
    if let Some(own) = at_own_name(zone.settings(), qname, qtype) {
        return own;
    }
    match zone.settings().kind {
        ZoneKind::Ip => at_address(zone, labels, qtype, now),
        ZoneKind::Domain => at_domain(zone, labels, qtype, now),
    }
}

/// The zone's own names, such as its name servers, and the names above them.
fn at_own_name(zone: &Zone, qname: &[u8], qtype: u16) -> Option<Kind> {
    let Some(addresses) = zone.glue.get(qname) else {
        let above = zone.glue.keys().any(|name| is_above(qname, name));
        return above.then_some(Kind::NoData { ttl: zone.negative_ttl });
    };
    let data = addresses.iter().filter_map(|addr| match (addr, qtype) {
        (IpAddr::V4(addr), qtype::A | qtype::ANY) => Some(Data::A(*addr)),
        (IpAddr::V6(addr), qtype::AAAA) => Some(Data::Aaaa(*addr)),
        _ => None,
    });
    Some(records_or_nodata(zone, zone.ttl, data.collect()))
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

fn at_address(zone: &IndexedZone, labels: Labels<'_>, qtype: u16, now: UnixTime) -> Kind {
    match query_name::decode(labels) {
        AddressName::V4 { addr, or_above } => {
            let verdict = zone.judge_address(addr.into(), now);
            let above = || or_above.is_some_and(|net| lies_near(zone, net, now));
            judged(zone.settings(), &verdict, above, qtype, now)
        }
        AddressName::V6(addr) => {
            judged(zone.settings(), &zone.judge_address(addr.into(), now), || false, qtype, now)
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

fn at_domain(zone: &IndexedZone, labels: Labels<'_>, qtype: u16, now: UnixTime) -> Kind {
    let verdict = zone.judge_domain(labels, now);
    judged(zone.settings(), &verdict, || zone.lists_below_domain(labels, now), qtype, now)
}

/// The answer to a verdict; `above` says whether names below this one exist.
fn judged(
    zone: &Zone,
    verdict: &Verdict<'_>,
    above: impl FnOnce() -> bool,
    qtype: u16,
    now: UnixTime,
) -> Kind {
    let negative = bounded(zone.negative_ttl, verdict, now);
    let Some(listed) = verdict.listed() else {
        return if above() {
            Kind::NoData { ttl: negative }
        } else {
            Kind::NxDomain { ttl: negative }
        };
    };
    let records: Vec<Data> = match qtype {
        qtype::A | qtype::ANY => {
            listed.return_codes(zone).into_iter().map(|code| Data::A(code.addr())).collect()
        }
        qtype::TXT => listed.reasons(zone).into_iter().map(Data::Txt).collect(),
        _ => return Kind::NoData { ttl: negative },
    };
    Kind::Records { ttl: bounded(zone.ttl, verdict, now), records, listed: true }
}

/// A TTL that does not outlive the verdict.
fn bounded(ttl: u32, verdict: &Verdict<'_>, now: UnixTime) -> u32 {
    let left = verdict.until().map_or(u64::MAX, |until| until.seconds_from(now));
    ttl.min(u32::try_from(left).unwrap_or(u32::MAX)).max(1)
}

impl Data {
    /// The character-strings of a text.
    pub(crate) fn strings(text: &str) -> Vec<&[u8]> {
        Reason::strings(text).into_iter().map(str::as_bytes).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use dnsbl_index::{Index, IndexWriter};
    use dnsbl_types::{Apex, Entry, ReturnCode, Serial, SoaTimes, ZoneSpec};

    use super::*;

    const NOW: UnixTime = UnixTime(1_000);

    fn spec(kind: ZoneKind) -> ZoneSpec {
        let ns: Name = "ns1.deep.bl.example.org".parse().unwrap();
        ZoneSpec {
            origin: "bl.example.org".parse().unwrap(),
            kind,
            ns: vec![ns.clone()],
            mname: ns.clone(),
            rname: "hostmaster.example.org".parse().unwrap(),
            soa: SoaTimes::default(),
            ttl: 300,
            negative_ttl: 60,
            return_codes: vec![ReturnCode::LISTED],
            reason: "listed: $".parse().unwrap(),
            test_codes: vec![5],
            apex: Apex::default(),
            glue: BTreeMap::from([(ns, vec!["192.0.2.53".parse().unwrap()])]),
        }
    }

    /// Answers for a name relative to a zone with these plain listings, `!` for exclusions.
    fn ask(kind: ZoneKind, subjects: &[&str], relative: &str, qtype: u16) -> Kind {
        let zone = spec(kind).check().unwrap();
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(zone.clone(), Serial(1));
        for text in subjects {
            let (exclusion, subject) =
                text.strip_prefix('!').map_or((false, *text), |rest| (true, rest));
            let entry = Entry { exclusion, ..Entry::default() };
            writer.set_entries(&zone.origin, &subject.parse().unwrap(), &[entry]);
        }
        writer.publish(1);
        let qname: Name = format!("{relative}bl.example.org").parse().unwrap();
        answer(&index.load(), Question { qname: qname.wire(), qtype }, NOW).kind
    }

    fn word(kind: &Kind) -> &'static str {
        match kind {
            Kind::Records { .. } => "records",
            Kind::NoData { .. } => "nodata",
            Kind::NxDomain { .. } => "nxdomain",
            Kind::Refused => "refused",
            Kind::ServFail => "servfail",
        }
    }

    #[track_caller]
    fn check(kind: ZoneKind, subjects: &[&str], relative: &str, qtype: u16, expected: &str) {
        assert_eq!(word(&ask(kind, subjects, relative, qtype)), expected, "{relative}");
    }

    #[test]
    fn nothing_is_denied_before_the_store_is_loaded() {
        let question = Question { qname: b"\x01x\x00", qtype: qtype::A };
        assert_eq!(answer(&Index::default().load(), question, NOW).kind, Kind::ServFail);
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
        writer.put_zone(zone.clone(), Serial(1));
        let entry =
            |exclusion, at| Entry { exclusion, expires_at: Some(UnixTime(at)), ..Entry::default() };
        writer.set_entries(
            &zone.origin,
            &"192.0.2.1".parse().unwrap(),
            &[entry(false, 1_017), Entry::default()],
        );
        writer.set_entries(&zone.origin, &"192.0.2.2".parse().unwrap(), &[entry(true, 1_005)]);
        writer.publish(1);
        let ask = |relative: &str, now| {
            let qname: Name = format!("{relative}.bl.example.org").parse().unwrap();
            answer(&index.load(), Question { qname: qname.wire(), qtype: qtype::A }, UnixTime(now))
                .kind
        };
        assert!(matches!(ask("1.2.0.192", 1_000), Kind::Records { ttl: 17, .. }));
        assert!(matches!(ask("1.2.0.192", 1_017), Kind::Records { ttl: 300, .. }));
        assert_eq!(ask("2.2.0.192", 1_000), Kind::NxDomain { ttl: 5 });
        assert_eq!(ask("2.2.0.192", 1_005), Kind::NxDomain { ttl: 60 });
    }
}
