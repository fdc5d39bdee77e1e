//! `dnsblctl subject`: all that is known of an address, prefix or domain.

use std::{fmt::Write as _, process::ExitCode};

use admin_api_types::{
    AllowEntry, Listing, PastChange, RelayTest, Report, SubjectHistory, SubjectInZone, Withheld,
};
use clap::Args;
use reqwest::Method;

use crate::{
    client::Client,
    output::{self, Output},
    path::parse_segment,
    text::{self, Cell},
};

/// The most changes of one answer.
const PAGE: u64 = 1000;

const NOTES: &str = "\
Tells whether each zone lists it, what is said of it and of what covers it, allow entries, the last reports
and relay tests, and what became of it, the newest first. What the token may not see is named at the end.

A change tells its number, the time, who made it, what it was, the zone, the subject, the source and the
reason of the listing. Imports and purges are none: what an import lists has its time and author in the listing.

Examples:
  dnsblctl subject 192.0.2.99
  dnsblctl subject 192.0.2.0/24 --limit 10
  dnsblctl subject mail.example.com --json | jq .changes";

/// Tells all that is known of a subject
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Subject {
    /// Address, prefix or domain
    #[arg(value_parser = parse_segment)]
    subject: String,
    /// Only changes before this one
    #[arg(long, value_name = "SEQ")]
    before: Option<u64>,
    /// At most so many changes, 100 unless given; those of one change stay together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=PAGE))]
    limit: Option<u64>,
}

impl Subject {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let query = [("before", self.before), ("limit", self.limit)];
        let request = client.v1(Method::GET, &["subjects", &self.subject]).query(&query);
        let history = client.ask::<SubjectHistory>(request).await?;
        output.document(&history, told)?;
        if let (false, Some(next)) = (output.is_json(), history.body.next) {
            output::note(format_args!("there are older changes: --before {next}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// All of it, part by part.
fn told(history: &SubjectHistory) -> String {
    let mut text = String::new();
    let mut part = |name: &str, rows: Vec<Vec<String>>| {
        if !rows.is_empty() {
            let _ = write!(text, "{name}:\n{}", text::columns(&rows));
        }
    };
    part("zones", history.zones.iter().map(zone).collect());
    let of_zones = |listings: fn(&SubjectInZone) -> &Vec<Listing>| {
        let zones = history.zones.iter();
        let rows =
            zones.flat_map(|zone| listings(zone).iter().map(|found| listing(&zone.zone, found)));
        rows.collect::<Vec<_>>()
    };
    part("listings", of_zones(|zone| &zone.listings));
    part("covered by", of_zones(|zone| &zone.covering));
    part("allow entries", history.allow_entries.iter().flatten().map(allow_entry).collect());
    part("reports", history.reports.iter().flatten().map(report).collect());
    part("relay tests", history.relay_tests.iter().flatten().map(relay_test).collect());
    part("changes", history.changes.iter().flatten().map(change).collect());
    part("withheld", history.withheld.iter().map(withheld).collect());
    text
}

fn zone(SubjectInZone { zone, listed, more, .. }: &SubjectInZone) -> Vec<String> {
    let listed = match listed {
        Some(true) => "listed",
        Some(false) => "not-listed",
        None => "-",
    };
    let more = if *more { "there is more: dnsblctl search" } else { "" };
    vec![format!("  {}", zone.cell()), listed.cell(), more.to_owned()]
}

fn listing(zone: &str, found: &Listing) -> Vec<String> {
    let kind = if found.exclusion { "exclusion" } else { "listing" };
    vec![
        format!("  {}", zone.cell()),
        found.subject.cell(),
        kind.cell(),
        found.source.cell(),
        found.return_codes.cell(),
        found.expires_at.cell(),
        found.updated_at.cell(),
        found.listed_by.cell(),
        found.reason.cell(),
    ]
}

fn allow_entry(entry: &AllowEntry) -> Vec<String> {
    let zone = entry.zone.as_deref().unwrap_or("*");
    vec![
        format!("  {}", zone.cell()),
        entry.subject.cell(),
        entry.owner.cell(),
        entry.expires_at.cell(),
        entry.reason.cell(),
    ]
}

fn report(report: &Report) -> Vec<String> {
    vec![
        format!("  {}", report.id.cell()),
        report.reported_at.cell(),
        report.zone.cell(),
        word(&report.category),
        word(&report.state),
        report.reporter.cell(),
        report.comment.cell(),
    ]
}

/// A word of the API as it stands there.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap_or_default().cell()
}

fn relay_test(test: &RelayTest) -> Vec<String> {
    vec![
        format!("  {}", test.id.cell()),
        test.submitted_at.cell(),
        test.state.cell(),
        test.verdict.cell(),
    ]
}

fn change(change: &PastChange) -> Vec<String> {
    let listing = change.listing.as_ref().or(change.previous.as_ref());
    let entry = change.allow_entry.as_ref().map(|entry| entry.reason.clone());
    vec![
        format!("  {}", change.seq),
        change.at.cell(),
        change.actor.cell(),
        change.op.cell(),
        change.zone.as_deref().unwrap_or("*").cell(),
        change.subject.cell(),
        change.source.cell(),
        entry.or_else(|| listing.and_then(|listing| listing.reason.clone())).cell(),
    ]
}

fn withheld(Withheld { part, needs }: &Withheld) -> Vec<String> {
    let needs = needs.as_deref().map(|scope| format!("needs the scope {scope}"));
    vec![
        format!("  {}", part.cell()),
        needs.unwrap_or_else(|| "belongs to other zones than this token".into()).cell(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::told;

    #[test]
    fn each_part_has_its_lines_and_what_is_withheld_is_named() {
        let listing = json!({"subject": "192.0.2.0/24", "source": "drop", "return_codes": null,
            "reason": "spam", "exclusion": false, "tags": [], "note": null, "expires_at": null,
            "etag": "\"3\"", "listed_at": "2030-01-01T00:00:00Z",
            "updated_at": "2030-01-02T00:00:00Z", "listed_by": "alice"});
        let history = json!({"subject": "192.0.2.9",
            "zones": [{"zone": "bl.example.org", "listed": true, "listings": [],
                "covering": [listing], "more": false}],
            "changes": [{"seq": 3, "at": "2030-01-02T00:00:00Z", "op": "put",
                "zone": "bl.example.org", "subject": "192.0.2.0/24", "source": "drop",
                "actor": "alice", "token_id": null, "logged": true, "listing": listing,
                "previous": null}],
            "next": null, "withheld": [{"part": "reports", "needs": "reports:read"}]});
        let expected = "\
zones:
  bl.example.org  listed
covered by:
  bl.example.org  192.0.2.0/24  listing  drop  -  -  2030-01-02T00:00:00Z  alice  spam
changes:
  3  2030-01-02T00:00:00Z  alice  put  bl.example.org  192.0.2.0/24  drop  spam
withheld:
  reports  needs the scope reports:read
";
        assert_eq!(told(&serde_json::from_value(history).unwrap()), expected);
    }
}
