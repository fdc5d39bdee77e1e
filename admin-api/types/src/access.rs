//! Who may ask, and how much.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who may ask a zone, and how much.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// What becomes of the queries that no rule is about. Default `pass`.
    pub default: AccessAction,
    /// Rules by prefix, of which the longest that holds the client decides; at most 4096.
    pub rules: Vec<AccessRule>,
    /// What subscribers are to the zone. Default `off`.
    pub subscribers: SubscriberMode,
    /// How a query is denied that nobody may ask, or that is one too many. Default `refused`.
    pub denial: Denial,
    /// How much may be asked by those who are no subscribers. Default anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quotas: Option<ZoneQuotas>,
    /// Who gets answers over 512 octets over UDP. Default whom the server gives them (`dns.large-udp`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub large_udp: Option<LargeUdp>,
}

/// Who gets answers over 512 octets over UDP, which somebody could have sent to others in their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LargeUdp {
    /// Whoever offers to take them.
    All,
    /// Whose cookie proves where he is, and networks that the server knows; others ask again by TCP.
    Cookie,
}

/// What becomes of the queries from a network: either `action`, or `return_code` and `reason`.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessRule {
    /// An address or prefix.
    #[schema(example = "192.0.2.0/24")]
    pub prefix: String,
    /// What becomes of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<AccessAction>,
    /// Whatever they ask for is listed with this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "127.0.0.3")]
    pub return_code: Option<String>,
    /// The reason for it, in which `$` is the client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What becomes of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccessAction {
    /// It is answered.
    #[default]
    Pass,
    /// It is answered with REFUSED.
    Refuse,
    /// It is answered as by a zone that lists nothing; test entries and the zone's own records stay.
    Empty,
    /// There is no reply.
    Ignore,
}

/// What subscribers are to a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SubscriberMode {
    /// Nothing.
    #[default]
    Off,
    /// Others may ask too, as the rules say.
    Optional,
    /// Nobody else may ask for a listing, but those whom a rule passes.
    Required,
}

/// How a query is denied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Denial {
    /// REFUSED, with the extended error 18.
    #[default]
    Refused,
    /// 127.255.255.252 for a key that does not count, .254 for who may not ask, .255 for one question too many.
    Code,
    /// No reply.
    Drop,
}

/// How much may be asked of a zone by those who are no subscribers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ZoneQuotas {
    /// By each address.
    pub address: Quota,
    /// By each /24, of IPv6 each /48.
    pub network: Quota,
    /// By all together.
    pub zone: Quota,
}

/// How many questions may be asked; left out: any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Quota {
    /// In a second, of which a tenth may come in one moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub per_second: Option<u32>,
    /// In a day, which begins at 00:00 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub per_day: Option<u32>,
}
