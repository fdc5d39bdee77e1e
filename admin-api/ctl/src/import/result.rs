//! What an import did, or would have done.

use admin_api_types::{ImportCounts, ImportProblem, ImportReport, ImportResult, Warning};

use crate::{
    failure::{Refusal, in_our_words},
    output::{self, Output},
    text,
};

/// The result as one line.
pub(super) fn line(result: &ImportResult, dry_run: bool) -> String {
    let tail = match dry_run {
        true => "dry run, nothing is changed".to_owned(),
        false => format!("seq {}", result.seq),
    };
    format!("{}  {tail}\n", counts(&result.counts))
}

/// Says what an import that was refused would have done, if the problem tells.
pub(super) fn explain(err: &anyhow::Error, output: Output) {
    let problem = err.downcast_ref().and_then(Refusal::facts::<ImportProblem>);
    if let Some(ImportProblem { counts: of_rows, report }) = problem {
        if !output.is_json() {
            output::note(counts(&of_rows));
        }
        complain(&of_rows, &report.unwrap_or_default(), output);
    }
}

/// Tells the rejected lines and the warnings on standard error, unless they stand in the JSON.
pub(super) fn complain(counts: &ImportCounts, report: &ImportReport, output: Output) {
    if !output.is_json() {
        let rejected = rejected(counts.rejected, report).into_iter();
        rejected.chain(report.warnings.iter().map(warning)).for_each(output::note);
    }
}

fn warning(warning: &Warning) -> String {
    let text = in_our_words(text::visible(&warning.text));
    match warning.line {
        Some(line) => format!("warning: line {line}: {text}"),
        None => format!("warning: {text}"),
    }
}

fn counts(counts: &ImportCounts) -> String {
    let ImportCounts { added, updated, unchanged, removed, rejected } = counts;
    format!(
        "added {added}  updated {updated}  unchanged {unchanged}  removed {removed}  rejected {rejected}"
    )
}

fn rejected(count: u64, report: &ImportReport) -> Vec<String> {
    let errors = report.errors.iter();
    let lines =
        errors.map(|row| format!("line {}: {}", row.line, in_our_words(text::visible(&row.error))));
    let untold = count.saturating_sub(report.errors.len() as u64);
    let untold = (untold > 0).then(|| format!("and {untold} more rejected lines"));
    lines.chain(untold).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ImportReport, line, rejected, warning};

    fn report(report: Value) -> ImportReport {
        serde_json::from_value(report).unwrap()
    }

    #[test]
    fn a_result_is_one_line() {
        let result = json!({"id": "a", "added": 3, "updated": 0, "unchanged": 1, "removed": 2,
            "rejected": 0, "errors": [], "warnings": [], "seq": 17});
        let result = serde_json::from_value(result).unwrap();
        let counts = "added 3  updated 0  unchanged 1  removed 2  rejected 0";
        assert_eq!(line(&result, false), format!("{counts}  seq 17\n"));
        assert_eq!(line(&result, true), format!("{counts}  dry run, nothing is changed\n"));
    }

    #[test]
    fn rejected_lines_are_told_and_the_rest_counted() {
        let some =
            report(json!({"errors": [{"line": 12, "error": "no\tsubject"}], "warnings": []}));
        assert_eq!(rejected(3, &some), ["line 12: no\\tsubject", "and 2 more rejected lines"]);
        assert!(rejected(0, &ImportReport::default()).is_empty());
    }

    #[test]
    fn warnings_are_told_with_their_line() {
        let warnings = json!([{"line": 3, "text": "a"}, {"line": null, "text": "b\nc"}]);
        let report = report(json!({"errors": [], "warnings": warnings}));
        let told: Vec<String> = report.warnings.iter().map(warning).collect();
        assert_eq!(told, ["warning: line 3: a", "warning: b\\nc"]);
    }
}
