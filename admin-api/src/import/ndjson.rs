//! NDJSON: one listing body a line, with its subject.

use std::io::{self, BufRead};

use dnsbl_types::{ListingBody, Subject, UnixTime};

use super::{Row, lines::Lines};
use crate::v1::{BodyError, listing::ListingIn};

/// The rows of an NDJSON body.
pub(super) fn rows(
    mut lines: Lines<impl BufRead>,
    now: UnixTime,
) -> impl Iterator<Item = io::Result<Row>> {
    std::iter::from_fn(move || next(&mut lines, now).transpose())
}

fn next(lines: &mut Lines<impl BufRead>, now: UnixTime) -> io::Result<Option<Row>> {
    while let Some((number, text)) = lines.next()? {
        match text {
            Ok(text) if text.trim().is_empty() => {}
            text => return Ok(Some((number, text.and_then(|text| row(text, now))))),
        }
    }
    Ok(None)
}

fn row(text: &str, now: UnixTime) -> Result<(Subject, ListingBody), String> {
    // Serde would take an array for a struct.
    if !text.trim_start().starts_with('{') {
        return Err("the line is not a JSON object".into());
    }
    let listing = serde_json::from_str(text).map_err(|err| shown(&err))?;
    of_listing(listing, now)
}

/// What a row with named fields says.
pub(super) fn of_listing(
    mut listing: ListingIn,
    now: UnixTime,
) -> Result<(Subject, ListingBody), String> {
    let subject = listing.subject.take().unwrap_or_default();
    if subject.is_empty() {
        return Err("subject: is missing".into());
    }
    let subject = subject.parse().map_err(|err| format!("subject: {err}"))?;
    let body = listing.into_body(now).map_err(BodyError::into_text)?;
    Ok((subject, body))
}

/// The line that the parser counts is always the first.
fn shown(err: &serde_json::Error) -> String {
    err.to_string().replace(" at line 1 column ", " at column ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_listing_with_its_subject() {
        let body = concat!(
            "{\"subject\":\"192.0.2.1\",\"return_codes\":[\"127.0.0.4\"],\"tags\":[\"a\"]}\n\n",
            "{\"subject\":\"192.0.2.2\"\n",
            "{\"note\":\"x\"}\n",
            "{\"subject\":\"192.0.2.3\",\"colour\":1}\n",
            "{\"subject\":\"192.0.2.4\",\"expires_at\":\"2001-01-01T00:00:00Z\"}\n",
        );
        let rows = rows(Lines::new(body.as_bytes()), UnixTime(1_700_000_000));
        let rows: Vec<Row> = rows.map(Result::unwrap).collect();
        let (subject, listing) = rows[0].1.as_ref().unwrap();
        assert_eq!(subject.to_string(), "192.0.2.1");
        assert_eq!(listing.tags, ["a"]);
        let errors: Vec<_> = rows[1..]
            .iter()
            .map(|(line, row)| (*line, row.as_ref().unwrap_err().as_str()))
            .collect();
        assert!(errors[0].1.contains("at column 22"), "{errors:?}");
        assert_eq!(errors[1], (4, "subject: is missing"));
        assert!(errors[2].1.contains("unknown field `colour`"));
        assert_eq!(errors[3], (6, "it would have expired already"));
    }
}
