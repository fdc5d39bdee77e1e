//! The formats of an import's rows.

use std::io::{self, BufRead};

use dnsbl_formats::rbldnsd::{ListType, PartName};
use dnsbl_types::UnixTime;

use super::{csv::Csv, lines::Lines, ndjson, plain, row::Row};

/// What a body is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Rows, of which each stands for itself.
    Rows(Format),
    /// The lines of a data set of rbldnsd, which only together say what is listed.
    Dataset(ListType),
    /// Several data sets of rbldnsd, of which some are meant.
    Combined(PartName),
    /// Records of rbldnsd.
    Generic,
}

/// The format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One subject a line.
    Plain,
    /// A header that names fields.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// The rows of a body, in order.
pub(crate) type Rows<'a> = Box<dyn Iterator<Item = io::Result<Row>> + 'a>;

impl Format {
    /// The rows of `body`; refused as a whole, with the reason, where its head makes no sense.
    pub(crate) fn rows<'a>(
        self,
        body: impl BufRead + 'a,
        now: UnixTime,
    ) -> io::Result<Result<Rows<'a>, String>> {
        let lines = Lines::new(body);
        Ok(match self {
            Self::Plain => Ok(Box::new(plain::rows(lines))),
            Self::Ndjson => Ok(Box::new(ndjson::rows(lines, now))),
            Self::Csv => match Csv::new(lines, now)? {
                Ok(rows) => Ok(Box::new(rows)),
                Err(why) => Err(why),
            },
        })
    }
}

/// The number of rows of a file that can be read in one of the formats, numbered from 0; for the fuzz target
/// `import-rows`.
#[doc(hidden)]
pub fn count_rows(format: u8, body: &[u8]) -> usize {
    let format = [Format::Plain, Format::Ndjson, Format::Csv][usize::from(format % 3)];
    let is_read = |row: io::Result<Row>| row.expect("nothing fails in memory").1.is_ok();
    let rows = format.rows(body, UnixTime(1_700_000_000)).expect("nothing fails in memory");
    rows.map_or(0, |rows| rows.map(is_read).filter(|is_read| *is_read).count())
}
