//! `dnsblctl feed`: lists that the server fetches again and again.

use std::process::ExitCode;

use admin_api_types::{Feed, FeedBody, Feeds};
use clap::{Args, Subcommand};
use reqwest::Method;

use crate::{
    args::{Overrides, parse_duration, parse_share},
    client::Client,
    document::Deletion,
    failure::REFUSED,
    format,
    output::{self, Output},
    path::parse_segment,
    text::{self, Cell},
};

const COLUMNS: [&str; 6] = ["feed", "zone", "source", "state", "last success", "why"];

const LIST_NOTES: &str = "\
Each line tells the feed, its zone and source, whether it is ok, failing or waiting for its first attempt, when
it was last there and whole, and why it is not since.

Examples:
  dnsblctl feed list
  dnsblctl feed list --json | jq -r '.feeds[] | select(.status.state == \"failing\") | .name'";

const SHOW_NOTES: &str = "\
Examples:
  dnsblctl feed show drop
  dnsblctl feed show drop --json | jq .status.imported";

const PUT_NOTES: &str = "\
A feed replaces all that its source lists in the zone, so each has a source of its own: the feed's name, unless
--source says otherwise. It runs at once, and then again and again; `feed show` tells what came of it. A path is
one on the server, in a folder that feeds.folders of its configuration names. docs/feeds.md has the formats.

Examples:
  dnsblctl feed put drop --zone bl.example.org --url https://lists.example.net/drop.json --format ndjson --field cidr
  dnsblctl feed put mirror --zone bl.example.org --path /var/lib/dnsbl/feeds/mirror --every 10m --expires-in 2d
  dnsblctl feed put hosts --zone dbl.example.org --url https://lists.example.net/hosts --format hosts";

const DELETE_NOTES: &str = "\
What the feed has listed stays; an import of an empty file with its source removes it.

Examples:
  dnsblctl feed delete drop
  dnsblctl import bl.example.org /dev/null --source drop --mode replace-source --max-removed 1";

const RUN_NOTES: &str = "\
Waits until the feed was fetched and imported. Exit status: 1 where that failed; its listings are as they were.

Examples:
  dnsblctl feed run drop
  dnsblctl feed run drop --max-removed 50%";

/// Lists, shows, makes, deletes and runs feeds
#[derive(Subcommand)]
pub(crate) enum FeedCommand {
    /// Lists the feeds
    #[command(after_help = LIST_NOTES)]
    List,
    Show(ShowFeed),
    Put(Box<PutFeed>),
    Delete(DeleteFeed),
    Run(RunFeed),
}

/// Shows a feed, and what came of it
#[derive(Args)]
#[command(after_help = SHOW_NOTES)]
pub(crate) struct ShowFeed {
    /// The feed's name
    #[arg(value_parser = parse_segment)]
    name: String,
}

/// Makes a feed, or replaces it
#[derive(Args)]
#[command(after_help = PUT_NOTES)]
pub(crate) struct PutFeed {
    /// The feed's name
    #[arg(value_parser = parse_segment)]
    name: String,
    /// The zone that lists what it has
    #[arg(long)]
    zone: String,
    /// An http or https URL
    #[arg(long, required_unless_present = "path", conflicts_with = "path")]
    url: Option<String>,
    /// A file or folder on the server
    #[arg(long)]
    path: Option<String>,
    /// Whose listings they are; the feed's name unless given
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// What it is made of; by its first lines unless given
    #[arg(long, value_parser = format::reads())]
    format: Option<String>,
    /// The type of the data set, for --format rbldnsd
    #[arg(long, value_name = "TYPE", value_parser = format::dataset, required_if_eq("format", "rbldnsd"))]
    dataset: Option<String>,
    /// Where the subjects stand, for csv, ndjson and json
    #[arg(long)]
    field: Option<String>,
    /// Time between two attempts, such as 30m; 1h unless given
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    every: Option<u64>,
    /// The share of listings that may go with one run; 20% unless given
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    max_removed: Option<f64>,
    /// The share of rows that may be rejected; 5% unless given
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    max_rejected: Option<f64>,
    /// How long a row is listed at least after the last run that had it
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expires_in: Option<u64>,
    /// Ask special-use addresses, too (needs the scope guards:override)
    #[arg(long)]
    allow_private: bool,
    #[command(flatten)]
    overrides: Overrides,
}

/// Deletes a feed; what it has listed stays
#[derive(Args)]
#[command(after_help = DELETE_NOTES)]
pub(crate) struct DeleteFeed {
    /// The feed's name
    #[arg(value_parser = parse_segment)]
    name: String,
}

/// Runs a feed now
#[derive(Args)]
#[command(after_help = RUN_NOTES)]
pub(crate) struct RunFeed {
    /// The feed's name
    #[arg(value_parser = parse_segment)]
    name: String,
    /// The share of listings that may go this once
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    max_removed: Option<f64>,
}

impl FeedCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::List => list(client, output).await?,
            Self::Show(show) => show.run(client, output).await?,
            Self::Put(put) => put.run(client, output).await?,
            Self::Delete(delete) => delete.run(client, output).await?,
            Self::Run(run) => return run.run(client, output).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let feeds = client.ask::<Feeds>(client.v1(Method::GET, &["feeds"])).await?;
    output.table(&feeds, COLUMNS, &feeds.body.feeds, row)
}

fn row(feed: &Feed) -> [String; 6] {
    let status = &feed.status;
    let why =
        status.failing.as_ref().map(|failing| format!("{}: {}", failing.reason, failing.detail));
    [
        feed.name.cell(),
        feed.zone.cell(),
        feed.source.cell(),
        status.state.cell(),
        status.last_success.cell(),
        why.cell(),
    ]
}

impl ShowFeed {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::GET, &["feeds", &self.name]);
        output.document(&client.ask::<Feed>(request).await?, text::members)
    }
}

impl PutFeed {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::PUT, &["feeds", &self.name]).json(&self.body());
        let feed = client.ask::<Feed>(request).await?;
        let verb = if feed.created { "created" } else { "replaced" };
        output.document(&feed, |body| feed.outcome(&[verb, &body.name]))
    }

    fn body(&self) -> FeedBody {
        let lifted: Option<Vec<String>> = self
            .overrides
            .query()
            .map(|(_, guards)| guards.split(',').map(ToOwned::to_owned).collect());
        FeedBody {
            zone: self.zone.clone(),
            source: self.source.clone(),
            path: self.path.clone(),
            url: self.url.clone(),
            format: self.format.clone(),
            dataset: self.dataset.clone(),
            field: self.field.clone(),
            every: self.every,
            max_removed: self.max_removed,
            max_rejected: self.max_rejected,
            expires_in: self.expires_in,
            r#override: lifted,
            allow_private: self.allow_private.then_some(true),
        }
    }
}

impl DeleteFeed {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::DELETE, &["feeds", &self.name]);
        let gone: Deletion = client.ask(request).await?;
        output.deletion(&gone, &["deleted", &self.name])
    }
}

impl RunFeed {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let share = self.max_removed.map(|share| ("max_removed", share.to_string()));
        let request =
            client.v1(Method::POST, &["feeds", &self.name, "run"]).query(&share.as_slice());
        let answer = client.send(request).await?;
        let feed = client.document::<Feed>(answer).await?;
        output.document(&feed, |body| format!("{}\n", line(body)))?;
        let Some(failing) = &feed.body.status.failing else { return Ok(ExitCode::SUCCESS) };
        let notes = failing.notes.iter().map(|note| match note.line {
            Some(line) => format!("line {line}: {}", note.text),
            None => note.text.clone(),
        });
        for note in notes.filter(|_| !output.is_json()) {
            output::note(text::visible(&note));
        }
        Ok(REFUSED.into())
    }
}

/// What came of a run.
fn line(feed: &Feed) -> String {
    let status = &feed.status;
    let words = match (&status.failing, &status.imported) {
        (Some(failing), _) => format!("failed  {}: {}", failing.reason, failing.detail),
        (None, Some(imported)) if status.last_import == status.last_success => {
            let counts = imported.counts;
            format!(
                "added {}  updated {}  unchanged {}  removed {}  rejected {}  seq {}",
                counts.added,
                counts.updated,
                counts.unchanged,
                counts.removed,
                counts.rejected,
                imported.seq
            )
        }
        _ => "has not changed".to_owned(),
    };
    format!("{}  {}", text::visible(&feed.name), text::visible(&words))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::PutFeed;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        put: PutFeed,
    }

    #[test]
    fn only_what_is_said_is_sent() {
        let body = |line: &str| {
            let words = ["put"].into_iter().chain(line.split_whitespace());
            Line::try_parse_from(words).map(|line| serde_json::to_string(&line.put.body()).unwrap())
        };
        let told = body(
            "drop --zone bl.example.org --url https://a.example/x --every 30m --max-removed 50%",
        );
        assert_eq!(
            told.unwrap(),
            r#"{"zone":"bl.example.org","url":"https://a.example/x","every":1800,"max_removed":0.5}"#
        );
        assert!(body("drop --zone bl.example.org").is_err());
        assert!(body("drop --zone bl.example.org --url https://a.example/x --path /x").is_err());
        assert!(body("drop --zone bl.example.org --path /x --format rbldnsd").is_err());
    }
}
