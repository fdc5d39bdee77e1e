//! `dnsblctl reporter`: what has come of whose reports.

use std::process::ExitCode;

use admin_api_types::{Reporter, ReporterPage};
use clap::Subcommand;

use crate::{client::Client, output::Output, pages::List, text::Cell};

const COLUMNS: [&str; 7] =
    ["reporter", "reports", "duplicates", "confirmed", "refuted", "counts", "last report"];

const LIST_NOTES: &str = "\
Each line tells the name of the token, how many reports came with it, how often they were said again, how many a reviewer
has confirmed and refuted, whether its reports count, and when the last one came.

Examples:
  dnsblctl reporter list
  dnsblctl reporter list --json | jq -r '.reporters[] | select(.counts | not) | .name'";

/// Lists those who have reported
#[derive(Subcommand)]
pub(crate) enum ReporterCommand {
    /// Lists those who have reported, with their records
    #[command(after_help = LIST_NOTES)]
    List,
}

impl ReporterCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::List => list(client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let list = List { path: &["reporters"], query: &(), limit: None };
    list.print::<ReporterPage, _>(client, output, COLUMNS, row).await
}

fn row(reporter: &Reporter) -> [String; 7] {
    [
        reporter.name.cell(),
        reporter.reports.cell(),
        reporter.duplicates.cell(),
        reporter.confirmed.cell(),
        reporter.refuted.cell(),
        if reporter.counts { "yes" } else { "no" }.cell(),
        reporter.last_report_at.cell(),
    ]
}
