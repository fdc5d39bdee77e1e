//! The answer to a question: a pure function of its lookup and the time.
//!
//! The rows of [`answer`] are those of the table in `ARCHITECTURE.md`, top to bottom.

use std::slice;

use dnsbl_index::{IndexedZone, Listed, Verdict};
use dnsbl_types::{Labels, Retirement, UnixTime, Zone, query_name::AddressName};

use super::{
    access::{Forged, Permission},
    lookup::{Lookup, Matched, Question},
    rrset::ZoneRrset,
    wire::rtype,
};

/// The answer to a question. The owner of all records is the name asked for.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The zone it comes from.
    pub(crate) zone: Option<&'a IndexedZone>,
    pub(crate) reply: Reply<'a>,
}

/// The content of an answer.
#[derive(Debug)]
pub(crate) enum Reply<'a> {
    /// A records with the return codes of a listing.
    ListedA { ttl: u32, listed: Listed<'a> },
    /// TXT records with the reasons of a listing.
    ListedTxt { ttl: u32, listed: Listed<'a> },
    /// An A record in place of the truth.
    ForgedA { ttl: u32, forged: Forged<'a> },
    /// A TXT record in place of the truth.
    ForgedTxt { ttl: u32, forged: Forged<'a> },
    /// An RRset of the zone's own.
    ZoneRrset { ttl: u32, rrset: ZoneRrset<'a> },
    /// The name exists, the type does not (RFC 2308 section 2.2); the TTL of the SOA in the authority section.
    NoData { ttl: u32 },
    /// The name does not exist (RFC 2308 section 2.1); the TTL of the SOA in the authority section.
    NxDomain { ttl: u32 },
    /// Not our name, or nothing that we do.
    Refused,
    /// Nothing can be said yet.
    ServFail,
}

/// Answers a question that was looked up with what its client may ask for. Allocates nothing.
pub(super) fn answer<'a>(
    lookup: &Lookup<'a>,
    permission: Permission<'a>,
    now: UnixTime,
) -> Answer<'a> {
    let Question { qname, qtype } = lookup.question;
    let (zone, reply) = match lookup.matched {
        Matched::NotLoaded => return Answer { zone: None, reply: Reply::ServFail },
        Matched::OutsideZones => return Answer { zone: None, reply: Reply::Refused },
        matched if matches!(permission, Permission::Refused | Permission::Ignored) => {
            return Answer { zone: matched.zone(), reply: Reply::Refused };
        }
        Matched::Apex(zone) => (zone, at_apex(zone.settings(), qtype)),
        Matched::KeyName(zone) => (zone, at_key_name(zone.settings(), qtype)),
        // Nothing is signed.
        Matched::Delegation(zone) => (zone, Reply::NoData { ttl: zone.settings().negative_ttl }),
        Matched::Address(zone, name) => {
            let own = at_zone_name(zone.settings(), qname, qtype);
            (zone, own.unwrap_or_else(|| at_address(zone, name, permission, qtype, now)))
        }
        Matched::Domain(zone, labels) => {
            let own = at_zone_name(zone.settings(), qname, qtype);
            (zone, own.unwrap_or_else(|| at_domain(zone, labels, permission, qtype, now)))
        }
    };
    let reply = match reply {
        _ if matches!(qtype, rtype::AXFR | rtype::IXFR) => Reply::Refused,
        // A resolver that has a denial would not ask for what is below (RFC 8020).
        Reply::NxDomain { ttl }
            if lookup.is_empty_non_terminal || zone.settings().has_own_name(qname) =>
        {
            Reply::NoData { ttl }
        }
        reply => reply,
    };
    Answer { zone: Some(zone), reply }
}

fn at_apex(zone: &Zone, qtype: u16) -> Reply<'_> {
    let own = match qtype {
        // One RRset for ANY (RFC 8482).
        rtype::SOA | rtype::ANY => {
            let soa = ZoneRrset::Soa(zone.negative_ttl);
            return Reply::ZoneRrset { ttl: zone.negative_ttl, rrset: soa };
        }
        rtype::NS => Some(ZoneRrset::Ns(&zone.ns)),
        rtype::A => Some(ZoneRrset::A(&zone.apex.a)),
        rtype::AAAA => Some(ZoneRrset::Aaaa(&zone.apex.aaaa)),
        rtype::TXT => Some(ZoneRrset::Txt(match zone.phase.retirement() {
            Some(retirement) => slice::from_ref(&retirement.notice),
            None => &zone.apex.txt,
        })),
        _ => None,
    };
    let added = zone.records.rrset(zone.origin.wire(), qtype).map(ZoneRrset::Added);
    zone_rrset(zone, own.into_iter().chain(added))
}

/// The name of a key has what makes it an apex, and nothing else.
fn at_key_name(zone: &Zone, qtype: u16) -> Reply<'_> {
    match qtype {
        rtype::SOA | rtype::ANY | rtype::NS => at_apex(zone, qtype),
        _ => Reply::NoData { ttl: zone.negative_ttl },
    }
}

/// The first RRset that has a record.
fn zone_rrset<'a>(zone: &Zone, rrsets: impl IntoIterator<Item = ZoneRrset<'a>>) -> Reply<'a> {
    let rrset = rrsets.into_iter().find(|rrset| rrset.iter().next().is_some());
    match rrset {
        Some(rrset) => Reply::ZoneRrset { ttl: zone.ttl, rrset },
        None => Reply::NoData { ttl: zone.negative_ttl },
    }
}

/// The names that have records of the zone's own, such as its name servers.
fn at_zone_name<'a>(zone: &'a Zone, qname: &[u8], qtype: u16) -> Option<Reply<'a>> {
    let glue = zone.glue.get(qname).map(Vec::as_slice);
    let added = zone.records.at(qname);
    if glue.is_none() && added.is_none() {
        return None;
    }
    let is_asked = |of: u16| qtype == of || qtype == rtype::ANY;
    let a = glue.filter(|_| is_asked(rtype::A)).map(ZoneRrset::GlueA);
    let aaaa = glue.filter(|_| is_asked(rtype::AAAA)).map(ZoneRrset::GlueAaaa);
    let added = added.unwrap_or_default().iter();
    let added = added.filter(|rrset| is_asked(rrset.rtype().number())).map(ZoneRrset::Added);
    Some(zone_rrset(zone, a.into_iter().chain(aaaa).chain(added)))
}

fn at_address<'a>(
    zone: &'a IndexedZone,
    name: AddressName,
    permission: Permission<'a>,
    qtype: u16,
    now: UnixTime,
) -> Reply<'a> {
    if let Some(retirement) = zone.settings().phase.retirement() {
        let verdict = match name {
            AddressName::V4 { addr, .. } => Some(zone.judge_address(addr.into(), now)),
            AddressName::V6(addr) => Some(zone.judge_address(addr.into(), now)),
            AddressName::EmptyNonTerminal => None,
            AddressName::Other => Some(Verdict::Unlisted),
        };
        return at_retired(zone.settings(), retirement, verdict, qtype, now);
    }
    let (addr, non_terminal) = match name {
        AddressName::V4 { addr, non_terminal } => (addr.into(), non_terminal),
        AddressName::V6(addr) => (addr.into(), None),
        AddressName::EmptyNonTerminal => {
            return Reply::NoData { ttl: zone.settings().parent_ttl };
        }
        AddressName::Other => return Reply::NxDomain { ttl: zone.settings().negative_ttl },
    };
    let verdict = match permission {
        Permission::Forged(forged) => return at_forged(zone.settings(), forged, qtype),
        Permission::OwnRecords => zone.judge_test_address(addr, now),
        _ => zone.judge_address(addr, now),
    };
    let is_non_terminal = || non_terminal.is_some_and(|net| lies_near(zone, net, now));
    judged(zone.settings(), verdict, is_non_terminal, qtype, now)
}

/// Whether an IPv6 name may exist at, below or above a /16: an entry, or a name that stands for an
/// IPv4 address. `::ffff:127.0.0.2` lies in ::/16 and its 6to4 form in 2002::/16, in every zone.
fn lies_near(zone: &IndexedZone, net: ipnet::Ipv6Net, now: UnixTime) -> bool {
    matches!(net.addr().segments()[0], 0 | 0x2002) || zone.touches_v6(net, now)
}

fn at_domain<'a>(
    zone: &'a IndexedZone,
    labels: Labels<'a>,
    permission: Permission<'a>,
    qtype: u16,
    now: UnixTime,
) -> Reply<'a> {
    if let Some(retirement) = zone.settings().phase.retirement() {
        let verdict = Some(zone.judge_domain(labels, now));
        return at_retired(zone.settings(), retirement, verdict, qtype, now);
    }
    let (verdict, is_empty) = match permission {
        Permission::Forged(forged) => return at_forged(zone.settings(), forged, qtype),
        Permission::OwnRecords => (zone.judge_test_domain(labels, now), true),
        _ => (zone.judge_domain(labels, now), false),
    };
    let is_non_terminal = || !is_empty && zone.lists_below_domain(labels, now);
    judged(zone.settings(), verdict, is_non_terminal, qtype, now)
}

/// A name in a zone that has ended; the verdict is about test entries, `None` at a name above addresses.
///
/// Nothing else is listed, not even to those to whom everything is, or who are denied with a code (RFC 6471
/// section 3.4: a list that ends must not list the world).
fn at_retired<'a>(
    zone: &Zone,
    retirement: &Retirement,
    verdict: Option<Verdict<'a>>,
    qtype: u16,
    now: UnixTime,
) -> Reply<'a> {
    let until = retirement.test_entries_until;
    match verdict {
        Some(Verdict::Listed(listed)) => {
            let ttl = bounded(zone.ttl, until, now);
            match qtype {
                rtype::A | rtype::ANY => Reply::ListedA { ttl, listed },
                rtype::TXT => Reply::ListedTxt { ttl, listed },
                _ => Reply::NoData { ttl: bounded(zone.negative_ttl, until, now) },
            }
        }
        None if retirement.has_test_entries(now) => {
            Reply::NoData { ttl: bounded(zone.parent_ttl, until, now) }
        }
        _ => Reply::NxDomain { ttl: Retirement::TTL },
    }
}

fn at_forged<'a>(zone: &Zone, forged: Forged<'a>, qtype: u16) -> Reply<'a> {
    let ttl = match forged {
        Forged::Listing(..) => zone.ttl,
        // Who asks too much, or has no key, may have one in a moment.
        Forged::Denial(_) => zone.negative_ttl,
    };
    match qtype {
        rtype::A | rtype::ANY => Reply::ForgedA { ttl, forged },
        rtype::TXT => Reply::ForgedTxt { ttl, forged },
        _ => Reply::NoData { ttl: zone.negative_ttl },
    }
}

/// The answer to a verdict; `is_non_terminal` says whether names below this one exist (RFC 8020).
fn judged<'a>(
    zone: &Zone,
    verdict: Verdict<'a>,
    is_non_terminal: impl FnOnce() -> bool,
    qtype: u16,
    now: UnixTime,
) -> Reply<'a> {
    let until = verdict.until();
    let negative = bounded(zone.negative_ttl, until, now);
    let Verdict::Listed(listed) = verdict else {
        return if is_non_terminal() {
            Reply::NoData { ttl: negative }
        } else {
            Reply::NxDomain { ttl: negative }
        };
    };
    let ttl = bounded(zone.ttl, until, now);
    match qtype {
        rtype::A | rtype::ANY => Reply::ListedA { ttl, listed },
        rtype::TXT => Reply::ListedTxt { ttl, listed },
        _ => Reply::NoData { ttl: negative },
    }
}

/// MINIMUM of the SOA in a negative answer with a TTL: the zone's own, and not less than the TTL, since resolvers
/// take the lesser of the two (RFC 2308 section 5).
pub(crate) fn minimum(zone: &Zone, ttl: u32) -> u32 {
    zone.negative_ttl.max(ttl)
}

/// A TTL that does not outlive what it rests on.
fn bounded(ttl: u32, until: Option<UnixTime>, now: UnixTime) -> u32 {
    let left = until.map_or(u64::MAX, |until| until.seconds_from(now));
    ttl.min(u32::try_from(left).unwrap_or(u32::MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        net::{IpAddr, Ipv4Addr},
        sync::Arc,
        time::Instant,
    };

    use dnsbl_index::{Index, IndexWriter, Snapshot};
    use dnsbl_types::{
        Access, AccessAction, AccessRules, ClockReading, Entry, EntryWriter as _, Follower as _,
        GrantTerms, Include, Includes, ListAll, Name, Records, Serial, Subject, SubscriberMode,
        ZoneKind, ZonePhase, ZoneSpec,
    };

    use super::{
        super::{access::AccessControl, lookup::look_up},
        *,
    };

    const NOW: UnixTime = UnixTime(1_000);
    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 77));

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
        reply_to(&index.load(), Question { qname: qname.wire(), qtype }, CLIENT)
    }

    fn reply_to(snapshot: &Snapshot, question: Question<'_>, client: IpAddr) -> &'static str {
        let (control, lookup) = (AccessControl::default(), look_up(snapshot, question));
        let now = ClockReading { wall: NOW, steady: Instant::now() };
        let permission = control.decide(&lookup, client, now).permission;
        name_of(&answer(&lookup, permission, NOW).reply)
    }

    fn name_of(reply: &Reply<'_>) -> &'static str {
        match reply {
            Reply::ListedA { .. } | Reply::ListedTxt { .. } | Reply::ZoneRrset { .. } => "records",
            Reply::ForgedA { .. } | Reply::ForgedTxt { .. } => "forged",
            Reply::NoData { .. } => "nodata",
            Reply::NxDomain { .. } => "nxdomain",
            Reply::Refused => "refused",
            Reply::ServFail => "servfail",
        }
    }

    #[track_caller]
    fn check(kind: ZoneKind, subjects: &[&str], relative: &str, qtype: u16, expected: &str) {
        assert_eq!(ask(kind, subjects, relative, qtype), expected, "{relative}");
    }

    #[test]
    fn nothing_is_denied_before_the_store_is_loaded() {
        let question = Question { qname: b"\x01x\x00", qtype: rtype::A };
        assert_eq!(reply_to(&Index::default().load(), question, CLIENT), "servfail");
    }

    #[test]
    fn an_address_is_listed_excluded_or_unknown() {
        let subjects = ["192.0.2.0/24", "!192.0.2.9", "2001:db8::/32"];
        let check =
            |relative, qtype, expected| check(ZoneKind::Ip, &subjects, relative, qtype, expected);
        check("7.2.0.192.", rtype::A, "records");
        check("7.2.0.192.", rtype::TXT, "records");
        check("7.2.0.192.", rtype::ANY, "records");
        check("7.2.0.192.", rtype::AAAA, "nodata");
        check("9.2.0.192.", rtype::A, "nxdomain");
        check("1.3.0.192.", rtype::A, "nxdomain");
        check("x.7.2.0.192.", rtype::A, "nxdomain");
        check("07.2.0.192.", rtype::A, "nxdomain");
        check("7.2.0.192.", rtype::AXFR, "refused");
    }

    #[test]
    fn names_above_addresses_are_never_denied() {
        for relative in ["2.0.192.", "192.", "77.", "b.d.0.1.0.0.2.", "f.", "a.0.0.2."] {
            check(ZoneKind::Ip, &[], relative, rtype::A, "nodata");
        }
    }

    #[test]
    fn four_single_digits_are_denied_only_where_no_ipv6_name_can_lie() {
        check(ZoneKind::Ip, &[], "1.0.0.2.", rtype::A, "nxdomain");
        check(ZoneKind::Ip, &["2001:db8::1"], "1.0.0.2.", rtype::A, "nodata");
        check(ZoneKind::Ip, &["2000::/8"], "1.0.0.2.", rtype::A, "nodata");
        check(ZoneKind::Ip, &["2003::1"], "1.0.0.2.", rtype::A, "nxdomain");
        check(ZoneKind::Ip, &["2.0.0.1"], "1.0.0.2.", rtype::A, "records");
        check(ZoneKind::Ip, &[], "0.0.0.0.", rtype::A, "nodata");
        check(ZoneKind::Ip, &[], "2.0.0.2.", rtype::A, "nodata");
    }

    #[test]
    fn domains_names_above_them_and_holes() {
        let subjects = ["spam.example.com", "*.bad.example", "!ok.bad.example", "*.only.example"];
        let check =
            |relative, expected| check(ZoneKind::Domain, &subjects, relative, rtype::A, expected);
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

    /// RFC 6471 section 3.4: what ORDB's end did in 2008, to list the world, no zone can do.
    #[test]
    fn rfc6471_3_4_a_retired_zone_lists_nothing_to_anybody_and_says_so_at_its_apex() {
        let listing = ListAll {
            return_code: "127.0.0.9".parse().unwrap(),
            reason: "all are bad".parse().unwrap(),
        };
        let open = Access::default();
        let all = AccessRules::new(AccessAction::List(listing), Vec::new()).unwrap();
        let denying = Access {
            subscribers: SubscriberMode::Required,
            denial: dnsbl_types::Denial::Code,
            ..Access::default()
        };
        for access in [open, Access { rules: all, ..Access::default() }, denying] {
            for (until, tests) in
                [(None, "nxdomain"), (Some(NOW), "nxdomain"), (Some(UnixTime(1_001)), "records")]
            {
                let retired = ZonePhase::Retired(Retirement {
                    notice: "it has ended".into(),
                    test_entries_until: until,
                });
                let zone =
                    ZoneSpec { access: access.clone(), phase: retired, ..spec(ZoneKind::Ip) };
                let (index, origin) = (Arc::new(Index::default()), zone.origin.clone());
                let mut writer = IndexWriter::new(index.clone());
                writer.put_zone(&zone.check().unwrap(), Serial(1));
                for subject in ["192.0.2.0/24", "2001:db8::/32"] {
                    writer.set_entries(&origin, &subject.parse().unwrap(), &[Entry::default()]);
                }
                writer.publish(1, Instant::now());
                let ask = |relative: &str, qtype| {
                    let qname: Name = format!("{relative}bl.example.org").parse().unwrap();
                    reply_to(&index.load(), Question { qname: qname.wire(), qtype }, CLIENT)
                };
                let above = if tests == "records" { "nodata" } else { "nxdomain" };
                for (relative, expected) in [
                    ("1.2.0.192.", "nxdomain"),
                    ("x.", "nxdomain"),
                    ("2.0.0.127.", tests),
                    ("5.0.0.127.", tests),
                    ("1.0.0.127.", "nxdomain"),
                    ("127.", above),
                    ("2.0.192.", above),
                ] {
                    let seen = ask(relative, rtype::A);
                    // Whoever is refused is not told more.
                    assert!(seen == expected || seen == "refused", "{relative}: {seen}");
                    assert!(seen != "forged", "{relative}");
                }
                assert_eq!(ask("", rtype::TXT), "records");
            }
        }
    }

    #[test]
    fn the_zones_own_names_answer_with_their_addresses() {
        for kind in [ZoneKind::Ip, ZoneKind::Domain] {
            check(kind, &[], "ns1.deep.", rtype::A, "records");
            check(kind, &[], "ns1.deep.", rtype::AAAA, "nodata");
            check(kind, &[], "deep.", rtype::A, "nodata");
            check(kind, &[], "eep.", rtype::A, "nxdomain");
            check(kind, &[], "", rtype::SOA, "records");
            check(kind, &[], "", rtype::A, "nodata");
        }
    }

    #[test]
    fn who_may_not_ask_a_zone_is_refused_whatever_it_asks() {
        let ours: IpAddr = [10, 9, 9, 9].into();
        let rules = [("10.0.0.0/8".parse().unwrap(), AccessAction::Pass)];
        let rules = AccessRules::new(AccessAction::Refuse, rules).unwrap();
        let access = Access { rules, ..Access::default() };
        let zone = ZoneSpec { access, ..spec(ZoneKind::Ip) }.check().unwrap();
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(&zone, Serial(1));
        writer.publish(1, Instant::now());
        let snapshot = index.load();
        for (relative, qtype, to_ours) in [
            ("2.0.0.127.", rtype::A, "records"),
            ("", rtype::SOA, "records"),
            ("", rtype::NS, "records"),
            ("", rtype::DS, "nodata"),
            ("ns1.deep.", rtype::A, "records"),
            ("127.", rtype::A, "nodata"),
            ("x.", rtype::A, "nxdomain"),
        ] {
            let qname: Name = format!("{relative}bl.example.org").parse().unwrap();
            let question = Question { qname: qname.wire(), qtype };
            let ask = |client| reply_to(&snapshot, question, client);
            assert_eq!(ask(ours), to_ours, "{relative}");
            assert_eq!(ask(CLIENT), "refused", "{relative}");
        }
    }

    #[test]
    fn an_allow_zone_lists_nothing_that_nobody_logged_in_from() {
        let kind = ZoneKind::Allow(GrantTerms::default());
        let ask = |relative| {
            let (test_codes, access) = (vec![], Access::default());
            let zone = ZoneSpec { test_codes, access, ..spec(kind) }.check().unwrap();
            let index = Arc::new(Index::default());
            let mut writer = IndexWriter::new(index.clone());
            writer.put_zone(&zone, Serial(1));
            writer.set_entries(
                &zone.origin,
                &"192.0.2.1".parse().unwrap(),
                &[Entry { expires_at: Some(UnixTime(1_030)), ..Entry::default() }],
            );
            writer.publish(1, Instant::now());
            let qname: Name = format!("{relative}bl.example.org").parse().unwrap();
            let question = Question { qname: qname.wire(), qtype: rtype::A };
            reply_to(&index.load(), question, CLIENT)
        };
        assert_eq!(ask("1.2.0.192."), "records");
        for relative in ["2.0.0.127.", "1.0.0.127.", "5.0.0.127.", "10.0.0.127."] {
            assert_eq!(ask(relative), "nxdomain", "{relative}");
        }
    }

    /// A zone with records.
    fn with_records(kind: ZoneKind, access: Access) -> Arc<Index> {
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        let types = [("A", "192.0.2.80"), ("MX", "10 mail.example.org.")];
        let types = types.map(|(rtype, text)| (rtype.to_owned(), vec![text.to_owned()])).into();
        let owners = ["@", "www", "a.spam.example"].map(|owner| (owner, &types));
        let mut zone = ZoneSpec { access, ..spec(kind) };
        zone.records = Records::parse(&zone.origin, owners).unwrap();
        let zone = zone.check().unwrap();
        writer.put_zone(&zone, Serial(1));
        for subject in ["192.0.2.1", "spam.example", "*.www", "www"] {
            let subject: Subject = subject.parse().unwrap();
            if matches!(subject, Subject::Domain(_)) != kind.has_addresses() {
                writer.set_entries(&zone.origin, &subject, &[Entry::default()]);
            }
        }
        writer.publish(1, Instant::now());
        index
    }

    #[test]
    fn records_come_before_listings_and_hide_none_above_them() {
        for kind in [ZoneKind::Ip, ZoneKind::Domain] {
            let index = with_records(kind, Access::default());
            let ask = |relative: &str, qtype| {
                let qname: Name = format!("{relative}bl.example.org").parse().unwrap();
                let question = Question { qname: qname.wire(), qtype };
                match answer(&look_up(&index.load(), question), Permission::Full, NOW).reply {
                    Reply::ZoneRrset { rrset: ZoneRrset::Added(rrset), ttl: 300 } => {
                        format!("{} {}", rrset.rtype(), rrset.texts().join(","))
                    }
                    reply => name_of(&reply).into(),
                }
            };
            assert_eq!(ask("www.", rtype::A), "A 192.0.2.80");
            assert_eq!(ask("www.", 15), "MX 10 mail.example.org.");
            // One RRset (RFC 8482).
            assert_eq!(ask("www.", rtype::ANY), "A 192.0.2.80");
            assert_eq!(ask("www.", rtype::AAAA), "nodata");
            assert_eq!(ask("", rtype::A), "A 192.0.2.80");
            assert_eq!(ask("", 15), "MX 10 mail.example.org.");
            assert_eq!(ask("", rtype::NS), "records");
            assert_eq!(ask("", rtype::TXT), "nodata");
            assert_eq!(ask("example.", rtype::A), "nodata");
            assert_eq!(ask("a.spam.example.", rtype::A), "A 192.0.2.80");
            let (spam, below) = match kind {
                ZoneKind::Domain => ("records", "records"),
                _ => ("nodata", "nxdomain"),
            };
            assert_eq!(ask("spam.example.", rtype::A), spam);
            assert_eq!(ask("x.www.", rtype::A), below);
            assert_eq!(ask("b.spam.example.", rtype::A), "nxdomain");
        }
    }

    #[test]
    fn names_above_records_exist_for_all_and_are_listed_for_subscribers_only() {
        let access = Access { subscribers: SubscriberMode::Required, ..Access::default() };
        let index = with_records(ZoneKind::Domain, access);
        for (relative, expected) in [
            ("a.spam.example.", "records"),
            ("spam.example.", "nodata"),
            ("example.", "nodata"),
            ("www.", "records"),
            ("x.www.", "refused"),
        ] {
            let qname: Name = format!("{relative}bl.example.org").parse().unwrap();
            let question = Question { qname: qname.wire(), qtype: rtype::A };
            assert_eq!(reply_to(&index.load(), question, CLIENT), expected, "{relative}");
        }
    }

    #[test]
    fn a_combined_zone_answers_with_the_union_of_what_all_list() {
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        let codes = |zone: &str, codes: &[&str]| Include {
            zone: zone.parse().unwrap(),
            return_codes: codes.iter().map(|code| code.parse().unwrap()).collect(),
            reason: None,
        };
        let zone = |origin: &str, includes: Vec<Include>| {
            let ns: Name = "ns1.example.net".parse().unwrap();
            let (origin, reason) = (origin.parse().unwrap(), "listed: $".parse().unwrap());
            let includes = Includes::new(includes).unwrap();
            let ns = vec![ns];
            let spec = ZoneSpec { includes, ..ZoneSpec::new(origin, ZoneKind::Ip, ns, reason) };
            spec.check().unwrap()
        };
        let includes =
            vec![codes("a.example.org", &[]), codes("b.example.org", &["127.0.0.9", "127.0.0.4"])];
        for zone in [
            zone("bl.example.org", includes),
            zone("a.example.org", vec![]),
            zone("b.example.org", vec![]),
        ] {
            writer.put_zone(&zone, Serial(1));
        }
        let excluded = Entry { exclusion: true, ..Entry::default() };
        let expires = |at| Entry { expires_at: Some(UnixTime(at)), ..Entry::default() };
        for (origin, subject, entry) in [
            ("a.example.org", "192.0.2.1", expires(1_020)),
            ("b.example.org", "192.0.2.1", expires(1_010)),
            ("b.example.org", "192.0.2.2", Entry::default()),
            ("bl.example.org", "192.0.2.2", excluded.clone()),
            ("a.example.org", "192.0.2.3", excluded),
            ("bl.example.org", "192.0.2.4", Entry::default()),
            ("a.example.org", "2001:db8::1", Entry::default()),
        ] {
            let origin: Name = origin.parse().unwrap();
            writer.set_entries(&origin, &subject.parse().unwrap(), &[entry]);
        }
        writer.publish(1, Instant::now());
        let ask = |relative: &str| {
            let qname: Name = format!("{relative}.bl.example.org").parse().unwrap();
            let question = Question { qname: qname.wire(), qtype: rtype::A };
            let snapshot = index.load();
            let lookup = look_up(&snapshot, question);
            let Answer { zone, reply } = answer(&lookup, Permission::Full, NOW);
            match reply {
                Reply::ListedA { ttl, listed } => {
                    let codes = listed.return_codes(zone.unwrap().settings());
                    let codes = codes.iter().map(|code| code.addr().octets()[3].to_string());
                    format!("{} for {ttl}", codes.collect::<Vec<_>>().join(","))
                }
                reply => name_of(&reply).into(),
            }
        };
        assert_eq!(ask("1.2.0.192"), "2,4,9 for 10");
        assert_eq!(ask("2.2.0.192"), "4,9 for 300");
        assert_eq!(ask("3.2.0.192"), "nxdomain");
        assert_eq!(ask("4.2.0.192"), "2 for 300");
        // The test entries of all (RFC 5782 section 5).
        assert_eq!(ask("2.0.0.127"), "2,4,9 for 300");
        assert_eq!(ask("1.0.0.127"), "nxdomain");
        // The IPv6 entry of a zone that is included.
        assert_eq!(ask("1.0.0.2"), "nodata");
    }

    #[test]
    fn names_above_addresses_have_a_ttl_of_their_own_and_a_minimum_that_allows_it() {
        let zone = ZoneSpec { parent_ttl: 4_000, ..spec(ZoneKind::Ip) }.check().unwrap();
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(&zone, Serial(1));
        writer.set_entries(&zone.origin, &"2001:db8::1".parse().unwrap(), &[Entry::default()]);
        writer.publish(1, Instant::now());
        let ttl = |relative: &str| {
            let qname: Name = format!("{relative}bl.example.org").parse().unwrap();
            let question = Question { qname: qname.wire(), qtype: rtype::A };
            match answer(&look_up(&index.load(), question), Permission::Full, NOW).reply {
                Reply::NoData { ttl } | Reply::NxDomain { ttl } => (ttl, minimum(&zone, ttl)),
                reply => panic!("{reply:?}"),
            }
        };
        for partial in ["192.", "2.0.192.", "f.", "8.b.d.0.1.0.0.2."] {
            assert_eq!(ttl(partial), (4_000, 4_000), "{partial}");
        }
        // What may be listed, and what may become a name of the zone's own.
        for other in ["1.2.0.192.", "1.0.0.2.", "www.", "", "deep."] {
            assert_eq!(ttl(other), (60, 60), "{other}");
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
            let question = Question { qname: qname.wire(), qtype: rtype::A };
            match answer(&look_up(&index.load(), question), Permission::Full, UnixTime(now)).reply {
                Reply::ListedA { ttl, .. } => ("listed", ttl),
                Reply::NxDomain { ttl } => ("denied", ttl),
                reply => panic!("{reply:?}"),
            }
        };
        assert_eq!(ask("1.2.0.192", 1_000), ("listed", 17));
        assert_eq!(ask("1.2.0.192", 1_017), ("listed", 300));
        assert_eq!(ask("2.2.0.192", 1_000), ("denied", 5));
        assert_eq!(ask("2.2.0.192", 1_005), ("denied", 60));
    }
}
