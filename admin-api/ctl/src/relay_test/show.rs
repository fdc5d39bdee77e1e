//! A test as text.

use admin_api_types::{RelayReturn, RelayTest};

use crate::text::{self, Cell};

/// What is told of a test, then what became of each probe.
pub(super) fn brief(test: &RelayTest) -> String {
    let second_test = test.second_test_at.as_ref().map(|at| ("second_test_at", at.cell()));
    let head = [
        ("address", test.address.cell()),
        ("domain", test.domain.cell()),
        ("ground", test.ground.cell()),
        ("id", test.id.cell()),
        ("listed", test.listed.cell()),
        ("port", test.port.cell()),
        ("retry_at", test.retry_at.cell()),
        ("returns_until", test.returns_until.cell()),
    ];
    let rest = [
        ("state", test.state.cell()),
        ("submitted_at", test.submitted_at.cell()),
        ("tested_at", test.tested_at.cell()),
        ("verdict", test.verdict.cell()),
        ("via", test.via.cell()),
    ];
    let rows = head.into_iter().chain(second_test).chain(rest);
    let rows: Vec<_> = rows.map(|(name, value)| vec![name.to_owned(), value]).collect();
    text::columns(&rows) + &probes(test)
}

/// The same, then texts of the submitter, what came back, and what was said.
pub(super) fn whole(test: &RelayTest) -> String {
    let texts = test.note.iter().chain(&test.evidence);
    let texts = texts.map(|text| format!("\n{}", indented(text.lines())));
    let returns = test.returns.iter().flatten().map(|returned| format!("\n{}", came(returned)));
    let said = indented(test.transcript.iter().flatten().map(String::as_str));
    let said = if said.is_empty() { said } else { format!("\n{said}") };
    brief(test) + &texts.collect::<String>() + &returns.collect::<String>() + &said
}

fn probes(test: &RelayTest) -> String {
    let probes = test.probes.iter();
    let rows: Vec<_> = probes.map(|probe| vec![probe.name.cell(), probe.outcome.cell()]).collect();
    if rows.is_empty() { String::new() } else { format!("\n{}", text::columns(&rows)) }
}

/// A message that came back: a line, and its headers below.
fn came(returned: &RelayReturn) -> String {
    let RelayReturn { kind, probe, peer, received_at, headers } = returned;
    let cells = [kind, probe, peer, received_at].map(Cell::cell);
    format!("{}\n{}", cells.join("  "), indented(headers.lines()))
}

fn indented<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(|line| format!("  {}\n", text::visible(line))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{RelayTest, brief, whole};

    fn test() -> RelayTest {
        let test = json!({
            "id": "aerukz4jvpg66", "address": "192.0.2.1", "port": 25, "ground": "self",
            "state": "pending", "verdict": null, "submitted_at": "a", "listed": false,
            "probes": [{"name": "plain", "outcome": "returned"}, {"name": "bang", "outcome": null}],
            "note": "seen\u{1b}[2J", "evidence": null,
            "transcript": ["> EHLO x", "< 250 y"],
            "returns": [{"probe": "plain", "kind": "return", "peer": "192.0.2.1",
                "received_at": "2026-11-22T06:00:00Z", "headers": "Received: a\nSubject: b"}],
        });
        serde_json::from_value(test).unwrap()
    }

    #[test]
    fn a_test_is_its_members_and_its_probes() {
        let shown = brief(&test());
        assert!(shown.starts_with("address        192.0.2.1\ndomain         -\n"), "{shown}");
        assert!(shown.ends_with("via            -\n\nplain  returned\nbang   -\n"), "{shown}");
        assert!(!shown.contains("second_test_at"), "{shown}");
    }

    #[test]
    fn a_whole_test_shows_what_was_said_and_nothing_a_terminal_obeys() {
        let shown = whole(&test());
        assert!(shown.ends_with(
            "\n  seen\\u{1b}[2J\n\nreturn  plain  192.0.2.1  2026-11-22T06:00:00Z\n  \
             Received: a\n  Subject: b\n\n  > EHLO x\n  < 250 y\n"
        ));
    }
}
