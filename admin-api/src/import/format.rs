//! The formats of an import's rows.

use std::io::{self, BufRead};

use dnsbl_formats::{
    Field,
    lists::ListFormat,
    rbldnsd::{Dataset, ListType, PartName},
};
use dnsbl_types::UnixTime;

use super::{
    column::Column, csv::Csv, lines::Lines, list::ListRows, members, ndjson, plain, row::Row,
};

/// What a body is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Whatever its beginning shows.
    Auto,
    /// Rows, of which each stands for itself.
    Rows(Format),
    /// Columns, of which one holds the subjects.
    Column(Field),
    /// An object a line, with the subject in a member.
    Lines(Field),
    /// JSON documents, with the subjects in a member.
    Documents(Field),
    /// A list as others publish it.
    List(ListFormat),
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

impl Content {
    /// The content of a format; `None` for an access list, which lists nothing.
    pub(crate) fn of(format: &dnsbl_formats::Format) -> Option<Self> {
        use dnsbl_formats::Format as Named;
        Some(match format {
            Named::Auto => Self::Auto,
            Named::Plain => Self::Rows(Format::Plain),
            Named::Csv(None) => Self::Rows(Format::Csv),
            Named::Csv(Some(field)) => Self::Column(field.clone()),
            Named::Ndjson(None) => Self::Rows(Format::Ndjson),
            Named::Ndjson(Some(field)) => Self::Lines(field.clone()),
            Named::Json(field) => Self::Documents(field.clone()),
            Named::List(list) => Self::List(*list),
            Named::Rbldnsd(Dataset::List(list)) => Self::Dataset(*list),
            Named::Rbldnsd(Dataset::Combined(part)) => Self::Combined(part.clone()),
            Named::Rbldnsd(Dataset::Generic) => Self::Generic,
            Named::Rbldnsd(Dataset::Acl) => return None,
        })
    }
}

/// The rows of columns or of JSON; refused as [`Format::rows`] are.
pub(super) fn rows_of_field<'a>(
    content: &Content,
    body: impl BufRead + 'a,
) -> io::Result<Option<Result<Rows<'a>, String>>> {
    Ok(match content {
        Content::Column(field) => match Column::new(Lines::new(body), field)? {
            Ok(rows) => Some(Ok(Box::new(rows))),
            Err(why) => Some(Err(why)),
        },
        Content::Lines(field) => {
            Some(Ok(Box::new(members::of_lines(Lines::new(body), field.clone()))))
        }
        Content::Documents(field) => Some(Ok(Box::new(members::of_documents(body, field.clone())))),
        _ => None,
    })
}

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
    let rows = [Format::Plain, Format::Ndjson, Format::Csv];
    let number = usize::from(format) % (rows.len() + ListFormat::ALL.len());
    let format = match number.checked_sub(rows.len()) {
        None => rows[number],
        Some(list) => {
            let mut rows = ListRows::new(ListFormat::ALL[list], body);
            let next = || rows.next().expect("nothing fails in memory");
            return std::iter::from_fn(next).filter(|(_, row)| row.is_ok()).count();
        }
    };
    let is_read = |row: io::Result<Row>| row.expect("nothing fails in memory").1.is_ok();
    let rows = format.rows(body, UnixTime(1_700_000_000)).expect("nothing fails in memory");
    rows.map_or(0, |rows| rows.map(is_read).filter(|is_read| *is_read).count())
}
