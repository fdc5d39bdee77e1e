//! `dnsblctl audit`: who did what.

use std::process::ExitCode;

use admin_api_types as api;
use clap::Args;
use reqwest::Method;
use serde::Serialize;

use crate::{
    args::parse_time,
    client::Client,
    output::{self, Output},
    text::Cell,
};

/// The most records of one page.
const PAGE: u64 = 1000;

const COLUMNS: [&str; 9] =
    ["seq", "at", "actor", "token_id", "remote", "action", "zone", "subject", "source"];

const NOTES: &str = "\
The newest come first. Each line tells the sequence number, the time, the token's name and id, the
client's address, the action, the zone, the subject and the source. Where older ones begin is told on
standard error.

A subject is an address, prefix or domain, the name of a token, or the id of a relay test. Of a relay
test there is who asked for it, who called it off, and the verdict.

Examples:
  dnsblctl audit
  dnsblctl audit --limit 20
  dnsblctl audit --zone bl.example.org --subject 192.0.2.99 --action delete
  dnsblctl audit --actor honeypot --from 2030-03-01 --to 2030-04-01
  dnsblctl audit --before 1700 --json";

/// Prints the audit log
#[derive(Args, Serialize)]
#[command(after_help = NOTES)]
pub(crate) struct Audit {
    /// Only records before this one
    #[arg(long, value_name = "SEQ")]
    #[serde(skip)]
    before: Option<u64>,
    /// At most so many records, 100 unless given; those of one change stay together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[serde(skip)]
    limit: Option<u64>,
    /// Only what was done to this zone
    #[arg(long)]
    zone: Option<String>,
    /// Only what was done to this subject, token or relay test
    #[arg(long)]
    subject: Option<String>,
    /// Only what was done to listings of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only what this token did, by name or id
    #[arg(long, value_name = "TOKEN")]
    actor: Option<String>,
    /// Only this action, such as put, delete, expire, import or zone-put
    #[arg(long)]
    action: Option<String>,
    /// Only from this time on: a date or an RFC 3339 time
    #[arg(long, visible_alias = "since", value_name = "TIME", value_parser = parse_time)]
    from: Option<String>,
    /// Only before this time
    #[arg(long, visible_alias = "until", value_name = "TIME", value_parser = parse_time)]
    to: Option<String>,
}

impl Audit {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let mut left = self.limit.unwrap_or(100);
        let mut before = self.before;
        // A page may be empty and not the last: the server looks at so many records at a time.
        loop {
            let request = client.v1(Method::GET, &["audit"]).query(&self);
            let request = request.query(&[("before", before), ("limit", Some(left.min(PAGE)))]);
            let page = client.ask::<api::AuditPage>(request).await?;
            let records = &page.body.records;
            before = page.body.next;
            left = left.saturating_sub(records.len() as u64);
            if !records.is_empty() || before.is_none() {
                output.table(&page, COLUMNS, records, row)?;
            }
            if left == 0 || before.is_none() {
                break;
            }
        }
        if let (false, Some(next)) = (output.is_json(), before) {
            output::note(format_args!("there is more: --before {next}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn row(record: &api::AuditRecord) -> [String; 9] {
    [
        record.seq.cell(),
        record.at.cell(),
        record.actor.cell(),
        record.token_id.cell(),
        record.remote.cell(),
        record.action.cell(),
        record.zone.cell(),
        record.subject.cell(),
        record.source.cell(),
    ]
}
