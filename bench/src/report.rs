//! What is printed, and kept in a file.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};

/// Tables and findings, as Markdown.
pub(crate) struct Report {
    text: String,
    file: Option<PathBuf>,
}

impl Report {
    /// Begins with a head; everything also goes to `file`.
    pub(crate) fn begin(head: &str, file: Option<PathBuf>) -> Result<Self> {
        let mut report = Self { text: String::new(), file };
        report.add(head)?;
        Ok(report)
    }

    /// Adds a section.
    pub(crate) fn section(&mut self, title: &str, text: &str) -> Result<()> {
        self.add(&format!("\n## {title}\n\n{text}\n"))
    }

    /// Adds a table.
    pub(crate) fn table(&mut self, table: &Table) -> Result<()> {
        self.add(&format!("\n{}", table.render()))
    }

    /// Adds one figure with what it should be.
    pub(crate) fn finding(&mut self, what: &str, value: &str, aim: &str) -> Result<()> {
        let aim = if aim.is_empty() { String::new() } else { format!(" (aim: {aim})") };
        self.add(&format!("\n- {what}: **{value}**{aim}\n"))
    }

    fn add(&mut self, text: &str) -> Result<()> {
        print!("{text}");
        self.text += text;
        let Some(file) = &self.file else { return Ok(()) };
        // After each section: a run that is broken off leaves what it had.
        fs::write(file, &self.text).with_context(|| format!("writing {}", file.display()))
    }
}

/// Rows of cells below a head.
pub(crate) struct Table(Vec<Vec<String>>);

impl Table {
    /// A table with these columns.
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self(vec![columns.iter().map(|&column| column.to_owned()).collect()])
    }

    /// Adds a row; it has as many cells as the head.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.push(cells.into_iter().collect());
    }

    /// The first column to the left, figures to the right.
    fn render(&self) -> String {
        let columns = self.0[0].len();
        let width =
            |i: usize| self.0.iter().filter_map(|row| row.get(i)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|i| width(i).unwrap_or_default()).collect();
        let mut text = String::new();
        for (n, row) in self.0.iter().enumerate() {
            text += &line(row, &widths);
            if n == 0 {
                let rule = |(i, &w): (usize, &usize)| match i {
                    0 => format!("|{}", "-".repeat(w + 2)),
                    _ => format!("|{}:", "-".repeat(w + 1)),
                };
                text += &widths.iter().enumerate().map(rule).collect::<String>();
                text += "|\n";
            }
        }
        text
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cell = |(i, (text, &width)): (usize, (&String, &usize))| match i {
        0 => format!("| {text:<width$} "),
        _ => format!("| {text:>width$} "),
    };
    let cells: String = row.iter().zip(widths).enumerate().map(cell).collect();
    cells + "|\n"
}

/// A rate such as `212,345`.
pub(crate) fn rate(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// A ratio such as `1.12`.
pub(crate) fn ratio(value: f64) -> String {
    format!("{value:.3}")
}

/// Bytes as MiB.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// A time as milliseconds below a second, else as seconds.
pub(crate) fn time(value: Duration) -> String {
    match value.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.2} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}

/// A size such as `10 k`.
pub(crate) fn size(value: usize) -> String {
    match value {
        _ if value > 0 && value.is_multiple_of(1_000_000) => format!("{} M", value / 1_000_000),
        _ if value > 0 && value.is_multiple_of(1_000) => format!("{} k", value / 1_000),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Table, rate, size};

    #[test]
    fn a_table_is_aligned() {
        let mut table = Table::new(&["server", "answers/s"]);
        table.row(["a".to_owned(), rate(1_234_567.8)]);
        assert_eq!(
            table.render(),
            "| server | answers/s |\n|--------|----------:|\n| a      | 1,234,568 |\n"
        );
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!([1_000, 10_000_000, 1_500].map(size), ["1 k", "10 M", "1500"]);
    }
}
