//! Tables and figures as Markdown, printed and kept in a file.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};

use crate::{clients::Client, measure::Run};

/// What is printed, and kept.
pub(crate) struct Report {
    text: String,
    file: Option<PathBuf>,
}

/// The middle of several runs of one client.
pub(crate) struct Median {
    pub(crate) client: Client,
    runs: Vec<Run>,
}

impl Report {
    pub(crate) fn begin(head: &str, file: Option<PathBuf>) -> Result<Self> {
        let mut report = Self { text: String::new(), file };
        report.add(head)?;
        Ok(report)
    }

    /// Adds a section with a row for each client.
    pub(crate) fn section(&mut self, title: &str, text: &str, rows: &[Median]) -> Result<()> {
        let mut table = vec![
            [
                "client",
                "user µs",
                "system µs",
                "CPU µs",
                "to libudns",
                "to hickory",
                "lookups/s",
                "p50 ms",
                "p99 ms",
                "peak MiB",
                "wrong",
                "failed",
                "sent again",
            ]
            .map(str::to_owned),
        ];
        let cpu = |client| rows.iter().find(|row| row.client == client).map(Median::cpu);
        for row in rows {
            let to = |other: Option<f64>| other.map_or(String::new(), |o| ratio(row.cpu() / o));
            let time = |pick: fn(&Run) -> Option<Duration>| {
                row.median(|run| pick(run).map(|time| time.as_secs_f64() * 1e3))
                    .map_or(String::new(), |ms| format!("{ms:.2}"))
            };
            let sum = |pick: fn(&Run) -> u64| row.runs.iter().map(pick).sum::<u64>().to_string();
            let again: Option<u64> = row.runs.iter().map(|run| run.again).sum();
            table.push([
                row.client.name().to_owned(),
                format!("{:.2}", row.per_lookup(|run| run.user)),
                format!("{:.2}", row.per_lookup(|run| run.system)),
                format!("{:.2}", row.cpu()),
                to(cpu(Client::Udns)),
                to(cpu(Client::Hickory)),
                format!("{:.0}", row.rate()),
                time(|run| run.p50),
                time(|run| run.p99),
                format!("{:.1}", row.peak_kib() / 1024.0),
                sum(|run| run.wrong),
                sum(|run| run.failed),
                again.map_or(String::new(), |again| again.to_string()),
            ]);
        }
        self.add(&format!("\n## {title}\n\n{text}\n\n{}", render(&table)))
    }

    /// Adds one figure with what it should be.
    pub(crate) fn finding(&mut self, what: &str, value: &str, aim: &str) -> Result<()> {
        self.add(&format!("\n- {what}: **{value}** (aim: {aim})\n"))
    }

    fn add(&mut self, text: &str) -> Result<()> {
        print!("{text}");
        self.text += text;
        let Some(file) = &self.file else { return Ok(()) };
        fs::write(file, &self.text).with_context(|| format!("writing {}", file.display()))
    }
}

impl Median {
    pub(crate) fn new(client: Client, runs: Vec<Run>) -> Self {
        Self { client, runs }
    }

    /// Processor time of a lookup, in µs.
    pub(crate) fn cpu(&self) -> f64 {
        self.per_lookup(|run| run.user + run.system)
    }

    /// The most memory, in KiB.
    pub(crate) fn peak_kib(&self) -> f64 {
        self.median(|run| Some(run.peak_kib as f64)).unwrap_or_default()
    }

    pub(crate) fn p99(&self) -> f64 {
        self.median(|run| run.p99.map(|time| time.as_secs_f64() * 1e3)).unwrap_or_default()
    }

    pub(crate) fn wrong(&self) -> u64 {
        self.runs.iter().map(|run| run.wrong + run.failed).sum()
    }

    fn per_lookup(&self, pick: impl Fn(&Run) -> Duration) -> f64 {
        let each = |run: &Run| Some(pick(run).as_secs_f64() * 1e6 / run.lookups.max(1) as f64);
        self.median(each).unwrap_or_default()
    }

    fn rate(&self) -> f64 {
        self.median(|run| Some(run.lookups as f64 / run.elapsed.as_secs_f64())).unwrap_or_default()
    }

    fn median(&self, pick: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
        let mut values: Vec<f64> = self.runs.iter().filter_map(pick).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

/// A ratio such as `1.12`.
pub(crate) fn ratio(value: f64) -> String {
    format!("{value:.2}")
}

/// The first column to the left, figures to the right.
fn render<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for (n, row) in rows.iter().enumerate() {
        for (i, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            text +=
                &if i == 0 { format!("| {cell:<width$} ") } else { format!("| {cell:>width$} ") };
        }
        text += "|\n";
        if n == 0 {
            for (i, &width) in widths.iter().enumerate() {
                let rule = "-".repeat(width + 1);
                text += &if i == 0 { format!("|{rule}-") } else { format!("|{rule}:") };
            }
            text += "|\n";
        }
    }
    text
}
