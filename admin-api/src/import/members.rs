//! JSON of somebody else's, with subjects in a member: an object a line, or whole documents.

use std::io::{self, BufRead, Read};

use dnsbl_formats::Field;
use serde_json::{Deserializer, Value};

use super::{
    lines::Lines,
    row::{ParsedRow, Rejection, Row},
    seems::Seems,
};

/// The most bytes of a document, which is kept in memory.
const MAX_DOCUMENT: u64 = 64 << 20;

/// The rows of lines.
pub(super) fn of_lines(
    mut lines: Lines<impl BufRead>,
    field: Field,
) -> impl Iterator<Item = io::Result<Row>> {
    let mut waiting: std::vec::IntoIter<Row> = Vec::new().into_iter();
    std::iter::from_fn(move || {
        loop {
            if let Some(row) = waiting.next() {
                return Some(Ok(row));
            }
            let (number, text) = match lines.next().transpose()? {
                Ok(line) => line,
                Err(err) => return Some(Err(err)),
            };
            let rows = match text {
                Ok(text) if text.trim().is_empty() => Vec::new(),
                Ok(text) => match serde_json::from_str::<Value>(text) {
                    Ok(value) => rows(&value, &field),
                    Err(err) => vec![Err(Rejection::new(format!("no JSON: {err}"), Seems::Json))],
                },
                Err(why) => vec![Err(why.into())],
            };
            let rows: Vec<Row> = rows.into_iter().map(|row| (number, row)).collect();
            waiting = rows.into_iter();
        }
    })
}

/// The rows of documents, one behind the other, numbered from 1 on. One that is broken ends the body with an error.
pub(super) fn of_documents(
    body: impl BufRead,
    field: Field,
) -> impl Iterator<Item = io::Result<Row>> {
    let limited = Limited { body, left: MAX_DOCUMENT };
    let mut documents = Deserializer::from_reader(limited).into_iter::<Value>();
    let mut waiting: std::vec::IntoIter<Result<ParsedRow, Rejection>> = Vec::new().into_iter();
    let (mut number, mut failed) = (0, false);
    std::iter::from_fn(move || {
        loop {
            if let Some(row) = waiting.next() {
                number += 1;
                return Some(Ok((number, row)));
            }
            if failed {
                return None;
            }
            match documents.next()? {
                Ok(value) => waiting = rows(&value, &field).into_iter(),
                Err(err) => {
                    failed = true;
                    return Some(Err(io::Error::from(err)));
                }
            }
        }
    })
}

/// The rows of a value.
fn rows(value: &Value, field: &Field) -> Vec<Result<ParsedRow, Rejection>> {
    // Spamhaus says how many lines there are in a line of its own.
    if value.get("type").and_then(Value::as_str) == Some("metadata") {
        return Vec::new();
    }
    let mut found = Vec::new();
    find(value, &field.members(), &mut found);
    let row = |found: Result<&str, String>| {
        let text = found.map_err(|why| Rejection::new(why, Seems::Json))?;
        let parsed = text.trim().parse().map(ParsedRow::plain);
        parsed.map_err(|err| Rejection::text(format!("{field}: {err}")))
    };
    found.into_iter().map(row).collect()
}

/// Walks down to the members; arrays on the way are walked through.
fn find<'a>(value: &'a Value, members: &[Vec<&str>], found: &mut Vec<Result<&'a str, String>>) {
    match (value, members.split_first()) {
        (Value::Array(values), _) => values.iter().for_each(|value| find(value, members, found)),
        (Value::String(text), None) => found.push(Ok(text)),
        (Value::Object(object), Some((names, rest))) => {
            let mut there = names.iter().filter_map(|name| object.get(*name)).peekable();
            match there.peek() {
                None => {
                    found.push(Err(format!("the object has no member {:?}", names.join("|"))));
                }
                Some(_) => there.for_each(|value| find(value, rest, found)),
            }
        }
        (_, Some((names, _))) => {
            found.push(Err(format!("there is no object with a member {:?}", names.join("|"))));
        }
        (_, None) => found.push(Err("the member holds no text".into())),
    }
}

/// A body of limited length.
struct Limited<R> {
    body: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            let why = format!("JSON documents of more than {MAX_DOCUMENT} bytes are not read");
            io::Error::other(why)
        })?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Shown = Vec<Result<String, String>>;

    fn shown(rows: impl Iterator<Item = io::Result<Row>>) -> io::Result<Shown> {
        let shown =
            |(_, row): Row| row.map(|row| row.subject.to_string()).map_err(|wrong| wrong.why);
        rows.map(|row| row.map(shown)).collect()
    }

    fn documents(text: &str, field: &str) -> io::Result<Shown> {
        shown(of_documents(text.as_bytes(), field.parse().unwrap()))
    }

    fn lines(text: &str, field: &str) -> Shown {
        shown(of_lines(Lines::new(text.as_bytes()), field.parse().unwrap())).unwrap()
    }

    /// Field case 12.
    #[test]
    fn the_lines_of_drop_are_read_and_their_count_is_not_a_row() {
        let text = "{\"cidr\":\"198.51.100.0/24\",\"sblid\":\"SBL000001\",\"rir\":\"arin\"}\n\
            {\"type\":\"metadata\",\"timestamp\":1700000000,\"records\":1}\n";
        assert_eq!(lines(text, "cidr"), [Ok("198.51.100.0/24".into())]);
        assert_eq!(documents(text, "cidr").unwrap(), [Ok("198.51.100.0/24".into())]);
        let rows = lines(
            "{\"cidr\":1}\n{\"ip\":\"192.0.2.1\"}\n[\n\n{\"cidr\":\"192.0.2.0/33\"}\n",
            "cidr",
        );
        assert_eq!(rows.len(), 4);
        assert!(rows.iter().all(Result::is_err), "{rows:?}");
    }

    #[test]
    fn a_path_leads_through_objects_and_arrays() {
        let text = r#"{"syncToken":"1","prefixes":[{"ip_prefix":"192.0.2.0/24"},{"v6":"2001:db8::/32"}],"more":["192.0.2.9"]}"#;
        assert_eq!(
            documents(text, "prefixes.ip_prefix|v6").unwrap(),
            [Ok("192.0.2.0/24".into()), Ok("2001:db8::/32".into())]
        );
        assert_eq!(documents(text, "more").unwrap(), [Ok("192.0.2.9".into())]);
        assert!(documents(text, "prefixes.ip_prefix").unwrap()[1].is_err());
        assert!(documents(text, "none").unwrap()[0].is_err());
        assert!(documents(text, "syncToken.x").unwrap()[0].is_err());
        assert_eq!(documents("[\"192.0.2.1\",\"192.0.2.2\"]", "x").unwrap().len(), 2);
    }

    #[test]
    fn a_document_that_breaks_off_is_an_error() {
        for text in [r#"{"a":["192.0.2.1""#, r#"{"a":"192.0.2.1"} x"#] {
            assert!(documents(text, "a").is_err(), "{text}");
        }
    }
}
