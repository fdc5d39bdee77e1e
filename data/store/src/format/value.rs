//! The values of the store, as they are written, and their conversions.
//!
//! Fields are only ever added as a new version (`codec.rs`), since postcard does not name them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use dnsbl_types::{
    Apex, Listing, Name, Reason, ReturnCode, SoaTimes, Source, Zone, ZoneKind, ZoneSpec,
};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// When and by whom something was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

fn name(text: &str) -> Result<Name, StoreError> {
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

/// A zone's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettingsValue {
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

impl From<&Zone> for SettingsValue {
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

impl TryFrom<SettingsValue> for Zone {
    type Error = StoreError;

    fn try_from(value: SettingsValue) -> Result<Self, StoreError> {
        let glue = value.glue.into_iter().map(|(owner, addresses)| Ok((name(&owner)?, addresses)));
        let spec = ZoneSpec {
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
        };
        spec.check().map_err(|err| StoreError::unreadable("zone", err))
    }
}
