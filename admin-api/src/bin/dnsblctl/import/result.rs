//! What an import did, or would have done.

use serde_json::Value;

use crate::{
    failure::Refusal,
    output::{self, Output},
    text,
};

/// The counts of a result, in the order in which they are told.
const COUNTS: [&str; 5] = ["added", "updated", "unchanged", "removed", "rejected"];

/// The result as one line.
pub(super) fn line(result: &Value, dry_run: bool) -> String {
    let tail = match dry_run {
        true => "dry run, nothing is changed".to_owned(),
        false => format!("seq {}", text::cell(&result["seq"])),
    };
    format!("{}  {tail}\n", counts(result))
}

/// Says what an import that was refused would have done, if the problem tells.
pub(super) fn explain(err: &anyhow::Error, output: Output) {
    let problem = err.downcast_ref().map(Refusal::problem);
    let problem = problem.unwrap_or_default();
    if COUNTS.iter().any(|name| problem[*name].is_u64()) && !output.is_json() {
        output::note(counts(&problem));
    }
    complain(&problem, output);
}

/// Tells the rejected lines and the warnings on standard error, unless they stand in the JSON.
pub(super) fn complain(result: &Value, output: Output) {
    if !output.is_json() {
        rejected(result).into_iter().chain(warnings(result)).for_each(output::note);
    }
}

fn warnings(result: &Value) -> Vec<String> {
    let warnings = result["warnings"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |warning: &Value| match warning["line"].as_u64() {
        Some(line) => format!("warning: line {line}: {}", text::cell(&warning["text"])),
        None => format!("warning: {}", text::cell(&warning["text"])),
    };
    warnings.iter().map(line).collect()
}

fn counts(result: &Value) -> String {
    let count = |name: &&str| format!("{name} {}", text::cell(&result[*name]));
    let counts: Vec<String> = COUNTS.iter().map(count).collect();
    counts.join("  ")
}

fn rejected(result: &Value) -> Vec<String> {
    let errors = result["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |error: &Value| {
        let [line, error] = ["line", "error"].map(|name| text::cell(&error[name]));
        format!("line {line}: {error}")
    };
    let untold = result["rejected"].as_u64().unwrap_or(0);
    let untold = untold.saturating_sub(errors.len() as u64);
    let untold = (untold > 0).then(|| format!("and {untold} more rejected lines"));
    errors.iter().map(line).chain(untold).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{line, rejected, warnings};

    #[test]
    fn a_result_is_one_line() {
        let result = json!({"added": 3, "updated": 0, "unchanged": 1, "removed": 2,
            "rejected": 0, "seq": 17});
        let counts = "added 3  updated 0  unchanged 1  removed 2  rejected 0";
        assert_eq!(line(&result, false), format!("{counts}  seq 17\n"));
        assert_eq!(line(&result, true), format!("{counts}  dry run, nothing is changed\n"));
    }

    #[test]
    fn rejected_lines_are_told_and_the_rest_counted() {
        let result = json!({"rejected": 3, "errors": [{"line": 12, "error": "no\tsubject"}]});
        assert_eq!(rejected(&result), ["line 12: no\\tsubject", "and 2 more rejected lines"]);
        assert!(rejected(&json!({"rejected": 0, "errors": []})).is_empty());
    }

    #[test]
    fn warnings_are_told_with_their_line() {
        let result =
            json!({"warnings": [{"line": 3, "text": "a"}, {"line": null, "text": "b\nc"}]});
        assert_eq!(warnings(&result), ["warning: line 3: a", "warning: b\\nc"]);
        assert!(warnings(&json!({})).is_empty());
    }
}
