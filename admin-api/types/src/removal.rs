//! Requests for removal, and how zones take them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a request for removal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RemovalState {
    /// It waits for the link in a mail to be followed.
    Unconfirmed,
    /// It waits for a reviewer, or for its time.
    Waiting,
    /// The relay is tested.
    Retest,
    /// A reviewer has granted it: the subject is removed.
    Granted,
    /// It was refused.
    Refused,
    /// The subject is removed, or was not listed any more.
    Done,
}

/// A request for removal.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovalBody {
    /// An address, a prefix or a domain.
    #[schema(example = "192.0.2.25")]
    pub subject: String,
    /// The zone that lists it. Default the only one that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "bl.example.org")]
    pub zone: Option<String>,
    /// A mailbox that is told of what comes of it, where this server sends mails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "taro@example.jp")]
    pub contact: Option<String>,
    /// What is to be said for it, on one line; what is longer than 1,024 bytes is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The language of mails: `en` or `ja`. Default `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ja")]
    pub language: Option<String>,
}

/// A request for removal as it is kept.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct RemovalRequest {
    /// Its number; later ones are higher.
    #[schema(example = "0006a1d2b4c00000")]
    pub id: String,
    /// How it stands.
    pub state: RemovalState,
    /// The zone that lists the subject, or did.
    pub zone: String,
    /// What shall be listed no more.
    pub subject: String,
    /// When it came.
    pub requested_at: String,
    /// Until when it is answered.
    pub due_at: String,
    /// Whether who asks has followed the link in a mail.
    pub confirmed: bool,
    /// The language of mails.
    pub language: String,
    /// Whether the subject is listed in the zone now; left out in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<bool>,
    /// Where it waits for its time: when the subject is removed without a reviewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<String>,
    /// Where it waits for a reviewer since something wider lists the subject: what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wider: Option<String>,
    /// Where it is tested: the relay test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_test: Option<String>,
    /// Where a relay test has refused it: with which verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Where it is removed: until when resolvers may answer from what they have kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_until: Option<String>,
    /// What opens its page, and is told once, to whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The name of the token that it came with; shown to those who may see requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// The network that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Whether somebody is told by mail of what comes of it; left out in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_contact: Option<bool>,
    /// What is said for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What a reviewer has decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<RemovalDecision>,
}

/// What a reviewer has decided.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct RemovalDecision {
    /// The name of the reviewer's token; `relay-test` where a test has decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    pub at: String,
    /// Why; of a test its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A page of requests for removal, the newest first.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct RemovalPage {
    /// The requests.
    pub removal_requests: Vec<RemovalRequest>,
    /// Where to go on; null where there are no more.
    pub next: Option<String>,
}

/// A ticket, or the token in a mail.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovalTicket {
    /// As it was told.
    #[schema(example = "aadkdu3yyaaaahvbfqyv6jxbkl3sgvd5ad3mkiu")]
    pub ticket: String,
}

/// How requests for removal are taken; what is left out is as usual.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RemovalRules {
    /// Whether who asks is removed without a reviewer, as far as nothing wider than the subject lists it. Default no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_service: Option<bool>,
    /// Whether who asks has to follow a link in a mail first. Default no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm_by_mail: Option<bool>,
    /// Within which time a request is answered, `1h` to `7d` (RFC 6471 section 2.2). Default `48h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "72h")]
    pub promise: Option<String>,
    /// How long the second removal of a subject without a reviewer waits; each that follows waits twice as long. Default
    /// `24h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "24h")]
    pub wait: Option<String>,
    /// How long none waits longer than; as long after the last removal it begins anew. Default `30d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "30d")]
    pub longest_wait: Option<String>,
}
