//! Why a command failed, and what it says then.

use std::fmt;

use admin_api_types::Problem;
use reqwest::StatusCode;
use serde::de::DeserializeOwned;

use crate::text;

/// Exit code: the server refused, something is listed, or the server is not ready.
pub(crate) const REFUSED: u8 = 1;
/// Exit code: bad usage, no answer, or one that makes no sense.
pub(crate) const UNUSABLE: u8 = 2;

/// The server's answer where it does not do what was asked: mostly a problem document (RFC 9457).
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The document.
    pub(crate) body: String,
    /// What to do instead, a line each.
    pub(crate) advice: Vec<String>,
}

/// What the API says, and what this command calls it.
const WORDS: [(&str, &str); 12] = [
    (
        "send the header `Authorization: Bearer TOKEN`",
        "name the file of a token with --token-file FILE or DNSBL_TOKEN_FILE",
    ),
    ("name the source with ?source=", "name the source with --source NAME"),
    ("?source=", "--source "),
    ("source=*", "--source '*'"),
    ("override=", "--override "),
    ("allow_rejected=1", "--allow-rejected"),
    ("max_removed=", "--max-removed "),
    ("strict=1", "--strict"),
    ("force=1", "--yes"),
    ("&dataset=", " --dataset "),
    ("dataset=", "--dataset "),
    ("format=", "--format "),
];

/// Nobody reads standard output any more: a reason to stop, not a failure.
#[derive(Debug)]
pub(crate) struct Unread;

impl Refusal {
    /// The document, where it is one.
    pub(crate) fn problem(&self) -> Option<Problem> {
        self.facts()
    }

    /// The facts of a problem of this kind, where the document has them.
    pub(crate) fn facts<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = self.problem().unwrap_or_default();
        let reason = self.status.canonical_reason().unwrap_or_default();
        let title = if problem.title.is_empty() { reason } else { &problem.title };
        let head = format!("{} {}", self.status.as_str(), text::visible(title));
        f.write_str(head.trim_end())?;
        match problem.detail.as_str() {
            detail if detail.is_empty() || detail == title => Ok(()),
            detail => write!(f, ": {}", in_our_words(text::visible(detail))),
        }
    }
}

/// What the API says in the words of this command.
pub(crate) fn in_our_words(detail: String) -> String {
    WORDS.iter().fold(detail, |detail, (theirs, ours)| detail.replace(theirs, ours))
}

impl std::error::Error for Refusal {}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the output")
    }
}

impl std::error::Error for Unread {}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use reqwest::StatusCode;

    use super::{Refusal, Unread};

    fn sentence(status: u16, body: &str) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        let body = body.to_owned();
        Refusal { status, body, advice: Vec::new() }.to_string()
    }

    #[test]
    fn a_problem_is_one_sentence() {
        let body =
            r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"2 rows are\nbad"}"#;
        assert_eq!(sentence(409, body), "409 Conflict: 2 rows are\\nbad");
        assert_eq!(sentence(404, r#"{"title":"no zone"}"#), "404 no zone");
    }

    #[test]
    fn advice_is_in_the_words_of_the_command() {
        let said = |detail: &str| sentence(422, &serde_json::json!({"detail": detail}).to_string());
        let said_of = |detail: &str| said(detail).replace("422 Unprocessable Entity: ", "");
        assert_eq!(
            said_of("10.1.2.3 overlaps 10.0.0.0/8; override=special-use lists it all the same"),
            "10.1.2.3 overlaps 10.0.0.0/8; --override special-use lists it all the same"
        );
        assert!(said_of("send the header `Authorization: Bearer TOKEN`").contains("--token-file"));
        assert_eq!(said_of("source=* deletes all"), "--source '*' deletes all");
        assert_eq!(said_of("or send force=1"), "or send --yes");
        assert_eq!(
            said_of("format=rbldnsd&dataset=ip4set reads it"),
            "--format rbldnsd --dataset ip4set reads it"
        );
    }

    #[test]
    fn what_is_no_problem_document_is_told_by_its_status() {
        assert_eq!(sentence(502, "<html>"), "502 Bad Gateway");
        assert_eq!(sentence(599, ""), "599");
    }

    #[test]
    fn the_cause_is_known_below_its_context() {
        let err = Err::<(), _>(Unread).context("one").context("two");
        assert!(err.unwrap_err().is::<Unread>());
    }
}
