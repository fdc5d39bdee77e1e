//! A test as text.

use serde_json::Value;

use crate::text;

/// What has paragraphs of its own.
const PARAGRAPHS: [&str; 5] = ["probes", "transcript", "returns", "evidence", "note"];

/// What is told of a test, then what became of each probe.
pub(super) fn brief(test: &Value) -> String {
    let mut head = test.clone();
    for name in PARAGRAPHS {
        head.as_object_mut().map(|head| head.remove(name));
    }
    text::members(&head) + &probes(test)
}

/// The same, then texts of the submitter, what came back, and what was said.
pub(super) fn whole(test: &Value) -> String {
    let texts = ["note", "evidence"].iter().filter_map(|name| test[name].as_str());
    let texts = texts.map(|text| format!("\n{}", indented(text.lines())));
    let returns = items(test, "returns").map(|returned| format!("\n{}", came(returned)));
    let said: String = indented(items(test, "transcript").filter_map(Value::as_str));
    let said = if said.is_empty() { said } else { format!("\n{said}") };
    brief(test) + &texts.collect::<String>() + &returns.collect::<String>() + &said
}

fn probes(test: &Value) -> String {
    let rows: Vec<_> =
        items(test, "probes").map(|probe| text::cells(probe, &["name", "outcome"])).collect();
    if rows.is_empty() { String::new() } else { format!("\n{}", text::columns(&rows)) }
}

/// A message that came back: a line, and its headers below.
fn came(returned: &Value) -> String {
    let cells = text::cells(returned, &["kind", "probe", "peer", "received_at"]);
    let headers = returned["headers"].as_str().unwrap_or_default();
    format!("{}\n{}", cells.join("  "), indented(headers.lines()))
}

fn indented<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(|line| format!("  {}\n", text::visible(line))).collect()
}

fn items<'a>(test: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    test[name].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{brief, whole};

    fn test() -> Value {
        json!({
            "id": "aerukz4jvpg66", "address": "192.0.2.1", "verdict": null,
            "probes": [{"name": "plain", "outcome": "returned"}, {"name": "bang", "outcome": null}],
            "note": "seen\u{1b}[2J", "evidence": null,
            "transcript": ["> EHLO x", "< 250 y"],
            "returns": [{"probe": "plain", "kind": "return", "peer": "192.0.2.1",
                "received_at": "2026-11-22T06:00:00Z", "headers": "Received: a\nSubject: b"}],
        })
    }

    #[test]
    fn a_test_is_its_members_and_its_probes() {
        assert_eq!(
            brief(&test()),
            "address  192.0.2.1\nid       aerukz4jvpg66\nverdict  -\n\n\
             plain  returned\nbang   -\n"
        );
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
