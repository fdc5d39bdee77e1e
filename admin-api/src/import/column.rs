//! Columns of somebody else's (RFC 4180, or with another separator), of which one holds the subjects.

use std::io::{self, BufRead};

use dnsbl_formats::Field;

use super::{
    csv::{Record, Records},
    lines::Lines,
    row::{ParsedRow, Rejection, Row},
};

/// Reads the subjects of a column.
pub(super) struct Column<R> {
    records: Records<R>,
    /// Its place, from 0 on.
    place: usize,
    /// A first record that may be a header.
    first: Option<Record>,
}

impl<R: BufRead> Column<R> {
    /// Looks for the column, or says why there is none. A column with a number needs no header, and one that is
    /// there lists nothing.
    pub(super) fn new(lines: Lines<R>, field: &Field) -> io::Result<Result<Self, String>> {
        let mut records = Records::of_others(lines);
        let first = records.next()?;
        if let Some(number) = field.number() {
            let first = first.filter(|(_, cells)| {
                let cell = cells.as_ref().ok().and_then(|cells| cells.get(number - 1));
                cell.is_none_or(|cell| is_odd(cell))
            });
            return Ok(Ok(Self { records, place: number - 1, first }));
        }
        let header = match first {
            None => return Ok(Err("csv: there is no header".into())),
            Some((_, Err(why))) => return Ok(Err(why)),
            Some((_, Ok(header))) => header,
        };
        let is_it = |name: &String| name.trim().eq_ignore_ascii_case(field.as_str());
        Ok(match header.iter().position(is_it) {
            Some(place) => Ok(Self { records, place, first: None }),
            None => {
                let names: Vec<String> =
                    header.iter().take(30).map(|name| name.chars().take(40).collect()).collect();
                Err(format!(
                    "csv: no column is named {field}; the first line has {}",
                    names.join(", ")
                ))
            }
        })
    }

    fn row(&self, cells: &[String]) -> Result<ParsedRow, String> {
        let number = self.place + 1;
        match cells.get(self.place).map(|cell| cell.trim()) {
            None => Err(format!("the row has {} cells, and no cell {number}", cells.len())),
            Some("") => Err(format!("cell {number} is empty")),
            Some(cell) => match cell.parse() {
                Ok(subject) => Ok(ParsedRow::plain(subject)),
                Err(err) => Err(format!("cell {number}: {err}")),
            },
        }
    }
}

/// Whether no header has such a cell: what it says is told, not skipped.
fn is_odd(cell: &str) -> bool {
    cell.contains(|c: char| c.is_ascii_digit() || matches!(c, '.' | ':' | '/'))
}

impl<R: BufRead> Iterator for Column<R> {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<io::Result<Row>> {
        let record = match self.first.take() {
            Some(first) => Ok(first),
            None => self.records.next().transpose()?,
        };
        let row = |cells: Result<Vec<String>, String>| cells.and_then(|cells| self.row(&cells));
        Some(record.map(|(line, cells)| (line, row(cells).map_err(Rejection::text))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str, field: &str) -> Result<Vec<Result<String, String>>, String> {
        let rows = Column::new(Lines::new(body.as_bytes()), &field.parse().unwrap()).unwrap()?;
        let shown = |row: io::Result<Row>| {
            row.unwrap().1.map(|row| row.subject.to_string()).map_err(|wrong| wrong.why)
        };
        Ok(rows.map(shown).collect())
    }

    #[test]
    fn a_column_is_found_by_name_or_number_whatever_separates_it() {
        let body = "#####\n# Example #\n\"first_seen_utc\",\"dst_ip\",\"dst_port\"\n\
            \"2026-01-01 00:00:00\",\"192.0.2.1\",\"443\"\n# END\n";
        for field in ["dst_ip", "DST_IP", "2"] {
            assert_eq!(read(body, field).unwrap(), [Ok("192.0.2.1".into())], "{field}");
        }
        for separator in [";", "\t", "|"] {
            let body = body.replace(',', separator);
            assert_eq!(read(&body, "dst_ip").unwrap(), [Ok("192.0.2.1".into())], "{separator}");
        }
        assert_eq!(read("192.0.2.1,x\n192.0.2.2,y\n", "1").unwrap().len(), 2);
        assert!(read(body, "ip").unwrap_err().contains("first_seen_utc, dst_ip"));
        let rows = read("ip,port\n192.0.2.1,1\n,2\n192.0.2.0/33,3\n", "ip").unwrap();
        assert!(rows[0].is_ok() && rows[1].is_err() && rows[2].is_err());
        assert!(read("ip,port\n192.0.2.1\n", "port").unwrap()[0].is_err());
    }
}
