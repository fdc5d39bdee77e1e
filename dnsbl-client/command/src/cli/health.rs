//! `dnsbl health`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::Args;
use dnsbl_client::{DownReason, HealthChecks, ProbePoint, ProbeReport, Status, Target};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    exit::UNKNOWN,
    lists::{Lists, Typed},
    subject::shown,
};

/// Exit code: a list can't be believed.
const FAULTY: u8 = 1;

const NOTES: &str = "\
Asks each list for the test entries of RFC 5782 section 5 and for something made up:

  127.0.0.2, ::ffff:127.0.0.2, TEST      every list has it; without it the list was emptied, or is none
  127.0.0.1, ::ffff:127.0.0.1, INVALID   no list has it; one that does lists the world
  made up                                no list has it either

A list without the test entry of IPv6 is one of IPv4 addresses, and good as such; the other way round as well.
A resolver that rewrites or strips answers is told by name; no list is blamed for it.

Exit status: 1 if a list is not as it should be, else 2 if that could not be told or the resolver is in the way, else 0.

Example: dnsbl health bl.example.org dbl.example.org";

/// Finds out whether lists can be believed.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(super) struct Health {
    /// Block list to probe
    #[arg(value_name = "ZONE")]
    zones: Vec<Typed>,
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
        let asking = self.lists.open(HealthChecks::ListingsOnly)?;
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
    match family_fault(report) {
        Some(why) if is_told(why) => Verdict::Faulty,
        Some(_) => Verdict::Unknown,
        None if report.resolver.is_some() => Verdict::Unknown,
        None => Verdict::Good,
    }
}

/// What is wrong with the list, be it with its IPv6 addresses only.
fn family_fault(report: &ProbeReport) -> Option<DownReason> {
    let lists_too_much = |why: &DownReason| {
        matches!(why, DownReason::ListsTestNegative | DownReason::ListsRandomName)
    };
    report.fault.or(report.ipv6_fault.filter(lists_too_much))
}

/// Whether the list itself showed it.
fn is_told(why: DownReason) -> bool {
    !matches!(why, DownReason::Failing { .. }) && !why.is_of_the_resolver()
}

/// What the list is good for, where it may have both families of addresses.
fn families(report: &ProbeReport) -> &'static str {
    let lacks = Some(DownReason::MissesTestEntry);
    match (report.fault, report.ipv4_fault, report.ipv6_fault) {
        (None, None, v6) if v6 == lacks => " for IPv4: it has no IPv6 test entry",
        (None, v4, None) if v4 == lacks => " for IPv6: it has no IPv4 test entry",
        _ => "",
    }
}

fn print(out: &mut impl Write, report: &ProbeReport) -> io::Result<()> {
    let (color, word) = match (verdict(report), report.fault) {
        (Verdict::Good, _) => (AnsiColor::Green, format!("good{}", families(report))),
        (Verdict::Faulty, None) => (
            AnsiColor::Red,
            format!("good for IPv4, not to be believed for IPv6: {}", DownReason::ListsRandomName),
        ),
        (Verdict::Faulty, Some(why)) => (AnsiColor::Red, format!("not to be believed: {why}")),
        (_, Some(why)) => (AnsiColor::Yellow, format!("can't tell: {why}")),
        (_, None) => {
            let trouble = report.resolver.map(|trouble| format!(", but {trouble}"));
            (AnsiColor::Yellow, format!("good{}", trouble.unwrap_or_default()))
        }
    };
    let style = Style::new().bold().fg_color(Some(color.into()));
    writeln!(out, "{}  {style}{word}{style:#}", report.zone)?;
    let names: Vec<String> = report.points.iter().map(|point| shown(&point.target)).collect();
    let width = names.iter().map(String::len).max().unwrap_or(0);
    for (point, name) in report.points.iter().zip(names) {
        writeln!(out, "  {name:<width$}  {:<10}  {}", point.status.as_str(), remark(point))?;
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
        (Status::NotListed, true) => {
            "not there: the list was emptied, has none of this kind, or is none".into()
        }
        (other, _) => other.detail().unwrap_or_default(),
    }
}

fn json_of(report: &ProbeReport) -> Value {
    let points: Vec<Value> = report
        .points
        .iter()
        .map(|point| {
            json!({"asked": shown(&point.target), "should-be-listed": point.should_be_listed,
                "status": point.status.as_str(), "detail": point.status.detail()})
        })
        .collect();
    let verdict = match verdict(report) {
        Verdict::Good => "good",
        Verdict::Unknown => "unknown",
        Verdict::Faulty => "faulty",
    };
    let said = |fault: Option<DownReason>| fault.map(|fault| fault.to_string());
    json!({"zone": report.zone.public(), "verdict": verdict, "fault": said(family_fault(report)),
        "ipv4-fault": said(report.ipv4_fault), "ipv6-fault": said(report.ipv6_fault),
        "resolver": report.resolver.map(|trouble| trouble.to_string()), "points": points})
}
