//! `dnsblctl review`: what waits for a decision.

use std::process::ExitCode;

use admin_api_types::{ClaimBody, DecideBody, Decided, ReviewItem, ReviewPage};
use clap::{Args, Subcommand};
use reqwest::{Method, RequestBuilder, header::IF_MATCH};
use serde::Serialize;

use crate::{
    client::Client,
    output::Output,
    pages::List,
    path::parse_segment,
    text::{self, Cell},
};

const COLUMNS: [&str; 6] = ["item", "zone", "subject", "since", "due", "claimed by"];

const DECISIONS: [&str; 7] =
    ["grant", "grant-wider", "refuse", "confirm", "refute", "keep", "remove"];

const LIST_NOTES: &str = "\
Requests for removal come first, the oldest before the others, then reports, then listings that somebody has made and that
never expire. Each line tells the item, the zone, the subject, since when it waits, until when it is answered, and who works
on it.

Examples:
  dnsblctl review list
  dnsblctl review list --kind removal --state unclaimed
  dnsblctl review list --limit 1 --json | jq -r '.items[0].id'";

const SHOW_NOTES: &str = "\
Examples:
  dnsblctl review show removal-0006a1d2b4c00000";

const CLAIM_NOTES: &str = "\
Others can't decide about what is claimed until the claim is released, or ends. Who has claimed it may do so again.

Examples:
  dnsblctl review claim removal-0006a1d2b4c00000
  dnsblctl review claim removal-0006a1d2b4c00000 --term 2h";

const RELEASE_NOTES: &str = "\
Examples:
  dnsblctl review release removal-0006a1d2b4c00000";

const DECIDE_NOTES: &str = "\
A request for removal: grant (what covers the subject stays, and the subject is excluded from it), grant-wider (what covers
it goes, too), refuse. A report: confirm, refute. A listing: keep (it is shown again after a year, or once it has changed),
remove. Whoever asked for a removal is told the note. Prints the number of the change, for `dnsblctl undo`.

Examples:
  dnsblctl review decide removal-0006a1d2b4c00000 grant --note 'closed, thank you'
  dnsblctl review decide report-0006a1d2b4c00001 refute --if-match '\"1234\"'";

/// Lists what waits for a decision, claims it, and decides
#[derive(Subcommand)]
pub(crate) enum ReviewCommand {
    List(ListReview),
    Show(ShowReview),
    Claim(ClaimReview),
    Release(ReleaseReview),
    Decide(DecideReview),
}

/// Lists what waits for a decision
#[derive(Args, Serialize)]
#[command(after_help = LIST_NOTES)]
pub(crate) struct ListReview {
    /// Only items of this kind
    #[arg(long, value_parser = ["removal", "report", "listing"])]
    kind: Option<String>,
    /// Only what somebody works on, or what nobody does
    #[arg(long, value_parser = ["claimed", "unclaimed"])]
    state: Option<String>,
    /// Only what is of this zone
    #[arg(long)]
    zone: Option<String>,
    /// At most so many; all unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[serde(skip)]
    limit: Option<u64>,
}

/// Shows something that waits
#[derive(Args)]
#[command(after_help = SHOW_NOTES)]
pub(crate) struct ShowReview {
    /// The item's name
    #[arg(value_parser = parse_segment)]
    id: String,
}

/// Has others know that you work on it
#[derive(Args)]
#[command(after_help = CLAIM_NOTES)]
pub(crate) struct ClaimReview {
    #[command(flatten)]
    item: NamedItem,
    /// For how long, such as 45m or 2h; 30m unless given
    #[arg(long)]
    term: Option<String>,
}

/// Ends your claim
#[derive(Args)]
#[command(after_help = RELEASE_NOTES)]
pub(crate) struct ReleaseReview {
    #[command(flatten)]
    item: NamedItem,
}

/// Decides about it
#[derive(Args)]
#[command(after_help = DECIDE_NOTES)]
pub(crate) struct DecideReview {
    #[command(flatten)]
    item: NamedItem,
    /// What is decided
    #[arg(value_parser = DECISIONS)]
    decision: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Args)]
struct NamedItem {
    /// The item's name
    #[arg(value_parser = parse_segment)]
    id: String,
    /// Only if it still has this etag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

impl NamedItem {
    fn request(&self, client: &Client, verb: &str) -> RequestBuilder {
        let request = client.v1(Method::POST, &["review", &self.id, verb]);
        match &self.if_match {
            Some(etag) => request.header(IF_MATCH, etag),
            None => request,
        }
    }
}

impl ReviewCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run(client, output).await?,
            Self::Show(show) => {
                let request = client.v1(Method::GET, &["review", &show.id]);
                output.document(&client.ask::<ReviewItem>(request).await?, text::members)?;
            }
            Self::Claim(ClaimReview { item, term }) => {
                let request = item.request(client, "claim").json(&ClaimBody { term });
                let claimed = client.ask::<ReviewItem>(request).await?;
                output.document(&claimed, |body| {
                    let until = body.claim.as_ref().map(|claim| claim.until.clone());
                    claimed.outcome(&["claimed", &body.id, &until.cell()])
                })?;
            }
            Self::Release(ReleaseReview { item }) => {
                let released = client.ask::<ReviewItem>(item.request(client, "release")).await?;
                output.document(&released, |body| released.outcome(&["released", &body.id]))?;
            }
            Self::Decide(DecideReview { item, decision, note }) => {
                let request = item.request(client, "decide");
                let request = request.json(&DecideBody { decision, note });
                let decided = client.ask::<Decided>(request).await?;
                output.document(&decided, |body| decided.outcome(&[&body.decision, &body.id]))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ListReview {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let list = List { path: &["review"], query: &self, limit: self.limit };
        list.print::<ReviewPage, _>(client, output, COLUMNS, row).await
    }
}

fn row(item: &ReviewItem) -> [String; 6] {
    [
        item.id.cell(),
        item.zone.cell(),
        item.subject.cell(),
        item.since.cell(),
        item.due_at.cell(),
        item.claim.as_ref().map(|claim| claim.by.clone()).cell(),
    ]
}
