//! What `dnsbl check` prints.

use std::io::{self, BufWriter, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use dnsbl_client::{Outcome, Status};
use serde::Serialize;

use super::{lists::Asked, subject::Subject};

/// As wide as any IPv4 address: what is still to come from standard input is not known.
const BULK_WIDTH: usize = 15;

/// The results as text, line by line, or as one JSON document, written as they come.
pub(super) struct Output {
    out: BufWriter<AutoStream<io::Stdout>>,
    form: Form,
    /// Many results, for a file or a program: nobody waits for each.
    bulk: bool,
}

enum Form {
    Text { address_width: usize, zone_width: usize },
    Json { rows: u64 },
}

/// One subject in one list.
#[derive(Serialize)]
struct Row {
    address: String,
    zone: String,
    status: &'static str,
    codes: Vec<String>,
    reason: Option<String>,
    detail: Option<String>,
}

impl Output {
    pub(super) fn new(json: bool, bulk: bool, typed: &[Subject], lists: &[Asked]) -> Self {
        let least = if bulk { BULK_WIDTH } else { 0 };
        let form = if json {
            Form::Json { rows: 0 }
        } else {
            Form::Text {
                address_width: width(typed.iter().map(ToString::to_string)).max(least),
                zone_width: width(lists.iter().map(|list| list.name.to_string())),
            }
        };
        Self { out: BufWriter::new(AutoStream::auto(io::stdout())), form, bulk }
    }

    /// Takes what all lists say about one subject.
    pub(super) fn write(&mut self, subject: &Subject, outcomes: &[Outcome]) -> io::Result<()> {
        for outcome in outcomes {
            let row = Row::new(subject, outcome);
            match &mut self.form {
                Form::Json { rows } => {
                    let before = if *rows == 0 { "{\"results\":[" } else { ",\n" };
                    *rows += 1;
                    self.out.write_all(before.as_bytes())?;
                    serde_json::to_writer(&mut self.out, &row)?;
                }
                Form::Text { address_width, zone_width } => {
                    let style = style(&outcome.status);
                    writeln!(self.out, "{}", row.line(*address_width, *zone_width, style))?;
                }
            }
        }
        if self.bulk { Ok(()) } else { self.out.flush() }
    }

    /// Prints what has to wait for the end.
    pub(super) fn finish(mut self) -> io::Result<()> {
        match self.form {
            Form::Json { rows: 0 } => writeln!(self.out, "{{\"results\":[]}}")?,
            Form::Json { .. } => writeln!(self.out, "]}}")?,
            Form::Text { .. } => {}
        }
        self.out.flush()
    }
}

impl Row {
    fn new(subject: &Subject, outcome: &Outcome) -> Self {
        let listing = outcome.status.listing();
        Self {
            address: subject.to_string(),
            zone: outcome.zone.to_string(),
            status: outcome.status.as_str(),
            codes: listing
                .map_or_else(Vec::new, |l| l.codes.iter().map(ToString::to_string).collect()),
            reason: listing.and_then(|listing| listing.reason.clone()),
            detail: outcome.status.detail(),
        }
    }

    fn line(&self, address_width: usize, zone_width: usize, style: Style) -> String {
        let codes = self.codes.join(",");
        let words = [
            &codes,
            self.reason.as_deref().unwrap_or_default(),
            self.detail.as_deref().unwrap_or_default(),
        ];
        let more: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let (address, zone, status, more) =
            (&self.address, &self.zone, self.status, more.join("  "));
        let start =
            format!("{address:<address_width$}  {zone:<zone_width$}  {style}{status}{style:#}");
        if more.is_empty() {
            return start;
        }
        format!("{start}{:<1$}  {more}", "", 10 - status.len())
    }
}

fn style(status: &Status) -> Style {
    let color = match status {
        Status::Listed(_) => AnsiColor::Red,
        Status::NotListed => AnsiColor::Green,
        _ => AnsiColor::Yellow,
    };
    color.on_default()
}

fn width(cells: impl Iterator<Item = String>) -> usize {
    cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
}
