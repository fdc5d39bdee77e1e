//! `dnsblctl listing list`: the listings of a zone, page by page.

use admin_api_types::{Listing, ListingPage};
use clap::Args;
use reqwest::Method;

use crate::{
    args::Query,
    client::Client,
    document::Document,
    output::{self, Output},
    path::parse_segment,
    text::Cell,
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
pub(crate) struct ListListings {
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

impl ListListings {
    /// Does it.
    pub(super) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut cursor = None;
        while left > 0 {
            let page = self.page(client, cursor, left.min(PAGE)).await?;
            show(&page, output)?;
            left = left.saturating_sub(page.body.listings.len() as u64);
            cursor = page.body.next;
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
    ) -> anyhow::Result<Document<ListingPage>> {
        let options = [
            ("subject", &self.subject),
            ("match", &self.matching),
            ("source", &self.source),
            ("tag", &self.tag),
            ("cursor", &cursor),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        let mut query: Query = given.collect();
        query.push(("limit", limit.to_string()));
        let request = client.v1(Method::GET, &["zones", &self.zone, "listings"]);
        client.ask(request.query(&query)).await
    }
}

fn show(page: &Document<ListingPage>, output: Output) -> anyhow::Result<()> {
    let listings = &page.body.listings;
    if listings.is_empty() && page.body.next.is_some() && !output.is_json() {
        return Ok(());
    }
    output.table(page, COLUMNS, listings, row)
}

fn row(listing: &Listing) -> [String; 7] {
    let kind = if listing.exclusion { "exclusion" } else { "listing" };
    [
        listing.subject.cell(),
        kind.cell(),
        listing.source.cell(),
        listing.return_codes.cell(),
        listing.expires_at.cell(),
        listing.tags.cell(),
        listing.reason.cell(),
    ]
}
