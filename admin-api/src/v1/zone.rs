//! Zones.

use std::{collections::BTreeMap, net::IpAddr};

use admin_api_types as api;
use dnsbl_store::ZoneRecord;
use dnsbl_types::{
    Apex, GrantTerms, Include, Includes, Name, NameError, Records, Retirement, Rrset, Serial,
    SoaTimes, Zone, ZoneKind, ZonePhase, ZoneSpec,
};

use super::{BodyError, access, parse, parse_all, removal, report, texts, time};
use crate::warning;

/// The checked zone, and the floor of its serial.
pub(crate) fn read(body: api::ZoneBody, origin: Name) -> Result<(Zone, Option<Serial>), BodyError> {
    if let Some(zone) = &body.zone {
        check_name(zone, &origin)?;
    }
    let ns: Vec<Name> = parse_all("ns", &body.ns)?;
    let kind = kind(&body)?;
    let soa = body.soa.unwrap_or_default();
    let apex = body.apex.unwrap_or_default();
    let says = match kind {
        ZoneKind::Ip | ZoneKind::Domain => "is listed",
        ZoneKind::Allow(_) => "may send: a user has logged in from there",
    };
    let reason = body.reason.unwrap_or_else(|| format!("$ {says} in {origin}"));
    let mut spec = ZoneSpec::new(origin, kind, ns, parse("reason", &reason)?);
    if let Some(name) = &soa.mname {
        spec.mname = parse("soa.mname", name)?;
    }
    if let Some(text) = &soa.rname {
        spec.rname = mailbox(text).map_err(|err| BodyError::malformed("soa.rname", err))?;
    }
    if let Some(codes) = body.return_codes {
        spec.return_codes = parse_all("return_codes", &codes)?;
    }
    spec.soa = times(&soa);
    spec.ttl = body.ttl.unwrap_or(spec.ttl);
    spec.negative_ttl = body.negative_ttl.unwrap_or(spec.negative_ttl);
    spec.test_codes = body.test_codes.unwrap_or_default();
    spec.apex = Apex { a: apex.a, aaaa: apex.aaaa, txt: apex.txt };
    spec.glue = glue(body.glue.unwrap_or_default())?;
    if let Some(access) = &body.access {
        spec.access = access::read(access)?;
    }
    spec.parent_ttl = match (body.parent_ttl, kind) {
        (Some(_), ZoneKind::Domain) => {
            return Err(BodyError::refused(
                "parent_ttl: a domain zone has no names above addresses",
            ));
        }
        (given, _) => given.unwrap_or(spec.parent_ttl),
    };
    spec.includes = includes(body.includes.unwrap_or_default())?;
    let records = body.records.iter().flatten().map(|(owner, types)| (owner.as_str(), types));
    spec.records = Records::parse(&spec.origin, records).map_err(BodyError::refused)?;
    spec.phase = phase(&spec.origin, body.state.unwrap_or_default(), body.retirement)?;
    spec.reports = body.reports.map(report::read_rules).transpose()?;
    spec.removal = removal::read_rules(&body.removal.unwrap_or_default())?;
    let zone = spec.check().map_err(BodyError::refused)?;
    Ok((zone, soa.serial.map(Serial)))
}

/// The kind with what belongs to it; settings of another one are refused.
fn kind(body: &api::ZoneBody) -> Result<ZoneKind, BodyError> {
    let other = match body.kind {
        api::ZoneKind::Ip => ZoneKind::Ip,
        api::ZoneKind::Domain => ZoneKind::Domain,
        api::ZoneKind::Allow => {
            let GrantTerms { lifetime, longest, ipv6_prefix } = GrantTerms::default();
            let lifetime = body.lifetime.unwrap_or(lifetime);
            return Ok(ZoneKind::Allow(GrantTerms {
                lifetime,
                longest: body.longest.unwrap_or(longest.max(lifetime)),
                ipv6_prefix: body.ipv6_prefix.unwrap_or(ipv6_prefix),
            }));
        }
    };
    let given = [
        ("lifetime", body.lifetime.is_some()),
        ("longest", body.longest.is_some()),
        ("ipv6_prefix", body.ipv6_prefix.is_some()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((field, _)) => Err(BodyError::refused(format!("{field}: belongs to kind \"allow\""))),
        None => Ok(other),
    }
}

fn phase(
    origin: &Name,
    state: api::ZoneState,
    retirement: Option<api::Retirement>,
) -> Result<ZonePhase, BodyError> {
    let phase = match state {
        api::ZoneState::Retired => {
            let api::Retirement { notice, test_entries_until } = retirement.unwrap_or_default();
            let usual =
                || format!("{origin} has been retired and lists nothing: do not ask it any more");
            let until = test_entries_until.as_deref();
            let until = until.map(|text| time::read("retirement.test_entries_until", text));
            let notice = notice.unwrap_or_else(usual);
            let retirement = Retirement { notice, test_entries_until: until.transpose()? };
            return Ok(ZonePhase::Retired(retirement));
        }
        api::ZoneState::Active => ZonePhase::Active,
        api::ZoneState::Frozen => ZonePhase::Frozen,
    };
    match retirement {
        Some(_) => Err(BodyError::refused("retirement: belongs to state \"retired\"")),
        None => Ok(phase),
    }
}

fn write_phase(phase: &ZonePhase) -> (api::ZoneState, Option<api::Retirement>) {
    match phase {
        ZonePhase::Active => (api::ZoneState::Active, None),
        ZonePhase::Frozen => (api::ZoneState::Frozen, None),
        ZonePhase::Retired(Retirement { notice, test_entries_until }) => {
            let notice = Some(notice.clone());
            let test_entries_until = test_entries_until.map(time::write);
            (api::ZoneState::Retired, Some(api::Retirement { notice, test_entries_until }))
        }
    }
}

fn includes(includes: Vec<api::Include>) -> Result<Includes, BodyError> {
    let parsed = includes.into_iter().enumerate().map(|(i, include)| {
        let codes = include.return_codes.unwrap_or_default();
        let reason = include.reason.as_deref();
        Ok(Include {
            zone: parse(&format!("includes[{i}].zone"), &include.zone)?,
            return_codes: parse_all(&format!("includes[{i}].return_codes"), &codes)?,
            reason: reason.map(|text| parse(&format!("includes[{i}].reason"), text)).transpose()?,
        })
    });
    Includes::new(parsed.collect::<Result<_, BodyError>>()?).map_err(BodyError::refused)
}

fn write_include(include: &Include) -> api::Include {
    let codes = &include.return_codes;
    api::Include {
        zone: include.zone.to_string(),
        return_codes: (!codes.is_empty()).then(|| texts(codes)),
        reason: include.reason.as_ref().map(|reason| reason.template().to_owned()),
    }
}

fn write_records(records: &Records) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let types = |rrset: &Rrset| (rrset.rtype().to_string(), rrset.texts());
    let owners = records.iter();
    owners
        .map(|(owner, rrsets)| (owner.to_absolute(), rrsets.iter().map(types).collect()))
        .collect()
}

fn check_name(zone: &str, origin: &Name) -> Result<(), BodyError> {
    if parse::<Name>("zone", zone)? == *origin {
        Ok(())
    } else {
        let detail = format!("{zone} is not the zone of the path, {origin}");
        Err(BodyError::malformed("zone", detail))
    }
}

fn times(soa: &api::SoaBody) -> SoaTimes {
    let default = SoaTimes::default();
    SoaTimes {
        refresh: soa.refresh.unwrap_or(default.refresh),
        retry: soa.retry.unwrap_or(default.retry),
        expire: soa.expire.unwrap_or(default.expire),
    }
}

/// Reads `local@domain`, or a name in which `\.` is a dot of the local part (RFC 1035 section 8).
fn mailbox(text: &str) -> Result<Name, NameError> {
    let (local, domain) = match text.rsplit_once('@') {
        Some((local, domain)) => (local.to_owned(), domain),
        None => split_local(text),
    };
    let foreign = |c: &char| !c.is_ascii_graphic() || matches!(c, '@' | '\\');
    if let Some(found) = local.chars().find(foreign) {
        return Err(NameError::Character { name: text.chars().take(300).collect(), found });
    }
    domain.parse::<Name>()?.prepend([local.as_bytes()])
}

/// Splits at the first dot that is not escaped.
fn split_local(text: &str) -> (String, &str) {
    let mut local = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('.') {
        rest = tail;
        match head.strip_suffix('\\') {
            Some(head) => local.extend([head, "."]),
            None => {
                local.push_str(head);
                return (local, if rest.is_empty() { "." } else { rest });
            }
        }
    }
    local.push_str(rest);
    (local, ".")
}

fn glue(glue: BTreeMap<String, Vec<String>>) -> Result<BTreeMap<Name, Vec<IpAddr>>, BodyError> {
    let parsed = glue.into_iter().map(|(name, addresses)| {
        let addresses = parse_all(&format!("glue.{name}"), &addresses)?;
        Ok((parse("glue", &name)?, addresses))
    });
    parsed.collect()
}

/// A zone as it is shown.
pub(crate) fn write(record: &ZoneRecord) -> api::Zone {
    let mut zone = write_settings(&record.zone);
    zone.soa.serial = Some(record.serial.0);
    zone.listings = Some(record.listings);
    zone.exclusions = Some(record.exclusions);
    zone.frozen_sources = record.frozen.iter().map(ToString::to_string).collect();
    zone.warnings = Some([amplifying(&record.zone), warning::of_zone(&record.zone)].concat());
    zone
}

/// The settings of a zone as they are shown in the change feed.
pub(crate) fn write_settings(zone: &Zone) -> api::Zone {
    let (glue, terms) = (zone.glue.iter(), zone.kind.grant_terms());
    let (state, retirement) = write_phase(&zone.phase);
    api::Zone {
        zone: zone.origin.to_string(),
        kind: match zone.kind {
            ZoneKind::Ip => api::ZoneKind::Ip,
            ZoneKind::Domain => api::ZoneKind::Domain,
            ZoneKind::Allow(_) => api::ZoneKind::Allow,
        },
        ns: zone.ns.iter().map(Name::to_absolute).collect(),
        soa: api::Soa {
            mname: zone.mname.to_absolute(),
            rname: zone.rname.to_absolute(),
            refresh: zone.soa.refresh,
            retry: zone.soa.retry,
            expire: zone.soa.expire,
            serial: None,
        },
        ttl: zone.ttl,
        negative_ttl: zone.negative_ttl,
        parent_ttl: (zone.kind != ZoneKind::Domain).then_some(zone.parent_ttl),
        return_codes: texts(&zone.return_codes),
        reason: zone.reason.template().to_owned(),
        test_codes: zone.test_codes.clone(),
        apex: api::Apex {
            a: zone.apex.a.clone(),
            aaaa: zone.apex.aaaa.clone(),
            txt: zone.apex.txt.clone(),
        },
        glue: glue.map(|(name, addresses)| (name.to_absolute(), texts(addresses))).collect(),
        access: access::write(&zone.access),
        includes: zone.includes.as_slice().iter().map(write_include).collect(),
        state,
        retirement,
        records: write_records(&zone.records),
        reports: zone.reports.as_ref().map(report::write_rules),
        removal: removal::write_rules(&zone.removal),
        lifetime: terms.map(|terms| terms.lifetime),
        longest: terms.map(|terms| terms.longest),
        ipv6_prefix: terms.map(|terms| terms.ipv6_prefix),
        listings: None,
        exclusions: None,
        frozen_sources: Vec::new(),
        warnings: None,
    }
}

/// A serial that was asked for and lies behind the zone's: it can't go back, or secondaries and resolvers
/// would take what is new for old (RFC 1982).
pub(crate) fn serial_warning(asked: Serial, is: Serial) -> String {
    format!(
        "soa.serial {} does nothing: the zone is at {} already, and serials only rise",
        asked.0, is.0
    )
}

/// Name servers beyond which an answer is much larger than its question.
const FEW_NS: usize = 4;
/// Octets of texts beyond which it is so.
const SHORT_TEXT: usize = 512;

/// Settings by which somebody can have much sent to others with little, as the address that asks over UDP
/// may be forged.
fn amplifying(zone: &Zone) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |is_much: bool, what: String| {
        if is_much {
            let why =
                "answers are many times as large as questions, which serves attacks on others";
            warnings.push(format!("{what}: {why}"));
        }
    };
    let count = zone.ns.len();
    warn(count > FEW_NS, format!("ns has {count} name servers, more than {FEW_NS}"));
    let addresses = zone.apex.a.len() + zone.apex.aaaa.len();
    warn(addresses > 16, format!("apex has {addresses} addresses, more than 16"));
    let octets: usize = zone.apex.txt.iter().map(String::len).sum();
    warn(octets > SHORT_TEXT, format!("apex.txt has {octets} octets, more than {SHORT_TEXT}"));
    for (owner, rrset) in
        zone.records.iter().flat_map(|(owner, all)| all.iter().map(move |r| (owner, r)))
    {
        let octets: usize = rrset.data().iter().map(|data| data.len()).sum();
        let rtype = rrset.rtype();
        let what = || format!("{owner} has {octets} octets of {rtype}, more than {SHORT_TEXT}");
        warn(octets > SHORT_TEXT, format!("records: {}", what()));
    }
    let octets = zone.reason.template().len();
    warn(octets > SHORT_TEXT, format!("reason has {octets} octets, more than {SHORT_TEXT}"));
    warnings
}

#[cfg(test)]
mod tests {
    use dnsbl_types::ReturnCode;

    use super::*;

    fn zone(json: &str) -> Result<(Zone, Option<Serial>), BodyError> {
        read(serde_json::from_str(json).unwrap(), "bl.example.org".parse().unwrap())
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let (zone, serial) = zone(r#"{"kind":"ip","ns":["ns1.example.net."]}"#).unwrap();
        assert_eq!(serial, None);
        assert_eq!(zone.mname.to_absolute(), "ns1.example.net.");
        assert_eq!(zone.rname.to_absolute(), "hostmaster.bl.example.org.");
        assert_eq!(zone.soa, SoaTimes::default());
        assert_eq!((zone.ttl, zone.negative_ttl, zone.parent_ttl), (300, 60, 3600));
        assert!(zone.includes.is_empty() && zone.records.is_empty());
        assert_eq!(zone.reason.template(), "$ is listed in bl.example.org");
        assert_eq!(zone.return_codes, [ReturnCode::LISTED]);
    }

    #[test]
    fn a_zone_reads_back_as_it_may_be_put_again() {
        let json = r#"{"kind":"ip","ns":["ns.bl.example.org"],"soa":{"rname":"a.b@example.org","serial":7},
            "glue":{"ns.bl.example.org":["192.0.2.53","2001:db8::53"]},"apex":{"txt":["x"]},"test_codes":[5]}"#;
        let (first, serial) = zone(json).unwrap();
        assert_eq!(serial, Some(Serial(7)));
        assert_eq!(first.rname.to_absolute(), r"a\.b.example.org.");
        let text = serde_json::to_string(&write_settings(&first)).unwrap();
        assert_eq!(zone(&text).unwrap().0, first);
    }

    #[test]
    fn a_combined_zone_with_records_reads_back_as_it_may_be_put_again() {
        let json = r#"{"kind":"ip","ns":["ns1.example.net"],"parent_ttl":7,
            "includes":[{"zone":"a.example.org","return_codes":["127.0.0.9","127.0.0.4"],"reason":"relay $"},
                {"zone":"b.example.org"}],
            "records":{"www":{"A":["192.0.2.80"],"MX":["10 mail.example.org"]},"@":{"TYPE257":["\\# 3 000161"]}}}"#;
        let (first, _) = zone(json).unwrap();
        assert_eq!(first.includes.as_slice().len(), 2);
        let shown = serde_json::to_value(write_settings(&first)).unwrap();
        assert_eq!(shown["parent_ttl"], 7);
        assert_eq!(
            shown["includes"][0]["return_codes"],
            serde_json::json!(["127.0.0.4", "127.0.0.9"])
        );
        assert_eq!(shown["includes"][1], serde_json::json!({"zone": "b.example.org"}));
        assert_eq!(shown["records"]["www.bl.example.org."]["MX"][0], "10 mail.example.org.");
        assert_eq!(shown["records"]["bl.example.org."]["CAA"][0], r#"0 a """#);
        assert_eq!(zone(&shown.to_string()).unwrap().0, first);
    }

    #[test]
    fn includes_and_records_that_can_not_be_are_refused_with_the_reason() {
        for (settings, what) in [
            (r#""includes":[{"zone":"bl.example.org"}]"#, "the zone itself"),
            (r#""includes":[{"zone":"a.x"},{"zone":"A.x."}]"#, "a.x twice"),
            (r#""includes":[{"zone":"a.x","return_codes":["127.255.255.254"]}]"#, "return_codes"),
            (r#""records":{"www":{"CNAME":["a.x."]}}"#, "give its addresses"),
            (r#""records":{"2.0.0.127":{"A":["192.0.2.1"]}}"#, "asks for an address"),
            (r#""records":{"www.example.org.":{"A":["192.0.2.1"]}}"#, "outside the zone"),
            (r#""apex":{"a":["192.0.2.1"]},"records":{"@":{"A":["192.0.2.2"]}}"#, "apex.a already"),
            (r#""parent_ttl":0"#, "parent_ttl 0"),
        ] {
            let err = zone(&format!(r#"{{"kind":"ip","ns":["ns.x"],{settings}}}"#)).unwrap_err();
            let text = err.into_text();
            assert!(text.contains(what), "{settings}: {text}");
        }
        let err = zone(r#"{"kind":"domain","ns":["ns.x"],"parent_ttl":60}"#).unwrap_err();
        assert!(err.into_text().contains("domain zone"));
    }

    #[test]
    fn an_allow_zone_has_terms_and_answers_this_machine_unless_told_otherwise() {
        let (allow, _) =
            zone(r#"{"kind":"allow","ns":["ns1.example.net."],"lifetime":8}"#).unwrap();
        assert_eq!(
            allow.kind,
            ZoneKind::Allow(GrantTerms { lifetime: 8, ..GrantTerms::default() })
        );
        assert_eq!(
            (allow.ttl, allow.negative_ttl, &allow.access),
            (1, 1, &dnsbl_types::Access::loopback())
        );
        assert_eq!(allow.parent_ttl, 1);
        let shown = write_settings(&allow);
        assert_eq!(
            (shown.lifetime, shown.longest, shown.ipv6_prefix),
            (Some(8), Some(43_200), Some(128))
        );
        let again = zone(&serde_json::to_string(&shown).unwrap()).unwrap().0;
        assert_eq!(again, allow);
        let open = r#"{"kind":"allow","ns":["ns1.example.net."],"access":{"default":"refuse","rules":[{"prefix":"192.0.2.0/24","action":"pass"},{"prefix":"::1","action":"pass"}]}}"#;
        assert_eq!(zone(open).unwrap().0.access.rules.rules().len(), 2);
        for (json, what) in [
            (r#"{"kind":"ip","ns":["a.x"],"lifetime":8}"#, "lifetime"),
            (r#"{"kind":"allow","ns":["a.x"],"lifetime":8,"longest":7}"#, "longest"),
            (r#"{"kind":"allow","ns":["a.x"],"test_codes":[5]}"#, "test_codes"),
            (
                r#"{"kind":"ip","ns":["a.x"],"access":{"rules":[{"prefix":"10.0.0.1/8","action":"pass"}]}}"#,
                "host bits",
            ),
        ] {
            let err = format!("{:?}", zone(json).unwrap_err());
            assert!(err.contains(what), "{json}: {err}");
        }
    }

    /// Security review, M3.
    #[test]
    fn settings_that_amplify_are_warned_of() {
        let warnings = |json: &str| {
            let zone = zone(json).unwrap().0;
            let frozen = Vec::new();
            let record = ZoneRecord { zone, serial: Serial(1), listings: 0, exclusions: 0, frozen };
            write(&record).warnings.unwrap().join("\n")
        };
        assert_eq!(warnings(r#"{"kind":"ip","ns":["a.x","b.x","c.x","d.x"]}"#), "");
        let many = warnings(r#"{"kind":"ip","ns":["a.x","b.x","c.x","d.x","e.x"]}"#);
        assert!(many.starts_with("ns has 5 name servers"), "{many}");
        let text = "x".repeat(300);
        let json = format!(r#"{{"kind":"ip","ns":["a.x"],"apex":{{"txt":["{text}","{text}"]}}}}"#);
        assert!(warnings(&json).starts_with("apex.txt has 600 octets"));
    }

    #[test]
    fn mailboxes_are_read_in_both_forms() {
        for (text, name) in [
            ("hostmaster@example.org", "hostmaster.example.org."),
            ("hostmaster.example.org.", "hostmaster.example.org."),
            (r"a\.b.example.org", r"a\.b.example.org."),
            ("root", "root."),
        ] {
            assert_eq!(mailbox(text).unwrap().to_absolute(), name, "{text}");
        }
        for text in ["", "@example.org", "a b@example.org", "a@b@example.org"] {
            assert!(mailbox(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rules_are_told_from_typing_errors() {
        let err = zone(r#"{"kind":"ip","ns":[]}"#).unwrap_err();
        assert!(matches!(err, BodyError::Refused(_)), "{err:?}");
        let err = zone(r#"{"kind":"ip","ns":["a b"]}"#).unwrap_err();
        assert!(matches!(err, BodyError::Malformed(_)), "{err:?}");
        let err = zone(r#"{"kind":"ip","ns":["ns.example"],"zone":"other.example"}"#).unwrap_err();
        assert!(matches!(err, BodyError::Malformed(_)), "{err:?}");
    }
}
