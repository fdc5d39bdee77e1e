//! `dnsblctl relay-test list`: tests, the newest first, page by page.

use admin_api_types::{RelayTest, RelayTests};
use clap::Args;
use reqwest::Method;

use crate::{
    args::Query,
    client::Client,
    document::Document,
    output::{self, Output},
    text::Cell,
};

/// The most tests of one page.
const PAGE: u64 = 1000;

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
#[derive(Args)]
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
    limit: Option<u64>,
}

impl ListTests {
    /// Does it.
    pub(super) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut cursor = None;
        while left > 0 {
            let page = self.page(client, cursor, left.min(PAGE)).await?;
            let tests = &page.body.relay_tests;
            output.table(&page, COLUMNS, tests, row)?;
            left = left.saturating_sub(tests.len() as u64);
            cursor = page.body.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
        output::note("there may be more tests");
        Ok(())
    }

    async fn page(
        &self,
        client: &Client,
        cursor: Option<String>,
        limit: u64,
    ) -> anyhow::Result<Document<RelayTests>> {
        let given = [
            ("address", self.address.clone()),
            ("state", self.state.clone()),
            ("verdict", self.verdict.clone()),
            ("cursor", cursor),
            ("limit", Some(limit.to_string())),
        ];
        let given = given.into_iter();
        let query: Query = given.filter_map(|(name, value)| Some((name, value?))).collect();
        client.ask(client.v1(Method::GET, &["relay-tests"]).query(&query)).await
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
