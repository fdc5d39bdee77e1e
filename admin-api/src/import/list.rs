//! Lists as others publish them: lines in, entries out.

use std::io::{self, BufRead};

use dnsbl_formats::lists::{Entry, ListFormat, ListReader};

use super::lines::Lines;

/// The lines of a list that say something, or that are not understood.
pub(super) struct ListRows<R> {
    lines: Lines<R>,
    reader: ListReader,
}

/// An entry: its line, and what it says or why it says nothing.
pub(super) type ListRow = (u64, Result<Entry, String>);

impl<R: BufRead> ListRows<R> {
    pub(super) fn new(format: ListFormat, body: R) -> Self {
        Self { lines: Lines::new(body), reader: ListReader::new(format) }
    }

    /// The next one; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<ListRow>> {
        while let Some((number, line)) = self.lines.next()? {
            let read = match line {
                Ok(line) => self.reader.read(line).map_err(|err| err.to_string()),
                Err(fault) => Err(fault.to_string()),
            };
            if let Some(row) = read.transpose() {
                return Ok(Some((number, row)));
            }
        }
        Ok(None)
    }
}
