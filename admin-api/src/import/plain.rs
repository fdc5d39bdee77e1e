//! Plain text: one subject a line, `!` before it excludes.

use std::io::{self, BufRead};

use dnsbl_types::{ListingBody, Subject};

use super::{
    Row,
    lines::{Lines, text},
};

/// The rows of a plain body.
pub(super) fn rows(mut lines: Lines<impl BufRead>) -> impl Iterator<Item = io::Result<Row>> {
    std::iter::from_fn(move || next(&mut lines).transpose())
}

fn next(lines: &mut Lines<impl BufRead>) -> io::Result<Option<Row>> {
    while let Some((number, line)) = lines.next_raw()? {
        let row = match line {
            Ok(line) => row(line),
            Err(err) => Some(Err(err)),
        };
        if let Some(row) = row {
            return Ok(Some((number, row)));
        }
    }
    Ok(None)
}

/// What a line says; `None` for an empty one and a comment.
fn row(line: &[u8]) -> Option<Result<(Subject, ListingBody), String>> {
    // Most lines of most lists are an address and nothing else.
    match Subject::dotted_quad(line) {
        Some(subject) => Some(Ok((subject, ListingBody::default()))),
        None => text(line).map_or_else(|err| Some(Err(err)), row_of_any_kind),
    }
}

fn row_of_any_kind(text: &str) -> Option<Result<(Subject, ListingBody), String>> {
    let text = text.trim_start_matches([' ', '\t']);
    if text.is_empty() || text.starts_with(['#', ';']) {
        return None;
    }
    let (exclusion, text) = match text.strip_prefix('!') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let end = text.bytes().position(|c| matches!(c, b' ' | b'\t')).unwrap_or(text.len());
    let body = ListingBody { exclusion, ..ListingBody::default() };
    let subject = text[..end].parse().map_err(|err| format!("subject: {err}"));
    Some(subject.map(|subject| (subject, body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Vec<(u64, Result<String, String>)> {
        let rows = rows(Lines::new(body.as_bytes())).map(Result::unwrap);
        let shown = rows.map(|(line, row)| {
            let shown = row.map(|(subject, body)| {
                format!("{}{subject}", if body.exclusion { "!" } else { "" })
            });
            (line, shown)
        });
        shown.collect()
    }

    #[test]
    fn comments_and_what_follows_a_blank_are_ignored() {
        let body = "\u{feff}# a\r\n; b\r\n\r\n192.0.2.1\r\n!192.0.2.2 :127.0.0.3:x\r\n192.0.2.0/24\ty\n*.example.com";
        assert_eq!(
            read(body),
            [
                (4, Ok("192.0.2.1".into())),
                (5, Ok("!192.0.2.2".into())),
                (6, Ok("192.0.2.0/24".into())),
                (7, Ok("*.example.com".into())),
            ]
        );
    }

    #[test]
    fn a_line_of_an_address_alone_is_read_like_any_other() {
        for line in ["192.0.2.1", "255.255.255.255", "0.0.0.0", "192.0.2.256", "1.2.3", "01.2.3.4"]
        {
            assert_eq!(row(line.as_bytes()), row_of_any_kind(line), "{line}");
        }
        assert_eq!(row(b"192.0.2.1 \xff"), Some(Err("byte 11 is not UTF-8".into())));
    }

    #[test]
    fn a_line_without_a_subject_is_rejected_with_its_number() {
        let read = read("192.0.2.1/24\n! 192.0.2.1\n192.0.2.1");
        assert!(read[0].1.as_ref().unwrap_err().contains("192.0.2.0/24"));
        assert!(read[1].1.is_err());
        assert_eq!(read[2], (3, Ok("192.0.2.1".into())));
    }
}
