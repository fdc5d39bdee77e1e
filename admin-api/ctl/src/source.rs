//! `dnsblctl source`: who lists in a zone, and who may not at the moment.

use std::process::ExitCode;

use admin_api_types::{SourceBody, SourceState, Sources};
use clap::{Args, Subcommand};
use reqwest::{Method, header::CONTENT_TYPE};

use crate::{client::Client, output::Output, path::parse_segment, text::Cell};

const LIST_NOTES: &str = "\
Each line tells the source, whether it is frozen, since when and by whom, when it was last imported, and why it is frozen.

Examples:
  dnsblctl source list bl.example.org
  dnsblctl source list bl.example.org --json | jq -r '.sources[] | select(.frozen) | .source'";

const FREEZE_NOTES: &str = "\
A frozen source writes nothing: listings, imports and feeds of it are refused, with the reason. What it lists stays, and
can be purged, and its changes undone.

Examples:
  dnsblctl source freeze bl.example.org feed --why 'lists half of a provider since Monday'";

const THAW_NOTES: &str = "\
Examples:
  dnsblctl source thaw bl.example.org feed";

/// Lists, freezes and thaws sources
#[derive(Subcommand)]
pub(crate) enum SourceCommand {
    List(ListSources),
    Freeze(FreezeSource),
    Thaw(ThawSource),
}

/// Lists the sources of a zone
#[derive(Args)]
#[command(after_help = LIST_NOTES)]
pub(crate) struct ListSources {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
}

/// Keeps a source from writing
#[derive(Args)]
#[command(after_help = FREEZE_NOTES)]
pub(crate) struct FreezeSource {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
    /// The source
    #[arg(value_parser = parse_segment)]
    source: String,
    /// Why, for whoever is refused
    #[arg(long, value_name = "TEXT")]
    why: String,
}

/// Lets a source write again
#[derive(Args)]
#[command(after_help = THAW_NOTES)]
pub(crate) struct ThawSource {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
    /// The source
    #[arg(value_parser = parse_segment)]
    source: String,
}

impl SourceCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run(client, output).await?,
            Self::Freeze(FreezeSource { zone, source, why }) => {
                let body = SourceBody { frozen: true, why: Some(why) };
                put(client, output, [&zone, &source], &body, "frozen").await?;
            }
            Self::Thaw(ThawSource { zone, source }) => {
                let body = SourceBody { frozen: false, why: None };
                put(client, output, [&zone, &source], &body, "thawed").await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ListSources {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::GET, &["zones", &self.zone, "sources"]);
        let sources = client.ask::<Sources>(request).await?;
        let columns = ["source", "frozen", "since", "by", "imported", "why"];
        output.table(&sources, columns, &sources.body.sources, |state| {
            let frozen = if state.frozen { "frozen" } else { "active" };
            let (since, by) = (state.since.cell(), state.by.cell());
            [
                state.source.cell(),
                frozen.cell(),
                since,
                by,
                state.imported_at.cell(),
                state.why.cell(),
            ]
        })
    }
}

async fn put(
    client: &Client,
    output: Output,
    [zone, source]: [&str; 2],
    body: &SourceBody,
    verb: &str,
) -> anyhow::Result<()> {
    let request = client.v1(Method::PUT, &["zones", zone, "sources", source]);
    let request = request.header(CONTENT_TYPE, "application/json");
    let put = client.ask::<SourceState>(request.body(serde_json::to_string(body)?)).await?;
    output.document(&put, |state| put.outcome(&[verb, &state.zone, &state.source]))
}
