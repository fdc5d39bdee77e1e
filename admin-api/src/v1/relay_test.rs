//! Relay tests.

use admin_api_types::{RelayProbe, RelayReturn, RelayTest};
use dnsbl_types::UnixTime;
use relay_tester::{
    Probe,
    life::{Arrival, ArrivalKind, Patience, Sent, Test},
    text::{clean, clean_lines},
};

use super::time;

/// A test as it stands in a list.
pub(crate) fn brief(test: &Test, listed: bool, patience: Patience) -> RelayTest {
    RelayTest {
        id: test.id.to_string(),
        address: test.address.to_string(),
        port: test.port,
        ground: test.ground.as_str().into(),
        state: test.state.kind().as_str().into(),
        verdict: test.verdict().map(|verdict| verdict.as_str().into()),
        via: test.via.map(|via| via.to_string()),
        probes: test.sent.iter().map(probe).collect(),
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

/// A test with all that is known: also when the host is tested for the second time, where a delisting
/// waits for that.
pub(crate) fn whole(
    test: &Test,
    listed: bool,
    patience: Patience,
    second_test_at: Option<UnixTime>,
) -> RelayTest {
    RelayTest {
        second_test_at: second_test_at.map(time::write),
        // Those of older releases were cleaned less.
        transcript: Some(test.transcript.iter().map(|line| clean(line)).collect()),
        returns: Some(test.arrivals.iter().map(returned).collect()),
        ..brief(test, listed, patience)
    }
}

fn probe(sent: &Sent) -> RelayProbe {
    let outcome = sent.outcome.map(|outcome| outcome.as_str().into());
    RelayProbe { name: name(sent.probe), outcome }
}

fn returned(arrival: &Arrival) -> RelayReturn {
    let kind = match arrival.kind {
        ArrivalKind::Return => "return",
        ArrivalKind::Bounce => "bounce",
    };
    RelayReturn {
        probe: name(arrival.probe),
        kind: kind.into(),
        peer: arrival.peer.to_string(),
        received_at: time::write(arrival.at),
        headers: clean_lines(&arrival.headers),
    }
}

fn name(probe: u8) -> String {
    Probe::by_index(probe).map_or_else(|| format!("probe {probe}"), |probe| probe.name.into())
}
