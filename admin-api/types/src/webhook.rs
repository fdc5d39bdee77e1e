//! Webhooks: servers of others that are told of changes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ChangeLine;

/// A webhook to be made, or what one is told to do from now on.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookBody {
    /// Where messages go: https to the Internet, or what the server's configuration allows. At most 2000 bytes, without user
    /// and password.
    #[schema(example = "https://hooks.example.org/dnsbl")]
    pub url: String,
    /// The zones of whose changes it is told, at most 64; none: those of all zones, and those that are about none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["bl.example.org"]))]
    pub zones: Vec<String>,
    /// The kinds of changes that it is told of, as `op` of `/v1/changes` names them, at most 64; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["put", "delete", "expire"]))]
    pub kinds: Vec<String>,
    /// `whsec_` and the base64 of 24 to 64 bytes. Default: one that the server makes; of a webhook that is there, those that it
    /// has stay. It takes the place of all of them at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Whether anything is sent. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The change behind which it begins, such as the `DNSBL-Seq` of an export. Default: behind the last change; of a webhook
    /// that is there, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// How a webhook gets another secret.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RotateWebhookBody {
    /// For how many seconds messages are signed with the secrets that it has, too, at most 2592000 (30 days). Default 86400 (a
    /// day); 0: they end at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 2_592_000)]
    pub overlap: Option<u64>,
    /// `whsec_` and the base64 of 24 to 64 bytes. Default: one that the server makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A webhook. Its secrets are not shown.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct Webhook {
    /// What it is known by: `wh-` and 16 hexadecimal digits.
    #[schema(example = "wh-7f3a90c2d5b81e46")]
    pub id: String,
    /// Where messages go.
    pub url: String,
    /// The zones of whose changes it is told; none: all.
    pub zones: Vec<String>,
    /// The kinds of changes that it is told of; none: all.
    pub kinds: Vec<String>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// The public id of the token that made it or last changed it: it is told what that may see.
    pub token_id: String,
    /// When it was made.
    pub created_at: String,
    /// When it got the newest of its secrets.
    pub secret_at: String,
    /// Until when messages are signed with secrets before that, too.
    pub secrets_until: Vec<String>,
    /// What came of it.
    pub status: WebhookStatus,
    /// The new secret, where the server made it; only in the answer to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// What came of a webhook.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct WebhookStatus {
    /// `waiting` for the first change to tell of, `ok`, `failing`, `paused` or `disabled`.
    #[schema(example = "ok")]
    pub state: String,
    /// The last change that is done with: the receiver has been told of it, or there was nothing to tell.
    pub position: u64,
    /// When a message was last sent, whatever came of it.
    pub last_attempt: Option<String>,
    /// When one was last taken.
    pub last_success: Option<String>,
    /// Messages that were taken since the server started.
    pub delivered: u64,
    /// Attempts that failed since the server started.
    pub failures: u64,
    /// Why no message is taken, if so.
    pub failing: Option<WebhookFailure>,
    /// Why nothing more is tried, if so; a PUT goes on.
    pub paused: Option<WebhookPause>,
}

/// Attempts that failed, one after the other.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct WebhookFailure {
    /// Since when.
    pub since: String,
    /// How often.
    pub times: u64,
    /// Why the last one did, in a word: `forbidden`, `unreachable`, `too-slow`, `redirect`, `status` or `unreadable`.
    #[schema(example = "unreachable")]
    pub reason: String,
    /// The same in words.
    pub detail: String,
    /// When the next attempt is due.
    pub next_try: String,
}

/// Why nothing more is tried.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct WebhookPause {
    /// Since when.
    pub since: String,
    /// `failing` for too long, `gone` (the receiver answers 410), `token` (it counts no more, or may not follow changes), or
    /// `compacted` (the change log no longer has what comes next).
    #[schema(example = "compacted")]
    pub reason: String,
    /// What to do.
    pub advice: String,
}

/// All webhooks.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct Webhooks {
    /// By id, which is in no particular order.
    pub webhooks: Vec<Webhook>,
}

/// What a receiver is sent: some changes in their order. The header has `webhook-id`, `webhook-timestamp` and
/// `webhook-signature`, as Standard Webhooks 1.0 has them.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct WebhookMessage {
    /// `changes`.
    #[serde(rename = "type")]
    #[schema(example = "changes")]
    pub kind: String,
    /// When the last of them was made.
    pub timestamp: String,
    /// The changes.
    pub data: WebhookChanges,
}

/// The changes of a message.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct WebhookChanges {
    /// Which webhook this is.
    pub webhook: String,
    /// `next` of the message before it that was taken.
    pub after: u64,
    /// The last change that this message covers.
    pub next: u64,
    /// Lines of the change feed; one of several operations has several lines with one `seq`.
    pub changes: Vec<ChangeLine>,
}
