//! Logins, and what they grant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A login, as JSON or as a form.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// Where the user is: an address.
    #[schema(example = "192.0.2.55")]
    pub address: String,
    /// Who it is; 1 to 256 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What the user logged in to; 1 to 32 of a-z, 0-9, `-` and `_`.
    #[schema(example = "pop3")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The allow zone. Default the one of the configuration, or the only one there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// `login` or `logout`, which ends what the user has there. Default `login`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The name of the session: a login that is reported twice counts once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Whether the connection was encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// When it happened; what is older than a minute grants nothing. Default now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// What came of a login.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct LoginResult {
    /// Whether the address has a grant now.
    pub granted: bool,
    /// The zone of the grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The address or network that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What Dovecot's auth policy wants to hear: the login may go on.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct PolicyResult {
    /// 0.
    pub status: i32,
    /// Empty.
    pub msg: String,
}

/// A grant: an address that may send.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Grant {
    /// The allow zone.
    pub zone: String,
    /// The address, or the network of an IPv6 grant that is one.
    pub address: String,
    /// Since when.
    pub since: String,
    /// When it ends, or ended.
    pub until: String,
    /// Whose logins it rests on.
    pub holds: Vec<Hold>,
    /// Whether an exclusion in the zone has DNS deny it all the same; left out where that is not so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub excluded: bool,
}

/// A user's part of a grant.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Hold {
    /// Who; null where that was not told.
    pub user: Option<String>,
    /// What the user logged in to the last time.
    pub service: String,
    /// How that was reported: `api`, `dovecot`, `policy`, `cyrus` or `drac`.
    pub via: String,
    /// The first login.
    pub first: String,
    /// The last login.
    pub last: String,
    /// When it ends, or ended.
    pub until: String,
    /// How many logins there were.
    pub logins: u32,
}

/// A page of grants.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct GrantPage {
    /// By zone and address; those that ended from the newest.
    pub grants: Vec<Grant>,
    /// What to send as `cursor` for the next page; null after the last.
    pub next: Option<String>,
}
