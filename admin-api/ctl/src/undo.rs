//! `dnsblctl undo`: taking a change back.

use std::process::ExitCode;

use admin_api_types::{UndoBody, UndoResult};
use clap::Args;
use reqwest::{Method, header::CONTENT_TYPE};

use crate::{client::Client, output::Output};

const NOTES: &str = "\
Puts back what the change was about as it was before: listings, the settings of a zone, a source, an import, a purge, or
an undo. Where something later rests on the change, the server says what and undoes nothing; undo that first. `changes`
and `audit` tell the numbers of changes; imports and purges print theirs, and their ids.

Examples:
  dnsblctl undo 1234 --dry-run
  dnsblctl undo 1234
  dnsblctl undo --import 0000002a";

/// Undoes a change, an import or a purge
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Undo {
    /// The number of the change
    #[arg(required_unless_present = "import", conflicts_with = "import")]
    seq: Option<u64>,
    /// The id of an import or a purge
    #[arg(long, value_name = "ID")]
    import: Option<String>,
    /// Only tell what would happen
    #[arg(long)]
    dry_run: bool,
}

impl Undo {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let Self { seq, import, dry_run } = self;
        let body = serde_json::to_string(&UndoBody { seq, import })?;
        let mut request = client.v1(Method::POST, &["undo"]);
        if dry_run {
            request = request.query(&[("dry_run", "1")]);
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        // It may take as long as an import.
        let answer = client.document::<UndoResult>(client.send(request).await?).await?;
        let verb = if dry_run { "would undo" } else { "undone" };
        output.document(&answer, |result| {
            let UndoResult { undone, added, updated, removed, .. } = result;
            let counts = format!("{added} back  {updated} as before  {removed} removed");
            answer.outcome(&[verb, &undone.to_string(), &counts])
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
