//! Zones.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use dnsbl_store::ZoneRecord;
use dnsbl_types::{Apex, Name, NameError, Serial, SoaTimes, Zone, ZoneKind, ZoneSpec};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BodyError, parse, parse_all, texts, warning};

/// What a zone lists.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ZoneKind)]
pub(crate) enum Kind {
    /// Addresses and prefixes of both families.
    Ip,
    /// Domains.
    Domain,
}

/// The settings of a zone.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ZoneBody)]
pub(crate) struct ZoneIn {
    kind: Kind,
    /// Name servers; those inside the zone need glue.
    #[schema(example = json!(["ns1.example.net."]))]
    ns: Vec<String>,
    soa: Option<SoaIn>,
    /// TTL of positive answers, in seconds. Default 300.
    ttl: Option<u32>,
    /// TTL of negative answers, in seconds. Default 60.
    negative_ttl: Option<u32>,
    /// Codes of listings without codes of their own. Default 127.0.0.2.
    return_codes: Option<Vec<String>>,
    /// Reason of listings without one of their own. Default "$ is listed in ZONE".
    reason: Option<String>,
    /// Each N is a test entry 127.0.0.N that answers itself. Default none.
    test_codes: Option<Vec<u8>>,
    apex: Option<ApexBody>,
    /// Addresses of names inside the zone. Default none.
    glue: Option<BTreeMap<String, Vec<String>>>,
    /// As it reads back; must be the zone of the path.
    zone: Option<String>,
    /// As it reads back; ignored.
    #[serde(rename = "listings")]
    _listings: Option<u64>,
    /// As it reads back; ignored.
    #[serde(rename = "exclusions")]
    _exclusions: Option<u64>,
    /// As it reads back; ignored.
    #[serde(rename = "warnings")]
    _warnings: Option<Vec<String>>,
}

/// The SOA record.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = SoaBody)]
pub(crate) struct SoaIn {
    /// The primary name server. Default the first of `ns`.
    mname: Option<String>,
    /// The operator's mailbox, with `@` or as a name. Default `hostmaster.ZONE`.
    rname: Option<String>,
    /// Seconds. Default 3600.
    refresh: Option<u32>,
    /// Seconds. Default 600.
    retry: Option<u32>,
    /// Seconds. Default 604800.
    expire: Option<u32>,
    /// The serial becomes at least this one (RFC 1982).
    serial: Option<u32>,
}

/// Records at the apex besides SOA and NS.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Apex)]
pub(crate) struct ApexBody {
    /// A records.
    #[schema(value_type = Vec<String>)]
    a: Vec<Ipv4Addr>,
    /// AAAA records.
    #[schema(value_type = Vec<String>)]
    aaaa: Vec<Ipv6Addr>,
    /// TXT records.
    txt: Vec<String>,
}

impl ZoneIn {
    /// The checked zone, and the floor of its serial.
    pub(crate) fn into_zone(self, origin: Name) -> Result<(Zone, Option<Serial>), BodyError> {
        self.check_name(&origin)?;
        let ns: Vec<Name> = parse_all("ns", &self.ns)?;
        let soa = self.soa.unwrap_or_default();
        let apex = self.apex.unwrap_or_default();
        let reason = match self.reason {
            Some(reason) => parse("reason", &reason)?,
            None => parse("reason", &format!("$ is listed in {origin}"))?,
        };
        let mut spec = ZoneSpec::new(origin, self.kind.into(), ns, reason);
        if let Some(name) = &soa.mname {
            spec.mname = parse("soa.mname", name)?;
        }
        if let Some(text) = &soa.rname {
            spec.rname = mailbox(text).map_err(|err| BodyError::malformed("soa.rname", err))?;
        }
        if let Some(codes) = self.return_codes {
            spec.return_codes = parse_all("return_codes", &codes)?;
        }
        spec.soa = soa.times();
        spec.ttl = self.ttl.unwrap_or(spec.ttl);
        spec.negative_ttl = self.negative_ttl.unwrap_or(spec.negative_ttl);
        spec.test_codes = self.test_codes.unwrap_or_default();
        spec.apex = Apex { a: apex.a, aaaa: apex.aaaa, txt: apex.txt };
        spec.glue = glue(self.glue.unwrap_or_default())?;
        let zone = spec.check().map_err(BodyError::refused)?;
        Ok((zone, soa.serial.map(Serial)))
    }

    fn check_name(&self, origin: &Name) -> Result<(), BodyError> {
        let Some(zone) = &self.zone else {
            return Ok(());
        };
        if parse::<Name>("zone", zone)? == *origin {
            Ok(())
        } else {
            let detail = format!("{zone} is not the zone of the path, {origin}");
            Err(BodyError::malformed("zone", detail))
        }
    }
}

impl SoaIn {
    fn times(&self) -> SoaTimes {
        let default = SoaTimes::default();
        SoaTimes {
            refresh: self.refresh.unwrap_or(default.refresh),
            retry: self.retry.unwrap_or(default.retry),
            expire: self.expire.unwrap_or(default.expire),
        }
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

impl From<Kind> for ZoneKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Ip => Self::Ip,
            Kind::Domain => Self::Domain,
        }
    }
}

/// A zone as it is kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Zone)]
pub(crate) struct ZoneOut {
    /// Its name, without the final dot.
    zone: String,
    kind: Kind,
    /// Name servers.
    ns: Vec<String>,
    soa: SoaOut,
    /// TTL of positive answers, in seconds.
    ttl: u32,
    /// TTL of negative answers, in seconds.
    negative_ttl: u32,
    /// Codes of listings without codes of their own.
    return_codes: Vec<String>,
    /// Reason of listings without one of their own.
    reason: String,
    /// Test entries.
    test_codes: Vec<u8>,
    apex: ApexBody,
    /// Addresses of names inside the zone.
    glue: BTreeMap<String, Vec<String>>,
    /// How many listings it has; left out in the change feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    listings: Option<u64>,
    /// How many exclusions it has; left out in the change feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    exclusions: Option<u64>,
    /// What the settings are allowed to be but had better not; left out in the change feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<String>>,
}

/// The SOA record.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Soa)]
pub(crate) struct SoaOut {
    /// The primary name server.
    mname: String,
    /// The operator's mailbox as a name.
    rname: String,
    /// Seconds.
    refresh: u32,
    /// Seconds.
    retry: u32,
    /// Seconds.
    expire: u32,
    /// The serial as it is; left out in the change feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<u32>,
}

/// All zones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Zones)]
pub(crate) struct ZonesOut {
    /// By name.
    pub(crate) zones: Vec<ZoneOut>,
}

impl From<&Zone> for ZoneOut {
    fn from(zone: &Zone) -> Self {
        let glue = zone.glue.iter();
        Self {
            zone: zone.origin.to_string(),
            kind: match zone.kind {
                ZoneKind::Ip => Kind::Ip,
                ZoneKind::Domain => Kind::Domain,
            },
            ns: zone.ns.iter().map(Name::to_absolute).collect(),
            soa: SoaOut {
                mname: zone.mname.to_absolute(),
                rname: zone.rname.to_absolute(),
                refresh: zone.soa.refresh,
                retry: zone.soa.retry,
                expire: zone.soa.expire,
                serial: None,
            },
            ttl: zone.ttl,
            negative_ttl: zone.negative_ttl,
            return_codes: texts(&zone.return_codes),
            reason: zone.reason.template().to_owned(),
            test_codes: zone.test_codes.clone(),
            apex: ApexBody {
                a: zone.apex.a.clone(),
                aaaa: zone.apex.aaaa.clone(),
                txt: zone.apex.txt.clone(),
            },
            glue: glue.map(|(name, addresses)| (name.to_absolute(), texts(addresses))).collect(),
            listings: None,
            exclusions: None,
            warnings: None,
        }
    }
}

impl From<&ZoneRecord> for ZoneOut {
    fn from(record: &ZoneRecord) -> Self {
        let mut zone = Self::from(&record.zone);
        zone.soa.serial = Some(record.serial.0);
        zone.listings = Some(record.listings);
        zone.exclusions = Some(record.exclusions);
        zone.warnings = Some([amplifying(&record.zone), warning::of_zone(&record.zone)].concat());
        zone
    }
}

impl ZoneOut {
    /// The zone with one more warning.
    pub(crate) fn warn(mut self, warning: String) -> Self {
        self.warnings.get_or_insert_default().push(warning);
        self
    }

    /// What the settings had better not be.
    pub(crate) fn warnings(&self) -> &[String] {
        self.warnings.as_deref().unwrap_or_default()
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
    let octets = zone.reason.template().len();
    warn(octets > SHORT_TEXT, format!("reason has {octets} octets, more than {SHORT_TEXT}"));
    warnings
}

#[cfg(test)]
mod tests {
    use dnsbl_types::ReturnCode;

    use super::*;

    fn zone(json: &str) -> Result<(Zone, Option<Serial>), BodyError> {
        let parsed: ZoneIn = serde_json::from_str(json).unwrap();
        parsed.into_zone("bl.example.org".parse().unwrap())
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let (zone, serial) = zone(r#"{"kind":"ip","ns":["ns1.example.net."]}"#).unwrap();
        assert_eq!(serial, None);
        assert_eq!(zone.mname.to_absolute(), "ns1.example.net.");
        assert_eq!(zone.rname.to_absolute(), "hostmaster.bl.example.org.");
        assert_eq!(zone.soa, SoaTimes::default());
        assert_eq!((zone.ttl, zone.negative_ttl), (300, 60));
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
        let text = serde_json::to_string(&ZoneOut::from(&first)).unwrap();
        assert_eq!(zone(&text).unwrap().0, first);
    }

    /// Security review, M3.
    #[test]
    fn settings_that_amplify_are_warned_of() {
        let warnings = |json: &str| {
            let zone = zone(json).unwrap().0;
            let record = ZoneRecord { zone, serial: Serial(1), listings: 0, exclusions: 0 };
            ZoneOut::from(&record).warnings().join("\n")
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
