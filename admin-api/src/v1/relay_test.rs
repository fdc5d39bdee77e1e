//! Relay tests and opt-outs.

use dnsbl_types::UnixTime;
use relay_tester::{
    Probe,
    life::{Arrival, ArrivalKind, Patience, Sent, Test, Verdict},
    text::{clean, clean_lines},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time;

/// A host to be tested.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RelayTestBody)]
pub(crate) struct RelayTestIn {
    /// Its IPv4 or IPv6 address; names are not looked up.
    #[schema(example = "8.8.4.4")]
    pub(crate) address: String,
    /// Why: `self` (asked for by the host itself), `owner`, `evidence`, `retest` or `delist` (it is listed).
    #[schema(example = "evidence")]
    pub(crate) ground: String,
    /// Its port; other than 25 for the owner only. Left out: 25, or where a listed host was found open.
    pub(crate) port: Option<u16>,
    /// A domain for which it takes mail; used only if its MX is the host.
    pub(crate) domain: Option<String>,
    /// How far the test goes, 1 to 4, for the owner only. 3 and 4 have odd forms that can upset old software.
    pub(crate) tier: Option<u8>,
    /// What was seen: a message that the host relayed, with headers; at most 16 KiB.
    pub(crate) evidence: Option<String>,
    /// What shall be remembered, at most 1 KiB.
    pub(crate) note: Option<String>,
}

/// A test of a host.
#[derive(Serialize, ToSchema)]
#[schema(as = RelayTest)]
pub(crate) struct RelayTestOut {
    /// Its name.
    id: String,
    /// The host.
    address: String,
    /// Its port.
    port: u16,
    /// Why it is tested.
    ground: &'static str,
    /// How far it is: queued, testing, pending, done or cancelled.
    state: &'static str,
    /// What it found: clean, open, blocked, unreachable or inconclusive; null: nothing yet.
    verdict: Option<&'static str>,
    /// Through whom messages came back, if not from the host itself.
    via: Option<String>,
    /// What became of each probe that was sent, in order.
    probes: Vec<ProbeOut>,
    /// When it was asked for.
    submitted_at: String,
    /// When the conversation with the host ended.
    tested_at: Option<String>,
    /// When the host is tried again, since it answered with 4xx; null where it did not.
    retry_at: Option<String>,
    /// Until when a message that comes back still counts.
    returns_until: Option<String>,
    /// Whether the host is listed as an open relay now.
    listed: bool,
    /// A domain for which the host takes mail.
    domain: Option<String>,
    /// What the submitter had seen; null without a token.
    evidence: Option<String>,
    /// What the submitter wanted to be remembered; null without a token.
    note: Option<String>,
    /// When the host is tested for the second time, where it has passed the first of the two tests that a
    /// delisting takes. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    second_test_at: Option<String>,
    /// What was said, without the secret parts of addresses. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript: Option<Vec<String>>,
    /// What came back, without the secret parts of addresses. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    returns: Option<Vec<ReturnOut>>,
}

/// A probe.
#[derive(Serialize, ToSchema)]
#[schema(as = RelayProbe)]
pub(crate) struct ProbeOut {
    /// Its name, as in docs/relay-tests.md.
    name: String,
    /// What became of it: refused, accepted, returned, bounced, deferred (4xx) or error; null: it is on its
    /// way.
    outcome: Option<&'static str>,
}

/// A message that came back.
#[derive(Serialize, ToSchema)]
#[schema(as = RelayReturn)]
pub(crate) struct ReturnOut {
    /// Of which probe.
    probe: String,
    /// `return`, or `bounce`, which proves nothing.
    kind: &'static str,
    /// Who brought it.
    peer: String,
    /// When.
    received_at: String,
    /// Its headers.
    headers: String,
}

/// Tests, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = RelayTests)]
pub(crate) struct RelayTestsOut {
    /// The tests.
    pub(crate) relay_tests: Vec<RelayTestOut>,
    /// Where to go on; null at the end.
    pub(crate) next: Option<String>,
}

/// Networks that are not tested.
#[derive(Serialize, ToSchema)]
#[schema(as = RelayOptOuts)]
pub(crate) struct OptOutsOut {
    /// Their prefixes.
    pub(crate) opt_outs: Vec<String>,
}

/// A network that is not tested.
#[derive(Serialize, ToSchema)]
#[schema(as = RelayOptOut)]
pub(crate) struct OptOutOut {
    /// Its prefix.
    pub(crate) prefix: String,
}

impl RelayTestOut {
    /// A test as it stands in a list.
    pub(crate) fn brief(test: &Test, listed: bool, patience: Patience) -> Self {
        Self {
            id: test.id.to_string(),
            address: test.address.to_string(),
            port: test.port,
            ground: test.ground.as_str(),
            state: test.state.kind().as_str(),
            verdict: test.verdict().map(Verdict::as_str),
            via: test.via.map(|via| via.to_string()),
            probes: test.sent.iter().map(ProbeOut::from).collect(),
            submitted_at: time::write(test.submitted_at),
            tested_at: test.tested_at().map(time::write),
            retry_at: test.retry_at().map(time::write),
            returns_until: test.tested_at().map(|at| time::write(at.plus(patience.pending_for))),
            listed,
            domain: test.domain.as_ref().map(ToString::to_string),
            evidence: test.evidence.as_deref().map(clean_lines),
            note: test.note.as_deref().map(clean_lines),
            second_test_at: None,
            transcript: None,
            returns: None,
        }
    }

    /// A test with all that is known.
    pub(crate) fn whole(test: &Test, listed: bool, patience: Patience) -> Self {
        Self {
            // Those of older releases were cleaned less.
            transcript: Some(test.transcript.iter().map(|line| clean(line)).collect()),
            returns: Some(test.arrivals.iter().map(ReturnOut::from).collect()),
            ..Self::brief(test, listed, patience)
        }
    }

    /// The same with the time of the second test that a delisting takes, if there is to be one.
    pub(crate) fn with_second_test(self, at: Option<UnixTime>) -> Self {
        Self { second_test_at: at.map(time::write), ..self }
    }

    /// The same without what the submitter wrote.
    pub(crate) fn without_words(self) -> Self {
        Self { evidence: None, note: None, ..self }
    }
}

impl From<&Sent> for ProbeOut {
    fn from(sent: &Sent) -> Self {
        Self { name: name(sent.probe), outcome: sent.outcome.map(|outcome| outcome.as_str()) }
    }
}

impl From<&Arrival> for ReturnOut {
    fn from(arrival: &Arrival) -> Self {
        Self {
            probe: name(arrival.probe),
            kind: match arrival.kind {
                ArrivalKind::Return => "return",
                ArrivalKind::Bounce => "bounce",
            },
            peer: arrival.peer.to_string(),
            received_at: time::write(arrival.at),
            headers: clean_lines(&arrival.headers),
        }
    }
}

fn name(probe: u8) -> String {
    Probe::by_index(probe).map_or_else(|| format!("probe {probe}"), |probe| probe.name.into())
}
