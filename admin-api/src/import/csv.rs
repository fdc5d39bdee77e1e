//! CSV (RFC 4180): a header names the fields, several codes or tags are separated by `;`.
//!
//! In a list `\;` is a semicolon and `\\` a backslash. A `'` in front of what a spreadsheet would
//! take for a formula is dropped; the export puts it there.

use std::{
    io::{self, BufRead},
    mem,
};

use admin_api_types::ListingBody;
use csv_core::{ReadFieldResult, Reader, ReaderBuilder, Terminator};
use dnsbl_types::UnixTime;

use super::{
    lines::Lines,
    ndjson::of_listing,
    row::{MAX_ROW, ParsedRow, Rejection, Row},
};
use crate::export::csv::unguard;

/// Reads rows under a header.
pub(super) struct Csv<R> {
    records: Records<R>,
    header: Vec<String>,
    now: UnixTime,
}

/// The fields of a listing.
const FIELDS: [&str; 13] = [
    "subject",
    "return_codes",
    "reason",
    "exclusion",
    "tags",
    "note",
    "expires_at",
    "expires_in",
    "source",
    "etag",
    "listed_at",
    "updated_at",
    "listed_by",
];

impl<R: BufRead> Csv<R> {
    /// Reads the header, or says why it makes no sense. Comments may stand before it.
    pub(super) fn new(lines: Lines<R>, now: UnixTime) -> io::Result<Result<Self, String>> {
        let mut records = Records::new(lines);
        let header = match records.next()? {
            None => return Ok(Err("csv: there is no header".into())),
            Some((_, header)) => header.and_then(|header| check_header(&header)),
        };
        records.in_rows = header.as_ref().is_ok_and(|header| header[0] != "subject");
        Ok(header.map(|header| Self { records, header, now }))
    }

    fn row(&self, cells: Vec<String>) -> Result<ParsedRow, String> {
        if cells.len() != self.header.len() {
            let (has, needs) = (cells.len(), self.header.len());
            return Err(format!("the row has {has} cells, the header {needs}"));
        }
        let mut listing = ListingBody::default();
        for (field, cell) in self.header.iter().zip(cells) {
            if !cell.is_empty() {
                set(&mut listing, field, cell)?;
            }
        }
        of_listing(listing, self.now)
    }
}

impl<R: BufRead> Iterator for Csv<R> {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<io::Result<Row>> {
        let record = self.records.next().transpose()?;
        let row = |cells: Result<Vec<String>, String>| cells.and_then(|cells| self.row(cells));
        Some(record.map(|(line, cells)| (line, row(cells).map_err(Rejection::text))))
    }
}

fn check_header(header: &[String]) -> Result<Vec<String>, String> {
    let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    for (i, name) in header.iter().enumerate() {
        if !FIELDS.contains(&name.as_str()) {
            return Err(no_field(name, &header));
        }
        if header[..i].contains(name) {
            return Err(format!("csv: {name} stands in the header twice"));
        }
    }
    if !header.iter().any(|name| name == "subject") {
        return Err("csv: the header does not name subject".into());
    }
    Ok(header)
}

/// What to do about a header of somebody else's.
fn no_field(name: &str, header: &[String]) -> String {
    let fields = FIELDS.join(", ");
    let name: String = name.chars().take(80).collect();
    if name.parse::<dnsbl_types::Subject>().is_ok_and(|subject| subject.net().is_some()) {
        return format!(
            "csv: {name:?} stands where the header should; its first line names {fields}"
        );
    }
    let hint = if header.len() == 1 && name.contains([';', '\t', '|']) {
        "columns are separated by commas"
    } else if header.iter().any(|name| name == "subject") {
        "leave that column out"
    } else {
        "the column with addresses or domains must be named subject, and others left out"
    };
    format!("csv: {name:?} in the header is no field; those are {fields}; {hint}")
}

fn set(listing: &mut ListingBody, field: &str, cell: String) -> Result<(), String> {
    match field {
        "subject" => listing.subject = Some(cell),
        "return_codes" => listing.return_codes = Some(codes(&cell)?),
        "reason" => listing.reason = Some(unguard(&cell)),
        "exclusion" => listing.exclusion = Some(boolean(&cell)?),
        "tags" => listing.tags = Some(split(&unguard(&cell))),
        "note" => listing.note = Some(unguard(&cell)),
        "expires_at" => listing.expires_at = Some(cell),
        "expires_in" => {
            let wrong = |_| format!("expires_in: {cell:?} is not a number of seconds");
            listing.expires_in = Some(cell.parse().map_err(wrong)?);
        }
        "source" => listing.source = Some(cell),
        "listed_at" => listing.listed_at = Some(cell),
        // The rest is what reads back, and is not taken.
        _ => {}
    }
    Ok(())
}

/// Several codes, which others separate otherwise.
fn codes(cell: &str) -> Result<Vec<String>, String> {
    let codes = split(cell);
    if codes.iter().any(|code| code.contains([' ', ',', '\t', '|', '/'])) {
        return Err(format!(
            "return_codes: {cell:?} is not read; several codes are separated by ';', as in 127.0.0.2;127.0.0.4"
        ));
    }
    Ok(codes)
}

fn boolean(cell: &str) -> Result<bool, String> {
    match cell {
        "1" | "true" | "TRUE" => Ok(true),
        "0" | "false" | "FALSE" => Ok(false),
        _ => Err(format!("exclusion: {cell:?} is not true, false, 1 or 0")),
    }
}

/// Splits a list at `;`.
fn split(cell: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = cell.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped =
            (c == '\\').then(|| chars.next_if(|next| matches!(next, ';' | '\\'))).flatten();
        match (c, escaped, parts.last_mut()) {
            (';', None, _) => parts.push(String::new()),
            (c, escaped, Some(part)) => part.push(escaped.unwrap_or(c)),
            (_, _, None) => {}
        }
    }
    let trimmed = parts.iter().map(|part| part.trim().to_owned());
    trimmed.filter(|part| !part.is_empty()).collect()
}

/// Reads records: one line each, more where a quoted cell holds line ends.
pub(super) struct Records<R> {
    lines: Lines<R>,
    cells: Cells,
    /// A row may begin with `#`, as its first column is free text.
    in_rows: bool,
    /// What separates cells is told by the first record.
    guesses: bool,
}

/// A record: its first line, and its cells or why it has none.
pub(super) type Record = (u64, Result<Vec<String>, String>);

/// What may separate cells.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

impl<R: BufRead> Records<R> {
    fn new(lines: Lines<R>) -> Self {
        Self { lines, cells: Cells::new(b','), in_rows: false, guesses: false }
    }

    /// Records of somebody else's, whose cells may be separated otherwise.
    pub(super) fn of_others(lines: Lines<R>) -> Self {
        Self { guesses: true, ..Self::new(lines) }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        while let Some((line, text)) = self.lines.next()? {
            match text {
                Err(fault) => return Ok(Some((line, Err(fault.to_string())))),
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) if text.starts_with('#') && !self.in_rows => {}
                Ok(text) => {
                    if mem::take(&mut self.guesses) {
                        self.cells = Cells::new(separator(text));
                    }
                    self.cells.begin();
                    let pushed = self.cells.push(text);
                    return Ok(Some((line, self.rest(pushed)?)));
                }
            }
        }
        Ok(None)
    }

    /// The cells of a record of which a line was pushed.
    fn rest(&mut self, mut pushed: Pushed) -> io::Result<Result<Vec<String>, String>> {
        loop {
            match pushed {
                Pushed::Record => return Ok(Ok(self.cells.texts())),
                Pushed::TooLong => {
                    return Ok(Err(format!("a quoted cell does not end within {MAX_ROW} bytes")));
                }
                Pushed::Open => {}
            }
            pushed = match self.lines.next()? {
                None => return Ok(Err("a quoted cell has no end".into())),
                Some((_, Err(fault))) => return Ok(Err(fault.to_string())),
                Some((_, Ok(text))) => self.cells.push(text),
            };
        }
    }
}

/// The separator that a record has most, the first of equals.
fn separator(text: &str) -> u8 {
    let count = |separator: &u8| text.bytes().filter(|byte| byte == separator).count();
    SEPARATORS.into_iter().rev().max_by_key(count).unwrap_or(b',')
}

/// The cells of a record, as its lines come in.
struct Cells {
    reader: Reader,
    /// The cells, one behind the other; what does not fit is too long.
    buffer: Box<[u8]>,
    /// Bytes of the buffer in use.
    len: usize,
    /// Where each cell ends in the buffer.
    ends: Vec<usize>,
}

/// The state of a record after one more line.
enum Pushed {
    Record,
    /// A quoted cell goes on with the next line.
    Open,
    TooLong,
}

impl Cells {
    fn new(separator: u8) -> Self {
        // A line's end is taken off with the line; a carriage return inside one is text.
        let reader =
            ReaderBuilder::new().delimiter(separator).terminator(Terminator::Any(b'\n')).build();
        Self { reader, buffer: vec![0; MAX_ROW].into(), len: 0, ends: Vec::new() }
    }

    /// Begins a record.
    fn begin(&mut self) {
        self.reader.reset();
        self.len = 0;
        self.ends.clear();
    }

    fn push(&mut self, line: &str) -> Pushed {
        match self.parse(line.as_bytes()) {
            Pushed::Open => self.parse(b"\n"),
            other => other,
        }
    }

    fn parse(&mut self, mut input: &[u8]) -> Pushed {
        // To the reader an empty input is the end of all.
        while !input.is_empty() {
            let room = &mut self.buffer[self.len..];
            let (result, read, written) = self.reader.read_field(input, room);
            input = &input[read..];
            self.len += written;
            match result {
                ReadFieldResult::Field { record_end } => {
                    self.ends.push(self.len);
                    if record_end {
                        return Pushed::Record;
                    }
                }
                ReadFieldResult::OutputFull => return Pushed::TooLong,
                ReadFieldResult::InputEmpty | ReadFieldResult::End => break,
            }
        }
        Pushed::Open
    }

    fn texts(&self) -> Vec<String> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let cells = starts.zip(&self.ends).map(|(start, end)| &self.buffer[start..*end]);
        cells.map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Vec<Row>, String> {
        let rows = Csv::new(Lines::new(body.as_bytes()), UnixTime(1_700_000_000)).unwrap()?;
        Ok(rows.map(Result::unwrap).collect())
    }

    #[test]
    fn a_header_names_the_fields_in_any_order() {
        let rows = read("\u{feff}note,subject,return_codes,exclusion,tags\r\n\"a, \"\"b\"\"\nc\",192.0.2.1,127.0.0.2;127.0.0.3,0,x; y\\;z\r\n\r\n,192.0.2.2,,1,\r\n").unwrap();
        let ParsedRow { subject, body, .. } = rows[0].1.as_ref().unwrap();
        assert_eq!((rows[0].0, subject.to_string()), (2, "192.0.2.1".into()));
        assert_eq!(body.note.as_deref(), Some("a, \"b\"\nc"));
        assert_eq!(body.return_codes.len(), 2);
        assert_eq!(body.tags, ["x", "y;z"]);
        let ParsedRow { body, .. } = rows[1].1.as_ref().unwrap();
        assert_eq!(rows[1].0, 5);
        assert!(body.exclusion && body.note.is_none() && body.tags.is_empty());
    }

    #[test]
    fn a_header_that_makes_no_sense_refuses_the_whole() {
        for header in ["", "note\n", "subject,colour\n", "subject,subject\n"] {
            assert!(read(header).is_err(), "{header:?}");
        }
    }

    #[test]
    fn a_wrong_row_does_not_stop_the_rest() {
        let rows =
            read("subject,exclusion\n192.0.2.1\n192.0.2.2,maybe\n,1\n192.0.2.3,true\n192.0.2.4,\"")
                .unwrap();
        let bad: Vec<u64> =
            rows.iter().filter(|(_, row)| row.is_err()).map(|(line, _)| *line).collect();
        assert_eq!(bad, [2, 3, 4, 6]);
        assert_eq!(rows.len(), 5);
    }

    #[test]
    fn quotes_inside_a_bare_cell_are_text() {
        let rows = read("subject,note\n192.0.2.1,a \"b\n192.0.2.2,x\n").unwrap();
        let ParsedRow { body, .. } = rows[0].1.as_ref().unwrap();
        assert_eq!(body.note.as_deref(), Some("a \"b"));
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn comments_stand_before_the_header_and_between_rows() {
        let rows = read("#####\n# Example list #\nsubject,source\n192.0.2.1,a\n# END\n").unwrap();
        assert_eq!(rows.len(), 1);
        let row = rows[0].1.as_ref().unwrap();
        assert_eq!(row.source.as_ref().unwrap().as_str(), "a");
        let rows = read("note,subject\n#1,192.0.2.1\n").unwrap();
        assert_eq!(rows[0].1.as_ref().unwrap().body.note.as_deref(), Some("#1"));
    }

    #[test]
    fn a_header_of_somebody_else_says_what_to_rename() {
        let err =
            read("\"first_seen_utc\",\"dst_ip\"\n\"x\",\"192.0.2.1\"\n").map(drop).unwrap_err();
        assert!(err.contains("must be named subject"), "{err}");
        let err = read("192.0.2.1,x\n").map(drop).unwrap_err();
        assert!(err.contains("where the header should"), "{err}");
        let err = read("subject;note\n192.0.2.1;x\n").map(drop).unwrap_err();
        assert!(err.contains("separated by commas"), "{err}");
    }

    #[test]
    fn a_quoted_cell_ends_within_the_longest_row_and_what_follows_a_broken_row_is_read() {
        let line = "x".repeat(MAX_ROW / 2);
        let long = format!("subject,note\n192.0.2.1,\"{line}\n{line}\n{line}\"\n192.0.2.2,y\n");
        let rows = read(&long).unwrap();
        let wrong = rows[0].1.as_ref().unwrap_err();
        assert!(rows[0].0 == 2 && wrong.why.contains("does not end within"), "{}", wrong.why);
        let (number, last) = rows.last().unwrap();
        assert_eq!((*number, last.as_ref().unwrap().body.note.as_deref()), (5, Some("y")));
        let carriage = read("subject,note\n192.0.2.1,a\rb\n").unwrap();
        assert_eq!(carriage[0].1.as_ref().unwrap().body.note.as_deref(), Some("a\rb"));
    }

    /// Newcomer A1.
    #[test]
    fn codes_that_are_separated_otherwise_say_how_they_should_be() {
        for codes in ["127.0.0.2 127.0.0.4", "\"127.0.0.2,127.0.0.4\"", "127.0.0.2|127.0.0.4"] {
            let rows = read(&format!("subject,return_codes\n192.0.2.1,{codes}\n")).unwrap();
            let wrong = rows[0].1.as_ref().unwrap_err();
            assert!(wrong.why.contains("separated by ';'"), "{codes}: {}", wrong.why);
        }
    }
}
