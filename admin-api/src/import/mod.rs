//! Imports: a body of rows, decoded, read row by row and staged.

pub(crate) mod body;
mod csv;
mod lines;
mod ndjson;
mod plain;
mod stage;

use std::io::{self, BufRead};

use dnsbl_types::{ListingBody, Subject, UnixTime};

pub(crate) use stage::{Order, Stop, stage};

/// The most bytes of one row.
const MAX_ROW: usize = 64 << 10;

/// How the rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One subject a line.
    Plain,
    /// A header that names fields.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// A row: its line, and what it says or why it says nothing.
pub(crate) type Row = (u64, Result<(Subject, ListingBody), String>);

/// The rows of a body, in order.
pub(crate) type Rows<'a> = Box<dyn Iterator<Item = io::Result<Row>> + 'a>;

impl Format {
    /// The rows of `body`; refused as a whole, with the reason, where its head makes no sense.
    pub(crate) fn rows<'a>(
        self,
        body: impl BufRead + 'a,
        now: UnixTime,
    ) -> io::Result<Result<Rows<'a>, String>> {
        let lines = lines::Lines::new(body);
        Ok(match self {
            Self::Plain => Ok(Box::new(plain::rows(lines))),
            Self::Ndjson => Ok(Box::new(ndjson::rows(lines, now))),
            Self::Csv => match csv::Csv::new(lines, now)? {
                Ok(rows) => Ok(Box::new(rows)),
                Err(why) => Err(why),
            },
        })
    }
}
