//! `dnsblctl report`: what is reported, and what reviewers make of it.

use std::{path::PathBuf, process::ExitCode};

use admin_api_types::{Report, ReportNote, ReportPage};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Serialize;

use crate::{
    args::{parse_time, read_text},
    client::Client,
    output::Output,
    pages::List,
    path::parse_segment,
    text::{self, Cell},
};

const COLUMNS: [&str; 8] =
    ["report", "state", "zone", "subject", "category", "count", "reporter", "reported"];

const CATEGORIES: [&str; 9] = [
    "relay",
    "spam",
    "spam-trap",
    "directory-harvest",
    "backscatter",
    "malware",
    "phishing",
    "brute-force",
    "policy",
];

const STATES: [&str; 5] = ["waiting", "listed", "testing", "confirmed", "refuted"];

const ADD_NOTES: &str = "\
A zone takes reports once it has the setting `reports` (zone put --help).

The rules of the zone say what comes of it: it is listed, it waits for others that say the same or for a reviewer, or it
is tested. Who says the same again within the window is told so. Never name recipients: a count is enough.

Examples:
  dnsblctl report add 192.0.2.25 --category directory-harvest --count 50
  dnsblctl report add 192.0.2.25 --category spam --comment 'fake invoices' --evidence-file spam.eml
  dnsblctl report add bad.example.com --category phishing --zone dbl.example.org";

const LIST_NOTES: &str = "\
The newest come first. Each line tells the report, what has come of it, the zone, the subject, the category, for how
many events it stands, who reported it, and when.

Examples:
  dnsblctl report list --state waiting
  dnsblctl report list --subject 192.0.2.25
  dnsblctl report list --reporter mx1 --limit 20 --json | jq -r '.reports[].id'";

const SHOW_NOTES: &str = "\
Shows what the reporter had seen, too, as long as that is kept.

Examples:
  dnsblctl report show 0006a1d2b4c00000
  dnsblctl report show 0006a1d2b4c00000 --json | jq -r .evidence";

const CONFIRM_NOTES: &str = "\
It holds for all reports that say the same of the subject within the window. The subject is listed by the zone's rule, or for
a day where the zone has none for the category.

Examples:
  dnsblctl report confirm 0006a1d2b4c00000 --note 'seen here, too'";

const REFUTE_NOTES: &str = "\
It holds for all reports that say the same of the subject within the window. A listing that rests on them goes. A reporter of whose
reports too many are refuted counts no more (dnsblctl reporter list).

Examples:
  dnsblctl report refute 0006a1d2b4c00000 --note 'our own monitoring'";

/// Reports subjects, lists and shows reports, and decides about them
#[derive(Subcommand)]
pub(crate) enum ReportCommand {
    Add(Box<AddReport>),
    List(Box<ListReports>),
    Show(ShowReport),
    Confirm(ConfirmReport),
    Refute(RefuteReport),
}

/// Reports a subject
#[derive(Args, Serialize)]
#[command(after_help = ADD_NOTES)]
pub(crate) struct AddReport {
    /// Address, or domain
    subject: String,
    /// What it has done
    #[arg(long, value_parser = CATEGORIES)]
    category: String,
    /// The zone that should list it; the only one that takes such reports unless given
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    /// For how many events it stands; 1 unless given
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// What is to be said of it
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// File with header fields of a message, or lines of a log; - is standard input
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    evidence_file: Option<PathBuf>,
    /// When the first of the events was seen
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<String>,
    /// When the last of them was seen
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
}

/// Lists reports
#[derive(Args, Serialize)]
#[command(after_help = LIST_NOTES)]
pub(crate) struct ListReports {
    /// Only those of this zone
    #[arg(long)]
    zone: Option<String>,
    /// Only those of this subject
    #[arg(long)]
    subject: Option<String>,
    /// Only those of this category
    #[arg(long, value_parser = CATEGORIES)]
    category: Option<String>,
    /// Only those that stand so
    #[arg(long, value_parser = STATES)]
    state: Option<String>,
    /// Only those of this reporter
    #[arg(long, value_name = "NAME")]
    reporter: Option<String>,
    /// At most so many; all unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[serde(skip)]
    limit: Option<u64>,
}

/// Shows a report
#[derive(Args)]
#[command(after_help = SHOW_NOTES)]
pub(crate) struct ShowReport {
    /// The report's number
    #[arg(value_parser = parse_segment)]
    id: String,
}

/// Finds a report true, and lists its subject
#[derive(Args)]
#[command(after_help = CONFIRM_NOTES)]
pub(crate) struct ConfirmReport {
    #[command(flatten)]
    decision: DecideReport,
}

/// Finds a report false, and ends what it has listed
#[derive(Args)]
#[command(after_help = REFUTE_NOTES)]
pub(crate) struct RefuteReport {
    #[command(flatten)]
    decision: DecideReport,
}

#[derive(Args)]
struct DecideReport {
    /// The report's number
    #[arg(value_parser = parse_segment)]
    id: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl ReportCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Add(add) => add.run(client, output).await?,
            Self::List(list) => list.run(client, output).await?,
            Self::Show(show) => show.run(client, output).await?,
            Self::Confirm(confirm) => confirm.decision.run("confirm", client, output).await?,
            Self::Refute(refute) => refute.decision.run("refute", client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl AddReport {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let mut body = serde_json::to_value(&self)?;
        if let Some(file) = &self.evidence_file {
            body["evidence"] = read_text(file)?.into();
        }
        let request = client.v1(Method::POST, &["reports"]).json(&body);
        let report = client.ask::<Report>(request).await?;
        let verb = if report.created { "reported" } else { "said already" };
        output.document(&report, |body| {
            let (state, until) = (state(body), body.listed_until.cell());
            report.outcome(&[verb, &body.subject, &state, &until, &body.id])
        })
    }
}

impl ListReports {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let list = List { path: &["reports"], query: &self, limit: self.limit };
        list.print::<ReportPage, _>(client, output, COLUMNS, row).await
    }
}

fn row(report: &Report) -> [String; 8] {
    [
        report.id.cell(),
        state(report),
        report.zone.cell(),
        report.subject.cell(),
        text::word(&report.category),
        report.count.cell(),
        report.reporter.cell(),
        report.reported_at.cell(),
    ]
}

fn state(report: &Report) -> String {
    text::word(&report.state)
}

impl ShowReport {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::GET, &["reports", &self.id]);
        output.document(&client.ask::<Report>(request).await?, whole)
    }
}

/// A report, with the lines of its evidence behind it.
fn whole(report: &Report) -> String {
    let without = Report { evidence: None, ..report.clone() };
    let evidence = report.evidence.iter().flat_map(|evidence| evidence.lines());
    let lines = evidence.map(|line| format!("  {}\n", text::visible(line)));
    text::members(&without) + &lines.collect::<String>()
}

impl DecideReport {
    async fn run(self, verb: &str, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::POST, &["reports", &self.id, verb]);
        let report = client.ask::<Report>(request.json(&ReportNote { note: self.note })).await?;
        output.document(&report, |body| {
            report.outcome(&[&state(body), &body.zone, &body.subject, &body.id])
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, json};

    use super::AddReport;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        add: AddReport,
    }

    fn body(line: &str) -> Result<Value, clap::Error> {
        let words = ["add", "192.0.2.1"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| serde_json::to_value(&line.add).unwrap())
    }

    #[test]
    fn only_what_is_said_is_sent() {
        let least = json!({"subject": "192.0.2.1", "category": "spam"});
        assert_eq!(body("--category spam").unwrap(), least);
        let more = json!({"subject": "192.0.2.1", "category": "directory-harvest", "count": 50,
            "zone": "bl.example.org", "first_seen": "2026-01-31T00:00:00Z"});
        let line =
            "--category directory-harvest --count 50 --zone bl.example.org --first-seen 2026-01-31";
        assert_eq!(body(line).unwrap(), more);
        for line in ["", "--category spams", "--category spam --count 0"] {
            assert!(body(line).is_err(), "{line}");
        }
    }
}
