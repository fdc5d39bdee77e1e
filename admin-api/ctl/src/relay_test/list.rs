//! `dnsblctl relay-test list`: tests, the newest first, page by page.

use admin_api_types::{RelayTest, RelayTests};
use clap::Args;
use serde::Serialize;

use crate::{client::Client, output::Output, pages::List, text::Cell};

const COLUMNS: [&str; 8] =
    ["id", "address", "port", "ground", "state", "verdict", "submitted_at", "listed"];

const NOTES: &str = "\
Each line tells the id, the address, the port, the ground, the state, the verdict, when it was
submitted, and whether the host is listed now.

Examples:
  dnsblctl relay-test list --limit 20
  dnsblctl relay-test list --address 192.0.2.25
  dnsblctl relay-test list --state done --verdict open --json | jq -r '.relay_tests[].address'";

/// Lists tests, the newest first
#[derive(Args, Serialize)]
#[command(after_help = NOTES)]
pub(crate) struct ListTests {
    /// Only tests of this address
    #[arg(long)]
    address: Option<String>,
    /// Only tests that are this far
    #[arg(long, value_parser = ["queued", "testing", "pending", "done", "cancelled"])]
    state: Option<String>,
    /// Only tests with this verdict
    #[arg(long, value_parser = ["clean", "open", "blocked", "unreachable", "inconclusive"])]
    verdict: Option<String>,
    /// At most so many tests; all unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[serde(skip)]
    limit: Option<u64>,
}

impl ListTests {
    /// Does it.
    pub(super) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let list = List { path: &["relay-tests"], query: &self, limit: self.limit };
        list.print::<RelayTests, _>(client, output, COLUMNS, row).await
    }
}

fn row(test: &RelayTest) -> [String; 8] {
    [
        test.id.cell(),
        test.address.cell(),
        test.port.cell(),
        test.ground.cell(),
        test.state.cell(),
        test.verdict.cell(),
        test.submitted_at.cell(),
        test.listed.cell(),
    ]
}
