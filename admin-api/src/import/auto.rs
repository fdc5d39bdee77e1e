//! The format of a body, by its beginning: the one that understands all of it, or nearly.

use std::io::BufRead;

use dnsbl_formats::lists::{ListFormat, ListReader};
use dnsbl_types::Subject;
use serde_json::Value;

use super::{
    format::{Content, Format},
    lines::Lines,
    ndjson::OTHERS,
    plain,
    row::ParsedRow,
};

/// Lines that are looked at.
const LOOKED_AT: usize = 500;

/// Of so many lines one may not be understood.
const ONE_OF: usize = 20;

/// Formats that are tried, in this order: where two read all of it, the first means what it says more often. What looks
/// like addresses and netmasks would be ranges as well.
const TRIED: [Option<ListFormat>; 7] = [
    None,
    Some(ListFormat::Netset),
    Some(ListFormat::Netmask),
    Some(ListFormat::Ranges),
    Some(ListFormat::Hosts),
    Some(ListFormat::Adblock),
    Some(ListFormat::Rpz),
];

/// The content of a body that begins so, or why that can't be told.
pub(super) fn detect(head: &[u8]) -> Result<Content, String> {
    // The last line may be cut off.
    let whole = memchr::memrchr(b'\n', head).map_or(head, |end| &head[..=end]);
    let first = whole.lines().map_while(Result::ok).find(|line| {
        let line = line.trim_start_matches('\u{feff}').trim();
        !line.is_empty() && !line.starts_with(['#', ';', '!'])
    });
    let first = first.as_deref().unwrap_or_default().trim_start_matches('\u{feff}').trim();
    if first.starts_with(['{', '[']) && !first.starts_with("[Adblock") {
        return json(first);
    }
    let mut cells = first.split(',').map(|cell| cell.trim().trim_matches('"'));
    if first.contains(',') && cells.any(|cell| cell == "subject") {
        return Ok(Content::Rows(Format::Csv));
    }
    let trials = TRIED.map(|format| Trial::of(format, whole));
    let best = trials.iter().min_by_key(|trial| trial.wrong).ok_or("nothing was tried")?;
    if best.wrong * ONE_OF > best.lines {
        let why = best.first_error.as_deref().unwrap_or_default();
        return Err(format!(
            "the format can't be told from the first lines: of {}, {} are not understood as {}, such as {why}; name the format",
            best.lines,
            best.wrong,
            best.format.map_or("plain", ListFormat::as_str),
        ));
    }
    Ok(best.format.map_or(Content::Rows(Format::Plain), Content::List))
}

/// JSON of which the first line shows where subjects stand.
fn json(first: &str) -> Result<Content, String> {
    let value: Value = serde_json::from_str(first).unwrap_or_default();
    if value.get("subject").is_some() {
        return Ok(Content::Rows(Format::Ndjson));
    }
    let named = OTHERS.iter().find(|name| value.get(**name).is_some_and(Value::is_string));
    match named.and_then(|name| name.parse().ok()) {
        Some(field) => Ok(Content::Lines(field)),
        None => Err(
            "this is JSON, and it can't be told where its subjects stand: name the format json or ndjson, and the field"
                .into(),
        ),
    }
}

/// What a format makes of the first lines.
struct Trial {
    format: Option<ListFormat>,
    lines: usize,
    wrong: usize,
    first_error: Option<String>,
}

impl Trial {
    fn of(format: Option<ListFormat>, head: &[u8]) -> Self {
        let mut trial = Self { format, lines: 0, wrong: 0, first_error: None };
        match format {
            None => {
                for row in plain::rows(Lines::new(head)).take(LOOKED_AT).map_while(Result::ok) {
                    trial.count(row.0, row.1.map_err(|wrong| wrong.why).and_then(only_likely));
                }
            }
            Some(format) => {
                let (mut lines, mut reader) = (Lines::new(head), ListReader::new(format));
                while let Ok(Some((number, line))) = lines.next() {
                    let read = line
                        .map_err(|fault| fault.to_string())
                        .and_then(|line| reader.read(line).map_err(|err| err.to_string()));
                    if let Some(read) = read.transpose() {
                        trial.count(number, read.map(drop));
                    }
                    if trial.lines >= LOOKED_AT {
                        break;
                    }
                }
            }
        }
        trial
    }

    fn count(&mut self, line: u64, read: Result<(), String>) {
        self.lines += 1;
        if let Err(why) = read {
            self.wrong += 1;
            self.first_error.get_or_insert(format!("line {line}: {why}"));
        }
    }
}

/// A word alone is no domain that any list has, but the beginning of a sentence.
fn only_likely(row: ParsedRow) -> Result<(), String> {
    match row.subject {
        Subject::Domain(domain) if !domain.name().to_string().trim_matches('.').contains('.') => {
            Err(format!("{} is one label alone", domain.name()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(text: &str, content: &Content) {
        assert_eq!(detect(text.as_bytes()).as_ref(), Ok(content), "{text}");
    }

    #[test]
    fn a_format_is_told_by_the_first_lines() {
        let plain = Content::Rows(Format::Plain);
        is("", &plain);
        is("# only a comment\n", &plain);
        is("192.0.2.1\n192.0.2.0/24 ; SBL1\n!192.0.2.9\n", &plain);
        is("example.com\n*.example.com\n", &plain);
        is("192.0.2.1\t10\n192.0.2.7\t12\n", &plain);
        is("\u{feff}subject,note\n192.0.2.1,x\n", &Content::Rows(Format::Csv));
        is("{\"subject\":\"192.0.2.1\"}\n", &Content::Rows(Format::Ndjson));
        is("{\"cidr\":\"192.0.2.0/24\"}\n", &Content::Lines("cidr".parse().unwrap()));
        for (text, list) in [
            (
                "192.0.2.8 - 192.0.2.15\n192.0.2.32-192.0.2.39\n192.0.2.64 192.0.2.71\n",
                ListFormat::Ranges,
            ),
            (
                "# x\nStart\tEnd\tNetblock\n198.51.100.0\t198.51.100.255\t24\t3\n",
                ListFormat::Ranges,
            ),
            ("192.0.2.0 255.255.255.0\n198.51.100.0/255.255.255.0\n", ListFormat::Netmask),
            ("192.0.2.0 24\n", ListFormat::Netmask),
            ("create x hash:net\nadd x 192.0.2.0/24\n", ListFormat::Netset),
            (
                "127.0.0.1 localhost\n0.0.0.0 bad.example.com\nworse.example.com\n",
                ListFormat::Hosts,
            ),
            ("[Adblock Plus]\n! x\n||bad.example.com^\n", ListFormat::Adblock),
            ("$TTL 60\n@ SOA a. b. 1 2 3 4 5\nbad.example.com CNAME .\n", ListFormat::Rpz),
        ] {
            is(text, &Content::List(list));
        }
    }

    #[test]
    fn what_no_format_reads_is_told_with_the_first_line_that_is_not_understood() {
        for (text, part) in [
            ("192.0.2.1 :4:Dynamic\n.example.com\n", "line 1"),
            ("a,b,c\n1,192.0.2.1,3\n", "name the format"),
            ("[\n{\"ip\":\"192.0.2.1\"}]\n", "this is JSON"),
            ("{\"data\":{\"x\":1}}\n", "this is JSON"),
            ("This list has moved to another place.\nSorry for that.\n", "name the format"),
        ] {
            let err = detect(text.as_bytes()).unwrap_err();
            assert!(err.contains(part), "{text}: {err}");
        }
    }
}
