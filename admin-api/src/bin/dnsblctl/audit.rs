//! `dnsblctl audit`: who did what.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;

use crate::{
    client::Client,
    output::{self, Output},
};

const COLUMNS: [&str; 8] = ["seq", "at", "actor", "remote", "action", "zone", "subject", "source"];

const NOTES: &str = "\
The newest come first. Each line tells the sequence number, the time, the token, the client's
address, the action, the zone, the subject and the source. Where older ones begin is told on
standard error.

Examples:
  dnsblctl audit
  dnsblctl audit --limit 20
  dnsblctl audit --before 1700 --json";

/// Prints the audit log
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Audit {
    /// Only records before this one
    #[arg(long, value_name = "SEQ")]
    before: Option<u64>,
    /// At most so many records
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl Audit {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let query = [("before", self.before), ("limit", self.limit)];
        let request = client.v1(Method::GET, &["audit"]).query(&query);
        let records = client.ask(request).await?;
        output.table(&records, "records", &COLUMNS)?;
        if let (false, Some(next)) = (output.is_json(), records.value["next"].as_u64()) {
            output::note(format_args!("there is more: --before {next}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}
