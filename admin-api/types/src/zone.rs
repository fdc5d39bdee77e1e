//! Zones.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Access, RemovalRules, ReportRules};

/// The kind of subjects that a zone lists.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ZoneKind {
    /// Addresses and prefixes of both families.
    Ip,
    /// Domains.
    Domain,
    /// Addresses that are granted something for a while, by logins.
    Allow,
}

impl ZoneKind {
    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Domain => "domain",
            Self::Allow => "allow",
        }
    }
}

/// The state of a zone in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ZoneState {
    /// It lists, and its listings change.
    #[default]
    Active,
    /// Nothing more is listed for now; what is listed may go.
    Frozen,
    /// It has ended: nothing is listed any more, whatever it has listed before.
    Retired,
}

impl ZoneState {
    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::Retired => "retired",
        }
    }
}

/// The end of a list that is told to whoever still asks it (RFC 6471 section 3.4).
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retirement {
    /// A TXT record at the apex. Default "ZONE has been retired and lists nothing: do not ask it any more".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// Until when the test entries are answered (RFC 3339). Default: not any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-06-30T00:00:00Z")]
    pub test_entries_until: Option<String>,
}

/// The settings of a zone.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneBody {
    /// What it lists.
    pub kind: ZoneKind,
    /// Name servers; those inside the zone need glue.
    #[schema(example = json!(["ns1.example.net."]))]
    pub ns: Vec<String>,
    /// The SOA record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soa: Option<SoaBody>,
    /// TTL of positive answers, in seconds. Default 300, of an allow zone 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// TTL of negative answers, in seconds. Default 60, of an allow zone 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative_ttl: Option<u32>,
    /// TTL of answers that a name above addresses, such as `2.0.192.ZONE`, has no records, in seconds: such a name is
    /// never listed itself. Default 3600, of an allow zone 1; a domain zone has no such names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_ttl: Option<u32>,
    /// Codes of listings without codes of their own. Default 127.0.0.2, of an allow zone 127.0.0.10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_codes: Option<Vec<String>>,
    /// Reason of listings without one of their own. Default "$ is listed in ZONE".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Each N is a test entry 127.0.0.N that answers itself. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_codes: Option<Vec<u8>>,
    /// Records at the apex besides SOA and NS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apex: Option<Apex>,
    /// Addresses of names inside the zone. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glue: Option<BTreeMap<String, Vec<String>>>,
    /// Who may ask. Default everybody; an allow zone only this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// Zones of the same kind whose listings are answered for here, too; at most 64, none of which includes others.
    /// Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub includes: Option<Vec<Include>>,
    /// Further records by owner and type. Owners are relative to the zone, `@` being the apex, or end with a dot.
    /// Types are A, AAAA, TXT, MX, CAA, and others as `TYPE65` with data as `\\# LENGTH HEX` (RFC 3597). Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!({"www": {"A": ["192.0.2.80"], "MX": ["10 mail.example.org."]}}))]
    pub records: Option<BTreeMap<String, BTreeMap<String, Vec<String>>>>,
    /// When reports list. Default: no reports are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<ReportRules>,
    /// How requests for removal are taken. Default: a reviewer decides within two days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removal: Option<RemovalRules>,
    /// Of an allow zone: seconds from a login to the end of what it grants. Default 600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
    /// Of an allow zone: seconds from a user's first login to the end of what renewals grant. Default 43200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest: Option<u32>,
    /// Of an allow zone: 128 where a login over IPv6 grants its address, 64 where its network. Default 128.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_prefix: Option<u8>,
    /// Whether it lists, and may list more. Default `active`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ZoneState>,
    /// How a zone ends; belongs to the state `retired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retirement: Option<Retirement>,
    /// As it reads back; must be the zone of the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// As it reads back; ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listings: Option<u64>,
    /// As it reads back; ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusions: Option<u64>,
    /// As it reads back; ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<String>>,
    /// As it reads back; ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen_sources: Option<Vec<String>>,
}

/// The SOA record.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SoaBody {
    /// The primary name server. Default the first of `ns`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mname: Option<String>,
    /// The operator's mailbox, with `@` or as a name. Default `hostmaster.ZONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rname: Option<String>,
    /// Seconds. Default 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<u32>,
    /// Seconds. Default 600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<u32>,
    /// Seconds. Default 604800.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire: Option<u32>,
    /// The serial becomes at least this one (RFC 1982).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<u32>,
}

/// Records at the apex besides SOA and NS.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Apex {
    /// A records.
    #[schema(value_type = Vec<String>)]
    pub a: Vec<Ipv4Addr>,
    /// AAAA records.
    #[schema(value_type = Vec<String>)]
    pub aaaa: Vec<Ipv6Addr>,
    /// TXT records.
    pub txt: Vec<String>,
}

/// A zone that is included in another.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Include {
    /// Its name.
    #[schema(example = "relays.example.org")]
    pub zone: String,
    /// What its listings answer with here in place of their own codes. Default their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_codes: Option<Vec<String>>,
    /// What its listings answer with here in place of their own reasons. Default their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A zone as it is kept.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Zone {
    /// Its name, without the final dot.
    pub zone: String,
    /// What it lists.
    pub kind: ZoneKind,
    /// Name servers.
    pub ns: Vec<String>,
    /// The SOA record.
    pub soa: Soa,
    /// TTL of positive answers, in seconds.
    pub ttl: u32,
    /// TTL of negative answers, in seconds.
    pub negative_ttl: u32,
    /// TTL of answers that a name above addresses has no records, in seconds; left out for a domain zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_ttl: Option<u32>,
    /// Codes of listings without codes of their own.
    pub return_codes: Vec<String>,
    /// Reason of listings without one of their own.
    pub reason: String,
    /// Test entries.
    pub test_codes: Vec<u8>,
    /// Records at the apex besides SOA and NS.
    pub apex: Apex,
    /// Addresses of names inside the zone.
    pub glue: BTreeMap<String, Vec<String>>,
    /// Who may ask; left out where that is everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// The zones that it includes; left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub includes: Vec<Include>,
    /// Further records by owner and type; left out where there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub records: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Whether it lists, and may list more.
    #[serde(default)]
    pub state: ZoneState,
    /// How it ends; left out where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retirement: Option<Retirement>,
    /// When reports list; left out where none are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<ReportRules>,
    /// How requests for removal are taken; left out where that is as usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removal: Option<RemovalRules>,
    /// Of an allow zone: seconds from a login to the end of what it grants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
    /// Of an allow zone: seconds from a user's first login to the end of what renewals grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest: Option<u32>,
    /// Of an allow zone: how many leading bits of an IPv6 address a login grants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_prefix: Option<u8>,
    /// How many listings it has; left out in the change feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listings: Option<u64>,
    /// How many exclusions it has; left out in the change feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusions: Option<u64>,
    /// The sources that take no writes; left out where there are none, and in the change feed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frozen_sources: Vec<String>,
    /// What the settings are allowed to be but had better not; left out in the change feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<String>>,
}

/// The SOA record.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Soa {
    /// The primary name server.
    pub mname: String,
    /// The operator's mailbox as a name.
    pub rname: String,
    /// Seconds.
    pub refresh: u32,
    /// Seconds.
    pub retry: u32,
    /// Seconds.
    pub expire: u32,
    /// The serial as it is; left out in the change feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<u32>,
}

/// All zones.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Zones {
    /// By name.
    pub zones: Vec<Zone>,
}
