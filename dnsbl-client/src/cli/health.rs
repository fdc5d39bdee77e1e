//! `dnsbl health`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::Args;
use dnsbl_client::{ProbePoint, ProbeReport, Status, Target};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    UNKNOWN,
    lists::{Lists, Word},
    shown,
};

/// Exit code: a list can't be believed.
const FAULTY: u8 = 1;

const NOTES: &str = "\
Asks each list for the test entries of RFC 5782 section 5 and for something made up:

  127.0.0.2, ::ffff:127.0.0.2, TEST      every list has it; without it the list was emptied, or is none
  127.0.0.1, ::ffff:127.0.0.1, INVALID   no list has it; one that does lists the world
  made up                                no list has it either

Exit status: 0 if all lists are as they should be, else 1 if one is not, else 2 if it could not be told.

Example: dnsbl health bl.example.org dbl.example.org";

/// Finds out whether lists can be believed.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(super) struct Health {
    /// Block list to probe
    #[arg(value_name = "ZONE")]
    zones: Vec<Word>,
    /// The lists named here hold domains
    #[arg(long)]
    domains: bool,
    #[command(flatten)]
    lists: Lists,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How a probe ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Good,
    Unknown,
    Faulty,
}

impl Health {
    pub(super) async fn run(mut self) -> anyhow::Result<ExitCode> {
        self.lists.words.append(&mut self.zones);
        let asking = self.lists.open()?;
        let kind = if self.domains {
            Target::Domain("test.invalid".parse()?)
        } else {
            Target::Address([127, 0, 0, 2].into())
        };
        let probes = asking.lists.iter().map(|list| asking.client.probe(asking.id(list, &kind)));
        let reports = join_all(probes).await;
        let mut out = AutoStream::auto(io::stdout());
        if self.json {
            let zones: Vec<Value> = reports.iter().map(json_of).collect();
            writeln!(out, "{}", json!({"zones": zones}))?;
        } else {
            reports.iter().try_for_each(|report| print(&mut out, report))?;
        }
        Ok(match reports.iter().map(verdict).max() {
            Some(Verdict::Faulty) => ExitCode::from(FAULTY),
            Some(Verdict::Unknown) => ExitCode::from(UNKNOWN),
            Some(Verdict::Good) | None => ExitCode::SUCCESS,
        })
    }
}

fn verdict(report: &ProbeReport) -> Verdict {
    let answered = |point: &ProbePoint| point.status.is_verdict();
    match report.fault {
        Some(_) if report.points.iter().any(|point| is_told(&point.status)) => Verdict::Faulty,
        None if report.points.iter().all(answered) => Verdict::Good,
        _ => Verdict::Unknown,
    }
}

/// Whether the list itself said something, be it nonsense.
fn is_told(status: &Status) -> bool {
    !matches!(status, Status::Failed(_) | Status::Skipped(_))
}

fn print(out: &mut impl Write, report: &ProbeReport) -> io::Result<()> {
    let (color, word) = match (verdict(report), report.fault) {
        (Verdict::Good, _) => (AnsiColor::Green, "good".to_owned()),
        (Verdict::Faulty, Some(why)) => (AnsiColor::Red, format!("not to be believed: {why}")),
        (_, Some(why)) => (AnsiColor::Yellow, format!("can't tell: {why}")),
        (_, None) => (AnsiColor::Yellow, "can't tell".to_owned()),
    };
    let style = Style::new().bold().fg_color(Some(color.into()));
    writeln!(out, "{}  {style}{word}{style:#}", report.zone)?;
    let names: Vec<String> = report.points.iter().map(|point| shown(&point.target)).collect();
    let width = names.iter().map(String::len).max().unwrap_or(0);
    for (point, name) in report.points.iter().zip(names) {
        writeln!(out, "  {name:<width$}  {:<10}  {}", point.status.word(), remark(point))?;
    }
    Ok(())
}

fn remark(point: &ProbePoint) -> String {
    match (&point.status, point.should_be_listed) {
        (Status::Listed(listing), true) => {
            let codes: Vec<String> = listing.codes.iter().map(ToString::to_string).collect();
            format!("as it should be; {}", codes.join(","))
        }
        (Status::NotListed, false) => "as it should be".into(),
        (Status::Listed(_), false) => {
            "should not be listed: what lists this lists the world".into()
        }
        (Status::NotListed, true) => "should be listed: the list was emptied, or is none".into(),
        (other, _) => other.detail().unwrap_or_default(),
    }
}

fn json_of(report: &ProbeReport) -> Value {
    let points: Vec<Value> = report
        .points
        .iter()
        .map(|point| {
            json!({"asked": shown(&point.target), "should-be-listed": point.should_be_listed,
                "status": point.status.word(), "detail": point.status.detail()})
        })
        .collect();
    let verdict = match verdict(report) {
        Verdict::Good => "good",
        Verdict::Unknown => "unknown",
        Verdict::Faulty => "faulty",
    };
    let fault = report.fault.map(|fault| fault.to_string());
    json!({"zone": report.zone.public(), "verdict": verdict, "fault": fault, "points": points})
}
