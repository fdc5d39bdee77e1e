//! `dnsblctl reload`: the server reads its configuration again.

use std::process::ExitCode;

use admin_api_types as api;
use clap::Args;
use reqwest::Method;

use crate::{client::Client, output::Output, text::Cell};

const NOTES: &str = "\
Each line tells a key: `changed` is in force, `reread` is a file that was read again, `restart` needs one.
Where the file or one that it names is bad nothing changes, and the exit status is 1. Needs the scope reload.

Examples:
  dnsblctl reload
  dnsblctl reload --json | jq -r '.restart[]'";

/// Has the server read its configuration again
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Reload {}

impl Reload {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let done = client.ask(client.v1(Method::POST, &["reload"])).await?;
        output.document(&done, |reload: &api::Reload| {
            let lines = |word: &str, keys: &[String]| -> String {
                keys.iter().map(|key| format!("{word} {}\n", key.cell())).collect()
            };
            let told = lines("changed", &reload.changed)
                + &lines("reread", &reload.reread)
                + &lines("restart", &reload.restart);
            if told.is_empty() { "nothing has changed\n".into() } else { told }
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
