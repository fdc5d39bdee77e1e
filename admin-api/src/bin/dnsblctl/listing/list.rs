//! `dnsblctl listing list`: the listings of a zone, page by page.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::{
    args::Query,
    client::{Client, Document},
    output::{self, Output},
    path::parse_segment,
    text,
};

/// The most listings of one page.
const PAGE: u64 = 1000;

const COLUMNS: [&str; 7] =
    ["subject", "kind", "source", "return_codes", "expires_at", "tags", "reason"];

const NOTES: &str = "\
Each line tells the subject, whether it is a listing or an exclusion, the source, the return codes,
when it expires, the tags and the reason; - is the zone's value, or nothing.

Examples:
  dnsblctl listing list bl.example.org
  dnsblctl listing list bl.example.org --subject 192.0.2.0/24 --match covered
  dnsblctl listing list bl.example.org --source honeypot --tag abuse --limit 20
  dnsblctl listing list bl.example.org --json | jq -r '.listings[].subject'";

/// Lists the listings of a zone
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct List {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
    /// Only what has to do with this address, prefix or domain
    #[arg(long)]
    subject: Option<String>,
    /// How listings match the subject
    #[arg(
        long = "match",
        value_name = "HOW",
        requires = "subject",
        value_parser = ["exact", "covering", "covered", "overlap"]
    )]
    matching: Option<String>,
    /// Only listings of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only listings with this tag
    #[arg(long)]
    tag: Option<String>,
    /// At most so many listings; all unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl List {
    /// Does it.
    pub(super) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut cursor = None;
        while left > 0 {
            let page = self.page(client, cursor.take(), left.min(PAGE)).await?;
            show(&page, output)?;
            left = left.saturating_sub(len(&page));
            cursor = next(&page);
            if cursor.is_none() {
                return Ok(());
            }
        }
        output::note("there are more listings");
        Ok(())
    }

    async fn page(
        &self,
        client: &Client,
        cursor: Option<String>,
        limit: u64,
    ) -> anyhow::Result<Document> {
        let given = [
            ("subject", &self.subject),
            ("match", &self.matching),
            ("source", &self.source),
            ("tag", &self.tag),
            ("cursor", &cursor),
        ];
        let given = given.into_iter();
        let mut query: Query =
            given.filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        query.push(("limit", limit.to_string()));
        let request = client.v1(Method::GET, &["zones", &self.zone, "listings"]);
        client.ask(request.query(&query)).await
    }
}

/// How many listings a page has.
fn len(page: &Document) -> u64 {
    page.value["listings"].as_array().map_or(0, |page| page.len() as u64)
}

/// Where the next page begins, if there is one.
fn next(page: &Document) -> Option<String> {
    match &page.value["next"] {
        Value::Null => None,
        Value::String(cursor) => Some(cursor.clone()),
        other => Some(other.to_string()),
    }
}

fn show(page: &Document, output: Output) -> anyhow::Result<()> {
    if len(page) == 0 && next(page).is_some() && !output.is_json() {
        return Ok(());
    }
    let listings = page.value["listings"].as_array().into_iter().flatten();
    let row = |listing| {
        let mut row = text::cells(listing, &COLUMNS);
        let exclusion = listing["exclusion"] == true;
        row[1] = if exclusion { "exclusion" } else { "listing" }.to_owned();
        row
    };
    output.document(page, |_| output::headed(&COLUMNS, listings.map(row).collect()))
}
