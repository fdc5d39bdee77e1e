//! `dnsblctl relay-test`: tests of hosts that may relay for anyone, and networks that are not tested.

mod list;
mod opt_out;
mod show;
mod submit;

use std::process::ExitCode;

use admin_api_types::RelayTest;
use clap::{Args, Subcommand};
use reqwest::Method;

use crate::{client::Client, document::Document, output::Output, path::parse_segment};

const SHOW_NOTES: &str = "\
Shows the test, what became of each probe, what was said and what came back.

Examples:
  dnsblctl relay-test show aerukz4jvpg66
  dnsblctl relay-test show aerukz4jvpg66 --json | jq -r '.transcript[]'";

const CANCEL_NOTES: &str = "\
A test is called off while it waits for its turn or its host is talked to. What the host took by then
may still come back, and counts no more. Tests of others take the scope relay-tests:trusted.

Examples:
  dnsblctl relay-test cancel aerukz4jvpg66";

/// Submits, shows, lists and cancels tests of hosts; opts networks out of them
#[derive(Subcommand)]
pub(crate) enum RelayTestCommand {
    Submit(submit::SubmitTest),
    /// Shows a test
    #[command(after_help = SHOW_NOTES)]
    Show(TestId),
    List(list::ListTests),
    /// Calls a test off
    #[command(after_help = CANCEL_NOTES)]
    Cancel(TestId),
    /// Lists the networks that are not tested
    #[command(after_help = opt_out::LIST_NOTES)]
    OptOuts,
    /// Tests a network no more
    #[command(after_help = opt_out::OUT_NOTES)]
    OptOut(opt_out::Network),
    /// Ends an opt-out
    #[command(after_help = opt_out::IN_NOTES)]
    OptIn(opt_out::Network),
}

/// A test.
#[derive(Args)]
pub(crate) struct TestId {
    /// Its id, as `relay-test submit` and `relay-test list` tell
    #[arg(value_parser = parse_segment)]
    id: String,
}

impl RelayTestCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Submit(submit) => submit.run(client, output).await?,
            Self::Show(test) => {
                output.document(&test.ask(client, Method::GET).await?, show::whole)?;
            }
            Self::List(list) => list.run(client, output).await?,
            Self::Cancel(test) => {
                let cancelled = test.ask(client, Method::DELETE).await?;
                output.document(&cancelled, |_| cancelled.outcome(&["cancelled", &test.id]))?;
            }
            Self::OptOuts => opt_out::list(client, output).await?,
            Self::OptOut(network) => network.opt_out(client, output).await?,
            Self::OptIn(network) => network.opt_in(client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl TestId {
    async fn ask(&self, client: &Client, method: Method) -> anyhow::Result<Document<RelayTest>> {
        client.ask(client.v1(method, &["relay-tests", &self.id])).await
    }
}
