//! Relay tests and opt-outs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A host to be tested.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelayTestBody {
    /// Its IPv4 or IPv6 address; names are not looked up.
    #[schema(example = "8.8.4.4")]
    pub address: String,
    /// Why: `self` (asked for by the host itself), `owner`, `evidence`, `retest` or `delist` (it is listed).
    #[schema(example = "evidence")]
    pub ground: String,
    /// Its port; other than 25 for the owner only. Left out: 25, or where a listed host was found open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// A domain for which it takes mail; used only if its MX is the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// How far the test goes, 1 to 4, for the owner only. 3 and 4 have odd forms that can upset old software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<u8>,
    /// What was seen: a message that the host relayed, with headers; at most 16 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// What shall be remembered, at most 1 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A test of a host.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct RelayTest {
    /// Its name.
    pub id: String,
    /// The host.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// Why it is tested.
    pub ground: String,
    /// How far it is: queued, testing, pending, done or cancelled.
    pub state: String,
    /// What it found: clean, open, blocked, unreachable or inconclusive; null: nothing yet.
    pub verdict: Option<String>,
    /// Through whom messages came back, if not from the host itself.
    pub via: Option<String>,
    /// What became of each probe that was sent, in order.
    pub probes: Vec<RelayProbe>,
    /// When it was asked for.
    pub submitted_at: String,
    /// When the conversation with the host ended.
    pub tested_at: Option<String>,
    /// When the host is tried again, since it answered with 4xx; null where it did not.
    pub retry_at: Option<String>,
    /// Until when a message that comes back still counts.
    pub returns_until: Option<String>,
    /// Whether the host is listed as an open relay now.
    pub listed: bool,
    /// A domain for which the host takes mail.
    pub domain: Option<String>,
    /// What the submitter had seen; null without a token.
    pub evidence: Option<String>,
    /// What the submitter wanted to be remembered; null without a token.
    pub note: Option<String>,
    /// When the host is tested for the second time, where it has passed the first of the two tests that a
    /// delisting takes. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_test_at: Option<String>,
    /// What was said, without the secret parts of addresses. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Vec<String>>,
    /// What came back, without the secret parts of addresses. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<Vec<RelayReturn>>,
}

/// A probe.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct RelayProbe {
    /// Its name, as in docs/relay-tests.md.
    pub name: String,
    /// What became of it: refused, accepted, returned, bounced, deferred (4xx) or error; null: it is on its
    /// way.
    pub outcome: Option<String>,
}

/// A message that came back.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct RelayReturn {
    /// Of which probe.
    pub probe: String,
    /// `return`, or `bounce`, which proves nothing.
    pub kind: String,
    /// Who brought it.
    pub peer: String,
    /// When.
    pub received_at: String,
    /// Its headers.
    pub headers: String,
}

/// Tests, the newest first.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct RelayTests {
    /// The tests.
    pub relay_tests: Vec<RelayTest>,
    /// Where to go on; null at the end.
    pub next: Option<String>,
}

/// Networks that are not tested.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct RelayOptOuts {
    /// Their prefixes.
    pub opt_outs: Vec<String>,
}

/// A network that is not tested.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct RelayOptOut {
    /// Its prefix.
    pub prefix: String,
}
