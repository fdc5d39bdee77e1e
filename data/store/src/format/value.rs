//! The values of the store, as they are written, and their conversions.
//!
//! Fields are only ever added as a new version (`codec.rs`), since postcard does not name them; settings of
//! zones as a new [`SettingValue`].

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
};

use dnsbl_types::{
    Access, AccessAction, AccessRules, Apex, Denial, GrantTerms, Include, Includes, LargeUdp,
    ListAll, Listing, Name, Quota, Reason, Records, RemovalRules, ReportCategory, ReportRule,
    ReportRules, Retirement, ReturnCode, SoaTimes, Source, SubscriberMode, UnixTime, Zone,
    ZoneKind, ZonePhase, ZoneQuotas, ZoneSpec,
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{StoreError, format::codec};

/// When and by whom something was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WriteStamp {
    pub(crate) listed_at: u64,
    pub(crate) updated_at: u64,
    pub(crate) listed_by: String,
    pub(crate) seq: u64,
}

impl WriteStamp {
    /// The stamp of a listing.
    pub(crate) fn of(listing: &Listing) -> Self {
        Self {
            listed_at: listing.listed_at.0,
            updated_at: listing.updated_at.0,
            listed_by: listing.listed_by.clone(),
            seq: listing.seq,
        }
    }
}

/// Return codes as they were stored; some may be such as are [never answered](ReturnCode::is_answered).
pub(crate) fn return_codes(codes: &[Ipv4Addr]) -> Result<Vec<ReturnCode>, StoreError> {
    let codes = codes.iter().map(|&code| ReturnCode::stored(code));
    codes.collect::<Result<_, _>>().map_err(|err| StoreError::unreadable("return code", err))
}

pub(crate) fn reason(text: &str) -> Result<Reason, StoreError> {
    text.parse().map_err(|err| StoreError::unreadable("reason", err))
}

pub(crate) fn name(text: &str) -> Result<Name, StoreError> {
    text.parse().map_err(|err| StoreError::unreadable("name", err))
}

pub(crate) fn source(text: &str) -> Result<Source, StoreError> {
    text.parse().map_err(|err| StoreError::unreadable("source", err))
}

/// A segment: what its rows have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SegmentValue {
    pub(crate) source: String,
    pub(crate) stamp: WriteStamp,
}

/// What moves with every change of a zone; kept when the zone is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateValue {
    pub(crate) serial: u32,
    pub(crate) listings: u64,
    pub(crate) exclusions: u64,
    /// Rows of each segment, tombstones included.
    pub(crate) rows: Vec<(u32, u64)>,
}

/// A zone's id and settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZoneValue {
    pub(crate) id: u32,
    pub(crate) settings: SettingsValue,
}

/// The second copy of a zone's settings and segments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CopyValue {
    pub(crate) zone: ZoneValue,
    pub(crate) segments: Vec<(u32, SegmentValue)>,
}

impl ZoneValue {
    /// Its value.
    pub(crate) fn encode(&self) -> Vec<u8> {
        codec::encode_as(codec::V2, self)
    }

    /// Reads what [`encode`](Self::encode) wrote, or a release before it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        if !codec::is_first(bytes) {
            return codec::decode_as(codec::V2, "zone", bytes);
        }
        let (id, first): (u32, FirstSettings) = codec::decode("zone", bytes)?;
        Ok(Self { id, settings: first.into() })
    }
}

impl CopyValue {
    /// Its value.
    pub(crate) fn encode(&self) -> Vec<u8> {
        codec::encode_as(codec::V2, self)
    }

    /// Reads what [`encode`](Self::encode) wrote, or a release before it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        if !codec::is_first(bytes) {
            return codec::decode_as(codec::V2, "copy", bytes);
        }
        let ((id, first), segments): ((u32, FirstSettings), _) = codec::decode("copy", bytes)?;
        Ok(Self { zone: ZoneValue { id, settings: first.into() }, segments })
    }
}

/// A zone's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettingsValue {
    first: FirstSettings,
    more: Vec<SettingValue>,
}

/// An owner of records, with types and their data.
type OwnerValue = (String, Vec<(u16, Vec<Box<[u8]>>)>);

/// A setting that the first release did not have, left out where it is as it was then. They are told apart by
/// their places, so new ones come at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum SettingValue {
    Allow {
        lifetime: u32,
        longest: u32,
        ipv6_prefix: u8,
    },
    Access {
        default: ActionValue,
        rules: Vec<(IpAddr, u8, ActionValue)>,
    },
    Subscribers {
        mode: ModeValue,
        denial: DenialValue,
    },
    /// By each address, by each network, by all.
    Quotas([QuotaValue; 3]),
    LargeUdp(LargeUdpValue),
    ParentTtl(u32),
    Includes(Vec<IncludeValue>),
    /// Types and data of each owner, as in messages.
    Records(Vec<OwnerValue>),
    Frozen,
    Retired {
        notice: String,
        test_entries_until: Option<u64>,
    },
    Reports(Vec<ReportRuleValue>),
    Removal {
        self_service: bool,
        confirm_by_mail: bool,
        promise: u32,
        wait: u32,
        longest_wait: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct IncludeValue {
    zone: String,
    return_codes: Vec<Ipv4Addr>,
    reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ReportRuleValue {
    category: String,
    return_code: Option<Ipv4Addr>,
    reason: Option<String>,
    reporters: u32,
    networks: u32,
    window: u32,
    expires_in: u32,
    longest: u32,
    trusted: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum ActionValue {
    Pass,
    Refuse,
    Empty,
    Ignore,
    List { return_code: Ipv4Addr, reason: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum ModeValue {
    Off,
    Optional,
    Required,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum DenialValue {
    Refused,
    Code,
    Drop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum LargeUdpValue {
    All,
    Cookie,
}

/// Questions in a second and in a day; 0: any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QuotaValue(u32, u32);

impl From<&AccessAction> for ActionValue {
    fn from(action: &AccessAction) -> Self {
        match action {
            AccessAction::Pass => Self::Pass,
            AccessAction::Refuse => Self::Refuse,
            AccessAction::Empty => Self::Empty,
            AccessAction::Ignore => Self::Ignore,
            AccessAction::List(ListAll { return_code, reason }) => {
                Self::List { return_code: return_code.addr(), reason: reason.template().into() }
            }
        }
    }
}

impl TryFrom<ActionValue> for AccessAction {
    type Error = StoreError;

    fn try_from(action: ActionValue) -> Result<Self, StoreError> {
        Ok(match action {
            ActionValue::Pass => Self::Pass,
            ActionValue::Refuse => Self::Refuse,
            ActionValue::Empty => Self::Empty,
            ActionValue::Ignore => Self::Ignore,
            ActionValue::List { return_code, reason: text } => {
                let code = ReturnCode::try_from(return_code);
                let return_code = code.map_err(|err| StoreError::unreadable("return code", err))?;
                Self::List(ListAll { return_code, reason: reason(&text)? })
            }
        })
    }
}

impl From<SubscriberMode> for ModeValue {
    fn from(mode: SubscriberMode) -> Self {
        match mode {
            SubscriberMode::Off => Self::Off,
            SubscriberMode::Optional => Self::Optional,
            SubscriberMode::Required => Self::Required,
        }
    }
}

impl From<ModeValue> for SubscriberMode {
    fn from(mode: ModeValue) -> Self {
        match mode {
            ModeValue::Off => Self::Off,
            ModeValue::Optional => Self::Optional,
            ModeValue::Required => Self::Required,
        }
    }
}

impl From<Denial> for DenialValue {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Refused => Self::Refused,
            Denial::Code => Self::Code,
            Denial::Drop => Self::Drop,
        }
    }
}

impl From<DenialValue> for Denial {
    fn from(denial: DenialValue) -> Self {
        match denial {
            DenialValue::Refused => Self::Refused,
            DenialValue::Code => Self::Code,
            DenialValue::Drop => Self::Drop,
        }
    }
}

impl From<Quota> for QuotaValue {
    fn from(quota: Quota) -> Self {
        let number = |count: Option<NonZeroU32>| count.map_or(0, NonZeroU32::get);
        Self(number(quota.per_second), number(quota.per_day))
    }
}

impl From<QuotaValue> for Quota {
    fn from(QuotaValue(per_second, per_day): QuotaValue) -> Self {
        Self { per_second: NonZeroU32::new(per_second), per_day: NonZeroU32::new(per_day) }
    }
}

impl From<FirstSettings> for SettingsValue {
    fn from(first: FirstSettings) -> Self {
        Self { first, more: Vec::new() }
    }
}

impl From<&Zone> for SettingsValue {
    fn from(zone: &Zone) -> Self {
        let GrantTerms { lifetime, longest, ipv6_prefix } =
            zone.kind.grant_terms().unwrap_or_default();
        let allow = SettingValue::Allow { lifetime, longest, ipv6_prefix };
        let allow = zone.kind.grant_terms().map(|_| allow);
        let parent_ttl = (zone.parent_ttl != ZoneSpec::default_parent_ttl(zone.kind))
            .then_some(SettingValue::ParentTtl(zone.parent_ttl));
        let later = [
            parent_ttl,
            includes_of(zone),
            records_of(zone),
            phase_of(zone),
            reports_of(zone),
            removal_of(zone),
        ];
        let more = allow.into_iter().chain(access_values(&zone.access));
        Self { first: zone.into(), more: more.chain(later.into_iter().flatten()).collect() }
    }
}

fn includes_of(zone: &Zone) -> Option<SettingValue> {
    let includes = zone.includes.as_slice().iter().map(|include| IncludeValue {
        zone: include.zone.to_string(),
        return_codes: include.return_codes.iter().map(|code| code.addr()).collect(),
        reason: include.reason.as_ref().map(|reason| reason.template().into()),
    });
    (!zone.includes.is_empty()).then(|| SettingValue::Includes(includes.collect()))
}

fn phase_of(zone: &Zone) -> Option<SettingValue> {
    match &zone.phase {
        ZonePhase::Active => None,
        ZonePhase::Frozen => Some(SettingValue::Frozen),
        ZonePhase::Retired(Retirement { notice, test_entries_until }) => {
            let (notice, until) = (notice.clone(), test_entries_until.map(|until| until.0));
            Some(SettingValue::Retired { notice, test_entries_until: until })
        }
    }
}

fn records_of(zone: &Zone) -> Option<SettingValue> {
    let records = zone.records.iter().map(|(owner, rrsets)| {
        let types = rrsets.iter().map(|rrset| (rrset.rtype().number(), rrset.data().to_vec()));
        (owner.to_string(), types.collect())
    });
    (!zone.records.is_empty()).then(|| SettingValue::Records(records.collect()))
}

fn reports_of(zone: &Zone) -> Option<SettingValue> {
    let rules = zone.reports.as_ref()?.iter().map(|(category, rule)| ReportRuleValue {
        category: category.as_str().into(),
        return_code: rule.return_code.map(|code| code.addr()),
        reason: rule.reason.as_ref().map(|reason| reason.template().into()),
        reporters: rule.reporters,
        networks: rule.networks,
        window: rule.window,
        expires_in: rule.expires_in,
        longest: rule.longest,
        trusted: rule.trusted.iter().map(|name| name.as_str().into()).collect(),
    });
    Some(SettingValue::Reports(rules.collect()))
}

fn removal_of(zone: &Zone) -> Option<SettingValue> {
    let RemovalRules { self_service, confirm_by_mail, promise, wait, longest_wait } = zone.removal;
    let value =
        SettingValue::Removal { self_service, confirm_by_mail, promise, wait, longest_wait };
    (zone.removal != RemovalRules::default()).then_some(value)
}

impl TryFrom<SettingsValue> for Zone {
    type Error = StoreError;

    fn try_from(SettingsValue { first, more }: SettingsValue) -> Result<Self, StoreError> {
        let mut spec = ZoneSpec::try_from(first)?;
        let mut parent_ttl = None;
        for setting in more {
            match setting {
                SettingValue::Allow { lifetime, longest, ipv6_prefix } => {
                    spec.kind = ZoneKind::Allow(GrantTerms { lifetime, longest, ipv6_prefix });
                }
                SettingValue::Access { default, rules } => {
                    spec.access.rules = access_rules(default, rules)?;
                }
                SettingValue::Subscribers { mode, denial } => {
                    (spec.access.subscribers, spec.access.denial) = (mode.into(), denial.into());
                }
                SettingValue::Quotas(quotas) => {
                    let [address, network, zone] = quotas.map(Quota::from);
                    spec.access.quotas = ZoneQuotas { address, network, zone };
                }
                SettingValue::LargeUdp(value) => {
                    spec.access.large_udp = Some(match value {
                        LargeUdpValue::All => LargeUdp::All,
                        LargeUdpValue::Cookie => LargeUdp::Cookie,
                    });
                }
                SettingValue::ParentTtl(seconds) => parent_ttl = Some(seconds),
                SettingValue::Includes(value) => spec.includes = includes(value)?,
                SettingValue::Records(value) => spec.records = records(value)?,
                SettingValue::Frozen => spec.phase = ZonePhase::Frozen,
                SettingValue::Retired { notice, test_entries_until } => {
                    let test_entries_until = test_entries_until.map(UnixTime);
                    spec.phase = ZonePhase::Retired(Retirement { notice, test_entries_until });
                }
                SettingValue::Reports(value) => spec.reports = Some(reports(value)?),
                SettingValue::Removal {
                    self_service,
                    confirm_by_mail,
                    promise,
                    wait,
                    longest_wait,
                } => {
                    spec.removal =
                        RemovalRules { self_service, confirm_by_mail, promise, wait, longest_wait };
                }
            }
        }
        spec.parent_ttl = parent_ttl.unwrap_or(ZoneSpec::default_parent_ttl(spec.kind));
        spec.check().map_err(|err| StoreError::unreadable("zone", err))
    }
}

/// The settings of who may ask, as far as they are not as they were first.
fn access_values(access: &Access) -> impl Iterator<Item = SettingValue> {
    let rules = access.rules.rules().iter();
    let rules = rules.map(|(net, action)| (net.addr(), net.prefix_len(), action.into()));
    let default = access.rules.default_action().into();
    let rules = SettingValue::Access { default, rules: rules.collect() };
    let rules = Some(rules).filter(|_| !access.rules.is_open());
    let (mode, denial) = (access.subscribers, access.denial);
    let subscribers = SettingValue::Subscribers { mode: mode.into(), denial: denial.into() };
    let is_usual = (mode, denial) == (SubscriberMode::default(), Denial::default());
    let ZoneQuotas { address, network, zone } = access.quotas;
    let quotas = SettingValue::Quotas([address, network, zone].map(QuotaValue::from));
    let has_quotas = access.quotas != ZoneQuotas::default();
    let subscribers = Some(subscribers).filter(|_| !is_usual);
    let large_udp = access.large_udp.map(|large_udp| match large_udp {
        LargeUdp::All => LargeUdpValue::All,
        LargeUdp::Cookie => LargeUdpValue::Cookie,
    });
    let quotas = Some(quotas).filter(|_| has_quotas);
    let large_udp = large_udp.map(SettingValue::LargeUdp);
    rules.into_iter().chain(subscribers).chain(quotas).chain(large_udp)
}

fn access_rules(
    default: ActionValue,
    rules: Vec<(IpAddr, u8, ActionValue)>,
) -> Result<AccessRules, StoreError> {
    let rules = rules.into_iter().map(|(addr, len, action)| {
        let net = IpNet::new(addr, len).map_err(|err| StoreError::unreadable("prefix", err))?;
        Ok((net, action.try_into()?))
    });
    let rules = rules.collect::<Result<Vec<_>, StoreError>>()?;
    let rules = AccessRules::new(default.try_into()?, rules);
    rules.map_err(|err| StoreError::unreadable("access", err))
}

fn includes(value: Vec<IncludeValue>) -> Result<Includes, StoreError> {
    let includes = value.into_iter().map(|value| {
        Ok(Include {
            zone: name(&value.zone)?,
            return_codes: return_codes(&value.return_codes)?,
            reason: value.reason.as_deref().map(reason).transpose()?,
        })
    });
    let includes = includes.collect::<Result<Vec<_>, StoreError>>()?;
    Includes::new(includes).map_err(|err| StoreError::unreadable("includes", err))
}

fn records(value: Vec<OwnerValue>) -> Result<Records, StoreError> {
    let owners = value.into_iter().map(|(owner, types)| Ok((name(&owner)?, types)));
    let owners = owners.collect::<Result<Vec<_>, StoreError>>()?;
    Records::from_wire(owners).map_err(|err| StoreError::unreadable("records", err))
}

fn reports(value: Vec<ReportRuleValue>) -> Result<ReportRules, StoreError> {
    let rules = value.into_iter().map(|value| {
        let category: Result<ReportCategory, _> = value.category.parse();
        let category = category.map_err(|err| StoreError::unreadable("category", err))?;
        let code = value.return_code.map(ReturnCode::stored).transpose();
        let trusted = value.trusted.iter().map(|name| source(name));
        let rule = ReportRule {
            return_code: code.map_err(|err| StoreError::unreadable("return code", err))?,
            reason: value.reason.as_deref().map(reason).transpose()?,
            reporters: value.reporters,
            networks: value.networks,
            window: value.window,
            expires_in: value.expires_in,
            longest: value.longest,
            trusted: trusted.collect::<Result<_, _>>()?,
        };
        Ok((category, rule))
    });
    let rules = rules.collect::<Result<Vec<_>, StoreError>>()?;
    ReportRules::new(rules).map_err(|err| StoreError::unreadable("reports", err))
}

/// The settings that the first release had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FirstSettings {
    origin: String,
    domain: bool,
    ns: Vec<String>,
    mname: String,
    rname: String,
    refresh: u32,
    retry: u32,
    expire: u32,
    ttl: u32,
    negative_ttl: u32,
    return_codes: Vec<Ipv4Addr>,
    reason: String,
    test_codes: Vec<u8>,
    apex_a: Vec<Ipv4Addr>,
    apex_aaaa: Vec<Ipv6Addr>,
    apex_txt: Vec<String>,
    glue: BTreeMap<String, Vec<IpAddr>>,
}

impl From<&Zone> for FirstSettings {
    fn from(zone: &Zone) -> Self {
        Self {
            origin: zone.origin.to_string(),
            domain: zone.kind == ZoneKind::Domain,
            ns: zone.ns.iter().map(Name::to_string).collect(),
            mname: zone.mname.to_string(),
            rname: zone.rname.to_string(),
            refresh: zone.soa.refresh,
            retry: zone.soa.retry,
            expire: zone.soa.expire,
            ttl: zone.ttl,
            negative_ttl: zone.negative_ttl,
            return_codes: zone.return_codes.iter().map(|code| code.addr()).collect(),
            reason: zone.reason.template().into(),
            test_codes: zone.test_codes.clone(),
            apex_a: zone.apex.a.clone(),
            apex_aaaa: zone.apex.aaaa.clone(),
            apex_txt: zone.apex.txt.clone(),
            glue: zone
                .glue
                .iter()
                .map(|(name, addresses)| (name.to_string(), addresses.clone()))
                .collect(),
        }
    }
}

impl TryFrom<FirstSettings> for ZoneSpec {
    type Error = StoreError;

    fn try_from(value: FirstSettings) -> Result<Self, StoreError> {
        let glue = value.glue.into_iter().map(|(owner, addresses)| Ok((name(&owner)?, addresses)));
        Ok(Self {
            origin: name(&value.origin)?,
            kind: if value.domain { ZoneKind::Domain } else { ZoneKind::Ip },
            ns: value.ns.iter().map(|ns| name(ns)).collect::<Result<_, _>>()?,
            mname: name(&value.mname)?,
            rname: name(&value.rname)?,
            soa: SoaTimes { refresh: value.refresh, retry: value.retry, expire: value.expire },
            ttl: value.ttl,
            negative_ttl: value.negative_ttl,
            return_codes: return_codes(&value.return_codes)?,
            reason: reason(&value.reason)?,
            test_codes: value.test_codes,
            apex: Apex { a: value.apex_a, aaaa: value.apex_aaaa, txt: value.apex_txt },
            glue: glue.collect::<Result<_, StoreError>>()?,
            access: Access::default(),
            parent_ttl: Self::PARENT_TTL,
            includes: Includes::default(),
            records: Records::default(),
            phase: ZonePhase::default(),
            reports: None,
            removal: RemovalRules::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(kind: ZoneKind) -> Zone {
        let ns = vec!["ns1.example.net".parse().unwrap()];
        let (origin, reason) = ("bl.example.org".parse().unwrap(), "listed: $".parse().unwrap());
        ZoneSpec::new(origin, kind, ns, reason).check().unwrap()
    }

    #[test]
    fn zones_of_the_release_before_are_read_as_they_were() {
        for kind in [ZoneKind::Ip, ZoneKind::Domain] {
            let zone = zone(kind);
            let first = FirstSettings::from(&zone);
            let old = codec::encode(&(7_u32, &first));
            let value = ZoneValue::decode(&old).unwrap();
            assert_eq!(value.id, 7);
            assert_eq!(Zone::try_from(value.settings).unwrap(), zone);
            let copy = codec::encode(&((7_u32, &first), Vec::<(u32, SegmentValue)>::new()));
            let copy = CopyValue::decode(&copy).unwrap();
            assert_eq!(Zone::try_from(copy.zone.settings).unwrap(), zone);
        }
    }

    #[test]
    fn settings_of_later_releases_are_kept() {
        let terms = GrantTerms { lifetime: 8, longest: 60, ipv6_prefix: 64 };
        is_kept(&zone(ZoneKind::Allow(terms)));
        let mut combined = ZoneSpec::clone(&zone(ZoneKind::Ip));
        combined.parent_ttl = 7;
        let include = |zone: &str, codes: &[&str], reason: Option<&str>| Include {
            zone: zone.parse().unwrap(),
            return_codes: codes.iter().map(|code| code.parse().unwrap()).collect(),
            reason: reason.map(|reason| reason.parse().unwrap()),
        };
        let second = include("b.example.org", &["127.0.0.4"], Some("relay $"));
        combined.includes =
            Includes::new(vec![include("c.example.org", &[], None), second]).unwrap();
        let types = [("A", "192.0.2.80"), ("MX", "10 mail.example.org."), ("TYPE65", r"\# 2 00ff")];
        let types = types.map(|(rtype, text)| (rtype.to_owned(), vec![text.to_owned()])).into();
        combined.records = Records::parse(&combined.origin, [("www", &types)]).unwrap();
        is_kept(&combined.check().unwrap());
        let mut reported = ZoneSpec::clone(&zone(ZoneKind::Ip));
        reported.reports = Some(ReportRules::default());
        is_kept(&reported.clone().check().unwrap());
        let rule = ReportRule {
            return_code: Some("127.0.0.5".parse().unwrap()),
            reason: Some("harvests: $".parse().unwrap()),
            trusted: vec!["mx1".parse().unwrap()],
            ..ReportRule::default()
        };
        let rules = [(ReportCategory::DirectoryHarvest, rule)];
        reported.reports = Some(ReportRules::new(rules).unwrap());
        is_kept(&reported.check().unwrap());
        let mut removing = ZoneSpec::clone(&zone(ZoneKind::Domain));
        removing.removal = RemovalRules { self_service: true, wait: 7, ..RemovalRules::default() };
        is_kept(&removing.check().unwrap());
    }

    #[track_caller]
    fn is_kept(zone: &Zone) {
        let value = ZoneValue { id: 1, settings: zone.into() };
        let read = ZoneValue::decode(&value.encode()).unwrap();
        assert_eq!(Zone::try_from(read.settings).unwrap(), *zone);
    }
}
