//! NDJSON: one listing body a line, with its subject.

use std::io::{self, BufRead};

use admin_api_types as api;
use dnsbl_types::UnixTime;
use serde_json::Value;

use super::{
    lines::Lines,
    row::{ParsedRow, Rejection, Row},
    seems::Seems,
};
use crate::v1::{BodyError, listing, time};

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
            Ok(text) => return Ok(Some((number, row(text, now)))),
            Err(err) => return Ok(Some((number, Err(err.into())))),
        }
    }
    Ok(None)
}

fn row(text: &str, now: UnixTime) -> Result<ParsedRow, Rejection> {
    // Serde would take an array for a struct.
    if !text.trim_start().starts_with('{') {
        return Err(Rejection::new("the line is not a JSON object".into(), Seems::Json));
    }
    match serde_json::from_str::<api::ListingBody>(text) {
        Ok(body) => of_listing(body, now).map_err(Rejection::text),
        Err(err) => Err(of_no_listing(text, &err)),
    }
}

/// Why an object is no listing: mostly one of somebody else's, with other names.
fn of_no_listing(text: &str, err: &serde_json::Error) -> Rejection {
    let object: Value = serde_json::from_str(text).unwrap_or_default();
    let named = OTHERS.iter().find_map(|name| Some((name, object.get(name)?.as_str()?)));
    match named {
        Some((name, value)) if object.get("subject").is_none() => {
            let value: String = value.chars().take(80).collect();
            let why = format!("the object has no subject; its {name:?}, {value:?}, seems to be it");
            Rejection::new(why, Seems::Json)
        }
        _ if err.is_eof() => Rejection::new(shown(err), Seems::Json),
        _ => Rejection::text(shown(err)),
    }
}

/// What others call a subject.
pub(super) const OTHERS: [&str; 12] = [
    "cidr",
    "ip",
    "address",
    "ip_address",
    "ipAddress",
    "prefix",
    "network",
    "domain",
    "host",
    "indicator",
    "value",
    "name",
];

/// What a row with named fields says.
pub(super) fn of_listing(fields: api::ListingBody, now: UnixTime) -> Result<ParsedRow, String> {
    let subject = match fields.subject.as_deref().unwrap_or_default() {
        "" => return Err("subject: is missing".into()),
        text => text.parse().map_err(|err| format!("subject: {err}"))?,
    };
    let source = match &fields.source {
        Some(name) => Some(name.parse().map_err(|err| format!("source: {err}"))?),
        None => None,
    };
    let listed_at = match &fields.listed_at {
        // Clocks differ; nothing was listed in the future.
        Some(at) => Some(time::read("listed_at", at).map_err(BodyError::into_text)?.min(now)),
        None => None,
    };
    let body = listing::read(fields, now).map_err(BodyError::into_text)?;
    Ok(ParsedRow { subject, body, source, listed_at, doubt: None })
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
        let said = rows[0].1.as_ref().unwrap();
        assert_eq!(said.subject.to_string(), "192.0.2.1");
        assert_eq!(said.body.tags, ["a"]);
        assert_eq!((&said.source, said.listed_at), (&None, None));
        let errors: Vec<_> = rows[1..]
            .iter()
            .map(|(line, row)| (*line, row.as_ref().unwrap_err().why.as_str()))
            .collect();
        assert!(errors[0].1.contains("at column 22"), "{errors:?}");
        assert_eq!(errors[1], (4, "subject: is missing"));
        assert!(errors[2].1.contains("unknown field `colour`"));
        assert_eq!(errors[3], (6, "it would have expired already"));
    }

    /// Newcomer A6: an export lost its sources and times on the way back.
    #[test]
    fn whose_listing_it_is_and_since_when_is_read_back() {
        let now = UnixTime(1_700_000_000);
        let row = |text: &str| row(text, now);
        let said = row(
            r#"{"subject":"192.0.2.1","source":"ipsum","listed_at":"2023-01-01T00:00:00Z","etag":"\"3\""}"#,
        );
        let said = said.unwrap();
        assert_eq!(said.source.unwrap().as_str(), "ipsum");
        assert_eq!(said.listed_at, Some(UnixTime(1_672_531_200)));
        let ahead = row(r#"{"subject":"192.0.2.1","listed_at":"2099-01-01T00:00:00Z"}"#);
        assert_eq!(ahead.unwrap().listed_at, Some(now));
        for text in [
            r#"{"subject":"192.0.2.1","source":"a b"}"#,
            r#"{"subject":"192.0.2.1","listed_at":"yesterday"}"#,
        ] {
            assert!(row(text).is_err(), "{text}");
        }
    }

    /// Field case 12.
    #[test]
    fn objects_of_others_say_what_seems_to_be_the_subject() {
        let now = UnixTime(1_700_000_000);
        let wrong = row(r#"{"cidr":"198.51.100.0/24","sblid":"SBL000001"}"#, now).unwrap_err();
        assert!(wrong.why.contains("\"cidr\", \"198.51.100.0/24\""), "{}", wrong.why);
        assert_eq!(wrong.seems, Some(Seems::Json));
        for text in ["[", "{", "\"192.0.2.1\",", "[\"192.0.2.1\"]"] {
            assert_eq!(row(text, now).unwrap_err().seems, Some(Seems::Json), "{text}");
        }
    }
}
