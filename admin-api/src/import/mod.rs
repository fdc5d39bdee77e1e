//! Imports: a body of rows, decoded, read row by row and staged.

mod after;
pub(crate) mod body;
mod csv;
mod lines;
mod ndjson;
mod plain;
mod stage;

use std::io::{self, BufRead};

use dnsbl_types::{ListingBody, Source, Subject, UnixTime};

use crate::v1::seems::Seems;

pub(crate) use stage::{Decided, Order, Refused, Stop, Whose, stage};

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

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Of what.
    pub(crate) subject: Subject,
    /// What.
    pub(crate) body: ListingBody,
    /// Whose listing it is, if the row says so.
    pub(crate) source: Option<Source>,
    /// Since when it is listed, if the row says so.
    pub(crate) listed_at: Option<UnixTime>,
    /// What else it may have meant.
    pub(crate) doubt: Option<Doubt>,
}

impl Said {
    /// A row that names a subject and says nothing else.
    pub(crate) fn plain(subject: Subject) -> Self {
        Self { subject, body: ListingBody::default(), source: None, listed_at: None, doubt: None }
    }
}

/// Why a row that is taken is not taken without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// A number behind an address might be a number of bits.
    Bits,
}

/// Why a row says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// What is wrong.
    pub(crate) why: String,
    /// What the row seems to be.
    pub(crate) seems: Option<Seems>,
    /// What it says would hold for all rows behind it.
    pub(crate) spreads: bool,
}

impl Wrong {
    fn new(why: String, seems: Seems) -> Self {
        Self { why, seems: Some(seems), spreads: false }
    }

    fn text(why: String) -> Self {
        Self { why, seems: None, spreads: false }
    }
}

impl From<String> for Wrong {
    fn from(why: String) -> Self {
        Self::text(why)
    }
}

/// A row: its line, and what it says or why it says nothing.
pub(crate) type Row = (u64, Result<Said, Wrong>);

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

/// How many rows of a file can be read in one of the formats, numbered from 0; for the fuzz target
/// `import-rows`.
#[doc(hidden)]
pub fn count_rows(format: u8, body: &[u8]) -> usize {
    let format = [Format::Plain, Format::Ndjson, Format::Csv][usize::from(format % 3)];
    let is_read = |row: io::Result<Row>| row.expect("nothing fails in memory").1.is_ok();
    let rows = format.rows(body, UnixTime(1_700_000_000)).expect("nothing fails in memory");
    rows.map_or(0, |rows| rows.map(is_read).filter(|is_read| *is_read).count())
}
