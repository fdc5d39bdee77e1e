//! `dnsblctl allow`: what is not listed, whatever listings, imports and ranges say.

use std::process::ExitCode;

use admin_api_types as api;
use clap::{Args, Subcommand};
use reqwest::{Method, header::IF_MATCH};
use serde::Serialize;

use crate::{
    args::{Query, parse_time},
    client::Client,
    document::Deletion,
    output::Output,
    pages::List,
    path::parse_segment,
    text::{self, Cell},
};

const COLUMNS: [&str; 5] = ["subject", "zone", "owner", "expires_at", "reason"];

const PUT_NOTES: &str = "\
It wins over listings, imports and ranges, of whatever length, from the answer on. Without --zone it holds for all
zones. Test entries are answered all the same.

Examples:
  dnsblctl allow put 192.0.2.25 --reason 'our own mail server'
  dnsblctl allow put 198.51.100.0/24 --zone bl.example.org --reason 'a university' --owner abuse@example.edu
  dnsblctl allow put '*.example.com' --zone dbl.example.org --reason 'a customer' --expires-at 2030-01-31";

const LIST_NOTES: &str = "\
Each line tells the subject, the zone (* where it holds for all), the owner, when it expires and the reason.

Examples:
  dnsblctl allow list
  dnsblctl allow list --subject 192.0.2.25    # what keeps it from being listed
  dnsblctl allow list --zone bl.example.org --json";

const SHOW_NOTES: &str = "\
Examples:
  dnsblctl allow show 192.0.2.25
  dnsblctl allow show 198.51.100.0/24 --zone bl.example.org --json | jq -r .reason";

const DELETE_NOTES: &str = "\
What is said of the subject counts again with the answer.

Examples:
  dnsblctl allow delete 192.0.2.25
  dnsblctl allow delete 198.51.100.0/24 --zone bl.example.org";

/// Lists, makes and deletes allow entries: what is not listed, whatever is said of it
#[derive(Subcommand)]
pub(crate) enum AllowCommand {
    List(ListAllowEntries),
    Show(ShowAllowEntry),
    Put(PutAllowEntry),
    Delete(DeleteAllowEntry),
}

/// Lists allow entries
#[derive(Args, Serialize)]
#[command(after_help = LIST_NOTES)]
pub(crate) struct ListAllowEntries {
    /// Only those of this zone; * is those that hold for all zones
    #[arg(long)]
    zone: Option<String>,
    /// Only those that cover this address, prefix or domain
    #[arg(long)]
    subject: Option<String>,
}

/// Shows an allow entry
#[derive(Args)]
#[command(after_help = SHOW_NOTES)]
pub(crate) struct ShowAllowEntry {
    #[command(flatten)]
    place: Place,
}

/// Makes an allow entry, or replaces one
#[derive(Args)]
#[command(after_help = PUT_NOTES)]
pub(crate) struct PutAllowEntry {
    #[command(flatten)]
    place: Place,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who answers for it; the token's name unless something else is said
    #[arg(long, value_name = "WHO")]
    owner: Option<String>,
    /// When it ends
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires_at: Option<String>,
    /// short-prefix, public-suffix or both with a comma; needs the scope guards:override
    #[arg(long, value_name = "GUARDS")]
    r#override: Option<String>,
}

/// Deletes an allow entry
#[derive(Args)]
#[command(after_help = DELETE_NOTES)]
pub(crate) struct DeleteAllowEntry {
    #[command(flatten)]
    place: Place,
    /// Only if it has this entity tag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

/// Where an entry is.
#[derive(Args)]
struct Place {
    /// Address, prefix or domain
    #[arg(value_parser = parse_segment)]
    subject: String,
    /// The zone that it holds for; without it all of them
    #[arg(long)]
    zone: Option<String>,
}

impl Place {
    fn query(&self) -> Query {
        self.zone.iter().map(|zone| ("zone", zone.clone())).collect()
    }
}

impl AllowCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run(client, output).await?,
            Self::Show(ShowAllowEntry { place }) => {
                let request = client.v1(Method::GET, &["allowlist", &place.subject]);
                let found = client.ask::<api::AllowEntry>(request.query(&place.query())).await?;
                output.document(&found, text::members)?;
            }
            Self::Put(put) => put.run(client, output).await?,
            Self::Delete(DeleteAllowEntry { place, if_match }) => {
                let request = client.v1(Method::DELETE, &["allowlist", &place.subject]);
                let mut request = request.query(&place.query());
                if let Some(etag) = if_match {
                    request = request.header(IF_MATCH, etag);
                }
                let gone: Deletion = client.ask(request).await?;
                output.deletion(&gone, &["deleted", &place.subject])?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl PutAllowEntry {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let Self { place, reason, owner, expires_at, r#override } = self;
        let mut query = place.query();
        query.extend(r#override.map(|guards| ("override", guards)));
        let body = api::AllowEntryBody { reason, owner, expires_at, expires_in: None };
        let request = client.v1(Method::PUT, &["allowlist", &place.subject]);
        let entry = client.ask::<api::AllowEntry>(request.query(&query).json(&body)).await?;
        let verb = if entry.created { "created" } else { "replaced" };
        output.document(&entry, |body| entry.outcome(&[verb, &body.subject]))
    }
}

impl ListAllowEntries {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let list = List { path: &["allowlist"], query: &self, limit: None };
        list.print::<api::AllowEntryPage, _>(client, output, COLUMNS, row).await
    }
}

fn row(entry: &api::AllowEntry) -> [String; 5] {
    let zone = entry.zone.as_deref().unwrap_or("*");
    let api::AllowEntry { subject, owner, expires_at, reason, .. } = entry;
    [subject.cell(), zone.cell(), owner.cell(), expires_at.cell(), reason.cell()]
}
