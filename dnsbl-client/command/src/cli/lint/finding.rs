//! What `dnsbl lint` finds.

use std::io::{self, Write};

use anstyle::AnsiColor;
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Severity {
    /// Mail is rejected, or waved through, by mistake, now or one day.
    Error,
    /// It does not do what it seems to.
    Warning,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// From 1.
    pub(super) line: usize,
    /// The public name of the list, if it is about one.
    pub(super) zone: Option<String>,
    pub(super) rule: &'static str,
    pub(super) severity: Severity,
    pub(super) text: String,
}

impl Finding {
    /// Prints it as a line.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let (color, word) = match self.severity {
            Severity::Error => (AnsiColor::Red, "error"),
            Severity::Warning => (AnsiColor::Yellow, "warning"),
        };
        let style = color.on_default().bold();
        let zone = self.zone.as_ref().map(|zone| format!("{zone}: ")).unwrap_or_default();
        writeln!(
            out,
            "line {}: {style}{word}{style:#}: {zone}{} [{}]",
            self.line, self.text, self.rule
        )
    }
}
